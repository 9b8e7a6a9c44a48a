package payment

import (
	"context"
	"slices"
	"strings"

	"github.com/hengdai/hengdai/domain/calendar"
	"github.com/hengdai/hengdai/domain/ledger"
	"github.com/hengdai/hengdai/domain/payment"
	"github.com/hengdai/hengdai/domain/reconcile"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/id"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/service/payment/channel"
	"github.com/hengdai/hengdai/service/payment/rows"
)

var errNoDifference = errs.New(errs.Precondition, "payment.remedy_without_difference",
	"该差异并非对账差异，不能选择处理方式。", "The break is no difference to a statement; it has no remedies.").On("remedy")

// differenceFor is a difference as domain/reconcile judges it, with the attempt behind it as it stands now.
func differenceFor(ctx context.Context, q *rows.Queries, d *rows.PaymentDifference) (reconcile.Difference, error) {
	view := reconcile.Difference{Class: reconcile.Class(d.Class), Kind: reconcile.Kind(d.Kind), OpenMinor: d.OpenMinor, ParkedMinor: d.ParkedMinor}
	if d.AttemptID == 0 || d.OpenMinor == 0 {
		return view, nil
	}
	a, err := orderOfAttempt(ctx, q, d.AttemptID)
	if err != nil {
		return view, errs.Wrap(err, "reading an attempt")
	}
	o, err := order(ctx, q, a.OrderID)
	if err != nil {
		return view, err
	}
	view.Denied = d.Side == sideMain && d.ActualMinor == a.AmountMinor && payment.AttemptState(a.State) == payment.FailedFinal
	can := class(d.Class, reconcile.OursOnly, reconcile.Standing) && d.Side == sideMain || class(d.Class, reconcile.LateReturn)
	view.Whole = can && d.OpenMinor == inTransit(&o, a.AmountMinor) && payment.AttemptState(a.State) == payment.Success &&
		payment.OrderState(o.State) == payment.Paid
	return view, nil
}

func class(is string, of ...reconcile.Class) bool { return slices.Contains(of, reconcile.Class(is)) }

// closable says whether two people may end a break by a remedy: one that is open, or, to give a recoverable up, one whose
// money was put there.
func closable(tx *store.Tx, b *rows.PaymentBreak, remedy string) error {
	q := rows.New(tx)
	d, err := q.DifferenceByBreak(tx.Context(), rows.DifferenceByBreakParams{Bucket: b.Bucket, BreakID: b.BreakID})
	switch {
	case noRow(err) && remedy != "" && remedy != string(reconcile.Explain):
		return errNoDifference
	case noRow(err) && b.State != "OPEN":
		return errClosed
	case noRow(err):
		return nil
	case err != nil:
		return errs.Wrap(err, "reading a difference")
	}
	_, err = remedyFor(tx, q, &d, b.State, remedy)
	return err
}

// remedyFor checks a remedy against a difference as it stands now.
func remedyFor(tx *store.Tx, q *rows.Queries, d *rows.PaymentDifference, breakState, remedy string) (reconcile.Difference, error) {
	view, err := differenceFor(tx.Context(), q, d)
	if err != nil {
		return view, err
	}
	if breakState != "OPEN" && view.ParkedMinor == 0 {
		return view, errClosed
	}
	allowed := reconcile.Allowed(view)
	if remedy == "" {
		remedy = string(reconcile.Explain)
	}
	if !slices.Contains(allowed, reconcile.Remedy(remedy)) {
		list := strings.Join(names(allowed), ", ")
		return view, errs.New(errs.Precondition, "payment.remedy_not_allowed",
			"该差异可选的处理方式为："+list+"。", "What may be decided about this difference: "+list+".").On("remedy")
	}
	return view, nil
}

// remedy carries out what two people decided about a break, in the commit in which it is closed.
func (s *Service) remedy(tx *store.Tx, c closure, staffID int64) error {
	q, bucket := rows.New(tx), id.Bucket(c.BreakID)
	b, err := q.BreakByID(tx.Context(), rows.BreakByIDParams{Bucket: bucket, BreakID: c.BreakID})
	if noRow(err) {
		return errNoBreak
	}
	if err != nil {
		return errs.Wrap(err, "reading a break")
	}
	d, err := q.DifferenceByBreak(tx.Context(), rows.DifferenceByBreakParams{Bucket: bucket, BreakID: c.BreakID})
	if err != nil && !noRow(err) {
		return errs.Wrap(err, "reading a difference")
	}
	if err == nil {
		if err := s.correct(tx, q, &d, &b, c, staffID); err != nil {
			return err
		}
		if b.State != "OPEN" {
			return nil
		}
	}
	n, err := q.CloseBreak(tx.Context(), rows.CloseBreakParams{Bucket: bucket, BreakID: c.BreakID})
	return store.One(n, err, errClosed)
}

// correct books a remedy and ends the difference.
func (s *Service) correct(tx *store.Tx, q *rows.Queries, d *rows.PaymentDifference, b *rows.PaymentBreak, c closure, staffID int64) error {
	view, err := remedyFor(tx, q, d, b.State, c.Remedy)
	if err != nil {
		return err
	}
	remedy := reconcile.Remedy(c.Remedy)
	if remedy == "" {
		remedy = reconcile.Explain
	}
	value, err := calendar.Parse(d.SettledOn)
	if err != nil {
		return errs.Wrap(err, "date of a difference")
	}
	switch remedy {
	case reconcile.TakeBack:
		err = s.takeBack(tx, d, c, staffID)
	case reconcile.TakeIn:
		err = s.takeIn(tx, d, c, staffID)
	case reconcile.Explain, reconcile.Recover, reconcile.Unidentify, reconcile.Recovered, reconcile.GiveUp, reconcile.SendBack:
		err = s.bookRemedy(tx, q, d, remedy, view, value)
	}
	if err != nil {
		return err
	}
	if err := stateOurs(tx, q, d, remedy, s.today()); err != nil {
		return err
	}
	switch remedy {
	case reconcile.Recover:
		d.ParkedMinor = d.OpenMinor
	case reconcile.GiveUp:
		d.ParkedMinor = 0
	case reconcile.Explain, reconcile.TakeIn, reconcile.TakeBack, reconcile.Unidentify, reconcile.Recovered, reconcile.SendBack:
	}
	d.State, d.Outcome, d.OpenMinor, d.EndedMs = differenceClosed, string(remedy), 0, s.deps.Clock.Now().UnixMilli()
	return s.moveDifference(tx, q, d)
}

// bookRemedy books what a remedy moves in the cash journal alone.
func (s *Service) bookRemedy(tx *store.Tx, q *rows.Queries, d *rows.PaymentDifference, remedy reconcile.Remedy, view reconcile.Difference, value calendar.Date) error {
	event, entries := reconcile.Corrected(remedy, d.Channel, view)
	if len(entries) == 0 {
		return nil
	}
	userID := int64(0)
	if d.OrderID != 0 {
		o, err := order(tx.Context(), q, d.OrderID)
		if err != nil {
			return err
		}
		userID = o.UserID
	}
	_, err := s.journal.book(tx, userID, ledger.Transaction{
		ID: s.deps.IDs.New(d.Bucket), Event: event, Subject: d.OrderID, Bucket: d.Bucket, ValueOn: value, Entries: entries,
	})
	return errs.Wrap(err, "correcting a difference")
}

// stateOurs makes an item that only we have one that is not looked for any more, once it is corrected.
func stateOurs(tx *store.Tx, q *rows.Queries, d *rows.PaymentDifference, remedy reconcile.Remedy, today string) error {
	if d.Class != string(reconcile.OursOnly) || remedy == reconcile.GiveUp {
		return nil
	}
	if d.Side == sideBack {
		_, err := q.StateBack(tx.Context(), rows.StateBackParams{StatedOn: today, Bucket: d.Bucket, AttemptID: d.AttemptID})
		return errs.Wrap(err, "settling a return")
	}
	a, err := orderOfAttempt(tx.Context(), q, d.AttemptID)
	if err != nil {
		return errs.Wrap(err, "reading an attempt")
	}
	n, err := q.StateAttempt(tx.Context(), rows.StateAttemptParams{StatedOn: today, Bucket: a.Bucket, AttemptID: a.AttemptID, Version: a.Version})
	return errs.Wrap(store.One(n, err, errStale), "settling an attempt")
}

// takeBack lets the order learn that its money came back, as it learns everything else, with the words of two people.
func (s *Service) takeBack(tx *store.Tx, d *rows.PaymentDifference, c closure, staffID int64) error {
	u, err := s.unit(tx, d.OrderID, actorStaff(staffID))
	if err != nil {
		return err
	}
	a := u.attempt(d.AttemptID)
	if a == nil || payment.AttemptState(a.State) != payment.Success {
		return errs.New(errs.Precondition, "payment.cannot_come_back", "该笔付款的状态不允许退回。", "The payment's state does not let it come back.")
	}
	w := word{source: fromPeople, outcome: payment.Outcome{Verdict: payment.CameBack, Reason: "returned"}, reply: channel.Reply{Answer: payment.Answer{
		Status: payment.SaidReturned, Code: "PEOPLE", Message: c.Finding, SettledOn: d.SettledOn, MovedOn: d.SettledOn,
	}}}
	if err := u.learn(a, w); err != nil {
		return err
	}
	_, err = u.q.StateBack(u.ctx, rows.StateBackParams{StatedOn: s.today(), Bucket: a.Bucket, AttemptID: a.AttemptID})
	return errs.Wrap(err, "settling a return")
}

// takeIn lets the order learn that it succeeded against what we held to be a final failure. The contradiction that this
// is was decided by the same two people, so it raises no second break.
func (s *Service) takeIn(tx *store.Tx, d *rows.PaymentDifference, c closure, staffID int64) error {
	u, err := s.unit(tx, d.OrderID, actorStaff(staffID))
	if err != nil {
		return err
	}
	a := u.attempt(d.AttemptID)
	if a == nil || payment.AttemptState(a.State) != payment.FailedFinal {
		return errs.New(errs.Precondition, "payment.cannot_succeed", "该笔付款的状态不允许认定为成功。", "The payment's state does not let it succeed.")
	}
	w := word{source: fromPeople, outcome: payment.Outcome{Verdict: payment.Succeeded}, reply: channel.Reply{Answer: payment.Answer{
		Status: payment.SaidSuccess, Code: "PEOPLE", Message: c.Finding, ChannelNo: d.ChannelNo, AmountMinor: d.ActualMinor, SettledOn: d.SettledOn, MovedOn: d.SettledOn,
	}}}
	if err := u.learn(a, w); err != nil {
		return err
	}
	b, err := u.q.BreakBySource(u.ctx, rows.BreakBySourceParams{Bucket: a.Bucket, SourceKey: breakSource(payment.CaseContradicted, a.AttemptID, a.AmountMinor)})
	if err == nil {
		_, err = u.q.CloseBreak(u.ctx, rows.CloseBreakParams{Bucket: a.Bucket, BreakID: b.BreakID})
	}
	if err != nil && !noRow(err) {
		return errs.Wrap(err, "closing a break")
	}
	n, err := u.q.StateAttempt(u.ctx, rows.StateAttemptParams{StatedOn: s.today(), Bucket: a.Bucket, AttemptID: a.AttemptID, Version: a.Version})
	return errs.Wrap(store.One(n, err, errStale), "settling an attempt")
}
