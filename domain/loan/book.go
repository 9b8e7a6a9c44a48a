package loan

import (
	"fmt"

	"github.com/hengdai/hengdai/domain/calendar"
	"github.com/hengdai/hengdai/domain/ledger"
)

// Booking is what one event books on a loan's own account.
type Booking struct {
	// Accrued is what the loan earned since the journal last counted it, up to Through: own entries instead of a share
	// in sums of days not closed yet.
	Accrued Position
	// Moved is the effect of the event beyond its legs: allocation, reversal, correction of what was accrued too much.
	Moved Position
	// Through is the day up to which the loan is now booked: the day's closes before it take no share of it.
	Through calendar.Date
}

// Book answers what an event books. before is the life without it and after with it; through is the day up to which the
// loan was booked by its entries and its shares of closed days; legs are the entries that the order itself states
// (collected, disbursed), which the caller books beside.
func Book(before, after *Life, through calendar.Date, legs []ledger.Entry) (Booking, error) {
	b := Booking{Through: max(through, after.at)}
	if through < before.at {
		return b, fmt.Errorf("%w: booked through %s only", ErrLate, through)
	}
	stated, err := PositionOf(legs)
	if err != nil {
		return b, err
	}
	from, middle, _, err := before.Span(through, b.Through)
	if err != nil {
		return b, err
	}
	to, err := after.Position(b.Through)
	if err != nil {
		return b, err
	}
	b.Accrued, b.Moved = middle.Minus(from), to.Minus(middle).Minus(stated)
	return b, nil
}

// Opening answers what the disbursement books: after is the life just begun, valued on or before the posting day, and
// through the day up to which closes have been made. The days between are its own entries.
func Opening(after *Life, through calendar.Date) (Booking, error) {
	b := Booking{Through: max(through, after.at)}
	from, to, _, err := after.Span(after.at, b.Through)
	if err != nil {
		return b, err
	}
	b.Accrued = to.Minus(from)
	return b, nil
}

// Share is a loan's part in the sum of the close of a day: what it accrues from the beginning of the day to its end. A
// loan that is booked further already has none. standing is how it stands when the day is over.
func Share(l *Life, booked, day calendar.Date) (share Position, standing Standing, err error) {
	from := max(day, booked, l.at)
	if from > day {
		s, err := l.Standing(max(day+1, l.at))
		return Position{}, s, err
	}
	a, b, standing, err := l.Span(from, day+1)
	return b.Minus(a), standing, err
}
