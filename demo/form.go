package demo

import (
	"strconv"

	loanv1 "github.com/hengdai/hengdai/api/loan/v1"
)

// productOf chooses what a row asks for. Long loans repay by equal instalments or equal principal in turn; short ones
// by every method, so that a run sees all four.
func productOf(row Row) (product, method string) {
	switch {
	case row.TermMonths <= 12 && row.TermMonths >= 3 && row.Number%4 == 1:
		return "consumer-interest", "interest_first"
	case row.TermMonths <= 12 && row.Number%4 == 2:
		return "consumer-bullet", "at_maturity"
	case row.Number%2 == 0:
		return "consumer-cash", "equal_principal"
	}
	return "consumer-cash", "equal_instalment"
}

// statedOf fills the application form from the row's codes.
func statedOf(row Row) *loanv1.StatedFacts {
	class := func(field string) int32 {
		n, err := strconv.ParseInt(row.Stated[field], 10, 32)
		if err != nil {
			return 0 // not given
		}
		return int32(n)
	}
	return &loanv1.StatedFacts{
		StatusAccount:         row.Stated["status_account"],
		CreditHistory:         row.Stated["credit_history"],
		Savings:               row.Stated["savings"],
		EmploymentDuration:    row.Stated["employment_duration"],
		InstallmentRate:       class("installment_rate"),
		OtherDebtors:          row.Stated["other_debtors"],
		PresentResidence:      class("present_residence"),
		Property:              row.Stated["property"],
		OtherInstallmentPlans: row.Stated["other_installment_plans"],
		Housing:               row.Stated["housing"],
		NumberCredits:         class("number_credits"),
		Job:                   row.Stated["job"],
		PeopleLiable:          class("people_liable"),
		Telephone:             row.Stated["telephone"],
	}
}
