package schedule

import (
	"github.com/hengdai/hengdai/domain/calendar"
	"github.com/hengdai/hengdai/domain/money"
)

// Plan is the rows of a loan with what is needed to accrue inside a row.
type Plan struct {
	Terms Terms
	Rows  []Row
	// divisor of all rate factors: 1,000,000 x the day count's.
	divisor int64
	method  *Method
	odd     bool
}

// Make computes the plan. The error is a *Refusal (ErrTerms).
func Make(t Terms) (*Plan, error) {
	if err := t.Check(); err != nil {
		return nil, err
	}
	method, known := Find(t.Method)
	if !known {
		return nil, refuse("method", "%q is unknown", t.Method)
	}
	p := &Plan{Terms: t, divisor: money.Million * t.DayCount.Divisor(t.Unit), method: method, odd: t.odd()}
	if err := p.layDates(); err != nil {
		return nil, err
	}
	if err := method.fill(p); err != nil {
		return nil, err
	}
	p.applyGrace()
	return p, p.check()
}

// layDates makes the rows with their periods.
func (p *Plan) layDates() error {
	n := p.Terms.Instalments
	if p.method.SingleRow {
		p.Rows = []Row{{Number: 1, StartOn: p.Terms.DisbursedOn, DueOn: p.Terms.dueOn(n), Fee: p.Terms.FeeEach}}
		return nil
	}
	p.Rows = make([]Row, n)
	from := p.Terms.DisbursedOn
	for k := range p.Rows {
		due := p.Terms.dueOn(k + 1)
		if due <= from {
			return refuse("first_due_on", "row %d would fall due on %s, not after %s", k+1, due, from)
		}
		p.Rows[k] = Row{Number: k + 1, StartOn: from, DueOn: due, Fee: p.Terms.FeeEach}
		from = due
	}
	return nil
}

// span is the period of row k (0-based) as the day count sees it.
func (p *Plan) span(k int) calendar.Span {
	r := &p.Rows[k]
	s := calendar.Span{Start: r.StartOn, End: r.DueOn}
	if p.Terms.Unit == calendar.Month {
		s.Months = p.Terms.Every
		if p.method.SingleRow {
			s.Months *= p.Terms.Instalments
		}
	}
	s.Odd = k == 0 && p.odd
	return s
}

// factor is the numerator of row k's rate factor over p.divisor.
func (p *Plan) factor(k int) int64 { return p.factorTo(k, p.Rows[k].DueOn) }

func (p *Plan) factorTo(k int, to calendar.Date) int64 {
	return p.Terms.RatePPM * p.Terms.DayCount.Part(p.Terms.Unit, p.span(k), to)
}

// interest is the rounded interest of row k on a balance.
func (p *Plan) interest(k int, balance money.Amount) (money.Amount, error) {
	return money.MulDiv(balance, p.factor(k), p.divisor, p.Terms.Rounding)
}

// Divisor is the denominator of the numerators that Earning adds.
func (p *Plan) Divisor() int64 { return p.divisor }

// Straight says that the interest of a row is earned evenly by days and does not follow the balance.
func (p *Plan) Straight() bool { return p.method.Straight }

// Free says that the interest of row k (0-based) is never due.
func (p *Plan) Free(k int) bool {
	return p.Terms.GraceInterest == Free && k < p.Terms.GraceRows
}

// Earning is the numerator, over Divisor, of what a balance of one minor unit earns in row k between two dates of its
// period. The parts of a period add up to the whole.
func (p *Plan) Earning(k int, from, to calendar.Date) int64 {
	if p.Free(k) {
		return 0
	}
	return p.factorTo(k, to) - p.factorTo(k, from)
}

// RowAt is the index of the row whose period holds the day that begins at d; len(Rows) after the last.
func (p *Plan) RowAt(d calendar.Date) int {
	low, high := 0, len(p.Rows)
	for low < high {
		middle := (low + high) / 2
		if p.Rows[middle].DueOn <= d {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return low
}

// LastDue is the due date of the last row.
func (p *Plan) LastDue() calendar.Date { return p.Rows[len(p.Rows)-1].DueOn }

// Totals adds the columns up.
func (p *Plan) Totals() (principal, interest, fee money.Amount) {
	for i := range p.Rows {
		principal += p.Rows[i].Principal
		interest += p.Rows[i].Interest
		fee += p.Rows[i].Fee
	}
	return principal, interest, fee
}

// applyGrace moves or drops the interest of the first rows. Methods fill Interest with what each period earns.
func (p *Plan) applyGrace() {
	var carried money.Amount
	for k := range p.Rows {
		r := &p.Rows[k]
		r.Earned = r.Interest
		if k < p.Terms.GraceRows && !p.method.SingleRow {
			switch p.Terms.GraceInterest {
			case Deferred:
				carried += r.Interest
				r.Interest = 0
			case Free:
				r.Interest, r.Earned = 0, 0
			case NoGrace:
			}
			continue
		}
		r.Interest += carried
		carried = 0
	}
}

// check proves what every plan promises, in production too.
func (p *Plan) check() error {
	var principal money.Amount
	before := p.Terms.Principal
	for i := range p.Rows {
		r := &p.Rows[i]
		if r.Principal < 0 || r.Interest < 0 || r.Fee < 0 {
			return refuse("method", "row %d would have a negative part", r.Number)
		}
		if r.Balance != before-r.Principal || r.Balance < 0 {
			return refuse("method", "row %d does not carry its balance", r.Number)
		}
		before = r.Balance
		principal += r.Principal
	}
	if principal != p.Terms.Principal {
		return refuse("method", "the principal of the rows adds up to %d", principal)
	}
	return nil
}

// Odd says that the first period does not have the regular length.
func (p *Plan) Odd() bool { return p.odd }
