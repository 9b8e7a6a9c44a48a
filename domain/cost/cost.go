package cost

import (
	"fmt"
	"math"

	"github.com/hengdai/hengdai/domain/calendar"
	"github.com/hengdai/hengdai/domain/money"
	"github.com/hengdai/hengdai/domain/schedule"
)

// Annual is the cost of a loan a year, as fractions (0.24 = 24 %), not rounded.
type Annual struct {
	// Periodic is the rate of one period.
	Periodic float64
	// Simple is Periodic x periods a year: 单利.
	Simple float64
	// Effective compounds it.
	Effective float64
	// Dated is n((1 + XIRR)^(1/n) - 1) on the real dates; it differs from Simple when periods are uneven.
	Dated float64
}

// PerYear is the number of periods a year.
func PerYear(every int, unit calendar.Unit) float64 {
	switch unit {
	case calendar.Week:
		return 365.0 / 7 / float64(every)
	case calendar.Day:
		return 365.0 / float64(every)
	case calendar.Month:
		return 12 / float64(every)
	default:
		return 12 / float64(every)
	}
}

// Of is the cost of a plan whose whole principal is paid out on the first day, with `upfront` paid by the borrower on
// that day and `each` more with every row (other payees' fees that the plan does not hold).
func Of(p *schedule.Plan, upfront, each money.Amount) (Annual, error) {
	n := PerYear(p.Terms.Every, p.Terms.Unit)
	flows := make([]Flow, 0, len(p.Rows)+1)
	first := Flow{Amount: float64(p.Terms.Principal - upfront)}
	flows = append(flows, first)
	for k := range p.Rows {
		flows = append(flows, Flow{At: periodOf(p, k, n), Amount: -float64(p.Rows[k].Due() + each)})
	}
	periodic, err := Rate(flows)
	if err != nil {
		return Annual{}, err
	}
	a := Annual{Periodic: periodic, Simple: periodic * n, Effective: math.Expm1(n * math.Log1p(periodic))}
	for k := range p.Rows {
		flows[k+1].At = float64(calendar.Days(p.Terms.DisbursedOn, p.Rows[k].DueOn)) / 365
	}
	yearly, err := Rate(flows)
	if err != nil {
		return Annual{}, err
	}
	a.Dated = n * math.Expm1(math.Log1p(yearly)/n)
	return a, nil
}

// periodOf is the time of row k in periods: whole periods after the first due date, which comes one period after the
// payout or, if odd, after its days.
func periodOf(p *schedule.Plan, k int, n float64) float64 {
	if len(p.Rows) == 1 && p.Terms.Instalments > 1 { // one row over the whole term
		if !p.Odd() {
			return float64(p.Terms.Instalments)
		}
		return float64(p.Rows[0].Days()) / (365 / n)
	}
	first := 1.0
	if p.Odd() {
		first = float64(p.Rows[0].Days()) / (365 / n)
	}
	return first + float64(k)
}

// Breach says that a cost is above its cap.
type Breach struct {
	// Which value broke it: "annual_simple", "annual_dated" or "annual_effective".
	Value  string
	Cost   float64
	CapPPM int64
	// Source of the cap.
	Source string
}

// Error names value, cost and cap.
func (b *Breach) Error() string {
	return fmt.Sprintf("cost: %s %.6f is above the cap of %.6f (%s)", b.Value, b.Cost, float64(b.CapPPM)/money.Million, b.Source)
}

// allowance for the last bits of floating point; a hundred-millionth of a percent.
const allowance = 1e-10

// Test compares the unrounded cost with a cap. strict tests the effective rate as well. The error is *Breach.
func (a Annual) Test(capPPM int64, strict bool, source string) error {
	limit := float64(capPPM)/money.Million + allowance
	switch {
	case a.Simple > limit:
		return &Breach{Value: "annual_simple", Cost: a.Simple, CapPPM: capPPM, Source: source}
	case a.Dated > limit:
		return &Breach{Value: "annual_dated", Cost: a.Dated, CapPPM: capPPM, Source: source}
	case strict && a.Effective > limit:
		return &Breach{Value: "annual_effective", Cost: a.Effective, CapPPM: capPPM, Source: source}
	}
	return nil
}

// Shown is a rate in hundredths of a percent, rounded up: 0.180012 is 1801. What is less than a ten-millionth above a
// step is noise of floating point and not rounded up.
func Shown(rate float64) int64 { return int64(math.Ceil(rate*10_000 - 1e-3)) }
