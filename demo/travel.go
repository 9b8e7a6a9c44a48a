package demo

import (
	"context"
	"fmt"

	"github.com/hengdai/hengdai/kit/clock"
)

// Travel moves the calendar of a running sandbox by so many days as its operator does, and says after each what day it is
// and what the day-end booked. Only Base, Roots, StaffFile and Progress of the options are needed.
func Travel(ctx context.Context, options Options, days int) error {
	run := newRun(options)
	logins, err := readLogins(options.StaffFile)
	if err != nil {
		return fmt.Errorf("%w; is this the data folder of a running sandbox?", err)
	}
	run.operator = newColleague(options, 4, logins["operator"])
	if err := run.operator.signIn(ctx); err != nil {
		return err
	}
	if run.today, err = run.businessDate(ctx); err != nil {
		return err
	}
	for range days {
		closed, from := run.today, clock.Real()
		if err := run.travel(ctx, shift(run.today, 1)); err != nil {
			return fmt.Errorf("move to %s: %w", shift(run.today, 1), err)
		}
		if run.today, err = run.businessDate(ctx); err != nil {
			return err
		}
		run.say("%s is closed, it is %s (%d ms)", closed, run.today, clock.Since(from).Milliseconds())
	}
	return nil
}
