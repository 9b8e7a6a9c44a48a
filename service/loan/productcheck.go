package loan

import (
	"errors"
	"fmt"
	"slices"

	"github.com/hengdai/hengdai/domain/calendar"
	"github.com/hengdai/hengdai/domain/legal"
	"github.com/hengdai/hengdai/domain/money"
	"github.com/hengdai/hengdai/domain/schedule"
	"github.com/hengdai/hengdai/kit/errs"
)

// check answers everything that is wrong with a product; none: it may be proposed. The law is that of the first day on
// which a loan could be made: a day in the past is taken as today.
func (s *Service) check(p *product, today calendar.Date) []*errs.Error {
	var faults []*errs.Error
	add := func(field, reason, zh, en string) {
		faults = append(faults, errs.New(errs.Invalid, "product."+reason, zh, en).On("product."+field))
	}
	lender := legal.Lender(p.LenderType)
	if !lender.MayLend() {
		add("lenderType", "lender_type", "未知的放贷机构类型。", "This kind of lender is not known.")
	}
	from, err := calendar.Parse(p.EffectiveFrom)
	if err != nil {
		add("effectiveFrom", "effective_from", "生效日期不存在。", "The first day on offer does not exist.")
		return faults
	}
	if to, err := calendar.ParseOptional(p.EffectiveTo); err != nil || (to != calendar.None && to < from) {
		add("effectiveTo", "effective_to", "失效日期须不早于生效日期。", "The last day on offer must not be before the first.")
	}
	checkAmounts(p, add)
	checkGrades(p, add)
	checkMethods(p, add)
	s.checkRefs(p, add)
	checkFees(p, add)
	checkKept(p, add)
	if len(faults) > 0 {
		return faults
	}
	return checkLaw(p, lender, max(from, today))
}

type addFault = func(field, reason, zh, en string)

func checkAmounts(p *product, add addFault) {
	switch {
	case p.MinAmountMinor <= 0 || p.MaxAmountMinor < p.MinAmountMinor:
		add("maxAmountMinor", "amount_range", "最高金额须不低于最低金额。", "The greatest amount must not be below the least.")
	case p.AmountStepMinor <= 0 || p.MinAmountMinor%p.AmountStepMinor != 0:
		add("amountStepMinor", "amount_step", "最低金额须是步长的整数倍。", "The least amount must be a multiple of the step.")
	}
}

func checkGrades(p *product, add addFault) {
	seen := map[string]bool{}
	for i, g := range p.Grades {
		field := fmt.Sprintf("grades[%d]", i)
		if seen[g.Grade] {
			add(field, "grade_twice", "等级 "+g.Grade+" 重复。", "Grade "+g.Grade+" stands twice.")
		}
		seen[g.Grade] = true
		if g.RatePPM <= 0 {
			add(field, "grade_rate", "等级 "+g.Grade+" 的利率须大于零。", "The rate of grade "+g.Grade+" must be above zero.")
		}
		if g.MaxLimitMinor < p.MinAmountMinor {
			add(field, "grade_limit", "等级 "+g.Grade+" 的额度低于最低金额。", "The limit of grade "+g.Grade+" is below the least amount.")
		}
	}
	if len(p.Grades) == 0 {
		add("grades", "grades_missing", "至少需要一个等级。", "At least one grade is needed.")
	}
}

func checkMethods(p *product, add addFault) {
	for _, m := range p.Methods {
		if _, known := schedule.Find(m); !known {
			add("methods", "method_unknown", "未知的还款方式："+m+"。", "This repayment method is not known: "+m+".")
		}
	}
	if len(p.Methods) == 0 || len(p.TermsMonths) == 0 {
		add("termsMonths", "terms_missing", "至少需要一个期限和一种还款方式。", "At least one term and one method are needed.")
	}
	seen := map[int32]bool{}
	for _, t := range p.TermsMonths {
		if t <= 0 || seen[t] {
			add("termsMonths", "term", fmt.Sprintf("期限 %d 无效或重复。", t), fmt.Sprintf("The term %d is wrong or stands twice.", t))
		}
		seen[t] = true
	}
	if _, err := p.terms(wish{AmountMinor: 1, TermMonths: 1}, 1, calendar.Of(2026, 1, 1)); err != nil {
		add("dayCount", "day_count", "计息基准、月末规则或舍入方式未知。", "The day count, month end or rounding is not known.")
	}
}

// checkKept refuses what a contract could state and servicing does not carry out yet: nothing is promised in vain.
func checkKept(p *product, add addFault) {
	later := []struct {
		asked         bool
		field, reason string
	}{
		{p.DueDay != 0, "dueDay", "due_day"}, {p.CoolingOffDays != 0, "coolingOffDays", "cooling_off"}, {len(p.Regions) > 0, "regions", "regions"},
		{p.Prepayment != "interest_to_day", "prepayment", "prepayment"}, {!p.GraceFromDue && p.GraceDays > 0, "graceFromDue", "grace_from_due"},
	}
	for _, l := range later {
		if l.asked {
			add(l.field, l.reason+"_not_served", "该参数目前尚不支持。", "This parameter is not served yet.")
		}
	}
}

func (s *Service) checkRefs(p *product, add addFault) {
	for _, code := range p.Purposes {
		known, ok := s.purposes.find(code)
		if !ok {
			add("purposes", "purpose_unknown", "未知的用途："+code+"。", "This purpose is not known: "+code+".")
			continue
		}
		if r := known.bannedBy(p.LenderType); r != "" {
			add("purposes", "purpose_banned."+r, "该类机构不得用于："+known.NameZH+"（"+r+"）。", "This lender may not lend for: "+known.NameEN+" ("+r+").")
		}
	}
	if _, ok := s.templates[p.ContractTemplate]; !ok {
		add("contractTemplate", "contract_template", "没有这个合同模板。", "There is no such contract template.")
	}
	parts := []string{"cost", "fee", "penalty", "compound", "interest", "principal"}
	order := slices.Clone(p.AllocationOrder)
	slices.Sort(order)
	slices.Sort(parts)
	if !slices.Equal(order, parts) {
		add("allocationOrder", "allocation_order", "入账顺序须恰好包含全部六个组成部分。", "The order must hold each of the six parts exactly once.")
	}
}

// checkFees keeps out what may not be charged: anything at payout (R15), anything for a role that may not collect (R6).
func checkFees(p *product, add addFault) {
	for i, f := range p.Fees {
		field := fmt.Sprintf("fees[%d]", i)
		if f.Charged != "each_instalment" {
			add(field, "fee_upfront.R15", "不得在放款时或放款前收取费用（R15）。", "Nothing may be charged on or before payout (R15).")
		}
		if f.PayeeRole != "lender" {
			add(field, "fee_payee", "暂不支持由其他机构收取费用。", "Fees of other payees are not offered yet.")
		}
	}
}

// checkLaw tries the law on what the product allows: every term and method, the least and the greatest amount, the dearest
// grade, payout on the days of the year that make a month long or short.
func checkLaw(p *product, lender legal.Lender, from calendar.Date) []*errs.Error {
	var faults []*errs.Error
	days := []calendar.Date{from}
	if to, err := calendar.ParseOptional(p.EffectiveTo); err == nil && to != calendar.None {
		days = append(days, to)
	}
	for _, on := range days {
		for _, m := range p.Methods {
			for _, t := range p.TermsMonths {
				if err := refusedByLaw(p, wish{AmountMinor: p.MaxAmountMinor, TermMonths: t, Method: m}, on); err != nil {
					return append(faults, asFault(err))
				}
			}
		}
		if err := penaltyOutOfLaw(p, lender, on); err != nil {
			faults = append(faults, err)
		}
		for _, g := range p.Grades {
			if line := legalLine(p, on); g.MaxLimitMinor > line {
				faults = append(faults, errs.New(errs.Invalid, "product.grade_limit_above_law", "等级 "+g.Grade+" 的额度超过法定上限 "+money.CNY.Format(money.Amount(line))+" 元。",
					"The limit of grade "+g.Grade+" is above the legal CNY "+money.CNY.Format(money.Amount(line))+".").On("product.grades"))
			}
		}
	}
	if worst, found := worstCase(p, from); found && worst.err != nil {
		faults = append(faults, overCap(worst))
	}
	return faults
}

func asFault(err error) *errs.Error {
	zh, en := sentences(err)
	return errs.New(errs.Invalid, "product."+errs.ReasonOf(err), zh, en).Because(err)
}

// sentences are what a person is told of an error.
func sentences(err error) (zh, en string) {
	var e *errs.Error
	if errors.As(err, &e) {
		return e.ZH, e.EN
	}
	return errs.General(errs.Internal)
}

func penaltyOutOfLaw(p *product, lender legal.Lender, on calendar.Date) *errs.Error {
	low, lowSet := legalRow(legal.PenaltyMin, lender, on)
	high, highSet := legalRow(legal.PenaltyMax, lender, on)
	factor := int64(p.PenaltyFactorPPM) / 1000
	if !lowSet || !highSet || (factor >= low.Value && factor <= high.Value && p.PenaltyFactorPPM%1000 == 0) {
		return nil
	}
	return errs.New(errs.Invalid, "product.penalty_factor."+rule(high), fmt.Sprintf("罚息倍数须在 %d.%d 至 %d.%d 倍之间（%s）。", low.Value/1000, low.Value%1000/100, high.Value/1000, high.Value%1000/100, rule(high)),
		fmt.Sprintf("The penalty factor must be between %d.%d and %d.%d (%s).", low.Value/1000, low.Value%1000/100, high.Value/1000, high.Value%1000/100, rule(high))).On("product.penaltyFactorPpm")
}

// trial is one case of a product.
type trial struct {
	wish
	grade grade
	on    calendar.Date
	plan  priced
	err   error
}

// String names the case.
func (t trial) String() string {
	return fmt.Sprintf("%s, %d months, CNY %s, grade %s at %s, paid out on %s", t.Method, t.TermMonths,
		money.CNY.Format(money.Amount(t.AmountMinor)), t.grade.Grade, ratePercent(int64(t.grade.RatePPM)), t.on)
}

func overCap(t trial) *errs.Error {
	zh, en := sentences(t.err)
	return errs.New(errs.Invalid, "product."+errs.ReasonOf(t.err), "存在超过上限的情形："+t.String()+"。"+zh,
		"One case breaks it: "+t.String()+". "+en).On("product.grades").Because(t.err)
}

// worstCase is the dearest case a product allows: the first that the law refuses, else the one with the highest cost.
func worstCase(p *product, from calendar.Date) (trial, bool) {
	var worst trial
	found := false
	for _, m := range p.Methods {
		for _, months := range p.TermsMonths {
			for _, amount := range []int64{p.MinAmountMinor, p.MaxAmountMinor} {
				for _, on := range trialDays(from, months) {
					t := trial{wish: wish{AmountMinor: amount, TermMonths: months, Method: m}, grade: p.dearest(), on: on}
					t.plan, t.err = p.pricePlan(t.wish, int64(t.grade.RatePPM), on)
					if t.err != nil {
						return t, t.plan.plan != nil
					}
					if !found || max(t.plan.annual.Simple, t.plan.annual.Dated) > max(worst.plan.annual.Simple, worst.plan.annual.Dated) {
						worst, found = t, true
					}
				}
			}
		}
	}
	return worst, found
}

// trialDays are payout days of the first year that is not a leap year: short months make a period dear by its real days,
// long ones by its interest. A long plan evens out, so fewer days are tried.
func trialDays(from calendar.Date, months int32) []calendar.Date {
	year := from.Year()
	for calendar.Leap(year) {
		year++
	}
	if months > 12 {
		return []calendar.Date{calendar.Of(year, 1, 31), calendar.Of(year, 2, 1), calendar.Of(year, 7, 1)}
	}
	var days []calendar.Date
	for month := 1; month <= 12; month++ {
		days = append(days, calendar.Of(year, month, 1), calendar.Of(year, month, 28), calendar.Of(year, month, calendar.DaysInMonth(year, month)))
	}
	return days
}
