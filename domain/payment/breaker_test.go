package payment_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/hengdai/hengdai/domain/payment"
)

// send lets one order through and ends it.
func send(b *payment.Breaker, now time.Duration, bad bool) bool {
	p, ok := b.Take(now)
	if ok {
		b.Done(p, payment.Call{At: now, Took: time.Millisecond, Bad: bad})
	}
	return ok
}

func TestABreakerOpensRestsProbesAndClosesAsAgreed(t *testing.T) {
	var log strings.Builder
	var b payment.Breaker
	now := time.Duration(0)
	step := func(what string, times int, bad bool) {
		through := 0
		for range times {
			if send(&b, now, bad) {
				through++
			}
		}
		fmt.Fprintf(&log, "%6.1fs %-28s %2d of %2d let through -> %-9s again in %.1fs\n",
			now.Seconds(), what, through, times, b.State(now), b.Again(now).Seconds())
	}
	step("bad, but few", 19, true)
	step("the twentieth", 1, true)
	step("while it rests", 5, false)
	now += 2 * time.Second
	step("a probe that fails", 1, true)
	step("the rest has doubled", 1, false)
	now += 4 * time.Second
	step("two good probes", 2, false)
	step("the third", 1, false)
	step("an ordinary day's faults", 10, true)
	step("among good ones", 10, false)
	step("and the outage again", 30, true)
	for range 7 {
		now += time.Minute
		step("it never rests over a minute", 1, true)
	}
	golden(t, "breaker.golden", log.String())
}

func TestTheEndsOfOldCallsAreNoProbes(t *testing.T) {
	var b payment.Breaker
	late, _ := b.Take(0)
	for range 20 {
		send(&b, 0, true)
	}
	if b.State(0) != payment.BreakerOpen {
		t.Fatal("it did not open")
	}
	now := 2 * time.Second
	b.Done(late, payment.Call{At: now}) // left before it opened, good
	if send(&b, now, false); b.State(now) != payment.BreakerHalfOpen {
		t.Fatalf("after one probe it is %s", b.State(now))
	}
	b.Heard(payment.Call{At: now}) // a query that was answered
	b.Heard(payment.Call{At: now})
	if b.State(now) != payment.BreakerHalfOpen {
		t.Errorf("queries closed it: %s", b.State(now))
	}
}

func TestWhatIsOldIsForgotten(t *testing.T) {
	var r payment.Recent
	for range 60 {
		r.Add(payment.Call{At: 0, Took: time.Second, Bad: true})
	}
	if h := r.Of(2 * time.Minute); h.Calls != 50 || h.Bad != 50 || h.Mean != time.Second || h.GoodPPM() != 0 {
		t.Errorf("%+v", h)
	}
	r.Add(payment.Call{At: 3 * time.Minute, Took: time.Millisecond})
	if h := r.Of(3 * time.Minute); h.Calls != 1 || h.Bad != 0 || h.Mean != time.Millisecond || h.GoodPPM() != 1_000_000 {
		t.Errorf("%+v", h)
	}
}

// TestNoScheduleBreaksABreaker: whatever comes in whatever order, no order passes an open breaker, it opens
// only for an outage, and a channel that answers again always gets its orders back.
func TestNoScheduleBreaksABreaker(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var b payment.Breaker
		now := time.Duration(0)
		var out []payment.Permit
		bad := 0
		for range rapid.IntRange(1, 300).Draw(t, "length") {
			before := b.State(now)
			switch rapid.IntRange(0, 9).Draw(t, "what") {
			case 0:
				now += time.Duration(rapid.Int64Range(0, 5e9).Draw(t, "passes"))
			case 1, 2, 3:
				p, ok := b.Take(now)
				switch {
				case ok && before == payment.BreakerOpen:
					t.Fatal("an order passed an open breaker")
				case !ok && before == payment.BreakerClosed:
					t.Fatal("a closed breaker held an order back")
				case ok:
					out = append(out, p)
				}
			case 4, 5, 6, 7:
				if len(out) == 0 {
					continue
				}
				i := rapid.IntRange(0, len(out)-1).Draw(t, "which")
				p := out[i]
				out = append(out[:i], out[i+1:]...)
				if rapid.IntRange(0, 9).Draw(t, "dropped") == 0 {
					b.Drop(p)
				} else {
					fails := rapid.Bool().Draw(t, "bad")
					if fails {
						bad++
					}
					b.Done(p, payment.Call{At: now, Took: time.Millisecond, Bad: fails})
				}
			default:
				fails := rapid.Bool().Draw(t, "bad")
				if fails {
					bad++
				}
				b.Heard(payment.Call{At: now, Took: time.Millisecond, Bad: fails})
			}
			if before == payment.BreakerClosed && b.State(now) != payment.BreakerClosed && bad < 14 {
				t.Fatalf("it opened after %d bad calls", bad)
			}
			if again := b.Again(now); again < 0 || again > time.Minute {
				t.Fatalf("it rests for %s", again)
			}
		}
		for _, p := range out {
			b.Drop(p)
		}
		for range 4 { // the channel answers again
			now += b.Again(now)
			for range 3 {
				send(&b, now, false)
			}
		}
		if b.State(now) != payment.BreakerClosed {
			t.Fatalf("the channel answers and the breaker is %s", b.State(now))
		}
	})
}
