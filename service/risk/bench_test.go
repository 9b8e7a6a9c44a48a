package risk_test

import (
	"sync/atomic"
	"testing"
)

// BenchmarkDecide measures stored decisions through the real interceptors, many callers at once, on SQLite.
func BenchmarkDecide(b *testing.B) {
	h := small(b)
	h.decide(b, h.saver(h.user(1)))
	loan := h.loan()
	var next atomic.Int64
	next.Store(1000)
	b.SetParallelism(32)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := loan.Decide(b.Context(), h.saver(h.user(next.Add(1)))); err != nil {
				b.Error(err)
			}
		}
	})
}
