-- +goose Up

-- A case: the collecting of one loan's arrears. open_key is 0 while it is open and its id afterwards: one open case a loan.
CREATE TABLE collection_case (
  bucket          INTEGER NOT NULL,
  id              INTEGER NOT NULL,
  loan_id         INTEGER NOT NULL,
  user_id         INTEGER NOT NULL,
  open_key        INTEGER NOT NULL,
  state           TEXT NOT NULL CHECK (length(state) <= 16),
  dpd_bucket      TEXT NOT NULL CHECK (length(dpd_bucket) <= 8),
  due_on          TEXT NOT NULL CHECK (length(due_on) <= 10),
  overdue_minor   INTEGER NOT NULL,
  assigned_to     INTEGER NOT NULL,
  done_dpd        INTEGER NOT NULL,
  next_on         TEXT NOT NULL CHECK (length(next_on) <= 10),
  until_on        TEXT NOT NULL CHECK (length(until_on) <= 10),
  promised_minor  INTEGER NOT NULL,
  closed_reason   TEXT NOT NULL CHECK (length(closed_reason) <= 32),
  contact_id      INTEGER NOT NULL,
  acts            INTEGER NOT NULL,
  opened_ms       INTEGER NOT NULL,
  closed_ms       INTEGER NOT NULL,
  version         INTEGER NOT NULL,
  PRIMARY KEY (bucket, id)
) STRICT;
CREATE UNIQUE INDEX collection_case_open ON collection_case (bucket, loan_id, open_key);
CREATE INDEX collection_case_next ON collection_case (next_on, id);
CREATE INDEX collection_case_open_list ON collection_case (open_key, due_on, id);
CREATE INDEX collection_case_state ON collection_case (state, due_on, id);
CREATE INDEX collection_case_mine ON collection_case (assigned_to, due_on, id);
CREATE INDEX collection_case_user ON collection_case (user_id, due_on, id);

-- What was done in a case, append-only, numbered by the case.
CREATE TABLE collection_act (
  bucket       INTEGER NOT NULL,
  case_id      INTEGER NOT NULL,
  number       INTEGER NOT NULL,
  kind         TEXT NOT NULL CHECK (length(kind) <= 16),
  staff_id     INTEGER NOT NULL,
  detail       TEXT NOT NULL CHECK (length(detail) <= 64),
  amount_minor INTEGER NOT NULL,
  text_sealed  BLOB NOT NULL,
  at_ms        INTEGER NOT NULL,
  PRIMARY KEY (bucket, case_id, number)
) STRICT;

-- The last day that loan has closed. One row, bucket 0.
CREATE TABLE collection_day (
  bucket    INTEGER NOT NULL,
  closed_on TEXT NOT NULL CHECK (length(closed_on) <= 10),
  version   INTEGER NOT NULL,
  PRIMARY KEY (bucket)
) STRICT;
