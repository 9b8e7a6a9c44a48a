-- +goose Up

-- The settlement date of the file that stated the attempt; empty until one has.
ALTER TABLE payment_attempt ADD COLUMN stated_on VARCHAR(10) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL DEFAULT '',
  ADD KEY payment_attempt_by_stated (channel, stated_on, settled_on);

-- The file that a channel owes for one account and settlement date, and what became of it. Belongs to no user; bucket is 0.
-- next_ms is when it is asked for again, 0: not any more.
CREATE TABLE payment_statement (
  bucket BIGINT NOT NULL,
  channel VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  account VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  settled_on VARCHAR(10) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  state VARCHAR(12) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  reason VARCHAR(48) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  file_version BIGINT NOT NULL,
  line_count BIGINT NOT NULL,
  in_minor BIGINT NOT NULL,
  out_minor BIGINT NOT NULL,
  fee_minor BIGINT NOT NULL,
  opening_minor BIGINT NOT NULL,
  closing_minor BIGINT NOT NULL,
  asks BIGINT NOT NULL,
  asked_ms BIGINT NOT NULL,
  next_ms BIGINT NOT NULL,
  received_ms BIGINT NOT NULL,
  closed_ms BIGINT NOT NULL,
  version BIGINT NOT NULL,
  PRIMARY KEY (bucket, channel, account, settled_on),
  KEY payment_statement_by_next (next_ms),
  KEY payment_statement_by_state (state, settled_on)
);

-- Every file that a channel gave, as it came, refused ones too. Belongs to no user; bucket is 0.
CREATE TABLE payment_file (
  bucket BIGINT NOT NULL,
  channel VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  account VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  settled_on VARCHAR(10) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  number BIGINT NOT NULL,
  file_version BIGINT NOT NULL,
  state VARCHAR(8) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  reason VARCHAR(48) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  note VARCHAR(500) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  name VARCHAR(120) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  digest VARBINARY(32) NOT NULL,
  size_bytes BIGINT NOT NULL,
  content LONGBLOB NOT NULL,
  summary VARCHAR(500) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  received_ms BIGINT NOT NULL,
  PRIMARY KEY (bucket, channel, account, settled_on, number)
);

-- A line of a believed file, in the bucket of its order; what is nobody's lies in the bucket of the hash of its number.
CREATE TABLE payment_line (
  bucket BIGINT NOT NULL,
  channel VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  settled_on VARCHAR(10) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  file_version BIGINT NOT NULL,
  number BIGINT NOT NULL,
  kind VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  request_no VARCHAR(40) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  channel_no VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  original_no VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  amount_minor BIGINT NOT NULL,
  fee_minor BIGINT NOT NULL,
  status VARCHAR(8) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  moved_on VARCHAR(10) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  class VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  took BIGINT NOT NULL,
  order_id BIGINT NOT NULL,
  attempt_id BIGINT NOT NULL,
  difference_id BIGINT NOT NULL,
  transaction_id BIGINT NOT NULL,
  state VARCHAR(8) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  version BIGINT NOT NULL,
  PRIMARY KEY (bucket, channel, settled_on, file_version, number),
  KEY payment_line_by_number (bucket, channel, channel_no),
  KEY payment_line_by_day (channel, settled_on)
);

-- What a comparison left over: a line or item that is not a match, until it is explained or corrected. open_minor is what stands
-- in transit because of it; an item that only we have stands there by itself, so that it is not counted here.
CREATE TABLE payment_difference (
  bucket BIGINT NOT NULL,
  difference_id BIGINT NOT NULL,
  channel VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  account VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  class VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  settled_on VARCHAR(10) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  side VARCHAR(4) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  kind VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  request_no VARCHAR(40) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  channel_no VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  order_id BIGINT NOT NULL,
  attempt_id BIGINT NOT NULL,
  expected_minor BIGINT NOT NULL,
  actual_minor BIGINT NOT NULL,
  open_minor BIGINT NOT NULL,
  parked_minor BIGINT NOT NULL,
  state VARCHAR(8) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  outcome VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  note VARCHAR(200) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  break_id BIGINT NOT NULL,
  created_ms BIGINT NOT NULL,
  ended_ms BIGINT NOT NULL,
  version BIGINT NOT NULL,
  PRIMARY KEY (bucket, difference_id),
  KEY payment_difference_by_state (channel, state, settled_on),
  KEY payment_difference_by_attempt (bucket, attempt_id),
  KEY payment_difference_by_break (bucket, break_id),
  KEY payment_difference_by_day (channel, settled_on)
);

-- Money of an attempt that came back after success: a second movement of it, which a file must state. stated_on as with attempts.
CREATE TABLE payment_back (
  bucket BIGINT NOT NULL,
  attempt_id BIGINT NOT NULL,
  order_id BIGINT NOT NULL,
  channel VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  amount_minor BIGINT NOT NULL,
  settled_on VARCHAR(10) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  stated_on VARCHAR(10) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  created_ms BIGINT NOT NULL,
  version BIGINT NOT NULL,
  PRIMARY KEY (bucket, attempt_id),
  KEY payment_back_by_stated (channel, stated_on, settled_on)
);

-- Where an account at a channel stands after its last comparison. Belongs to no user; bucket is 0.
CREATE TABLE payment_position (
  bucket BIGINT NOT NULL,
  channel VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  account VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  first_on VARCHAR(10) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  base_minor BIGINT NOT NULL,
  bank_minor BIGINT NOT NULL,
  transit_minor BIGINT NOT NULL,
  runs BIGINT NOT NULL,
  version BIGINT NOT NULL,
  PRIMARY KEY (bucket, channel, account)
);

-- The figures of a comparison, append-only. Belongs to no user; bucket is 0. run counts the comparisons of an account.
CREATE TABLE payment_close (
  bucket BIGINT NOT NULL,
  channel VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  account VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  settled_on VARCHAR(10) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  run BIGINT NOT NULL,
  file_version BIGINT NOT NULL,
  opening_minor BIGINT NOT NULL,
  moved_minor BIGINT NOT NULL,
  settled_minor BIGINT NOT NULL,
  closing_minor BIGINT NOT NULL,
  later_minor BIGINT NOT NULL,
  journal_minor BIGINT NOT NULL,
  bank_opening_minor BIGINT NOT NULL,
  bank_moved_minor BIGINT NOT NULL,
  bank_closing_minor BIGINT NOT NULL,
  items BIGINT NOT NULL,
  breaks BIGINT NOT NULL,
  ties BIGINT NOT NULL,
  reason VARCHAR(48) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  at_ms BIGINT NOT NULL,
  PRIMARY KEY (bucket, channel, account, settled_on, run)
);
