-- +goose Up
-- Statements: what a channel's account saw, day by day, as its files tell it.

-- original_no names the order that a return or a charge-back undoes.
ALTER TABLE journal ADD COLUMN original_no TEXT NOT NULL DEFAULT '' CHECK (length(original_no) <= 64);
CREATE INDEX journal_day ON journal (party, merchant_id, settled_on, seq);
CREATE INDEX journal_channel ON journal (party, channel_no);

-- undo: a success that came back or was charged back, with the number, time and settlement date of that.
ALTER TABLE trade ADD COLUMN undo_no TEXT NOT NULL DEFAULT '' CHECK (length(undo_no) <= 64);
ALTER TABLE trade ADD COLUMN undo_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE trade ADD COLUMN undo_on TEXT NOT NULL DEFAULT '' CHECK (length(undo_on) <= 10);

-- The merchant's account now pays the fees, too, and an order for money out holds its own.
UPDATE merchant SET balance_minor = balance_minor
  - coalesce((SELECT sum(j.fee_minor) FROM journal j WHERE j.party = merchant.party AND j.merchant_id = merchant.merchant_id AND j.status = 'SUCCESS'), 0)
  - (SELECT count(*) FROM trade t WHERE t.party = merchant.party AND t.merchant_id = merchant.merchant_id AND t.state = 'PROCESSING' AND t.kind <> 'COLLECT')
    * CASE merchant.party WHEN 'beta' THEN 80 ELSE 100 END;

-- statement: every version of a file that was made. content never changes once ready_ms is past.
CREATE TABLE statement (
  party TEXT NOT NULL CHECK (length(party) <= 16),
  merchant_id TEXT NOT NULL CHECK (length(merchant_id) <= 64),
  day TEXT NOT NULL CHECK (length(day) <= 10),
  version INTEGER NOT NULL,
  fault TEXT NOT NULL CHECK (length(fault) <= 24),
  ready_ms INTEGER NOT NULL,
  name TEXT NOT NULL CHECK (length(name) <= 128),
  lines INTEGER NOT NULL,
  in_minor INTEGER NOT NULL,
  out_minor INTEGER NOT NULL,
  fee_minor INTEGER NOT NULL,
  opening_minor INTEGER NOT NULL,
  closing_minor INTEGER NOT NULL,
  content BLOB NOT NULL,
  sha256 TEXT NOT NULL CHECK (length(sha256) <= 64),
  summary TEXT NOT NULL CHECK (length(summary) <= 400),
  PRIMARY KEY (party, merchant_id, day, version)
) STRICT;

-- break: what a statement says otherwise than it was, and what happened that nobody ordered.
CREATE TABLE break (
  id INTEGER NOT NULL PRIMARY KEY,
  party TEXT NOT NULL CHECK (length(party) <= 16),
  merchant_id TEXT NOT NULL CHECK (length(merchant_id) <= 64),
  day TEXT NOT NULL CHECK (length(day) <= 10),
  kind TEXT NOT NULL CHECK (length(kind) <= 24),
  finding TEXT NOT NULL CHECK (length(finding) <= 24),
  trade_kind TEXT NOT NULL CHECK (length(trade_kind) <= 16),
  request_no TEXT NOT NULL CHECK (length(request_no) <= 64),
  channel_no TEXT NOT NULL CHECK (length(channel_no) <= 64),
  amount_minor INTEGER NOT NULL,
  stated_minor INTEGER NOT NULL,
  fee_minor INTEGER NOT NULL,
  stated_fee_minor INTEGER NOT NULL,
  status TEXT NOT NULL CHECK (length(status) <= 24),
  stated_status TEXT NOT NULL CHECK (length(stated_status) <= 24),
  ready_ms INTEGER NOT NULL,
  healed INTEGER NOT NULL
) STRICT;
CREATE INDEX break_day ON break (party, merchant_id, day);
