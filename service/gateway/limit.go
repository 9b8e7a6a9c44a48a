package gateway

import (
	"sync/atomic"
	"time"

	"github.com/maypok86/otter/v2"

	"github.com/hengdai/hengdai/kit/clock"
	"github.com/hengdai/hengdai/kit/config"
)

// limits holds one limiter for each kind of request.
type limits struct {
	address, anonymous, signIn, borrower, staff, callback *limiter
}

func newLimits(c config.Limits) *limits {
	return &limits{
		address: newLimiter(c.Address), anonymous: newLimiter(c.Anonymous), signIn: newLimiter(c.SignIn),
		borrower: newLimiter(c.Borrower), staff: newLimiter(c.Staff), callback: newLimiter(c.Callback),
	}
}

// limiter is the generic cell rate algorithm: for each key one instant, at which a steady caller would be next. It
// takes constant memory for a key, and forgets keys that rest.
type limiter struct {
	step  time.Duration // between two requests of a steady caller
	burst time.Duration // how far ahead of that a caller may be
	start time.Time
	next  *otter.Cache[string, *atomic.Int64] // nanoseconds since start
}

func newLimiter(rate config.Rate) *limiter {
	step := time.Minute / time.Duration(max(1, rate.PerMinute))
	burst := step * time.Duration(max(1, rate.Burst))
	return &limiter{
		step: step, burst: burst, start: clock.Real(),
		// An entry that rested for the whole burst says what no entry says.
		next: otter.Must(&otter.Options[string, *atomic.Int64]{
			MaximumSize: 100_000, ExpiryCalculator: otter.ExpiryAccessing[string, *atomic.Int64](burst + time.Minute),
		}),
	}
}

// allow takes one request of a key, or answers how long to wait.
func (l *limiter) allow(key string) (after time.Duration, ok bool) {
	cell, found := l.next.GetIfPresent(key)
	if !found {
		cell, _ = l.next.SetIfAbsent(key, new(atomic.Int64))
	}
	for {
		now, have := int64(clock.Since(l.start)), cell.Load()
		next := max(now, have) + int64(l.step)
		if ahead := time.Duration(next - now); ahead > l.burst {
			return ahead - l.burst, false
		}
		if cell.CompareAndSwap(have, next) {
			return 0, true
		}
	}
}
