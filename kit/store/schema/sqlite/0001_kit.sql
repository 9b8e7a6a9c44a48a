-- +goose Up

-- Node numbers of id generators: who holds which, and up to which instant ids were given.
CREATE TABLE kit_node (
  node INTEGER NOT NULL,
  owner TEXT NOT NULL CHECK(length(owner) <= 128),
  fence INTEGER NOT NULL,
  until_ms INTEGER NOT NULL,
  high_ms INTEGER NOT NULL,
  version INTEGER NOT NULL,
  PRIMARY KEY (node)
) STRICT, WITHOUT ROWID;

-- Who may run a job until when (real time).
CREATE TABLE kit_lease (
  name TEXT NOT NULL CHECK(length(name) <= 128),
  owner TEXT NOT NULL CHECK(length(owner) <= 128),
  fence INTEGER NOT NULL,
  until_ms INTEGER NOT NULL,
  version INTEGER NOT NULL,
  PRIMARY KEY (name)
) STRICT, WITHOUT ROWID;

-- Events as their writers left them, not yet numbered.
CREATE TABLE kit_log_new (
  part INTEGER NOT NULL,
  id INTEGER NOT NULL,
  user_id INTEGER NOT NULL,
  bucket INTEGER NOT NULL,
  kind TEXT NOT NULL CHECK(length(kind) <= 128),
  body BLOB NOT NULL,
  at_ms INTEGER NOT NULL,
  posting_on TEXT NOT NULL CHECK(length(posting_on) <= 10),
  value_on TEXT NOT NULL CHECK(length(value_on) <= 10),
  traceparent TEXT NOT NULL CHECK(length(traceparent) <= 64),
  PRIMARY KEY (part, id)
) STRICT, WITHOUT ROWID;

-- The log: dense positions per partition, given after commit.
CREATE TABLE kit_log (
  part INTEGER NOT NULL,
  position INTEGER NOT NULL,
  id INTEGER NOT NULL,
  user_id INTEGER NOT NULL,
  bucket INTEGER NOT NULL,
  kind TEXT NOT NULL CHECK(length(kind) <= 128),
  body BLOB NOT NULL,
  at_ms INTEGER NOT NULL,
  posting_on TEXT NOT NULL CHECK(length(posting_on) <= 10),
  value_on TEXT NOT NULL CHECK(length(value_on) <= 10),
  traceparent TEXT NOT NULL CHECK(length(traceparent) <= 64),
  PRIMARY KEY (part, position)
) STRICT, WITHOUT ROWID;

-- The last position given in each partition; raised by compare-and-set, which fences a stale numberer.
CREATE TABLE kit_log_head (
  part INTEGER NOT NULL,
  position INTEGER NOT NULL,
  version INTEGER NOT NULL,
  PRIMARY KEY (part)
) STRICT, WITHOUT ROWID;
INSERT INTO kit_log_head (part, position, version) VALUES
  (0, 0, 1), (1, 0, 1), (2, 0, 1), (3, 0, 1), (4, 0, 1), (5, 0, 1), (6, 0, 1), (7, 0, 1),
  (8, 0, 1), (9, 0, 1), (10, 0, 1), (11, 0, 1), (12, 0, 1), (13, 0, 1), (14, 0, 1), (15, 0, 1);

-- How far each other service's log has been taken in.
CREATE TABLE kit_cursor (
  source TEXT NOT NULL CHECK(length(source) <= 64),
  part INTEGER NOT NULL,
  position INTEGER NOT NULL,
  version INTEGER NOT NULL,
  PRIMARY KEY (source, part)
) STRICT, WITHOUT ROWID;

-- Events that could not be taken in, and later ones of the same user, until a person retries them.
CREATE TABLE kit_parked (
  source TEXT NOT NULL CHECK(length(source) <= 64),
  part INTEGER NOT NULL,
  position INTEGER NOT NULL,
  user_id INTEGER NOT NULL,
  bucket INTEGER NOT NULL,
  kind TEXT NOT NULL CHECK(length(kind) <= 128),
  body BLOB NOT NULL,
  at_ms INTEGER NOT NULL,
  posting_on TEXT NOT NULL CHECK(length(posting_on) <= 10),
  value_on TEXT NOT NULL CHECK(length(value_on) <= 10),
  traceparent TEXT NOT NULL CHECK(length(traceparent) <= 64),
  reason TEXT NOT NULL CHECK(length(reason) <= 512),
  tries INTEGER NOT NULL,
  version INTEGER NOT NULL,
  PRIMARY KEY (source, part, position)
) STRICT, WITHOUT ROWID;

-- Effects on the outside that were decided in a transaction and are carried out by a job. state: 0 waits, 1 done, 2 failed.
CREATE TABLE kit_effect (
  bucket INTEGER NOT NULL,
  kind TEXT NOT NULL CHECK(length(kind) <= 64),
  id INTEGER NOT NULL,
  body BLOB NOT NULL,
  state INTEGER NOT NULL,
  not_before_ms INTEGER NOT NULL,
  retry_ms INTEGER NOT NULL,
  claimed_ms INTEGER NOT NULL,
  claimed_by TEXT NOT NULL CHECK(length(claimed_by) <= 64),
  fence INTEGER NOT NULL,
  tries INTEGER NOT NULL,
  reason TEXT NOT NULL CHECK(length(reason) <= 512),
  version INTEGER NOT NULL,
  PRIMARY KEY (bucket, kind, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX kit_effect_due ON kit_effect (state, not_before_ms);

-- Requests that were carried out, with the answer given. Kept for ever.
CREATE TABLE kit_idem (
  bucket INTEGER NOT NULL,
  scope TEXT NOT NULL CHECK(length(scope) <= 128),
  idem_key TEXT NOT NULL CHECK(length(idem_key) <= 128),
  body_hash BLOB NOT NULL CHECK(length(body_hash) <= 64),
  response BLOB NOT NULL,
  PRIMARY KEY (bucket, scope, idem_key)
) STRICT, WITHOUT ROWID;
