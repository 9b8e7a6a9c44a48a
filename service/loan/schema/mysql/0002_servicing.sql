-- +goose Up

-- Loans. terms and contract never change; life is the loan as it stood after its last event (domain/loan), empty before the payout.
CREATE TABLE loan (
  bucket            BIGINT NOT NULL,
  id                BIGINT NOT NULL,
  user_id           BIGINT NOT NULL,
  application_id    BIGINT NOT NULL,
  contract_id       BIGINT NOT NULL,
  card_id           BIGINT NOT NULL,
  product           VARCHAR(40) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  product_version   BIGINT NOT NULL,
  state             VARCHAR(32) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  live              BIGINT NOT NULL,
  terms             BLOB NOT NULL,
  principal_minor   BIGINT NOT NULL,
  term_months       BIGINT NOT NULL,
  method            VARCHAR(32) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  rate_ppm          BIGINT NOT NULL,
  purpose           VARCHAR(40) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  grade             VARCHAR(8) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  payout_order_id   BIGINT NOT NULL,
  disbursed_on      VARCHAR(10) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  matures_on        VARCHAR(10) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  settled_on        VARCHAR(10) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  life              BLOB NOT NULL,
  booked_on         VARCHAR(10) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  events            BIGINT NOT NULL,
  outstanding_minor BIGINT NOT NULL,
  released_minor    BIGINT NOT NULL,
  overdue_since     VARCHAR(10) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  overdue_bucket    VARCHAR(8) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  class             VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  lock_order_id     BIGINT NOT NULL,
  act_on            VARCHAR(10) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  billed_row        BIGINT NOT NULL,
  aside             BIGINT NOT NULL,
  steps             BIGINT NOT NULL,
  created_ms        BIGINT NOT NULL,
  changed_ms        BIGINT NOT NULL,
  version           BIGINT NOT NULL,
  PRIMARY KEY (bucket, id),
  KEY loan_user (bucket, user_id, created_ms, id),
  KEY loan_live (bucket, live, id),
  KEY loan_act (bucket, act_on, id),
  KEY loan_list (created_ms, id)
);

-- What happened to a loan, in the order in which it was learned. counts_on is the day from which it counts; booked_from and booked_to
-- are the days up to which the journal held the loan before and after.
CREATE TABLE loan_event (
  bucket       BIGINT NOT NULL,
  loan_id      BIGINT NOT NULL,
  seq          BIGINT NOT NULL,
  kind         VARCHAR(32) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  counts_on    VARCHAR(10) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  amount_minor BIGINT NOT NULL,
  order_id     BIGINT NOT NULL,
  payoff       BIGINT NOT NULL,
  posting_on   VARCHAR(10) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  value_on     VARCHAR(10) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  booked_from  VARCHAR(10) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  booked_to    VARCHAR(10) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  at_ms        BIGINT NOT NULL,
  PRIMARY KEY (bucket, loan_id, seq)
);

-- Every move of a loan's state.
CREATE TABLE loan_step (
  bucket     BIGINT NOT NULL,
  loan_id    BIGINT NOT NULL,
  seq        BIGINT NOT NULL,
  from_state VARCHAR(32) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  to_state   VARCHAR(32) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  reason     VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  step_on    VARCHAR(10) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  at_ms      BIGINT NOT NULL,
  PRIMARY KEY (bucket, loan_id, seq)
);

-- Orders that loan asks of payment, under the id payment has them by.
CREATE TABLE payment_order (
  bucket          BIGINT NOT NULL,
  id              BIGINT NOT NULL,
  loan_id         BIGINT NOT NULL,
  user_id         BIGINT NOT NULL,
  kind            VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  card_id         BIGINT NOT NULL,
  amount_minor    BIGINT NOT NULL,
  payoff          BIGINT NOT NULL,
  state           VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  reason          VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  not_before      VARCHAR(10) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  locked_on       VARCHAR(10) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  posting_on      VARCHAR(10) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  value_on        VARCHAR(10) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  received_minor  BIGINT NOT NULL,
  principal_minor BIGINT NOT NULL,
  interest_minor  BIGINT NOT NULL,
  penalty_minor   BIGINT NOT NULL,
  fee_minor       BIGINT NOT NULL,
  unapplied_minor BIGINT NOT NULL,
  settles         BIGINT NOT NULL,
  created_ms      BIGINT NOT NULL,
  ended_ms        BIGINT NOT NULL,
  version         BIGINT NOT NULL,
  PRIMARY KEY (bucket, id),
  KEY payment_order_loan (bucket, loan_id, id)
);

-- The loan journal: entries balance inside a transaction and a bucket and are never changed. subject_id is the loan.
-- clearing_on is
-- booked_on if it moves 2290, else empty, with its debits and credits there: for the agreement with payment's journal.
CREATE TABLE journal (
  bucket                BIGINT NOT NULL,
  id                    BIGINT NOT NULL,
  event                 VARCHAR(32) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  subject_id            BIGINT NOT NULL,
  order_id              BIGINT NOT NULL,
  booked_on             VARCHAR(10) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  value_on              VARCHAR(10) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  reverses_id           BIGINT NOT NULL,
  clearing_on           VARCHAR(10) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  clearing_debit_minor  BIGINT NOT NULL,
  clearing_credit_minor BIGINT NOT NULL,
  at_ms                 BIGINT NOT NULL,
  PRIMARY KEY (bucket, id),
  KEY journal_subject (bucket, subject_id, id),
  KEY journal_clearing (clearing_on, bucket, clearing_debit_minor, clearing_credit_minor)
);

CREATE TABLE journal_entry (
  bucket         BIGINT NOT NULL,
  transaction_id BIGINT NOT NULL,
  line           BIGINT NOT NULL,
  account        VARCHAR(32) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  product        VARCHAR(40) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  amount_minor   BIGINT NOT NULL,
  PRIMARY KEY (bucket, transaction_id, line)
);

-- The rest of the loan journal: one transaction per product, bucket and day, the sum of what all loans accrued.
CREATE TABLE journal_sum (
  bucket         BIGINT NOT NULL,
  day_on         VARCHAR(10) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  product        VARCHAR(40) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  account        VARCHAR(32) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  amount_minor   BIGINT NOT NULL,
  transaction_id BIGINT NOT NULL,
  PRIMARY KEY (bucket, day_on, product, account)
);

-- How far each log partition is in the days. Every unit that books touches its row, so that a day's close sees all of them or none.
CREATE TABLE day_part (
  part           BIGINT NOT NULL,
  open_on        VARCHAR(10) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  closed_through VARCHAR(10) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  agreed_through VARCHAR(10) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  started_on     VARCHAR(10) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  held           VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  version        BIGINT NOT NULL,
  PRIMARY KEY (part)
);

-- One row a business date.
CREATE TABLE business_day (
  day_on        VARCHAR(10) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  state         VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  opened_ms     BIGINT NOT NULL,
  cut_ms        BIGINT NOT NULL,
  close_ms      BIGINT NOT NULL,
  agreed_ms     BIGINT NOT NULL,
  ended_ms      BIGINT NOT NULL,
  loans         BIGINT NOT NULL,
  accrued_minor BIGINT NOT NULL,
  penalty_minor BIGINT NOT NULL,
  bills         BIGINT NOT NULL,
  debits        BIGINT NOT NULL,
  version       BIGINT NOT NULL,
  PRIMARY KEY (day_on),
  KEY business_day_state (state, day_on)
);

-- Buckets in which the journals differ on a date.
CREATE TABLE day_difference (
  bucket        BIGINT NOT NULL,
  day_on        VARCHAR(10) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  account       VARCHAR(32) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  loan_minor    BIGINT NOT NULL,
  payment_minor BIGINT NOT NULL,
  at_ms         BIGINT NOT NULL,
  PRIMARY KEY (bucket, day_on)
);

-- Loans that a day's close could not pass. They take no share of the sums until they are repaired.
CREATE TABLE day_aside (
  bucket      BIGINT NOT NULL,
  loan_id     BIGINT NOT NULL,
  day_on      VARCHAR(10) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  user_id     BIGINT NOT NULL,
  reason      VARCHAR(200) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  at_ms       BIGINT NOT NULL,
  repaired_ms BIGINT NOT NULL,
  PRIMARY KEY (bucket, loan_id, day_on, at_ms)
);
