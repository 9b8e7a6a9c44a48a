package invariant_test

import (
	"bytes"
	"path/filepath"
	"slices"
	"testing"

	"github.com/hengdai/hengdai/demo/invariant"
)

// first is one row of a table, the first by its key, that fulfils a condition.
func first(table, key, condition string) string {
	return " WHERE (" + key + ") = (SELECT " + key + " FROM " + table + " WHERE " + condition + " ORDER BY " + key + " LIMIT 1)"
}

const (
	entryKey = "bucket, transaction_id, line"
	idKey    = "bucket, id"
	sumKey   = "bucket, day_on, product, account"
)

// corruptions change one raw row each; the invariant named must find it.
var corruptions = []struct {
	invariant, name, service, statement string
}{
	{"journal.balanced", "a cent more", "loan", `UPDATE journal_entry SET amount_minor = amount_minor + 1` + first("journal_entry", entryKey, "1")},
	{"journal.balanced", "an entry is gone", "loan", `DELETE FROM journal_entry` + first("journal_entry", entryKey, "1")},
	{"journal.balanced", "a head is gone", "loan", `DELETE FROM journal` + first("journal", idKey, "1")},
	{"journal.balanced", "a cent more in a sum", "loan", `UPDATE journal_sum SET amount_minor = amount_minor + 1` + first("journal_sum", sumKey, "1")},
	{"journal.balanced", "two transactions in a sum", "loan", `UPDATE journal_sum SET transaction_id = transaction_id + 1024` + first("journal_sum", sumKey, "1")},
	{"journal.balanced", "a cent less in cash", "payment", `UPDATE journal_entry SET amount_minor = amount_minor - 1` + first("journal_entry", "bucket, account, sequence", "1")},
	{"journal.balanced", "a head without entries", "payment", `INSERT INTO journal_transaction SELECT bucket, transaction_id + 1024, event, subject_id, booked_on, value_on, reverses_id,
		currency, body_hash, at_ms FROM journal_transaction LIMIT 1`},
	{"journal.clearing", "another account", "payment", `UPDATE journal_entry SET account = '1221'` + first("journal_entry", "bucket, account, sequence", "account = '2290'")},
	{"journal.clearing", "another bucket", "loan", `UPDATE journal_entry SET bucket = (bucket + 16) % 1024` + first("journal_entry", entryKey, "account = '2290'")},
	{"journal.trial", "an account that is in no chart", "loan", `UPDATE journal_entry SET account = '9999'` + first("journal_entry", entryKey, "1")},
	{"journal.trial", "a cent more", "payment", `UPDATE journal_entry SET amount_minor = amount_minor + 1` + first("journal_entry", "bucket, account, sequence", "1")},
	{"journal.stored", "a balance", "payment", `UPDATE journal_balance SET balance_minor = balance_minor + 1` + first("journal_balance", "bucket, account", "1")},
	{"journal.stored", "a running balance", "payment", `UPDATE journal_entry SET balance_minor = balance_minor + 1` + first("journal_entry", "bucket, account, sequence", "1")},
	{"journal.stored", "a place", "payment", `UPDATE journal_entry SET sequence = sequence + 100` + first("journal_entry", "bucket, account, sequence", "1")},
	{"journal.stored", "an account without its row", "payment", `DELETE FROM journal_balance` + first("journal_balance", "bucket, account", "1")},
	{"journal.day_sums", "a sum", "payment", `UPDATE payment_day_sum SET debit_minor = debit_minor + 1` + first("payment_day_sum", "bucket, booked_on, account", "1")},
	{"journal.day_sums", "no sum", "payment", `DELETE FROM payment_day_sum` + first("payment_day_sum", "bucket, booked_on, account", "1")},
	{"journal.day_sums", "clearing of a transaction", "loan", `UPDATE journal SET clearing_debit_minor = clearing_debit_minor + 1` + first("journal", idKey, "1")},
	{"journal.day_sums", "clearing of another day", "loan", `UPDATE journal SET clearing_on = date(clearing_on, '+1 day')` + first("journal", idKey, "clearing_on <> ''")},

	{"party.effects", "another amount", "sandbox", `UPDATE journal SET amount_minor = amount_minor + 1` + first("journal", "seq", "kind = 'COLLECT' AND status = 'SUCCESS'")},
	{"party.effects", "done twice", "sandbox", `INSERT INTO journal SELECT (SELECT max(seq) + 1 FROM journal), party, kind, request_no, channel_no, merchant_id, card_no, amount_minor,
		fee_minor, status, code, at_ms, settled_on, original_no FROM journal WHERE kind = 'PAYOUT' LIMIT 1`},
	{"party.effects", "nobody's order", "sandbox", `UPDATE journal SET request_no = '1'` + first("journal", "seq", "kind = 'PAYOUT'")},
	{"party.effects", "the other direction", "sandbox", `UPDATE journal SET kind = 'COLLECT'` + first("journal", "seq", "kind = 'PAYOUT'")},
	{"party.effects", "not believed", "payment", `UPDATE payment_attempt SET state = 'FAILED_FINAL'` + first("payment_attempt", "bucket, attempt_id", "state = 'SUCCESS'")},
	{"party.effects", "never done", "sandbox", `UPDATE journal SET status = 'FAILED'` + first("journal", "seq", "kind = 'COLLECT' AND status = 'SUCCESS'")},
	{"party.transit", "an attempt never succeeded", "payment", `UPDATE payment_attempt SET state = 'FAILED_FINAL'` + first("payment_attempt", "bucket, attempt_id", "state = 'SUCCESS'")},
	{"party.transit", "a line is not posted", "payment", `UPDATE payment_line SET state = 'UNDONE'` + first("payment_line", "bucket, channel, settled_on, file_version, number", "1")},
	{"party.bank", "never done", "sandbox", `UPDATE journal SET status = 'FAILED'` + first("journal", "seq", "kind = 'PAYOUT'")},
	{"party.bank", "another fee", "sandbox", `UPDATE journal SET fee_minor = fee_minor + 1` + first("journal", "seq", "kind = 'COLLECT' AND status = 'SUCCESS'")},
	{"party.statements", "a sum", "payment", `UPDATE payment_statement SET in_minor = in_minor + 1` + first("payment_statement", "bucket, channel, account, settled_on", "line_count > 0")},
	{"party.statements", "a day is gone", "payment", `DELETE FROM payment_statement` + first("payment_statement", "bucket, channel, account, settled_on", "settled_on > (SELECT min(settled_on) FROM payment_statement)")},
	{"party.statements", "figures", "payment", `UPDATE payment_close SET closing_minor = closing_minor + 1` + first("payment_close", "bucket, channel, account, settled_on, run", "1")},
	{"party.statements", "an old day is open", "payment", `UPDATE payment_statement SET state = 'LATE'` + first("payment_statement", "bucket, channel, account, settled_on", "1")},
	{"party.cards", "a balance", "sandbox", `UPDATE card SET balance_minor = balance_minor + 1` + first("card", "card_no", "1")},
	{"party.cards", "a row is gone", "sandbox", `DELETE FROM journal` + first("journal", "seq", "kind = 'VERIFY4'")},
	{"party.orders", "loan's word", "loan", `UPDATE payment_order SET state = 'FAILED'` + first("payment_order", idKey, "state = 'PAID'")},
	{"party.orders", "payment's amount", "payment", `UPDATE payment_order SET amount_minor = amount_minor - 1` + first("payment_order", "bucket, order_id", "1")},
	{"party.orders", "loan never asked", "loan", `DELETE FROM payment_order` + first("payment_order", idKey, "1")},
	{"party.repayments", "taken more", "sandbox", `UPDATE journal SET amount_minor = amount_minor + 1` + first("journal", "seq", "kind = 'COLLECT' AND status = 'SUCCESS'")},
	{"party.repayments", "received less", "loan", `UPDATE journal_entry SET amount_minor = amount_minor - 1` +
		first("journal_entry", entryKey, "account = '2290' AND amount_minor > 0")},
	{"party.deductions", "split otherwise", "loan", `UPDATE payment_order SET interest_minor = interest_minor + 1` + first("payment_order", idKey, "kind = 'debit' AND state = 'PAID'")},
	{"party.deductions", "more than is due", "loan", `UPDATE payment_order SET amount_minor = amount_minor + 100000` + first("payment_order", idKey, "kind = 'debit' AND state = 'PAID'")},
	{"party.refused", "paid and refused", "loan", `UPDATE application SET state = 'REJECTED'` + first("application", idKey, "state = 'DISBURSED'")},
	{"party.refused", "paid more than approved", "loan", `UPDATE application SET approved_minor = approved_minor - 100` + first("application", idKey, "state = 'DISBURSED'")},

	{"party.identity", "no match", "sandbox", `UPDATE journal SET status = 'MISMATCH'` + first("journal", "seq", "kind = 'VERIFY4'")},
	{"party.identity", "verified afterwards", "loan", `UPDATE application SET created_ms = created_ms - 86400000` + first("application", idKey, "1")},
	{"party.messages", "sent twice", "sandbox", `INSERT INTO journal SELECT (SELECT max(seq) + 1 FROM journal), party, kind, request_no, channel_no, merchant_id, card_no, amount_minor,
		fee_minor, status, code, at_ms, settled_on, original_no FROM journal WHERE kind = 'SMS' LIMIT 1`},
	{"party.messages", "refused and sent", "notify", `UPDATE notify_message SET state = 'REFUSED_BY_GUARD'` + first("notify_message", "bucket, message_id", "channel = 'sms' AND state = 'DELIVERED'")},
	{"party.messages", "nobody's message", "notify", `DELETE FROM notify_message` + first("notify_message", "bucket, message_id", "channel = 'sms' AND state = 'DELIVERED'")},
	{"payment.attempts", "two live ones", "payment", `UPDATE payment_attempt SET state = 'UNKNOWN', live_key = order_id` + first("payment_attempt", "bucket, attempt_id", "1")},
	{"payment.attempts", "no evidence", "payment", `DELETE FROM payment_evidence WHERE attempt_id = (SELECT min(attempt_id) FROM payment_evidence)`},
	{"payment.holds", "still pending", "payment", `UPDATE payment_hold SET state = 'PENDING'` + first("payment_hold", "bucket, order_id", "state = 'POSTED'")},
	{"payment.holds", "another amount", "payment", `UPDATE payment_hold SET amount_minor = amount_minor + 1` + first("payment_hold", "bucket, order_id", "1")},
	{"payment.breaks", "an open one", "payment", `INSERT INTO payment_break VALUES (1, 1, 'x', 'STATUS', 1, 1, 'alpha', 1, 2, '', 'OPEN', 1, 1, 1)`},

	{"loan.principal", "the row", "loan", `UPDATE loan SET outstanding_minor = outstanding_minor + 1` + first("loan", idKey, "disbursed_on <> ''")},
	{"loan.principal", "what was freed", "loan", `UPDATE loan SET released_minor = released_minor + 1` + first("loan", idKey, "disbursed_on <> ''")},
	{"loan.principal", "an entry", "loan", `UPDATE journal_entry SET amount_minor = amount_minor + 1` + first("journal_entry", entryKey, "account = '1303'")},
	{"loan.accounts", "fee for interest", "loan", `UPDATE journal_entry SET account = '1132.F'` +
		first("journal_entry", entryKey, "account = '1132.I' AND transaction_id IN (SELECT id FROM journal WHERE subject_id <> 0)")},
	{"loan.accounts", "an event's amount", "loan", `UPDATE loan_event SET amount_minor = amount_minor - 1` + first("loan_event", "bucket, loan_id, seq", "kind = 'receive'")},
	{"loan.accounts", "an event's day", "loan", `UPDATE loan_event SET counts_on = date(counts_on, '+1 day')` + first("loan_event", "bucket, loan_id, seq", "kind = 'receive'")},
	{"loan.accounts", "an event is gone", "loan", `DELETE FROM loan_event` + first("loan_event", "bucket, loan_id, seq", "kind = 'receive'")},
	{"loan.accounts", "another tax", "loan", `UPDATE loan SET terms = CAST(replace(CAST(terms AS TEXT), '"vat_ppm":60000', '"vat_ppm":90000') AS BLOB)` + first("loan", idKey, "disbursed_on <> ''")},
	{"loan.shares", "a cent more in a sum", "loan", `UPDATE journal_sum SET amount_minor = amount_minor + 1` + first("journal_sum", sumKey, "account = '1132.I'")},
	{"loan.shares", "a sum of another day", "loan", `UPDATE journal_sum SET day_on = date(day_on, '+7 years')` + first("journal_sum", sumKey, "1")},
	{"loan.shares", "no sum", "loan", `DELETE FROM journal_sum` + first("journal_sum", sumKey, "1")},
	{"loan.shares", "a sum of another product", "loan", `UPDATE journal_sum SET product = 'other'` + first("journal_sum", sumKey, "1")},
	{"loan.shares", "a sum in another bucket", "loan", `UPDATE journal_sum SET bucket = (SELECT max(b.bucket) + 1 FROM journal_sum b) % 1024` + first("journal_sum", sumKey, "1")},
	{"loan.shares", "nobody's transaction", "loan", `UPDATE journal SET subject_id = 0` + first("journal", idKey, "1")},
	{"loan.settled", "before its time", "loan", `UPDATE loan SET state = 'SETTLED', settled_on = '2027-01-01'` + first("loan", idKey, "state = 'REPAYING'")},
	{"loan.plan", "never told", "loan", `UPDATE kit_log SET body = x''` + first("kit_log", "part, position", "kind = 'loan.v1.ScheduleFixed'")},
	{"loan.plan", "another last day", "loan", `UPDATE loan SET matures_on = date(matures_on, '+1 day')` + first("loan", idKey, "disbursed_on <> ''")},
	{"loan.snapshot", "another life", "loan", `UPDATE loan SET life = (SELECT life FROM loan WHERE disbursed_on <> '' ORDER BY bucket DESC, id DESC LIMIT 1)` + first("loan", idKey, "disbursed_on <> ''")},
	{"loan.standing", "another class", "loan", `UPDATE loan SET class = 'loss'` + first("loan", idKey, "live = 1")},
	{"loan.standing", "another bucket", "loan", `UPDATE loan SET overdue_bucket = 'M3'` + first("loan", idKey, "live = 1")},
	{"loan.standing", "a lock of no order", "loan", `UPDATE loan SET lock_order_id = 1` + first("loan", idKey, "live = 1")},

	{"limit.held", "less used", "loan", `UPDATE credit_limit SET used_minor = used_minor - 1` + first("credit_limit", "bucket, user_id", "used_minor > 0")},
	{"limit.held", "more total", "loan", `UPDATE credit_limit SET total_minor = total_minor + 1` + first("credit_limit", "bucket, user_id", "1")},
	{"limit.held", "no limit", "loan", `DELETE FROM credit_limit` + first("credit_limit", "bucket, user_id", "used_minor > 0")},
	{"limit.history", "a step", "loan", `UPDATE credit_limit_change SET frozen_minor = frozen_minor + 1` + first("credit_limit_change", "bucket, user_id, version", "cause = 'frozen'")},
	{"limit.history", "a step is gone", "loan", `DELETE FROM credit_limit_change` + first("credit_limit_change", "bucket, user_id, version", "cause = 'used'")},

	{"contract.behind", "another rate", "loan", `UPDATE loan SET rate_ppm = rate_ppm + 1` + first("loan", idKey, "1")},
	{"contract.behind", "another person", "loan", `UPDATE contract SET user_id = user_id + 1024` + first("contract", idKey, "loan_id <> 0")},
	{"contract.behind", "not in force", "loan", `UPDATE contract SET state = 'DRAFTED'` + first("contract", idKey, "state = 'IN_FORCE'")},
	{"contract.disclosed", "read too fast", "loan", `UPDATE disclosure SET read_seconds = 3` + first("disclosure", "bucket, application_id", "1")},
	{"contract.disclosed", "another table", "loan", `UPDATE disclosure SET record = CAST(replace(CAST(record AS TEXT), '"total_minor":1', '"total_minor":2') AS BLOB)` +
		first("disclosure", "bucket, application_id", `instr(CAST(record AS TEXT), '"total_minor":1') > 0`)},
	{"contract.disclosed", "never confirmed", "loan", `DELETE FROM disclosure` + first("disclosure", "bucket, application_id", "1")},
	{"contract.disclosed", "confirmed afterwards", "loan", `UPDATE disclosure SET confirmed_ms = confirmed_ms + 3600000` + first("disclosure", "bucket, application_id", "1")},
	{"contract.first", "signed afterwards", "loan", `UPDATE contract SET signed_ms = signed_ms + 86400000` + first("contract", idKey, "state = 'IN_FORCE'")},
	{"contract.first", "another day of payout", "sandbox", `UPDATE journal SET at_ms = at_ms + 86400000` + first("journal", "seq", "kind = 'PAYOUT'")},
	{"contract.cap", "dearer", "loan", `UPDATE loan SET terms = CAST(replace(CAST(terms AS TEXT), '"rate_ppm":', '"rate_ppm":2') AS BLOB)` + first("loan", idKey, "disbursed_on <> ''")},
	{"risk.decisions", "refused and lent to", "risk", `UPDATE decision SET outcome = 'reject'` + first("decision", idKey, "outcome = 'approve'")},
	{"risk.decisions", "no decision", "risk", `DELETE FROM decision` + first("decision", idKey, "outcome = 'approve'")},
	{"risk.decisions", "nobody decided", "loan", `UPDATE application SET decided_by = 0` + first("application", idKey, "outcome = 'manual'")},

	{"day.closed", "not closed", "loan", `UPDATE business_day SET state = 'CLOSING'` + first("business_day", "day_on", "1")},
	{"day.closed", "a gap", "loan", `DELETE FROM business_day` + first("business_day", "day_on", "day_on > (SELECT min(day_on) FROM business_day)")},
	{"day.closed", "a partition behind", "loan", `UPDATE day_part SET agreed_through = date(agreed_through, '-1 day') WHERE part = 3`},
	{"day.closed", "set aside", "loan", `INSERT INTO day_aside SELECT bucket, id, '2027-01-01', user_id, 'x', 1, 0 FROM loan LIMIT 1`},
	{"day.closed", "not sealed", "payment", `DELETE FROM payment_sealed` + first("payment_sealed", "bucket, sealed_on", "1")},
	{"day.totals", "accrued", "loan", `UPDATE business_day SET accrued_minor = accrued_minor + 1` + first("business_day", "day_on", "1")},
	{"day.totals", "debits", "loan", `UPDATE business_day SET debits = debits + 1` + first("business_day", "day_on", "1")},
	{"day.agree", "another day", "payment", `UPDATE journal_transaction SET booked_on = date(booked_on, '+1 day')` + first("journal_transaction", "bucket, transaction_id", "1")},

	{"log.dense", "a gap", "loan", `DELETE FROM kit_log` + first("kit_log", "part, position", "position = 2")},
	{"log.dense", "the head", "user", `UPDATE kit_log_head SET position = position + 1 WHERE part = 0`},
	{"log.dense", "waiting", "notify", `INSERT INTO kit_log_new SELECT part, id, user_id, bucket, kind, body, at_ms, posting_on, value_on, traceparent FROM kit_log LIMIT 1`},
	{"log.followed", "behind", "report", `UPDATE kit_cursor SET position = position - 1` + first("kit_cursor", "source, part", "position > 0")},
	{"log.followed", "never begun", "collection", `DELETE FROM kit_cursor WHERE source = 'loan'`},
	{"log.parked", "an event", "report", `INSERT INTO kit_parked VALUES ('loan', 0, 1, 0, 0, 'x', x'', 0, '', '', '', 'x', 1, 1)`},
	{"effect.done", "a failure", "payment", `UPDATE kit_effect SET state = 2` + first("kit_effect", "bucket, kind, id", "1")},
	{"audit.chain", "a reason", "user", `UPDATE kit_audit SET reason = 'x'` + first("kit_audit", idKey, "chain_no = 5")},
	{"audit.chain", "the last act is gone", "user", `DELETE FROM kit_audit WHERE chain_no = (SELECT max(chain_no) FROM kit_audit)`},
	{"audit.chain", "no head", "loan", `DELETE FROM kit_audit_head`},

	{"state.known", "a message", "notify", `UPDATE notify_message SET state = 'LOST'` + first("notify_message", "bucket, message_id", "channel = 'in_app'")},
	{"state.known", "a task", "loan", `UPDATE kit_task SET state = 'lost'` + first("kit_task", idKey, "1")},
	{"state.moves", "a jump", "payment", `UPDATE payment_move SET to_state = 'RETURNED'` + first("payment_move", "bucket, order_id, number", "to_state = 'RESERVED'")},
	{"state.moves", "an application", "loan", `UPDATE application SET state = 'EXPIRED'` + first("application", idKey, "state = 'REJECTED'")},
	{"state.moves", "a step is gone", "loan", `DELETE FROM loan_step` + first("loan_step", "bucket, loan_id, seq", "to_state = 'DISBURSING'")},
	{"collection.cases", "a case without arrears", "collection", `INSERT INTO collection_case (bucket, id, loan_id, user_id, open_key, state, dpd_bucket, due_on,
		overdue_minor, assigned_to, done_dpd, next_on, until_on, promised_minor, closed_reason, contact_id, acts, opened_ms, closed_ms, version)
		SELECT bucket, id, id, user_id, 0, 'OPEN', 'M1', '2027-01-01', 1, 0, 0, '', '', 0, '', 0, 1, 1, 0, 1 FROM at_loan.loan WHERE live = 1 AND overdue_since = '' LIMIT 1`},
	{"report.entries", "an entry", "report", `UPDATE report_entry SET amount_minor = amount_minor + 1` + first("report_entry", "bucket, journal, transaction_id, line", "1")},
	{"report.entries", "no entry", "report", `DELETE FROM report_entry` + first("report_entry", "bucket, journal, transaction_id, line", "subject_id <> 0")},
	{"report.entries", "a sum", "report", `UPDATE report_entry SET amount_minor = amount_minor + 1` + first("report_entry", "bucket, journal, transaction_id, line", "event = 'accrual'")},
	{"report.entries", "another account", "report", `UPDATE report_entry SET account = '1221'` + first("report_entry", "bucket, journal, transaction_id, line", "journal = 'payment'")},
	{"report.sums", "a sum", "report", `UPDATE report_sum SET debit_minor = debit_minor + 1` + first("report_sum", "bucket, journal, account, booked_on", "1")},
	{"report.lists", "a loan", "report", `UPDATE report_loan SET outstanding_minor = outstanding_minor + 1` + first("report_loan", "bucket, loan_id", "1")},
	{"report.lists", "an order", "report", `UPDATE report_order SET outcome = 'REJECTED'` + first("report_order", "bucket, order_id", "outcome = 'PAID'")},
	{"report.lists", "an application", "report", `DELETE FROM report_application` + first("report_application", "bucket, application_id", "1")},

	{"personal.nowhere", "a name in a message", "notify", `UPDATE notify_message SET params = '{"name":"' || (SELECT name FROM at_sandbox.person LIMIT 1) || '"}'` +
		first("notify_message", "bucket, message_id", "1")},
	{"personal.nowhere", "a mobile in an answer", "user", `UPDATE kit_idem SET response = CAST(char(10) || char(11) || (SELECT mobile FROM at_sandbox.person LIMIT 1) || '2x' AS BLOB)` +
		first("kit_idem", "bucket, scope, idem_key", "1")},
	{"personal.nowhere", "an ID number in an act", "user", `UPDATE kit_audit SET details = (SELECT id_no FROM at_sandbox.person LIMIT 1)` + first("kit_audit", idKey, "1")},
	{"personal.nowhere", "a card in an event", "payment", `UPDATE kit_log SET body = CAST('x' || (SELECT card_no FROM at_sandbox.card LIMIT 1) AS BLOB)` + first("kit_log", "part, position", "1")},
}

func TestAFinishedRunHoldsEveryInvariant(t *testing.T) {
	broken, found := check(t, places(installation(t), nil))
	if len(broken) > 0 {
		var text bytes.Buffer
		found.Write(&text)
		t.Errorf("%v do not hold:\n%s", broken, text.String())
	}
}

func TestEveryCorruptionIsFoundByItsInvariant(t *testing.T) {
	dir := installation(t)
	sound, _ := check(t, places(dir, nil))
	for _, c := range corruptions {
		t.Run(c.invariant+"/"+c.name, func(t *testing.T) {
			broken, _ := check(t, places(dir, corrupted(t, dir, c.service, c.statement)))
			if !slices.Contains(broken, c.invariant) || slices.Contains(sound, c.invariant) {
				t.Errorf("not found by %s; found by %v", c.invariant, broken)
			}
		})
	}
}

func TestEveryInvariantHasACorruption(t *testing.T) {
	has := map[string]bool{}
	for _, c := range corruptions {
		has[c.invariant] = true
	}
	for _, name := range invariant.Names() {
		if !has[name] {
			t.Errorf("nothing shows that %s finds anything", name)
		}
		delete(has, name)
	}
	for name := range has {
		t.Errorf("there is no invariant %s", name)
	}
}

func TestAMissingDatabaseIsFound(t *testing.T) {
	dir := installation(t)
	for service, needs := range map[string]string{
		"user": "audit.chain", "risk": "risk.decisions", "payment": "journal.balanced", "loan": "loan.principal", "notify": "state.known",
		"collection": "collection.cases", "report": "report.sums", "sandbox": "party.effects",
	} {
		broken, _ := check(t, places(dir, map[string]string{service: filepath.Join(t.TempDir(), "none.db")}))
		if !slices.Contains(broken, needs) {
			t.Errorf("without the books of %s, %s holds; broken are %v", service, needs, broken)
		}
	}
}

func TestAMissingTableIsFound(t *testing.T) {
	dir := installation(t)
	path := corrupted(t, dir, "payment", `UPDATE payment_day SET version = version`)
	drop(t, path["payment"], `DROP TABLE payment_attempt`)
	broken, found := check(t, places(dir, path))
	if !slices.Contains(broken, "party.effects") {
		t.Errorf("broken are %v", broken)
	}
	var text bytes.Buffer
	if n := found.Write(&text); n != len(broken) || !bytes.Contains(text.Bytes(), []byte("NOT EXAMINED")) {
		t.Errorf("%d broken, written as\n%s", n, text.String())
	}
}

func TestNothingToExamineIsNoSuccess(t *testing.T) {
	dir := installation(t)
	path := corrupted(t, dir, "sandbox", `DELETE FROM person`, `DELETE FROM card`)
	broken, found := check(t, places(dir, path))
	var text bytes.Buffer
	found.Write(&text)
	if !slices.Contains(broken, "personal.nowhere") || !bytes.Contains(text.Bytes(), []byte("NOTHING TO EXAMINE")) {
		t.Errorf("broken are %v", broken)
	}
}
