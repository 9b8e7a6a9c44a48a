package invariant

import "math"

// annual is what a loan costs a year: the period rate times the periods, and the same by real dates.
type annual struct{ simple, dated float64 }

// costOf finds it from a plan, by halving: rates are only compared and never flow back into amounts.
func costOf(p *plan) annual {
	t := &p.terms.Plan
	periods := map[string]float64{"month": 12, "week": 365.0 / 7, "day": 365}[t.Unit] / float64(t.Every)
	byPeriod, byDate := make([]float64, len(p.rows)), make([]float64, len(p.rows))
	for k, r := range p.rows {
		byPeriod[k] = float64(k + 1)
		if t.Method == "at_maturity" {
			byPeriod[k] = float64(t.Instalments)
		}
		byDate[k] = float64(r.due-t.DisbursedOn) / 365
	}
	yearly := p.rate(byDate)
	return annual{simple: p.rate(byPeriod) * periods, dated: periods * (math.Pow(1+yearly, 1/periods) - 1)}
}

// rate is the rate at which the rows, at their times, are worth the principal.
func (p *plan) rate(at []float64) float64 {
	low, high := -0.99, 100.0
	for range 200 {
		middle := (low + high) / 2
		worth := 0.0
		for k, r := range p.rows {
			worth += float64(r.total()) / math.Pow(1+middle, at[k])
		}
		if worth > float64(p.terms.Plan.Principal) {
			low = middle
		} else {
			high = middle
		}
	}
	return (low + high) / 2
}
