package loan

import (
	"fmt"

	"github.com/hengdai/hengdai/domain/allocate"
	"github.com/hengdai/hengdai/domain/calendar"
	"github.com/hengdai/hengdai/domain/legal"
	"github.com/hengdai/hengdai/domain/money"
	"github.com/hengdai/hengdai/domain/schedule"
)

// Terms are what the contract fixes for the whole life of a loan. They are stored with the loan and never change; what
// changes later is an event.
type Terms struct {
	// Plan fixes the schedule. Its DisbursedOn is the day the money really moved, known only at the payout.
	Plan schedule.Terms `json:"plan"`
	// Lender is the type of the lender, for legal numbers.
	Lender legal.Lender `json:"lender"`
	// PenaltyPermille is the overdue rate over the contract rate in thousandths: 1500 is one and a half times.
	PenaltyPermille int64 `json:"penalty_permille"`
	// Compound: overdue contract interest bears interest at the overdue rate (复利).
	Compound bool `json:"compound,omitempty"`
	// RunningCapPPM is the most that interest, compound, penalty and fees together may be a day, a year, of unpaid
	// principal.
	RunningCapPPM int64 `json:"running_cap_ppm"`
	// GraceDays: paid within so many days after the due date, no penalty arises.
	GraceDays int `json:"grace_days,omitempty"`
	// Allocation is the contract's order of applying money.
	Allocation allocate.Rule `json:"allocation"`
	// KeepExcess: money above what is due serves the next due date; else it goes back.
	KeepExcess bool `json:"keep_excess,omitempty"`
	// VATPPM is the tax included in interest and fees.
	VATPPM int64 `json:"vat_ppm"`
	// NonAccrualAfter days past due, income is no longer booked.
	NonAccrualAfter int `json:"non_accrual_after"`
	// ClassAfter are the days past due above which the class is special mention, substandard, doubtful, loss.
	ClassAfter [4]int `json:"class_after"`
	// MinimumDays of interest if it is paid back early; zero for none.
	MinimumDays int `json:"minimum_days,omitempty"`
	// DebitRetries are the days past due on which an automatic debit is tried again.
	DebitRetries []int `json:"debit_retries,omitempty"`
}

// Defaults fills in what law sets for a contract made on a day and what the project chooses where law is silent. Plan
// is left alone.
func Defaults(lender legal.Lender, on calendar.Date) (Terms, error) {
	t := Terms{Lender: lender, Allocation: allocate.Standard(), KeepExcess: true, DebitRetries: []int{1, 3, 7}}
	numbers := []struct {
		p    legal.Parameter
		into func(int64)
	}{
		{legal.PenaltyMax, func(v int64) { t.PenaltyPermille = v }},
		{legal.CostCapRunning, func(v int64) { t.RunningCapPPM = v }},
		{legal.VATLending, func(v int64) { t.VATPPM = v }},
		{legal.NonAccrualAfter, func(v int64) { t.NonAccrualAfter = int(v) }},
		{legal.ClassMention, func(v int64) { t.ClassAfter[0] = int(v) }},
		{legal.ClassSubstandard, func(v int64) { t.ClassAfter[1] = int(v) }},
		{legal.ClassDoubtful, func(v int64) { t.ClassAfter[2] = int(v) }},
		{legal.ClassLoss, func(v int64) { t.ClassAfter[3] = int(v) }},
	}
	for _, n := range numbers {
		value, err := legal.Value(n.p, lender, on)
		if err != nil {
			return Terms{}, err
		}
		n.into(value)
	}
	return t, nil
}

// Check refuses terms that no loan can have. The plan is checked by schedule.Make.
func (t *Terms) Check() error {
	switch {
	case t.PenaltyPermille < 0 || t.PenaltyPermille > 10_000:
		return fmt.Errorf("loan: penalty factor %d is out of range", t.PenaltyPermille)
	case t.RunningCapPPM < 0 || t.RunningCapPPM > schedule.MaxRatePPM:
		return fmt.Errorf("loan: running cap %d is out of range", t.RunningCapPPM)
	case t.VATPPM < 0 || t.VATPPM >= money.Million:
		return fmt.Errorf("loan: tax %d is out of range", t.VATPPM)
	case t.GraceDays < 0 || t.GraceDays > 60:
		return fmt.Errorf("loan: %d days of grace are out of range", t.GraceDays)
	case t.NonAccrualAfter < 0 || t.MinimumDays < 0:
		return fmt.Errorf("loan: days must not be negative")
	}
	return t.Allocation.Check()
}
