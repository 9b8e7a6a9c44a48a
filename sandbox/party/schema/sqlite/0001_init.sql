-- +goose Up
-- The sandbox keeps its own SQLite file: what the outside parties know and did. There is no second dialect.

-- journal is append-only: one row for everything a party really did.
CREATE TABLE journal (
  seq INTEGER NOT NULL PRIMARY KEY,
  party TEXT NOT NULL CHECK (length(party) <= 16),
  kind TEXT NOT NULL CHECK (length(kind) <= 24),
  request_no TEXT NOT NULL CHECK (length(request_no) <= 64),
  channel_no TEXT NOT NULL CHECK (length(channel_no) <= 64),
  merchant_id TEXT NOT NULL CHECK (length(merchant_id) <= 64),
  card_no TEXT NOT NULL CHECK (length(card_no) <= 32),
  amount_minor INTEGER NOT NULL,
  fee_minor INTEGER NOT NULL,
  status TEXT NOT NULL CHECK (length(status) <= 24),
  code TEXT NOT NULL CHECK (length(code) <= 64),
  at_ms INTEGER NOT NULL,
  settled_on TEXT NOT NULL CHECK (length(settled_on) <= 10)
) STRICT;
CREATE INDEX journal_party ON journal (party, seq);

CREATE TABLE person (
  id_no TEXT NOT NULL PRIMARY KEY CHECK (length(id_no) <= 18),
  name TEXT NOT NULL CHECK (length(name) <= 64),
  mobile TEXT NOT NULL CHECK (length(mobile) <= 16),
  reachable INTEGER NOT NULL,
  made_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX person_mobile ON person (mobile);

CREATE TABLE card (
  card_no TEXT NOT NULL PRIMARY KEY CHECK (length(card_no) <= 32),
  id_no TEXT NOT NULL CHECK (length(id_no) <= 18),
  holder TEXT NOT NULL CHECK (length(holder) <= 64),
  bank TEXT NOT NULL CHECK (length(bank) <= 16),
  mobile TEXT NOT NULL CHECK (length(mobile) <= 16),
  balance_minor INTEGER NOT NULL CHECK (balance_minor >= 0),
  closed INTEGER NOT NULL,
  version INTEGER NOT NULL
) STRICT;
CREATE INDEX card_person ON card (id_no);

-- merchant: our account at a payment channel.
CREATE TABLE merchant (
  party TEXT NOT NULL CHECK (length(party) <= 16),
  merchant_id TEXT NOT NULL CHECK (length(merchant_id) <= 64),
  balance_minor INTEGER NOT NULL CHECK (balance_minor >= 0),
  PRIMARY KEY (party, merchant_id)
) STRICT;

-- trade: one order at a payment channel, deduplicated by its primary key.
CREATE TABLE trade (
  party TEXT NOT NULL CHECK (length(party) <= 16),
  merchant_id TEXT NOT NULL CHECK (length(merchant_id) <= 64),
  request_no TEXT NOT NULL CHECK (length(request_no) <= 64),
  sent_at TEXT NOT NULL CHECK (length(sent_at) <= 14),
  body_hash TEXT NOT NULL CHECK (length(body_hash) <= 64),
  kind TEXT NOT NULL CHECK (length(kind) <= 16),
  amount_minor INTEGER NOT NULL,
  currency TEXT NOT NULL CHECK (length(currency) <= 3),
  card_no TEXT NOT NULL CHECK (length(card_no) <= 32),
  holder TEXT NOT NULL CHECK (length(holder) <= 64),
  notify_url TEXT NOT NULL CHECK (length(notify_url) <= 500),
  state TEXT NOT NULL CHECK (length(state) <= 16),
  reason TEXT NOT NULL CHECK (length(reason) <= 64),
  channel_no TEXT NOT NULL CHECK (length(channel_no) <= 64),
  fee_minor INTEGER NOT NULL,
  accepted_ms INTEGER NOT NULL,
  due_ms INTEGER NOT NULL,
  finished_ms INTEGER NOT NULL,
  settled_on TEXT NOT NULL CHECK (length(settled_on) <= 10),
  PRIMARY KEY (party, merchant_id, request_no, sent_at)
) STRICT;
CREATE INDEX trade_open ON trade (party, state, due_ms);
CREATE INDEX trade_settled ON trade (party, settled_on);

CREATE TABLE verification (
  request_id TEXT NOT NULL PRIMARY KEY CHECK (length(request_id) <= 64),
  body_hash TEXT NOT NULL CHECK (length(body_hash) <= 64),
  code TEXT NOT NULL CHECK (length(code) <= 16),
  result TEXT NOT NULL CHECK (length(result) <= 16),
  bank TEXT NOT NULL CHECK (length(bank) <= 16),
  at_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE sms (
  request_id TEXT NOT NULL PRIMARY KEY CHECK (length(request_id) <= 64),
  seq INTEGER NOT NULL UNIQUE,
  body_hash TEXT NOT NULL CHECK (length(body_hash) <= 64),
  message_no TEXT NOT NULL CHECK (length(message_no) <= 64),
  mobile TEXT NOT NULL CHECK (length(mobile) <= 16),
  template TEXT NOT NULL CHECK (length(template) <= 64),
  text TEXT NOT NULL CHECK (length(text) <= 1000),
  status TEXT NOT NULL CHECK (length(status) <= 16),
  at_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX sms_mobile ON sms (mobile, seq);

-- callback: what a party still has to tell us, or told. due_ms is real time.
CREATE TABLE callback (
  id INTEGER NOT NULL PRIMARY KEY,
  party TEXT NOT NULL CHECK (length(party) <= 16),
  request_no TEXT NOT NULL CHECK (length(request_no) <= 64),
  url TEXT NOT NULL CHECK (length(url) <= 500),
  body BLOB NOT NULL,
  flaw TEXT NOT NULL CHECK (length(flaw) <= 24),
  state TEXT NOT NULL CHECK (length(state) <= 16),
  tries INTEGER NOT NULL,
  due_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX callback_state ON callback (state, due_ms);

-- nonce: signed requests with an effect, kept as long as their timestamp could be accepted again.
CREATE TABLE nonce (
  party TEXT NOT NULL CHECK (length(party) <= 16),
  nonce TEXT NOT NULL CHECK (length(nonce) <= 128),
  until_ms INTEGER NOT NULL,
  PRIMARY KEY (party, nonce)
) STRICT;
CREATE INDEX nonce_until ON nonce (until_ms);

CREATE TABLE fault (
  id INTEGER NOT NULL PRIMARY KEY,
  rule TEXT NOT NULL CHECK (length(rule) <= 2000),
  live INTEGER NOT NULL
) STRICT;

-- fault_hit: which request met which fault how often.
CREATE TABLE fault_hit (
  fault_id INTEGER NOT NULL,
  request_no TEXT NOT NULL CHECK (length(request_no) <= 64),
  hits INTEGER NOT NULL,
  PRIMARY KEY (fault_id, request_no)
) STRICT;

CREATE TABLE setting (
  name TEXT NOT NULL PRIMARY KEY CHECK (length(name) <= 64),
  value TEXT NOT NULL CHECK (length(value) <= 4000)
) STRICT;
