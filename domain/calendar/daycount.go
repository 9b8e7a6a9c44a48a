package calendar

// DayCount is a convention for the part of a year between two dates.
type DayCount uint8

// Conventions; doc.go has their meaning.
const (
	Thirty360 DayCount = iota
	Actual360
	Actual365
	Actual364
	ActualActual
	ByPeriod
)

var dayCountNames = [...]string{
	Thirty360: "30/360", Actual360: "actual/360", Actual365: "actual/365", Actual364: "actual/364",
	ActualActual: "actual/actual", ByPeriod: "period",
}

// DayCounts lists the conventions.
var DayCounts = []DayCount{Thirty360, Actual360, Actual365, Actual364, ActualActual, ByPeriod}

// String is the convention's name.
func (c DayCount) String() string { return nameOf(dayCountNames[:], int(c)) }

// MarshalText writes the name.
func (c DayCount) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText reads the name.
func (c *DayCount) UnmarshalText(text []byte) error {
	i, err := find(dayCountNames[:], string(text), "day count")
	*c = DayCount(i)
	return err
}

// mixed is the common divisor of 365 and 366.
const mixed = 365 * 366

// Span is one period of a schedule: from its start to its regular end.
type Span struct {
	Start, End Date
	// Months is the number of whole months the period stands for; zero for weeks, days and odd periods.
	Months int
	// Odd says that the period does not have its regular length, so 30/360 counts its days as they are.
	Odd bool
}

// Divisor is the fixed denominator of the convention's fractions for periods of the unit.
func (c DayCount) Divisor(unit Unit) int64 {
	switch c {
	case Thirty360, Actual360:
		return 360
	case Actual364:
		return 364
	case Actual365:
		return 365
	case ActualActual:
		return mixed
	case ByPeriod:
		if unit == Month {
			return 360
		}
		return 365
	default:
		return 365
	}
}

// Part is the numerator over Divisor of the time from the span's start to a date inside it. It never falls as the date
// grows, and at the span's end it is the whole period.
func (c DayCount) Part(unit Unit, span Span, to Date) int64 {
	if to <= span.Start {
		return 0
	}
	days := int64(Days(span.Start, to))
	switch c {
	case ActualActual:
		return mixedDays(span.Start, to)
	case Thirty360:
		return monthly(span, to, days)
	case ByPeriod:
		if unit == Month {
			return monthly(span, to, days)
		}
		return days
	case Actual360, Actual365, Actual364:
		return days
	default:
		return days
	}
}

// monthly counts 30 days a month for a whole period; broken days as they are, never above the period's own.
func monthly(span Span, to Date, days int64) int64 {
	if span.Odd || span.Months == 0 {
		return oddMonthly(span, to, days)
	}
	whole := int64(30 * span.Months)
	if to >= span.End {
		return whole
	}
	return min(days, whole)
}

// oddMonthly counts an odd period: its whole months, counted back from its end, are 30 each and come last; the broken
// days before them count as they are.
func oddMonthly(span Span, to Date, days int64) int64 {
	_, _, day := span.End.Civil()
	whole, anchor := 0, span.End
	for {
		next := AddMonths(span.End, -(whole + 1), day, Clamp)
		if next < span.Start {
			break
		}
		whole, anchor = whole+1, next
	}
	broken := int64(Days(span.Start, anchor))
	if to <= anchor {
		return days
	}
	for month := whole - 1; month >= 0; month-- {
		end := AddMonths(span.End, -month, day, Clamp)
		if to >= end {
			broken += 30
			anchor = end
			continue
		}
		return broken + min(int64(Days(anchor, to)), 30)
	}
	return broken
}

// mixedDays counts days after start through end: those in leap years over 366, others over 365, both over 365 x 366.
func mixedDays(start, end Date) int64 {
	var sum int64
	for from := start + 1; from <= end; {
		year := from.Year()
		last := Of(year, 12, 31)
		stop := min(end, last)
		days := int64(stop-from) + 1
		if Leap(year) {
			sum += days * 365
		} else {
			sum += days * 366
		}
		from = stop + 1
	}
	return sum
}

// DayPart is the numerator over Divisor of one single broken day: the one that begins at d and ends at d+1.
func (c DayCount) DayPart(d Date) int64 {
	if c == ActualActual {
		if Leap((d + 1).Year()) {
			return 365
		}
		return 366
	}
	return 1
}
