-- +goose Up

-- An order to move money, stored under the id its caller made.
CREATE TABLE payment_order (
  bucket BIGINT NOT NULL,
  order_id BIGINT NOT NULL,
  kind VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  user_id BIGINT NOT NULL,
  loan_id BIGINT NOT NULL,
  card_id BIGINT NOT NULL,
  amount_minor BIGINT NOT NULL,
  currency VARCHAR(3) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  not_before VARCHAR(10) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  body_hash VARBINARY(32) NOT NULL,
  state VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  reason VARCHAR(48) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  stopped BIGINT NOT NULL,
  channel VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  channel_no VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  posting_on VARCHAR(10) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  value_on VARCHAR(10) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  created_ms BIGINT NOT NULL,
  updated_ms BIGINT NOT NULL,
  version BIGINT NOT NULL,
  PRIMARY KEY (bucket, order_id),
  KEY payment_order_by_state (state, created_ms, order_id)
);

-- One attempt of an order at one channel, committed before any call. live_key is the order while the attempt is live,
-- so that an order has at most one.
CREATE TABLE payment_attempt (
  bucket BIGINT NOT NULL,
  attempt_id BIGINT NOT NULL,
  order_id BIGINT NOT NULL,
  live_key BIGINT,
  number BIGINT NOT NULL,
  channel VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  request_no VARCHAR(40) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  request_hash VARBINARY(32) NOT NULL,
  amount_minor BIGINT NOT NULL,
  state VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  code VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  reason VARCHAR(48) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  channel_no VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  fee_minor BIGINT NOT NULL,
  settled_on VARCHAR(10) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  moved_on VARCHAR(10) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  route VARCHAR(2000) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  requested_ms BIGINT NOT NULL,
  submitted_ms BIGINT NOT NULL,
  final_ms BIGINT NOT NULL,
  sends BIGINT NOT NULL,
  queries BIGINT NOT NULL,
  fence BIGINT NOT NULL,
  version BIGINT NOT NULL,
  PRIMARY KEY (bucket, order_id, attempt_id),
  UNIQUE KEY payment_attempt_by_id (bucket, attempt_id),
  UNIQUE KEY payment_attempt_live (bucket, live_key),
  KEY payment_attempt_by_state (state, channel)
);

-- Every step of an order and its attempts, append-only.
CREATE TABLE payment_move (
  bucket BIGINT NOT NULL,
  order_id BIGINT NOT NULL,
  number BIGINT NOT NULL,
  attempt_id BIGINT NOT NULL,
  from_state VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  event VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  to_state VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  actor VARCHAR(32) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  at_ms BIGINT NOT NULL,
  PRIMARY KEY (bucket, order_id, number)
);

-- What was said about an attempt and believed, append-only.
CREATE TABLE payment_evidence (
  bucket BIGINT NOT NULL,
  attempt_id BIGINT NOT NULL,
  number BIGINT NOT NULL,
  source VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  verdict VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  code VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  message VARCHAR(2000) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  digest VARBINARY(32) NOT NULL,
  at_ms BIGINT NOT NULL,
  PRIMARY KEY (bucket, attempt_id, number)
);

-- The pending side of an order: held when it is reserved, posted or void when it ends.
CREATE TABLE payment_hold (
  bucket BIGINT NOT NULL,
  order_id BIGINT NOT NULL,
  direction VARCHAR(3) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  amount_minor BIGINT NOT NULL,
  state VARCHAR(8) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  version BIGINT NOT NULL,
  PRIMARY KEY (bucket, order_id),
  KEY payment_hold_by_state (state, direction)
);

-- The inbox: each message of a channel once.
CREATE TABLE payment_callback (
  bucket BIGINT NOT NULL,
  channel VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  message_key VARBINARY(32) NOT NULL,
  attempt_id BIGINT NOT NULL,
  digest VARBINARY(32) NOT NULL,
  times BIGINT NOT NULL,
  first_ms BIGINT NOT NULL,
  last_ms BIGINT NOT NULL,
  version BIGINT NOT NULL,
  PRIMARY KEY (bucket, channel, message_key)
);

-- Callbacks that were refused, counted: a flood of forgeries must not fill the disk. Belongs to no user; bucket is 0.
CREATE TABLE payment_refusal (
  bucket BIGINT NOT NULL,
  refused_on VARCHAR(10) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  channel VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  reason VARCHAR(24) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  times BIGINT NOT NULL,
  last_digest VARBINARY(32) NOT NULL,
  last_ms BIGINT NOT NULL,
  version BIGINT NOT NULL,
  PRIMARY KEY (bucket, refused_on, channel, reason)
);

-- What does not fit together and waits for a person. source_key keeps one break for one finding.
CREATE TABLE payment_break (
  bucket BIGINT NOT NULL,
  break_id BIGINT NOT NULL,
  source_key VARCHAR(96) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  kind VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  order_id BIGINT NOT NULL,
  attempt_id BIGINT NOT NULL,
  channel VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  expected_minor BIGINT NOT NULL,
  actual_minor BIGINT NOT NULL,
  note VARCHAR(500) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  state VARCHAR(8) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  times BIGINT NOT NULL,
  created_ms BIGINT NOT NULL,
  version BIGINT NOT NULL,
  PRIMARY KEY (bucket, break_id),
  UNIQUE KEY payment_break_by_source (bucket, source_key),
  KEY payment_break_by_state (state, created_ms, break_id)
);

-- Settings of a channel that two people may change. Belongs to no user; bucket is 0.
CREATE TABLE payment_channel (
  bucket BIGINT NOT NULL,
  channel VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  enabled BIGINT NOT NULL,
  draining BIGINT NOT NULL,
  priority BIGINT NOT NULL,
  min_minor BIGINT NOT NULL,
  max_minor BIGINT NOT NULL,
  version BIGINT NOT NULL,
  PRIMARY KEY (bucket, channel)
);

-- The date under which a partition books. bucket is the partition.
CREATE TABLE payment_day (
  bucket BIGINT NOT NULL,
  open_on VARCHAR(10) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  version BIGINT NOT NULL,
  PRIMARY KEY (bucket)
);

-- Dates under which nothing more is booked. bucket is the partition.
CREATE TABLE payment_sealed (
  bucket BIGINT NOT NULL,
  sealed_on VARCHAR(10) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  sealed_ms BIGINT NOT NULL,
  PRIMARY KEY (bucket, sealed_on)
);

-- What was booked under a sealed date, by bucket and account.
CREATE TABLE payment_day_sum (
  bucket BIGINT NOT NULL,
  booked_on VARCHAR(10) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  account VARCHAR(32) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  debit_minor BIGINT NOT NULL,
  credit_minor BIGINT NOT NULL,
  PRIMARY KEY (bucket, booked_on, account)
);

-- The cash journal: one balanced transaction, append-only. body_hash refuses the same id with another body.
CREATE TABLE journal_transaction (
  bucket BIGINT NOT NULL,
  transaction_id BIGINT NOT NULL,
  event VARCHAR(24) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  subject_id BIGINT NOT NULL,
  booked_on VARCHAR(10) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  value_on VARCHAR(10) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  reverses_id BIGINT NOT NULL,
  currency VARCHAR(3) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  body_hash VARBINARY(16) NOT NULL,
  at_ms BIGINT NOT NULL,
  PRIMARY KEY (bucket, transaction_id)
);

-- Entries by account and their dense sequence in it, append-only; balance_minor is the balance after the entry.
CREATE TABLE journal_entry (
  bucket BIGINT NOT NULL,
  account VARCHAR(32) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  sequence BIGINT NOT NULL,
  transaction_id BIGINT NOT NULL,
  amount_minor BIGINT NOT NULL,
  balance_minor BIGINT NOT NULL,
  PRIMARY KEY (bucket, account, sequence)
);

-- Where the entries of an order stand; transfers without a subject have no row.
CREATE TABLE journal_subject (
  bucket BIGINT NOT NULL,
  subject_id BIGINT NOT NULL,
  transaction_id BIGINT NOT NULL,
  account VARCHAR(32) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  sequence BIGINT NOT NULL,
  PRIMARY KEY (bucket, subject_id, transaction_id, account, sequence)
);

-- One account in one bucket. open_on guards against booking under a sealed date; debit and credit are the sums of the
-- date sum_on.
CREATE TABLE journal_balance (
  bucket BIGINT NOT NULL,
  account VARCHAR(32) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  balance_minor BIGINT NOT NULL,
  floor_minor BIGINT NOT NULL,
  entries BIGINT NOT NULL,
  open_on VARCHAR(10) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  sum_on VARCHAR(10) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  debit_minor BIGINT NOT NULL,
  credit_minor BIGINT NOT NULL,
  version BIGINT NOT NULL,
  PRIMARY KEY (bucket, account)
);
