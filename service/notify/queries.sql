-- name: InsertMessage :exec
INSERT INTO notify_message (bucket, message_id, user_id, origin, channel, template, template_version, class, language, subject_id, params,
  sealed_code, sealed_mobile, state, reason, provider_no, created_ms, not_before_ms, expires_ms, sent_ms, ended_ms, read_ms, version)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '', '', ?, ?, ?, ?, ?, 0, 1);

-- name: MessageByID :one
SELECT bucket, message_id, user_id, origin, channel, template, template_version, class, language, subject_id, params, sealed_code,
  sealed_mobile, state, reason, provider_no, created_ms, not_before_ms, expires_ms, sent_ms, ended_ms, read_ms, version
FROM notify_message WHERE bucket = ? AND message_id = ?;

-- name: MessageByOrigin :one
SELECT message_id FROM notify_message WHERE bucket = ? AND origin = ?;

-- name: MoveMessage :execrows
UPDATE notify_message SET state = sqlc.arg(to_state), reason = ?, provider_no = ?, not_before_ms = ?, sent_ms = ?, ended_ms = ?,
  sealed_code = ?, sealed_mobile = ?, version = version + 1
WHERE bucket = ? AND message_id = ? AND version = ?;

-- name: Inbox :many
SELECT bucket, message_id, user_id, origin, channel, template, template_version, class, language, subject_id, params, sealed_code,
  sealed_mobile, state, reason, provider_no, created_ms, not_before_ms, expires_ms, sent_ms, ended_ms, read_ms, version
FROM notify_message
WHERE bucket = ? AND user_id = ? AND channel = 'in_app' AND state = 'DELIVERED' AND (sqlc.arg(read_too) = 1 OR read_ms = 0)
  AND (created_ms < sqlc.arg(before_ms) OR (created_ms = sqlc.arg(before_ms) AND message_id < sqlc.arg(before_id)))
ORDER BY created_ms DESC, message_id DESC LIMIT ?;

-- name: CountUnread :one
SELECT COUNT(*) FROM notify_message WHERE bucket = ? AND user_id = ? AND channel = 'in_app' AND state = 'DELIVERED' AND read_ms = 0;

-- name: MarkRead :execrows
UPDATE notify_message SET read_ms = ?, version = version + 1
WHERE bucket = ? AND message_id = ? AND user_id = ? AND channel = 'in_app' AND state = 'DELIVERED' AND read_ms = 0;

-- name: MarkAllRead :execrows
UPDATE notify_message SET read_ms = ?, version = version + 1
WHERE bucket = ? AND user_id = ? AND channel = 'in_app' AND state = 'DELIVERED' AND read_ms = 0;

-- name: ListMessages :many
SELECT bucket, message_id, user_id, origin, channel, template, template_version, class, language, subject_id, params, sealed_code,
  sealed_mobile, state, reason, provider_no, created_ms, not_before_ms, expires_ms, sent_ms, ended_ms, read_ms, version
FROM notify_message
WHERE bucket BETWEEN sqlc.arg(first_bucket) AND sqlc.arg(last_bucket)
  AND (created_ms < sqlc.arg(before_ms) OR (created_ms = sqlc.arg(before_ms) AND message_id < sqlc.arg(before_id)))
  AND (sqlc.arg(any_user) = 1 OR user_id = sqlc.arg(user_id)) AND (sqlc.arg(any_state) = 1 OR state = sqlc.arg(state))
  AND (sqlc.arg(any_channel) = 1 OR channel = sqlc.arg(channel)) AND (sqlc.arg(any_template) = 1 OR template = sqlc.arg(template))
ORDER BY created_ms DESC, message_id DESC LIMIT ?;

-- name: InsertMove :exec
INSERT INTO notify_move (bucket, message_id, number, from_state, to_state, reason, at_ms) VALUES (?, ?, ?, ?, ?, ?, ?);

-- name: MovesOf :many
SELECT bucket, message_id, number, from_state, to_state, reason, at_ms FROM notify_move
WHERE bucket = ? AND message_id = ? ORDER BY number;

-- name: ContactDay :one
SELECT bucket, user_id, contact_on, calls_open, calls_effective, calls_in_vain, messages, version FROM notify_contact_day
WHERE bucket = ? AND user_id = ? AND contact_on = ?;

-- name: InsertContactDay :exec
INSERT INTO notify_contact_day (bucket, user_id, contact_on, calls_open, calls_effective, calls_in_vain, messages, version)
VALUES (?, ?, ?, 0, 0, 0, 0, 1);

-- name: CountContactDay :execrows
UPDATE notify_contact_day SET calls_open = ?, calls_effective = ?, calls_in_vain = ?, messages = ?, version = version + 1
WHERE bucket = ? AND user_id = ? AND contact_on = ? AND version = ?;

-- name: InsertContact :exec
INSERT INTO notify_contact (bucket, contact_id, user_id, contact_on, medium, number_token, outcome, at_ms, version)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, 1);

-- name: ContactByID :one
SELECT bucket, contact_id, user_id, contact_on, medium, number_token, outcome, at_ms, version FROM notify_contact
WHERE bucket = ? AND contact_id = ?;

-- name: SettleContact :execrows
UPDATE notify_contact SET outcome = sqlc.arg(outcome), version = version + 1
WHERE bucket = ? AND contact_id = ? AND outcome = 'GRANTED';

-- name: CountTries :one
SELECT COUNT(*) FROM notify_contact WHERE bucket = ? AND user_id = ? AND contact_on = ? AND medium = 'call' AND number_token = ?;

-- name: ContactsOf :many
SELECT bucket, contact_id, user_id, contact_on, medium, number_token, outcome, at_ms, version FROM notify_contact
WHERE bucket = ? AND user_id = ? ORDER BY at_ms DESC, contact_id DESC LIMIT ?;

-- name: InsertStop :exec
INSERT INTO notify_stop (bucket, stop_id, user_id, reason, stopped_by, from_ms, until_ms, lifted_ms, lifted_by, version)
VALUES (?, ?, ?, ?, ?, ?, ?, 0, 0, 1);

-- name: StopByID :one
SELECT bucket, stop_id, user_id, reason, stopped_by, from_ms, until_ms, lifted_ms, lifted_by, version FROM notify_stop
WHERE bucket = ? AND stop_id = ?;

-- name: StopsOf :many
SELECT bucket, stop_id, user_id, reason, stopped_by, from_ms, until_ms, lifted_ms, lifted_by, version FROM notify_stop
WHERE bucket = ? AND user_id = ? ORDER BY from_ms DESC, stop_id DESC LIMIT 200;

-- name: LiftStop :execrows
UPDATE notify_stop SET lifted_ms = ?, lifted_by = ?, version = version + 1 WHERE bucket = ? AND stop_id = ? AND lifted_ms = 0;
