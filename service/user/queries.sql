-- name: InsertPerson :exec
INSERT INTO person (bucket, id, state, mobile_sealed, name_sealed, id_no_sealed, address_sealed, mobile_token, device_token,
 address_token, identity_state, identity_reason, registered_ms, identified_ms, version)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1);

-- name: GetPerson :one
SELECT * FROM person WHERE bucket = ? AND id = ?;

-- name: UpdatePerson :execrows
UPDATE person SET state = ?, name_sealed = ?, id_no_sealed = ?, address_sealed = ?, device_token = ?, address_token = ?,
 identity_state = ?, identity_reason = ?, identified_ms = ?, version = version + 1
WHERE bucket = ? AND id = ? AND version = ?;

-- name: InsertKeyset :exec
INSERT INTO keyset (bucket, owner_id, class, wrapped, created_ms, erased_ms, version) VALUES (?, ?, ?, ?, ?, 0, 1);

-- name: GetKeyset :one
SELECT * FROM keyset WHERE bucket = ? AND owner_id = ? AND class = ?;

-- name: InsertReservation :exec
INSERT INTO reservation (bucket, field, idx, user_id, ref_id, state, version) VALUES (?, ?, ?, ?, ?, ?, 1);

-- name: GetReservation :one
SELECT * FROM reservation WHERE bucket = ? AND field = ? AND idx = ?;

-- name: ConfirmReservation :execrows
UPDATE reservation SET state = 'confirmed', version = version + 1 WHERE bucket = ? AND field = ? AND idx = ? AND user_id = ? AND ref_id = ?;

-- name: DeleteReservation :execrows
DELETE FROM reservation WHERE bucket = ? AND field = ? AND idx = ? AND user_id = ? AND ref_id = ?;

-- name: GetToken :one
SELECT token FROM token WHERE bucket = ? AND kind = ? AND idx = ?;

-- name: InsertToken :exec
INSERT INTO token (bucket, kind, idx, token, created_ms) VALUES (?, ?, ?, ?, ?);

-- name: CountTokenHolder :one
SELECT COUNT(*) FROM token_holder WHERE bucket = ? AND kind = ? AND idx = ? AND user_id = ?;

-- name: InsertTokenHolder :exec
INSERT INTO token_holder (bucket, kind, idx, user_id) VALUES (?, ?, ?, ?);

-- name: InsertCode :exec
INSERT INTO code (bucket, id, purpose, mobile_idx, digest, state, tries, created_ms, expires_ms, version)
VALUES (?, ?, ?, ?, ?, 'live', 0, ?, ?, 1);

-- name: LiveCodes :many
SELECT * FROM code WHERE bucket = ? AND mobile_idx = ? AND purpose = ? AND state = 'live' ORDER BY created_ms DESC, id DESC LIMIT 5;

-- name: ReplaceCodes :execrows
UPDATE code SET state = 'replaced', version = version + 1 WHERE bucket = ? AND mobile_idx = ? AND purpose = ? AND state = 'live';

-- name: MoveCode :execrows
UPDATE code SET state = ?, tries = ?, version = version + 1 WHERE bucket = ? AND id = ? AND version = ?;

-- name: DeleteOldCodes :execrows
DELETE FROM code WHERE expires_ms < ?;

-- name: GetCounter :one
SELECT uses FROM counter WHERE bucket = ? AND name = ? AND window_ms = ?;

-- name: RaiseCounter :execrows
UPDATE counter SET uses = uses + 1, version = version + 1 WHERE bucket = ? AND name = ? AND window_ms = ?;

-- name: InsertCounter :exec
INSERT INTO counter (bucket, name, window_ms, uses, ends_ms, version) VALUES (?, ?, ?, 1, ?, 1);

-- name: DeleteOldCounters :execrows
DELETE FROM counter WHERE ends_ms < ?;

-- name: InsertSession :exec
INSERT INTO session (bucket, id, kind, owner_id, token_hash, device, device_token, created_ms, seen_ms, expires_ms, ended_ms, end_reason, version)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, '', 1);

-- name: SessionByToken :one
SELECT * FROM session WHERE bucket = ? AND token_hash = ?;

-- name: GetSession :one
SELECT * FROM session WHERE bucket = ? AND id = ?;

-- name: LiveSessions :many
SELECT * FROM session WHERE bucket = ? AND owner_id = ? AND ended_ms = 0 ORDER BY seen_ms DESC, id DESC;

-- name: SeeSession :execrows
UPDATE session SET seen_ms = ?, version = version + 1 WHERE bucket = ? AND id = ? AND ended_ms = 0 AND seen_ms < ?;

-- name: EndSession :execrows
UPDATE session SET ended_ms = ?, end_reason = ?, version = version + 1 WHERE bucket = ? AND id = ? AND ended_ms = 0;

-- name: GetDocumentHash :one
SELECT hash FROM document WHERE name = ? AND doc_version = ? AND language = ?;

-- name: InsertDocument :exec
INSERT INTO document (name, doc_version, language, purpose, title, body, hash, effective_on) VALUES (?, ?, ?, ?, ?, ?, ?, ?);

-- name: InsertConsent :exec
INSERT INTO consent (bucket, id, user_id, document, doc_version, purpose, hash, channel, session_id, given_ms, withdrawn_ms, ended, version)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0, 1);

-- name: LiveConsent :one
SELECT * FROM consent WHERE bucket = ? AND user_id = ? AND document = ? AND ended = 0;

-- name: LivePurposes :many
SELECT purpose FROM consent WHERE bucket = ? AND user_id = ? AND ended = 0 ORDER BY purpose;

-- name: EndConsent :execrows
UPDATE consent SET withdrawn_ms = ?, ended = id, version = version + 1 WHERE bucket = ? AND id = ? AND ended = 0;

-- name: ListConsents :many
SELECT * FROM consent WHERE bucket = ? AND user_id = ? ORDER BY given_ms DESC, id DESC LIMIT 500;

-- name: InsertCard :exec
INSERT INTO card (bucket, id, user_id, number_sealed, mobile_sealed, bank, last4, token, state, reason, is_default, created_ms, verified_ms, version)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'CHECKING', '', 0, ?, 0, 1);

-- name: GetCard :one
SELECT * FROM card WHERE bucket = ? AND id = ?;

-- name: ListCards :many
SELECT * FROM card WHERE bucket = ? AND user_id = ? AND state <> 'UNBOUND' ORDER BY is_default DESC, created_ms DESC, id DESC LIMIT 200;

-- name: UpdateCard :execrows
UPDATE card SET number_sealed = ?, mobile_sealed = ?, bank = ?, state = ?, reason = ?, is_default = ?, verified_ms = ?, version = version + 1
WHERE bucket = ? AND id = ? AND version = ?;

-- name: InsertCheck :exec
INSERT INTO identity_check (bucket, id, user_id, card_id, first, channel, state, code, reason, asked_ms, answered_ms, version)
VALUES (?, ?, ?, ?, ?, ?, 'CHECKING', '', '', ?, 0, 1);

-- name: GetCheck :one
SELECT * FROM identity_check WHERE bucket = ? AND id = ?;

-- name: AnswerCheck :execrows
UPDATE identity_check SET state = ?, code = ?, reason = ?, answered_ms = ?, version = version + 1 WHERE bucket = ? AND id = ? AND version = ?;

-- name: InsertAccess :exec
INSERT INTO access (bucket, id, user_id, at_ms, act, service, staff_id, purpose, fields, subject_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: InsertStaff :exec
INSERT INTO staff (bucket, id, login, display_name, password, totp_sealed, totp_step, roles, state, failures, locked_ms, created_ms, last_login_ms, version)
VALUES (?, ?, ?, ?, ?, ?, 0, ?, 'active', 0, 0, ?, 0, 1);

-- name: StaffByLogin :one
SELECT * FROM staff WHERE bucket = ? AND login = ?;

-- name: GetStaff :one
SELECT * FROM staff WHERE bucket = ? AND id = ?;

-- name: CountStaff :one
SELECT COUNT(*) FROM staff;

-- name: ListStaff :many
SELECT * FROM staff WHERE id > ? ORDER BY id LIMIT ?;

-- name: UpdateStaff :execrows
UPDATE staff SET password = ?, totp_step = ?, roles = ?, state = ?, failures = ?, locked_ms = ?, last_login_ms = ?, version = version + 1
WHERE bucket = ? AND id = ? AND version = ?;
