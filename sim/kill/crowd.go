package kill

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"connectrpc.com/connect"

	"github.com/hengdai/hengdai/demo"
	"github.com/hengdai/hengdai/kit/clock"
)

// crowd is the load: borrowers on their ways, a reviewer, and the calendar.
type crowd struct {
	guide  *demo.Guide
	book   *book
	people []*demo.Applicant
	next   atomic.Int64

	// A borrower on his way reads, the calendar writes: a night falls between ways, kills fall everywhere.
	calendar sync.RWMutex
	nights   atomic.Bool

	mu      sync.Mutex
	paid    []*demo.Applicant // have a loan and money, and were not led further
	ways    Times             // how long it took those who came to an end
	refused int
	repaid  int
	days    int
}

const (
	// awayFor is how long people come and go before the calendar moves, daysAtOnce how far it then moves.
	awayFor    = 8 * time.Second
	daysAtOnce = 11
	// longEnough ends a step that would never end.
	longEnough = 5 * time.Minute
)

// comeAndGo leads borrowers until the context ends, some at once. Whoever is on his way comes to its end.
func (c *crowd) comeAndGo(ctx context.Context, atOnce int) error {
	var all sync.WaitGroup
	failed := make([]error, atOnce)
	for i := range atOnce {
		all.Go(func() {
			for ctx.Err() == nil && failed[i] == nil {
				failed[i] = c.one(context.WithoutCancel(ctx))
			}
		})
	}
	all.Wait()
	return errors.Join(failed...)
}

// one leads the next borrower to his money, or to his refusal, and some of them on to their last cent.
func (c *crowd) one(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, longEnough)
	defer cancel()
	at := int(c.next.Add(1)) - 1
	if at >= len(c.people) {
		return errors.New("nobody is left to come: the campaign needs more applicants")
	}
	p := c.people[at]
	ctx = as(ctx, p)
	c.calendar.RLock()
	defer c.calendar.RUnlock()
	defer p.Leave()
	from := clock.Real()
	err := c.lead(ctx, p)
	rule, refused := demo.RefusedBy(err)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ways = append(c.ways, clock.Since(from))
	switch {
	case refused:
		c.refused++
		return nil
	case err != nil:
		return fmt.Errorf("applicant %d (application %d, loan %d): %w %s", p.Number(), p.ApplicationID(), p.LoanID(), err, rule)
	}
	return nil
}

func (c *crowd) lead(ctx context.Context, p *demo.Applicant) error {
	if err := c.enter(ctx, p); err != nil {
		return err
	}
	if err := p.Fill(ctx, p.Number()%7 != 0); err != nil { // one in seven will be debited in vain
		return err
	}
	for _, step := range []func(context.Context) error{p.Apply, p.Decided, p.Take} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	if p.Number()%5 != 0 {
		c.mu.Lock()
		c.paid = append(c.paid, p)
		c.mu.Unlock()
		return nil
	}
	if err := p.Fill(ctx, true); err != nil {
		return err
	}
	if err := p.Repay(ctx, "payoff", "payoff"); err != nil {
		return err
	}
	c.mu.Lock()
	c.repaid++
	c.mu.Unlock()
	return nil
}

// enter signs in. A code is used up by a sign-in whose answer was lost, so then another one is asked for.
func (c *crowd) enter(ctx context.Context, p *demo.Applicant) error {
	err := p.Enter(ctx)
	for range 3 {
		if connect.CodeOf(err) != connect.CodeInvalidArgument {
			break
		}
		err = p.Enter(ctx)
	}
	return err
}

// review lets the reviewer work until the context ends.
func (c *crowd) review(ctx context.Context) error {
	for clock.Sleep(ctx, 100*time.Millisecond) == nil {
		if err := c.guide.Review(context.WithoutCancel(ctx)); err != nil {
			return fmt.Errorf("manual review: %w", err)
		}
	}
	return nil
}

// turn moves the calendar now and then until the context ends: nights close the books, due days debit, notices leave.
func (c *crowd) turn(ctx context.Context) error {
	for clock.Sleep(ctx, awayFor) == nil {
		if err := c.travel(context.WithoutCancel(ctx), daysAtOnce); err != nil {
			return err
		}
	}
	return nil
}

func (c *crowd) travel(ctx context.Context, days int) error {
	ctx, cancel := context.WithTimeout(ctx, longEnough)
	defer cancel()
	c.calendar.Lock()
	defer c.calendar.Unlock()
	c.nights.Store(true)
	defer c.nights.Store(false)
	if _, err := c.guide.Travel(ctx, days); err != nil {
		return fmt.Errorf("move the calendar: %w", err)
	}
	c.mu.Lock()
	c.days += days
	c.mu.Unlock()
	return nil
}

// payers counts people with a running loan who were not given out.
func (c *crowd) payers() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.paid)
}

// takePaid answers people with a running loan who were not given out before.
func (c *crowd) takePaid(n int) []*demo.Applicant {
	c.mu.Lock()
	defer c.mu.Unlock()
	n = min(n, len(c.paid))
	taken := c.paid[:n:n]
	c.paid = c.paid[n:]
	return taken
}
