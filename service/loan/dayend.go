package loan

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"

	loanv1 "github.com/hengdai/hengdai/api/loan/v1"
	"github.com/hengdai/hengdai/domain/calendar"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/id"
	eventlog "github.com/hengdai/hengdai/kit/log"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/service/loan/rows"
)

// States of a business day.
const (
	dayOpen    = "OPEN"
	dayClosing = "CLOSING"
	dayClosed  = "CLOSED"
)

// dayMetrics count what day-ends did, for the metrics page and tests.
type dayMetrics struct {
	loans, changed atomic.Int64
	// staleTold is the last day for which a stale loan prime rate was told.
	staleTold atomic.Int32
}

// dayParts is the state of the days: one row a partition. For each partition
//
//	closed_through   all days before it are closed: their sums are booked and the marker is written
//	agreed_through   all days before it agree with payment's journal
//	started_on       the last day whose start was made: bills issued, debits ordered
//	open_on          the date under which commands book, the same for all
//
// A partition goes close, barrier, start, close ... one day at a time; open_on moves on when every partition that is not
// held has been started. So a kill between any two commits leaves a state from which the next step goes on.
type dayParts []rows.DayPart

// part of the work of a step.
type portion struct {
	day   calendar.Date
	parts []rows.DayPart
}

// toClose are the partitions that wait for the close of the earliest unclosed day.
func (p dayParts) toClose() (portion, error) {
	return p.pick(func(r rows.DayPart) bool {
		return r.Held == "" && r.ClosedThrough < r.OpenOn && r.AgreedThrough == r.ClosedThrough && r.StartedOn == r.ClosedThrough
	})
}

// toStart are the partitions whose last closed day agrees and whose next day has not begun.
func (p dayParts) toStart() (portion, error) {
	return p.pick(func(r rows.DayPart) bool {
		return r.Held == "" && r.AgreedThrough == r.ClosedThrough && r.StartedOn < r.ClosedThrough
	})
}

// pick answers the partitions that qualify and stand at the earliest day among those.
func (p dayParts) pick(qualifies func(rows.DayPart) bool) (portion, error) {
	earliest := ""
	for _, r := range p {
		if qualifies(r) && (earliest == "" || r.ClosedThrough < earliest) {
			earliest = r.ClosedThrough
		}
	}
	if earliest == "" {
		return portion{}, nil
	}
	day, err := dateOf(earliest)
	out := portion{day: day}
	for _, r := range p {
		if qualifies(r) && r.ClosedThrough == earliest {
			out.parts = append(out.parts, r)
		}
	}
	return out, err
}

// done says that every partition that is not held has begun the open date.
func (p dayParts) done() bool {
	for _, r := range p {
		if r.Held == "" && r.StartedOn != r.OpenOn {
			return false
		}
	}
	return true
}

// dayEnd does one portion of the end of a day, in the order: cut-off, close, barrier, start. It is woken by the clock and
// by commits; it holds nothing between its portions.
func (s *Service) dayEnd(ctx context.Context) (more bool, err error) {
	s.tellStaleRate(ctx)
	s.closing.Lock()
	defer s.closing.Unlock()
	list, err := rows.New(s.deps.DB.Primary()).DayParts(ctx)
	if err != nil {
		return false, errs.Wrap(err, "reading the partitions' days")
	}
	parts := dayParts(list)
	if len(parts) < id.Partitions {
		return false, s.write(ctx, func(tx *store.Tx) error { return s.ensureCalendar(ctx, tx) })
	}
	work, err := parts.toClose()
	if err != nil || len(work.parts) > 0 {
		return err == nil, s.passOr(err, func() error { return s.closeDay(ctx, work) })
	}
	work, err = parts.toStart()
	if err != nil || len(work.parts) > 0 {
		return err == nil, s.passOr(err, func() error { return s.startDay(ctx, work) })
	}
	if closed, err := s.finishDay(ctx); err != nil || closed {
		return closed, err
	}
	open, err := dateOf(parts[0].OpenOn)
	if err != nil || !parts.done() || calendar.InShanghai(s.deps.Clock.Now()) <= open {
		return false, err
	}
	return true, s.endDay(ctx, open, parts)
}

// smallBook is a book whose close takes no longer than a moment: it is cut off and closed in one commit.
const smallBook = 5_000

// endDay cuts the day off. A small book is closed in the same commit; a large one, or one that somebody writes to at this
// moment, by the next steps.
func (s *Service) endDay(ctx context.Context, day calendar.Date, parts dayParts) error {
	if s.metrics.loans.Load() <= smallBook && !parts.held() {
		t, err := s.count(ctx, s.deps.DB.Primary(), day, parts)
		if err != nil {
			return err
		}
		err = s.deps.DB.Write(ctx, func(tx *store.Tx) error {
			if t.loans > smallBook {
				return errStale
			}
			cut, err := s.unmoved(ctx, tx, parts)
			if err != nil {
				return err
			}
			if err := s.cutOff(ctx, tx, day); err != nil {
				return err
			}
			return s.commitClose(ctx, tx, day, cut, t)
		})
		if !errors.Is(err, errStale) {
			return errs.Wrap(err, "ending "+day.String())
		}
	}
	return s.write(ctx, func(tx *store.Tx) error { return s.cutOff(ctx, tx, day) })
}

// held says that a partition is held.
func (p dayParts) held() bool {
	return slices.ContainsFunc(p, func(r rows.DayPart) bool { return r.Held != "" })
}

// unmoved answers the partitions as they will be after a cut-off, if nothing has touched them since they were read.
func (s *Service) unmoved(ctx context.Context, tx *store.Tx, parts dayParts) ([]rows.DayPart, error) {
	now, err := rows.New(tx).DayParts(ctx)
	if err != nil {
		return nil, errs.Wrap(err, "reading the partitions' days")
	}
	if !slices.Equal(now, []rows.DayPart(parts)) {
		return nil, errStale
	}
	for i := range now {
		now[i].Version++
	}
	return now, nil
}

func (s *Service) passOr(err error, work func() error) error {
	if err != nil {
		return err
	}
	return work()
}

func (s *Service) ensureCalendar(ctx context.Context, tx *store.Tx) error {
	list, err := rows.New(tx).DayParts(ctx)
	if err != nil || len(list) > 0 {
		return errs.Wrap(err, "reading the partitions' days")
	}
	return s.openCalendar(ctx, tx)
}

// cutOff opens the next date: what is accepted after its commit books to it.
func (s *Service) cutOff(ctx context.Context, tx *store.Tx, day calendar.Date) error {
	q := rows.New(tx)
	n, err := q.OpenDays(ctx, rows.OpenDaysParams{NextOn: (day + 1).String(), DayOn: day.String()})
	if err != nil || n == 0 { // zero: done before
		return errs.Wrap(err, "cutting off a day")
	}
	now := s.deps.Clock.Now().UnixMilli()
	today, err := q.BusinessDay(ctx, day.String())
	if err != nil {
		return errs.Wrap(err, "reading a business day")
	}
	today.State, today.CutMs = dayClosing, now
	if err := s.changeDay(ctx, q, today); err != nil {
		return err
	}
	return errs.Wrap(q.InsertBusinessDay(ctx, rows.InsertBusinessDayParams{DayOn: (day + 1).String(), State: dayOpen, OpenedMs: now}), "opening a day")
}

func (s *Service) changeDay(ctx context.Context, q *rows.Queries, d rows.BusinessDay) error {
	n, err := q.ChangeBusinessDay(ctx, rows.ChangeBusinessDayParams{State: d.State, CutMs: d.CutMs, CloseMs: d.CloseMs, AgreedMs: d.AgreedMs, EndedMs: d.EndedMs,
		Loans: d.Loans, AccruedMinor: d.AccruedMinor, PenaltyMinor: d.PenaltyMinor, Bills: d.Bills, Debits: d.Debits, DayOn: d.DayOn, Version: d.Version})
	return errs.Wrap(store.One(n, err, errStale), "changing a business day")
}

// finishDay closes the oldest unclosed day if every partition agreed on it and no loan is set aside. Days close in order.
func (s *Service) finishDay(ctx context.Context) (closed bool, err error) {
	ready, err := s.closable(ctx, s.deps.DB.Primary())
	if err != nil || ready == "" {
		return false, err
	}
	err = s.write(ctx, func(tx *store.Tx) error { return s.closeBooks(ctx, tx) })
	return err == nil, err
}

// closable is the oldest unclosed day if nothing keeps it open; else empty.
func (s *Service) closable(ctx context.Context, from store.DBTX) (string, error) {
	q := rows.New(from)
	d, err := q.OldestUnclosedDay(ctx)
	if err != nil {
		if isNoRows(err) {
			err = nil
		}
		return "", errs.Wrap(err, "reading the oldest unclosed day")
	}
	parts, err := q.DayParts(ctx)
	if err != nil {
		return "", errs.Wrap(err, "reading the partitions' days")
	}
	for _, p := range parts {
		if p.AgreedThrough <= d.DayOn || p.StartedOn <= d.DayOn {
			return "", nil
		}
	}
	if n, err := q.CountAsides(ctx, d.DayOn); err != nil || n > 0 {
		return "", errs.Wrap(err, "counting loans set aside")
	}
	return d.DayOn, nil
}

// closeBooks marks the oldest unclosed day closed, if it can be, and tells it. A repeat changes nothing.
func (s *Service) closeBooks(ctx context.Context, tx *store.Tx) error {
	dayOn, err := s.closable(ctx, tx)
	if err != nil || dayOn == "" {
		return err
	}
	q := rows.New(tx)
	d, err := q.BusinessDay(ctx, dayOn)
	if err != nil {
		return errs.Wrap(err, "reading a business day")
	}
	now := s.deps.Clock.Now().UnixMilli()
	d.State, d.AgreedMs, d.EndedMs = dayClosed, now, now // the last partition agreed a moment ago
	if err := s.changeDay(ctx, q, d); err != nil {
		return err
	}
	return errs.Wrap(s.deps.Log.Append(tx, eventlog.Event{Body: &loanv1.DayClosed{Date: dayOn}, PostingOn: dayOn}), "telling a closed day")
}
