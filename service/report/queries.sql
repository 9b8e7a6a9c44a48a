-- name: InsertEntry :exec
INSERT INTO report_entry (bucket, journal, transaction_id, line, event, subject_id, account, amount_minor, product, booked_on, value_on)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: AddSum :execrows
UPDATE report_sum SET debit_minor = debit_minor + sqlc.arg(debit_minor), credit_minor = credit_minor + sqlc.arg(credit_minor), entries = entries + sqlc.arg(entries)
WHERE bucket = ? AND journal = ? AND account = ? AND booked_on = ?;

-- name: InsertSum :exec
INSERT INTO report_sum (bucket, journal, account, booked_on, debit_minor, credit_minor, entries) VALUES (?, ?, ?, ?, ?, ?, ?);

-- name: TrialBalance :many
SELECT account, journal, CAST(COALESCE(SUM(debit_minor), 0) AS SIGNED) AS debit_minor, CAST(COALESCE(SUM(credit_minor), 0) AS SIGNED) AS credit_minor,
  CAST(COALESCE(SUM(entries), 0) AS SIGNED) AS entries
FROM report_sum WHERE booked_on <= ? GROUP BY account, journal ORDER BY account, journal;

-- name: Application :one
SELECT bucket, application_id, user_id, state, product, amount_minor, term_months, purpose, reason, loan_id, created_ms, moved_ms
FROM report_application WHERE bucket = ? AND application_id = ?;

-- name: InsertApplication :exec
INSERT INTO report_application (bucket, application_id, user_id, state, product, amount_minor, term_months, purpose, reason,
  loan_id, created_ms, moved_ms)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: SaveApplication :exec
UPDATE report_application SET state = ?, product = ?, amount_minor = ?, term_months = ?, purpose = ?, reason = ?,
  loan_id = ?, created_ms = ?, moved_ms = ?
WHERE bucket = ? AND application_id = ?;

-- name: Loan :one
SELECT bucket, loan_id, user_id, state, product, principal_minor, outstanding_minor, overdue_minor, dpd_bucket, class, disbursed_on, rate_ppm, method,
  created_ms, moved_ms
FROM report_loan WHERE bucket = ? AND loan_id = ?;

-- name: InsertLoan :exec
INSERT INTO report_loan (bucket, loan_id, user_id, state, product, principal_minor, outstanding_minor, overdue_minor, dpd_bucket, class, disbursed_on,
  rate_ppm, method, created_ms, moved_ms)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: SaveLoan :exec
UPDATE report_loan SET state = ?, product = ?, principal_minor = ?, outstanding_minor = ?, overdue_minor = ?, dpd_bucket = ?, class = ?,
  disbursed_on = ?, rate_ppm = ?, method = ?, created_ms = ?, moved_ms = ?
WHERE bucket = ? AND loan_id = ?;

-- name: Order :one
SELECT bucket, order_id, user_id, loan_id, kind, amount_minor, outcome, reason, channel, posting_on, value_on, created_ms, settled_ms
FROM report_order WHERE bucket = ? AND order_id = ?;

-- name: InsertOrder :exec
INSERT INTO report_order (bucket, order_id, user_id, loan_id, kind, amount_minor, outcome, reason, channel, posting_on, value_on, created_ms, settled_ms)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: SaveOrder :exec
UPDATE report_order SET outcome = ?, reason = ?, channel = ?, posting_on = ?, value_on = ?, settled_ms = ? WHERE bucket = ? AND order_id = ?;

-- name: LoanStates :many
SELECT state AS name, COUNT(*) AS n, CAST(COALESCE(SUM(outstanding_minor), 0) AS SIGNED) AS amount_minor FROM report_loan GROUP BY state ORDER BY state;

-- name: LoanBuckets :many
SELECT dpd_bucket AS name, COUNT(*) AS n, CAST(COALESCE(SUM(outstanding_minor), 0) AS SIGNED) AS amount_minor
FROM report_loan WHERE state IN ('REPAYING', 'ACCELERATED') GROUP BY dpd_bucket ORDER BY dpd_bucket;

-- name: LoanTotals :one
SELECT CAST(COALESCE(SUM(principal_minor), 0) AS SIGNED) AS lent_minor, CAST(COALESCE(SUM(outstanding_minor), 0) AS SIGNED) AS outstanding_minor,
  CAST(COALESCE(SUM(overdue_minor), 0) AS SIGNED) AS overdue_minor
FROM report_loan WHERE disbursed_on <> '' AND state NOT IN ('PAYOUT_RETURNED', 'CANCELLED', 'VOID');

-- name: FunnelStates :many
SELECT state AS name, COUNT(*) AS n, CAST(COALESCE(SUM(amount_minor), 0) AS SIGNED) AS amount_minor
FROM report_application WHERE created_ms >= ? AND created_ms < ? GROUP BY state ORDER BY state;

-- name: FunnelOutcomes :many
SELECT d.outcome AS name, COUNT(*) AS n, CAST(COALESCE(SUM(a.amount_minor), 0) AS SIGNED) AS amount_minor
FROM report_application AS a JOIN report_decision AS d ON d.bucket = a.bucket AND d.application_id = a.application_id
WHERE a.created_ms >= ? AND a.created_ms < ? GROUP BY d.outcome ORDER BY d.outcome;

-- name: CountDecision :one
SELECT COUNT(*) FROM report_decision WHERE bucket = ? AND application_id = ?;

-- name: InsertDecision :exec
INSERT INTO report_decision (bucket, application_id, outcome, grade, score, decided_ms) VALUES (?, ?, ?, ?, ?, ?);

-- name: WipeDecisions :exec
DELETE FROM report_decision;

-- name: FunnelReasons :many
SELECT reason AS name, COUNT(*) AS n, CAST(COALESCE(SUM(amount_minor), 0) AS SIGNED) AS amount_minor
FROM report_application WHERE created_ms >= ? AND created_ms < ? AND reason <> '' GROUP BY reason ORDER BY reason;

-- name: WipeEntries :exec
DELETE FROM report_entry WHERE journal = ?;

-- name: WipeSums :exec
DELETE FROM report_sum WHERE journal = ?;

-- name: WipeApplications :exec
DELETE FROM report_application;

-- name: WipeLoans :exec
DELETE FROM report_loan;

-- name: WipeOrders :exec
DELETE FROM report_order;
