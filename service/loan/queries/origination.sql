-- name: InsertProductVersion :exec
INSERT INTO product_version (code, version, hash, effective_from, effective_to, proposal_id, proposed_by, approved_by, approved_ms, body)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: ProductVersion :one
SELECT * FROM product_version WHERE code = ? AND version = ?;

-- name: ProductVersions :many
SELECT * FROM product_version ORDER BY code, version;

-- name: NewestProductVersion :one
SELECT * FROM product_version WHERE code = ? ORDER BY version DESC LIMIT 1;

-- name: ProductVersionsPage :many
SELECT * FROM product_version
WHERE (sqlc.arg(only_code) = '' OR code = sqlc.arg(only_code))
  AND (code > sqlc.arg(after_code) OR (code = sqlc.arg(after_code) AND version < sqlc.arg(after_version)))
ORDER BY code, version DESC LIMIT ?;

-- name: CreditLimit :one
SELECT * FROM credit_limit WHERE bucket = ? AND user_id = ?;

-- name: InsertCreditLimit :exec
INSERT INTO credit_limit (bucket, user_id, granted_minor, total_minor, frozen_minor, used_minor, grade, rate_ppm, decision_id, created_ms, changed_ms, version)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: ChangeCreditLimit :execrows
UPDATE credit_limit SET granted_minor = ?, total_minor = ?, frozen_minor = ?, used_minor = ?, grade = ?, rate_ppm = ?, decision_id = ?, changed_ms = ?,
  version = version + 1
WHERE bucket = ? AND user_id = ? AND version = ?;

-- name: InsertCreditLimitChange :exec
INSERT INTO credit_limit_change (bucket, user_id, version, cause, subject_id, total_minor, frozen_minor, used_minor, at_ms)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: CreditLimitChanges :many
SELECT * FROM credit_limit_change WHERE bucket = ? AND user_id = ? ORDER BY version DESC LIMIT ?;

-- name: InsertApplication :exec
INSERT INTO application (bucket, id, user_id, open_key, state, product, product_version, amount_minor, approved_minor, term_months, method, purpose,
  card_id, stated_sealed, device_token, ip_token, mobile_token, card_token, address_token, emulator, rooted, proxy, age_years, outstanding_minor, applied_on,
  decision_id, outcome, grade, rate_ppm, limit_minor, score, policy, reasons, decided_by, note_sealed, retry_on, expires_on, contract_id, loan_id,
  created_ms, moved_ms, version)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: Application :one
SELECT * FROM application WHERE bucket = ? AND id = ?;

-- name: OpenApplication :one
SELECT id FROM application WHERE bucket = ? AND user_id = ? AND open_key = 0;

-- name: ChangeApplication :execrows
UPDATE application SET open_key = ?, state = ?, approved_minor = ?, decision_id = ?, outcome = ?, grade = ?, rate_ppm = ?, limit_minor = ?, score = ?,
  policy = ?, reasons = ?, decided_by = ?, note_sealed = ?, retry_on = ?, expires_on = ?, contract_id = ?, loan_id = ?, moved_ms = ?,
  version = version + 1
WHERE bucket = ? AND id = ? AND version = ?;

-- name: InsertApplicationStep :exec
INSERT INTO application_step (bucket, application_id, version, from_state, to_state, reason, by_staff, at_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?);

-- name: ApplicationSteps :many
SELECT * FROM application_step WHERE bucket = ? AND application_id = ? ORDER BY version;

-- name: ApplicationsOfUser :many
SELECT * FROM application WHERE bucket = ? AND user_id = ?
  AND (created_ms < sqlc.arg(before_ms) OR (created_ms = sqlc.arg(before_ms) AND id < sqlc.arg(before_id)))
  AND (sqlc.arg(only_state) = '' OR state = sqlc.arg(only_state)) AND (sqlc.arg(only_product) = '' OR product = sqlc.arg(only_product))
  AND applied_on >= sqlc.arg(from_on) AND applied_on <= sqlc.arg(to_on)
ORDER BY created_ms DESC, id DESC LIMIT ?;

-- name: ApplicationsInState :many
SELECT * FROM application WHERE state = ?
  AND (created_ms < sqlc.arg(before_ms) OR (created_ms = sqlc.arg(before_ms) AND id < sqlc.arg(before_id)))
  AND (sqlc.arg(only_product) = '' OR product = sqlc.arg(only_product))
  AND applied_on >= sqlc.arg(from_on) AND applied_on <= sqlc.arg(to_on)
ORDER BY created_ms DESC, id DESC LIMIT ?;

-- name: Applications :many
SELECT * FROM application
WHERE (created_ms < sqlc.arg(before_ms) OR (created_ms = sqlc.arg(before_ms) AND id < sqlc.arg(before_id)))
  AND (sqlc.arg(only_product) = '' OR product = sqlc.arg(only_product))
  AND applied_on >= sqlc.arg(from_on) AND applied_on <= sqlc.arg(to_on)
ORDER BY created_ms DESC, id DESC LIMIT ?;

-- name: ApplicationsToExpire :many
SELECT bucket, id FROM application WHERE open_key = 0 AND expires_on < ? ORDER BY expires_on LIMIT ?;

-- name: InsertDisclosure :exec
INSERT INTO disclosure (bucket, application_id, template, hash, record, shown_ms, read_seconds, confirmed_ms, device_token, ip_token)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: Disclosure :one
SELECT * FROM disclosure WHERE bucket = ? AND application_id = ?;

-- name: InsertContract :exec
INSERT INTO contract (bucket, id, application_id, user_id, loan_id, state, template, hash, record_sealed, disclosure_hash, made_ms, signed_ms,
  device_token, ip_token, version)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: ContractOfApplication :one
SELECT * FROM contract WHERE bucket = ? AND application_id = ?;

-- name: ChangeContract :execrows
UPDATE contract SET state = ?, loan_id = ?, signed_ms = ?, device_token = ?, ip_token = ?, version = version + 1
WHERE bucket = ? AND id = ? AND version = ?;
