package job

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hengdai/hengdai/kit/clock"
	"github.com/hengdai/hengdai/kit/store"
)

const (
	leaseFor   = 20 * time.Second
	renewEvery = 6 * time.Second
	askEvery   = 2 * time.Second // for a lease that another process has
	everyIdle  = time.Second
	patience   = 10 * time.Second
	drainGrace = 10 * time.Second

	backoffFirst = 100 * time.Millisecond
	backoffMax   = 30 * time.Second

	// A job that commits keep waking for nothing rests longer each time, within these.
	restMin = time.Millisecond
	restMax = 4 * time.Millisecond
	// followRest keeps a follower whose source does not wait from asking it without end.
	followRest = 16 * time.Millisecond
)

// Runner runs the jobs of one database.
type Runner struct {
	db     *store.DB
	owner  string
	logger *slog.Logger
	steps  atomic.Int64

	alarms  atomic.Int64 // of the database, when the jobs that wait for time were last woken
	stirred bell         // rung whenever the answer of Idle may have changed

	mu      sync.Mutex
	jobs    []*running
	observe func(job string, more bool, took time.Duration, err error)
}

// NewRunner gives a runner without jobs. owner names this process among those that share the database; it should be the
// same after a restart, so that its leases are its own again at once.
func NewRunner(db *store.DB, owner string, logger *slog.Logger) *Runner {
	r := &Runner{db: db, owner: owner, logger: logger}
	db.OnCommit(r.Wake)
	return r
}

// Add gives the runner jobs; it is called before Run.
func (r *Runner) Add(jobs ...Job) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, j := range jobs {
		if j.Every <= 0 {
			j.Every = everyIdle
		}
		run := &running{Job: j, runner: r, wake: make(chan struct{}, 1)}
		run.clean.Store(never)
		run.failed.Store(true)
		r.jobs = append(r.jobs, run)
	}
}

// Observe names who is told of each step that has ended: its job, whether it found work, how long it took and its error.
// It must return at once.
func (r *Runner) Observe(fn func(job string, more bool, took time.Duration, err error)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.observe = fn
}

func (r *Runner) observed(job string, more bool, took time.Duration, err error) {
	r.mu.Lock()
	fn := r.observe
	r.mu.Unlock()
	if fn != nil {
		fn(job, more, took, err)
	}
}

// Wake makes every sleeping job look again. A commit does this by itself; whoever moves the business clock calls
// DB.Wake, which does it and also makes Idle wait for the new look.
func (r *Runner) Wake() {
	alarms := r.db.Alarms()
	alarm := r.alarms.Swap(alarms) != alarms
	for _, j := range r.all() {
		if j.Follows || j.Wakes == Never || j.Wakes == OnTime && !alarm {
			continue
		}
		select {
		case j.wake <- struct{}{}:
		default:
		}
	}
	r.stirred.ring()
}

// look is how long Await waits at most for something that happens elsewhere, such as a source that numbers its events.
const look = 4 * time.Millisecond

// Await is Idle after waiting until the jobs are at rest, but no longer than it is told. jobsOnly leaves out what the database
// would have to be asked for: an answer that says idle then says less, but its count of steps is as good.
func (r *Runner) Await(ctx context.Context, wait time.Duration, jobsOnly bool) (idle bool, steps int64, busy []string) {
	ends := clock.NewTimer(wait)
	defer ends.Stop()
	for pause := restMin; ; pause = min(2*pause, look) {
		stirred := r.stirred.next()
		names, steps := r.working()
		if len(names) == 0 && jobsOnly {
			return true, steps, nil
		}
		if wait <= 0 {
			return r.Idle(ctx)
		}
		if before := r.db.Changes(); len(names) == 0 && r.db.Quiet(ctx) {
			if names, steps = r.working(); len(names) == 0 && r.db.Changes() == before {
				return true, steps, nil
			}
		}
		var again <-chan time.Time // while a job works, its end is waited for
		if len(names) == 0 {
			again = clock.NewTimer(pause).C
		}
		select {
		case <-stirred:
		case <-again:
		case <-ends.C:
			wait = 0
		case <-ctx.Done():
			wait = 0
		}
	}
}

// working names the jobs that are not at rest, and counts what was done before.
func (r *Runner) working() (names []string, steps int64) {
	steps = r.steps.Load() + r.db.Changes()
	changes := r.db.Changes()
	for _, j := range r.all() {
		if !j.atRest(changes) {
			names = append(names, j.Name)
		}
	}
	return names, steps
}

// Idle says whether all jobs are at rest: each one's last step began after the last commit and found nothing, no log has
// events to be numbered, no follower is behind, no effect is due or will be retried in the next seconds. A job that
// another process runs is that process's to answer for. busy names what is not at rest. steps grows whenever anything is
// done: two equal answers with idle mean that nothing moved in between.
func (r *Runner) Idle(ctx context.Context) (idle bool, steps int64, busy []string) {
	before := r.db.Changes()
	busy, _ = r.working()
	busy = append(busy, r.db.Restless(ctx)...)
	after := r.db.Changes()
	return len(busy) == 0 && before == after, after + r.steps.Load(), busy
}

// Begun counts by job the steps that were begun, whether they found work or not.
func (r *Runner) Begun() map[string]int64 {
	counts := map[string]int64{}
	for _, j := range r.all() {
		counts[j.Name] = j.begun.Load()
	}
	return counts
}

func (r *Runner) all() []*running {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.jobs
}

// Run runs the jobs until ctx ends, then lets the running steps finish for some seconds, gives the leases back and
// returns.
func (r *Runner) Run(ctx context.Context) error {
	work, stop := context.WithCancel(context.WithoutCancel(ctx)) // ends after ctx, when the grace is over
	defer stop()
	var jobs, keeper sync.WaitGroup
	over := make(chan struct{})
	keeper.Go(func() { r.keep(work, over) })
	for _, j := range r.all() {
		jobs.Go(func() { j.run(ctx, work) })
	}
	<-ctx.Done()
	grace := clock.AfterFunc(drainGrace, stop)
	jobs.Wait()
	grace.Stop()
	close(over)
	keeper.Wait()
	return nil
}

// keep renews the leases of all jobs together and gives them back at the end. A job whose lease is lost is stopped.
func (r *Runner) keep(ctx context.Context, over <-chan struct{}) {
	tick := clock.NewTicker(renewEvery)
	defer tick.Stop()
	for {
		select {
		case <-over:
			if leases := r.leases(); len(leases) > 0 {
				if _, err := extend(context.WithoutCancel(ctx), r.db, leases, time.UnixMilli(0)); err != nil {
					r.logger.Warn("giving leases back", "error", err)
				}
			}
			return
		case <-tick.C:
			r.renew(ctx)
		}
	}
}

func (r *Runner) renew(ctx context.Context) {
	leases := r.leases()
	if len(leases) == 0 {
		return
	}
	until := clock.Real().Add(leaseFor)
	lost, err := extend(ctx, r.db, leases, until)
	if err != nil {
		r.logger.Warn("renewing leases", "error", err)
	}
	for _, j := range r.all() {
		j.renewed(lost, err, until)
	}
}

func (r *Runner) leases() []held {
	var leases []held
	for _, j := range r.all() {
		if h, ok := j.lease(); ok {
			leases = append(leases, h)
		}
	}
	return leases
}
