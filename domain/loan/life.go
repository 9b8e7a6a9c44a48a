package loan

import (
	"errors"
	"fmt"

	"github.com/hengdai/hengdai/domain/allocate"
	"github.com/hengdai/hengdai/domain/calendar"
	"github.com/hengdai/hengdai/domain/money"
	"github.com/hengdai/hengdai/domain/schedule"
)

// Life is a loan brought to a day. Make one with Begin or Decode.
type Life struct {
	terms *Terms
	plan  *schedule.Plan
	scale scale

	// at is the day before whose beginning everything is accrued.
	at calendar.Date
	// next is the index of the plan's next row to fall due; future is the principal of it and all later rows.
	next   int
	future money.Amount
	// cut: paid off early or all called; no row follows.
	cut bool
	// earned is the interest of the rows before next, dueInterest what of it fell due, earnedFee their fees.
	earned, dueInterest, earnedFee money.Amount

	// open are the due rows that still owe something, oldest first; closed is what the others were charged.
	open   []row
	closed allocate.Amounts
	paid   allocate.Amounts

	received, refundPayable, refunded money.Amount

	suspended, returned, cancelled bool
	lock                           Lock
	trimmed                        money.Sum

	// history keeps closed rows for those who ask for the whole schedule; nil if nobody does.
	history *[]row

	// held is money received that was taken back later on; only within a replay.
	held money.Amount
}

// row is an instalment that has fallen due.
type row struct {
	number                   int
	due                      calendar.Date
	principal, interest, fee money.Amount
	paid, cover              allocate.Amounts
	shield                   allocate.Amounts // of held money, only within a replay
	penalty, compound        money.Sum
	// met is the day it was paid in full; only kept in a history.
	met calendar.Date
}

// Lock is money under way.
type Lock struct {
	OrderID int64
	Amount  money.Amount
	On      calendar.Date
	Payoff  bool
}

// Errors of a life.
var (
	// ErrLate: the event is valued before another that was already counted; replay from the beginning.
	ErrLate = errors.New("loan: the event is valued before the last one")
	// ErrNotNow: the event does not fit the loan.
	ErrNotNow = errors.New("loan: the event does not fit")
)

// scale holds the fixed factors of a loan's penalty arithmetic.
type scale struct {
	den     int64 // of all numerators
	perDay  int64 // units of the divisor in one part of the day count
	rate    int64 // contract rate x 1000
	overdue int64 // contract rate x penalty factor
	cap     int64 // running cap x 1000
	in365   int64
	in366   int64
}

const yearsProduct = 365 * 366

func scaleOf(t *Terms) scale {
	divisor := t.Plan.DayCount.Divisor(t.Plan.Unit)
	common := divisor / gcd(divisor, yearsProduct) * yearsProduct
	return scale{
		den: money.Million * 1000 * common, perDay: common / divisor,
		rate: t.Plan.RatePPM * 1000, overdue: t.Plan.RatePPM * t.PenaltyPermille, cap: t.RunningCapPPM * 1000,
		in365: common / 365, in366: common / 366,
	}
}

func gcd(a, b int64) int64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// Begin starts a life on the day the money left. The terms' plan runs from that day.
func Begin(terms Terms, on calendar.Date) (*Life, error) {
	terms.Plan.DisbursedOn = on
	if err := terms.Check(); err != nil {
		return nil, err
	}
	plan, err := schedule.Make(terms.Plan)
	if err != nil {
		return nil, err
	}
	return start(&terms, plan), nil
}

func start(terms *Terms, plan *schedule.Plan) *Life {
	return &Life{terms: terms, plan: plan, scale: scaleOf(terms), at: terms.Plan.DisbursedOn, future: terms.Plan.Principal}
}

// Clone is a copy that can be changed by itself.
func (l *Life) Clone() *Life {
	c := *l
	c.open = append([]row(nil), l.open...)
	c.history = nil
	return &c
}

// Plan is the loan's schedule.
func (l *Life) Plan() *schedule.Plan { return l.plan }

// Terms are the contract's.
func (l *Life) Terms() *Terms { return l.terms }

// At is the day the life was brought to.
func (l *Life) At() calendar.Date { return l.at }

// Locked is the money under way; OrderID zero if none.
func (l *Life) Locked() Lock { return l.lock }

// Suspended says that income is not booked (非应计).
func (l *Life) Suspended() bool { return l.suspended }

// Unapplied is money received that serves nothing yet.
func (l *Life) Unapplied() money.Amount {
	if l.returned {
		return l.received - l.refundPayable - l.refunded
	}
	return l.received - l.paid.Total() - l.refundPayable - l.refunded
}

// Advance accrues through the day before `to`.
func (l *Life) Advance(to calendar.Date) error {
	if to < l.at {
		return fmt.Errorf("%w: %s is before %s", ErrLate, to, l.at)
	}
	l.fallDue()
	for l.at < to {
		stop := to
		if due := l.nextDue(); due != calendar.None && due < stop {
			stop = due
		}
		if len(l.open) > 0 && !l.returned {
			// The days of a stretch end in one year, for the sake of 365 and 366.
			if l.held > 0 {
				l.shield()
			}
			year := (l.at + 1).Year()
			stop = min(stop, calendar.Of(year, 12, 31))
			l.charge(calendar.Days(l.at, stop), calendar.Leap(year))
		}
		l.at = stop
		l.fallDue()
	}
	return nil
}

// nextDue is the next due date; None after the last.
func (l *Life) nextDue() calendar.Date {
	if l.cut || l.next >= len(l.plan.Rows) {
		return calendar.None
	}
	return l.plan.Rows[l.next].DueOn
}

// fallDue opens the rows whose due date has come.
func (l *Life) fallDue() {
	for {
		due := l.nextDue()
		if due == calendar.None || due > l.at {
			return
		}
		r := &l.plan.Rows[l.next]
		l.earned += r.Earned
		l.dueInterest += r.Interest
		l.earnedFee += r.Fee
		l.future -= r.Principal
		l.next++
		l.open = append(l.open, row{number: r.Number, due: r.DueOn, principal: r.Principal, interest: r.Interest, fee: r.Fee, met: calendar.None})
	}
}

// charge adds so many equal days of penalty and compound interest to the open rows, cut to the running cap.
func (l *Life) charge(days int, leap bool) {
	part := l.scale.perDay * l.dayPart(leap)
	var penalties, compounds, unpaid money.Sum
	unpaidPrincipal := l.future
	for i := range l.open {
		r := &l.open[i]
		unpaidPrincipal += r.principal - r.paid[allocate.Principal]
		penalties.Add3(int64(r.exposed(allocate.Principal)), l.scale.overdue, part)
		if l.terms.Compound {
			compounds.Add3(int64(r.exposed(allocate.Interest)), l.scale.overdue, part)
		}
	}
	if penalties.IsZero() && compounds.IsZero() {
		return
	}
	yearUnits := l.scale.in365
	if leap {
		yearUnits = l.scale.in366
	}
	unpaid.Add3(int64(unpaidPrincipal), l.scale.cap, yearUnits)
	room := unpaid.Minus(l.ordinary(part))
	l.spread(days, part, penalties, compounds, room)
}

// ordinary is the day's interest and fee, which the cap counts first.
func (l *Life) ordinary(part int64) money.Sum {
	var s money.Sum
	if l.cut || l.next >= len(l.plan.Rows) {
		return s
	}
	if !l.plan.Free(l.next) {
		s.Add3(int64(l.future), l.scale.rate, part)
	}
	if r := &l.plan.Rows[l.next]; r.Fee > 0 {
		s.Add(int64(r.Fee), l.scale.den/int64(max(1, r.Days())))
	}
	return s
}

// spread gives each open row its part of what the cap leaves, for so many days, and counts what was trimmed.
func (l *Life) spread(days int, part int64, penalties, compounds, room money.Sum) {
	allowedPenalty, allowedCompound := penalties, compounds
	if room.Less(penalties) {
		allowedPenalty, allowedCompound = room, money.Sum{}
	} else if rest := room.Minus(penalties); rest.Less(compounds) {
		allowedCompound = rest
	}
	l.trimmed.AddSum(penalties.Minus(allowedPenalty), int64(days))
	l.trimmed.AddSum(compounds.Minus(allowedCompound), int64(days))
	for i := range l.open {
		r := &l.open[i]
		var p, c money.Sum
		p.Add3(int64(r.exposed(allocate.Principal)), l.scale.overdue, part)
		r.penalty.AddSum(p.Share(allowedPenalty, penalties), int64(days))
		if l.terms.Compound {
			c.Add3(int64(r.exposed(allocate.Interest)), l.scale.overdue, part)
			r.compound.AddSum(c.Share(allowedCompound, compounds), int64(days))
		}
	}
}

// dayPart is the numerator of one day.
func (l *Life) dayPart(leap bool) int64 {
	if l.terms.Plan.DayCount != calendar.ActualActual {
		return 1
	}
	if leap {
		return 365
	}
	return 366
}

// exposed is what of a component is due, unpaid and not under way.
func (r *row) exposed(c allocate.Component) money.Amount {
	owed := r.principal
	if c == allocate.Interest {
		owed = r.interest
	}
	return max(0, owed-r.paid[c]-r.cover[c]-r.shield[c])
}

// owed is what the row asks for on a day: all components less what was paid.
func (l *Life) owed(r *row, on calendar.Date) (allocate.Amounts, error) {
	charged, err := l.charged(r, on)
	if err != nil {
		return charged, err
	}
	return charged.Minus(r.paid), nil
}

// charged is what the row was charged through a day.
func (l *Life) charged(r *row, on calendar.Date) (allocate.Amounts, error) {
	a := allocate.Amounts{allocate.Fee: r.fee, allocate.Interest: r.interest, allocate.Principal: r.principal}
	if calendar.Days(r.due, on) <= l.terms.GraceDays {
		return a, nil
	}
	penalty, err := r.penalty.Over(l.scale.den, l.terms.Plan.Rounding)
	if err != nil {
		return a, fmt.Errorf("loan: penalty of row %d: %w", r.number, err)
	}
	compound, err := r.compound.Over(l.scale.den, l.terms.Plan.Rounding)
	if err != nil {
		return a, fmt.Errorf("loan: compound interest of row %d: %w", r.number, err)
	}
	a[allocate.Penalty], a[allocate.Compound] = penalty, compound
	return a, nil
}

// running is the interest and the fee of the current row so far, on a day not before at and not after its due date.
func (l *Life) running(on calendar.Date) (interest, fee money.Amount, err error) {
	if l.cut || l.returned || l.next >= len(l.plan.Rows) {
		return 0, 0, nil
	}
	r := &l.plan.Rows[l.next]
	elapsed, whole := int64(calendar.Days(r.StartOn, on)), int64(r.Days())
	if elapsed <= 0 {
		return 0, 0, nil
	}
	rounding := l.terms.Plan.Rounding
	if l.plan.Straight() {
		interest, err = money.MulDiv(r.Earned, elapsed, whole, rounding)
	} else {
		interest, err = money.MulDiv(l.future, l.plan.Earning(l.next, r.StartOn, on), l.plan.Divisor(), rounding)
	}
	if err != nil {
		return 0, 0, fmt.Errorf("loan: interest of row %d: %w", r.Number, err)
	}
	fee, err = money.MulDiv(r.Fee, elapsed, whole, money.Down)
	return interest, fee, err
}
