package demo

import (
	"context"
	"fmt"
	"slices"
	"time"

	loanv1 "github.com/hengdai/hengdai/api/loan/v1"
)

// ample is a balance that covers every instalment of every row.
const ample = int64(1_000_000_000_00)

// act is what a borrower does, or what happens to his account, on one day. What is not done is gone on with.
type act struct {
	who *applicant
	do  func(ctx context.Context, a *applicant, today string) (done bool, err error)
	// nights is how often it was left over.
	nights int
}

// diary holds what happens on a day, and in its evening.
type diary struct {
	day, evening map[string][]act
}

// plan writes a borrower's future into the diary. An automatic debit runs in the first minutes of the due day, so his
// account runs dry in the evening before.
func (d *diary) plan(a *applicant) {
	add := func(days map[string][]act, date string, do func(context.Context, *applicant, string) (bool, error)) {
		days[date] = append(days[date], act{who: a, do: do})
	}
	due := func(number int) string {
		return a.plan[min(number, len(a.plan))-1].GetDueOn()
	}
	switch a.behaviour.Kind {
	case PaysEarly:
		add(d.day, shift(due(a.behaviour.From), -1), settleEarly)
	case PaysLate:
		add(d.evening, shift(due(a.behaviour.From), -1), emptyAccount)
		add(d.day, shift(due(a.behaviour.From), a.behaviour.DaysLate), payArrears)
	case StopsPaying:
		add(d.evening, shift(due(a.behaviour.From), -1), emptyAccount)
	}
}

func emptyAccount(ctx context.Context, a *applicant, _ string) (bool, error) {
	return true, a.bank.setBalance(ctx, a.person.Cards[0].CardNo, 0)
}

// settleEarly asks what settles the loan today and pays exactly that.
func settleEarly(ctx context.Context, a *applicant, today string) (bool, error) {
	return a.repay(ctx, "payoff", "early-"+today, today)
}

// payArrears fills the account and pays what is due.
func payArrears(ctx context.Context, a *applicant, today string) (bool, error) {
	if a.repayment == nil {
		if err := a.bank.setBalance(ctx, a.person.Cards[0].CardNo, ample); err != nil {
			return false, err
		}
	}
	return a.repay(ctx, "due", "late-"+today, today)
}

// repayment is one that was begun.
type repayment struct {
	on    string
	id    int64
	trial *loanv1.TrialRepaymentResponse
}

// repay tries and pays what the trial said; called again, it looks whether the money was booked.
func (a *applicant) repay(ctx context.Context, kind, key, today string) (done bool, err error) {
	err = a.signedIn(ctx, func() error {
		if a.repayment == nil {
			done, err = a.beginRepayment(ctx, kind, key, today)
			return err
		}
		done, err = a.endRepayment(ctx, today)
		return err
	})
	return done, err
}

func (a *applicant) beginRepayment(ctx context.Context, kind, key, today string) (bool, error) {
	loan, err := a.loans.GetLoan(ctx, &loanv1.GetLoanRequest{LoanId: a.loanID})
	if err != nil {
		return false, fmt.Errorf("read loan %d: %w", a.loanID, err)
	}
	if loan.GetState() != "REPAYING" {
		return true, nil
	}
	trial, err := a.loans.TrialRepayment(ctx, &loanv1.TrialRepaymentRequest{LoanId: a.loanID, Kind: kind})
	if err != nil {
		return a.putOff(fmt.Errorf("try a repayment of loan %d: %w", a.loanID, err))
	}
	paid, err := a.loans.Repay(ctx, &loanv1.RepayRequest{
		LoanId: a.loanID, Kind: kind, AmountMinor: trial.GetAmountMinor(), IdempotencyKey: a.key(key),
	})
	if err != nil {
		return a.putOff(fmt.Errorf("repay loan %d: %w", a.loanID, err))
	}
	a.repayment = &repayment{on: today, id: paid.GetRepaymentId(), trial: trial}
	return false, nil
}

// putOff: with faults across midnight an order may still be under way, and the borrower comes again on the next day.
func (a *applicant) putOff(err error) (bool, error) {
	if !a.patient {
		return false, err
	}
	switch reasonOf(err) {
	case "repayment.under_way", "repayment.amount_changed":
		return false, nil
	case "repayment.nothing_due":
		return true, nil
	}
	return false, err
}

func (a *applicant) endRepayment(ctx context.Context, today string) (bool, error) {
	begun := a.repayment
	paid, err := a.loans.GetRepayment(ctx, &loanv1.GetRepaymentRequest{RepaymentId: begun.id})
	if err != nil {
		return false, fmt.Errorf("read a repayment of loan %d: %w", a.loanID, err)
	}
	if paid.GetState() == "PENDING" {
		return false, nil
	}
	a.repayment = nil
	switch {
	case a.patient && paid.GetState() == "FAILED": // executed on another day, when something else was owed
		return false, nil
	case begun.on != today && paid.GetState() == "PAID": // perhaps executed on another day than tried
		return true, nil
	}
	return true, trialHeld(begun.trial, paid)
}

// trialHeld: what was tried is what was done, to the cent.
func trialHeld(trial *loanv1.TrialRepaymentResponse, paid *loanv1.Repayment) error {
	if paid.GetState() != "PAID" {
		return fmt.Errorf("repayment %d ended as %s (%s)", paid.GetRepaymentId(), paid.GetState(), paid.GetReason())
	}
	tried := []int64{trial.GetAmountMinor(), trial.GetPrincipalMinor(), trial.GetInterestMinor(), trial.GetPenaltyMinor(), trial.GetFeeMinor()}
	done := []int64{paid.GetAmountMinor(), paid.GetPrincipalMinor(), paid.GetInterestMinor(), paid.GetPenaltyMinor(), paid.GetFeeMinor()}
	if !slices.Equal(tried, done) {
		return fmt.Errorf("repayment %d: the trial said %v, booked is %v (amount, principal, interest, penalty, fee)", paid.GetRepaymentId(), tried, done)
	}
	return nil
}

// shift moves a date by days.
func shift(date string, days int) string {
	at, err := time.Parse(time.DateOnly, date)
	if err != nil {
		return date // the lender's own date; a wrong one never matches a day
	}
	return at.AddDate(0, 0, days).Format(time.DateOnly)
}

// daysBetween counts the days from one date to another.
func daysBetween(from, to string) int {
	a, err := time.Parse(time.DateOnly, from)
	if err != nil {
		return 0
	}
	b, err := time.Parse(time.DateOnly, to)
	if err != nil {
		return 0
	}
	return int(b.Sub(a).Hours() / 24)
}
