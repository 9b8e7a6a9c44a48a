package invariant

import (
	"fmt"
	"math/big"
	"slices"
)

// The components of a debt.
const (
	cost = iota
	fee
	penalty
	compound
	interest
	principal
	components
)

var componentNames = [components]string{"cost", "fee", "penalty", "compound", "interest", "principal"}

// amounts is one sum a component.
type amounts [components]int64

func (a amounts) plus(b amounts) amounts {
	for i := range a {
		a[i] += b[i]
	}
	return a
}

func (a amounts) minus(b amounts) amounts {
	for i := range a {
		a[i] -= b[i]
	}
	return a
}

func (a amounts) total() int64 {
	var sum int64
	for _, v := range a {
		sum += v
	}
	return sum
}

// openRow is an instalment that has fallen due and is not paid in full. Its fractions are never changed in place.
type openRow struct {
	number          int
	due             day
	scheduled       amounts
	paid, cover     amounts
	penalty, growth *big.Rat // penalty and compound interest so far, exactly
}

// exposed is what of a component is due, unpaid and not under way.
func (r *openRow) exposed(c int) int64 { return max(0, r.scheduled[c]-r.paid[c]-r.cover[c]) }

// life is a loan lived again, one day after the other.
type life struct {
	terms *terms
	plan  *plan

	at     day // everything before this day is counted
	next   int // the next row to fall due
	future int64
	cut    bool // no row follows

	earned, dueInterest, earnedFee int64
	open                           []openRow
	latePaid                       amounts // penalty and compound of the rows that are paid
	paid                           amounts

	received, refundable, refunded int64

	suspended, returned, abandoned bool

	lockOrder, lockAmount int64
	lockOn                day
	lockPayoff            bool
}

func begin(t *terms) (*life, error) {
	p, err := makePlan(t)
	if err != nil {
		return nil, err
	}
	return &life{terms: t, plan: p, at: t.Plan.DisbursedOn, future: t.Plan.Principal, lockOn: noDay}, nil
}

func (l *life) clone() *life {
	c := *l
	c.open = slices.Clone(l.open)
	return &c
}

// advance lives through the days before `to`.
func (l *life) advance(to day) {
	l.fallDue()
	for l.at < to {
		if len(l.open) > 0 && !l.returned {
			l.liveDay(l.at + 1)
		}
		l.at++
		l.fallDue()
	}
}

func (l *life) fallDue() {
	for !l.cut && l.next < len(l.plan.rows) && l.plan.rows[l.next].due <= l.at {
		r := &l.plan.rows[l.next]
		l.earned += r.earned
		l.dueInterest += r.interest
		l.earnedFee += r.fee
		l.future -= r.principal
		l.next++
		l.open = append(l.open, openRow{number: r.number, due: r.due, penalty: new(big.Rat), growth: new(big.Rat),
			scheduled: amounts{fee: r.fee, interest: r.interest, principal: r.principal}})
	}
}

func ratio(num, den int64) *big.Rat { return big.NewRat(num, den) }

func times(a *big.Rat, n int64) *big.Rat { return new(big.Rat).Mul(a, new(big.Rat).SetInt64(n)) }

// liveDay charges the day that ends when `end` begins: penalty on overdue principal, compound interest on overdue
// interest if agreed, together with interest and fee never above the cap; compound is cut first, then penalty, and what
// is left is shared by the rows in proportion.
func (l *life) liveDay(end day) {
	t := l.terms
	of := ratio(t.dayPart(end), t.parts())
	late := new(big.Rat).Mul(of, ratio(t.Plan.RatePPM*t.PenaltyPermille, million*1000))
	var principals, interests int64
	unpaid := l.future
	for i := range l.open {
		r := &l.open[i]
		unpaid += r.scheduled[principal] - r.paid[principal]
		principals += r.exposed(principal)
		if t.Compound {
			interests += r.exposed(interest)
		}
	}
	if principals+interests == 0 {
		return
	}
	year := int64(365)
	if end.leap() {
		year = 366
	}
	room := times(ratio(t.RunningCapPPM, million*year), unpaid)
	room.Sub(room, l.ordinary(of))
	if room.Sign() < 0 {
		room = new(big.Rat)
	}
	wanted, growth := times(late, principals), times(late, interests)
	if wanted.Cmp(room) > 0 {
		wanted, growth = room, new(big.Rat)
	} else if rest := new(big.Rat).Sub(room, wanted); growth.Cmp(rest) > 0 {
		growth = rest
	}
	for i := range l.open {
		r := &l.open[i]
		if x := r.exposed(principal); x > 0 {
			r.penalty = new(big.Rat).Add(r.penalty, new(big.Rat).Mul(wanted, ratio(x, principals)))
		}
		if x := r.exposed(interest); t.Compound && x > 0 {
			r.growth = new(big.Rat).Add(r.growth, new(big.Rat).Mul(growth, ratio(x, interests)))
		}
	}
}

// ordinary is the interest and fee of a day, which the cap counts first.
func (l *life) ordinary(of *big.Rat) *big.Rat {
	sum := new(big.Rat)
	if l.cut || l.next >= len(l.plan.rows) {
		return sum
	}
	if !l.plan.free(l.next) {
		sum = times(new(big.Rat).Mul(of, ratio(l.terms.Plan.RatePPM, million)), l.future)
	}
	r := &l.plan.rows[l.next]
	return sum.Add(sum, ratio(r.fee, max(1, int64(r.due-r.start))))
}

// charged is what a row was charged by the beginning of the day that is reached. Within the days of grace there is no penalty.
func (l *life) charged(r *openRow) amounts {
	a := r.scheduled
	if int(l.at-r.due) > l.terms.GraceDays {
		a[penalty] = l.terms.Plan.Rounding.round(r.penalty)
		a[compound] = l.terms.Plan.Rounding.round(r.growth)
	}
	return a
}

func (l *life) owed(r *openRow) amounts { return l.charged(r).minus(r.paid) }

// running is interest and fee of the row that runs, up to a day.
func (l *life) running(to day) (int64, int64) {
	if l.cut || l.returned || l.next >= len(l.plan.rows) {
		return 0, 0
	}
	r := &l.plan.rows[l.next]
	passed, whole := int64(to-r.start), int64(r.due-r.start)
	if passed <= 0 {
		return 0, 0
	}
	var earned int64
	switch {
	case l.terms.Plan.Method == "flat":
		earned = l.terms.Plan.Rounding.share(r.earned, passed, whole)
	case !l.plan.free(l.next):
		earned = l.plan.interestOn(r, l.future, to)
	}
	return earned, rounding("down").share(r.fee, passed, whole)
}

// unapplied is money received that serves nothing yet.
func (l *life) unapplied() int64 {
	free := l.received - l.refundable - l.refunded
	if l.returned {
		return free
	}
	return free - l.paid.total()
}

// overdueDays counts from the due date of the oldest instalment that is neither paid nor under way.
func (l *life) overdueDays() int {
	if l.returned {
		return 0
	}
	for i := range l.open {
		r := &l.open[i]
		if r.due >= l.at {
			return 0
		}
		if left := r.scheduled.minus(r.paid).minus(r.cover); left[principal]+left[interest]+left[fee] > 0 {
			return int(l.at - r.due)
		}
	}
	return 0
}

// settled says that nothing is owed and nothing will be.
func (l *life) settled() bool {
	return len(l.open) == 0 && l.future == 0 && (l.cut || l.next >= len(l.plan.rows)) && !l.returned
}

// due and payoff are what falls due by today and what settles everything, less what is unapplied.
func (l *life) due() int64 {
	var sum int64
	for i := range l.open {
		sum += l.owed(&l.open[i]).total()
	}
	return max(0, sum-max(0, l.unapplied()))
}

func (l *life) payoff() int64 { return max(0, l.whole()-max(0, l.unapplied())) }

func (l *life) whole() int64 {
	var sum int64
	for i := range l.open {
		sum += l.owed(&l.open[i]).total()
	}
	if l.cut || l.next >= len(l.plan.rows) {
		return sum
	}
	earned, feeSum := l.running(l.interestUntil())
	return sum + l.future + l.earned + earned - l.dueInterest + feeSum
}

// interestUntil: interest runs at least for the agreed days, but not beyond the row.
func (l *life) interestUntil() day {
	least := l.terms.Plan.DisbursedOn + day(l.terms.MinimumDays)
	return max(l.at, min(least, l.plan.rows[l.next].due))
}

// component answers the place of a component by its name.
func componentOf(name string) (int, error) {
	if i := slices.Index(componentNames[:], name); i >= 0 {
		return i, nil
	}
	return 0, fmt.Errorf("this audit does not know the component %q", name)
}
