-- +goose Up

-- The settlement date of the file that stated the attempt; empty until one has.
ALTER TABLE payment_attempt ADD COLUMN stated_on TEXT NOT NULL DEFAULT '' CHECK (length(stated_on) <= 10);
CREATE INDEX payment_attempt_by_stated ON payment_attempt (channel, stated_on, settled_on);

-- The file that a channel owes for one account and settlement date, and what became of it. Belongs to no user; bucket is 0.
-- next_ms is when it is asked for again, 0: not any more.
CREATE TABLE payment_statement (
  bucket INTEGER NOT NULL,
  channel TEXT NOT NULL CHECK (length(channel) <= 16),
  account TEXT NOT NULL CHECK (length(account) <= 64),
  settled_on TEXT NOT NULL CHECK (length(settled_on) <= 10),
  state TEXT NOT NULL CHECK (length(state) <= 12),
  reason TEXT NOT NULL CHECK (length(reason) <= 48),
  file_version INTEGER NOT NULL,
  line_count INTEGER NOT NULL,
  in_minor INTEGER NOT NULL,
  out_minor INTEGER NOT NULL,
  fee_minor INTEGER NOT NULL,
  opening_minor INTEGER NOT NULL,
  closing_minor INTEGER NOT NULL,
  asks INTEGER NOT NULL,
  asked_ms INTEGER NOT NULL,
  next_ms INTEGER NOT NULL,
  received_ms INTEGER NOT NULL,
  closed_ms INTEGER NOT NULL,
  version INTEGER NOT NULL,
  PRIMARY KEY (bucket, channel, account, settled_on)
) STRICT, WITHOUT ROWID;
CREATE INDEX payment_statement_by_next ON payment_statement (next_ms);
CREATE INDEX payment_statement_by_state ON payment_statement (state, settled_on);

-- Every file that a channel gave, as it came, refused ones too. Belongs to no user; bucket is 0.
CREATE TABLE payment_file (
  bucket INTEGER NOT NULL,
  channel TEXT NOT NULL CHECK (length(channel) <= 16),
  account TEXT NOT NULL CHECK (length(account) <= 64),
  settled_on TEXT NOT NULL CHECK (length(settled_on) <= 10),
  number INTEGER NOT NULL,
  file_version INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (length(state) <= 8),
  reason TEXT NOT NULL CHECK (length(reason) <= 48),
  note TEXT NOT NULL CHECK (length(note) <= 500),
  name TEXT NOT NULL CHECK (length(name) <= 120),
  digest BLOB NOT NULL CHECK (length(digest) <= 32),
  size_bytes INTEGER NOT NULL,
  content BLOB NOT NULL,
  summary TEXT NOT NULL CHECK (length(summary) <= 500),
  received_ms INTEGER NOT NULL,
  PRIMARY KEY (bucket, channel, account, settled_on, number)
) STRICT, WITHOUT ROWID;

-- A line of a believed file, in the bucket of its order; what is nobody's lies in the bucket of the hash of its number.
CREATE TABLE payment_line (
  bucket INTEGER NOT NULL,
  channel TEXT NOT NULL CHECK (length(channel) <= 16),
  settled_on TEXT NOT NULL CHECK (length(settled_on) <= 10),
  file_version INTEGER NOT NULL,
  number INTEGER NOT NULL,
  kind TEXT NOT NULL CHECK (length(kind) <= 16),
  request_no TEXT NOT NULL CHECK (length(request_no) <= 40),
  channel_no TEXT NOT NULL CHECK (length(channel_no) <= 64),
  original_no TEXT NOT NULL CHECK (length(original_no) <= 64),
  amount_minor INTEGER NOT NULL,
  fee_minor INTEGER NOT NULL,
  status TEXT NOT NULL CHECK (length(status) <= 8),
  moved_on TEXT NOT NULL CHECK (length(moved_on) <= 10),
  class TEXT NOT NULL CHECK (length(class) <= 16),
  took INTEGER NOT NULL,
  order_id INTEGER NOT NULL,
  attempt_id INTEGER NOT NULL,
  difference_id INTEGER NOT NULL,
  transaction_id INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (length(state) <= 8),
  version INTEGER NOT NULL,
  PRIMARY KEY (bucket, channel, settled_on, file_version, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX payment_line_by_number ON payment_line (bucket, channel, channel_no);
CREATE INDEX payment_line_by_day ON payment_line (channel, settled_on);

-- What a comparison left over: a line or item that is not a match, until it is explained or corrected. open_minor is what stands
-- in transit because of it; an item that only we have stands there by itself, so that it is not counted here.
CREATE TABLE payment_difference (
  bucket INTEGER NOT NULL,
  difference_id INTEGER NOT NULL,
  channel TEXT NOT NULL CHECK (length(channel) <= 16),
  account TEXT NOT NULL CHECK (length(account) <= 64),
  class TEXT NOT NULL CHECK (length(class) <= 16),
  settled_on TEXT NOT NULL CHECK (length(settled_on) <= 10),
  side TEXT NOT NULL CHECK (length(side) <= 4),
  kind TEXT NOT NULL CHECK (length(kind) <= 16),
  request_no TEXT NOT NULL CHECK (length(request_no) <= 40),
  channel_no TEXT NOT NULL CHECK (length(channel_no) <= 64),
  order_id INTEGER NOT NULL,
  attempt_id INTEGER NOT NULL,
  expected_minor INTEGER NOT NULL,
  actual_minor INTEGER NOT NULL,
  open_minor INTEGER NOT NULL,
  parked_minor INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (length(state) <= 8),
  outcome TEXT NOT NULL CHECK (length(outcome) <= 16),
  note TEXT NOT NULL CHECK (length(note) <= 200),
  break_id INTEGER NOT NULL,
  created_ms INTEGER NOT NULL,
  ended_ms INTEGER NOT NULL,
  version INTEGER NOT NULL,
  PRIMARY KEY (bucket, difference_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX payment_difference_by_state ON payment_difference (channel, state, settled_on);
CREATE INDEX payment_difference_by_attempt ON payment_difference (bucket, attempt_id);
CREATE INDEX payment_difference_by_break ON payment_difference (bucket, break_id);
CREATE INDEX payment_difference_by_day ON payment_difference (channel, settled_on);

-- Money of an attempt that came back after success: a second movement of it, which a file must state. stated_on as with attempts.
CREATE TABLE payment_back (
  bucket INTEGER NOT NULL,
  attempt_id INTEGER NOT NULL,
  order_id INTEGER NOT NULL,
  channel TEXT NOT NULL CHECK (length(channel) <= 16),
  amount_minor INTEGER NOT NULL,
  settled_on TEXT NOT NULL CHECK (length(settled_on) <= 10),
  stated_on TEXT NOT NULL CHECK (length(stated_on) <= 10),
  created_ms INTEGER NOT NULL,
  version INTEGER NOT NULL,
  PRIMARY KEY (bucket, attempt_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX payment_back_by_stated ON payment_back (channel, stated_on, settled_on);

-- Where an account at a channel stands after its last comparison. Belongs to no user; bucket is 0.
CREATE TABLE payment_position (
  bucket INTEGER NOT NULL,
  channel TEXT NOT NULL CHECK (length(channel) <= 16),
  account TEXT NOT NULL CHECK (length(account) <= 64),
  first_on TEXT NOT NULL CHECK (length(first_on) <= 10),
  base_minor INTEGER NOT NULL,
  bank_minor INTEGER NOT NULL,
  transit_minor INTEGER NOT NULL,
  runs INTEGER NOT NULL,
  version INTEGER NOT NULL,
  PRIMARY KEY (bucket, channel, account)
) STRICT, WITHOUT ROWID;

-- The figures of a comparison, append-only. Belongs to no user; bucket is 0. run counts the comparisons of an account.
CREATE TABLE payment_close (
  bucket INTEGER NOT NULL,
  channel TEXT NOT NULL CHECK (length(channel) <= 16),
  account TEXT NOT NULL CHECK (length(account) <= 64),
  settled_on TEXT NOT NULL CHECK (length(settled_on) <= 10),
  run INTEGER NOT NULL,
  file_version INTEGER NOT NULL,
  opening_minor INTEGER NOT NULL,
  moved_minor INTEGER NOT NULL,
  settled_minor INTEGER NOT NULL,
  closing_minor INTEGER NOT NULL,
  later_minor INTEGER NOT NULL,
  journal_minor INTEGER NOT NULL,
  bank_opening_minor INTEGER NOT NULL,
  bank_moved_minor INTEGER NOT NULL,
  bank_closing_minor INTEGER NOT NULL,
  items INTEGER NOT NULL,
  breaks INTEGER NOT NULL,
  ties INTEGER NOT NULL,
  reason TEXT NOT NULL CHECK (length(reason) <= 48),
  at_ms INTEGER NOT NULL,
  PRIMARY KEY (bucket, channel, account, settled_on, run)
) STRICT, WITHOUT ROWID;
