package calendar

import (
	"errors"
	"fmt"
	"time"
)

// Date is a civil day: days since 1970-01-01. The zero value is that day; None is no day.
type Date int32

// None stands for "no date". It sorts before every real date.
const None Date = -1 << 31

// First and LastDate bound what is read from outside.
var (
	First    = Of(1900, 1, 1)
	LastDate = Of(9999, 12, 31)
)

// ErrDate says that a text is no date of the calendar.
var ErrDate = errors.New("calendar: not a date")

// Of is the date of year, month and day, which must exist.
func Of(year, month, day int) Date {
	// Days from civil (Hinnant): years begin in March, so that the leap day is the last.
	y := year
	if month <= 2 {
		y--
	}
	era := y / 400
	if y < 0 {
		era = (y - 399) / 400
	}
	yearOfEra := y - era*400
	shifted := month - 3
	if month <= 2 {
		shifted = month + 9
	}
	dayOfYear := (153*shifted+2)/5 + day - 1
	dayOfEra := yearOfEra*365 + yearOfEra/4 - yearOfEra/100 + dayOfYear
	return Date(era*146097 + dayOfEra - 719468)
}

// Civil is the date's year, month and day.
func (d Date) Civil() (year, month, day int) {
	z := int(d) + 719468
	era := z / 146097
	if z < 0 {
		era = (z - 146096) / 146097
	}
	dayOfEra := z - era*146097
	yearOfEra := (dayOfEra - dayOfEra/1460 + dayOfEra/36524 - dayOfEra/146096) / 365
	dayOfYear := dayOfEra - (365*yearOfEra + yearOfEra/4 - yearOfEra/100)
	shifted := (5*dayOfYear + 2) / 153
	day = dayOfYear - (153*shifted+2)/5 + 1
	month = shifted + 3
	year = yearOfEra + era*400
	if month > 12 {
		month -= 12
	}
	if month <= 2 {
		year++
	}
	return year, month, day
}

// Year is the date's year.
func (d Date) Year() int {
	y, _, _ := d.Civil()
	return y
}

// shanghaiSeconds is UTC+8; mainland China keeps no summer time.
const shanghaiSeconds = 8 * 3600

// InShanghai is the date of an instant in Asia/Shanghai.
func InShanghai(instant time.Time) Date {
	seconds := instant.Unix() + shanghaiSeconds
	days := seconds / 86400
	if seconds%86400 < 0 {
		days--
	}
	return Date(days)
}

// Midnight is the instant at which the day begins in Asia/Shanghai.
func (d Date) Midnight() time.Time {
	return time.Unix(int64(d)*86400-shanghaiSeconds, 0).UTC()
}

// String is YYYY-MM-DD; empty for None.
func (d Date) String() string {
	if d == None {
		return ""
	}
	var text [10]byte
	y, m, day := d.Civil()
	if y < 0 || y > 9999 {
		return fmt.Sprintf("%d-%02d-%02d", y, m, day)
	}
	digits(text[0:4], y)
	text[4] = '-'
	digits(text[5:7], m)
	text[7] = '-'
	digits(text[8:10], day)
	return string(text[:])
}

func digits(into []byte, n int) {
	for i := len(into) - 1; i >= 0; i-- {
		into[i] = byte('0' + n%10)
		n /= 10
	}
}

// Parse reads YYYY-MM-DD. A day that does not exist (31 February) is refused.
func Parse(text string) (Date, error) {
	if len(text) != 10 || text[4] != '-' || text[7] != '-' {
		return None, fmt.Errorf("%w: %q", ErrDate, text)
	}
	y, okY := number(text[0:4])
	m, okM := number(text[5:7])
	day, okD := number(text[8:10])
	if !okY || !okM || !okD || y < 1900 || m < 1 || m > 12 || day < 1 || day > DaysInMonth(y, m) {
		return None, fmt.Errorf("%w: %q", ErrDate, text)
	}
	return Of(y, m, day), nil
}

// ParseOptional reads a date or the empty text, which is None.
func ParseOptional(text string) (Date, error) {
	if text == "" {
		return None, nil
	}
	return Parse(text)
}

func number(text string) (int, bool) {
	n := 0
	for _, c := range []byte(text) {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return n, true
}

// MarshalText writes the date; None is empty.
func (d Date) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads a date; empty is None.
func (d *Date) UnmarshalText(text []byte) error {
	parsed, err := ParseOptional(string(text))
	if err != nil {
		return err
	}
	*d = parsed
	return nil
}

// Leap says whether a year has 366 days.
func Leap(year int) bool { return year%4 == 0 && (year%100 != 0 || year%400 == 0) }

// DaysInMonth is the length of a month.
func DaysInMonth(year, month int) int {
	switch month {
	case 2:
		if Leap(year) {
			return 29
		}
		return 28
	case 4, 6, 9, 11:
		return 30
	default:
		return 31
	}
}

// Days is the number of days from a to b: the first counts, the last does not.
func Days(from, to Date) int { return int(to) - int(from) }
