package kill

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"time"

	"connectrpc.com/connect"
	"golang.org/x/sync/errgroup"

	"github.com/hengdai/hengdai/demo"
	"github.com/hengdai/hengdai/kit/clock"
	"github.com/hengdai/hengdai/sim/world"
)

// Plan is what a campaign does.
type Plan struct {
	// Seed fixes victims, moments and people; what the machine does between two moments is its own.
	Seed uint64
	// Victims are killed one after the other; Stopped are stopped for a while, one after the other.
	Victims []string
	Stopped []string
	StopFor time.Duration
	// Payers are at least so many borrowers with a loan who repay while services stand still.
	Payers int
	// AtOnce: how many borrowers are on their way together. Rows are who comes.
	AtOnce int
	Rows   []demo.Row
	// Progress is where a person sees that it goes on.
	Progress io.Writer
}

// Order answers so many victims in an order of the seed: each service equally often, and those that move money get what
// is over.
func Order(seed uint64, kills int) []string {
	chance := rand.New(rand.NewPCG(seed, 1)) //nolint:gosec // a run must be repeatable, not secret
	over := []string{"loan", "payment", "user", "loan", "payment"}
	each := kills / len(world.Services)
	if each > 5 {
		each = 5
	}
	var order []string
	for _, service := range world.Services {
		for range each {
			order = append(order, service)
		}
	}
	for i := 0; len(order) < kills; i++ {
		order = append(order, over[i%len(over)])
	}
	chance.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	return order
}

// Death is one kill.
type Death struct {
	Service string
	// Moment is what was seen of the service before the kill.
	Moment string
	// Night says that the calendar was moving, Twice that it was killed once more while it started again.
	Night, Twice bool
	// Back is how long it took from the new start until the service was ready.
	Back time.Duration
}

// Result is what a campaign saw.
type Result struct {
	Engine string
	Plan   Plan
	Deaths []Death
	Quiet  Stall // the same load with nothing stopped
	Stalls []Stall
	Load   Load
	Proof  Proof
	Took   time.Duration
}

// Load is what the crowd did.
type Load struct {
	Ways                        Times
	Refused, PaidOut, Days      int
	Acknowledged, Repeats, Lost int
}

// campaign is a run under way.
type campaign struct {
	Plan
	w      *world.World
	crowd  *crowd
	result *Result
	began  time.Time
}

func (c *campaign) say(format string, args ...any) {
	_, _ = fmt.Fprintf(c.Progress, "%6.1fs  "+format+"\n", append([]any{clock.Since(c.began).Seconds()}, args...)...)
}

// Run kills and stops the services of a world under load and proves what is left. It fails if anything that was
// acknowledged is gone or done twice, or if the load itself comes to a step that does not end as it must.
func Run(ctx context.Context, w *world.World, plan Plan) (*Result, error) {
	c, err := run(ctx, w, plan)
	return c.result, err
}

func run(ctx context.Context, w *world.World, plan Plan) (*campaign, error) {
	c := &campaign{Plan: plan, w: w, began: clock.Real(), result: &Result{Engine: w.Engine(), Plan: plan}}
	b := &book{}
	guide, err := demo.Meet(ctx, demo.Options{
		Base: w.Base(), Roots: w.Roots, Sandbox: w.Sandbox(), StaffFile: w.StaffFile(), Rows: plan.Rows, Seed: plan.Seed, Progress: plan.Progress,
		Over: []connect.ClientOption{connect.WithInterceptors(connect.UnaryInterceptorFunc(b.insist))}, Patience: 4,
	})
	if err != nil {
		return c, err
	}
	c.crowd = &crowd{guide: guide, book: b, people: guide.Applicants()}
	for _, part := range []func(context.Context) error{c.slowParties, c.kills, c.quickParties, c.lendMore, c.stalls, c.prove} {
		if err := part(ctx); err != nil {
			return c, err
		}
	}
	c.result.Took = clock.Since(c.began)
	return c, nil
}

func (c *crowd) load() Load {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.book.mu.Lock()
	defer c.book.mu.Unlock()
	paidOut := 0
	for _, p := range c.people {
		if p.LoanID() != 0 {
			paidOut++
		}
	}
	return Load{Ways: slices.Clone(c.ways), Refused: c.refused, PaidOut: paidOut, Days: c.days, Acknowledged: len(c.book.yes), Repeats: c.book.repeats, Lost: c.book.lost}
}

// kills puts the world under load, kills its services, and lets everybody come to the end of his way.
func (c *campaign) kills(ctx context.Context) error {
	group, inner := errgroup.WithContext(ctx)
	load, enough := context.WithCancel(inner)
	reviews, noMoreReviews := context.WithCancel(inner)
	defer noMoreReviews()
	group.Go(func() error { return c.crowd.review(reviews) })
	group.Go(func() error { return c.crowd.turn(load) })
	group.Go(func() error {
		defer noMoreReviews()
		return c.crowd.comeAndGo(load, c.AtOnce)
	})
	group.Go(func() error {
		defer enough()
		return c.killAll(inner)
	})
	return group.Wait()
}

// lendMore goes on lending, with nobody killed, until there are enough who can repay.
func (c *campaign) lendMore(ctx context.Context) error {
	group, inner := errgroup.WithContext(ctx)
	load, enough := context.WithCancel(inner)
	reviews, noMoreReviews := context.WithCancel(inner)
	defer noMoreReviews()
	group.Go(func() error { return c.crowd.review(reviews) })
	group.Go(func() error {
		defer noMoreReviews()
		return c.crowd.comeAndGo(load, c.AtOnce)
	})
	group.Go(func() error {
		defer enough()
		for c.crowd.payers() < c.Payers && clock.Sleep(inner, 50*time.Millisecond) == nil {
		}
		return nil
	})
	return group.Wait()
}

func (c *campaign) killAll(ctx context.Context) error {
	chance := rand.New(rand.NewPCG(c.Seed, 2)) //nolint:gosec // a run must be repeatable, not secret
	if err := clock.Sleep(ctx, 3*time.Second); err != nil {
		return err
	}
	seen := map[string]int{}
	for i, victim := range c.Victims {
		if err := clock.Sleep(ctx, time.Duration(300+chance.IntN(1700))*time.Millisecond); err != nil {
			return err
		}
		d := Death{Service: victim, Moment: atAnyMoment, Night: c.crowd.nights.Load()}
		if seen[victim]++; seen[victim]%2 == 1 {
			var err error
			if d.Moment, err = hunt(ctx, c.w, victim, chance); err != nil {
				return err
			}
		}
		if err := c.w.Kill(victim); err != nil {
			return fmt.Errorf("kill %d, %s: %w", i+1, victim, err)
		}
		if seen[victim] == againAt {
			if err := c.killStarting(ctx, victim, chance); err != nil {
				return fmt.Errorf("kill %s while it starts: %w", victim, err)
			}
			d.Twice = true
		}
		var err error
		if d.Back, err = c.w.Revive(ctx, victim); err != nil {
			return fmt.Errorf("start %s again after kill %d: %w", victim, i+1, err)
		}
		c.result.Deaths = append(c.result.Deaths, d)
		c.say("kill %d of %d: %s, %s; ready again after %d ms", i+1, len(c.Victims), victim, d.Moment, d.Back.Milliseconds())
	}
	return nil
}

// againAt: the fourth kill of a service is followed by another while it starts again.
const againAt = 4

func (c *campaign) killStarting(ctx context.Context, victim string, chance *rand.Rand) error {
	if err := c.w.Launch(victim); err != nil {
		return err
	}
	if err := clock.Sleep(ctx, time.Duration(10+chance.IntN(80))*time.Millisecond); err != nil {
		return err
	}
	return c.w.Kill(victim)
}

var errProof = errors.New("what was promised does not hold")
