package payment

import "time"

const (
	// recentMost is how many calls of a channel and kind are remembered, and recentSpan for how long.
	recentMost = 50
	recentSpan = 2 * time.Minute
)

// Call is one call of a channel as its health sees it. Times are elapsed, real time since any fixed instant.
type Call struct {
	At   time.Duration
	Took time.Duration
	// Bad: nothing usable came back, that is a failure of the transport, a 5xx, a bad signature or an unknown code. A
	// refusal for reasons of business is an answer and counts as good.
	Bad bool
}

// Bad says whether a verdict speaks against the channel's health.
func (v Verdict) Bad() bool { return v == Unclear }

// Recent is a sliding window of the last calls: so many, and none older than its span. The zero value is empty.
type Recent struct {
	calls []Call
	next  int
}

// Add takes a call in; the oldest gives way.
func (r *Recent) Add(c Call) {
	if len(r.calls) < recentMost {
		r.calls = append(r.calls, c)
		return
	}
	r.calls[r.next] = c
	r.next = (r.next + 1) % recentMost
}

// Clear forgets every call.
func (r *Recent) Clear() { r.calls, r.next = r.calls[:0], 0 }

// Health is what a window says.
type Health struct {
	Calls int64 `json:"calls,omitempty"`
	Bad   int64 `json:"bad,omitempty"`
	// Mean is the mean time of a call.
	Mean time.Duration `json:"mean_ns,omitempty"`
}

// Of answers the health at an instant.
func (r *Recent) Of(now time.Duration) Health {
	var h Health
	var sum time.Duration
	for _, c := range r.calls {
		if now-c.At > recentSpan {
			continue
		}
		h.Calls++
		sum += c.Took
		if c.Bad {
			h.Bad++
		}
	}
	if h.Calls > 0 {
		h.Mean = sum / time.Duration(h.Calls) // rounded down to the nanosecond
	}
	return h
}

// GoodPPM answers the share of good calls in millionths, rounded down; a channel that was not called is in good health.
func (h Health) GoodPPM() int64 {
	if h.Calls == 0 {
		return 1_000_000
	}
	return (h.Calls - h.Bad) * 1_000_000 / h.Calls
}

// goodStep and slow are the classes in which health is compared, so that a single call seldom turns a decision round.
const goodStep = 50_000

var slow = []time.Duration{100 * time.Millisecond, 300 * time.Millisecond, time.Second, 3 * time.Second}

// class answers classes of health, the smaller the better: first by bad calls in steps of 5 %, then by mean time.
func (h Health) class() (bad, late int64) {
	for _, s := range slow {
		if h.Mean > s {
			late++
		}
	}
	return (1_000_000 - h.GoodPPM() + goodStep - 1) / goodStep, late // rounded up: a bad call is seen
}
