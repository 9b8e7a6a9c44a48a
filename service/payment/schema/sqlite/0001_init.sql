-- +goose Up

-- An order to move money, stored under the id its caller made.
CREATE TABLE payment_order (
  bucket INTEGER NOT NULL,
  order_id INTEGER NOT NULL,
  kind TEXT NOT NULL CHECK (length(kind) <= 16),
  user_id INTEGER NOT NULL,
  loan_id INTEGER NOT NULL,
  card_id INTEGER NOT NULL,
  amount_minor INTEGER NOT NULL,
  currency TEXT NOT NULL CHECK (length(currency) <= 3),
  not_before TEXT NOT NULL CHECK (length(not_before) <= 10),
  body_hash BLOB NOT NULL CHECK (length(body_hash) <= 32),
  state TEXT NOT NULL CHECK (length(state) <= 16),
  reason TEXT NOT NULL CHECK (length(reason) <= 48),
  stopped INTEGER NOT NULL,
  channel TEXT NOT NULL CHECK (length(channel) <= 16),
  channel_no TEXT NOT NULL CHECK (length(channel_no) <= 64),
  posting_on TEXT NOT NULL CHECK (length(posting_on) <= 10),
  value_on TEXT NOT NULL CHECK (length(value_on) <= 10),
  created_ms INTEGER NOT NULL,
  updated_ms INTEGER NOT NULL,
  version INTEGER NOT NULL,
  PRIMARY KEY (bucket, order_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX payment_order_by_state ON payment_order (state, created_ms, order_id);

-- One attempt of an order at one channel, committed before any call. live_key is the order while the attempt is live,
-- so that an order has at most one.
CREATE TABLE payment_attempt (
  bucket INTEGER NOT NULL,
  attempt_id INTEGER NOT NULL,
  order_id INTEGER NOT NULL,
  live_key INTEGER,
  number INTEGER NOT NULL,
  channel TEXT NOT NULL CHECK (length(channel) <= 16),
  request_no TEXT NOT NULL CHECK (length(request_no) <= 40),
  request_hash BLOB NOT NULL CHECK (length(request_hash) <= 32),
  amount_minor INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (length(state) <= 16),
  code TEXT NOT NULL CHECK (length(code) <= 64),
  reason TEXT NOT NULL CHECK (length(reason) <= 48),
  channel_no TEXT NOT NULL CHECK (length(channel_no) <= 64),
  fee_minor INTEGER NOT NULL,
  settled_on TEXT NOT NULL CHECK (length(settled_on) <= 10),
  moved_on TEXT NOT NULL CHECK (length(moved_on) <= 10),
  route TEXT NOT NULL CHECK (length(route) <= 2000),
  requested_ms INTEGER NOT NULL,
  submitted_ms INTEGER NOT NULL,
  final_ms INTEGER NOT NULL,
  sends INTEGER NOT NULL,
  queries INTEGER NOT NULL,
  fence INTEGER NOT NULL,
  version INTEGER NOT NULL,
  PRIMARY KEY (bucket, order_id, attempt_id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX payment_attempt_by_id ON payment_attempt (bucket, attempt_id);
CREATE UNIQUE INDEX payment_attempt_live ON payment_attempt (bucket, live_key);
CREATE INDEX payment_attempt_by_state ON payment_attempt (state, channel);

-- Every step of an order and its attempts, append-only.
CREATE TABLE payment_move (
  bucket INTEGER NOT NULL,
  order_id INTEGER NOT NULL,
  number INTEGER NOT NULL,
  attempt_id INTEGER NOT NULL,
  from_state TEXT NOT NULL CHECK (length(from_state) <= 16),
  event TEXT NOT NULL CHECK (length(event) <= 16),
  to_state TEXT NOT NULL CHECK (length(to_state) <= 16),
  actor TEXT NOT NULL CHECK (length(actor) <= 32),
  at_ms INTEGER NOT NULL,
  PRIMARY KEY (bucket, order_id, number)
) STRICT, WITHOUT ROWID;

-- What was said about an attempt and believed, append-only.
CREATE TABLE payment_evidence (
  bucket INTEGER NOT NULL,
  attempt_id INTEGER NOT NULL,
  number INTEGER NOT NULL,
  source TEXT NOT NULL CHECK (length(source) <= 16),
  verdict TEXT NOT NULL CHECK (length(verdict) <= 16),
  code TEXT NOT NULL CHECK (length(code) <= 64),
  message TEXT NOT NULL CHECK (length(message) <= 2000),
  digest BLOB NOT NULL CHECK (length(digest) <= 32),
  at_ms INTEGER NOT NULL,
  PRIMARY KEY (bucket, attempt_id, number)
) STRICT, WITHOUT ROWID;

-- The pending side of an order: held when it is reserved, posted or void when it ends.
CREATE TABLE payment_hold (
  bucket INTEGER NOT NULL,
  order_id INTEGER NOT NULL,
  direction TEXT NOT NULL CHECK (length(direction) <= 3),
  amount_minor INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (length(state) <= 8),
  version INTEGER NOT NULL,
  PRIMARY KEY (bucket, order_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX payment_hold_by_state ON payment_hold (state, direction);

-- The inbox: each message of a channel once.
CREATE TABLE payment_callback (
  bucket INTEGER NOT NULL,
  channel TEXT NOT NULL CHECK (length(channel) <= 16),
  message_key BLOB NOT NULL CHECK (length(message_key) <= 32),
  attempt_id INTEGER NOT NULL,
  digest BLOB NOT NULL CHECK (length(digest) <= 32),
  times INTEGER NOT NULL,
  first_ms INTEGER NOT NULL,
  last_ms INTEGER NOT NULL,
  version INTEGER NOT NULL,
  PRIMARY KEY (bucket, channel, message_key)
) STRICT, WITHOUT ROWID;

-- Callbacks that were refused, counted: a flood of forgeries must not fill the disk. Belongs to no user; bucket is 0.
CREATE TABLE payment_refusal (
  bucket INTEGER NOT NULL,
  refused_on TEXT NOT NULL CHECK (length(refused_on) <= 10),
  channel TEXT NOT NULL CHECK (length(channel) <= 16),
  reason TEXT NOT NULL CHECK (length(reason) <= 24),
  times INTEGER NOT NULL,
  last_digest BLOB NOT NULL CHECK (length(last_digest) <= 32),
  last_ms INTEGER NOT NULL,
  version INTEGER NOT NULL,
  PRIMARY KEY (bucket, refused_on, channel, reason)
) STRICT, WITHOUT ROWID;

-- What does not fit together and waits for a person. source_key keeps one break for one finding.
CREATE TABLE payment_break (
  bucket INTEGER NOT NULL,
  break_id INTEGER NOT NULL,
  source_key TEXT NOT NULL CHECK (length(source_key) <= 96),
  kind TEXT NOT NULL CHECK (length(kind) <= 16),
  order_id INTEGER NOT NULL,
  attempt_id INTEGER NOT NULL,
  channel TEXT NOT NULL CHECK (length(channel) <= 16),
  expected_minor INTEGER NOT NULL,
  actual_minor INTEGER NOT NULL,
  note TEXT NOT NULL CHECK (length(note) <= 500),
  state TEXT NOT NULL CHECK (length(state) <= 8),
  times INTEGER NOT NULL,
  created_ms INTEGER NOT NULL,
  version INTEGER NOT NULL,
  PRIMARY KEY (bucket, break_id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX payment_break_by_source ON payment_break (bucket, source_key);
CREATE INDEX payment_break_by_state ON payment_break (state, created_ms, break_id);

-- Settings of a channel that two people may change. Belongs to no user; bucket is 0.
CREATE TABLE payment_channel (
  bucket INTEGER NOT NULL,
  channel TEXT NOT NULL CHECK (length(channel) <= 16),
  enabled INTEGER NOT NULL,
  draining INTEGER NOT NULL,
  priority INTEGER NOT NULL,
  min_minor INTEGER NOT NULL,
  max_minor INTEGER NOT NULL,
  version INTEGER NOT NULL,
  PRIMARY KEY (bucket, channel)
) STRICT, WITHOUT ROWID;

-- The date under which a partition books. bucket is the partition.
CREATE TABLE payment_day (
  bucket INTEGER NOT NULL,
  open_on TEXT NOT NULL CHECK (length(open_on) <= 10),
  version INTEGER NOT NULL,
  PRIMARY KEY (bucket)
) STRICT, WITHOUT ROWID;

-- Dates under which nothing more is booked. bucket is the partition.
CREATE TABLE payment_sealed (
  bucket INTEGER NOT NULL,
  sealed_on TEXT NOT NULL CHECK (length(sealed_on) <= 10),
  sealed_ms INTEGER NOT NULL,
  PRIMARY KEY (bucket, sealed_on)
) STRICT, WITHOUT ROWID;

-- What was booked under a sealed date, by bucket and account.
CREATE TABLE payment_day_sum (
  bucket INTEGER NOT NULL,
  booked_on TEXT NOT NULL CHECK (length(booked_on) <= 10),
  account TEXT NOT NULL CHECK (length(account) <= 32),
  debit_minor INTEGER NOT NULL,
  credit_minor INTEGER NOT NULL,
  PRIMARY KEY (bucket, booked_on, account)
) STRICT, WITHOUT ROWID;

-- The cash journal: one balanced transaction, append-only. body_hash refuses the same id with another body.
CREATE TABLE journal_transaction (
  bucket INTEGER NOT NULL,
  transaction_id INTEGER NOT NULL,
  event TEXT NOT NULL CHECK (length(event) <= 24),
  subject_id INTEGER NOT NULL,
  booked_on TEXT NOT NULL CHECK (length(booked_on) <= 10),
  value_on TEXT NOT NULL CHECK (length(value_on) <= 10),
  reverses_id INTEGER NOT NULL,
  currency TEXT NOT NULL CHECK (length(currency) <= 3),
  body_hash BLOB NOT NULL CHECK (length(body_hash) <= 16),
  at_ms INTEGER NOT NULL,
  PRIMARY KEY (bucket, transaction_id)
) STRICT, WITHOUT ROWID;

-- Entries by account and their dense sequence in it, append-only; balance_minor is the balance after the entry.
CREATE TABLE journal_entry (
  bucket INTEGER NOT NULL,
  account TEXT NOT NULL CHECK (length(account) <= 32),
  sequence INTEGER NOT NULL,
  transaction_id INTEGER NOT NULL,
  amount_minor INTEGER NOT NULL,
  balance_minor INTEGER NOT NULL,
  PRIMARY KEY (bucket, account, sequence)
) STRICT, WITHOUT ROWID;

-- Where the entries of an order stand; transfers without a subject have no row.
CREATE TABLE journal_subject (
  bucket INTEGER NOT NULL,
  subject_id INTEGER NOT NULL,
  transaction_id INTEGER NOT NULL,
  account TEXT NOT NULL CHECK (length(account) <= 32),
  sequence INTEGER NOT NULL,
  PRIMARY KEY (bucket, subject_id, transaction_id, account, sequence)
) STRICT, WITHOUT ROWID;

-- One account in one bucket. open_on guards against booking under a sealed date; debit and credit are the sums of the
-- date sum_on.
CREATE TABLE journal_balance (
  bucket INTEGER NOT NULL,
  account TEXT NOT NULL CHECK (length(account) <= 32),
  balance_minor INTEGER NOT NULL,
  floor_minor INTEGER NOT NULL,
  entries INTEGER NOT NULL,
  open_on TEXT NOT NULL CHECK (length(open_on) <= 10),
  sum_on TEXT NOT NULL CHECK (length(sum_on) <= 10),
  debit_minor INTEGER NOT NULL,
  credit_minor INTEGER NOT NULL,
  version INTEGER NOT NULL,
  PRIMARY KEY (bucket, account)
) STRICT, WITHOUT ROWID;
