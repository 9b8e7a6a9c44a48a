package calendar_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/hengdai/hengdai/domain/calendar"
)

func TestDatesAgreeWithTheStandardLibrary(t *testing.T) {
	for d := calendar.Of(1899, 12, 1); d < calendar.Of(2101, 1, 1); d++ {
		want := time.Unix(int64(d)*86400, 0).UTC()
		y, m, day := d.Civil()
		if y != want.Year() || m != int(want.Month()) || day != want.Day() || calendar.Of(y, m, day) != d {
			t.Fatalf("%d is %d-%d-%d, want %s", d, y, m, day, want)
		}
	}
}

func TestADateThatDoesNotExistIsRefused(t *testing.T) {
	for _, text := range []string{"2026-02-29", "2026-02-31", "2026-13-01", "2026-00-10", "2026-1-01", "20260101", "2026-01-32", "abcd-01-01", "", "2026-04-31", "1899-12-31"} {
		if d, err := calendar.Parse(text); err == nil {
			t.Errorf("%q was read as %s", text, d)
		}
	}
	if d, err := calendar.Parse("2028-02-29"); err != nil || d.String() != "2028-02-29" {
		t.Errorf("29 February of a leap year: %s, %v", d, err)
	}
}

func TestMonthsAreCountedFromTheOriginalDay(t *testing.T) {
	start := calendar.Of(2026, 1, 31)
	want := map[calendar.MonthEnd][]string{
		calendar.Clamp: {"2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30", "2026-05-31"},
		calendar.Roll:  {"2026-01-31", "2026-03-01", "2026-03-31", "2026-05-01", "2026-05-31"},
	}
	for rule, dates := range want {
		for n, text := range dates {
			if got := calendar.AddMonths(start, n, 31, rule); got.String() != text {
				t.Errorf("%v month %d is %s, want %s", rule, n, got, text)
			}
		}
	}
	if got := calendar.AddMonths(calendar.Of(2024, 3, 31), -1, 31, calendar.Clamp); got.String() != "2024-02-29" {
		t.Errorf("a month back is %s", got)
	}
}

func TestTheShanghaiDayBeginsAtSixteenHoursUTC(t *testing.T) {
	before := time.Date(2026, 3, 1, 15, 59, 59, 999, time.UTC)
	if got := calendar.InShanghai(before); got.String() != "2026-03-01" {
		t.Errorf("just before midnight it is %s", got)
	}
	if got := calendar.InShanghai(before.Add(time.Second)); got.String() != "2026-03-02" {
		t.Errorf("at midnight it is %s", got)
	}
	d := calendar.Of(1969, 12, 31)
	if got := calendar.InShanghai(d.Midnight()); got != d {
		t.Errorf("midnight of %s is in %s", d, got)
	}
}

func TestDayCountsOfAMonth(t *testing.T) {
	span := calendar.Span{Start: calendar.Of(2026, 1, 31), End: calendar.Of(2026, 2, 28), Months: 1}
	cases := []struct {
		count calendar.DayCount
		to    calendar.Date
		want  int64
	}{
		{calendar.Thirty360, span.End, 30}, {calendar.Thirty360, span.End - 1, 27}, {calendar.Actual360, span.End, 28},
		{calendar.Actual365, span.End, 28}, {calendar.ByPeriod, span.End, 30}, {calendar.ActualActual, span.End, 28 * 366},
	}
	for _, c := range cases {
		if got := c.count.Part(calendar.Month, span, c.to); got != c.want {
			t.Errorf("%v to %s counts %d, want %d", c.count, c.to, got, c.want)
		}
	}
	long := calendar.Span{Start: calendar.Of(2026, 3, 1), End: calendar.Of(2026, 4, 1), Months: 1}
	if got := calendar.Thirty360.Part(calendar.Month, long, long.End-1); got != 30 {
		t.Errorf("30 of 31 days count %d", got)
	}
	if got := calendar.Thirty360.Part(calendar.Month, long, long.End); got != 30 {
		t.Errorf("the whole month counts %d", got)
	}
	odd := calendar.Span{Start: calendar.Of(2026, 1, 10), End: calendar.Of(2026, 3, 1), Odd: true}
	if got := calendar.Thirty360.Part(calendar.Month, odd, odd.End); got != 22+30 {
		t.Errorf("22 days and a month count %d", got)
	}
	year := calendar.Span{Start: calendar.Of(2027, 12, 1), End: calendar.Of(2028, 1, 11)}
	if got := calendar.ActualActual.Part(calendar.Month, year, year.End); got != 30*366+11*365 {
		t.Errorf("30 days of 2027 and 11 of 2028 count %d", got)
	}
}

func TestPartsNeverFallAndBrokenActualDaysAddUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		start := calendar.Date(rapid.Int32Range(15000, 30000).Draw(t, "start"))
		_, _, day := start.Civil()
		span := calendar.Span{Start: start, End: calendar.AddMonths(start, 1, day, calendar.Clamp), Months: 1}
		if rapid.Bool().Draw(t, "odd") {
			span = calendar.Span{Start: start, End: start + calendar.Date(rapid.IntRange(1, 120).Draw(t, "length")), Odd: true}
		}
		for _, count := range calendar.DayCounts {
			last, days := int64(0), int64(0)
			for d := span.Start + 1; d <= span.End; d++ {
				part := count.Part(calendar.Month, span, d)
				if part < last {
					t.Fatalf("%v falls at %s", count, d)
				}
				last = part
				days += count.DayPart(d - 1)
			}
			if count != calendar.Thirty360 && count != calendar.ByPeriod && last != days {
				t.Fatalf("%v: days add up to %d, the span is %d", count, days, last)
			}
		}
	})
}

func FuzzParse(f *testing.F) {
	f.Add("2026-02-28")
	f.Fuzz(func(t *testing.T, text string) {
		d, err := calendar.Parse(text)
		if err == nil && d.String() != text {
			t.Fatalf("%q came back as %q", text, d.String())
		}
	})
}
