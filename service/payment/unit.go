package payment

import (
	"context"
	"strconv"
	"time"

	paymentv1 "github.com/hengdai/hengdai/api/payment/v1"
	"github.com/hengdai/hengdai/domain/calendar"
	"github.com/hengdai/hengdai/domain/ledger"
	"github.com/hengdai/hengdai/domain/payment"
	"github.com/hengdai/hengdai/kit/errs"
	eventlog "github.com/hengdai/hengdai/kit/log"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/kit/telemetry"
	"github.com/hengdai/hengdai/service/payment/rows"
)

// Who moved an order or attempt.
const (
	actorLoan    = "loan"
	actorWorker  = "worker"
	actorChannel = "channel"
)

func actorStaff(staffID int64) string { return "staff:" + strconv.FormatInt(staffID, 10) }

// unit is one unit of work on one order: its rows as they were read, and what may be done to them. The state columns of
// orders and attempts are written here and nowhere else.
type unit struct {
	s     *Service
	tx    *store.Tx
	ctx   context.Context
	q     *rows.Queries
	now   time.Time
	actor string

	order rows.PaymentOrder
	tries []rows.PaymentAttempt // the attempts, oldest first

	// settings are what was in force when the order was routed.
	settings []rows.PaymentChannel

	lastMove int64 // number of the last move; -1 if it was not read yet
}

// on runs work on an order in one unit, with the order and its attempts read in it.
func (s *Service) on(ctx context.Context, orderID int64, actor string, work func(u *unit) error) error {
	return s.commit(ctx, func(tx *store.Tx) error {
		u, err := s.unit(tx, orderID, actor)
		if err != nil {
			return err
		}
		return work(u)
	})
}

// unit reads an order and its attempts inside a transaction.
func (s *Service) unit(tx *store.Tx, orderID int64, actor string) (*unit, error) {
	u := &unit{s: s, tx: tx, ctx: tx.Context(), q: rows.New(tx), now: s.deps.Clock.Now(), actor: actor, lastMove: -1}
	var err error
	if u.order, err = order(u.ctx, u.q, orderID); err != nil {
		return nil, err
	}
	if u.tries, err = attempts(u.ctx, u.q, orderID); err != nil {
		return nil, err
	}
	return u, nil
}

// attempt answers the attempt with an id, nil if the order has none such.
func (u *unit) attempt(attemptID int64) *rows.PaymentAttempt {
	for i := range u.tries {
		if u.tries[i].AttemptID == attemptID {
			return &u.tries[i]
		}
	}
	return nil
}

// live answers the order's live attempt, nil if there is none.
func (u *unit) live() *rows.PaymentAttempt {
	for i := range u.tries {
		if u.tries[i].LiveKey.Valid {
			return &u.tries[i]
		}
	}
	return nil
}

// othersSubmitted says whether another attempt than this one ever left for a channel.
func (u *unit) othersSubmitted(a *rows.PaymentAttempt) bool {
	for i := range u.tries {
		if u.tries[i].AttemptID != a.AttemptID && payment.AttemptState(u.tries[i].State) != payment.Prepared {
			return true
		}
	}
	return false
}

func (u *unit) kind() payment.Kind { return payment.Kind(u.order.Kind) }

func (u *unit) state() payment.OrderState { return payment.OrderState(u.order.State) }

// moveOrder moves the order by an event of its table, or answers the table's refusal.
func (u *unit) moveOrder(event payment.OrderEvent) error {
	to, err := payment.Apply(payment.Orders, u.state(), event)
	if err != nil {
		return err
	}
	if err := u.noteMove(0, u.order.State, string(event), string(to)); err != nil {
		return err
	}
	u.order.State = string(to)
	u.s.metrics.moved(u.tx, u.order.Kind, to)
	telemetry.Becomes(u.ctx, string(to))
	return u.saveOrder()
}

// saveOrder writes the order's row back by compare-and-set.
func (u *unit) saveOrder() error {
	o := &u.order
	o.UpdatedMs = u.now.UnixMilli()
	n, err := u.q.MoveOrder(u.ctx, rows.MoveOrderParams{
		ToState: o.State, Reason: o.Reason, Stopped: o.Stopped, Channel: o.Channel, ChannelNo: o.ChannelNo, PostingOn: o.PostingOn,
		ValueOn: o.ValueOn, UpdatedMs: o.UpdatedMs, Bucket: o.Bucket, OrderID: o.OrderID, Version: o.Version,
	})
	o.Version++
	return errs.Wrap(store.One(n, err, errStale), "moving an order")
}

// moveAttempt gives an attempt a state that the table led to and writes its row back by compare-and-set.
func (u *unit) moveAttempt(a *rows.PaymentAttempt, event string, to payment.AttemptState) error {
	if string(to) != a.State {
		if err := u.noteMove(a.AttemptID, a.State, event, string(to)); err != nil {
			return err
		}
	}
	if err := u.weigh(a, payment.AttemptState(a.State), to); err != nil {
		return err
	}
	a.State = string(to)
	if !to.Live() {
		a.LiveKey.Valid, a.LiveKey.Int64 = false, 0
		if a.FinalMs == 0 {
			a.FinalMs = u.now.UnixMilli()
		}
	}
	return u.saveAttempt(a)
}

// weigh gives back what a failed attempt used of its channel's daily limit, and takes it again if it moved money after
// all.
func (u *unit) weigh(a *rows.PaymentAttempt, from, to payment.AttemptState) error {
	switch {
	case to == payment.FailedFinal && from != payment.FailedFinal:
		return u.countUse(a, -a.AmountMinor)
	case to == payment.Contradicted && from != payment.Contradicted:
		return u.countUse(a, a.AmountMinor)
	}
	return nil
}

func (u *unit) saveAttempt(a *rows.PaymentAttempt) error {
	n, err := u.q.MoveAttempt(u.ctx, rows.MoveAttemptParams{
		ToState: a.State, LiveKey: a.LiveKey, Code: a.Code, Reason: a.Reason, ChannelNo: a.ChannelNo, FeeMinor: a.FeeMinor,
		SettledOn: a.SettledOn, MovedOn: a.MovedOn, FinalMs: a.FinalMs, Queries: a.Queries,
		Bucket: a.Bucket, AttemptID: a.AttemptID, Version: a.Version,
	})
	a.Version++
	return errs.Wrap(store.One(n, err, errStale), "moving an attempt")
}

// noteMove appends a step to the order's history.
func (u *unit) noteMove(attemptID int64, from, event, to string) error {
	if u.lastMove < 0 {
		last, err := u.q.LastMove(u.ctx, rows.LastMoveParams{Bucket: u.order.Bucket, OrderID: u.order.OrderID})
		if err != nil {
			return errs.Wrap(err, "reading an order's history")
		}
		u.lastMove = last
	}
	u.lastMove++
	return errs.Wrap(u.q.InsertMove(u.ctx, rows.InsertMoveParams{
		Bucket: u.order.Bucket, OrderID: u.order.OrderID, Number: u.lastMove, AttemptID: attemptID,
		FromState: from, Event: event, ToState: to, Actor: u.actor, AtMs: u.now.UnixMilli(),
	}), "noting a step")
}

// prove keeps what was said about an attempt and believed.
func (u *unit) prove(a *rows.PaymentAttempt, source string, v payment.Verdict, code, message string, digest []byte) error {
	last, err := u.q.LastEvidence(u.ctx, rows.LastEvidenceParams{Bucket: a.Bucket, AttemptID: a.AttemptID})
	if err != nil {
		return errs.Wrap(err, "reading evidence")
	}
	if digest == nil {
		digest = []byte{}
	}
	return errs.Wrap(u.q.InsertEvidence(u.ctx, rows.InsertEvidenceParams{
		Bucket: a.Bucket, AttemptID: a.AttemptID, Number: last + 1, Source: source, Verdict: string(v), Code: code, Message: message,
		Digest: digest, AtMs: u.now.UnixMilli(),
	}), "keeping evidence")
}

// raise opens a break for a person, once for each source.
func (u *unit) raise(a *rows.PaymentAttempt, what payment.Case, actualMinor int64, note string) error {
	source := breakSource(what, a.AttemptID, actualMinor)
	n, err := u.q.RaiseBreak(u.ctx, rows.RaiseBreakParams{Bucket: a.Bucket, SourceKey: source})
	if err != nil || n > 0 {
		return errs.Wrap(err, "raising a break again")
	}
	u.s.alarm(u.tx, what, a)
	return errs.Wrap(u.q.InsertBreak(u.ctx, rows.InsertBreakParams{
		Bucket: a.Bucket, BreakID: u.s.deps.IDs.New(a.Bucket), SourceKey: source, Kind: string(what), OrderID: a.OrderID,
		AttemptID: a.AttemptID, Channel: a.Channel, ExpectedMinor: a.AmountMinor, ActualMinor: actualMinor, Note: note,
		CreatedMs: u.now.UnixMilli(),
	}), "raising a break")
}

// book books for the order and answers under which date.
func (u *unit) book(b payment.Booking, channel, valueOn string) (string, error) {
	event, entries := payment.Entries(u.kind(), b, channel, u.order.AmountMinor)
	if len(entries) == 0 {
		return "", nil
	}
	value, err := calendar.Parse(valueOn)
	if err != nil {
		return "", errs.Wrap(err, "value date of a booking")
	}
	return u.s.journal.book(u.tx, u.order.UserID, ledger.Transaction{
		ID: u.s.deps.IDs.New(u.order.Bucket), Event: event, Subject: u.order.OrderID, Bucket: u.order.Bucket, ValueOn: value, Entries: entries,
	})
}

// tellSettled tells how an order ended, or that money moved for it once more.
func (u *unit) tellSettled(outcome payment.OrderState, attempt *rows.PaymentAttempt, postingOn, valueOn string) error {
	o := &u.order
	e := &paymentv1.OrderSettled{
		OrderId: o.OrderID, Kind: o.Kind, LoanId: o.LoanID, AmountMinor: o.AmountMinor, Outcome: string(outcome), Reason: o.Reason,
		PostingOn: postingOn, ValueOn: valueOn,
	}
	if attempt != nil {
		e.Channel, e.ChannelNo, e.AttemptId = attempt.Channel, attempt.ChannelNo, attempt.AttemptID
	}
	return errs.Wrap(u.s.deps.Log.Append(u.tx, eventlog.Event{
		UserID: o.UserID, Bucket: o.Bucket, Body: e, PostingOn: postingOn, ValueOn: valueOn,
	}), "telling an order's end")
}

// endHold posts or voids what was held for the order.
func (u *unit) endHold(to string) error {
	_, err := u.q.EndHold(u.ctx, rows.EndHoldParams{ToState: to, Bucket: u.order.Bucket, OrderID: u.order.OrderID})
	return errs.Wrap(err, "ending a hold") // a hold that has ended stays as it is
}
