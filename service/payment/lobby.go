package payment

import (
	"context"
	"sync"
	"time"

	"github.com/hengdai/hengdai/domain/calendar"
	"github.com/hengdai/hengdai/domain/payment"
	"github.com/hengdai/hengdai/kit/clock"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/job"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/service/payment/rows"
)

const (
	// noRouteWait is how long an order waits when every channel that could take it is switched off, and routeWaitMax the
	// longest that it waits before it looks again whether people have changed something.
	noRouteWait  = 5 * time.Second
	routeWaitMax = time.Minute
	// hurry is how long an order that waits for a breaker or the pace keeps the process from counting as idle.
	hurry = time.Minute
)

// lobby is the orders of which this process knows that they wait for a channel. The queue carries them; the lobby only
// spares them needless work.
type lobby struct {
	mu sync.Mutex
	by map[int64]waiting
}

type waiting struct {
	since   time.Time
	passing bool
}

// enter notes an order that waits; passing says that it waits for what passes in moments.
func (l *lobby) enter(orderID int64, passing bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.by == nil {
		l.by = map[int64]waiting{}
	}
	w, known := l.by[orderID]
	if !known {
		w.since = clock.Real()
	}
	w.passing = passing
	l.by[orderID] = w
}

func (l *lobby) leave(orderID int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.by, orderID)
}

func (l *lobby) has(orderID int64) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, known := l.by[orderID]
	return known
}

// count answers how many orders wait, and whether one of them waits for what will pass in moments.
func (l *lobby) count() (n int, passing bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, w := range l.by {
		passing = passing || (w.passing && clock.Since(w.since) < hurry)
	}
	return len(l.by), passing
}

// await lets an order wait until a channel may take it.
func (s *Service) await(orderID int64, d *payment.Decision) error {
	wait := routeWait(d)
	s.lobby.enter(orderID, d.Waits())
	return s.queue.Again(s.deps.Clock.Now().Add(wait))
}

func routeWait(d *payment.Decision) time.Duration {
	if d.AgainS > 0 {
		return min(time.Duration(d.AgainS)*time.Second, routeWaitMax)
	}
	return noRouteWait
}

// tryElsewhere prepares an attempt at another channel, to be sent by its own effect. If each of those left is closed only
// for a time the order waits for it, with no attempt under way. False means that none is left.
func (u *unit) tryElsewhere(last *rows.PaymentAttempt) (bool, error) {
	bucket, attemptID := last.Bucket, last.AttemptID // preparing may move the row
	a, d, err := u.prepare()
	switch {
	case err != nil:
		return false, err
	case a != nil:
		return true, u.s.queue.Add(u.tx, job.Effect{Kind: effectAttempt, Bucket: a.Bucket, ID: a.AttemptID})
	case d.AgainS == 0:
		return false, nil
	}
	orderID := u.order.OrderID
	u.tx.AfterCommit(func() { u.s.lobby.enter(orderID, d.Waits()) })
	return true, u.s.queue.Add(u.tx, job.Effect{
		Kind: effectElsewhere, Bucket: bucket, ID: attemptID, NotBefore: u.now.Add(routeWait(&d)),
	})
}

// putBack frees an order from an attempt that was prepared and cannot leave now: its channel's breaker has opened or its
// hours have ended. Nothing was sent, so the order goes elsewhere or waits; it has not failed by that.
func (s *Service) putBack(ctx context.Context, a *rows.PaymentAttempt, fence int64) error {
	err := s.on(ctx, a.OrderID, actorWorker, func(u *unit) error {
		now := u.attempt(a.AttemptID)
		if now == nil || !now.LiveKey.Valid || payment.AttemptState(now.State) != payment.Prepared || now.Fence > fence || u.state() != payment.Sending {
			return nil
		}
		if err := u.letGo(); err != nil {
			return err
		}
		if u.order.Stopped != 0 {
			return u.standFailed()
		}
		if done, err := u.tryElsewhere(now); done || err != nil {
			return err
		}
		return u.standFailed()
	})
	return errs.Wrap(err, "taking an attempt back")
}

// driveElsewhere carries on an order that failed for good at one channel and waits for another. Its failure stands when
// no other is left, or when it has waited long enough.
func (s *Service) driveElsewhere(ctx context.Context, e job.Effect) error {
	last, err := orderOfAttempt(ctx, rows.New(s.deps.DB.Primary()), e.ID)
	if err != nil {
		return errs.Wrap(err, "reading an attempt")
	}
	var wait *payment.Decision
	err = s.on(ctx, last.OrderID, actorWorker, func(u *unit) error {
		wait = nil
		if u.state() != payment.Sending || u.live() != nil || u.tries[len(u.tries)-1].AttemptID != e.ID {
			return nil // it ended, or somebody else has found a channel
		}
		if u.order.Stopped != 0 || u.now.Sub(u.failedAt()) >= payment.Patience(u.kind()) {
			return u.standFailed()
		}
		next, d, err := u.prepare()
		switch {
		case err != nil:
			return err
		case next != nil:
			return s.queue.Add(u.tx, job.Effect{Kind: effectAttempt, Bucket: next.Bucket, ID: next.AttemptID})
		case d.AgainS > 0:
			wait = &d
			return nil
		}
		return u.standFailed()
	})
	switch {
	case err != nil:
		return errs.Wrap(err, "looking for another channel")
	case wait != nil:
		return s.await(last.OrderID, wait)
	}
	s.lobby.leave(last.OrderID)
	return nil
}

// lastFailed answers the last attempt that failed for good, nil if none did.
func (u *unit) lastFailed() *rows.PaymentAttempt {
	for i := len(u.tries) - 1; i >= 0; i-- {
		if payment.AttemptState(u.tries[i].State) == payment.FailedFinal {
			return &u.tries[i]
		}
	}
	return nil
}

func (u *unit) failedAt() time.Time {
	if a := u.lastFailed(); a != nil {
		return time.UnixMilli(a.FinalMs)
	}
	return u.now
}

// standFailed ends an order that waits for another channel by the failure that it has: stored, and from the closed list
// of the channel that stated it. If some of its money is among the recoverables people have it.
func (u *unit) standFailed() error {
	a := u.lastFailed()
	if a == nil { // every attempt that was sent has moved money after all: people see what became of it
		u.order.Reason = "no_channel_left"
		return u.moveOrder(payment.OrderGiveUp)
	}
	return u.carryOut(a, payment.Follow(payment.News{
		Kind: u.kind(), Order: u.state(), From: payment.Processing, To: payment.FailedFinal, Stopped: u.order.Stopped != 0,
	}), "")
}

// heldBack answers for how long an order that is bound to a channel may not be sent there: outside its hours.
func (s *Service) heldBack(ctx context.Context, l *line, kind payment.Kind) (time.Duration, string, error) {
	list, err := s.settings(ctx, rows.New(s.deps.DB.Primary()))
	if err != nil {
		return 0, "", err
	}
	for i := range list {
		if list[i].Channel != l.profile.Name {
			continue
		}
		terms, err := l.terms(&list[i], kind)
		wait := time.Duration(terms.Hours.Until(minute(s.deps.Clock.Now()))) * time.Minute
		return wait, list[i].Breaker, err
	}
	return 0, breakerAuto, nil
}

// minute answers the minute of the day in China.
func minute(at time.Time) int64 {
	return int64(at.Sub(calendar.InShanghai(at).Midnight()) / time.Minute)
}

// countUse moves what a day has used of a channel's limit; a channel without one has no row and nothing happens.
func (u *unit) countUse(a *rows.PaymentAttempt, by int64) error {
	_, err := u.q.MoveUse(u.ctx, rows.MoveUseParams{AmountMinor: by, Channel: a.Channel, UsedOn: dayOf(time.UnixMilli(a.RequestedMs))})
	return errs.Wrap(err, "counting the use of a channel")
}

// takeUse counts an amount against the day's limit of a channel, and makes the unit begin again if others were faster.
func (u *unit) takeUse(c *rows.PaymentChannel) error {
	n, err := u.q.TakeUse(u.ctx, rows.TakeUseParams{
		AmountMinor: u.order.AmountMinor, Channel: c.Channel, UsedOn: dayOf(u.now), RoomMinor: c.DailyMinor - u.order.AmountMinor,
	})
	return errs.Wrap(store.One(n, err, errStale), "counting the use of a channel")
}

func dayOf(at time.Time) string { return calendar.InShanghai(at).String() }
