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

// act is what a borrower does, or what happens to his account, on one day.
type act struct {
	who *applicant
	do  func(ctx context.Context, a *applicant) error
}

// diary holds what happens before the night to a day, and on the day itself.
type diary struct {
	eve, day map[string][]act
}

// plan writes a borrower's future into the diary. An automatic debit runs in the first minutes of the due day, so his
// account is settled on the eve.
func (d *diary) plan(a *applicant) {
	add := func(days map[string][]act, date string, do func(context.Context, *applicant) error) {
		days[date] = append(days[date], act{who: a, do: do})
	}
	due := func(number int) string {
		return a.plan[min(number, len(a.plan))-1].GetDueOn()
	}
	switch a.behaviour.Kind {
	case PaysEarly:
		add(d.day, shift(due(a.behaviour.From), -1), settleEarly)
	case PaysLate:
		add(d.eve, due(a.behaviour.From), emptyAccount)
		add(d.day, shift(due(a.behaviour.From), a.behaviour.DaysLate), payArrears)
	case StopsPaying:
		add(d.eve, due(a.behaviour.From), emptyAccount)
	}
}

func emptyAccount(ctx context.Context, a *applicant) error {
	return a.bank.setBalance(ctx, a.person.Cards[0].CardNo, 0)
}

// settleEarly asks what settles the loan today and pays exactly that.
func settleEarly(ctx context.Context, a *applicant) error {
	return a.repay(ctx, "payoff", "early")
}

// payArrears fills the account and pays what is due.
func payArrears(ctx context.Context, a *applicant) error {
	if err := a.bank.setBalance(ctx, a.person.Cards[0].CardNo, ample); err != nil {
		return err
	}
	return a.repay(ctx, "due", "late")
}

// repay tries, pays what the trial said and waits for the money to be booked.
func (a *applicant) repay(ctx context.Context, kind, key string) error {
	return a.signedIn(ctx, func() error {
		loan, err := a.loans.GetLoan(ctx, &loanv1.GetLoanRequest{LoanId: a.loanID})
		if err != nil {
			return fmt.Errorf("read loan %d: %w", a.loanID, err)
		}
		if loan.GetState() != "REPAYING" {
			return nil
		}
		trial, err := a.loans.TrialRepayment(ctx, &loanv1.TrialRepaymentRequest{LoanId: a.loanID, Kind: kind})
		if err != nil {
			return fmt.Errorf("try a repayment of loan %d: %w", a.loanID, err)
		}
		paid, err := a.loans.Repay(ctx, &loanv1.RepayRequest{
			LoanId: a.loanID, Kind: kind, AmountMinor: trial.GetAmountMinor(), IdempotencyKey: a.key(key),
		})
		if err != nil {
			return fmt.Errorf("repay loan %d: %w", a.loanID, err)
		}
		err = until(ctx, fmt.Sprintf("repayment %d did not end", paid.GetRepaymentId()), 30*time.Second, func() (bool, error) {
			if paid.GetState() != "PENDING" {
				return true, nil
			}
			got, err := a.loans.GetRepayment(ctx, &loanv1.GetRepaymentRequest{RepaymentId: paid.GetRepaymentId()})
			if err == nil {
				paid = got
			}
			return false, err
		})
		if err != nil {
			return err
		}
		return trialHeld(trial, paid)
	})
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
