// Package travel moves the business time of a whole system, day by day: set every clock to the next morning, let all
// work that falls due be done, wait until the day before is closed, and go on. It is for the sandbox profile only.
package travel

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hengdai/hengdai/kit/clock"
	"github.com/hengdai/hengdai/kit/errs"
)

// Part is one process whose clock moves and whose work is waited for.
type Part interface {
	// Name is for messages.
	Name() string
	// Advance makes the part's business time at least so far ahead of real time, and answers how far it is now.
	Advance(ctx context.Context, ahead time.Duration) (time.Duration, error)
	// Idle answers what is left to do. A part that can waits for the end of its work, but no longer than it is told.
	// With jobsOnly it may leave out what it would have to ask its database for, such as events on their way; its count of
	// steps is complete all the same.
	Idle(ctx context.Context, wait time.Duration, jobsOnly bool) (Quiet, error)
}

// Quiet is what a part has left to do.
type Quiet struct {
	// Idle is true if nothing is left.
	Idle bool
	// Steps grows with everything that is done.
	Steps int64
	// Busy names what is left.
	Busy []string
}

// Traveller moves the time of all parts together.
type Traveller struct {
	// Parts are all processes, the sandbox among them. The first one's clock is the measure.
	Parts []Part
	// OpenDate answers the open business date, YYYY-MM-DD; nil if there is no book to close.
	OpenDate func(ctx context.Context) (string, error)
	// Patience is how long a day may stand still before it counts as stuck; zero means a minute.
	Patience time.Duration
}

// ErrStuck answers a day that does not end. Its cause names what is busy.
var ErrStuck = errs.New(errs.Unavailable, "travel.stuck", "当天的工作没有完成,请查看日志。", "The day's work does not end; please see the log.")

const (
	pollFirst = time.Millisecond
	pollMax   = 4 * time.Millisecond
)

// Now answers business time and how far it is ahead of real time.
func (t *Traveller) Now(ctx context.Context) (time.Time, time.Duration, error) {
	ahead, err := t.Parts[0].Advance(ctx, 0)
	if err != nil {
		return time.Time{}, 0, errs.Wrap(err, "asking "+t.Parts[0].Name()+" for its time")
	}
	return clock.Real().Add(ahead).In(clock.Shanghai), ahead, nil
}

// apart is how far two clocks may differ and still count as showing the same time.
const apart = time.Second

// Align brings every part to the time of the one that is furthest ahead: a part that was away while time was moved, because it
// was being restarted, stands behind.
func (t *Traveller) Align(ctx context.Context) error {
	aheads := make([]time.Duration, len(t.Parts))
	for i, p := range t.Parts {
		var err error
		if aheads[i], err = p.Advance(ctx, 0); err != nil {
			return errs.Wrap(err, "asking "+p.Name()+" for its time")
		}
	}
	most := slices.Max(aheads)
	for i, p := range t.Parts {
		if most-aheads[i] < apart {
			continue
		}
		if _, err := p.Advance(ctx, most); err != nil {
			return errs.Wrap(err, "moving the time of "+p.Name())
		}
	}
	return nil
}

// Settle lets all work of the present day end, until the day before is closed.
func (t *Traveller) Settle(ctx context.Context) error {
	now, _, err := t.Now(ctx)
	if err != nil {
		return err
	}
	return t.settle(ctx, now.Format(time.DateOnly))
}

// arrival is the hour in Asia/Shanghai at which a day is entered: late enough for messages that wait for the hours in which
// people may be written to, so that a traveller who passes many days leaves none unsent.
const arrival = 10

// Day goes to the next morning, past midnight, and lets the work of the new day end. It answers the new date.
func (t *Traveller) Day(ctx context.Context) (string, error) {
	now, ahead, err := t.Now(ctx)
	if err != nil {
		return "", err
	}
	morning := time.Date(now.Year(), now.Month(), now.Day()+1, arrival, 0, 0, 0, clock.Shanghai)
	ahead += morning.Sub(now)
	for _, p := range t.Parts {
		if _, err := p.Advance(ctx, ahead); err != nil {
			return "", errs.Wrap(err, "moving the time of "+p.Name())
		}
	}
	today := morning.Format(time.DateOnly)
	return today, t.settle(ctx, today)
}

// lookFor is how long a busy part is given to end its work before it is asked again.
const lookFor = 100 * time.Millisecond

// settle waits until all parts are idle, nothing was done since they were all looked at before, and the date is open.
//
// The parts are not looked at in one moment. But if each has done nothing between two looks and is idle at the second one, then
// all were idle at every moment in between: what one could have given to another would have been seen. So only the second look
// has to ask for everything.
func (t *Traveller) settle(ctx context.Context, today string) error {
	watch := newWatch(t.Patience)
	for last := int64(never); ; {
		steps, busy, err := t.sweep(ctx, last == never)
		if err != nil {
			return err
		}
		quiet := len(busy) == 0
		if quiet && steps != last {
			last = steps
			continue // look again at once
		}
		last = never
		if quiet {
			open, err := t.openDate(ctx, today)
			if err != nil {
				return err
			}
			if open >= today {
				return nil
			}
			busy = []string{"the business date stands at " + open}
		}
		mark := fmt.Sprint(steps, busy)
		if err := watch.wait(ctx, mark, func() string { return strings.Join(busy, ", ") }); err != nil {
			return err
		}
	}
}

// never is a count of steps that no sweep answers.
const never = -1

// openDate is the open business date; today if there is no book to close.
func (t *Traveller) openDate(ctx context.Context, today string) (string, error) {
	if t.OpenDate == nil {
		return today, nil
	}
	open, err := t.OpenDate(ctx)
	return open, errs.Wrap(err, "asking for the open business date")
}

// sweep asks every part once. It ends at the first that is busy.
func (t *Traveller) sweep(ctx context.Context, jobsOnly bool) (steps int64, busy []string, err error) {
	for _, p := range t.Parts {
		q, err := p.Idle(ctx, min(lookFor, cmp.Or(t.Patience, lookFor)), jobsOnly)
		if err != nil {
			return 0, nil, errs.Wrap(err, "asking "+p.Name()+" for its work")
		}
		steps += q.Steps
		if !q.Idle {
			return steps, named(p, q), nil
		}
	}
	return steps, nil, nil
}

// Busy names everything that is left to do, by part; a part that does not answer is named so.
func (t *Traveller) Busy(ctx context.Context) []string {
	var all []string
	for _, p := range t.Parts {
		q, err := p.Idle(ctx, 0, false)
		switch {
		case err != nil:
			all = append(all, p.Name()+": does not answer")
		case !q.Idle:
			all = append(all, named(p, q)...)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func named(p Part, q Quiet) []string {
	if len(q.Busy) == 0 {
		return []string{p.Name()}
	}
	out := make([]string, len(q.Busy))
	for i, b := range q.Busy {
		out[i] = p.Name() + ": " + b
	}
	return out
}

// watch waits between looks, longer each time nothing changed, and gives up when nothing changed for too long.
type watch struct {
	patience time.Duration
	since    time.Time
	mark     string
	pause    time.Duration
}

func newWatch(patience time.Duration) *watch {
	if patience == 0 {
		patience = time.Minute
	}
	return &watch{patience: patience, since: clock.Real(), pause: pollFirst}
}

func (w *watch) wait(ctx context.Context, mark string, why func() string) error {
	if mark != w.mark {
		w.mark, w.since, w.pause = mark, clock.Real(), pollFirst
	}
	if clock.Since(w.since) > w.patience {
		return ErrStuck.Because(fmt.Errorf("nothing moved for %s: %s", w.patience, why()))
	}
	err := clock.Sleep(ctx, w.pause)
	w.pause = min(2*w.pause, pollMax)
	return err
}
