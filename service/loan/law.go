package loan

import (
	"context"
	"fmt"
	"strings"

	"github.com/hengdai/hengdai/domain/calendar"
	"github.com/hengdai/hengdai/domain/legal"
	"github.com/hengdai/hengdai/domain/money"
	"github.com/hengdai/hengdai/kit/errs"
)

// methodBullet repays everything in one sum at maturity.
const (
	methodBullet        = "at_maturity"
	methodInterestFirst = "interest_first"
)

// rule is the id of the rule a legal number comes from: the first word of its source.
func rule(r legal.Row) string {
	end := strings.IndexAny(r.Source, " ;,:")
	if end < 0 {
		return r.Source
	}
	return r.Source[:end]
}

// legalRow answers the number in force; not every kind of lender has every limit.
func legalRow(parameter legal.Parameter, lender legal.Lender, on calendar.Date) (legal.Row, bool) {
	row, err := legal.Find(parameter, lender, on)
	return row, err == nil
}

// refusedByLaw answers why a lender of this type may not make such a loan on a date.
func refusedByLaw(p *product, w wish, on calendar.Date) error {
	lender := legal.Lender(p.LenderType)
	if err := longerThan(legal.TermMax, lender, w.TermMonths, on); err != nil {
		return err
	}
	if w.Method == methodBullet || w.Method == methodInterestFirst {
		if err := longerThan(legal.TermMaxBullet, lender, w.TermMonths, on); err != nil {
			return err
		}
	}
	for _, parameter := range []legal.Parameter{legal.AmountMax, legal.ESignMax} {
		row, set := legalRow(parameter, lender, on)
		if set && w.AmountMinor > row.Value {
			most := money.CNY.Format(money.Amount(row.Value))
			return errs.New(errs.Invalid, "amount.above_legal_maximum."+rule(row), "按监管规定，金额不得超过 "+most+" 元（"+rule(row)+"）。",
				"By law the amount may not be above CNY "+most+" ("+rule(row)+").").On("amountMinor")
		}
	}
	return nil
}

func longerThan(parameter legal.Parameter, lender legal.Lender, months int32, on calendar.Date) error {
	row, set := legalRow(parameter, lender, on)
	if !set || int64(months) <= row.Value {
		return nil
	}
	return errs.New(errs.Invalid, "term.above_legal_maximum."+rule(row),
		fmt.Sprintf("按监管规定，期限不得超过 %d 个月（%s）。", row.Value, rule(row)),
		fmt.Sprintf("By law the term may not be longer than %d months (%s).", row.Value, rule(row))).On("termMonths")
}

// legalLine is the greatest line a lender of this type may grant to a person; the product's greatest amount does not bound
// it, because a person may hold several loans.
func legalLine(p *product, on calendar.Date) int64 {
	row, set := legalRow(legal.AmountMax, legal.Lender(p.LenderType), on)
	if !set {
		return int64(money.MaxAmount)
	}
	return row.Value
}

// minReadSeconds is how long the table of costs must be open: the product's time, at least the law's.
func minReadSeconds(p *product, on calendar.Date) int32 {
	least, err := legal.Value(legal.ReadSeconds, legal.Lender(p.LenderType), on)
	if err != nil {
		return p.MinReadSeconds
	}
	return max(p.MinReadSeconds, int32(least))
}

// tellStaleRate says once a day, and when the process starts, that the table of loan prime rates wants an import: caps that
// are multiples of it (R61) are then computed with a rate that may be superseded.
func (s *Service) tellStaleRate(ctx context.Context) {
	today := calendar.InShanghai(s.deps.Clock.Now())
	if s.metrics.staleTold.Swap(int32(today)) == int32(today) || !legal.LPRStale(today, legal.LPRCheckedOn) {
		return
	}
	s.deps.Logger.WarnContext(ctx, "the loan prime rate is stale: import the rates published since, or the caps that follow it may be wrong",
		"checked_on", legal.LPRCheckedOn.String(), "today", today.String())
}
