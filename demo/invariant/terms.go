package invariant

import (
	"encoding/json"
	"errors"
	"fmt"
)

// terms are a contract's terms as loan stores them with the loan.
type terms struct {
	Plan struct {
		Principal      int64    `json:"principal_minor"`
		RatePPM        int64    `json:"rate_ppm"`
		Method         string   `json:"method"`
		DayCount       string   `json:"day_count"`
		Instalments    int      `json:"instalments"`
		Every          int      `json:"every"`
		Unit           string   `json:"unit"`
		MonthEnd       string   `json:"month_end"`
		Rounding       rounding `json:"rounding"`
		DisbursedOn    day      `json:"disbursed_on"`
		FirstDueOn     day      `json:"first_due_on"`
		DueDay         int      `json:"due_day"`
		FirstPeriod    string   `json:"first_period"`
		MultipleOf     int64    `json:"multiple_of_minor"`
		GracePrincipal int      `json:"grace_principal"`
		GraceInterest  string   `json:"grace_interest"`
		GraceRows      int      `json:"grace_interest_rows"`
		FeeEach        int64    `json:"fee_each_minor"`
	} `json:"plan"`
	Lender          string         `json:"lender"`
	PenaltyPermille int64          `json:"penalty_permille"`
	Compound        bool           `json:"compound"`
	RunningCapPPM   int64          `json:"running_cap_ppm"`
	GraceDays       int            `json:"grace_days"`
	Allocation      allocationRule `json:"allocation"`
	KeepExcess      bool           `json:"keep_excess"`
	VATPPM          int64          `json:"vat_ppm"`
	NonAccrualAfter int            `json:"non_accrual_after"`
	ClassAfter      [4]int         `json:"class_after"`
	MinimumDays     int            `json:"minimum_days"`
	DebitRetries    []int          `json:"debit_retries"`
}

// allocationRule is the contract's order of applying money.
type allocationRule struct {
	By      string   `json:"by"`
	Order   []string `json:"order"`
	BadLoan *struct {
		AfterDPD int `json:"after_dpd"`
		Order    struct {
			By    string   `json:"by"`
			Order []string `json:"order"`
		} `json:"order"`
	} `json:"bad_loan"`
}

// at is the order that holds at so many days past due.
func (a allocationRule) at(dpd int) (byComponent bool, order []string) {
	if a.BadLoan != nil && dpd > a.BadLoan.AfterDPD {
		return a.BadLoan.Order.By == "component", a.BadLoan.Order.Order
	}
	return a.By == "component", a.Order
}

// readTerms reads stored terms and refuses those whose meaning is not known here: what this audit cannot recompute, it
// does not pass.
func readTerms(text []byte, disbursedOn day) (*terms, error) {
	t := &terms{}
	if err := json.Unmarshal(text, t); err != nil {
		return nil, fmt.Errorf("terms that cannot be read: %w", err)
	}
	t.Plan.DisbursedOn = disbursedOn
	p := &t.Plan
	switch {
	case p.Principal <= 0 || p.Instalments < 1 || p.Every < 1 || p.RatePPM < 0:
		return nil, errors.New("terms without principal, instalments, period or rate")
	case p.Unit != "month" && p.Unit != "week" && p.Unit != "day":
		return nil, fmt.Errorf("this audit does not know periods of %q", p.Unit)
	case p.Unit != "month" && p.DayCount == "30/360":
		return nil, errors.New("this audit does not know months of 30 days in periods of weeks or days")
	case p.FirstDueOn != noDay || p.DueDay != 0:
		return nil, errors.New("this audit does not know first periods of odd length")
	case p.MonthEnd != "clamp" && p.MonthEnd != "roll":
		return nil, fmt.Errorf("this audit does not know the month end %q", p.MonthEnd)
	}
	if _, known := yearOf[p.DayCount]; !known {
		return nil, fmt.Errorf("this audit does not know the day count %q", p.DayCount)
	}
	return t, p.Rounding.check()
}

// yearOf is how many parts a year has by each day count of months.
var yearOf = map[string]int64{
	"30/360": 360, "actual/360": 360, "actual/365": 365, "actual/364": 364, "actual/actual": 365 * 366, "period": 360,
}

// parts is how many parts a year has.
func (t *terms) parts() int64 {
	if t.Plan.DayCount == "period" && t.Plan.Unit != "month" {
		return 365
	}
	return yearOf[t.Plan.DayCount]
}

// elapsed is how many of those parts lie between the start of a period of so many whole months and a day in it.
func (t *terms) elapsed(start, end, to day, months int) int64 {
	if to <= start {
		return 0
	}
	switch count := t.Plan.DayCount; {
	case count == "actual/actual":
		var sum int64
		for d := start + 1; d <= to; d++ {
			sum += t.dayPart(d)
		}
		return sum
	case (count == "30/360" || count == "period") && t.Plan.Unit == "month":
		if to >= end {
			return int64(30 * months)
		}
		return min(int64(to-start), int64(30*months)) // a broken month counts its days, and never more than the month
	}
	return int64(to - start)
}

// dayPart is the part of the single day that ends when d begins.
func (t *terms) dayPart(d day) int64 {
	switch {
	case t.Plan.DayCount != "actual/actual":
		return 1
	case d.leap():
		return 365
	}
	return 366
}
