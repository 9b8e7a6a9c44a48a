-- +goose Up

-- Entries of both journals as the logs told them; the sums of a day's close added up over the buckets of a log partition.
CREATE TABLE report_entry (
  bucket         BIGINT NOT NULL,
  journal        VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  transaction_id BIGINT NOT NULL,
  line           BIGINT NOT NULL,
  event          VARCHAR(32) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  subject_id     BIGINT NOT NULL,
  account        VARCHAR(32) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  amount_minor   BIGINT NOT NULL,
  product        VARCHAR(40) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  booked_on      VARCHAR(10) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  value_on       VARCHAR(10) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  PRIMARY KEY (bucket, journal, transaction_id, line)
);
CREATE INDEX report_entry_account ON report_entry (account, booked_on, transaction_id, journal, line);
CREATE INDEX report_entry_subject ON report_entry (subject_id, booked_on, transaction_id, journal, line);

-- Sums by day. bucket is the log partition: one follower writes it, so no row is contended.
CREATE TABLE report_sum (
  bucket       BIGINT NOT NULL,
  journal      VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  account      VARCHAR(32) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  booked_on    VARCHAR(10) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  debit_minor  BIGINT NOT NULL,
  credit_minor BIGINT NOT NULL,
  entries      BIGINT NOT NULL,
  PRIMARY KEY (bucket, journal, account, booked_on)
);

CREATE TABLE report_application (
  bucket         BIGINT NOT NULL,
  application_id BIGINT NOT NULL,
  user_id        BIGINT NOT NULL,
  state          VARCHAR(32) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  product        VARCHAR(40) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  amount_minor   BIGINT NOT NULL,
  term_months    BIGINT NOT NULL,
  purpose        VARCHAR(40) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  reason         VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  loan_id        BIGINT NOT NULL,
  created_ms     BIGINT NOT NULL,
  moved_ms       BIGINT NOT NULL,
  PRIMARY KEY (bucket, application_id)
);
CREATE INDEX report_application_time ON report_application (created_ms, application_id);
CREATE INDEX report_application_state ON report_application (state, created_ms, application_id);
CREATE INDEX report_application_user ON report_application (user_id, created_ms, application_id);

-- What risk said of an application, from risk's own log.
CREATE TABLE report_decision (
  bucket         BIGINT NOT NULL,
  application_id BIGINT NOT NULL,
  outcome        VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  grade          VARCHAR(8) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  score          BIGINT NOT NULL,
  decided_ms     BIGINT NOT NULL,
  PRIMARY KEY (bucket, application_id)
);

CREATE TABLE report_loan (
  bucket            BIGINT NOT NULL,
  loan_id           BIGINT NOT NULL,
  user_id           BIGINT NOT NULL,
  state             VARCHAR(32) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  product           VARCHAR(40) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  principal_minor   BIGINT NOT NULL,
  outstanding_minor BIGINT NOT NULL,
  overdue_minor     BIGINT NOT NULL,
  dpd_bucket        VARCHAR(8) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  class             VARCHAR(24) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  disbursed_on      VARCHAR(10) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  rate_ppm          BIGINT NOT NULL,
  method            VARCHAR(32) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  created_ms        BIGINT NOT NULL,
  moved_ms          BIGINT NOT NULL,
  PRIMARY KEY (bucket, loan_id)
);
CREATE INDEX report_loan_time ON report_loan (created_ms, loan_id);
CREATE INDEX report_loan_state ON report_loan (state, created_ms, loan_id);
CREATE INDEX report_loan_bucket ON report_loan (dpd_bucket, created_ms, loan_id);
CREATE INDEX report_loan_user ON report_loan (user_id, created_ms, loan_id);

CREATE TABLE report_order (
  bucket       BIGINT NOT NULL,
  order_id     BIGINT NOT NULL,
  user_id      BIGINT NOT NULL,
  loan_id      BIGINT NOT NULL,
  kind         VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  amount_minor BIGINT NOT NULL,
  outcome      VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  reason       VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  channel      VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  posting_on   VARCHAR(10) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  value_on     VARCHAR(10) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  created_ms   BIGINT NOT NULL,
  settled_ms   BIGINT NOT NULL,
  PRIMARY KEY (bucket, order_id)
);
CREATE INDEX report_order_time ON report_order (created_ms, order_id);
CREATE INDEX report_order_outcome ON report_order (outcome, created_ms, order_id);
CREATE INDEX report_order_loan ON report_order (loan_id, created_ms, order_id);
