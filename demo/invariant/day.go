package invariant

import (
	"fmt"
	"math"
	"time"
)

// day is a civil day in China: days since 1970-01-01.
type day int

// noDay stands for no day; it is before all others.
const noDay = day(math.MinInt32)

func dayOf(text string) (day, error) {
	if text == "" {
		return noDay, nil
	}
	t, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return noDay, fmt.Errorf("%q is no date", text)
	}
	return day(t.Unix() / 86400), nil
}

// dateIn is the day of an instant in China.
func dateIn(ms int64) day { return day((ms/1000 + 8*3600) / 86400) }

func (d day) time() time.Time { return time.Unix(int64(d)*86400, 0).UTC() }

func (d day) String() string {
	if d == noDay {
		return ""
	}
	return d.time().Format(time.DateOnly)
}

// UnmarshalText reads a date or nothing.
func (d *day) UnmarshalText(text []byte) error {
	read, err := dayOf(string(text))
	*d = read
	return err
}

// leap says whether a day lies in a year of 366 days.
func (d day) leap() bool {
	return time.Date(d.time().Year(), 12, 31, 0, 0, 0, 0, time.UTC).YearDay() == 366
}

// monthsLater is the same day of the month so many months later; a month that lacks it gives its last day, or with roll
// the first of the next.
func (d day) monthsLater(n int, roll bool) day {
	t := d.time()
	first := time.Date(t.Year(), t.Month()+time.Month(n), 1, 0, 0, 0, 0, time.UTC)
	last := first.AddDate(0, 1, -1)
	want := t.Day()
	if want > last.Day() {
		want = last.Day()
		if roll {
			want++
		}
	}
	return day(first.Unix()/86400) + day(want-1)
}
