package loan

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/hengdai/hengdai/domain/calendar"
	domain "github.com/hengdai/hengdai/domain/loan"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/id"
	"github.com/hengdai/hengdai/kit/job"
	eventlog "github.com/hengdai/hengdai/kit/log"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/service/loan/rows"
)

// servicing is the part of the service that looks after loans once their contract is signed: payout, repayment,
// settlement, the journal and the end of each day.
type servicing struct {
	payments  *eventlog.Follower
	contracts *contracts
	// closing keeps a second day-end of this process out; across processes the job's lease does.
	closing *sync.Mutex
	metrics *dayMetrics
}

// Kinds of stored effects.
const effectOrder = "loan.order"

func newServicing(Deps) (servicing, error) {
	return servicing{contracts: &contracts{ready: map[int64]*domain.Contract{}}, closing: &sync.Mutex{}, metrics: &dayMetrics{}}, nil
}

// servicingEffects names who carries out servicing's effects, and what it follows.
func (s *Service) servicingEffects(q *job.Queue) {
	q.Handle(effectOrder, s.sendOrder)
	if s.deps.PaymentLog != nil {
		s.payments = eventlog.Follow(s.deps.DB, "payment", s.deps.PaymentLog,
			eventlog.On(retried(s.orderSettled)), eventlog.On(retried(s.daySealed)))
	}
}

// servicingJobs are the follower of payment's log and the day-end.
func (s *Service) servicingJobs() []job.Job {
	jobs := []job.Job{{Name: "loan.dayend", Step: s.dayEnd, Every: time.Second}}
	if s.payments != nil {
		jobs = append(jobs, job.Job{Name: "loan.payments", Step: s.takePayments, Follows: true})
	}
	return jobs
}

// takePayments takes in what payment told. A seal among it lets the day go on at once, without waiting for the day-end's
// own turn.
func (s *Service) takePayments(ctx context.Context) (more bool, err error) {
	more, err = s.payments.Step(ctx)
	if err != nil || !more {
		return more, err
	}
	if _, err := s.dayEnd(ctx); err != nil {
		s.deps.Logger.WarnContext(ctx, "the day-end's own job goes on with it", "error", err)
	}
	return true, nil
}

// retried makes a lost compare-and-set in a follower's unit a reason to come back, not a fault of the event.
func retried[T any](handle func(ctx context.Context, tx *store.Tx, m eventlog.Meta, body T) error) func(context.Context, *store.Tx, eventlog.Meta, T) error {
	return func(ctx context.Context, tx *store.Tx, m eventlog.Meta, body T) error {
		err := handle(ctx, tx, m, body)
		if errors.Is(err, errStale) {
			return errs.New(errs.Unavailable, "loan.changed_meanwhile", "数据刚刚被更改，稍后重试。", "It was changed a moment ago; trying again.").Because(err)
		}
		return err
	}
}

// contracts keeps prepared terms and plans, which never change, so that a day's close need not read and compute them
// again.
type contracts struct {
	mu    sync.RWMutex
	ready map[int64]*domain.Contract
}

// contractsMax bounds the memory: about one kilobyte each.
const contractsMax = 200_000

func (c *contracts) get(loanID int64) *domain.Contract {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.ready[loanID]
}

func (c *contracts) put(loanID int64, contract *domain.Contract) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.ready) >= contractsMax {
		clear(c.ready)
	}
	c.ready[loanID] = contract
}

// far is a date after all others, for rows that wait for nothing.
const far = "9999-12-31"

// dateOf reads a date of a row; the empty text is None.
func dateOf(text string) (calendar.Date, error) {
	d, err := calendar.ParseOptional(text)
	return d, errs.Wrap(err, "reading a stored date")
}

// businessDate is the open date: what is done now is booked under it.
func (s *Service) businessDate(ctx context.Context, q store.DBTX) (calendar.Date, error) {
	part, err := rows.New(q).DayPart(ctx, 0)
	if isNoRows(err) {
		return calendar.InShanghai(s.deps.Clock.Now()), nil // nothing was ever booked: the first day begins now
	}
	if err != nil {
		return calendar.None, errs.Wrap(err, "reading the business date")
	}
	return dateOf(part.OpenOn)
}

// partOf answers how far the partition of a bucket is in the days, making the calendar on the first use.
func (s *Service) partOf(ctx context.Context, tx *store.Tx, bucket int64) (rows.DayPart, error) {
	q := rows.New(tx)
	part, err := q.DayPart(ctx, int64(id.Partition(bucket)))
	if !isNoRows(err) {
		return part, errs.Wrap(err, "reading a partition's day")
	}
	if err := s.openCalendar(ctx, tx); err != nil {
		return part, err
	}
	part, err = q.DayPart(ctx, int64(id.Partition(bucket)))
	return part, errs.Wrap(err, "reading a partition's day")
}

// openCalendar makes the first business day and all partitions' rows.
func (s *Service) openCalendar(ctx context.Context, tx *store.Tx) error {
	q := rows.New(tx)
	now := s.deps.Clock.Now()
	today := calendar.InShanghai(now).String()
	for part := range int64(id.Partitions) {
		err := q.InsertDayPart(ctx, rows.InsertDayPartParams{Part: part, OpenOn: today, ClosedThrough: today, AgreedThrough: today, StartedOn: today})
		if err != nil {
			return errs.Wrap(staleIfDuplicate(err), "opening the calendar")
		}
	}
	err := q.InsertBusinessDay(ctx, rows.InsertBusinessDayParams{DayOn: today, State: dayOpen, OpenedMs: now.UnixMilli()})
	return errs.Wrap(staleIfDuplicate(err), "opening the calendar")
}
