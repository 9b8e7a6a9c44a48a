package job

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hengdai/hengdai/kit/clock"
	"github.com/hengdai/hengdai/kit/errs"
)

// never is the value of clean before a job has been found at rest.
const never = -1

// running is a job in a runner.
type running struct {
	Job
	runner *Runner
	wake   chan struct{}
	clean  atomic.Int64 // DB.Changes when the last step that found nothing began
	heard  atomic.Int64 // DB.Alarms at that moment
	begun  atomic.Int64 // steps
	waits  atomic.Bool  // its last step ended without error and found nothing
	failed atomic.Bool  // its last step ended with an error, or none has ended or was begun yet

	mu        sync.Mutex
	held      *held
	elsewhere bool // another process has the lease
	cancel    context.CancelCauseFunc
}

// atRest says whether the job found nothing to do after the given count of changes. A job that follows is asked by the
// follower's own watch whether it is behind; here it only must not have failed.
func (j *running) atRest(changes int64) bool {
	j.mu.Lock()
	elsewhere := j.elsewhere
	j.mu.Unlock()
	if elsewhere {
		return true
	}
	if j.Follows {
		return !j.failed.Load()
	}
	if !j.waits.Load() {
		return false
	}
	switch j.Wakes {
	case OnCommit:
		return j.clean.Load() == changes
	case OnTime:
		return j.heard.Load() == j.runner.db.Alarms()
	case Never:
	}
	return true
}

// run works until ctx ends. work ends later; steps that do not wait by themselves get it, so that they can finish.
func (j *running) run(ctx, work context.Context) {
	patient := work
	if j.Follows {
		work, patient = ctx, context.WithValue(ctx, patienceKey{}, patience)
	}
	failures, rest := 0, restMin
	for ctx.Err() == nil {
		if !j.ensure(ctx) {
			continue
		}
		began, alarms, changes := clock.Real(), j.runner.db.Alarms(), j.runner.db.Changes()
		j.begun.Add(1)
		if failures == 0 {
			j.failed.Store(false)
		}
		step := patient
		if failures > 0 {
			step = work // whether it works again is known at once, not when events come
		}
		more, err := j.step(step)
		j.runner.observed(j.Name, more, clock.Since(began), err)
		switch {
		case err != nil:
			if ctx.Err() != nil {
				return
			}
			j.waits.Store(false)
			j.failed.Store(true)
			failures++
			j.runner.logger.Warn("a job failed and will be tried again", "job", j.Name, "failures", failures, "error", err)
			_ = clock.Sleep(ctx, backoff(failures))
		case more:
			failures, rest = 0, restMin
			j.failed.Store(false)
			j.waits.Store(false)
			j.runner.steps.Add(1)
		default:
			failures = 0
			j.failed.Store(false)
			j.clean.Store(changes)
			j.heard.Store(alarms)
			j.waits.Store(true)
			j.runner.stirred.ring()
			rest = j.rest(ctx, clock.Since(began), rest)
		}
	}
}

// rest waits for a commit or the job's time, and answers how long to rest at least if that is for nothing too.
func (j *running) rest(ctx context.Context, took, least time.Duration) time.Duration {
	if j.Follows {
		if took < followRest {
			_ = clock.Sleep(ctx, followRest)
		}
		return least
	}
	timer := clock.NewTimer(j.Every)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return least
	case <-timer.C:
		return restMin
	case <-j.wake:
	}
	_ = clock.Sleep(ctx, least-restMin)
	return min(2*least, restMax)
}

func backoff(failures int) time.Duration {
	return min(backoffFirst<<min(failures-1, 16), backoffMax)
}

// step runs the step once, under its lease. A panic is an error.
func (j *running) step(work context.Context) (more bool, err error) {
	h, ok := j.lease()
	if !ok {
		return false, nil
	}
	ctx, cancel := context.WithCancelCause(context.WithValue(work, heldKey{}, h))
	defer cancel(nil)
	j.mu.Lock()
	j.cancel = cancel
	j.mu.Unlock()
	defer func() {
		if v := recover(); v != nil {
			err = errPanicked.Because(fmt.Errorf("panic: %v\n%s", v, debug.Stack()))
		}
		if cause := context.Cause(ctx); errors.Is(cause, errLeaseLost) {
			more, err = false, errs.Wrap(cause, "running "+j.Name)
		}
	}()
	return j.Step(ctx)
}

var errPanicked = errs.New(errs.Internal, "job.panicked", "后台任务内部错误。", "Internal error in a background job.")

// ensure makes sure of the lease. False means that the caller has waited and should look again.
func (j *running) ensure(ctx context.Context) bool {
	if h, ok := j.lease(); ok && clock.Real().Before(h.until) {
		return true
	}
	h, ok, err := acquire(ctx, j.runner.db, j.Name, j.runner.owner)
	j.mu.Lock()
	j.elsewhere = err == nil && !ok
	j.held = nil
	if ok {
		j.held = &h
	}
	j.mu.Unlock()
	if ok {
		return true
	}
	if err != nil && ctx.Err() == nil {
		j.waits.Store(false)
		j.runner.logger.Warn("leasing a job", "job", j.Name, "error", err)
	}
	_ = clock.Sleep(ctx, askEvery)
	return false
}

func (j *running) lease() (held, bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.held == nil {
		return held{}, false
	}
	return *j.held, true
}

// renewed notes what became of the lease. If it is lost, or could not be renewed before it ended, the step is stopped.
func (j *running) renewed(lost map[string]bool, err error, until time.Time) {
	j.mu.Lock()
	defer j.mu.Unlock()
	switch {
	case j.held == nil:
		return
	case err == nil && !lost[j.Name]:
		if _, asked := lost[j.Name]; asked {
			j.held.until = until
		}
		return
	case err != nil && clock.Real().Before(j.held.until):
		return
	}
	j.held = nil
	if j.cancel != nil {
		j.cancel(errLeaseLost)
	}
}
