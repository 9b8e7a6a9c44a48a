-- +goose Up

-- Recorded acts. chain_no is 0 until the chaining job has taken the row in; then chain_hash covers it and all before it.
CREATE TABLE kit_audit (
  bucket INTEGER NOT NULL,
  id INTEGER NOT NULL,
  at_ms INTEGER NOT NULL,
  actor_kind TEXT NOT NULL CHECK(length(actor_kind) <= 16),
  actor_id INTEGER NOT NULL,
  actor_session INTEGER NOT NULL,
  actor_service TEXT NOT NULL CHECK(length(actor_service) <= 32),
  act TEXT NOT NULL CHECK(length(act) <= 64),
  subject_kind TEXT NOT NULL CHECK(length(subject_kind) <= 32),
  subject_id INTEGER NOT NULL,
  reason TEXT NOT NULL CHECK(length(reason) <= 500),
  details TEXT NOT NULL CHECK(length(details) <= 4000),
  chain_no INTEGER NOT NULL,
  chain_hash BLOB NOT NULL CHECK(length(chain_hash) <= 32),
  version INTEGER NOT NULL,
  PRIMARY KEY (bucket, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX kit_audit_chain ON kit_audit (chain_no, at_ms, id);
CREATE INDEX kit_audit_at ON kit_audit (at_ms, id);
CREATE INDEX kit_audit_subject ON kit_audit (bucket, subject_id, at_ms);
CREATE INDEX kit_audit_actor ON kit_audit (actor_id, at_ms);

-- The end of the chain; raised by compare-and-set.
CREATE TABLE kit_audit_head (
  name TEXT NOT NULL CHECK(length(name) <= 16),
  chain_no INTEGER NOT NULL,
  chain_hash BLOB NOT NULL CHECK(length(chain_hash) <= 32),
  version INTEGER NOT NULL,
  PRIMARY KEY (name)
) STRICT, WITHOUT ROWID;
INSERT INTO kit_audit_head (name, chain_no, chain_hash, version) VALUES ('audit', 0, x'', 1);

-- Changes that wait for a second person. state: proposed, approved, rejected.
CREATE TABLE kit_proposal (
  bucket INTEGER NOT NULL,
  id INTEGER NOT NULL,
  kind TEXT NOT NULL CHECK(length(kind) <= 64),
  subject_id INTEGER NOT NULL,
  summary TEXT NOT NULL CHECK(length(summary) <= 500),
  body BLOB NOT NULL,
  reason TEXT NOT NULL CHECK(length(reason) <= 500),
  state TEXT NOT NULL CHECK(length(state) <= 16),
  proposed_by INTEGER NOT NULL,
  proposed_ms INTEGER NOT NULL,
  decided_by INTEGER NOT NULL,
  decided_ms INTEGER NOT NULL,
  decision TEXT NOT NULL CHECK(length(decision) <= 500),
  version INTEGER NOT NULL,
  PRIMARY KEY (bucket, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX kit_proposal_state ON kit_proposal (state, proposed_ms, id);

-- Work for people. state: open, claimed, done, cancelled. lease_ms is real time, due_ms business time.
CREATE TABLE kit_task (
  bucket INTEGER NOT NULL,
  id INTEGER NOT NULL,
  queue TEXT NOT NULL CHECK(length(queue) <= 32),
  subject_id INTEGER NOT NULL,
  turn INTEGER NOT NULL,
  priority INTEGER NOT NULL,
  due_ms INTEGER NOT NULL,
  state TEXT NOT NULL CHECK(length(state) <= 16),
  claimed_by INTEGER NOT NULL,
  lease_ms INTEGER NOT NULL,
  skips INTEGER NOT NULL,
  note TEXT NOT NULL CHECK(length(note) <= 500),
  created_ms INTEGER NOT NULL,
  done_ms INTEGER NOT NULL,
  version INTEGER NOT NULL,
  PRIMARY KEY (bucket, id),
  UNIQUE (bucket, queue, subject_id, turn)
) STRICT, WITHOUT ROWID;
CREATE INDEX kit_task_next ON kit_task (queue, state, priority, due_ms);

-- Who gave a task back and why; it is not handed to him again.
CREATE TABLE kit_task_skip (
  bucket INTEGER NOT NULL,
  task_id INTEGER NOT NULL,
  staff_id INTEGER NOT NULL,
  reason TEXT NOT NULL CHECK(length(reason) <= 500),
  at_ms INTEGER NOT NULL,
  PRIMARY KEY (bucket, task_id, staff_id)
) STRICT, WITHOUT ROWID;
