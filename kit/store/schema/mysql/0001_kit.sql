-- +goose Up

-- Node numbers of id generators: who holds which, and up to which instant ids were given.
CREATE TABLE kit_node (
  node BIGINT NOT NULL,
  owner VARCHAR(128) NOT NULL,
  fence BIGINT NOT NULL,
  until_ms BIGINT NOT NULL,
  high_ms BIGINT NOT NULL,
  version BIGINT NOT NULL,
  PRIMARY KEY (node)
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Who may run a job until when (real time).
CREATE TABLE kit_lease (
  name VARCHAR(128) NOT NULL,
  owner VARCHAR(128) NOT NULL,
  fence BIGINT NOT NULL,
  until_ms BIGINT NOT NULL,
  version BIGINT NOT NULL,
  PRIMARY KEY (name)
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Events as their writers left them, not yet numbered.
CREATE TABLE kit_log_new (
  part BIGINT NOT NULL,
  id BIGINT NOT NULL,
  user_id BIGINT NOT NULL,
  bucket BIGINT NOT NULL,
  kind VARCHAR(128) NOT NULL,
  body MEDIUMBLOB NOT NULL,
  at_ms BIGINT NOT NULL,
  posting_on VARCHAR(10) NOT NULL,
  value_on VARCHAR(10) NOT NULL,
  traceparent VARCHAR(64) NOT NULL,
  PRIMARY KEY (part, id)
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- The log: dense positions per partition, given after commit.
CREATE TABLE kit_log (
  part BIGINT NOT NULL,
  position BIGINT NOT NULL,
  id BIGINT NOT NULL,
  user_id BIGINT NOT NULL,
  bucket BIGINT NOT NULL,
  kind VARCHAR(128) NOT NULL,
  body MEDIUMBLOB NOT NULL,
  at_ms BIGINT NOT NULL,
  posting_on VARCHAR(10) NOT NULL,
  value_on VARCHAR(10) NOT NULL,
  traceparent VARCHAR(64) NOT NULL,
  PRIMARY KEY (part, position)
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- The last position given in each partition; raised by compare-and-set, which fences a stale numberer.
CREATE TABLE kit_log_head (
  part BIGINT NOT NULL,
  position BIGINT NOT NULL,
  version BIGINT NOT NULL,
  PRIMARY KEY (part)
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
INSERT INTO kit_log_head (part, position, version) VALUES
  (0, 0, 1), (1, 0, 1), (2, 0, 1), (3, 0, 1), (4, 0, 1), (5, 0, 1), (6, 0, 1), (7, 0, 1),
  (8, 0, 1), (9, 0, 1), (10, 0, 1), (11, 0, 1), (12, 0, 1), (13, 0, 1), (14, 0, 1), (15, 0, 1);

-- How far each other service's log has been taken in.
CREATE TABLE kit_cursor (
  source VARCHAR(64) NOT NULL,
  part BIGINT NOT NULL,
  position BIGINT NOT NULL,
  version BIGINT NOT NULL,
  PRIMARY KEY (source, part)
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Events that could not be taken in, and later ones of the same user, until a person retries them.
CREATE TABLE kit_parked (
  source VARCHAR(64) NOT NULL,
  part BIGINT NOT NULL,
  position BIGINT NOT NULL,
  user_id BIGINT NOT NULL,
  bucket BIGINT NOT NULL,
  kind VARCHAR(128) NOT NULL,
  body MEDIUMBLOB NOT NULL,
  at_ms BIGINT NOT NULL,
  posting_on VARCHAR(10) NOT NULL,
  value_on VARCHAR(10) NOT NULL,
  traceparent VARCHAR(64) NOT NULL,
  reason VARCHAR(512) NOT NULL,
  tries BIGINT NOT NULL,
  version BIGINT NOT NULL,
  PRIMARY KEY (source, part, position)
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Effects on the outside that were decided in a transaction and are carried out by a job. state: 0 waits, 1 done, 2 failed.
CREATE TABLE kit_effect (
  bucket BIGINT NOT NULL,
  kind VARCHAR(64) NOT NULL,
  id BIGINT NOT NULL,
  body MEDIUMBLOB NOT NULL,
  state BIGINT NOT NULL,
  not_before_ms BIGINT NOT NULL,
  retry_ms BIGINT NOT NULL,
  claimed_ms BIGINT NOT NULL,
  claimed_by VARCHAR(64) NOT NULL,
  fence BIGINT NOT NULL,
  tries BIGINT NOT NULL,
  reason VARCHAR(512) NOT NULL,
  version BIGINT NOT NULL,
  PRIMARY KEY (bucket, kind, id)
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
CREATE INDEX kit_effect_due ON kit_effect (state, not_before_ms);

-- Requests that were carried out, with the answer given. Kept for ever.
CREATE TABLE kit_idem (
  bucket BIGINT NOT NULL,
  scope VARCHAR(128) NOT NULL,
  idem_key VARCHAR(128) NOT NULL,
  body_hash VARBINARY(64) NOT NULL,
  response MEDIUMBLOB NOT NULL,
  PRIMARY KEY (bucket, scope, idem_key)
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
