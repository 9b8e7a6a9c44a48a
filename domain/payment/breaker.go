package payment

import "time"

// BreakerState says what a breaker lets through.
type BreakerState string

// The states of a breaker.
const (
	// BreakerClosed lets everything through.
	BreakerClosed BreakerState = "closed"
	// BreakerOpen lets nothing new through until it has rested.
	BreakerOpen BreakerState = "open"
	// BreakerHalfOpen lets a few orders through as probes.
	BreakerHalfOpen BreakerState = "half_open"
)

// BreakerStates lists every state of a breaker.
var BreakerStates = []BreakerState{BreakerClosed, BreakerOpen, BreakerHalfOpen}

const (
	// It opens when at least so many recent calls are known and so many millionths of them were bad: an outage, not the
	// faults of an ordinary day.
	breakerLeast  = 20
	breakerBadPPM = 700_000
	// It rests so long at first, twice as long after each probe that failed, at most a minute.
	breakerRest    = 2 * time.Second
	breakerRestMax = time.Minute
	// So many probes are under way at once, and so many must be good.
	breakerProbes = 3
)

// Breaker keeps new orders away from a channel that does not answer. It decides only where an order that was not sent
// goes; nothing that was sent changes by it. The zero value is closed. Times are elapsed, real time since any fixed
// instant. It is not safe for several goroutines.
type Breaker struct {
	recent Recent
	state  BreakerState
	opened time.Duration
	rest   time.Duration
	// turn grows with every change of state, so that the end of a call that left in an earlier one is no probe.
	turn    int64
	probing int64
	good    int64
}

// Permit is the right to send one order. Each is given back by Done or Drop.
type Permit struct {
	probe bool
	turn  int64
}

// State answers what the breaker lets through now.
func (b *Breaker) State(now time.Duration) BreakerState {
	switch {
	case b.state == "":
		return BreakerClosed
	case b.state == BreakerOpen && now-b.opened >= b.rest:
		return BreakerHalfOpen
	}
	return b.state
}

// Allows says whether an order may be sent now.
func (b *Breaker) Allows(now time.Duration) bool {
	switch b.State(now) {
	case BreakerClosed:
		return true
	case BreakerHalfOpen:
		return b.state == BreakerOpen || b.probing < breakerProbes
	case BreakerOpen:
	}
	return false
}

// Again answers in how long it may let an order through; zero: now.
func (b *Breaker) Again(now time.Duration) time.Duration {
	switch {
	case b.Allows(now):
		return 0
	case b.state == BreakerOpen:
		return b.opened + b.rest - now
	}
	return time.Second // the probes are under way
}

// Take asks to send an order.
func (b *Breaker) Take(now time.Duration) (Permit, bool) {
	if !b.Allows(now) {
		return Permit{}, false
	}
	if b.State(now) != BreakerHalfOpen {
		return Permit{turn: b.turn}, true
	}
	if b.state == BreakerOpen {
		b.become(BreakerHalfOpen)
	}
	b.probing++
	return Permit{probe: true, turn: b.turn}, true
}

// Drop gives a permit back whose order was not sent, or of whose call nothing can be said.
func (b *Breaker) Drop(p Permit) {
	if p.probe && p.turn == b.turn {
		b.probing--
	}
}

// Done takes in how the sending of an order ended.
func (b *Breaker) Done(p Permit, c Call) {
	b.recent.Add(c)
	if p.turn != b.turn {
		return
	}
	b.Drop(p)
	switch {
	case p.probe && c.Bad:
		b.open(c.At, min(2*b.rest, breakerRestMax))
	case p.probe:
		if b.good++; b.good >= breakerProbes {
			b.become(BreakerClosed)
			b.recent.Clear()
		}
	default:
		b.judge(c.At)
	}
}

// Heard takes in how any other call ended. It counts for health and may open a closed breaker; it never closes one.
func (b *Breaker) Heard(c Call) {
	b.recent.Add(c)
	b.judge(c.At)
}

// Health answers what the last calls say.
func (b *Breaker) Health(now time.Duration) Health { return b.recent.Of(now) }

func (b *Breaker) judge(now time.Duration) {
	h := b.recent.Of(now)
	if b.State(now) == BreakerClosed && h.Calls >= breakerLeast && h.Bad*1_000_000 >= breakerBadPPM*h.Calls {
		b.open(now, breakerRest)
	}
}

func (b *Breaker) open(now, rest time.Duration) {
	b.become(BreakerOpen)
	b.opened, b.rest = now, rest
}

func (b *Breaker) become(s BreakerState) {
	b.state, b.probing, b.good = s, 0, 0
	b.turn++
}
