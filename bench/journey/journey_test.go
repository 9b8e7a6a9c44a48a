package journeybench

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hengdai/hengdai/demo"
)

func BenchmarkJourneysOnSQLite(b *testing.B) {
	for range b.N {
		measure(b, start(b, ""), os.Getenv("HENGDAI_TEST_PROFILE"))
	}
}

func BenchmarkJourneysOnMariaDB(b *testing.B) {
	if os.Getenv("HENGDAI_TEST_MYSQL_DSN") == "" {
		b.Skip("SKIPPED: MariaDB, HENGDAI_TEST_MYSQL_DSN is not set")
	}
	for range b.N {
		measure(b, start(b, databases(b)), "")
	}
}

// longest is how long one journey may take.
const longest = time.Minute

func measure(b *testing.B, p *program, profile string) {
	b.Helper()
	journeys, atOnce := number(b, "HENGDAI_TEST_JOURNEYS", 1000), number(b, "HENGDAI_TEST_AT_ONCE", 32)
	ctx := context.Background()
	crowd := gather(ctx, b, p, journeys)
	took := demo.Tally{}
	var next, failed atomic.Int64
	var first atomic.Pointer[error]
	stopProfile := p.profile(profile)
	before, from := p.processor(b), time.Now()
	var all sync.WaitGroup
	for range atOnce {
		all.Go(func() {
			for i := next.Add(1) - 1; i < int64(journeys); i = next.Add(1) - 1 {
				one, cancel := context.WithTimeout(ctx, longest)
				if err := crowd.Journey(one, int(i), took.Watch); err != nil {
					failed.Add(1)
					first.CompareAndSwap(nil, &err)
				}
				cancel()
			}
		})
	}
	all.Wait()
	elapsed, used := time.Since(from), p.processor(b)-before
	stopProfile()
	if err := first.Load(); err != nil {
		b.Fatalf("%d of %d journeys failed; one: %v", failed.Load(), journeys, *err)
	}
	b.ReportMetric(float64(journeys)/elapsed.Seconds(), "journeys/s")
	b.ReportMetric(used.Seconds()*1000/float64(journeys), "ms-processor/journey")
	for call, waits := range took.Calls {
		slices.Sort(waits)
		name := strings.ReplaceAll(call, " ", "-")
		b.ReportMetric(float64(waits[len(waits)/2].Microseconds())/1000, "ms-"+name+"-median")
		b.ReportMetric(float64(waits[len(waits)*99/100].Microseconds())/1000, "ms-"+name+"-99%")
	}
	b.ReportMetric(0, "ns/op") // told as a rate
	p.stop(b)
}

// gather makes as many people as journeys, all with the row of somebody whom the machine approves: an applicant whom a person
// has to look at would measure the person.
func gather(ctx context.Context, b *testing.B, p *program, journeys int) *demo.Crowd {
	b.Helper()
	rows, err := demo.ReadRows("../../testdata/credit/south_german_credit.csv", "../../testdata/credit/mapping.json", 24)
	if err != nil {
		b.Fatal(err)
	}
	crowd, err := demo.Gather(ctx, demo.Options{
		Base: p.base, Roots: p.roots(b), Sandbox: p.sandbox, StaffFile: p.staff, Rows: rows, Seed: 1, AtOnce: 8,
	})
	if err != nil {
		b.Fatal(err)
	}
	if err := crowd.Quick(ctx); err != nil {
		b.Fatal(err)
	}
	var approved *demo.Row
	for i := range rows {
		one, cancel := context.WithTimeout(ctx, 3*time.Second)
		err = crowd.Journey(one, i, func(string, time.Duration) {})
		cancel()
		if err == nil {
			approved = &rows[i]
			break
		}
	}
	if approved == nil {
		b.Fatalf("nobody is approved by the machine: %v", err)
	}
	clones := make([]demo.Row, journeys)
	for i := range clones {
		clones[i] = *approved
		clones[i].Number = 20_000 + 4*i + approved.Number%4 // the number chooses product and method
	}
	if err := crowd.Join(ctx, clones); err != nil {
		b.Fatal(err)
	}
	if err := crowd.Settled(ctx); err != nil {
		b.Fatal(err)
	}
	return crowd
}

func number(b *testing.B, variable string, otherwise int) int {
	b.Helper()
	n, err := strconv.Atoi(cmp.Or(os.Getenv(variable), fmt.Sprint(otherwise)))
	if err != nil || n < 1 {
		b.Fatalf("%s: want a whole number", variable)
	}
	return n
}
