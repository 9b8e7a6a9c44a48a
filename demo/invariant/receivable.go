package invariant

import "context"

// paidOut passes the loans that were paid out, with those that could not be lived again reported.
func (b *loanBook) paidOut(f *finding, take func(v *lived)) {
	for _, v := range b.loans {
		if v.why != nil {
			f.saw(1)
			f.wrong("loan %d: %v", v.id, v.why)
			continue
		}
		if v.life != nil {
			take(v)
		}
	}
}

// loanPrincipal: what was lent is what came back and what stands on 1303, and the loan's row says so.
func loanPrincipal(ctx context.Context, l *look, f *finding) error {
	b, err := l.lent(ctx)
	if err != nil {
		return err
	}
	for _, v := range b.loans {
		if v.disbursedOn == "" {
			same(f, v.own, position{}, "loan %d was not paid out: its entries", v.id)
			continue
		}
		stands := v.own.on("1303")
		if v.state == "PAYOUT_RETURNED" || v.state == "CANCELLED" {
			same(f, stands+v.own.on("2241.payable"), 0, "loan %d came back: 1303 and what is payable", v.id)
			continue
		}
		repaid := -v.by("allocate", "1303")
		same(f, repaid+stands, v.principal, "loan %d: principal repaid and on 1303", v.id)
		same(f, v.outstanding, stands, "loan %d: its row's principal outstanding", v.id)
		same(f, v.released, repaid, "loan %d: its row's principal freed", v.id)
		if v.shares.on("1303") != 0 {
			f.wrong("loan %d: a day's close moved %d of principal", v.id, v.shares.on("1303"))
		}
	}
	return nil
}

// loanReceivables: every account of every loan, by its own entries and its shares, is what terms and events give.
func loanReceivables(ctx context.Context, l *look, f *finding) error {
	b, err := l.lent(ctx)
	if err != nil {
		return err
	}
	b.paidOut(f, func(v *lived) {
		f.saw(1)
		should, is := v.now.position(), v.own.plus(v.shares)
		for i, account := range loanAccounts {
			if is[i] != should[i] {
				f.wrong("loan %d on %s: %s holds %d, terms and events give %d", v.id, v.now.at, account, is[i], should[i])
				return
			}
		}
	})
	return nil
}

// accrualShares: the shares of all loans re-add to the sums of each day.
func accrualShares(ctx context.Context, l *look, f *finding) error {
	b, err := l.lent(ctx)
	if err != nil {
		return err
	}
	f.saw(b.sums.examined)
	f.broken, f.examples = b.sums.broken, b.sums.examples
	return nil
}

// loanSettled: a loan is settled exactly when it owes nothing; then nothing stands on its accounts, and what it was
// charged is what it paid.
func loanSettled(ctx context.Context, l *look, f *finding) error {
	b, err := l.lent(ctx)
	if err != nil {
		return err
	}
	b.paidOut(f, func(v *lived) {
		same(f, v.state == "SETTLED", v.now.settled(), "loan %d is %s: settled", v.id, v.state)
		if v.state != "SETTLED" {
			if v.settledOn != "" {
				f.wrong("loan %d is %s and settled on %s", v.id, v.state, v.settledOn)
			}
			return
		}
		is := v.own.plus(v.shares)
		for _, account := range []string{"1303", "1132.I", "1132.Cmp", "1132.Pen", "1132.F", "2241.payable", "2221.pending", "9011", "9012"} {
			if is.on(account) != 0 {
				f.wrong("loan %d is settled and has %d on %s", v.id, is.on(account), account)
				return
			}
		}
		income := -(is.on("6011") + is.on("6021") + is.on("2221.output"))
		charged, _ := v.now.earnings()
		want := charged[interest] + charged[fee] + charged[penalty] + charged[compound]
		same(f, income, want, "loan %d is settled: what it was charged", v.id)
		same(f, v.settledOn, v.life.settledFrom(v.happened).String(), "loan %d: day of settlement", v.id)
	})
	return nil
}

// settledFrom is the day of the happening that settled the loan: the last that moved money in.
func (l *life) settledFrom(happened []*happening) day {
	for i := len(happened) - 1; i >= 0; i-- {
		if h := happened[i]; h.kind == "receive" || h.kind == "apply" {
			return h.on
		}
	}
	return noDay
}

// overdueBuckets name the months past due.
var overdueBuckets = []string{"M0", "M1", "M2", "M3", "M4", "M5", "M6", "M6+"}

func overdueBucket(dpd int) string {
	if dpd <= 0 {
		return overdueBuckets[0]
	}
	return overdueBuckets[min((dpd+29)/30, len(overdueBuckets)-1)]
}

// class is the class of a claim by days past due.
func (t *terms) class(dpd int) string {
	name := "normal"
	for i, worse := range []string{"special_mention", "substandard", "doubtful", "loss"} {
		if dpd > t.ClassAfter[i] {
			name = worse
		}
	}
	return name
}

// loanStanding: how far a running loan is overdue, its class, its lock and whether income is booked follow from its life.
func loanStanding(ctx context.Context, l *look, f *finding) error {
	b, err := l.lent(ctx)
	if err != nil {
		return err
	}
	b.paidOut(f, func(v *lived) {
		same(f, v.lockOrder, v.life.lockOrder, "loan %d: order that locks it", v.id)
		same(f, v.events, int64(len(v.happened)), "loan %d: number of events", v.id)
		if v.live == 0 || v.life.lockOrder != 0 {
			return
		}
		dpd := v.now.overdueDays()
		since := ""
		if dpd > 0 {
			since = (v.now.at - day(dpd)).String()
		}
		same(f, v.overdueSince, since, "loan %d on %s: overdue since", v.id, v.now.at)
		same(f, v.overdueBucket, overdueBucket(dpd), "loan %d on %s: bucket", v.id, v.now.at)
		same(f, v.class, v.life.terms.class(dpd), "loan %d on %s: class", v.id, v.now.at)
		same(f, v.life.suspended, dpd > v.life.terms.NonAccrualAfter || (v.life.suspended && dpd > 0), "loan %d on %s: income not booked", v.id, v.now.at)
	})
	return nil
}
