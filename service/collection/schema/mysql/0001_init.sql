-- +goose Up

-- A case: the collecting of one loan's arrears. open_key is 0 while it is open and its id afterwards: one open case a loan.
CREATE TABLE collection_case (
  bucket          BIGINT NOT NULL,
  id              BIGINT NOT NULL,
  loan_id         BIGINT NOT NULL,
  user_id         BIGINT NOT NULL,
  open_key        BIGINT NOT NULL,
  state           VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  dpd_bucket      VARCHAR(8) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  due_on          VARCHAR(10) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  overdue_minor   BIGINT NOT NULL,
  assigned_to     BIGINT NOT NULL,
  done_dpd        BIGINT NOT NULL,
  next_on         VARCHAR(10) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  until_on        VARCHAR(10) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  promised_minor  BIGINT NOT NULL,
  closed_reason   VARCHAR(32) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  contact_id      BIGINT NOT NULL,
  acts            BIGINT NOT NULL,
  opened_ms       BIGINT NOT NULL,
  closed_ms       BIGINT NOT NULL,
  version         BIGINT NOT NULL,
  PRIMARY KEY (bucket, id)
);
CREATE UNIQUE INDEX collection_case_open ON collection_case (bucket, loan_id, open_key);
CREATE INDEX collection_case_next ON collection_case (next_on, id);
CREATE INDEX collection_case_open_list ON collection_case (open_key, due_on, id);
CREATE INDEX collection_case_state ON collection_case (state, due_on, id);
CREATE INDEX collection_case_mine ON collection_case (assigned_to, due_on, id);
CREATE INDEX collection_case_user ON collection_case (user_id, due_on, id);

-- What was done in a case, append-only, numbered by the case.
CREATE TABLE collection_act (
  bucket       BIGINT NOT NULL,
  case_id      BIGINT NOT NULL,
  number       BIGINT NOT NULL,
  kind         VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  staff_id     BIGINT NOT NULL,
  detail       VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  amount_minor BIGINT NOT NULL,
  text_sealed  BLOB NOT NULL,
  at_ms        BIGINT NOT NULL,
  PRIMARY KEY (bucket, case_id, number)
);

-- The last day that loan has closed. One row, bucket 0.
CREATE TABLE collection_day (
  bucket    BIGINT NOT NULL,
  closed_on VARCHAR(10) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  version   BIGINT NOT NULL,
  PRIMARY KEY (bucket)
);
