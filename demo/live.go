package demo

import (
	"context"
	"fmt"
	"sync"

	"golang.org/x/sync/errgroup"
)

const (
	// lookEvery is how many days lie between two looks at all loans.
	lookEvery = 30
	// calmDays before the end of the calendar no fault is met any more, so that statements can end what is unknown.
	calmDays = 4
)

// live moves the calendar: the night closes the books, people act by day, accounts run dry in the evening. Days on which
// nobody acts are passed in one call.
func (r *Run) live(ctx context.Context) error {
	look := shift(r.today, lookEvery-daysBetween(r.from, r.today)%lookEvery)
	for {
		if err := r.day(ctx); err != nil {
			return err
		}
		if r.Until != "" && r.today >= r.Until {
			return nil
		}
		if r.today >= look {
			open, err := r.stillOpen(ctx)
			if err != nil {
				return err
			}
			r.say("%s: %d loans still running", r.today, open)
			if open == 0 && r.Until == "" {
				return nil
			}
			look = shift(look, lookEvery)
		}
		next := r.next(look)
		if err := r.travel(ctx, next); err != nil {
			return fmt.Errorf("move to %s: %w", next, err)
		}
		r.today = next
	}
}

// Pass lets so many more days pass after a run.
func (r *Run) Pass(ctx context.Context, days int) error {
	r.Until = shift(r.today, days)
	return r.live(ctx)
}

// next is the date to go to: where somebody acts, the loans are looked at, the faults or the calendar end.
func (r *Run) next(look string) string {
	if len(r.waiting)+len(r.carried) > 0 {
		return shift(r.today, 1)
	}
	next := look
	for _, dates := range []map[string][]act{r.future.day, r.future.evening} {
		for date := range dates {
			if date > r.today {
				next = min(next, date)
			}
		}
	}
	if r.Until == "" {
		return next
	}
	if calm := shift(r.Until, -calmDays); calm > r.today {
		next = min(next, calm)
	}
	return min(next, r.Until)
}

// day is what people do on a date: what was left over first, then what is in the diary, then what runs accounts dry.
func (r *Run) day(ctx context.Context) error {
	if r.Faults == AcrossMidnight && r.Until != "" && r.today == shift(r.Until, -calmDays) {
		if err := r.endFaults(ctx); err != nil {
			return err
		}
	}
	if err := r.paid(ctx); err != nil {
		return err
	}
	open, err := r.all(ctx, append(r.carried, take(r.future.day, r.today)...))
	if err != nil {
		return err
	}
	if len(open) > 0 { // started; their orders end now
		if err := r.settle(ctx); err != nil {
			return err
		}
		if open, err = r.all(ctx, open); err != nil {
			return err
		}
	}
	for i := range open {
		open[i].nights++
		if r.Faults != AcrossMidnight || open[i].nights > patience {
			return fmt.Errorf("what applicant %d did was not ended on %s", open[i].who.row.Number, r.today)
		}
	}
	r.carried = open
	_, err = r.all(ctx, take(r.future.evening, r.today))
	return err
}

// take takes what stands on a date out of a diary.
func take(diary map[string][]act, date string) []act {
	acts := diary[date]
	delete(diary, date)
	return acts
}

// all lets everybody act, some at once, and answers the acts that are not at their end.
func (r *Run) all(ctx context.Context, acts []act) ([]act, error) {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(r.AtOnce)
	var mu sync.Mutex
	var open []act
	for _, a := range acts {
		group.Go(func() error {
			done, err := a.do(ctx, a.who, r.today)
			if err != nil {
				return fmt.Errorf("applicant %d on %s: %w", a.who.row.Number, r.today, err)
			}
			if !done {
				mu.Lock()
				defer mu.Unlock()
				open = append(open, a)
			}
			return nil
		})
	}
	return open, group.Wait()
}

// end takes down what the faults did. Without a date on which the calendar ends, the faults that cross midnight end here,
// and some days more let statements tell what is unknown.
func (r *Run) end(ctx context.Context) error {
	if r.Faults == NoFaults {
		return nil
	}
	if err := r.endFaults(ctx); err != nil {
		return err
	}
	if r.Faults != AcrossMidnight || r.Until != "" {
		return nil
	}
	for range calmDays {
		next := shift(r.today, 1)
		if err := r.travel(ctx, next); err != nil {
			return fmt.Errorf("move to %s: %w", next, err)
		}
		r.today = next
		if err := r.day(ctx); err != nil {
			return err
		}
	}
	return nil
}
