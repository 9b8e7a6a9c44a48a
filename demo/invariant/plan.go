package invariant

import (
	"fmt"
	"math/big"
)

const million = 1_000_000

// planRow is one instalment. interest is due with it, earned is what its own period bears.
type planRow struct {
	number                           int
	start, due                       day
	months                           int
	principal, interest, earned, fee int64
}

func (r planRow) total() int64 { return r.principal + r.interest + r.fee }

// plan is the schedule of a loan, recomputed from its terms in exact fractions.
type plan struct {
	terms *terms
	rows  []planRow
}

func makePlan(t *terms) (*plan, error) {
	p := &plan{terms: t}
	p.dates()
	var err error
	switch t.Plan.Method {
	case "equal_instalment":
		p.equalInstalments()
	case "equal_principal":
		p.equalPrincipal()
	case "interest_first", "at_maturity":
		p.bullet()
	case "flat":
		p.flat()
	default:
		err = fmt.Errorf("this audit does not know the method %q", t.Plan.Method)
	}
	if err != nil {
		return nil, err
	}
	p.grace()
	return p, p.sound()
}

// dates lays out the periods, each due date counted from the disbursement.
func (p *plan) dates() {
	t := &p.terms.Plan
	from, months := t.DisbursedOn, 0
	if t.Unit == "month" {
		months = t.Every
	}
	if t.Method == "at_maturity" {
		p.rows = []planRow{{number: 1, start: from, due: p.dueDate(t.Instalments), months: months * t.Instalments, fee: t.FeeEach}}
		return
	}
	for k := 1; k <= t.Instalments; k++ {
		due := p.dueDate(k)
		p.rows = append(p.rows, planRow{number: k, start: from, due: due, months: months, fee: t.FeeEach})
		from = due
	}
}

func (p *plan) dueDate(k int) day {
	t := &p.terms.Plan
	switch t.Unit {
	case "week":
		return t.DisbursedOn + day(7*t.Every*k)
	case "day":
		return t.DisbursedOn + day(t.Every*k)
	}
	return t.DisbursedOn.monthsLater(t.Every*k, t.MonthEnd == "roll")
}

// factor is what one unit earns in a row's period, from its start to a day.
func (p *plan) factor(r *planRow, to day) *big.Rat {
	t := p.terms
	return big.NewRat(t.Plan.RatePPM*t.elapsed(r.start, r.due, to, r.months), million*t.parts())
}

func (p *plan) interestOn(r *planRow, balance int64, to day) int64 {
	return p.terms.Plan.Rounding.round(new(big.Rat).Mul(p.factor(r, to), new(big.Rat).SetInt64(balance)))
}

// equalInstalments: the instalment is the principal over the sum of the discount factors.
func (p *plan) equalInstalments() {
	t := &p.terms.Plan
	one, discount, sum := big.NewRat(1, 1), big.NewRat(1, 1), new(big.Rat)
	for k := t.GracePrincipal; k < len(p.rows); k++ {
		growth := new(big.Rat).Add(one, p.factor(&p.rows[k], p.rows[k].due))
		discount = new(big.Rat).Quo(discount, growth)
		sum.Add(sum, discount)
	}
	exact := new(big.Rat).Quo(new(big.Rat).SetInt64(t.Principal), sum)
	unit := max(t.MultipleOf, 1)
	mode := t.Rounding
	if mode != "half_even" {
		mode = "half_up" // an instalment is always rounded to the nearest
	}
	instalment := unit * mode.round(new(big.Rat).Quo(exact, new(big.Rat).SetInt64(unit)))
	balance := t.Principal
	for k := range p.rows {
		r := &p.rows[k]
		r.interest = p.interestOn(r, balance, r.due)
		switch {
		case k < t.GracePrincipal:
		case k == len(p.rows)-1:
			r.principal = balance
		default:
			r.principal = min(instalment-r.interest, balance)
		}
		balance -= r.principal
	}
}

func (p *plan) equalPrincipal() {
	t := &p.terms.Plan
	balance, each := t.Principal, t.Principal/int64(len(p.rows)-t.GracePrincipal)
	for k := range p.rows {
		r := &p.rows[k]
		r.interest = p.interestOn(r, balance, r.due)
		switch {
		case k < t.GracePrincipal:
		case k == len(p.rows)-1:
			r.principal = balance
		default:
			r.principal = each
		}
		balance -= r.principal
	}
}

func (p *plan) bullet() {
	for k := range p.rows {
		p.rows[k].interest = p.interestOn(&p.rows[k], p.terms.Plan.Principal, p.rows[k].due)
	}
	p.rows[len(p.rows)-1].principal = p.terms.Plan.Principal
}

func (p *plan) flat() {
	p.equalPrincipal()
	whole := new(big.Rat)
	for k := range p.rows {
		whole.Add(whole, p.factor(&p.rows[k], p.rows[k].due))
	}
	total := p.terms.Plan.Rounding.round(whole.Mul(whole, new(big.Rat).SetInt64(p.terms.Plan.Principal)))
	each := total / int64(len(p.rows))
	for k := range p.rows {
		p.rows[k].interest = each
	}
	p.rows[len(p.rows)-1].interest = total - each*int64(len(p.rows)-1)
}

// grace carries or drops the interest of the first rows.
func (p *plan) grace() {
	t := &p.terms.Plan
	var carried int64
	for k := range p.rows {
		r := &p.rows[k]
		r.earned = r.interest
		if k >= t.GraceRows || t.GraceInterest == "" || t.Method == "at_maturity" {
			r.interest += carried
			carried = 0
			continue
		}
		if t.GraceInterest == "free" {
			r.earned = 0
		}
		carried += r.earned
		r.interest = 0
	}
}

// free says that a row's interest is never due.
func (p *plan) free(k int) bool {
	return p.terms.Plan.GraceInterest == "free" && k < p.terms.Plan.GraceRows
}

// sound: whole, and no row takes anything back.
func (p *plan) sound() error {
	var sum int64
	for _, r := range p.rows {
		if r.principal < 0 || r.interest < 0 || r.fee < 0 {
			return fmt.Errorf("row %d of the plan has a negative part", r.number)
		}
		sum += r.principal
	}
	if sum != p.terms.Plan.Principal {
		return fmt.Errorf("the plan repays %d of %d", sum, p.terms.Plan.Principal)
	}
	return nil
}
