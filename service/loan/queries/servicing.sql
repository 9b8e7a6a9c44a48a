-- name: InsertLoan :exec
INSERT INTO loan (bucket, id, user_id, application_id, contract_id, card_id, product, product_version, state, live, terms, principal_minor, term_months,
  method, rate_ppm, purpose, grade, payout_order_id, disbursed_on, matures_on, settled_on, life, booked_on, events, outstanding_minor, released_minor,
  overdue_since, overdue_bucket, class, lock_order_id, act_on, billed_row, aside, steps, created_ms, changed_ms, version)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: Loan :one
SELECT * FROM loan WHERE bucket = ? AND id = ?;

-- name: ChangeLoan :execrows
UPDATE loan SET state = ?, live = ?, disbursed_on = ?, matures_on = ?, settled_on = ?, life = ?, booked_on = ?, events = ?, outstanding_minor = ?,
  released_minor = ?, overdue_since = ?, overdue_bucket = ?, class = ?, lock_order_id = ?, act_on = ?, billed_row = ?, aside = ?, steps = ?, changed_ms = ?,
  version = version + 1
WHERE bucket = ? AND id = ? AND version = ?;

-- name: LoansOfUser :many
SELECT * FROM loan
WHERE bucket = ? AND user_id = ? AND (created_ms < sqlc.arg(before_ms) OR (created_ms = sqlc.arg(before_ms) AND id < sqlc.arg(before_id)))
ORDER BY created_ms DESC, id DESC LIMIT ?;

-- name: LoansPage :many
SELECT * FROM loan
WHERE (sqlc.arg(only_state) = '' OR state = sqlc.arg(only_state)) AND (sqlc.arg(only_product) = '' OR product = sqlc.arg(only_product))
  AND (sqlc.arg(only_user) = 0 OR (bucket = sqlc.arg(user_bucket) AND user_id = sqlc.arg(only_user)))
  AND (sqlc.arg(overdue_before) = '' OR (overdue_since <> '' AND overdue_since <= sqlc.arg(overdue_before)))
  AND (sqlc.arg(from_on) = '' OR disbursed_on >= sqlc.arg(from_on)) AND (sqlc.arg(to_on) = '' OR (disbursed_on <> '' AND disbursed_on <= sqlc.arg(to_on)))
  AND (created_ms < sqlc.arg(before_ms) OR (created_ms = sqlc.arg(before_ms) AND id < sqlc.arg(before_id)))
ORDER BY created_ms DESC, id DESC LIMIT ?;

-- name: LiveLoans :many
SELECT bucket, id, user_id, product, booked_on, events, overdue_since, overdue_bucket, class, life, version
FROM loan WHERE bucket >= sqlc.arg(from_bucket) AND bucket <= sqlc.arg(to_bucket) AND live = 1 AND aside = 0;

-- name: LiveLoansOf :many
SELECT bucket, id, user_id, product, booked_on, events, overdue_since, overdue_bucket, class, life, version
FROM loan WHERE bucket IN (sqlc.slice(buckets)) AND live = 1 AND aside = 0;

-- name: TermsOf :one
SELECT terms, disbursed_on FROM loan WHERE bucket = ? AND id = ?;

-- name: LoansToActOn :many
SELECT bucket, id, user_id FROM loan WHERE bucket >= sqlc.arg(from_bucket) AND bucket <= sqlc.arg(to_bucket) AND act_on <= sqlc.arg(day_on) AND aside = 0;

-- name: OutstandingOfUser :one
SELECT CAST(COALESCE(SUM(outstanding_minor), 0) AS SIGNED) AS outstanding FROM loan WHERE bucket = ? AND user_id = ?;

-- name: InsertLoanEvent :exec
INSERT INTO loan_event (bucket, loan_id, seq, kind, counts_on, amount_minor, order_id, payoff, posting_on, value_on, booked_from, booked_to, at_ms)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: LoanEvents :many
SELECT * FROM loan_event WHERE bucket = ? AND loan_id = ? ORDER BY seq;

-- name: InsertLoanStep :exec
INSERT INTO loan_step (bucket, loan_id, seq, from_state, to_state, reason, step_on, at_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?);

-- name: LoanSteps :many
SELECT * FROM loan_step WHERE bucket = ? AND loan_id = ? ORDER BY seq;

-- name: InsertPaymentOrder :exec
INSERT INTO payment_order (bucket, id, loan_id, user_id, kind, card_id, amount_minor, payoff, state, reason, not_before, locked_on, posting_on, value_on,
  received_minor, principal_minor, interest_minor, penalty_minor, fee_minor, unapplied_minor, settles, created_ms, ended_ms, version)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: PaymentOrder :one
SELECT * FROM payment_order WHERE bucket = ? AND id = ?;

-- name: PaymentOrdersOfLoan :many
SELECT * FROM payment_order WHERE bucket = ? AND loan_id = ? ORDER BY id;

-- name: EndPaymentOrder :execrows
UPDATE payment_order SET state = ?, reason = ?, posting_on = ?, value_on = ?, received_minor = ?, principal_minor = ?, interest_minor = ?,
  penalty_minor = ?, fee_minor = ?, unapplied_minor = ?, settles = ?, ended_ms = ?, version = version + 1
WHERE bucket = ? AND id = ? AND version = ?;

-- name: JournalOfSubject :many
SELECT * FROM journal WHERE bucket = ? AND subject_id = ? AND id > sqlc.arg(after_id) ORDER BY id LIMIT ?;

-- name: EntriesOfSubject :many
SELECT e.transaction_id, e.line, e.account, e.product, e.amount_minor FROM journal_entry e
JOIN journal j ON j.bucket = e.bucket AND j.id = e.transaction_id
WHERE j.bucket = ? AND j.subject_id = ? ORDER BY e.transaction_id, e.line;

-- name: SumsOfBucket :many
SELECT day_on, product, account, amount_minor FROM journal_sum WHERE bucket = ? ORDER BY day_on, product, account;

-- name: ClearingOfDay :many
SELECT bucket, CAST(SUM(clearing_debit_minor) AS SIGNED) AS debit_minor, CAST(SUM(clearing_credit_minor) AS SIGNED) AS credit_minor
FROM journal WHERE clearing_on = ? AND bucket >= 0 AND bucket <= 1023 AND bucket % 16 = sqlc.arg(part) GROUP BY bucket;

-- name: EntryBalances :many
SELECT account, CAST(COALESCE(SUM(amount_minor), 0) AS SIGNED) AS balance_minor FROM journal_entry GROUP BY account ORDER BY account;

-- name: SumBalances :many
SELECT account, CAST(COALESCE(SUM(amount_minor), 0) AS SIGNED) AS balance_minor FROM journal_sum GROUP BY account ORDER BY account;

-- name: LoansOfBucket :many
SELECT * FROM loan WHERE bucket = ? ORDER BY id;

-- name: DayParts :many
SELECT * FROM day_part ORDER BY part;

-- name: DayPart :one
SELECT * FROM day_part WHERE part = ?;

-- name: InsertDayPart :exec
INSERT INTO day_part (part, open_on, closed_through, agreed_through, started_on, held, version) VALUES (?, ?, ?, ?, ?, ?, 1);

-- name: TouchDayPart :execrows
UPDATE day_part SET version = version + 1 WHERE part = ? AND version = ?;

-- name: OpenDays :execrows
UPDATE day_part SET open_on = sqlc.arg(next_on), version = version + 1 WHERE open_on = sqlc.arg(day_on);

-- name: ClosePart :execrows
UPDATE day_part SET closed_through = ?, version = version + 1 WHERE part = ? AND version = ?;

-- name: AgreePart :execrows
UPDATE day_part SET agreed_through = ?, held = ?, version = version + 1 WHERE part = ? AND version = ?;

-- name: StartPart :execrows
UPDATE day_part SET started_on = ?, version = version + 1 WHERE part = ? AND version = ?;

-- name: InsertBusinessDay :exec
INSERT INTO business_day (day_on, state, opened_ms, cut_ms, close_ms, agreed_ms, ended_ms, loans, accrued_minor, penalty_minor, bills, debits, version)
VALUES (?, ?, ?, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1);

-- name: BusinessDay :one
SELECT * FROM business_day WHERE day_on = ?;

-- name: LastBusinessDay :one
SELECT * FROM business_day WHERE state = ? ORDER BY day_on DESC LIMIT 1;

-- name: OldestUnclosedDay :one
SELECT * FROM business_day WHERE state = 'CLOSING' ORDER BY day_on LIMIT 1;

-- name: BusinessDaysPage :many
SELECT * FROM business_day WHERE day_on < sqlc.arg(before_on) ORDER BY day_on DESC LIMIT ?;

-- name: ChangeBusinessDay :execrows
UPDATE business_day SET state = ?, cut_ms = ?, close_ms = ?, agreed_ms = ?, ended_ms = ?, loans = ?, accrued_minor = ?, penalty_minor = ?, bills = ?,
  debits = ?, version = version + 1
WHERE day_on = ? AND version = ?;

-- name: InsertDayDifference :exec
INSERT INTO day_difference (bucket, day_on, account, loan_minor, payment_minor, at_ms) VALUES (?, ?, ?, ?, ?, ?);

-- name: DayDifferences :many
SELECT * FROM day_difference WHERE day_on = ? ORDER BY bucket;

-- name: InsertDayAside :exec
INSERT INTO day_aside (bucket, loan_id, day_on, user_id, reason, at_ms, repaired_ms) VALUES (?, ?, ?, ?, ?, ?, 0);

-- name: RepairDayAside :execrows
UPDATE day_aside SET repaired_ms = ? WHERE bucket = ? AND loan_id = ? AND repaired_ms = 0;

-- name: DayAsides :many
SELECT * FROM day_aside WHERE repaired_ms = 0 AND (at_ms > sqlc.arg(after_ms) OR (at_ms = sqlc.arg(after_ms) AND loan_id > sqlc.arg(after_id)))
ORDER BY at_ms, loan_id LIMIT ?;

-- name: CountAsides :one
SELECT COUNT(*) AS n FROM day_aside WHERE repaired_ms = 0 AND day_on <= ?;

-- name: CountAsidesOn :one
SELECT COUNT(*) AS n FROM day_aside WHERE day_on = ?;

-- name: PutAside :execrows
UPDATE loan SET aside = ?, booked_on = ?, version = version + 1 WHERE bucket = ? AND id = ? AND version = ?;
