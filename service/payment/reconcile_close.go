package payment

import (
	"time"

	"github.com/hengdai/hengdai/domain/calendar"
	"github.com/hengdai/hengdai/domain/ledger"
	"github.com/hengdai/hengdai/domain/payment"
	"github.com/hengdai/hengdai/domain/reconcile"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/service/payment/rows"
)

// Why a compared day is not closed.
const (
	reasonTransit = "transit" // the journal's account in transit is not what the items are
	reasonBank    = "bank"    // the bank's account is not what the lines are
	reasonOpening = "opening" // the file does not begin where the one before ended
	reasonBefore  = "before"  // an earlier day is open
)

// finish ends a comparison: it finds the items that no line has come for, turns what has waited long enough into breaks,
// works out the figures and closes the day if they tie.
func (p *pass) finish() error {
	if err := p.oneSided(); err != nil {
		return err
	}
	breaks, items, err := p.promote()
	if err != nil {
		return err
	}
	c, err := p.figures()
	if err != nil {
		return err
	}
	c.Items, c.Breaks = items, breaks
	if err := p.record(c); err != nil {
		return err
	}
	return p.closeLater()
}

// received says whether the file of a day is believed.
func (p *pass) received(on string) (bool, error) {
	if on == p.row.SettledOn {
		return true, nil
	}
	row, err := p.q.StatementOf(p.ctx, rows.StatementOfParams{Channel: p.row.Channel, Account: p.row.Account, SettledOn: on})
	if noRow(err) {
		return false, nil
	}
	return row.FileVersion > 0, errs.Wrap(err, "reading a statement's day")
}

// oneSided looks at what we hold up to this day and no line has settled.
func (p *pass) oneSided() error {
	list, err := p.q.UnstatedAttempts(p.ctx, rows.UnstatedAttemptsParams{Channel: p.row.Channel, UpTo: p.row.SettledOn})
	if err != nil {
		return errs.Wrap(err, "looking for what no line has settled")
	}
	for i := range list {
		a := &list[i]
		o, err := order(p.ctx, p.q, a.OrderID)
		if err != nil {
			return err
		}
		state := func() error { return p.take(&held{attempt: *a, order: o}, false) }
		if err := p.lacking(&o, a, sideMain, inTransit(&o, a.AmountMinor), a.SettledOn, state); err != nil {
			return err
		}
	}
	backs, err := p.q.UnstatedBacks(p.ctx, rows.UnstatedBacksParams{Channel: p.row.Channel, UpTo: p.row.SettledOn})
	if err != nil {
		return errs.Wrap(err, "looking for returns that no line has settled")
	}
	for i := range backs {
		b := &backs[i]
		a, err := orderOfAttempt(p.ctx, p.q, b.AttemptID)
		if err != nil {
			return errs.Wrap(err, "reading an attempt")
		}
		o, err := order(p.ctx, p.q, a.OrderID)
		if err != nil {
			return err
		}
		state := func() error { return p.take(&held{attempt: a, order: o}, true) }
		if err := p.lacking(&o, &a, sideBack, b.AmountMinor, b.SettledOn, state); err != nil {
			return err
		}
	}
	return nil
}

// lacking keeps a movement of ours, for which no line has come, as a difference. If a line had come before it was booked,
// the two meet now.
func (p *pass) lacking(o *rows.PaymentOrder, a *rows.PaymentAttempt, side string, heldMinor int64, on string, state func() error) error {
	known, err := p.q.DifferencesOfAttempt(p.ctx, rows.DifferencesOfAttemptParams{Bucket: a.Bucket, AttemptID: a.AttemptID})
	if err != nil {
		return errs.Wrap(err, "looking for a difference")
	}
	for i := range known {
		d := &known[i]
		switch {
		case d.Side != side:
		case d.Class == string(reconcile.OursOnly):
			return nil
		case d.OpenMinor != 0:
			if err := state(); err != nil {
				return err
			}
			if d.OpenMinor += heldMinor; d.OpenMinor == 0 {
				return p.end(d, outcomeCame)
			}
			return p.move(d)
		}
	}
	if there, err := p.received(on); err != nil || !there {
		return err
	}
	kind := itemKinds[payment.Kind(o.Kind)]
	if side == sideBack {
		kind = map[bool]reconcile.Kind{true: reconcile.Chargeback, false: reconcile.Return}[kind.In()]
	}
	_, err = p.insert(&rows.PaymentDifference{
		Bucket: a.Bucket, Class: string(reconcile.OursOnly), SettledOn: on, Side: side, Kind: string(kind), RequestNo: a.RequestNo,
		ChannelNo: a.ChannelNo, OrderID: a.OrderID, AttemptID: a.AttemptID, ExpectedMinor: a.AmountMinor, OpenMinor: heldMinor,
		State: differenceWaiting, Note: "the channel does not state what moved here",
	})
	return err
}

// promote makes a break of each one-sided difference whose next file has come, and counts what is open.
func (p *pass) promote() (breaks, items int64, err error) {
	open, err := p.q.OpenDifferences(p.ctx, p.row.Channel)
	if err != nil {
		return 0, 0, errs.Wrap(err, "reading open differences")
	}
	for i := range open {
		d := &open[i]
		if d.Account != p.row.Account {
			continue
		}
		items++
		if d.State == differenceBreak {
			breaks++
			continue
		}
		on, err := calendar.Parse(d.SettledOn)
		if err != nil {
			return 0, 0, errs.Wrap(err, "date of a difference")
		}
		next, err := p.received((on + 1).String())
		if err != nil {
			return 0, 0, err
		}
		if !next {
			continue
		}
		breaks++
		if err := p.raise(d); err != nil {
			return 0, 0, err
		}
	}
	return breaks, items, nil
}

// figures works out where the account stands. moved comes from the journal and closing from the items, so that the two
// sides of opening + moved - settled = closing are found by different ways.
func (p *pass) figures() (*rows.PaymentClose, error) {
	pos, err := p.q.PositionOf(p.ctx, rows.PositionOfParams{Channel: p.row.Channel, Account: p.row.Account})
	if err != nil {
		return nil, errs.Wrap(err, "reading where an account stands")
	}
	c := &rows.PaymentClose{
		Channel: p.row.Channel, Account: p.row.Account, SettledOn: p.row.SettledOn, Run: pos.Runs + 1, FileVersion: p.row.FileVersion,
		OpeningMinor: pos.TransitMinor, BankOpeningMinor: p.row.OpeningMinor, BankClosingMinor: p.row.ClosingMinor, AtMs: p.s.deps.Clock.Now().UnixMilli(),
	}
	if err := p.settledBy(c); err != nil {
		return nil, err
	}
	if err := p.itemsOf(c); err != nil {
		return nil, err
	}
	balances, err := p.q.SumBalances(p.ctx)
	if err != nil {
		return nil, errs.Wrap(err, "reading the journal")
	}
	bank := int64(0)
	for _, b := range balances {
		switch b.Account {
		case ledger.InTransit(p.row.Channel):
			c.JournalMinor = b.BalanceMinor
		case ledger.Bank:
			bank = b.BalanceMinor
		}
	}
	c.MovedMinor = c.JournalMinor - c.LaterMinor - c.OpeningMinor + c.SettledMinor
	if pos.FirstOn == p.row.SettledOn {
		pos.BaseMinor = p.row.OpeningMinor
	}
	pos.BankMinor += c.BankMovedMinor
	pos.TransitMinor = c.ClosingMinor
	n, err := p.q.MovePosition(p.ctx, rows.MovePositionParams{
		BaseMinor: pos.BaseMinor, BankMinor: pos.BankMinor, TransitMinor: pos.TransitMinor, Channel: pos.Channel, Account: pos.Account, Version: pos.Version,
	})
	if err := store.One(n, err, errStale); err != nil {
		return nil, errs.Wrap(err, "moving where an account stands")
	}
	all, err := p.q.Positions(p.ctx)
	if err != nil {
		return nil, errs.Wrap(err, "reading where the accounts stand")
	}
	for _, x := range all {
		bank -= x.BankMinor
	}
	switch {
	case c.OpeningMinor+c.MovedMinor-c.SettledMinor != c.ClosingMinor:
		c.Reason = reasonTransit
	case bank != 0:
		c.Reason = reasonBank
	default:
		c.Ties = 1
	}
	return c, nil
}

// settledBy fills in what this comparison settled: what the day's lines come to, less what earlier comparisons of the
// same day had settled.
func (p *pass) settledBy(c *rows.PaymentClose) error {
	sums, err := p.q.SumLines(p.ctx, rows.SumLinesParams{Channel: p.row.Channel, SettledOn: p.row.SettledOn})
	if err != nil {
		return errs.Wrap(err, "adding up the lines of a day")
	}
	before, err := p.q.ClosesOfDay(p.ctx, rows.ClosesOfDayParams{Channel: p.row.Channel, Account: p.row.Account, SettledOn: p.row.SettledOn})
	if err != nil {
		return errs.Wrap(err, "reading a day's figures")
	}
	c.SettledMinor, c.BankMovedMinor = sums.MovedMinor, sums.NetMinor
	for i := range before {
		c.SettledMinor -= before[i].SettledMinor
		c.BankMovedMinor -= before[i].BankMovedMinor
	}
	return nil
}

// itemsOf fills in what is in transit, item by item: what no line has settled, up to this day and later, and what
// comparisons left over.
func (p *pass) itemsOf(c *rows.PaymentClose) error {
	sum := func(after string) (int64, error) {
		total := int64(0)
		kinds, err := p.q.SumUnstated(p.ctx, rows.SumUnstatedParams{Channel: p.row.Channel, AfterOn: after})
		if err != nil {
			return 0, errs.Wrap(err, "adding up what no line has settled")
		}
		for _, k := range kinds {
			total += inTransit(&rows.PaymentOrder{Kind: k.Kind}, k.AmountMinor)
		}
		backs, err := p.q.SumUnstatedBacks(p.ctx, rows.SumUnstatedBacksParams{Channel: p.row.Channel, AfterOn: after})
		return total + backs, errs.Wrap(err, "adding up returns")
	}
	all, err := sum("")
	if err != nil {
		return err
	}
	if c.LaterMinor, err = sum(p.row.SettledOn); err != nil {
		return err
	}
	c.ClosingMinor = all - c.LaterMinor
	open, err := p.q.OpenDifferences(p.ctx, p.row.Channel)
	for i := range open {
		if open[i].Class != string(reconcile.OursOnly) { // those stand there by themselves
			c.ClosingMinor += open[i].OpenMinor
		}
	}
	return errs.Wrap(err, "reading open differences")
}

// record keeps the figures and moves the day.
func (p *pass) record(c *rows.PaymentClose) error {
	if err := p.q.InsertClose(p.ctx, rows.InsertCloseParams{
		Channel: c.Channel, Account: c.Account, SettledOn: c.SettledOn, Run: c.Run, FileVersion: c.FileVersion, OpeningMinor: c.OpeningMinor,
		MovedMinor: c.MovedMinor, SettledMinor: c.SettledMinor, ClosingMinor: c.ClosingMinor, LaterMinor: c.LaterMinor, JournalMinor: c.JournalMinor,
		BankOpeningMinor: c.BankOpeningMinor, BankMovedMinor: c.BankMovedMinor, BankClosingMinor: c.BankClosingMinor, Items: c.Items,
		Breaks: c.Breaks, Ties: c.Ties, Reason: c.Reason, AtMs: c.AtMs,
	}); err != nil {
		return errs.Wrap(err, "keeping a day's figures")
	}
	p.row.State, p.row.Reason = dayReconciled, c.Reason
	if c.Ties != 0 {
		if err := p.tryClose(&p.row); err != nil {
			return err
		}
	}
	if p.row.State == dayReconciled {
		day, reason := p.row.SettledOn, p.row.Reason
		p.tx.AfterCommit(func() {
			p.s.deps.Logger.Error("a compared day cannot be closed", "channel", p.row.Channel, "day", day, "reason", reason)
		})
	}
	if err := p.schedule(); err != nil {
		return err
	}
	return saveDay(p.tx, p.q, &p.row)
}

// tryClose closes a day whose figures tie, if the day before it is closed and its file begins where that one's ended.
func (p *pass) tryClose(row *rows.PaymentStatement) error {
	on, err := calendar.Parse(row.SettledOn)
	if err != nil {
		return errs.Wrap(err, "date of a statement")
	}
	before, err := p.q.StatementOf(p.ctx, rows.StatementOfParams{Channel: row.Channel, Account: row.Account, SettledOn: (on - 1).String()})
	first := noRow(err)
	switch {
	case err != nil && !first:
		return errs.Wrap(err, "reading the day before")
	case !first && before.State != dayClosed:
		row.Reason = reasonBefore
	case !first && before.ClosingMinor != row.OpeningMinor:
		row.Reason = reasonOpening
	default:
		row.State, row.Reason, row.ClosedMs, row.NextMs = dayClosed, "", p.s.deps.Clock.Now().UnixMilli(), 0
	}
	return nil
}

// schedule notes when the day's file is asked for again: a day that is not closed soon, one with differences of its own
// for some days, because its file may be reissued, any other never.
func (p *pass) schedule() error {
	now := p.s.deps.Clock.Now()
	p.row.NextMs = 0
	wait := brokenFirst
	if now.Sub(time.UnixMilli(p.row.ReceivedMs)) >= brokenFirst {
		wait = brokenWait
	}
	if p.row.State == dayReconciled {
		p.row.NextMs = now.Add(wait).UnixMilli()
		return nil
	}
	if now.Sub(p.day.Midnight()) > brokenDays*24*time.Hour {
		return nil
	}
	own, err := p.q.DifferencesOfDay(p.ctx, rows.DifferencesOfDayParams{Channel: p.row.Channel, SettledOn: p.row.SettledOn})
	for i := range own {
		if own[i].State != differenceClosed {
			p.row.NextMs = now.Add(wait).UnixMilli()
		}
	}
	return errs.Wrap(err, "reading a day's differences")
}

// laterMax bounds how many later days one day may close behind it in one commit; the rest is closed as they are asked for.
const laterMax = 60

// closeLater looks at the days after this one: those that only waited for it are closed, and the next one is opened again
// if its file does not begin where this one, reissued, ends now.
func (p *pass) closeLater() error {
	if p.row.State != dayClosed {
		return nil
	}
	if err := p.reopenNext(); err != nil {
		return err
	}
	open, err := p.q.UnclosedStatements(p.ctx, rows.UnclosedStatementsParams{Channel: p.row.Channel, Account: p.row.Account, Limit: laterMax})
	if err != nil {
		return errs.Wrap(err, "looking for open days")
	}
	for i := range open {
		row := &open[i]
		if row.SettledOn <= p.row.SettledOn || row.State != dayReconciled || row.Reason != reasonBefore {
			continue
		}
		if err := p.tryClose(row); err != nil {
			return err
		}
		if err := saveDay(p.tx, p.q, row); err != nil {
			return err
		}
	}
	return nil
}

func (p *pass) reopenNext() error {
	next, err := p.q.StatementOf(p.ctx, rows.StatementOfParams{Channel: p.row.Channel, Account: p.row.Account, SettledOn: (p.day + 1).String()})
	if noRow(err) {
		return nil
	}
	if err != nil {
		return errs.Wrap(err, "reading the day after")
	}
	if next.State != dayClosed || next.OpeningMinor == p.row.ClosingMinor {
		return nil
	}
	next.State, next.Reason, next.ClosedMs, next.NextMs = dayReconciled, reasonOpening, 0, p.s.deps.Clock.Now().UnixMilli()
	return saveDay(p.tx, p.q, &next)
}
