-- +goose Up

-- A decision: what was asked (sealed), what was answered, by which versions. Written once, never changed.
CREATE TABLE decision (
  bucket         INTEGER NOT NULL,
  id             INTEGER NOT NULL,
  application_id INTEGER NOT NULL,
  user_id        INTEGER NOT NULL,
  product        TEXT NOT NULL CHECK (length(product) <= 40),
  policy         TEXT NOT NULL CHECK (length(policy) <= 40),
  policy_hash    TEXT NOT NULL CHECK (length(policy_hash) <= 64),
  card           TEXT NOT NULL CHECK (length(card) <= 64),
  outcome        TEXT NOT NULL CHECK (length(outcome) <= 16),
  grade          TEXT NOT NULL CHECK (length(grade) <= 8),
  limit_minor    INTEGER NOT NULL,
  rate_ppm       INTEGER NOT NULL,
  score          INTEGER NOT NULL,
  reasons        BLOB NOT NULL,
  outline        BLOB NOT NULL,
  input_hash     TEXT NOT NULL CHECK (length(input_hash) <= 64),
  result_hash    TEXT NOT NULL CHECK (length(result_hash) <= 64),
  sealed_profile BLOB NOT NULL,
  sealed_path    BLOB NOT NULL,
  applied_on     TEXT NOT NULL CHECK (length(applied_on) <= 10),
  decided_ms     INTEGER NOT NULL,
  micros         INTEGER NOT NULL,
  version        INTEGER NOT NULL,
  PRIMARY KEY (bucket, id)
) STRICT;
CREATE UNIQUE INDEX decision_application ON decision (bucket, application_id);
CREATE INDEX decision_newest ON decision (decided_ms, id);

-- A version of a policy with its scorecard. Configuration, not owned by a user.
CREATE TABLE policy_version (
  name        TEXT NOT NULL CHECK (length(name) <= 40),
  line        TEXT NOT NULL CHECK (length(line) <= 31),
  number      INTEGER NOT NULL,
  state       TEXT NOT NULL CHECK (length(state) <= 16),
  card_name   TEXT NOT NULL CHECK (length(card_name) <= 64),
  hash        TEXT NOT NULL CHECK (length(hash) <= 64),
  document    BLOB NOT NULL,
  card        BLOB NOT NULL,
  rule_count  INTEGER NOT NULL,
  saved_by    INTEGER NOT NULL,
  saved_ms    INTEGER NOT NULL,
  proposal_id INTEGER NOT NULL,
  approved_by INTEGER NOT NULL,
  approved_ms INTEGER NOT NULL,
  version     INTEGER NOT NULL,
  PRIMARY KEY (name)
) STRICT;
CREATE UNIQUE INDEX policy_version_number ON policy_version (line, number);

-- Which version decides, one row a line.
CREATE TABLE policy_live (
  line    TEXT NOT NULL CHECK (length(line) <= 31),
  name    TEXT NOT NULL CHECK (length(name) <= 40),
  turn    INTEGER NOT NULL,
  version INTEGER NOT NULL,
  PRIMARY KEY (line)
) STRICT;

-- Every change of what is live, numbered within its line.
CREATE TABLE policy_turn (
  line       TEXT NOT NULL CHECK (length(line) <= 31),
  turn       INTEGER NOT NULL,
  name       TEXT NOT NULL CHECK (length(name) <= 40),
  cause      TEXT NOT NULL CHECK (length(cause) <= 16),
  changed_by INTEGER NOT NULL,
  reason     TEXT NOT NULL CHECK (length(reason) <= 500),
  at_ms      INTEGER NOT NULL,
  PRIMARY KEY (line, turn)
) STRICT;

-- The blacklist: tokens, never values. The bucket is the token's own.
CREATE TABLE list_entry (
  bucket      INTEGER NOT NULL,
  kind        TEXT NOT NULL CHECK (length(kind) <= 16),
  token       TEXT NOT NULL CHECK (length(token) <= 64),
  state       TEXT NOT NULL CHECK (length(state) <= 16),
  reason      TEXT NOT NULL CHECK (length(reason) <= 200),
  expires_on  TEXT NOT NULL CHECK (length(expires_on) <= 10),
  proposed_by INTEGER NOT NULL,
  approved_by INTEGER NOT NULL,
  added_ms    INTEGER NOT NULL,
  version     INTEGER NOT NULL,
  PRIMARY KEY (bucket, kind, token)
) STRICT;
CREATE INDEX list_entry_token ON list_entry (kind, token);

-- A token that was used in an application. Its version makes counting and deciding one step: who decides must raise it.
CREATE TABLE velocity_key (
  bucket  INTEGER NOT NULL,
  kind    TEXT NOT NULL CHECK (length(kind) <= 16),
  token   TEXT NOT NULL CHECK (length(token) <= 64),
  version INTEGER NOT NULL,
  PRIMARY KEY (bucket, kind, token)
) STRICT;

-- An application seen with a token; windows are counted over these rows.
CREATE TABLE velocity_event (
  bucket         INTEGER NOT NULL,
  kind           TEXT NOT NULL CHECK (length(kind) <= 16),
  token          TEXT NOT NULL CHECK (length(token) <= 64),
  at_ms          INTEGER NOT NULL,
  application_id INTEGER NOT NULL,
  user_id        INTEGER NOT NULL,
  PRIMARY KEY (bucket, kind, token, at_ms, application_id)
) STRICT;
CREATE INDEX velocity_event_age ON velocity_event (at_ms);
