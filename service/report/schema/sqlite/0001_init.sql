-- +goose Up

-- Entries of both journals as the logs told them; the sums of a day's close added up over the buckets of a log partition.
CREATE TABLE report_entry (
  bucket         INTEGER NOT NULL,
  journal        TEXT NOT NULL CHECK (length(journal) <= 16),
  transaction_id INTEGER NOT NULL,
  line           INTEGER NOT NULL,
  event          TEXT NOT NULL CHECK (length(event) <= 32),
  subject_id     INTEGER NOT NULL,
  account        TEXT NOT NULL CHECK (length(account) <= 32),
  amount_minor   INTEGER NOT NULL,
  product        TEXT NOT NULL CHECK (length(product) <= 40),
  booked_on      TEXT NOT NULL CHECK (length(booked_on) <= 10),
  value_on       TEXT NOT NULL CHECK (length(value_on) <= 10),
  PRIMARY KEY (bucket, journal, transaction_id, line)
) STRICT;
CREATE INDEX report_entry_account ON report_entry (account, booked_on, transaction_id, journal, line);
CREATE INDEX report_entry_subject ON report_entry (subject_id, booked_on, transaction_id, journal, line);

-- Sums by day. bucket is the log partition: one follower writes it, so no row is contended.
CREATE TABLE report_sum (
  bucket       INTEGER NOT NULL,
  journal      TEXT NOT NULL CHECK (length(journal) <= 16),
  account      TEXT NOT NULL CHECK (length(account) <= 32),
  booked_on    TEXT NOT NULL CHECK (length(booked_on) <= 10),
  debit_minor  INTEGER NOT NULL,
  credit_minor INTEGER NOT NULL,
  entries      INTEGER NOT NULL,
  PRIMARY KEY (bucket, journal, account, booked_on)
) STRICT;

CREATE TABLE report_application (
  bucket         INTEGER NOT NULL,
  application_id INTEGER NOT NULL,
  user_id        INTEGER NOT NULL,
  state          TEXT NOT NULL CHECK (length(state) <= 32),
  product        TEXT NOT NULL CHECK (length(product) <= 40),
  amount_minor   INTEGER NOT NULL,
  term_months    INTEGER NOT NULL,
  purpose        TEXT NOT NULL CHECK (length(purpose) <= 40),
  reason         TEXT NOT NULL CHECK (length(reason) <= 64),
  loan_id        INTEGER NOT NULL,
  created_ms     INTEGER NOT NULL,
  moved_ms       INTEGER NOT NULL,
  PRIMARY KEY (bucket, application_id)
) STRICT;
CREATE INDEX report_application_time ON report_application (created_ms, application_id);
CREATE INDEX report_application_state ON report_application (state, created_ms, application_id);
CREATE INDEX report_application_user ON report_application (user_id, created_ms, application_id);

-- What risk said of an application, from risk's own log.
CREATE TABLE report_decision (
  bucket         INTEGER NOT NULL,
  application_id INTEGER NOT NULL,
  outcome        TEXT NOT NULL CHECK (length(outcome) <= 16),
  grade          TEXT NOT NULL CHECK (length(grade) <= 8),
  score          INTEGER NOT NULL,
  decided_ms     INTEGER NOT NULL,
  PRIMARY KEY (bucket, application_id)
) STRICT;

CREATE TABLE report_loan (
  bucket            INTEGER NOT NULL,
  loan_id           INTEGER NOT NULL,
  user_id           INTEGER NOT NULL,
  state             TEXT NOT NULL CHECK (length(state) <= 32),
  product           TEXT NOT NULL CHECK (length(product) <= 40),
  principal_minor   INTEGER NOT NULL,
  outstanding_minor INTEGER NOT NULL,
  overdue_minor     INTEGER NOT NULL,
  dpd_bucket        TEXT NOT NULL CHECK (length(dpd_bucket) <= 8),
  class             TEXT NOT NULL CHECK (length(class) <= 24),
  disbursed_on      TEXT NOT NULL CHECK (length(disbursed_on) <= 10),
  rate_ppm          INTEGER NOT NULL,
  method            TEXT NOT NULL CHECK (length(method) <= 32),
  created_ms        INTEGER NOT NULL,
  moved_ms          INTEGER NOT NULL,
  PRIMARY KEY (bucket, loan_id)
) STRICT;
CREATE INDEX report_loan_time ON report_loan (created_ms, loan_id);
CREATE INDEX report_loan_state ON report_loan (state, created_ms, loan_id);
CREATE INDEX report_loan_bucket ON report_loan (dpd_bucket, created_ms, loan_id);
CREATE INDEX report_loan_user ON report_loan (user_id, created_ms, loan_id);

CREATE TABLE report_order (
  bucket       INTEGER NOT NULL,
  order_id     INTEGER NOT NULL,
  user_id      INTEGER NOT NULL,
  loan_id      INTEGER NOT NULL,
  kind         TEXT NOT NULL CHECK (length(kind) <= 16),
  amount_minor INTEGER NOT NULL,
  outcome      TEXT NOT NULL CHECK (length(outcome) <= 16),
  reason       TEXT NOT NULL CHECK (length(reason) <= 64),
  channel      TEXT NOT NULL CHECK (length(channel) <= 16),
  posting_on   TEXT NOT NULL CHECK (length(posting_on) <= 10),
  value_on     TEXT NOT NULL CHECK (length(value_on) <= 10),
  created_ms   INTEGER NOT NULL,
  settled_ms   INTEGER NOT NULL,
  PRIMARY KEY (bucket, order_id)
) STRICT;
CREATE INDEX report_order_time ON report_order (created_ms, order_id);
CREATE INDEX report_order_outcome ON report_order (outcome, created_ms, order_id);
CREATE INDEX report_order_loan ON report_order (loan_id, created_ms, order_id);
