package payment

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/hengdai/hengdai/domain/calendar"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/service/payment/rows"
)

const (
	// dueAfter is how long after the end of a settlement date its file is fetched: 09:30 in China.
	dueAfter = 9*time.Hour + 30*time.Minute
	// lateWait is when a file that is late, or was refused, is asked for again.
	lateWait = 30 * time.Minute
	// brokenFirst and brokenWait are when the file of a day with differences is asked for again, at first and then: it
	// may have been reissued.
	brokenFirst = 2 * time.Hour
	brokenWait  = 24 * time.Hour
	// brokenDays is for how many days.
	brokenDays = 10
)

// The states of the file of a day.
const (
	dayLate       = "LATE"       // the file is not there, or cannot be had
	dayRefused    = "REFUSED"    // the newest file is not believed
	dayReceived   = "RECEIVED"   // believed, its lines are being compared
	dayReconciled = "RECONCILED" // compared; something keeps it from being closed
	dayClosed     = "CLOSED"     // the figures tie
)

var dayStates = []string{dayLate, dayRefused, dayReceived, dayReconciled, dayClosed}

// agenda remembers when each channel has to be looked at next, on the business clock, so that a job that every commit
// wakes costs nothing while there is nothing to do.
type agenda struct {
	mu   sync.Mutex
	next map[string]time.Time
}

func (a *agenda) due(channel string, now time.Time) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return !now.Before(a.next[channel])
}

func (a *agenda) set(channel string, at time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.next == nil {
		a.next = map[string]time.Time{}
	}
	a.next[channel] = at
}

// statements fetches and compares one file that is due, at whatever channel. A file that cannot be had does not make it
// fail: the day stays open, is asked for again in business time, and keeps nothing else waiting.
func (s *Service) statements(ctx context.Context) (bool, error) {
	now := s.deps.Clock.Now()
	for _, name := range s.channelNames() {
		if !s.agenda.due(name, now) {
			continue
		}
		l := s.channels[name]
		day, found, err := s.nextDay(ctx, l, now)
		if err != nil {
			return false, err
		}
		if !found {
			continue
		}
		return true, s.settleDay(ctx, l, day)
	}
	return false, nil
}

func (s *Service) channelNames() []string {
	list := make([]string, 0, len(s.channels))
	for name := range s.channels {
		list = append(list, name)
	}
	slices.Sort(list)
	return list
}

// nextDay answers the settlement date to look at now, the oldest first. If there is none, it notes when there will be.
func (s *Service) nextDay(ctx context.Context, l *line, now time.Time) (calendar.Date, bool, error) {
	q := rows.New(s.deps.DB.Primary())
	name, account := l.profile.Name, l.cfg.MerchantID
	due, err := q.DueStatements(ctx, rows.DueStatementsParams{Channel: name, Account: account, NowMs: now.UnixMilli(), Limit: 1})
	if err != nil {
		return 0, false, errs.Wrap(err, "looking for statements that are due")
	}
	if len(due) > 0 {
		day, err := calendar.Parse(due[0])
		return day, err == nil, err
	}
	next, err := s.unseen(ctx, q, l)
	if err != nil {
		return 0, false, err
	}
	opens := dueAt(next)
	if !now.Before(opens) {
		return next, true, nil
	}
	again, err := q.NextStatement(ctx, rows.NextStatementParams{Channel: name, Account: account})
	if err != nil {
		return 0, false, errs.Wrap(err, "looking when a statement is asked for again")
	}
	if at := time.UnixMilli(again); again > 0 && at.Before(opens) {
		opens = at
	}
	s.agenda.set(name, opens)
	return 0, false, nil
}

// dueAt is when the file of a settlement date is fetched.
func dueAt(day calendar.Date) time.Time { return (day + 1).Midnight().Add(dueAfter) }

// unseen answers the first settlement date that was never asked for.
func (s *Service) unseen(ctx context.Context, q *rows.Queries, l *line) (calendar.Date, error) {
	last, err := q.LastStatement(ctx, rows.LastStatementParams{Channel: l.profile.Name, Account: l.cfg.MerchantID})
	if err == nil {
		day, err := calendar.Parse(last)
		return day + 1, err
	}
	if !noRow(err) {
		return 0, errs.Wrap(err, "looking for the last statement")
	}
	p, err := s.position(ctx, l)
	if err != nil {
		return 0, err
	}
	return calendar.Parse(p.FirstOn)
}

// position answers where the account at a channel stands, and makes its row when it is first asked for: files are
// expected from the first settlement date of which we hold something, or from today.
func (s *Service) position(ctx context.Context, l *line) (rows.PaymentPosition, error) {
	key := rows.PositionOfParams{Channel: l.profile.Name, Account: l.cfg.MerchantID}
	p, err := rows.New(s.deps.DB.Primary()).PositionOf(ctx, key)
	if !noRow(err) {
		return p, errs.Wrap(err, "reading where an account stands")
	}
	err = s.commit(ctx, func(tx *store.Tx) error {
		q := rows.New(tx)
		var err error
		if p, err = q.PositionOf(tx.Context(), key); !noRow(err) {
			return err
		}
		first := s.today()
		held, err := q.UnstatedAttempts(tx.Context(), rows.UnstatedAttemptsParams{Channel: key.Channel, UpTo: first})
		if err != nil {
			return err
		}
		if len(held) > 0 {
			first = held[0].SettledOn
		}
		p = rows.PaymentPosition{Channel: key.Channel, Account: key.Account, FirstOn: first, Version: 1}
		return q.InsertPosition(tx.Context(), rows.InsertPositionParams{Channel: p.Channel, Account: p.Account, FirstOn: p.FirstOn})
	})
	return p, errs.Wrap(err, "noting where an account begins")
}
