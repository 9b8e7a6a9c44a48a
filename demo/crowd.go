package demo

import (
	"context"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/hengdai/hengdai/kit/clock"

	loanv1 "github.com/hengdai/hengdai/api/loan/v1"
)

// Crowd is people who have registered and were identified, each with a row of the file to apply with: for measurements.
type Crowd struct {
	run        *Run
	applicants []*applicant
}

// Gather makes a crowd of the rows of the options, so many at once.
func Gather(ctx context.Context, options Options) (*Crowd, error) {
	run := newRun(options)
	if err := run.staffSignsIn(ctx); err != nil {
		return nil, fmt.Errorf("staff signs in: %w", err)
	}
	c := &Crowd{run: run}
	return c, c.Join(ctx, options.Rows)
}

// Join makes people of more rows, each with a number that nobody has yet. The crowd is these alone then.
func (c *Crowd) Join(ctx context.Context, rows []Row) error {
	c.run.Rows, c.run.applicants = rows, nil
	if err := c.run.enrol(ctx); err != nil {
		return fmt.Errorf("enrol the people: %w", err)
	}
	group, inner := errgroup.WithContext(ctx)
	group.SetLimit(max(c.run.AtOnce, 1))
	for _, a := range c.run.applicants {
		group.Go(func() error {
			defer a.phone.http.CloseIdleConnections()
			for _, step := range []func(context.Context) error{a.register, a.identify} {
				if err := step(inner); err != nil {
					return fmt.Errorf("applicant %d: %w", a.row.Number, err)
				}
			}
			return nil
		})
	}
	c.applicants = c.run.applicants
	return group.Wait()
}

// Quick makes every party answer at once.
func (c *Crowd) Quick(ctx context.Context) error {
	control := c.applicants[0].bank.control
	return control.post(ctx, "/control/latency", map[string]any{"party": "", "min_ms": 0, "max_ms": 0}, nil)
}

// Size is how many people there are.
func (c *Crowd) Size() int { return len(c.applicants) }

// Watch is told how long a call of a journey took.
type Watch func(call string, took time.Duration)

// Journey takes one of the crowd from the quote until the loan can be read as running: five calls, between which and after
// which the state is asked for until it is reached. A refusal is an error here.
func (c *Crowd) Journey(ctx context.Context, i int, watch Watch) error {
	a := c.applicants[i]
	timed := func(call string, do func() error) error {
		from := clock.Real()
		err := do()
		watch(call, clock.Since(from))
		if err != nil {
			return fmt.Errorf("%s of applicant %d: %w", call, a.row.Number, err)
		}
		return nil
	}
	defer a.phone.http.CloseIdleConnections()
	product, method := productOf(a.row)
	var table *loanv1.Disclosure
	var contract *loanv1.Contract
	for _, step := range []struct {
		call string
		do   func() error
	}{
		{"quote", func() error { return a.quote(ctx, product, method) }},
		{"apply", func() error { return a.submit(ctx, product, method) }},
		{"until decided", func() error { return a.decided(ctx) }},
		{"disclose", func() (err error) { table, err = a.readTable(ctx); return err }},
		{"confirm", func() (err error) { contract, err = a.confirm(ctx, table); return err }},
		{"sign", func() error { return a.signContract(ctx, contract) }},
		{"until repaying", func() error { return a.running(ctx) }},
	} {
		if err := timed(step.call, step.do); err != nil {
			return err
		}
	}
	return nil
}

// Settled waits until nothing is left to do behind the scenes.
func (c *Crowd) Settled(ctx context.Context) error { return c.run.travel(ctx, c.run.today) }

// Tally keeps what a watch was told; many may tell it at once.
type Tally struct {
	mu    sync.Mutex
	Calls map[string][]time.Duration
}

// Watch is the tally's own.
func (t *Tally) Watch(call string, took time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.Calls == nil {
		t.Calls = map[string][]time.Duration{}
	}
	t.Calls[call] = append(t.Calls[call], took)
}
