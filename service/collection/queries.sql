-- name: CaseByID :one
SELECT bucket, id, loan_id, user_id, open_key, state, dpd_bucket, due_on, overdue_minor, assigned_to, done_dpd, next_on, until_on, promised_minor,
  closed_reason, contact_id, acts, opened_ms, closed_ms, version
FROM collection_case WHERE bucket = ? AND id = ?;

-- name: OpenCaseOfLoan :one
SELECT bucket, id, loan_id, user_id, open_key, state, dpd_bucket, due_on, overdue_minor, assigned_to, done_dpd, next_on, until_on, promised_minor,
  closed_reason, contact_id, acts, opened_ms, closed_ms, version
FROM collection_case WHERE bucket = ? AND loan_id = ? AND open_key = 0;

-- name: ClosedCaseOfArrears :one
SELECT bucket, id, loan_id, user_id, open_key, state, dpd_bucket, due_on, overdue_minor, assigned_to, done_dpd, next_on, until_on, promised_minor,
  closed_reason, contact_id, acts, opened_ms, closed_ms, version
FROM collection_case WHERE bucket = ? AND loan_id = ? AND due_on = ? AND open_key > 0 ORDER BY open_key DESC LIMIT 1;

-- name: InsertCase :exec
INSERT INTO collection_case (bucket, id, loan_id, user_id, open_key, state, dpd_bucket, due_on, overdue_minor, assigned_to, done_dpd, next_on, until_on, promised_minor,
  closed_reason, contact_id, acts, opened_ms, closed_ms, version)
VALUES (?, ?, ?, ?, 0, ?, ?, ?, ?, 0, 0, ?, '', 0, '', 0, 1, ?, 0, 1);

-- name: SaveCase :execrows
UPDATE collection_case SET open_key = ?, state = ?, dpd_bucket = ?, due_on = ?, overdue_minor = ?, assigned_to = ?, done_dpd = ?, next_on = ?,
  until_on = ?, promised_minor = ?, closed_reason = ?, contact_id = ?, acts = ?, closed_ms = ?, version = version + 1
WHERE bucket = ? AND id = ? AND version = ?;

-- name: DueCases :many
SELECT bucket, id, loan_id, user_id, open_key, state, dpd_bucket, due_on, overdue_minor, assigned_to, done_dpd, next_on, until_on, promised_minor,
  closed_reason, contact_id, acts, opened_ms, closed_ms, version
FROM collection_case WHERE next_on > '' AND next_on <= ? ORDER BY next_on, id LIMIT ?;

-- name: InsertAct :exec
INSERT INTO collection_act (bucket, case_id, number, kind, staff_id, detail, amount_minor, text_sealed, at_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: ActsOfCase :many
SELECT bucket, case_id, number, kind, staff_id, detail, amount_minor, text_sealed, at_ms
FROM collection_act WHERE bucket = ? AND case_id = ? ORDER BY number DESC LIMIT 200;

-- name: ClosedDay :one
SELECT closed_on FROM collection_day WHERE bucket = 0;

-- name: InsertClosedDay :exec
INSERT INTO collection_day (bucket, closed_on, version) VALUES (0, ?, 1);

-- name: SaveClosedDay :execrows
UPDATE collection_day SET closed_on = ?, version = version + 1 WHERE bucket = 0;
