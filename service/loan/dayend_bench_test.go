package loan

import (
	"syscall"
	"testing"
	"time"

	"github.com/hengdai/hengdai/kit/store/storetest"
)

// BenchmarkADay is one whole day-end with 1,000 loans spread over all buckets: close, barrier, start, and what payment's
// stand-in does for it.
func BenchmarkADay(b *testing.B) {
	for _, n := range []int{1, 200, 1000} {
		b.Run(map[int]string{1: "1 loan", 200: "200 loans", 1000: "1000 loans"}[n], func(b *testing.B) {
			w := newTown(b, storetest.Open(b, storetest.SQLite(b), Schema()))
			terms := someTerms(b, 1_200_000)
			terms.Plan.Instalments = 36
			for i := range n {
				w.signed(int64(i*37%1024), terms)
				if i%28 == 0 {
					w.pass(1)
				}
			}
			w.settle()
			changes, before, days := w.db.Changes(), cpu(b), 0
			b.ResetTimer()
			for b.Loop() {
				w.pass(1)
				days++
			}
			b.StopTimer()
			b.ReportMetric(float64((cpu(b)-before).Microseconds())/1000/float64(days), "cpu-ms/day")
			b.ReportMetric(float64(w.db.Changes()-changes)/float64(days), "commits/day")
			w.agrees()
		})
	}
}

// cpu is the processor time this process has used.
func cpu(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
