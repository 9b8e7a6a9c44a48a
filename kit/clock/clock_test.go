package clock_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/hengdai/hengdai/kit/clock"
)

func TestAnOffsetOnlyGrows(t *testing.T) {
	var o clock.Offset
	o.Advance(time.Hour)
	o.Advance(-time.Minute)
	o.Raise(30 * time.Minute)
	if got := o.Ahead(); got != time.Hour {
		t.Fatalf("ahead by %v, want 1h", got)
	}
	o.Raise(2 * time.Hour)
	if got := o.Ahead(); got != 2*time.Hour {
		t.Fatalf("ahead by %v, want 2h", got)
	}
}

func TestBusinessTimeRunsAheadAndRealTimeDoesNot(t *testing.T) {
	o := &clock.Offset{}
	c := clock.New(o)
	began := clock.Real()
	o.Advance(365 * 24 * time.Hour)
	if d := c.Now().Sub(began); d < 365*24*time.Hour {
		t.Fatalf("business time is ahead by %v", d)
	}
	if d := clock.Since(began); d > time.Minute {
		t.Fatalf("real time moved by %v", d)
	}
}

func TestConcurrentAdvancesAreAllCounted(t *testing.T) {
	var o clock.Offset
	var wg sync.WaitGroup
	for range 64 {
		wg.Go(func() { o.Advance(time.Second) })
	}
	wg.Wait()
	if got := o.Ahead(); got != 64*time.Second {
		t.Fatalf("ahead by %v, want 64s", got)
	}
}

func TestSleepEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := clock.Sleep(ctx, time.Hour); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
	if err := clock.Sleep(context.Background(), time.Millisecond); err != nil {
		t.Fatal(err)
	}
}

func TestShanghaiIsEightHoursAhead(t *testing.T) {
	at := time.Date(2026, 3, 1, 17, 0, 0, 0, time.UTC).In(clock.Shanghai)
	if got := at.Format("2006-01-02 15:04"); got != "2026-03-02 01:00" {
		t.Fatal(got)
	}
}

func TestAManualClockStandsStill(t *testing.T) {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	m := clock.NewManual(start)
	m.Add(time.Second)
	m.Add(-2 * time.Second)
	if got := m.Now(); !got.Equal(start.Add(-time.Second)) {
		t.Fatal(got)
	}
	m.Set(start)
	if !m.Now().Equal(start) {
		t.Fatal("Set did not set")
	}
}
