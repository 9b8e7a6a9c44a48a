-- +goose Up

-- Products: one immutable row a version. Configuration, not owned by a user.
CREATE TABLE product_version (
  code           TEXT NOT NULL CHECK (length(code) <= 40),
  version        INTEGER NOT NULL,
  hash           TEXT NOT NULL CHECK (length(hash) <= 64),
  effective_from TEXT NOT NULL CHECK (length(effective_from) <= 10),
  effective_to   TEXT NOT NULL CHECK (length(effective_to) <= 10),
  proposal_id    INTEGER NOT NULL,
  proposed_by    INTEGER NOT NULL,
  approved_by    INTEGER NOT NULL,
  approved_ms    INTEGER NOT NULL,
  body           BLOB NOT NULL,
  PRIMARY KEY (code, version)
) STRICT;

-- Credit limit: one row a user. total is what was granted, but never less than what is frozen and used.
CREATE TABLE credit_limit (
  bucket        INTEGER NOT NULL,
  user_id       INTEGER NOT NULL,
  granted_minor INTEGER NOT NULL,
  total_minor   INTEGER NOT NULL,
  frozen_minor  INTEGER NOT NULL,
  used_minor    INTEGER NOT NULL,
  grade         TEXT NOT NULL CHECK (length(grade) <= 8),
  rate_ppm      INTEGER NOT NULL,
  decision_id   INTEGER NOT NULL,
  created_ms    INTEGER NOT NULL,
  changed_ms    INTEGER NOT NULL,
  version       INTEGER NOT NULL,
  CONSTRAINT credit_limit_check_1 CHECK (granted_minor >= 0),
  CONSTRAINT credit_limit_check_2 CHECK (frozen_minor >= 0),
  CONSTRAINT credit_limit_check_3 CHECK (used_minor >= 0),
  CONSTRAINT credit_limit_check_4 CHECK (total_minor >= frozen_minor + used_minor),
  PRIMARY KEY (bucket, user_id)
) STRICT;

-- Every change of a limit, under the version it made.
CREATE TABLE credit_limit_change (
  bucket       INTEGER NOT NULL,
  user_id      INTEGER NOT NULL,
  version      INTEGER NOT NULL,
  cause        TEXT NOT NULL CHECK (length(cause) <= 32),
  subject_id   INTEGER NOT NULL,
  total_minor  INTEGER NOT NULL,
  frozen_minor INTEGER NOT NULL,
  used_minor   INTEGER NOT NULL,
  at_ms        INTEGER NOT NULL,
  PRIMARY KEY (bucket, user_id, version)
) STRICT;

-- Applications. open_key is 0 while an application is open and its id afterwards: one open application a user.
CREATE TABLE application (
  bucket            INTEGER NOT NULL,
  id                INTEGER NOT NULL,
  user_id           INTEGER NOT NULL,
  open_key          INTEGER NOT NULL,
  state             TEXT NOT NULL CHECK (length(state) <= 32),
  product           TEXT NOT NULL CHECK (length(product) <= 40),
  product_version   INTEGER NOT NULL,
  amount_minor      INTEGER NOT NULL,
  approved_minor    INTEGER NOT NULL,
  term_months       INTEGER NOT NULL,
  method            TEXT NOT NULL CHECK (length(method) <= 32),
  purpose           TEXT NOT NULL CHECK (length(purpose) <= 40),
  card_id           INTEGER NOT NULL,
  stated_sealed     BLOB NOT NULL,
  device_token      TEXT NOT NULL CHECK (length(device_token) <= 64),
  ip_token          TEXT NOT NULL CHECK (length(ip_token) <= 64),
  mobile_token      TEXT NOT NULL CHECK (length(mobile_token) <= 64),
  card_token        TEXT NOT NULL CHECK (length(card_token) <= 64),
  address_token     TEXT NOT NULL CHECK (length(address_token) <= 64),
  emulator          INTEGER NOT NULL,
  rooted            INTEGER NOT NULL,
  proxy             INTEGER NOT NULL,
  age_years         INTEGER NOT NULL,
  outstanding_minor INTEGER NOT NULL,
  applied_on        TEXT NOT NULL CHECK (length(applied_on) <= 10),
  decision_id       INTEGER NOT NULL,
  outcome           TEXT NOT NULL CHECK (length(outcome) <= 16),
  grade             TEXT NOT NULL CHECK (length(grade) <= 8),
  rate_ppm          INTEGER NOT NULL,
  limit_minor       INTEGER NOT NULL,
  score             INTEGER NOT NULL,
  policy            TEXT NOT NULL CHECK (length(policy) <= 64),
  reasons           BLOB NOT NULL,
  decided_by        INTEGER NOT NULL,
  note_sealed       BLOB NOT NULL,
  retry_on          TEXT NOT NULL CHECK (length(retry_on) <= 10),
  expires_on        TEXT NOT NULL CHECK (length(expires_on) <= 10),
  contract_id       INTEGER NOT NULL,
  loan_id           INTEGER NOT NULL,
  created_ms        INTEGER NOT NULL,
  moved_ms          INTEGER NOT NULL,
  version           INTEGER NOT NULL,
  CONSTRAINT application_check_1 CHECK (amount_minor > 0),
  CONSTRAINT application_check_2 CHECK (approved_minor >= 0),
  PRIMARY KEY (bucket, id)
) STRICT;
CREATE UNIQUE INDEX application_open ON application (bucket, user_id, open_key);
CREATE INDEX application_of_user ON application (bucket, user_id, created_ms, id);
CREATE INDEX application_by_state ON application (state, created_ms, id);
CREATE INDEX application_by_time ON application (created_ms, id);
CREATE INDEX application_by_expiry ON application (open_key, expires_on);

-- Moves of an application, under the version each made.
CREATE TABLE application_step (
  bucket         INTEGER NOT NULL,
  application_id INTEGER NOT NULL,
  version        INTEGER NOT NULL,
  from_state     TEXT NOT NULL CHECK (length(from_state) <= 32),
  to_state       TEXT NOT NULL CHECK (length(to_state) <= 32),
  reason         TEXT NOT NULL CHECK (length(reason) <= 64),
  by_staff       INTEGER NOT NULL,
  at_ms          INTEGER NOT NULL,
  PRIMARY KEY (bucket, application_id, version)
) STRICT;

-- Confirmed tables of costs: what was shown, when, how long, and its hash.
CREATE TABLE disclosure (
  bucket         INTEGER NOT NULL,
  application_id INTEGER NOT NULL,
  template       TEXT NOT NULL CHECK (length(template) <= 40),
  hash           TEXT NOT NULL CHECK (length(hash) <= 64),
  record         BLOB NOT NULL,
  shown_ms       INTEGER NOT NULL,
  read_seconds   INTEGER NOT NULL,
  confirmed_ms   INTEGER NOT NULL,
  device_token   TEXT NOT NULL CHECK (length(device_token) <= 64),
  ip_token       TEXT NOT NULL CHECK (length(ip_token) <= 64),
  CONSTRAINT disclosure_check_1 CHECK (read_seconds >= 0),
  PRIMARY KEY (bucket, application_id)
) STRICT;

-- Contracts: the record is sealed under the borrower's key, its hash is what was signed.
CREATE TABLE contract (
  bucket          INTEGER NOT NULL,
  id              INTEGER NOT NULL,
  application_id  INTEGER NOT NULL,
  user_id         INTEGER NOT NULL,
  loan_id         INTEGER NOT NULL,
  state           TEXT NOT NULL CHECK (length(state) <= 16),
  template        TEXT NOT NULL CHECK (length(template) <= 40),
  hash            TEXT NOT NULL CHECK (length(hash) <= 64),
  record_sealed   BLOB NOT NULL,
  disclosure_hash TEXT NOT NULL CHECK (length(disclosure_hash) <= 64),
  made_ms         INTEGER NOT NULL,
  signed_ms       INTEGER NOT NULL,
  device_token    TEXT NOT NULL CHECK (length(device_token) <= 64),
  ip_token        TEXT NOT NULL CHECK (length(ip_token) <= 64),
  version         INTEGER NOT NULL,
  PRIMARY KEY (bucket, id)
) STRICT;
CREATE UNIQUE INDEX contract_of_application ON contract (bucket, application_id);
