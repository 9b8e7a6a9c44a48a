-- +goose Up

-- Recorded acts. chain_no is 0 until the chaining job has taken the row in; then chain_hash covers it and all before it.
CREATE TABLE kit_audit (
  bucket BIGINT NOT NULL,
  id BIGINT NOT NULL,
  at_ms BIGINT NOT NULL,
  actor_kind VARCHAR(16) NOT NULL,
  actor_id BIGINT NOT NULL,
  actor_session BIGINT NOT NULL,
  actor_service VARCHAR(32) NOT NULL,
  act VARCHAR(64) NOT NULL,
  subject_kind VARCHAR(32) NOT NULL,
  subject_id BIGINT NOT NULL,
  reason VARCHAR(500) NOT NULL,
  details VARCHAR(4000) NOT NULL,
  chain_no BIGINT NOT NULL,
  chain_hash VARBINARY(32) NOT NULL,
  version BIGINT NOT NULL,
  PRIMARY KEY (bucket, id)
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
CREATE INDEX kit_audit_chain ON kit_audit (chain_no, at_ms, id);
CREATE INDEX kit_audit_at ON kit_audit (at_ms, id);
CREATE INDEX kit_audit_subject ON kit_audit (bucket, subject_id, at_ms);
CREATE INDEX kit_audit_actor ON kit_audit (actor_id, at_ms);

-- The end of the chain; raised by compare-and-set.
CREATE TABLE kit_audit_head (
  name VARCHAR(16) NOT NULL,
  chain_no BIGINT NOT NULL,
  chain_hash VARBINARY(32) NOT NULL,
  version BIGINT NOT NULL,
  PRIMARY KEY (name)
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
INSERT INTO kit_audit_head (name, chain_no, chain_hash, version) VALUES ('audit', 0, x'', 1);

-- Changes that wait for a second person. state: proposed, approved, rejected.
CREATE TABLE kit_proposal (
  bucket BIGINT NOT NULL,
  id BIGINT NOT NULL,
  kind VARCHAR(64) NOT NULL,
  subject_id BIGINT NOT NULL,
  summary VARCHAR(500) NOT NULL,
  body MEDIUMBLOB NOT NULL,
  reason VARCHAR(500) NOT NULL,
  state VARCHAR(16) NOT NULL,
  proposed_by BIGINT NOT NULL,
  proposed_ms BIGINT NOT NULL,
  decided_by BIGINT NOT NULL,
  decided_ms BIGINT NOT NULL,
  decision VARCHAR(500) NOT NULL,
  version BIGINT NOT NULL,
  PRIMARY KEY (bucket, id)
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
CREATE INDEX kit_proposal_state ON kit_proposal (state, proposed_ms, id);

-- Work for people. state: open, claimed, done, cancelled. lease_ms is real time, due_ms business time.
CREATE TABLE kit_task (
  bucket BIGINT NOT NULL,
  id BIGINT NOT NULL,
  queue VARCHAR(32) NOT NULL,
  subject_id BIGINT NOT NULL,
  turn BIGINT NOT NULL,
  priority BIGINT NOT NULL,
  due_ms BIGINT NOT NULL,
  state VARCHAR(16) NOT NULL,
  claimed_by BIGINT NOT NULL,
  lease_ms BIGINT NOT NULL,
  skips BIGINT NOT NULL,
  note VARCHAR(500) NOT NULL,
  created_ms BIGINT NOT NULL,
  done_ms BIGINT NOT NULL,
  version BIGINT NOT NULL,
  PRIMARY KEY (bucket, id),
  UNIQUE (bucket, queue, subject_id, turn)
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
CREATE INDEX kit_task_next ON kit_task (queue, state, priority, due_ms);

-- Who gave a task back and why; it is not handed to him again.
CREATE TABLE kit_task_skip (
  bucket BIGINT NOT NULL,
  task_id BIGINT NOT NULL,
  staff_id BIGINT NOT NULL,
  reason VARCHAR(500) NOT NULL,
  at_ms BIGINT NOT NULL,
  PRIMARY KEY (bucket, task_id, staff_id)
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
