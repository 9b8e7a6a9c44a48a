-- +goose Up

-- Loans. terms and contract never change; life is the loan as it stood after its last event (domain/loan), empty before the payout.
CREATE TABLE loan (
  bucket            INTEGER NOT NULL,
  id                INTEGER NOT NULL,
  user_id           INTEGER NOT NULL,
  application_id    INTEGER NOT NULL,
  contract_id       INTEGER NOT NULL,
  card_id           INTEGER NOT NULL,
  product           TEXT NOT NULL CHECK (length(product) <= 40),
  product_version   INTEGER NOT NULL,
  state             TEXT NOT NULL CHECK (length(state) <= 32),
  live              INTEGER NOT NULL,
  terms             BLOB NOT NULL,
  principal_minor   INTEGER NOT NULL,
  term_months       INTEGER NOT NULL,
  method            TEXT NOT NULL CHECK (length(method) <= 32),
  rate_ppm          INTEGER NOT NULL,
  purpose           TEXT NOT NULL CHECK (length(purpose) <= 40),
  grade             TEXT NOT NULL CHECK (length(grade) <= 8),
  payout_order_id   INTEGER NOT NULL,
  disbursed_on      TEXT NOT NULL CHECK (length(disbursed_on) <= 10),
  matures_on        TEXT NOT NULL CHECK (length(matures_on) <= 10),
  settled_on        TEXT NOT NULL CHECK (length(settled_on) <= 10),
  life              BLOB NOT NULL,
  booked_on         TEXT NOT NULL CHECK (length(booked_on) <= 10),
  events            INTEGER NOT NULL,
  outstanding_minor INTEGER NOT NULL,
  released_minor    INTEGER NOT NULL,
  overdue_since     TEXT NOT NULL CHECK (length(overdue_since) <= 10),
  overdue_bucket    TEXT NOT NULL CHECK (length(overdue_bucket) <= 8),
  class             TEXT NOT NULL CHECK (length(class) <= 20),
  lock_order_id     INTEGER NOT NULL,
  act_on            TEXT NOT NULL CHECK (length(act_on) <= 10),
  billed_row        INTEGER NOT NULL,
  aside             INTEGER NOT NULL,
  steps             INTEGER NOT NULL,
  created_ms        INTEGER NOT NULL,
  changed_ms        INTEGER NOT NULL,
  version           INTEGER NOT NULL,
  PRIMARY KEY (bucket, id)
) STRICT;
CREATE INDEX loan_user ON loan (bucket, user_id, created_ms, id);
CREATE INDEX loan_live ON loan (bucket, live, id);
CREATE INDEX loan_act ON loan (bucket, act_on, id);
CREATE INDEX loan_list ON loan (created_ms, id);

-- What happened to a loan, in the order in which it was learned. counts_on is the day from which it counts; booked_from and booked_to
-- are the days up to which the journal held the loan before and after.
CREATE TABLE loan_event (
  bucket       INTEGER NOT NULL,
  loan_id      INTEGER NOT NULL,
  seq          INTEGER NOT NULL,
  kind         TEXT NOT NULL CHECK (length(kind) <= 32),
  counts_on    TEXT NOT NULL CHECK (length(counts_on) <= 10),
  amount_minor INTEGER NOT NULL,
  order_id     INTEGER NOT NULL,
  payoff       INTEGER NOT NULL,
  posting_on   TEXT NOT NULL CHECK (length(posting_on) <= 10),
  value_on     TEXT NOT NULL CHECK (length(value_on) <= 10),
  booked_from  TEXT NOT NULL CHECK (length(booked_from) <= 10),
  booked_to    TEXT NOT NULL CHECK (length(booked_to) <= 10),
  at_ms        INTEGER NOT NULL,
  PRIMARY KEY (bucket, loan_id, seq)
) STRICT, WITHOUT ROWID;

-- Every move of a loan's state.
CREATE TABLE loan_step (
  bucket     INTEGER NOT NULL,
  loan_id    INTEGER NOT NULL,
  seq        INTEGER NOT NULL,
  from_state TEXT NOT NULL CHECK (length(from_state) <= 32),
  to_state   TEXT NOT NULL CHECK (length(to_state) <= 32),
  reason     TEXT NOT NULL CHECK (length(reason) <= 64),
  step_on    TEXT NOT NULL CHECK (length(step_on) <= 10),
  at_ms      INTEGER NOT NULL,
  PRIMARY KEY (bucket, loan_id, seq)
) STRICT, WITHOUT ROWID;

-- Orders that loan asks of payment, under the id payment has them by.
CREATE TABLE payment_order (
  bucket          INTEGER NOT NULL,
  id              INTEGER NOT NULL,
  loan_id         INTEGER NOT NULL,
  user_id         INTEGER NOT NULL,
  kind            TEXT NOT NULL CHECK (length(kind) <= 16),
  card_id         INTEGER NOT NULL,
  amount_minor    INTEGER NOT NULL,
  payoff          INTEGER NOT NULL,
  state           TEXT NOT NULL CHECK (length(state) <= 16),
  reason          TEXT NOT NULL CHECK (length(reason) <= 64),
  not_before      TEXT NOT NULL CHECK (length(not_before) <= 10),
  locked_on       TEXT NOT NULL CHECK (length(locked_on) <= 10),
  posting_on      TEXT NOT NULL CHECK (length(posting_on) <= 10),
  value_on        TEXT NOT NULL CHECK (length(value_on) <= 10),
  received_minor  INTEGER NOT NULL,
  principal_minor INTEGER NOT NULL,
  interest_minor  INTEGER NOT NULL,
  penalty_minor   INTEGER NOT NULL,
  fee_minor       INTEGER NOT NULL,
  unapplied_minor INTEGER NOT NULL,
  settles         INTEGER NOT NULL,
  created_ms      INTEGER NOT NULL,
  ended_ms        INTEGER NOT NULL,
  version         INTEGER NOT NULL,
  PRIMARY KEY (bucket, id)
) STRICT;
CREATE INDEX payment_order_loan ON payment_order (bucket, loan_id, id);

-- The loan journal: entries balance inside a transaction and a bucket and are never changed. subject_id is the loan.
-- clearing_on is
-- booked_on if it moves 2290, else empty, with its debits and credits there: for the agreement with payment's journal.
CREATE TABLE journal (
  bucket                INTEGER NOT NULL,
  id                    INTEGER NOT NULL,
  event                 TEXT NOT NULL CHECK (length(event) <= 32),
  subject_id            INTEGER NOT NULL,
  order_id              INTEGER NOT NULL,
  booked_on             TEXT NOT NULL CHECK (length(booked_on) <= 10),
  value_on              TEXT NOT NULL CHECK (length(value_on) <= 10),
  reverses_id           INTEGER NOT NULL,
  clearing_on           TEXT NOT NULL CHECK (length(clearing_on) <= 10),
  clearing_debit_minor  INTEGER NOT NULL,
  clearing_credit_minor INTEGER NOT NULL,
  at_ms                 INTEGER NOT NULL,
  PRIMARY KEY (bucket, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX journal_subject ON journal (bucket, subject_id, id);
CREATE INDEX journal_clearing ON journal (clearing_on, bucket, clearing_debit_minor, clearing_credit_minor);

CREATE TABLE journal_entry (
  bucket         INTEGER NOT NULL,
  transaction_id INTEGER NOT NULL,
  line           INTEGER NOT NULL,
  account        TEXT NOT NULL CHECK (length(account) <= 32),
  product        TEXT NOT NULL CHECK (length(product) <= 40),
  amount_minor   INTEGER NOT NULL,
  PRIMARY KEY (bucket, transaction_id, line)
) STRICT, WITHOUT ROWID;

-- The rest of the loan journal: one transaction per product, bucket and day, the sum of what all loans accrued.
CREATE TABLE journal_sum (
  bucket         INTEGER NOT NULL,
  day_on         TEXT NOT NULL CHECK (length(day_on) <= 10),
  product        TEXT NOT NULL CHECK (length(product) <= 40),
  account        TEXT NOT NULL CHECK (length(account) <= 32),
  amount_minor   INTEGER NOT NULL,
  transaction_id INTEGER NOT NULL,
  PRIMARY KEY (bucket, day_on, product, account)
) STRICT, WITHOUT ROWID;

-- How far each log partition is in the days. Every unit that books touches its row, so that a day's close sees all of them or none.
CREATE TABLE day_part (
  part           INTEGER NOT NULL,
  open_on        TEXT NOT NULL CHECK (length(open_on) <= 10),
  closed_through TEXT NOT NULL CHECK (length(closed_through) <= 10),
  agreed_through TEXT NOT NULL CHECK (length(agreed_through) <= 10),
  started_on     TEXT NOT NULL CHECK (length(started_on) <= 10),
  held           TEXT NOT NULL CHECK (length(held) <= 64),
  version        INTEGER NOT NULL,
  PRIMARY KEY (part)
) STRICT, WITHOUT ROWID;

-- One row a business date.
CREATE TABLE business_day (
  day_on        TEXT NOT NULL CHECK (length(day_on) <= 10),
  state         TEXT NOT NULL CHECK (length(state) <= 16),
  opened_ms     INTEGER NOT NULL,
  cut_ms        INTEGER NOT NULL,
  close_ms      INTEGER NOT NULL,
  agreed_ms     INTEGER NOT NULL,
  ended_ms      INTEGER NOT NULL,
  loans         INTEGER NOT NULL,
  accrued_minor INTEGER NOT NULL,
  penalty_minor INTEGER NOT NULL,
  bills         INTEGER NOT NULL,
  debits        INTEGER NOT NULL,
  version       INTEGER NOT NULL,
  PRIMARY KEY (day_on)
) STRICT, WITHOUT ROWID;
CREATE INDEX business_day_state ON business_day (state, day_on);

-- Buckets in which the journals differ on a date.
CREATE TABLE day_difference (
  bucket        INTEGER NOT NULL,
  day_on        TEXT NOT NULL CHECK (length(day_on) <= 10),
  account       TEXT NOT NULL CHECK (length(account) <= 32),
  loan_minor    INTEGER NOT NULL,
  payment_minor INTEGER NOT NULL,
  at_ms         INTEGER NOT NULL,
  PRIMARY KEY (bucket, day_on)
) STRICT, WITHOUT ROWID;

-- Loans that a day's close could not pass. They take no share of the sums until they are repaired.
CREATE TABLE day_aside (
  bucket      INTEGER NOT NULL,
  loan_id     INTEGER NOT NULL,
  day_on      TEXT NOT NULL CHECK (length(day_on) <= 10),
  user_id     INTEGER NOT NULL,
  reason      TEXT NOT NULL CHECK (length(reason) <= 200),
  at_ms       INTEGER NOT NULL,
  repaired_ms INTEGER NOT NULL,
  PRIMARY KEY (bucket, loan_id, day_on, at_ms)
) STRICT, WITHOUT ROWID;
