package payment

import (
	"context"
	"errors"
	"time"

	userv1 "github.com/hengdai/hengdai/api/user/v1"
	"github.com/hengdai/hengdai/domain/calendar"
	"github.com/hengdai/hengdai/domain/payment"
	"github.com/hengdai/hengdai/kit/clock"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/job"
	"github.com/hengdai/hengdai/kit/secret"
	"github.com/hengdai/hengdai/service/payment/channel"
	"github.com/hengdai/hengdai/service/payment/rows"
)

// The effects. That of an order carries it through its first attempt; an attempt at another channel has its own, and so
// has the wait for another channel after one has failed.
const (
	effectOrder     = "payment.order"
	effectAttempt   = "payment.attempt"
	effectElsewhere = "payment.elsewhere"
)

// inFlight is how long a submission of this process is left alone: a call has ended by then.
const inFlight = 12 * time.Second

var (
	errShut   = errors.New("payment: the breaker has shut meanwhile")
	errGone   = errors.New("payment: the card or the person is not there any more")
	errReveal = errs.New(errs.Unavailable, "payment.values_unavailable", "暂时无法取得付款所需信息。", "What is needed for the payment is not available at the moment.")
)

// person is what a channel must know of the payee or payer. It lives for one call.
type person struct{ card, name, mobile secret.String }

// driveOrder carries an order to its channel and, until the end is known, asks what became of it.
func (s *Service) driveOrder(ctx context.Context, e job.Effect) error {
	q := rows.New(s.deps.DB.Primary())
	o, err := order(ctx, q, e.ID)
	if err != nil {
		return err
	}
	if payment.OrderState(o.State) == payment.Reserved {
		return s.begin(ctx, &o, e.Fence)
	}
	tries, err := attempts(ctx, q, e.ID)
	if err != nil || len(tries) == 0 {
		return err
	}
	return s.drive(ctx, &o, &tries[0], e.Fence)
}

// driveAttempt carries an attempt at another channel than the first.
func (s *Service) driveAttempt(ctx context.Context, e job.Effect) error {
	q := rows.New(s.deps.DB.Primary())
	a, err := orderOfAttempt(ctx, q, e.ID)
	if err != nil {
		return errs.Wrap(err, "reading an attempt")
	}
	o, err := order(ctx, q, a.OrderID)
	if err != nil {
		return err
	}
	return s.drive(ctx, &o, &a, e.Fence)
}

// begin sends a reserved order for the first time. What the channel must know is asked for first: if it is not there any
// more the order is cancelled, for nothing was sent.
func (s *Service) begin(ctx context.Context, o *rows.PaymentOrder, fence int64) error {
	if day, err := calendar.ParseOptional(o.NotBefore); err == nil && day != calendar.None && day > calendar.InShanghai(s.deps.Clock.Now()) {
		return s.queue.Again(day.Midnight())
	}
	if s.lobby.has(o.OrderID) { // it waits: nobody's name and card are asked for before a channel would take it
		d, _, err := s.choose(ctx, rows.New(s.deps.DB.Primary()), o, nil, false)
		if err != nil {
			return err
		}
		if d.Channel == "" && !d.Permanent {
			return s.await(o.OrderID, &d)
		}
	}
	who, err := s.reveal(ctx, o)
	if errors.Is(err, errGone) {
		return s.cancelReserved(ctx, o.OrderID, "card_gone")
	}
	if err != nil {
		return err
	}
	return s.sendFirst(ctx, o, fence, who)
}

// sendFirst routes a reserved order, commits to the attempt and sends it, or lets the order wait.
func (s *Service) sendFirst(ctx context.Context, o *rows.PaymentOrder, fence int64, who person) error {
	var a *rows.PaymentAttempt
	var d payment.Decision
	var pass *ticket
	err := s.on(ctx, o.OrderID, actorWorker, func(u *unit) error {
		pass.drop() // of a run that was not committed
		a, d, pass = nil, payment.Decision{}, nil
		if u.state() != payment.Reserved {
			return nil // somebody else began, or it was cancelled
		}
		var err error
		if a, d, err = u.prepare(); a == nil || err != nil {
			return err
		}
		if pass = s.channels[a.Channel].watch.take(u.kind(), u.setting(a.Channel).Breaker); pass == nil {
			return errShut
		}
		*o = u.order
		return u.submit(a, fence)
	})
	switch {
	case err != nil:
		pass.drop()
		if errors.Is(err, errShut) {
			return s.await(o.OrderID, &payment.Decision{AgainS: 1, Considered: []payment.Considered{{Verdict: payment.RouteBreaker, AgainS: 1}}})
		}
		return errs.Wrap(err, "preparing an attempt")
	case a != nil:
		s.lobby.leave(o.OrderID)
		return s.send(ctx, o, a, who, pass)
	case d.Channel == "" && d.Permanent && len(d.Considered) > 0:
		s.lobby.leave(o.OrderID)
		return s.cancelReserved(ctx, o.OrderID, "no_channel")
	case d.Channel == "" && len(d.Considered) > 0:
		return s.await(o.OrderID, &d)
	}
	s.lobby.leave(o.OrderID)
	return nil
}

func (s *Service) cancelReserved(ctx context.Context, orderID int64, reason string) error {
	return s.on(ctx, orderID, actorWorker, func(u *unit) error {
		if u.state() != payment.Reserved {
			return nil
		}
		return u.cancel(reason)
	})
}

// drive takes a live attempt one step further.
func (s *Service) drive(ctx context.Context, o *rows.PaymentOrder, a *rows.PaymentAttempt, fence int64) error {
	if !a.LiveKey.Valid {
		return nil
	}
	switch payment.Next(payment.AttemptState(a.State)) {
	case payment.Submit:
		return s.sendPrepared(ctx, o, a, fence)
	case payment.Query, payment.Resend:
		return s.ask(ctx, o, a, fence)
	case payment.Nothing:
	}
	return nil
}

// sendPrepared sends an attempt that was prepared when another one failed.
func (s *Service) sendPrepared(ctx context.Context, o *rows.PaymentOrder, a *rows.PaymentAttempt, fence int64) error {
	l, kind := s.channels[a.Channel], payment.Kind(o.Kind)
	if l == nil {
		return errNoChannel
	}
	closed, held, err := s.heldBack(ctx, l, kind)
	if err != nil {
		return err
	}
	if closed > 0 {
		return s.putBack(ctx, a, fence)
	}
	who, err := s.reveal(ctx, o)
	if errors.Is(err, errGone) {
		return s.giveUp(ctx, o.OrderID, "card_gone")
	}
	if err != nil {
		return err
	}
	pass := l.watch.take(kind, held)
	if pass == nil {
		return s.putBack(ctx, a, fence)
	}
	mine, err := s.claim(ctx, o, a, fence, payment.Prepared)
	if err != nil || !mine {
		pass.drop()
		return err
	}
	s.lobby.leave(o.OrderID)
	return s.send(ctx, o, a, who, pass)
}

// claim commits that this worker sends the attempt now, if it is still in the state in which that was decided and the
// order still wants it.
func (s *Service) claim(ctx context.Context, o *rows.PaymentOrder, a *rows.PaymentAttempt, fence int64, in payment.AttemptState) (bool, error) {
	mine := false
	err := s.on(ctx, o.OrderID, actorWorker, func(u *unit) error {
		mine = false
		now := u.attempt(a.AttemptID)
		wanted := u.state() == payment.Sending || (u.state() == payment.Manual && in != payment.Prepared)
		if now == nil || !now.LiveKey.Valid || payment.AttemptState(now.State) != in || now.Fence > fence || !wanted ||
			(in == payment.Prepared && u.order.Stopped != 0) {
			return nil
		}
		if err := u.submit(now, fence); err != nil {
			return err
		}
		*o, *a, mine = u.order, *now, true
		return nil
	})
	return mine, errs.Wrap(err, "claiming an attempt")
}

// send calls the channel with an attempt that is committed as being sent. Whatever comes of it is committed too, even if
// the process is draining. pass is the breaker's right to send it; a number that is sent again needs none, for it is
// bound to its channel.
func (s *Service) send(ctx context.Context, o *rows.PaymentOrder, a *rows.PaymentAttempt, who person, pass *ticket) error {
	l, kind := s.channels[a.Channel], payment.Kind(o.Kind)
	if l == nil {
		pass.drop()
		return errNoChannel
	}
	began := clock.Real()
	var reply channel.Reply
	err := l.pace.Wait(ctx)
	if err == nil {
		began = clock.Real()
		reply, err = l.Submit(ctx, channel.Order{Ref: refOf(o, a), Currency: o.Currency, CardNo: who.card, Name: who.name, Mobile: who.mobile})
	}
	w := l.heard(fromSubmit, kind, reply, err)
	s.called(ctx, l, call{name: fromSubmit, kind: kind, attempt: a.AttemptID, began: began, err: err, pass: pass}, w)
	if err := s.hear(context.WithoutCancel(ctx), o.OrderID, a.AttemptID, w); err != nil {
		return errs.Wrap(err, "taking in the answer to a submission")
	}
	return s.later(ctx, o.OrderID, a.AttemptID)
}

// ask queries what became of an attempt, and sends the same number again where that is right.
func (s *Service) ask(ctx context.Context, o *rows.PaymentOrder, a *rows.PaymentAttempt, fence int64) error {
	l := s.channels[a.Channel]
	if l == nil {
		return errNoChannel
	}
	if s.flying(a) {
		return s.queue.Again(s.deps.Clock.Now().Add(payment.Wait(1)))
	}
	began := clock.Real()
	var reply channel.Reply
	err := l.pace.Wait(ctx)
	if err == nil {
		reply, err = l.Query(ctx, refOf(o, a))
	}
	w := l.heard(fromQuery, payment.Kind(o.Kind), reply, err)
	s.called(ctx, l, call{name: fromQuery, kind: payment.Kind(o.Kind), attempt: a.AttemptID, began: began, err: err}, w)
	if err := s.hear(context.WithoutCancel(ctx), o.OrderID, a.AttemptID, w); err != nil {
		return errs.Wrap(err, "taking in the answer to a query")
	}
	if payment.AfterQuery(payment.Unknown, w.outcome.Verdict, l.profile.Deduplicates) == payment.Resend {
		sent, err := s.resend(ctx, o, a, fence)
		if sent || err != nil {
			return err
		}
	}
	return s.later(ctx, o.OrderID, a.AttemptID)
}

// resend sends the same number to the same channel once more, within its hours. The breaker does not hold it back: it
// cannot go anywhere else, and the channel has just answered a query.
func (s *Service) resend(ctx context.Context, o *rows.PaymentOrder, a *rows.PaymentAttempt, fence int64) (bool, error) {
	closed, _, err := s.heldBack(ctx, s.channels[a.Channel], payment.Kind(o.Kind))
	if closed > 0 || err != nil {
		return false, err
	}
	who, err := s.reveal(ctx, o)
	if errors.Is(err, errGone) {
		return false, nil // it may have been executed: it stays unknown, and people will have it
	}
	if err != nil {
		return false, err
	}
	mine, err := s.claim(ctx, o, a, fence, payment.Unknown)
	if err != nil || !mine {
		return false, err
	}
	return true, s.send(ctx, o, a, who, nil)
}

// flying says whether a worker of this process may still be in the call that submits the attempt.
func (s *Service) flying(a *rows.PaymentAttempt) bool {
	if payment.AttemptState(a.State) != payment.Submitting || a.SubmittedMs < s.started.UnixMilli() {
		return false
	}
	return s.deps.Clock.Now().Sub(time.UnixMilli(a.SubmittedMs)) < inFlight
}

// later answers when the attempt is to be looked at again: never if its end is known. An order that has stayed open past
// the window is handed to people, and queried on.
func (s *Service) later(ctx context.Context, orderID, attemptID int64) error {
	ctx = context.WithoutCancel(ctx)
	q := rows.New(s.deps.DB.Primary())
	a, err := orderOfAttempt(ctx, q, attemptID)
	if err != nil {
		return errs.Wrap(err, "reading an attempt")
	}
	if !a.LiveKey.Valid {
		return nil
	}
	now := s.deps.Clock.Now()
	if s.window.Closed(now.Sub(time.UnixMilli(a.RequestedMs)), a.Queries) {
		if err := s.giveUp(ctx, orderID, "unknown_too_long"); err != nil {
			return err
		}
	}
	wait := payment.Wait(a.Queries)
	if wait < time.Minute {
		clock.AfterFunc(wait+time.Millisecond, s.ring)
	}
	return s.queue.Again(now.Add(wait))
}

// ring makes the jobs look whether something has fallen due.
func (s *Service) ring() {
	select {
	case <-s.deps.DB.Closed():
	default:
		s.deps.DB.Wake()
	}
}

// giveUp hands an order that is being sent to people.
func (s *Service) giveUp(ctx context.Context, orderID int64, reason string) error {
	return s.on(ctx, orderID, actorWorker, func(u *unit) error {
		if u.state() != payment.Sending {
			return nil
		}
		u.order.Reason = reason
		u.tx.AfterCommit(func() {
			s.deps.Logger.Error("a payment order waits for people", "order", orderID, "reason", reason)
		})
		return u.moveOrder(payment.OrderGiveUp)
	})
}

// reveal asks user for what the channel must know, for this order and purpose; errGone if it is not there any more.
func (s *Service) reveal(ctx context.Context, o *rows.PaymentOrder) (person, error) {
	purpose := "debit"
	if payment.Kind(o.Kind).Out() {
		purpose = "payout"
	}
	res, err := s.deps.User.Reveal(ctx, &userv1.RevealRequest{
		UserId: o.UserID, CardId: o.CardID, Fields: []string{"name", "card_no", "card_mobile"}, Purpose: purpose, SubjectId: o.OrderID,
	})
	switch code := errs.CodeOf(err); {
	case code == errs.NotFound || code == errs.Precondition:
		return person{}, errGone
	case code == errs.Denied || code == errs.Invalid:
		return person{}, errReveal.Because(err) // a fault of the installation: the order waits until it is mended
	case err != nil:
		return person{}, errs.Wrap(err, "asking for card and name")
	}
	return person{card: secret.New(res.GetCardNo()), name: secret.New(res.GetName()), mobile: secret.New(res.GetCardMobile())}, nil
}

func refOf(o *rows.PaymentOrder, a *rows.PaymentAttempt) channel.Ref {
	return channel.Ref{
		RequestNo: a.RequestNo, Kind: payment.Kind(o.Kind), AmountMinor: a.AmountMinor, RequestedAt: time.UnixMilli(a.RequestedMs),
	}
}
