package invariant

import "context"

// flow is one person's repayments, by several tellers.
type flow struct {
	taken, given                                          int64 // by the parties' journal
	collected, allocated, unapplied, refundable, refunded int64 // by the entries of his loans
	lived                                                 int64 // by living his loans again
}

// repayments: what the parties took from a person is what his loans' journal received, and that is what was allocated,
// what waits, and what went back.
func repayments(ctx context.Context, l *look, f *finding) error {
	d, err := l.dealings(ctx)
	if err != nil {
		return err
	}
	b, err := l.lent(ctx)
	if err != nil {
		return err
	}
	of := map[int64]*flow{}
	at := func(user int64) *flow {
		if of[user] == nil {
			of[user] = &flow{}
		}
		return of[user]
	}
	for id, effects := range d.done {
		o := d.order[id]
		for _, e := range effects {
			switch {
			case o.in():
				at(o.user).taken += e.amount
			case o.kind == "refund":
				at(o.user).given += e.amount
			}
		}
	}
	b.paidOut(f, func(v *lived) {
		p := at(v.user)
		p.collected += v.by("collect", "2290")
		p.allocated += v.by("allocate", "2241.unapplied")
		p.refunded -= v.by("refunded", "2290")
		p.unapplied -= v.own.on("2241.unapplied")
		p.refundable -= v.own.on("2241.refund")
		p.lived += v.life.received
	})
	for user, p := range of {
		same(f, p.collected, p.taken, "user %d: received by the journal and taken by the parties", user)
		same(f, p.refunded, p.given, "user %d: given back by the journal and by the parties", user)
		same(f, p.allocated+p.unapplied+p.refundable+p.refunded, p.collected, "user %d: allocated, waiting, going back and gone back", user)
		same(f, p.lived, p.collected, "user %d: received by the loans' events", user)
	}
	return nil
}

// deductions: no order takes more than is owed on its day, and each receipt is split as the contract's order says.
func deductions(ctx context.Context, l *look, f *finding) error {
	b, err := l.lent(ctx)
	if err != nil {
		return err
	}
	asked, got := map[int64]*happening{}, map[int64]*happening{}
	b.paidOut(f, func(v *lived) {
		for _, h := range v.happened {
			switch h.kind {
			case "lock":
				asked[h.order] = h
			case "receive":
				if got[h.order] == nil { // a second receipt of an order is the borrower's own money
					got[h.order] = h
				}
			}
		}
	})
	for _, o := range b.orders {
		if o.kind != "debit" && o.kind != "repayment" {
			continue
		}
		h := asked[o.id]
		if h == nil {
			f.wrong("order %d collects %d and never locked its loan", o.id, o.amount)
			continue
		}
		f.saw(1)
		owed := h.dueBefore
		if o.kind == "repayment" {
			owed = h.payoffBefore
		}
		if o.amount != h.amount || o.amount > owed {
			f.wrong("order %d (%s) takes %d, locked %d; owed on %s is %d", o.id, o.kind, o.amount, h.amount, h.on, owed)
		}
		r := got[o.id]
		if (r != nil) != (o.state == "PAID") {
			f.wrong("order %d is %s; its money was received: %v", o.id, o.state, r != nil)
			continue
		}
		if r == nil {
			continue
		}
		split := amounts{principal: o.principal, interest: o.interest, penalty: o.penalty, fee: o.fee}
		served := amounts{principal: r.served[principal], interest: r.served[interest], penalty: r.served[penalty] + r.served[compound], fee: r.served[fee] + r.served[cost]}
		same(f, split, served, "order %d: how its money was split", o.id)
		same(f, [2]int64{o.received, o.unapplied}, [2]int64{r.amount, max(0, r.amount-r.served.total())}, "order %d: received and unapplied", o.id)
	}
	return nil
}

// refusedUnpaid: nobody who was refused or who withdrew was ever paid for it, and every payout is that of a loan.
func refusedUnpaid(ctx context.Context, l *look, f *finding) error {
	d, err := l.dealings(ctx)
	if err != nil {
		return err
	}
	b, err := l.lent(ctx)
	if err != nil {
		return err
	}
	applications, err := l.applications(ctx)
	if err != nil {
		return err
	}
	paidFor := map[int64]int64{} // by application
	for id, effects := range d.done {
		o := d.order[id]
		if o.kind != "disbursement" {
			continue
		}
		v := b.byID[o.loan]
		if v == nil || v.payoutOrder != id {
			f.wrong("order %d paid %d for loan %d, whose payout it is not", id, o.amount, o.loan)
			continue
		}
		for _, e := range effects {
			paidFor[v.application] += e.amount
		}
		if o.state == "PAID" && applications[v.application] == nil {
			f.wrong("loan %d was paid out and has no application", v.id)
		}
	}
	for id, a := range applications {
		paid := paidFor[id]
		if a.state == "DISBURSED" {
			same(f, paid, a.approved, "application %d: paid out", id)
			continue
		}
		if a.state == "SIGNED" {
			continue // its money may be under way
		}
		same(f, paid, 0, "application %d is %s: paid out", id, a.state)
	}
	return nil
}
