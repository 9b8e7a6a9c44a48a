package guard_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/hengdai/hengdai/domain/calendar"
	"github.com/hengdai/hengdai/domain/legal"
	"github.com/hengdai/hengdai/service/notify/guard"
)

func limits(t interface{ Fatal(...any) }) guard.Limits {
	p, err := guard.Open(legal.Any)
	if err != nil {
		t.Fatal(err)
	}
	l, err := p.On(calendar.Of(2026, 11, 20))
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// at is an instant in Shanghai.
func at(clock string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, "2026-11-20T"+clock+"+08:00")
	if err != nil {
		panic(err)
	}
	return t
}

func TestContactIsAllowedFromEightUntilTenAndNotAMomentLonger(t *testing.T) {
	l := limits(t)
	for _, c := range []struct {
		clock  string
		opens  string
		allows bool
	}{
		{"00:00:00", "2026-11-20T08:00:00+08:00", false},
		{"07:59:59.999", "2026-11-20T08:00:00+08:00", false},
		{"08:00:00", "", true},
		{"21:59:59.999", "", true},
		{"22:00:00", "2026-11-21T08:00:00+08:00", false},
		{"23:59:59.999", "2026-11-21T08:00:00+08:00", false},
	} {
		for _, by := range []guard.Medium{guard.Call, guard.SMS, guard.Visit} {
			v := guard.Contact(at(c.clock), by, l, guard.Day{}, nil)
			if v.Allowed != c.allows {
				t.Errorf("at %s a %s is allowed: %v", c.clock, by, v.Allowed)
			}
			if !c.allows && v.NotBefore.In(time.FixedZone("", 8*3600)).Format(time.RFC3339) != c.opens {
				t.Errorf("at %s it says %v", c.clock, v.NotBefore)
			}
		}
	}
}

func TestTheDaysCountsAreKept(t *testing.T) {
	l := limits(t)
	noon := at("12:00:00")
	for _, c := range []struct {
		by     guard.Medium
		day    guard.Day
		reason guard.Reason
	}{
		{guard.Call, guard.Day{CallsEffective: 2}, ""},
		{guard.Call, guard.Day{CallsEffective: 3}, guard.DailyLimit},
		{guard.Call, guard.Day{CallsEffective: 2, CallsOpen: 1}, guard.DailyLimit},
		{guard.Call, guard.Day{TriesOnNumber: 5}, ""},
		{guard.Call, guard.Day{TriesOnNumber: 6}, guard.TriesOnNumber},
		{guard.SMS, guard.Day{Messages: 1, CallsEffective: 3}, ""},
		{guard.SMS, guard.Day{Messages: 2}, guard.DailyLimit},
	} {
		if v := guard.Contact(noon, c.by, l, c.day, nil); v.Reason != c.reason || v.Allowed != (c.reason == "") {
			t.Errorf("a %s after %+v: %+v", c.by, c.day, v)
		}
	}
}

func TestAStopHoldsWhileItHolds(t *testing.T) {
	l := limits(t)
	noon := at("12:00:00")
	for name, c := range map[string]struct {
		stop    guard.Stop
		allowed bool
		again   time.Time
	}{
		"endless":     {guard.Stop{From: at("09:00:00")}, false, time.Time{}},
		"until three": {guard.Stop{From: at("09:00:00"), Until: at("15:00:00")}, false, at("15:00:00")},
		"ends now":    {guard.Stop{From: at("09:00:00"), Until: noon}, true, time.Time{}},
		"lifted":      {guard.Stop{From: at("09:00:00"), Lifted: at("11:00:00")}, true, time.Time{}},
		"not yet":     {guard.Stop{From: at("13:00:00")}, true, time.Time{}},
	} {
		v := guard.Contact(noon, guard.SMS, l, guard.Day{}, []guard.Stop{c.stop})
		if v.Allowed != c.allowed || !v.NotBefore.Equal(c.again) {
			t.Errorf("%s: %+v", name, v)
		}
	}
}

func TestNoticesWaitForTheMorning(t *testing.T) {
	l := limits(t)
	if v := guard.Notice(at("03:00:00"), l); v.Allowed || !v.NotBefore.Equal(at("08:00:00")) {
		t.Errorf("%+v", v)
	}
	if v := guard.Notice(at("08:00:00"), l); !v.Allowed {
		t.Errorf("%+v", v)
	}
}

func TestWhenTheGuardSaysToAskAgainItLetsThrough(t *testing.T) {
	l := limits(t)
	rapid.Check(t, func(t *rapid.T) {
		now := at("00:00:00").Add(time.Duration(rapid.Int64Range(0, int64(400*24*time.Hour)).Draw(t, "now")))
		d := guard.Day{CallsOpen: rapid.Int64Range(0, 4).Draw(t, "open"), CallsEffective: rapid.Int64Range(0, 4).Draw(t, "effective"),
			TriesOnNumber: rapid.Int64Range(0, 8).Draw(t, "tries"), Messages: rapid.Int64Range(0, 4).Draw(t, "messages")}
		by := rapid.SampledFrom([]guard.Medium{guard.Call, guard.Visit, guard.SMS}).Draw(t, "by")
		v := guard.Contact(now, by, l, d, nil)
		if v.Allowed {
			if h := now.UTC().Add(8 * time.Hour).Hour(); h < 8 || h >= 22 {
				t.Fatalf("let through at %v", now)
			}
			return
		}
		if !v.NotBefore.After(now) {
			t.Fatalf("ask again at %v, which is not after %v", v.NotBefore, now)
		}
		if calendar.InShanghai(v.NotBefore) != calendar.InShanghai(now) {
			d = guard.Day{}
		}
		again := guard.Contact(v.NotBefore, by, l, d, nil)
		if !again.Allowed && again.Reason == guard.OutsideHours {
			t.Fatalf("again outside hours at %v", v.NotBefore)
		}
	})
}
