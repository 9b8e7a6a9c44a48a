-- name: DecisionByApplication :one
SELECT bucket, id, application_id, user_id, product, policy, policy_hash, card, outcome, grade, limit_minor, rate_ppm, score, reasons, outline,
  input_hash, result_hash, sealed_profile, sealed_path, applied_on, decided_ms, micros, version
FROM decision WHERE bucket = ? AND application_id = ?;

-- name: DecisionByID :one
SELECT bucket, id, application_id, user_id, product, policy, policy_hash, card, outcome, grade, limit_minor, rate_ppm, score, reasons, outline,
  input_hash, result_hash, sealed_profile, sealed_path, applied_on, decided_ms, micros, version
FROM decision WHERE bucket = ? AND id = ?;

-- name: InsertDecision :exec
INSERT INTO decision (bucket, id, application_id, user_id, product, policy, policy_hash, card, outcome, grade, limit_minor, rate_ppm, score,
  reasons, outline, input_hash, result_hash, sealed_profile, sealed_path, applied_on, decided_ms, micros, version)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: PolicyByName :one
SELECT name, line, number, state, card_name, hash, document, card, rule_count, saved_by, saved_ms, proposal_id, approved_by, approved_ms, version
FROM policy_version WHERE name = ?;

-- name: PolicyHead :one
SELECT name, line, number, state, card_name, hash, version FROM policy_version WHERE name = ?;

-- name: CardOfPolicies :one
SELECT card FROM policy_version WHERE card_name = ? ORDER BY saved_ms DESC, name DESC LIMIT 1;

-- name: InsertPolicy :exec
INSERT INTO policy_version (name, line, number, state, card_name, hash, document, card, rule_count, saved_by, saved_ms, proposal_id,
  approved_by, approved_ms, version)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1);

-- name: RewritePolicy :execrows
UPDATE policy_version SET card_name = ?, hash = ?, document = ?, card = ?, rule_count = ?, saved_by = ?, saved_ms = ?, version = version + 1
WHERE name = ? AND version = ? AND state = 'draft';

-- name: MovePolicy :execrows
UPDATE policy_version SET state = ?, proposal_id = ?, approved_by = ?, approved_ms = ?, version = version + 1
WHERE name = ? AND version = ? AND state = ?;

-- name: LiveHead :one
SELECT v.name, v.hash FROM policy_live AS l JOIN policy_version AS v ON v.name = l.name WHERE l.line = ?;

-- name: LivePolicy :one
SELECT line, name, turn, version FROM policy_live WHERE line = ?;

-- name: InsertLive :exec
INSERT INTO policy_live (line, name, turn, version) VALUES (?, ?, 1, 1);

-- name: MoveLive :execrows
UPDATE policy_live SET name = ?, turn = ?, version = version + 1 WHERE line = ? AND version = ?;

-- name: InsertTurn :exec
INSERT INTO policy_turn (line, turn, name, cause, changed_by, reason, at_ms) VALUES (?, ?, ?, ?, ?, ?, ?);

-- name: Turns :many
SELECT line, turn, name, cause, changed_by, reason, at_ms FROM policy_turn WHERE line = ? ORDER BY turn DESC LIMIT ?;

-- name: TurnsTo :one
SELECT COUNT(*) FROM policy_turn WHERE line = ? AND name = ?;

-- name: TurnBefore :one
SELECT name FROM policy_turn WHERE line = ? AND name <> ? ORDER BY turn DESC LIMIT 1;

-- name: Listed :one
SELECT COUNT(*) FROM list_entry WHERE bucket = ? AND kind = ? AND token = ? AND state = 'active' AND (expires_on = '' OR expires_on >= ?);

-- name: Entry :one
SELECT bucket, kind, token, state, reason, expires_on, proposed_by, approved_by, added_ms, version
FROM list_entry WHERE bucket = ? AND kind = ? AND token = ?;

-- name: InsertEntry :exec
INSERT INTO list_entry (bucket, kind, token, state, reason, expires_on, proposed_by, approved_by, added_ms, version)
VALUES (?, ?, ?, 'active', ?, ?, ?, ?, ?, 1);

-- name: MoveEntry :execrows
UPDATE list_entry SET state = ?, reason = ?, expires_on = ?, proposed_by = ?, approved_by = ?, added_ms = ?, version = version + 1
WHERE bucket = ? AND kind = ? AND token = ? AND version = ?;

-- name: VelocityKey :one
SELECT version FROM velocity_key WHERE bucket = ? AND kind = ? AND token = ?;

-- name: InsertVelocityKey :exec
INSERT INTO velocity_key (bucket, kind, token, version) VALUES (?, ?, ?, 1);

-- name: RaiseVelocityKey :execrows
UPDATE velocity_key SET version = version + 1 WHERE bucket = ? AND kind = ? AND token = ? AND version = ?;

-- name: CountWindows :one
SELECT COUNT(CASE WHEN at_ms > ? THEN 1 END) AS in_day, COUNT(CASE WHEN at_ms > ? THEN 1 END) AS in_week,
  COUNT(DISTINCT CASE WHEN at_ms > ? AND user_id <> ? THEN user_id END) AS others_in_day,
  COUNT(DISTINCT CASE WHEN user_id <> ? THEN user_id END) AS others_in_month
FROM velocity_event WHERE bucket = ? AND kind = ? AND token = ? AND at_ms > ? AND at_ms <= ?;

-- name: InsertVelocityEvent :exec
INSERT INTO velocity_event (bucket, kind, token, at_ms, application_id, user_id) VALUES (?, ?, ?, ?, ?, ?);

-- name: OldVelocityEvents :many
SELECT bucket, kind, token, at_ms, application_id, user_id FROM velocity_event WHERE at_ms < ? ORDER BY at_ms LIMIT ?;

-- name: DeleteVelocityEvent :exec
DELETE FROM velocity_event WHERE bucket = ? AND kind = ? AND token = ? AND at_ms = ? AND application_id = ?;
