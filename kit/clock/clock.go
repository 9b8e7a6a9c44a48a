package clock

import (
	"context"
	"sync/atomic"
	"time"
)

// Shanghai is where the lender's calendar is kept. China has had no summer time since 1991, so the offset is fixed and
// needs no zone file.
var Shanghai = time.FixedZone("Asia/Shanghai", 8*60*60)

// Clock tells business time.
type Clock interface {
	// Now is the present business instant.
	Now() time.Time
}

// Offset is what business time is ahead of real time. The zero value is none. It only grows and is safe for use by many
// goroutines.
type Offset struct {
	ahead atomic.Int64
}

// Advance moves business time forward by d. A negative d changes nothing.
func (o *Offset) Advance(d time.Duration) {
	if d > 0 {
		o.ahead.Add(int64(d))
	}
}

// Raise makes the offset at least d. Repeating it changes nothing, so a control call that is sent twice is harmless.
func (o *Offset) Raise(d time.Duration) {
	for {
		have := o.ahead.Load()
		if int64(d) <= have || o.ahead.CompareAndSwap(have, int64(d)) {
			return
		}
	}
}

// Ahead is how far business time is ahead of real time.
func (o *Offset) Ahead() time.Duration {
	return time.Duration(o.ahead.Load())
}

// Value is the present business instant under this offset.
func (o *Offset) Value() time.Time {
	return Real().Add(o.Ahead())
}

type moving struct{ offset *Offset }

func (m moving) Now() time.Time { return m.offset.Value() }

// New gives the clock that runs ahead of real time by offset. A nil offset is none: the production profile.
func New(offset *Offset) Clock {
	if offset == nil {
		offset = &Offset{}
	}
	return moving{offset: offset}
}

// Real is the present real instant, with Go's monotonic reading: differences of two are elapsed time.
func Real() time.Time { return time.Now() }

// Since is the real time elapsed since an instant of Real.
func Since(t time.Time) time.Duration { return time.Since(t) }

// Sleep waits for a real duration, or until ctx ends, whose error it then answers.
func Sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// NewTimer fires once after a real duration.
func NewTimer(d time.Duration) *time.Timer { return time.NewTimer(d) }

// NewTicker fires at every real interval.
func NewTicker(d time.Duration) *time.Ticker { return time.NewTicker(d) }

// AfterFunc calls fn on its own goroutine after a real duration.
func AfterFunc(d time.Duration, fn func()) *time.Timer { return time.AfterFunc(d, fn) }
