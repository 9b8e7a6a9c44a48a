package rpc

import (
	"context"
	"time"

	controlv1 "github.com/hengdai/hengdai/api/control/v1"
	"github.com/hengdai/hengdai/kit/clock"
	"github.com/hengdai/hengdai/kit/errs"
)

// IdleFunc answers whether a runner has nothing left to do, how many steps found work since it started, and the names
// of jobs that have work or wait. It waits for the work to end, but no longer than it is told; it may be told to look at
// jobs alone. (*job.Runner).Await is one.
type IdleFunc = func(ctx context.Context, wait time.Duration, jobsOnly bool) (idle bool, steps int64, busy []string)

// Control serves control.v1.Control for a process or for one service of it: it moves the clock and tells whether work
// is left. A node mounts it beside each service, with the same offset for all.
type Control struct {
	// Offset is the process's business clock; nil in the production profile, where time is not moved.
	Offset *clock.Offset
	// Runners are asked whether they are idle.
	Runners []IdleFunc
	// Moved is called after the clock moved, to wake jobs that wait for a time; may be nil.
	Moved func()
}

var errTimeStands = errs.New(errs.Denied, "control.production", "正式环境不能调整时间。", "Time cannot be moved in the production profile.")

// Advance raises the clock's offset. Denied in the production profile.
func (c *Control) Advance(_ context.Context, req *controlv1.AdvanceRequest) (*controlv1.AdvanceResponse, error) {
	if c.Offset == nil {
		return nil, errTimeStands
	}
	before := c.Offset.Ahead()
	c.Offset.Raise(time.Duration(req.GetOffsetMs()) * time.Millisecond)
	if c.Moved != nil && c.Offset.Ahead() != before { // the services of one process share a clock and are all told
		c.Moved()
	}
	return &controlv1.AdvanceResponse{OffsetMs: c.Offset.Ahead().Milliseconds(), NowMs: c.Offset.Value().UnixMilli()}, nil
}

// Idle answers for all runners of the process together.
func (c *Control) Idle(ctx context.Context, req *controlv1.IdleRequest) (*controlv1.IdleResponse, error) {
	out := &controlv1.IdleResponse{Idle: true}
	ends := clock.Real().Add(time.Duration(req.GetWaitMs()) * time.Millisecond)
	for _, ask := range c.Runners {
		idle, steps, busy := ask(ctx, ends.Sub(clock.Real()), req.GetJobsOnly())
		out.Idle = out.Idle && idle
		out.Steps += steps
		out.Busy = append(out.Busy, busy...)
	}
	return out, nil
}
