-- name: PositionOf :one
SELECT bucket, channel, account, first_on, base_minor, bank_minor, transit_minor, runs, version
FROM payment_position WHERE bucket = 0 AND channel = ? AND account = ?;

-- name: Positions :many
SELECT bucket, channel, account, first_on, base_minor, bank_minor, transit_minor, runs, version
FROM payment_position WHERE bucket = 0 ORDER BY channel, account;

-- name: InsertPosition :exec
INSERT INTO payment_position (bucket, channel, account, first_on, base_minor, bank_minor, transit_minor, runs, version)
VALUES (0, ?, ?, ?, 0, 0, 0, 0, 1);

-- name: MovePosition :execrows
UPDATE payment_position SET base_minor = ?, bank_minor = ?, transit_minor = ?, runs = runs + 1, version = version + 1
WHERE bucket = 0 AND channel = ? AND account = ? AND version = ?;

-- name: StatementOf :one
SELECT bucket, channel, account, settled_on, state, reason, file_version, line_count, in_minor, out_minor, fee_minor, opening_minor, closing_minor, asks, asked_ms, next_ms, received_ms, closed_ms, version
FROM payment_statement WHERE bucket = 0 AND channel = ? AND account = ? AND settled_on = ?;

-- name: LastStatement :one
SELECT settled_on FROM payment_statement WHERE bucket = 0 AND channel = ? AND account = ? ORDER BY settled_on DESC LIMIT 1;

-- name: DueStatements :many
SELECT settled_on FROM payment_statement
WHERE bucket = 0 AND channel = ? AND account = ? AND next_ms > 0 AND next_ms <= sqlc.arg(now_ms) ORDER BY settled_on LIMIT ?;

-- name: NextStatement :one
SELECT CAST(COALESCE(MIN(next_ms), 0) AS SIGNED) AS next_ms FROM payment_statement
WHERE bucket = 0 AND channel = ? AND account = ? AND next_ms > 0;

-- name: ListStatements :many
SELECT bucket, channel, account, settled_on, state, reason, file_version, line_count, in_minor, out_minor, fee_minor, opening_minor, closing_minor, asks, asked_ms, next_ms, received_ms, closed_ms, version
FROM payment_statement WHERE bucket = 0 AND channel IN (sqlc.slice(channels)) AND state IN (sqlc.slice(states)) AND settled_on <= sqlc.arg(up_to)
ORDER BY settled_on DESC, channel LIMIT ?;

-- name: CountStatements :many
SELECT channel, state, COUNT(*) AS days FROM payment_statement WHERE bucket = 0 AND state <> 'CLOSED' GROUP BY channel, state;

-- name: CountReceived :one
SELECT COUNT(*) AS days FROM payment_statement
WHERE bucket = 0 AND channel = ? AND account = ? AND settled_on BETWEEN sqlc.arg(first_on) AND sqlc.arg(last_on) AND file_version > 0;

-- name: UnclosedStatements :many
SELECT bucket, channel, account, settled_on, state, reason, file_version, line_count, in_minor, out_minor, fee_minor, opening_minor, closing_minor, asks, asked_ms, next_ms, received_ms, closed_ms, version
FROM payment_statement WHERE bucket = 0 AND channel = ? AND account = ? AND state <> 'CLOSED' ORDER BY settled_on LIMIT ?;

-- name: InsertStatement :exec
INSERT INTO payment_statement (bucket, channel, account, settled_on, state, reason, file_version, line_count, in_minor, out_minor, fee_minor, opening_minor, closing_minor, asks, asked_ms, next_ms, received_ms, closed_ms, version)
VALUES (0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1);

-- name: MoveStatement :execrows
UPDATE payment_statement SET state = sqlc.arg(to_state), reason = ?, file_version = ?, line_count = ?, in_minor = ?, out_minor = ?, fee_minor = ?, opening_minor = ?, closing_minor = ?, asks = ?, asked_ms = ?, next_ms = ?, received_ms = ?, closed_ms = ?, version = version + 1
WHERE bucket = 0 AND channel = ? AND account = ? AND settled_on = ? AND version = ?;

-- name: InsertFile :exec
INSERT INTO payment_file (bucket, channel, account, settled_on, number, file_version, state, reason, note, name, digest, size_bytes, content, summary, received_ms)
VALUES (0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: FilesOfDay :many
SELECT bucket, channel, account, settled_on, number, file_version, state, reason, note, name, digest, size_bytes, summary, received_ms
FROM payment_file WHERE bucket = 0 AND channel = ? AND account = ? AND settled_on = ? ORDER BY number;

-- name: LastFile :one
SELECT bucket, channel, account, settled_on, number, file_version, state, reason, note, name, digest, size_bytes, content, summary, received_ms
FROM payment_file WHERE bucket = 0 AND channel = ? AND account = ? AND settled_on = ? AND state = 'ACCEPTED' ORDER BY number DESC LIMIT 1;

-- name: InsertLine :exec
INSERT INTO payment_line (bucket, channel, settled_on, file_version, number, kind, request_no, channel_no, original_no, amount_minor, fee_minor, status, moved_on, class, took, order_id, attempt_id, difference_id, transaction_id, state, version)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1);

-- name: LinesByNumber :many
SELECT bucket, channel, settled_on, file_version, number, kind, request_no, channel_no, original_no, amount_minor, fee_minor, status, moved_on, class, took, order_id, attempt_id, difference_id, transaction_id, state, version
FROM payment_line WHERE bucket = ? AND channel = ? AND channel_no = ? AND state = 'POSTED';

-- name: LinesOfDay :many
SELECT bucket, channel, settled_on, file_version, number, kind, request_no, channel_no, original_no, amount_minor, fee_minor, status, moved_on, class, took, order_id, attempt_id, difference_id, transaction_id, state, version
FROM payment_line WHERE bucket BETWEEN 0 AND 1023 AND channel = ? AND settled_on = ? ORDER BY file_version, number;

-- name: UndoLine :execrows
UPDATE payment_line SET state = 'UNDONE', version = version + 1
WHERE bucket = ? AND channel = ? AND settled_on = ? AND file_version = ? AND number = ? AND state = 'POSTED';

-- name: SumLines :one
SELECT CAST(COALESCE(SUM(CASE WHEN status <> 'SUCCESS' THEN 0 WHEN kind IN ('COLLECT', 'RETURN') THEN amount_minor ELSE -amount_minor END), 0) AS SIGNED) AS moved_minor,
  CAST(COALESCE(SUM(CASE WHEN status <> 'SUCCESS' THEN 0 WHEN kind IN ('COLLECT', 'RETURN') THEN amount_minor - fee_minor ELSE -amount_minor - fee_minor END), 0) AS SIGNED) AS net_minor
FROM payment_line WHERE bucket BETWEEN 0 AND 1023 AND channel = ? AND settled_on = ? AND state = 'POSTED';

-- name: StateAttempt :execrows
UPDATE payment_attempt SET stated_on = ?, version = version + 1 WHERE bucket = ? AND attempt_id = ? AND version = ?;

-- name: UnstatedAttempts :many
SELECT bucket, attempt_id, order_id, live_key, number, channel, request_no, request_hash, amount_minor, state, code, reason,
  channel_no, fee_minor, settled_on, moved_on, route, requested_ms, submitted_ms, final_ms, sends, queries, fence, version, stated_on
FROM payment_attempt
WHERE bucket BETWEEN 0 AND 1023 AND channel = ? AND stated_on = '' AND settled_on > '' AND settled_on <= sqlc.arg(up_to) AND state IN ('SUCCESS', 'RETURNED', 'CONTRADICTED')
ORDER BY settled_on, attempt_id;

-- name: SumUnstated :many
SELECT o.kind, CAST(COALESCE(SUM(a.amount_minor), 0) AS SIGNED) AS amount_minor, COUNT(*) AS attempts
FROM payment_attempt a JOIN payment_order o ON o.bucket = a.bucket AND o.order_id = a.order_id
WHERE a.bucket BETWEEN 0 AND 1023 AND a.channel = ? AND a.stated_on = '' AND a.settled_on > '' AND a.settled_on > sqlc.arg(after_on) AND a.state IN ('SUCCESS', 'RETURNED', 'CONTRADICTED')
GROUP BY o.kind;

-- name: InsertBack :exec
INSERT INTO payment_back (bucket, attempt_id, order_id, channel, amount_minor, settled_on, stated_on, created_ms, version)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, 1);

-- name: BackOf :one
SELECT bucket, attempt_id, order_id, channel, amount_minor, settled_on, stated_on, created_ms, version
FROM payment_back WHERE bucket = ? AND attempt_id = ?;

-- name: StateBack :execrows
UPDATE payment_back SET stated_on = ?, version = version + 1 WHERE bucket = ? AND attempt_id = ?;

-- name: UnstatedBacks :many
SELECT bucket, attempt_id, order_id, channel, amount_minor, settled_on, stated_on, created_ms, version
FROM payment_back WHERE bucket BETWEEN 0 AND 1023 AND channel = ? AND stated_on = '' AND settled_on <= sqlc.arg(up_to) ORDER BY settled_on, attempt_id;

-- name: SumUnstatedBacks :one
SELECT CAST(COALESCE(SUM(amount_minor), 0) AS SIGNED) AS amount_minor FROM payment_back
WHERE bucket BETWEEN 0 AND 1023 AND channel = ? AND stated_on = '' AND settled_on > sqlc.arg(after_on);

-- name: InsertDifference :exec
INSERT INTO payment_difference (bucket, difference_id, channel, account, class, settled_on, side, kind, request_no, channel_no, order_id, attempt_id, expected_minor, actual_minor, open_minor, parked_minor, state, outcome, note, break_id, created_ms, ended_ms, version)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1);

-- name: DifferenceByID :one
SELECT bucket, difference_id, channel, account, class, settled_on, side, kind, request_no, channel_no, order_id, attempt_id, expected_minor, actual_minor, open_minor, parked_minor, state, outcome, note, break_id, created_ms, ended_ms, version
FROM payment_difference WHERE bucket = ? AND difference_id = ?;

-- name: DifferenceByBreak :one
SELECT bucket, difference_id, channel, account, class, settled_on, side, kind, request_no, channel_no, order_id, attempt_id, expected_minor, actual_minor, open_minor, parked_minor, state, outcome, note, break_id, created_ms, ended_ms, version
FROM payment_difference WHERE bucket = ? AND break_id = ?;

-- name: MoveDifference :execrows
UPDATE payment_difference SET open_minor = ?, parked_minor = ?, state = sqlc.arg(to_state), outcome = ?, break_id = ?, ended_ms = ?, version = version + 1
WHERE bucket = ? AND difference_id = ? AND version = ?;

-- name: OpenDifferences :many
SELECT bucket, difference_id, channel, account, class, settled_on, side, kind, request_no, channel_no, order_id, attempt_id, expected_minor, actual_minor, open_minor, parked_minor, state, outcome, note, break_id, created_ms, ended_ms, version
FROM payment_difference WHERE bucket BETWEEN 0 AND 1023 AND channel = ? AND state IN ('WAITING', 'BREAK') ORDER BY settled_on, difference_id;

-- name: DifferencesOfDay :many
SELECT bucket, difference_id, channel, account, class, settled_on, side, kind, request_no, channel_no, order_id, attempt_id, expected_minor, actual_minor, open_minor, parked_minor, state, outcome, note, break_id, created_ms, ended_ms, version
FROM payment_difference WHERE bucket BETWEEN 0 AND 1023 AND channel = ? AND settled_on = ? ORDER BY difference_id;

-- name: DifferencesOfAttempt :many
SELECT bucket, difference_id, channel, account, class, settled_on, side, kind, request_no, channel_no, order_id, attempt_id, expected_minor, actual_minor, open_minor, parked_minor, state, outcome, note, break_id, created_ms, ended_ms, version
FROM payment_difference WHERE bucket = ? AND attempt_id = ? AND state IN ('WAITING', 'BREAK') ORDER BY difference_id;

-- name: CountDifferences :many
SELECT channel, class, state, COUNT(*) AS differences FROM payment_difference
WHERE bucket BETWEEN 0 AND 1023 AND state IN ('WAITING', 'BREAK') GROUP BY channel, class, state;

-- name: InsertClose :exec
INSERT INTO payment_close (bucket, channel, account, settled_on, run, file_version, opening_minor, moved_minor, settled_minor, closing_minor, later_minor, journal_minor, bank_opening_minor, bank_moved_minor, bank_closing_minor, items, breaks, ties, reason, at_ms)
VALUES (0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: ClosesOfDay :many
SELECT bucket, channel, account, settled_on, run, file_version, opening_minor, moved_minor, settled_minor, closing_minor, later_minor, journal_minor, bank_opening_minor, bank_moved_minor, bank_closing_minor, items, breaks, ties, reason, at_ms
FROM payment_close WHERE bucket = 0 AND channel = ? AND account = ? AND settled_on = ? ORDER BY run;

-- name: BreakBySource :one
SELECT break_id, state FROM payment_break WHERE bucket = ? AND source_key = ?;

-- name: UnknownAttempts :many
SELECT bucket, attempt_id, order_id, live_key, number, channel, request_no, request_hash, amount_minor, state, code, reason,
  channel_no, fee_minor, settled_on, moved_on, route, requested_ms, submitted_ms, final_ms, sends, queries, fence, version, stated_on
FROM payment_attempt WHERE bucket BETWEEN 0 AND 1023 AND state = 'UNKNOWN' AND channel = ? AND submitted_ms < sqlc.arg(before_ms) ORDER BY attempt_id LIMIT ?;

-- name: CountLinesOfAttempt :one
SELECT COUNT(*) AS stated FROM payment_line WHERE bucket = ? AND channel = ? AND attempt_id = ? AND state = 'POSTED';
