package loan

import (
	"errors"
	"fmt"

	loanv1 "github.com/hengdai/hengdai/api/loan/v1"
	"github.com/hengdai/hengdai/domain/calendar"
	"github.com/hengdai/hengdai/domain/cost"
	"github.com/hengdai/hengdai/domain/legal"
	"github.com/hengdai/hengdai/domain/money"
	"github.com/hengdai/hengdai/domain/schedule"
	"github.com/hengdai/hengdai/kit/errs"
)

// priced is the plan of a wish at a price with what it costs a year. A quote, a disclosure, a contract and a product's
// check all come from here, and servicing makes the plan of the real loan from the same terms.
type priced struct {
	plan   *schedule.Plan
	annual cost.Annual
	cap    legal.Cap
}

// terms are the schedule's terms of a wish at a rate.
func (p *product) terms(w wish, ratePPM int64, disbursedOn calendar.Date) (schedule.Terms, error) {
	t := schedule.Terms{
		Principal: money.Amount(w.AmountMinor), RatePPM: ratePPM, Method: w.Method, Instalments: int(w.TermMonths), Every: 1,
		Unit: calendar.Month, DisbursedOn: disbursedOn, FirstDueOn: calendar.None, DueDay: int(p.DueDay), FirstPeriod: schedule.Level,
	}
	var err error
	if t.Rounding, err = money.ParseRounding(p.Rounding); err != nil {
		return t, fmt.Errorf("reading the rounding: %w", err)
	}
	if err := t.DayCount.UnmarshalText([]byte(p.DayCount)); err != nil {
		return t, fmt.Errorf("reading the day count: %w", err)
	}
	if err := t.MonthEnd.UnmarshalText([]byte(p.MonthEnd)); err != nil {
		return t, fmt.Errorf("reading the rule of month ends: %w", err)
	}
	t.FeeEach, err = p.feeEach(w)
	return t, err
}

// feeEach is what all fees together ask for with each instalment: the annual rate on the principal lent, in equal parts.
func (p *product) feeEach(w wish) (money.Amount, error) {
	months := int64(1)
	if m, known := schedule.Find(w.Method); known && m.SingleRow {
		months = int64(w.TermMonths)
	}
	var sum money.Amount
	for _, f := range p.Fees {
		part, err := money.MulDiv(money.Amount(w.AmountMinor), int64(f.RatePPM)*months, 12*money.Million, money.Down)
		if err != nil {
			return 0, fmt.Errorf("computing the fee %s: %w", f.Code, err)
		}
		sum += part
	}
	return sum, nil
}

// pricePlan makes plan and cost and refuses what costs more than the law allows on that day.
func (p *product) pricePlan(w wish, ratePPM int64, disbursedOn calendar.Date) (priced, error) {
	t, err := p.terms(w, ratePPM, disbursedOn)
	if err != nil {
		return priced{}, err
	}
	plan, err := schedule.Make(t)
	if err != nil {
		return priced{}, refusedTerms(err)
	}
	annual, err := cost.Of(plan, 0, 0)
	if err != nil {
		return priced{}, errs.Wrap(err, "computing the annual cost")
	}
	lender := legal.Lender(p.LenderType)
	limit, err := legal.CostCap(lender, int(w.TermMonths), disbursedOn)
	if err != nil {
		return priced{}, errs.Wrap(err, "reading the legal cap")
	}
	strict, err := legal.Value(legal.CostTestEffective, lender, disbursedOn)
	if err != nil {
		return priced{}, errs.Wrap(err, "reading how the cap is tested")
	}
	out := priced{plan: plan, annual: annual, cap: limit}
	return out, refusedCost(annual.Test(limit.PPM, strict == 1, limit.Row.Source), limit)
}

func refusedTerms(err error) error {
	var r *schedule.Refusal
	if !errors.As(err, &r) {
		return errs.Wrap(err, "making the plan")
	}
	return errs.New(errs.Invalid, "plan."+r.Term, "按这些条件无法生成还款计划（"+r.Term+"）。", "These terms give no plan: "+r.Term+" "+r.Why+".").Because(err)
}

func refusedCost(err error, limit legal.Cap) error {
	var b *cost.Breach
	if err == nil || !errors.As(err, &b) {
		return err
	}
	return errs.New(errs.Invalid, "cost.above_cap."+rule(limit.Row),
		fmt.Sprintf("年化综合融资成本 %s 超过法定上限 %s（%s）。", percent(cost.Shown(b.Cost)), percent(limit.PPM/100), rule(limit.Row)),
		fmt.Sprintf("The annual cost of %s is above the legal cap of %s (%s).", percent(cost.Shown(b.Cost)), percent(limit.PPM/100), rule(limit.Row))).Because(err)
}

// percent writes hundredths of a percent: 1801 is "18.01%".
func percent(hundredths int64) string {
	return fmt.Sprintf("%d.%02d%%", hundredths/100, hundredths%100)
}

// ratePercent writes a rate in parts per million as a percentage with as many decimals as it needs, at least two.
func ratePercent(ppm int64) string {
	text := fmt.Sprintf("%d.%04d", ppm/10_000, ppm%10_000)
	for text[len(text)-1] == '0' && text[len(text)-3] != '.' {
		text = text[:len(text)-1]
	}
	return text + "%"
}

func toPlanRows(p *schedule.Plan) []*loanv1.PlanRow {
	out := make([]*loanv1.PlanRow, 0, len(p.Rows))
	for _, r := range p.Rows {
		out = append(out, &loanv1.PlanRow{Number: int32(r.Number), DueOn: r.DueOn.String(), PrincipalMinor: int64(r.Principal),
			InterestMinor: int64(r.Interest), FeeMinor: int64(r.Fee), TotalMinor: int64(r.Due()), BalanceMinor: int64(r.Balance)})
	}
	return out
}

func toCost(p priced) *loanv1.Cost {
	principal, interest, fees := p.plan.Totals()
	return &loanv1.Cost{
		PrincipalMinor: int64(principal), InterestMinor: int64(interest), FeeMinor: int64(fees), TotalMinor: int64(principal + interest + fees),
		AnnualSimplePpm: int32(cost.Shown(p.annual.Simple) * 100), AnnualEffectivePpm: int32(cost.Shown(p.annual.Effective) * 100),
		SimpleLabel: "单利", CapPpm: int32(p.cap.PPM),
	}
}
