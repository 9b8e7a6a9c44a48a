-- +goose Up

-- A decision: what was asked (sealed), what was answered, by which versions. Written once, never changed.
CREATE TABLE decision (
  bucket         BIGINT NOT NULL,
  id             BIGINT NOT NULL,
  application_id BIGINT NOT NULL,
  user_id        BIGINT NOT NULL,
  product        VARCHAR(40) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  policy         VARCHAR(40) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  policy_hash    VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  card           VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  outcome        VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  grade          VARCHAR(8) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  limit_minor    BIGINT NOT NULL,
  rate_ppm       BIGINT NOT NULL,
  score          BIGINT NOT NULL,
  reasons        MEDIUMBLOB NOT NULL,
  outline        MEDIUMBLOB NOT NULL,
  input_hash     VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  result_hash    VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  sealed_profile MEDIUMBLOB NOT NULL,
  sealed_path    MEDIUMBLOB NOT NULL,
  applied_on     VARCHAR(10) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  decided_ms     BIGINT NOT NULL,
  micros         BIGINT NOT NULL,
  version        BIGINT NOT NULL,
  PRIMARY KEY (bucket, id)
) ENGINE=InnoDB;
CREATE UNIQUE INDEX decision_application ON decision (bucket, application_id);
CREATE INDEX decision_newest ON decision (decided_ms, id);

-- A version of a policy with its scorecard. Configuration, not owned by a user.
CREATE TABLE policy_version (
  name        VARCHAR(40) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  line        VARCHAR(31) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  number      BIGINT NOT NULL,
  state       VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  card_name   VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  hash        VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  document    MEDIUMBLOB NOT NULL,
  card        MEDIUMBLOB NOT NULL,
  rule_count  BIGINT NOT NULL,
  saved_by    BIGINT NOT NULL,
  saved_ms    BIGINT NOT NULL,
  proposal_id BIGINT NOT NULL,
  approved_by BIGINT NOT NULL,
  approved_ms BIGINT NOT NULL,
  version     BIGINT NOT NULL,
  PRIMARY KEY (name)
) ENGINE=InnoDB;
CREATE UNIQUE INDEX policy_version_number ON policy_version (line, number);

-- Which version decides, one row a line.
CREATE TABLE policy_live (
  line    VARCHAR(31) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  name    VARCHAR(40) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  turn    BIGINT NOT NULL,
  version BIGINT NOT NULL,
  PRIMARY KEY (line)
) ENGINE=InnoDB;

-- Every change of what is live, numbered within its line.
CREATE TABLE policy_turn (
  line       VARCHAR(31) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  turn       BIGINT NOT NULL,
  name       VARCHAR(40) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  cause      VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  changed_by BIGINT NOT NULL,
  reason     VARCHAR(500) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  at_ms      BIGINT NOT NULL,
  PRIMARY KEY (line, turn)
) ENGINE=InnoDB;

-- The blacklist: tokens, never values. The bucket is the token's own.
CREATE TABLE list_entry (
  bucket      BIGINT NOT NULL,
  kind        VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  token       VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  state       VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  reason      VARCHAR(200) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  expires_on  VARCHAR(10) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  proposed_by BIGINT NOT NULL,
  approved_by BIGINT NOT NULL,
  added_ms    BIGINT NOT NULL,
  version     BIGINT NOT NULL,
  PRIMARY KEY (bucket, kind, token)
) ENGINE=InnoDB;
CREATE INDEX list_entry_token ON list_entry (kind, token);

-- A token that was used in an application. Its version makes counting and deciding one step: who decides must raise it.
CREATE TABLE velocity_key (
  bucket  BIGINT NOT NULL,
  kind    VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  token   VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  version BIGINT NOT NULL,
  PRIMARY KEY (bucket, kind, token)
) ENGINE=InnoDB;

-- An application seen with a token; windows are counted over these rows.
CREATE TABLE velocity_event (
  bucket         BIGINT NOT NULL,
  kind           VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  token          VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  at_ms          BIGINT NOT NULL,
  application_id BIGINT NOT NULL,
  user_id        BIGINT NOT NULL,
  PRIMARY KEY (bucket, kind, token, at_ms, application_id)
) ENGINE=InnoDB;
CREATE INDEX velocity_event_age ON velocity_event (at_ms);
