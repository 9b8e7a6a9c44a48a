-- +goose Up

-- Products: one immutable row a version. Configuration, not owned by a user.
CREATE TABLE product_version (
  code           VARCHAR(40) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  version        BIGINT NOT NULL,
  hash           VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  effective_from VARCHAR(10) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  effective_to   VARCHAR(10) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  proposal_id    BIGINT NOT NULL,
  proposed_by    BIGINT NOT NULL,
  approved_by    BIGINT NOT NULL,
  approved_ms    BIGINT NOT NULL,
  body           BLOB NOT NULL,
  PRIMARY KEY (code, version)
);

-- Credit limit: one row a user. total is what was granted, but never less than what is frozen and used.
CREATE TABLE credit_limit (
  bucket        BIGINT NOT NULL,
  user_id       BIGINT NOT NULL,
  granted_minor BIGINT NOT NULL,
  total_minor   BIGINT NOT NULL,
  frozen_minor  BIGINT NOT NULL,
  used_minor    BIGINT NOT NULL,
  grade         VARCHAR(8) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  rate_ppm      BIGINT NOT NULL,
  decision_id   BIGINT NOT NULL,
  created_ms    BIGINT NOT NULL,
  changed_ms    BIGINT NOT NULL,
  version       BIGINT NOT NULL,
  CONSTRAINT credit_limit_check_1 CHECK (granted_minor >= 0),
  CONSTRAINT credit_limit_check_2 CHECK (frozen_minor >= 0),
  CONSTRAINT credit_limit_check_3 CHECK (used_minor >= 0),
  CONSTRAINT credit_limit_check_4 CHECK (total_minor >= frozen_minor + used_minor),
  PRIMARY KEY (bucket, user_id)
);

-- Every change of a limit, under the version it made.
CREATE TABLE credit_limit_change (
  bucket       BIGINT NOT NULL,
  user_id      BIGINT NOT NULL,
  version      BIGINT NOT NULL,
  cause        VARCHAR(32) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  subject_id   BIGINT NOT NULL,
  total_minor  BIGINT NOT NULL,
  frozen_minor BIGINT NOT NULL,
  used_minor   BIGINT NOT NULL,
  at_ms        BIGINT NOT NULL,
  PRIMARY KEY (bucket, user_id, version)
);

-- Applications. open_key is 0 while an application is open and its id afterwards: one open application a user.
CREATE TABLE application (
  bucket            BIGINT NOT NULL,
  id                BIGINT NOT NULL,
  user_id           BIGINT NOT NULL,
  open_key          BIGINT NOT NULL,
  state             VARCHAR(32) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  product           VARCHAR(40) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  product_version   BIGINT NOT NULL,
  amount_minor      BIGINT NOT NULL,
  approved_minor    BIGINT NOT NULL,
  term_months       BIGINT NOT NULL,
  method            VARCHAR(32) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  purpose           VARCHAR(40) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  card_id           BIGINT NOT NULL,
  stated_sealed     BLOB NOT NULL,
  device_token      VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  ip_token          VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  mobile_token      VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  card_token        VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  address_token     VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  emulator          BIGINT NOT NULL,
  rooted            BIGINT NOT NULL,
  proxy             BIGINT NOT NULL,
  age_years         BIGINT NOT NULL,
  outstanding_minor BIGINT NOT NULL,
  applied_on        VARCHAR(10) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  decision_id       BIGINT NOT NULL,
  outcome           VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  grade             VARCHAR(8) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  rate_ppm          BIGINT NOT NULL,
  limit_minor       BIGINT NOT NULL,
  score             BIGINT NOT NULL,
  policy            VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  reasons           BLOB NOT NULL,
  decided_by        BIGINT NOT NULL,
  note_sealed       BLOB NOT NULL,
  retry_on          VARCHAR(10) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  expires_on        VARCHAR(10) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  contract_id       BIGINT NOT NULL,
  loan_id           BIGINT NOT NULL,
  created_ms        BIGINT NOT NULL,
  moved_ms          BIGINT NOT NULL,
  version           BIGINT NOT NULL,
  CONSTRAINT application_check_1 CHECK (amount_minor > 0),
  CONSTRAINT application_check_2 CHECK (approved_minor >= 0),
  PRIMARY KEY (bucket, id)
);
CREATE UNIQUE INDEX application_open ON application (bucket, user_id, open_key);
CREATE INDEX application_of_user ON application (bucket, user_id, created_ms, id);
CREATE INDEX application_by_state ON application (state, created_ms, id);
CREATE INDEX application_by_time ON application (created_ms, id);
CREATE INDEX application_by_expiry ON application (open_key, expires_on);

-- Moves of an application, under the version each made.
CREATE TABLE application_step (
  bucket         BIGINT NOT NULL,
  application_id BIGINT NOT NULL,
  version        BIGINT NOT NULL,
  from_state     VARCHAR(32) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  to_state       VARCHAR(32) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  reason         VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  by_staff       BIGINT NOT NULL,
  at_ms          BIGINT NOT NULL,
  PRIMARY KEY (bucket, application_id, version)
);

-- Confirmed tables of costs: what was shown, when, how long, and its hash.
CREATE TABLE disclosure (
  bucket         BIGINT NOT NULL,
  application_id BIGINT NOT NULL,
  template       VARCHAR(40) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  hash           VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  record         BLOB NOT NULL,
  shown_ms       BIGINT NOT NULL,
  read_seconds   BIGINT NOT NULL,
  confirmed_ms   BIGINT NOT NULL,
  device_token   VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  ip_token       VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  CONSTRAINT disclosure_check_1 CHECK (read_seconds >= 0),
  PRIMARY KEY (bucket, application_id)
);

-- Contracts: the record is sealed under the borrower's key, its hash is what was signed.
CREATE TABLE contract (
  bucket          BIGINT NOT NULL,
  id              BIGINT NOT NULL,
  application_id  BIGINT NOT NULL,
  user_id         BIGINT NOT NULL,
  loan_id         BIGINT NOT NULL,
  state           VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  template        VARCHAR(40) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  hash            VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  record_sealed   BLOB NOT NULL,
  disclosure_hash VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  made_ms         BIGINT NOT NULL,
  signed_ms       BIGINT NOT NULL,
  device_token    VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  ip_token        VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  version         BIGINT NOT NULL,
  PRIMARY KEY (bucket, id)
);
CREATE UNIQUE INDEX contract_of_application ON contract (bucket, application_id);
