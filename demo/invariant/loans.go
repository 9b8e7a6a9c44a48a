package invariant

import (
	"context"
	"database/sql"
	"fmt"
)

// loanRow is a row of loan.
type loanRow struct {
	bucket, id, user, application, contract                int64
	product, state, method                                 string
	terms, snapshot                                        []byte
	principal, termMonths, ratePPM, payoutOrder            int64
	disbursedOn, maturesOn, settledOn, bookedOn            string
	events, outstanding, released, lockOrder, aside, steps int64
	overdueSince, overdueBucket, class                     string
	live                                                   int64
}

// lived is a loan with what its journal holds and with what it should hold, found by living it again.
type lived struct {
	loanRow
	happened []*happening
	// own is what the journal's own transactions of the loan hold, in all and by their event.
	own     position
	byEvent map[string]position
	// shares is its part in the sums of closed days; life stands after the last happening, now at the last closed day.
	shares    position
	life, now *life
	// why says why it could not be lived again.
	why error
}

// by is what the loan's own transactions of an event hold on an account.
func (v *lived) by(event, account string) int64 {
	p := v.byEvent[event]
	return p.on(account)
}

// days is how far a partition of the log is.
type days struct{ open, closed, agreed, started, held string }

// loanBook is everything that several checks want of loan's books.
type loanBook struct {
	loans  []*lived
	byID   map[int64]*lived
	parts  map[int64]days
	sums   *finding // how the shares re-added to the sums
	orders []loanOrder
}

// loanOrder is an order as loan keeps it.
type loanOrder struct {
	bucket, id, loan, user, amount, payoff, received, principal, interest, penalty, fee, unapplied int64
	kind, state, posting, value, lockedOn                                                          string
}

func (l *look) lent(ctx context.Context) (*loanBook, error) {
	return once(&l.lentRead, func() (*loanBook, error) {
		b := &loanBook{byID: map[int64]*lived{}, parts: map[int64]days{}, sums: &finding{}}
		for _, read := range []func(context.Context, *look) error{b.readParts, b.readLoans, b.readEvents, b.readOwn, b.readOrders} {
			if err := read(ctx, l); err != nil {
				return nil, err
			}
		}
		return b, b.relive(ctx, l)
	})
}

func (b *loanBook) readParts(ctx context.Context, l *look) error {
	return l.books.each(ctx, "loan", `SELECT part, open_on, closed_through, agreed_through, started_on, held FROM day_part`, func(r *sql.Rows) error {
		var part int64
		var d days
		err := r.Scan(&part, &d.open, &d.closed, &d.agreed, &d.started, &d.held)
		b.parts[part] = d
		return err
	})
}

func (b *loanBook) readLoans(ctx context.Context, l *look) error {
	return l.books.each(ctx, "loan", `SELECT bucket, id, user_id, application_id, contract_id, product, state, method, terms, life, principal_minor,
		term_months, rate_ppm, payout_order_id, disbursed_on, matures_on, settled_on, booked_on, events, outstanding_minor, released_minor,
		lock_order_id, aside, steps, overdue_since, overdue_bucket, class, live FROM loan ORDER BY bucket, id`, func(r *sql.Rows) error {
		v := &lived{byEvent: map[string]position{}}
		err := r.Scan(&v.bucket, &v.id, &v.user, &v.application, &v.contract, &v.product, &v.state, &v.method, &v.terms, &v.snapshot,
			&v.principal, &v.termMonths, &v.ratePPM, &v.payoutOrder, &v.disbursedOn, &v.maturesOn, &v.settledOn, &v.bookedOn, &v.events,
			&v.outstanding, &v.released, &v.lockOrder, &v.aside, &v.steps, &v.overdueSince, &v.overdueBucket, &v.class, &v.live)
		b.loans, b.byID[v.id] = append(b.loans, v), v
		return err
	})
}

func (b *loanBook) readEvents(ctx context.Context, l *look) error {
	return l.books.each(ctx, "loan", `SELECT loan_id, seq, kind, counts_on, amount_minor, order_id, payoff, posting_on, booked_from, booked_to
		FROM loan_event ORDER BY bucket, loan_id, seq`, func(r *sql.Rows) error {
		h := &happening{}
		var id int64
		var on, posting, from, to string
		if err := r.Scan(&id, &h.seq, &h.kind, &on, &h.amount, &h.order, &h.payoff, &posting, &from, &to); err != nil {
			return err
		}
		v := b.byID[id]
		if v == nil {
			return fmt.Errorf("event %d is of loan %d, which is not there", h.seq, id)
		}
		for _, date := range []struct {
			text string
			into *day
		}{{on, &h.on}, {posting, &h.posting}, {from, &h.bookedFrom}, {to, &h.bookedTo}} {
			var err error
			if *date.into, err = dayOf(date.text); err != nil {
				v.why = fmt.Errorf("event %d: %w", h.seq, err)
			}
		}
		v.happened = append(v.happened, h)
		if h.seq != int64(len(v.happened)) {
			v.why = fmt.Errorf("event %d stands where %d was due", h.seq, len(v.happened))
		}
		return nil
	})
}

// readOwn adds up the transactions that are a loan's own.
func (b *loanBook) readOwn(ctx context.Context, l *look) error {
	return l.books.each(ctx, "loan", `SELECT h.subject_id, h.event, e.account, e.amount_minor FROM journal h
		JOIN journal_entry e ON e.bucket = h.bucket AND e.transaction_id = h.id WHERE h.subject_id <> 0`, func(r *sql.Rows) error {
		var id, amount int64
		var event, account string
		if err := r.Scan(&id, &event, &account, &amount); err != nil {
			return err
		}
		v := b.byID[id]
		if v == nil {
			return fmt.Errorf("the journal books for loan %d, which is not there", id)
		}
		if accountAt(account) < 0 {
			v.why = fmt.Errorf("it has an entry on %s, which no loan moves", account)
			return nil
		}
		v.own.put(account, amount)
		p := v.byEvent[event]
		p.put(account, amount)
		v.byEvent[event] = p
		return nil
	})
}

func (b *loanBook) readOrders(ctx context.Context, l *look) error {
	var err error
	b.orders, err = rows(ctx, l.books, "loan", `SELECT bucket, id, loan_id, user_id, kind, amount_minor, payoff, state, posting_on, value_on, locked_on,
		received_minor, principal_minor, interest_minor, penalty_minor, fee_minor, unapplied_minor FROM payment_order ORDER BY bucket, id`,
		func(r *sql.Rows, o *loanOrder) error {
			return r.Scan(&o.bucket, &o.id, &o.loan, &o.user, &o.kind, &o.amount, &o.payoff, &o.state, &o.posting, &o.value, &o.lockedOn,
				&o.received, &o.principal, &o.interest, &o.penalty, &o.fee, &o.unapplied)
		})
	return err
}
