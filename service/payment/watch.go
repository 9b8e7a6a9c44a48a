package payment

import (
	"sync"
	"time"

	"github.com/hengdai/hengdai/domain/payment"
	"github.com/hengdai/hengdai/kit/clock"
)

// What two people may hold a breaker at; auto leaves it to itself.
const (
	breakerAuto   = "auto"
	breakerOpen   = "open"
	breakerClosed = "closed"
)

// watch is what this process sees of one channel: a breaker with its window of calls for each kind. It begins closed and
// empty with the process: what is kept of calls is minutes old at most, elapsed time does not outlive a process, and a
// channel that is still down shows it within a few calls, which cost nothing but queries.
type watch struct {
	began   time.Time
	mu      sync.Mutex
	by      map[payment.Kind]*payment.Breaker
	changed func(kind payment.Kind, to payment.BreakerState)
}

func newWatch(kinds []payment.Kind, changed func(payment.Kind, payment.BreakerState)) *watch {
	w := &watch{began: clock.Real(), by: map[payment.Kind]*payment.Breaker{}, changed: changed}
	for _, k := range kinds {
		w.by[k] = &payment.Breaker{}
	}
	return w
}

// use works on the breaker of a kind, and tells if its state has changed by that.
func (w *watch) use(kind payment.Kind, work func(b *payment.Breaker, now time.Duration)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	b := w.by[kind]
	if b == nil {
		return
	}
	now := clock.Since(w.began)
	before := b.State(now)
	work(b, now)
	if after := b.State(now); after != before {
		w.changed(kind, after)
	}
}

// look answers what routing wants to know of a kind.
func (w *watch) look(kind payment.Kind) (state payment.BreakerState, again time.Duration, h payment.Health) {
	state = payment.BreakerClosed
	w.use(kind, func(b *payment.Breaker, now time.Duration) {
		state, again, h = b.State(now), b.Again(now), b.Health(now)
	})
	return state, again, h
}

// heard takes in how a call ended that sent no new order.
func (w *watch) heard(kind payment.Kind, took time.Duration, bad bool) {
	w.use(kind, func(b *payment.Breaker, now time.Duration) { b.Heard(payment.Call{At: now, Took: took, Bad: bad}) })
}

// ticket is the right to send one order to a channel. Each ends in done or drop; a nil one does nothing.
type ticket struct {
	watch  *watch
	kind   payment.Kind
	permit payment.Permit
	held   bool // two people hold the breaker closed: the call is seen and decides nothing
}

// take asks for the right to send an order; nil if the breaker lets nothing through.
func (w *watch) take(kind payment.Kind, heldAt string) *ticket {
	t := &ticket{watch: w, kind: kind, held: heldAt == breakerClosed}
	if t.held {
		return t
	}
	ok := false
	w.use(kind, func(b *payment.Breaker, now time.Duration) { t.permit, ok = b.Take(now) })
	if !ok || heldAt == breakerOpen {
		t.drop()
		return nil
	}
	return t
}

// done takes in how the order's sending ended.
func (t *ticket) done(took time.Duration, bad bool) {
	switch {
	case t == nil:
	case t.held:
		t.watch.heard(t.kind, took, bad)
	default:
		t.watch.use(t.kind, func(b *payment.Breaker, now time.Duration) {
			b.Done(t.permit, payment.Call{At: now, Took: took, Bad: bad})
		})
	}
}

// drop gives the right back: nothing was sent, or nothing can be said about it.
func (t *ticket) drop() {
	if t == nil || t.held {
		return
	}
	t.watch.use(t.kind, func(b *payment.Breaker, _ time.Duration) { b.Drop(t.permit) })
}
