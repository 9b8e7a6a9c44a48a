-- name: InsertOrder :exec
INSERT INTO payment_order (bucket, order_id, kind, user_id, loan_id, card_id, amount_minor, currency, not_before, body_hash,
  state, reason, stopped, channel, channel_no, posting_on, value_on, created_ms, updated_ms, version)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '', 0, '', '', '', '', ?, ?, 1);

-- name: OrderByID :one
SELECT bucket, order_id, kind, user_id, loan_id, card_id, amount_minor, currency, not_before, body_hash, state, reason, stopped,
  channel, channel_no, posting_on, value_on, created_ms, updated_ms, version
FROM payment_order WHERE bucket = ? AND order_id = ?;

-- name: MoveOrder :execrows
UPDATE payment_order SET state = sqlc.arg(to_state), reason = ?, stopped = ?, channel = ?, channel_no = ?, posting_on = ?,
  value_on = ?, updated_ms = ?, version = version + 1
WHERE bucket = ? AND order_id = ? AND version = ?;

-- name: ListOrders :many
SELECT bucket, order_id, kind, user_id, loan_id, card_id, amount_minor, currency, not_before, body_hash, state, reason, stopped,
  channel, channel_no, posting_on, value_on, created_ms, updated_ms, version
FROM payment_order
WHERE bucket BETWEEN sqlc.arg(first_bucket) AND sqlc.arg(last_bucket)
  AND state = ? AND created_ms <= sqlc.arg(before_ms) AND (created_ms < sqlc.arg(before_ms) OR order_id < sqlc.arg(before_id))
  AND kind IN (sqlc.slice(kinds))
ORDER BY created_ms DESC, order_id DESC LIMIT ?;

-- name: ListOrdersOfBucket :many
SELECT bucket, order_id, kind, user_id, loan_id, card_id, amount_minor, currency, not_before, body_hash, state, reason, stopped,
  channel, channel_no, posting_on, value_on, created_ms, updated_ms, version
FROM payment_order
WHERE bucket = ? AND (user_id = sqlc.arg(owner_id) OR loan_id = sqlc.arg(owner_id))
  AND created_ms <= sqlc.arg(before_ms) AND (created_ms < sqlc.arg(before_ms) OR order_id < sqlc.arg(before_id))
  AND state IN (sqlc.slice(states)) AND kind IN (sqlc.slice(kinds))
ORDER BY created_ms DESC, order_id DESC LIMIT ?;

-- name: CountOrders :many
SELECT state, COUNT(*) AS orders, CAST(MIN(created_ms) AS SIGNED) AS oldest_ms FROM payment_order
WHERE bucket BETWEEN 0 AND 1023 AND state IN (sqlc.slice(states)) GROUP BY state;

-- name: InsertAttempt :exec
INSERT INTO payment_attempt (bucket, attempt_id, order_id, live_key, number, channel, request_no, request_hash, amount_minor, state,
  code, reason, channel_no, fee_minor, settled_on, moved_on, route, requested_ms, submitted_ms, final_ms, sends, queries, fence, version)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '', '', '', 0, '', '', ?, ?, ?, 0, ?, 0, ?, 1);

-- name: AttemptByID :one
SELECT bucket, attempt_id, order_id, live_key, number, channel, request_no, request_hash, amount_minor, state, code, reason,
  channel_no, fee_minor, settled_on, moved_on, route, requested_ms, submitted_ms, final_ms, sends, queries, fence, version, stated_on
FROM payment_attempt WHERE bucket = ? AND attempt_id = ?;

-- name: AttemptsOfOrder :many
SELECT bucket, attempt_id, order_id, live_key, number, channel, request_no, request_hash, amount_minor, state, code, reason,
  channel_no, fee_minor, settled_on, moved_on, route, requested_ms, submitted_ms, final_ms, sends, queries, fence, version, stated_on
FROM payment_attempt WHERE bucket = ? AND order_id = ? ORDER BY number;

-- name: MoveAttempt :execrows
UPDATE payment_attempt SET state = sqlc.arg(to_state), live_key = ?, code = ?, reason = ?, channel_no = ?, fee_minor = ?,
  settled_on = ?, moved_on = ?, final_ms = ?, queries = ?, version = version + 1
WHERE bucket = ? AND attempt_id = ? AND version = ?;

-- name: SendAttempt :execrows
UPDATE payment_attempt SET state = sqlc.arg(to_state), submitted_ms = ?, sends = sends + 1, fence = sqlc.arg(fence), version = version + 1
WHERE bucket = ? AND attempt_id = ? AND version = ? AND fence <= sqlc.arg(fence);

-- name: CountLive :many
SELECT channel, state, COUNT(*) AS attempts, CAST(MIN(requested_ms) AS SIGNED) AS oldest_ms FROM payment_attempt
WHERE bucket BETWEEN 0 AND 1023 AND state IN ('PREPARED', 'SUBMITTING', 'PROCESSING', 'UNKNOWN') GROUP BY channel, state;

-- name: UnknownOrders :many
SELECT order_id FROM payment_attempt
WHERE bucket BETWEEN 0 AND 1023 AND state = 'UNKNOWN' AND order_id > sqlc.arg(after_id) ORDER BY order_id LIMIT ?;

-- name: InsertMove :exec
INSERT INTO payment_move (bucket, order_id, number, attempt_id, from_state, event, to_state, actor, at_ms)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: LastMove :one
SELECT CAST(COALESCE(MAX(number), 0) AS SIGNED) AS number FROM payment_move WHERE bucket = ? AND order_id = ?;

-- name: MovesOfOrder :many
SELECT bucket, order_id, number, attempt_id, from_state, event, to_state, actor, at_ms
FROM payment_move WHERE bucket = ? AND order_id = ? ORDER BY number;

-- name: InsertEvidence :exec
INSERT INTO payment_evidence (bucket, attempt_id, number, source, verdict, code, message, digest, at_ms)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: LastEvidence :one
SELECT CAST(COALESCE(MAX(number), 0) AS SIGNED) AS number FROM payment_evidence WHERE bucket = ? AND attempt_id = ?;

-- name: EvidenceOfAttempt :many
SELECT bucket, attempt_id, number, source, verdict, code, message, digest, at_ms
FROM payment_evidence WHERE bucket = ? AND attempt_id = ? ORDER BY number;

-- name: InsertHold :exec
INSERT INTO payment_hold (bucket, order_id, direction, amount_minor, state, version) VALUES (?, ?, ?, ?, 'PENDING', 1);

-- name: EndHold :execrows
UPDATE payment_hold SET state = sqlc.arg(to_state), version = version + 1 WHERE bucket = ? AND order_id = ? AND state = 'PENDING';

-- name: HoldOfOrder :one
SELECT bucket, order_id, direction, amount_minor, state, version FROM payment_hold WHERE bucket = ? AND order_id = ?;

-- name: SumPending :many
SELECT direction, CAST(COALESCE(SUM(amount_minor), 0) AS SIGNED) AS amount_minor FROM payment_hold
WHERE bucket BETWEEN 0 AND 1023 AND state = 'PENDING' GROUP BY direction;

-- name: CallbackByKey :one
SELECT bucket, channel, message_key, attempt_id, digest, times, first_ms, last_ms, version
FROM payment_callback WHERE bucket = ? AND channel = ? AND message_key = ?;

-- name: InsertCallback :exec
INSERT INTO payment_callback (bucket, channel, message_key, attempt_id, digest, times, first_ms, last_ms, version)
VALUES (?, ?, ?, ?, ?, 1, ?, ?, 1);

-- name: RepeatCallback :execrows
UPDATE payment_callback SET times = times + 1, last_ms = ?, version = version + 1 WHERE bucket = ? AND channel = ? AND message_key = ?;

-- name: RaiseRefusal :execrows
UPDATE payment_refusal SET times = times + 1, last_digest = ?, last_ms = ?, version = version + 1
WHERE bucket = 0 AND refused_on = ? AND channel = ? AND reason = ?;

-- name: InsertRefusal :exec
INSERT INTO payment_refusal (bucket, refused_on, channel, reason, times, last_digest, last_ms, version) VALUES (0, ?, ?, ?, 1, ?, ?, 1);

-- name: ListRefusals :many
SELECT bucket, refused_on, channel, reason, times, last_digest, last_ms, version
FROM payment_refusal WHERE bucket = 0 ORDER BY refused_on DESC, channel, reason LIMIT ?;

-- name: RaiseBreak :execrows
UPDATE payment_break SET times = times + 1, version = version + 1 WHERE bucket = ? AND source_key = ?;

-- name: InsertBreak :exec
INSERT INTO payment_break (bucket, break_id, source_key, kind, order_id, attempt_id, channel, expected_minor, actual_minor, note, state,
  times, created_ms, version)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'OPEN', 1, ?, 1);

-- name: BreakByID :one
SELECT bucket, break_id, source_key, kind, order_id, attempt_id, channel, expected_minor, actual_minor, note, state, times, created_ms, version
FROM payment_break WHERE bucket = ? AND break_id = ?;

-- name: BreaksOfOrder :many
SELECT bucket, break_id, source_key, kind, order_id, attempt_id, channel, expected_minor, actual_minor, note, state, times, created_ms, version
FROM payment_break WHERE bucket = ? AND order_id = ? ORDER BY break_id;

-- name: CloseBreak :execrows
UPDATE payment_break SET state = 'CLOSED', version = version + 1 WHERE bucket = ? AND break_id = ? AND state = 'OPEN';

-- name: ListBreaks :many
SELECT bucket, break_id, source_key, kind, order_id, attempt_id, channel, expected_minor, actual_minor, note, state, times, created_ms, version
FROM payment_break
WHERE bucket BETWEEN 0 AND 1023 AND state = ?
  AND created_ms <= sqlc.arg(before_ms) AND (created_ms < sqlc.arg(before_ms) OR break_id < sqlc.arg(before_id))
ORDER BY created_ms DESC, break_id DESC LIMIT ?;

-- name: CountBreaks :many
SELECT kind, COUNT(*) AS breaks FROM payment_break WHERE bucket BETWEEN 0 AND 1023 AND state = 'OPEN' GROUP BY kind;

-- name: Channels :many
SELECT bucket, channel, enabled, draining, priority, min_minor, max_minor, version, daily_minor, terms, breaker
FROM payment_channel WHERE bucket = 0 ORDER BY channel;

-- name: InsertChannel :exec
INSERT INTO payment_channel (bucket, channel, enabled, draining, priority, min_minor, max_minor, version, daily_minor, terms, breaker)
VALUES (0, ?, ?, ?, ?, ?, ?, 1, ?, ?, ?);

-- name: SetChannel :execrows
UPDATE payment_channel SET enabled = ?, draining = ?, priority = ?, min_minor = ?, max_minor = ?, daily_minor = ?, terms = ?, breaker = ?,
  version = version + 1
WHERE bucket = 0 AND channel = ? AND version = ?;

-- name: UseOf :one
SELECT used_minor FROM payment_use WHERE bucket = 0 AND channel = ? AND used_on = ?;

-- name: InsertUse :exec
INSERT INTO payment_use (bucket, channel, used_on, used_minor, version) VALUES (0, ?, ?, ?, 1);

-- name: DeleteUse :exec
DELETE FROM payment_use WHERE bucket = 0 AND channel = ? AND used_on = ?;

-- name: TakeUse :execrows
UPDATE payment_use SET used_minor = used_minor + sqlc.arg(amount_minor), version = version + 1
WHERE bucket = 0 AND channel = ? AND used_on = ? AND used_minor <= sqlc.arg(room_minor);

-- name: MoveUse :execrows
UPDATE payment_use SET used_minor = used_minor + sqlc.arg(amount_minor), version = version + 1
WHERE bucket = 0 AND channel = ? AND used_on = ?;

-- name: SumAsked :one
SELECT CAST(COALESCE(SUM(amount_minor), 0) AS SIGNED) AS amount_minor FROM payment_attempt
WHERE bucket IN (sqlc.slice(buckets)) AND attempt_id >= sqlc.arg(first_id) AND channel = ? AND requested_ms >= sqlc.arg(since_ms)
  AND state <> 'FAILED_FINAL' AND (state <> 'PREPARED' OR live_key IS NOT NULL);

-- name: Days :many
SELECT bucket, open_on, version FROM payment_day WHERE bucket BETWEEN 0 AND 15 ORDER BY bucket;

-- name: DayOf :one
SELECT open_on FROM payment_day WHERE bucket = ?;

-- name: InsertDay :exec
INSERT INTO payment_day (bucket, open_on, version) VALUES (?, ?, 1);

-- name: TouchDay :execrows
UPDATE payment_day SET version = version + 1 WHERE bucket = ? AND open_on = ?;

-- name: OpenDay :execrows
UPDATE payment_day SET open_on = sqlc.arg(next_on), version = version + 1 WHERE bucket = ? AND open_on = sqlc.arg(sealed_on);

-- name: InsertSealed :exec
INSERT INTO payment_sealed (bucket, sealed_on, sealed_ms) VALUES (?, ?, ?);

-- name: CountSealed :one
SELECT COUNT(*) AS days FROM payment_sealed WHERE bucket = ? AND sealed_on = ?;

-- name: InsertDaySum :exec
INSERT INTO payment_day_sum (bucket, booked_on, account, debit_minor, credit_minor) VALUES (?, ?, ?, ?, ?);

-- name: InsertTransaction :exec
INSERT INTO journal_transaction (bucket, transaction_id, event, subject_id, booked_on, value_on, reverses_id, currency, body_hash, at_ms)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: TransactionByID :one
SELECT bucket, transaction_id, event, subject_id, booked_on, value_on, reverses_id, currency, body_hash, at_ms
FROM journal_transaction WHERE bucket = ? AND transaction_id = ?;

-- name: TransactionsByID :many
SELECT bucket, transaction_id, event, subject_id, booked_on, value_on, reverses_id, currency, body_hash, at_ms
FROM journal_transaction WHERE bucket = ? AND transaction_id IN (sqlc.slice(ids));

-- name: InsertSubject :execrows
INSERT INTO journal_subject (bucket, subject_id, transaction_id, account, sequence)
SELECT bucket, CAST(sqlc.arg(subject_id) AS SIGNED), CAST(sqlc.arg(transaction_id) AS SIGNED), account, entries
FROM journal_balance WHERE journal_balance.bucket = sqlc.arg(bucket) AND journal_balance.account = sqlc.arg(account);

-- name: EntriesOfSubject :many
SELECT e.bucket, e.account, e.sequence, e.transaction_id, e.amount_minor, e.balance_minor
FROM journal_subject s JOIN journal_entry e ON e.bucket = s.bucket AND e.account = s.account AND e.sequence = s.sequence
WHERE s.bucket = ? AND s.subject_id = ? ORDER BY s.transaction_id, s.account, s.sequence;

-- name: MoveBalance :execrows
UPDATE journal_balance SET balance_minor = balance_minor + sqlc.arg(amount_minor), entries = entries + 1,
  debit_minor = CASE WHEN sum_on = sqlc.arg(booked_on) THEN debit_minor ELSE 0 END + CAST(sqlc.arg(debit_minor) AS SIGNED),
  credit_minor = CASE WHEN sum_on = sqlc.arg(booked_on) THEN credit_minor ELSE 0 END + CAST(sqlc.arg(credit_minor) AS SIGNED),
  sum_on = sqlc.arg(booked_on), version = version + 1
WHERE bucket = ? AND account = ? AND open_on = sqlc.arg(booked_on) AND balance_minor + sqlc.arg(amount_minor) >= floor_minor;

-- name: InsertEntry :execrows
INSERT INTO journal_entry (bucket, account, sequence, transaction_id, amount_minor, balance_minor)
SELECT bucket, account, entries, CAST(sqlc.arg(transaction_id) AS SIGNED), CAST(sqlc.arg(amount_minor) AS SIGNED), balance_minor
FROM journal_balance WHERE journal_balance.bucket = sqlc.arg(bucket) AND journal_balance.account = sqlc.arg(account);

-- name: BalanceOf :one
SELECT bucket, account, balance_minor, floor_minor, entries, open_on, sum_on, debit_minor, credit_minor, version
FROM journal_balance WHERE bucket = ? AND account = ?;

-- name: InsertBalance :exec
INSERT INTO journal_balance (bucket, account, balance_minor, floor_minor, entries, open_on, sum_on, debit_minor, credit_minor, version)
VALUES (?, ?, 0, ?, 0, ?, '', 0, 0, 1);

-- name: SetFloor :execrows
UPDATE journal_balance SET floor_minor = sqlc.arg(floor_minor), version = version + 1
WHERE bucket = ? AND account = ? AND balance_minor >= sqlc.arg(floor_minor);

-- name: TurnBalances :execrows
UPDATE journal_balance SET open_on = sqlc.arg(next_on), version = version + 1
WHERE bucket IN (sqlc.slice(buckets)) AND open_on = sqlc.arg(sealed_on);

-- name: SumsOfDay :many
SELECT bucket, account, debit_minor, credit_minor FROM journal_balance
WHERE bucket IN (sqlc.slice(buckets)) AND sum_on = sqlc.arg(sealed_on)
ORDER BY bucket, account;

-- name: SumBalances :many
SELECT account, CAST(COALESCE(SUM(balance_minor), 0) AS SIGNED) AS balance_minor, CAST(COALESCE(SUM(entries), 0) AS SIGNED) AS entries
FROM journal_balance WHERE bucket BETWEEN 0 AND 1023 GROUP BY account ORDER BY account;

-- name: EntriesOfAccount :many
SELECT bucket, account, sequence, transaction_id, amount_minor, balance_minor
FROM journal_entry WHERE bucket = ? AND account = ? AND sequence < sqlc.arg(before_sequence) ORDER BY sequence DESC LIMIT ?;

-- name: LiveAttempts :many
SELECT bucket, attempt_id, order_id, submitted_ms, fence FROM payment_attempt
WHERE bucket BETWEEN 0 AND 1023 AND state IN (sqlc.slice(states)) AND attempt_id > sqlc.arg(after_id) ORDER BY attempt_id LIMIT ?;

-- name: CountUnsettled :one
SELECT COUNT(*) AS attempts FROM payment_attempt
WHERE bucket BETWEEN 0 AND 1023 AND state IN ('PREPARED', 'SUBMITTING', 'PROCESSING', 'UNKNOWN') AND live_key IS NOT NULL
  AND queries < CASE WHEN state = 'PROCESSING' THEN sqlc.arg(most_accepted) ELSE sqlc.arg(most_unknown) END;

-- name: ReservedOrders :many
SELECT order_id FROM payment_order
WHERE bucket BETWEEN 0 AND 1023 AND state = 'RESERVED' AND created_ms < ? AND not_before <= ? ORDER BY created_ms DESC LIMIT ?;
