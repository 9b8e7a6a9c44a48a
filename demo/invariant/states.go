package invariant

import (
	"context"
	"database/sql"
	"slices"
	"strings"
)

// machine is a thing with states: where its state is stored, where its moves are, and which states and moves there are.
// Every move leads from the state before to the next, the first from nothing.
type machine struct {
	name, service string
	// states answers id and state; moves answers id, from and to in their order. Empty: no moves are kept.
	states, moves string
	// table is what may follow what; "" comes before the first.
	table map[string]string
}

// machines is every thing with states in any service, and its closed list. It is written here anew, from the designs.
var machines = []machine{
	{"loan", "loan", `SELECT id, state FROM loan`, `SELECT loan_id, from_state, to_state FROM loan_step ORDER BY bucket, loan_id, seq`, map[string]string{
		"": "AWAITING_DISBURSEMENT", "AWAITING_DISBURSEMENT": "DISBURSING REPAYING CANCELLED", "DISBURSING": "REPAYING CANCELLED VOID",
		"REPAYING": "SETTLED PAYOUT_RETURNED ACCELERATED WRITTEN_OFF COMPENSATED TRANSFERRED VOID", "SETTLED": "REPAYING PAYOUT_RETURNED VOID",
		"PAYOUT_RETURNED": "DISBURSING CANCELLED VOID", "ACCELERATED": "SETTLED WRITTEN_OFF COMPENSATED TRANSFERRED VOID",
		"WRITTEN_OFF": "TRANSFERRED VOID", "COMPENSATED": "REPAYING SETTLED VOID", "TRANSFERRED": "REPAYING", "CANCELLED": "", "VOID": "",
	}},
	{"application", "loan", `SELECT id, state FROM application`,
		`SELECT application_id, from_state, to_state FROM application_step ORDER BY bucket, application_id, version`, map[string]string{
			"": "SUBMITTED", "SUBMITTED": "DECIDING REJECTED CANCELLED EXPIRED", "DECIDING": "APPROVED MANUAL_REVIEW REJECTED CANCELLED EXPIRED",
			"MANUAL_REVIEW": "APPROVED REJECTED CANCELLED EXPIRED", "APPROVED": "AWAITING_SIGNATURE CANCELLED EXPIRED",
			"AWAITING_SIGNATURE": "SIGNED CANCELLED EXPIRED", "SIGNED": "DISBURSED CANCELLED", "DISBURSED": "", "REJECTED": "", "CANCELLED": "", "EXPIRED": "",
		}},
	{"contract", "loan", `SELECT id, state FROM contract`, "", known("DRAFTED SIGNED IN_FORCE ENDED VOID")},
	{"order at loan", "loan", `SELECT id, state FROM payment_order`, "", known("PENDING PAID FAILED CANCELLED RETURNED")},
	{"order", "payment", `SELECT order_id, state FROM payment_order`,
		`SELECT order_id, from_state, to_state FROM payment_move WHERE attempt_id = 0 ORDER BY bucket, order_id, number`, map[string]string{
			"": "CREATED", "CREATED": "RESERVED CANCELLED", "RESERVED": "SENDING CANCELLED", "SENDING": "SENDING PAID REJECTED MANUAL",
			"MANUAL": "PAID REJECTED", "PAID": "RETURNED", "REJECTED": "", "CANCELLED": "", "RETURNED": "",
		}},
	{"attempt", "payment", `SELECT attempt_id, state FROM payment_attempt`,
		`SELECT attempt_id, from_state, to_state FROM payment_move WHERE attempt_id <> 0 ORDER BY bucket, order_id, number`, map[string]string{
			"": "PREPARED", "PREPARED": "SUBMITTING", "SUBMITTING": "PROCESSING UNKNOWN SUCCESS FAILED_FINAL",
			"PROCESSING": "UNKNOWN SUCCESS FAILED_FINAL", "UNKNOWN": "SUBMITTING PROCESSING SUCCESS FAILED_FINAL",
			"SUCCESS": "RETURNED", "FAILED_FINAL": "CONTRADICTED", "RETURNED": "", "CONTRADICTED": "",
		}},
	{"hold", "payment", `SELECT order_id, state FROM payment_hold`, "", known("PENDING POSTED VOID")},
	{"statement", "payment", `SELECT file_version, state FROM payment_statement`, "", known("LATE REFUSED RECEIVED RECONCILED CLOSED")},
	{"line of a statement", "payment", `SELECT number, state FROM payment_line`, "", known("POSTED UNDONE")},
	{"difference", "payment", `SELECT difference_id, state FROM payment_difference`, "", known("WAITING BREAK CLOSED")},
	{"break", "payment", `SELECT break_id, state FROM payment_break`, "", known("OPEN CLOSED")},
	{"message", "notify", `SELECT message_id, state FROM notify_message WHERE channel <> 'in_app'`,
		`SELECT message_id, from_state, to_state FROM notify_move ORDER BY bucket, message_id, number`, map[string]string{
			"": "PENDING", "PENDING": "SENDING FAILED REFUSED_BY_GUARD EXPIRED", "SENDING": "SENT DELIVERED FAILED EXPIRED",
			"SENT": "DELIVERED FAILED", "DELIVERED": "", "FAILED": "", "REFUSED_BY_GUARD": "", "EXPIRED": "",
		}},
	{"message in the app", "notify", `SELECT message_id, state FROM notify_message WHERE channel = 'in_app'`, "", known("DELIVERED")},
	{"case", "collection", `SELECT id, state FROM collection_case`, "", known("OPEN PROMISED PAUSED CLOSED")},
	{"person", "user", `SELECT id, state FROM person`, "", known("registered identified closed")},
	{"identity", "user", `SELECT id, identity_state FROM person WHERE identity_state <> ''`, "", known("CHECKING VERIFIED REFUSED")},
	{"card", "user", `SELECT id, state FROM card`, "", known("CHECKING VERIFIED REFUSED UNBOUND")},
	{"identity check", "user", `SELECT id, state FROM identity_check`, "", known("CHECKING VERIFIED REFUSED")},
	{"code", "user", `SELECT id, state FROM code`, "", known("live used spent replaced")},
	{"member of staff", "user", `SELECT id, state FROM staff`, "", known("active disabled")},
	{"policy", "risk", `SELECT number, state FROM policy_version`, "", known("draft proposed live retired")},
	{"entry of the blacklist", "risk", `SELECT bucket, state FROM list_entry`, "", known("active removed")},
}

// known is a table of states without moves.
func known(states string) map[string]string {
	table := map[string]string{}
	for _, state := range strings.Fields(states) {
		table[state] = ""
	}
	return table
}

// statesKnown: every stored state is in its closed list.
func statesKnown(ctx context.Context, l *look, f *finding) error {
	for _, m := range machines {
		err := l.books.each(ctx, m.service, m.states, func(r *sql.Rows) error {
			var id int64
			var state string
			if err := r.Scan(&id, &state); err != nil {
				return err
			}
			f.saw(1)
			if _, listed := m.table[state]; !listed || state == "" {
				f.wrong("%s %d is %q", m.name, id, state)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	for _, service := range ours {
		for table, listed := range map[string]string{"kit_task": "open claimed done cancelled", "kit_proposal": "proposed approved rejected"} {
			err := l.books.each(ctx, service, `SELECT id, state FROM `+table, func(r *sql.Rows) error {
				var id int64
				var state string
				if err := r.Scan(&id, &state); err != nil {
					return err
				}
				f.saw(1)
				if !slices.Contains(strings.Fields(listed), state) {
					f.wrong("%s: %s %d is %q", service, table, id, state)
				}
				return nil
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// movesAllowed: every kept move is one that may happen, begins where the one before ended, and the last leads to what is
// stored.
func movesAllowed(ctx context.Context, l *look, f *finding) error {
	for _, m := range machines {
		if m.moves == "" {
			continue
		}
		at := map[int64]string{}
		err := l.books.each(ctx, m.service, m.moves, func(r *sql.Rows) error {
			var id int64
			var from, to string
			if err := r.Scan(&id, &from, &to); err != nil {
				return err
			}
			f.saw(1)
			before, begun := at[id]
			if !begun && m.name == "message" {
				before = "PENDING" // its birth is not kept as a move
			}
			if from != before || !slices.Contains(strings.Fields(m.table[from]), to) {
				f.wrong("%s %d moved from %q to %q when it was %q", m.name, id, from, to, before)
			}
			at[id] = to
			return nil
		})
		if err != nil {
			return err
		}
		err = l.books.each(ctx, m.service, m.states, func(r *sql.Rows) error {
			var id int64
			var state string
			if err := r.Scan(&id, &state); err != nil {
				return err
			}
			last, moved := at[id]
			if !moved && m.name == "message" {
				last = "PENDING"
			}
			same(f, state, last, "%s %d: state and last move", m.name, id)
			delete(at, id)
			return nil
		})
		if err != nil {
			return err
		}
		for id := range at {
			f.wrong("%s %d has moves and is not there", m.name, id)
		}
	}
	return nil
}
