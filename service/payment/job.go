package payment

import (
	"context"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/hengdai/hengdai/domain/calendar"
	"github.com/hengdai/hengdai/domain/payment"
	"github.com/hengdai/hengdai/kit/audit"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/job"
	"github.com/hengdai/hengdai/service/payment/rows"
)

const (
	// resumeMax bounds what is looked at after a start; the queue carries the rest.
	resumeMax = 1000
	// resumeWorkers is how many orders are taken up again at once.
	resumeWorkers = 8
	// An unknown attempt, and one that a channel has accepted, get so many queries before the process counts as idle in
	// spite of them. One that a channel still has in work when it is asked first may take a day.
	mostUnknown, mostAccepted = 5, 1
)

// Jobs is payment's own work. The queue carries up to 16 effects at once, so that a batch of debits needs no goroutine
// an order.
func (s *Service) Jobs() []job.Job {
	var resumed atomic.Bool
	return []job.Job{
		{Name: "payment.effects", Step: s.queue.Step, Every: 250 * time.Millisecond},
		{Name: "payment.loan", Step: s.loan.Step, Follows: true},
		{Name: "payment.dates", Step: s.openDates, Every: time.Hour, Wakes: job.Never},
		{Name: "payment.resume", Every: time.Hour, Wakes: job.Never, Step: func(ctx context.Context) (bool, error) {
			if resumed.Load() {
				return false, nil
			}
			err := s.resume(ctx)
			resumed.Store(err == nil)
			return false, err
		}},
		{Name: "payment.statements", Step: s.statements, Every: 5 * time.Second},
		audit.Job(s.deps.DB),
	}
}

// resume takes up what a process that died had in hand: it need not wait until its claims have run out. Everything it
// does is safe beside a worker that still lives.
func (s *Service) resume(ctx context.Context) error {
	q := rows.New(s.deps.DB.Primary())
	states := names([]payment.AttemptState{payment.Prepared, payment.Submitting, payment.Unknown})
	live, err := q.LiveAttempts(ctx, rows.LiveAttemptsParams{States: states, Limit: resumeMax})
	if err != nil {
		return errs.Wrap(err, "looking for attempts that were under way")
	}
	today := calendar.InShanghai(s.deps.Clock.Now()).String()
	reserved, err := q.ReservedOrders(ctx, rows.ReservedOrdersParams{CreatedMs: s.started.UnixMilli(), NotBefore: today, Limit: resumeMax})
	if err != nil {
		return errs.Wrap(err, "looking for orders that were under way")
	}
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(resumeWorkers)
	for _, a := range live {
		if a.SubmittedMs < s.started.UnixMilli() {
			work.Go(func() error { return s.takeUp(ctx, func() error { return s.resumeAttempt(ctx, a.AttemptID, a.Fence) }) })
		}
	}
	for _, orderID := range reserved {
		work.Go(func() error {
			return s.takeUp(ctx, func() error { return s.driveOrder(ctx, job.Effect{ID: orderID}) })
		})
	}
	return work.Wait()
}

func (s *Service) resumeAttempt(ctx context.Context, attemptID, fence int64) error {
	return s.driveAttempt(ctx, job.Effect{ID: attemptID, Fence: fence})
}

// takeUp tries once. What fails, or is to be looked at later, the queue carries on.
func (s *Service) takeUp(ctx context.Context, work func() error) error {
	if err := work(); err != nil {
		s.deps.Logger.DebugContext(ctx, "left to the queue", "error", err)
	}
	return ctx.Err()
}

// quiet says that no attempt's end is open that the next queries or a callback may settle, and that no order waits for a
// breaker or the pace. An order that stays open for
// longer than a few seconds does not keep the process from being idle.
func (s *Service) quiet(ctx context.Context) (bool, error) {
	if _, passing := s.lobby.count(); passing {
		return false, nil
	}
	n, err := rows.New(s.deps.DB.Primary()).CountUnsettled(ctx, rows.CountUnsettledParams{MostAccepted: mostAccepted, MostUnknown: mostUnknown})
	return n == 0, errs.Wrap(err, "counting unsettled attempts")
}
