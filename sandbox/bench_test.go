package sandbox_test

import (
	"fmt"
	"sync/atomic"
	"testing"
)

// BenchmarkAlphaOrder is one signed order at alpha with its callback, zero latency, from many clients at once.
func BenchmarkAlphaOrder(b *testing.B) {
	r := start(b)
	p := r.person(1, 0)
	var n atomic.Int64
	b.SetParallelism(16)
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if a := r.pay(fmt.Sprint("n", n.Add(1)), "PAYOUT", p, 1); a["status"] != "SUCCESS" {
				b.Error(a)
			}
		}
	})
}
