package calendar

import "fmt"

// MonthEnd says what a month without the wanted day gives.
type MonthEnd uint8

// Clamp gives the month's last day, Roll the first of the next month.
const (
	Clamp MonthEnd = iota
	Roll
)

var monthEndNames = [...]string{Clamp: "clamp", Roll: "roll"}

// String is the rule's name.
func (m MonthEnd) String() string { return nameOf(monthEndNames[:], int(m)) }

// MarshalText writes the name.
func (m MonthEnd) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// UnmarshalText reads the name.
func (m *MonthEnd) UnmarshalText(text []byte) error {
	i, err := find(monthEndNames[:], string(text), "month-end rule")
	*m = MonthEnd(i)
	return err
}

// AddMonths is the day n months later with the given day of the month (1-31), which is the original one and not that
// of d.
func AddMonths(d Date, n int, day int, rule MonthEnd) Date {
	y, m, _ := d.Civil()
	months := y*12 + (m - 1) + n
	y, m = months/12, months%12+1
	if last := DaysInMonth(y, m); day > last {
		if rule == Roll {
			return Of(y, m, last) + 1
		}
		day = last
	}
	return Of(y, m, day)
}

// Unit is the length of a period.
type Unit uint8

// Units of periods.
const (
	Month Unit = iota
	Week
	Day
)

var unitNames = [...]string{Month: "month", Week: "week", Day: "day"}

// String is the unit's name.
func (u Unit) String() string { return nameOf(unitNames[:], int(u)) }

// MarshalText writes the name.
func (u Unit) MarshalText() ([]byte, error) { return []byte(u.String()), nil }

// UnmarshalText reads the name.
func (u *Unit) UnmarshalText(text []byte) error {
	i, err := find(unitNames[:], string(text), "unit")
	*u = Unit(i)
	return err
}

// Step is the date n periods of `every` units after d. day is the original day of the month, for months.
func Step(d Date, n, every int, unit Unit, day int, rule MonthEnd) Date {
	switch unit {
	case Week:
		return d + Date(7*n*every)
	case Day:
		return d + Date(n*every)
	case Month:
		return AddMonths(d, n*every, day, rule)
	default:
		return AddMonths(d, n*every, day, rule)
	}
}

func nameOf(names []string, i int) string {
	if i >= 0 && i < len(names) {
		return names[i]
	}
	return fmt.Sprintf("unknown(%d)", i)
}

func find(names []string, name, what string) (int, error) {
	for i, n := range names {
		if n == name {
			return i, nil
		}
	}
	return 0, fmt.Errorf("calendar: unknown %s %q", what, name)
}
