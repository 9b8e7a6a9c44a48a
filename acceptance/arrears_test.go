package acceptance

import (
	"slices"
	"strings"
	"testing"
	"time"

	collectionv1 "github.com/hengdai/hengdai/api/collection/v1"
	reportv1 "github.com/hengdai/hengdai/api/report/v1"
)

// lateBorrower is somebody who was lent money and has none on his account.
func (w *world) lateBorrower(t testing.TB) *borrower {
	t.Helper()
	if w.late == nil {
		b := w.borrower(t)
		b.borrow(t, 600_000, 6)
		w.sandbox.setBalance(t, b.card(), 0)
		w.late = b
	}
	return w.late
}

// theArrears: the debit finds nothing, the loan is overdue, bears a penalty, a case opens and plans a reminder; when he pays, it ends.
func theArrears(t *testing.T, w *world) {
	b := w.lateBorrower(t)
	due := b.plan(t)[0]
	w.travelTo(t, later(t, due.GetDueOn(), 5))

	loan := b.loanIn(t, "REPAYING")
	if loan.GetDpd() != 5 || loan.GetBucket() != "M1" || loan.GetOverdueMinor() <= due.GetPrincipalMinor() {
		t.Errorf("five days after the due day the loan is %d days past due, bucket %s, overdue %d", loan.GetDpd(), loan.GetBucket(), loan.GetOverdueMinor())
	}
	row := b.plan(t)[0]
	if row.GetState() != "overdue" || row.GetPenaltyMinor() <= 0 {
		t.Errorf("the instalment is %s with a penalty of %d", row.GetState(), row.GetPenaltyMinor())
	}
	b.hasMessages(t, "debit.failed", "overdue.begins")
	file := w.caseOf(t, b, "OPEN")
	if file.GetCase().GetDpd() != 5 || file.GetOverdueMinor() != loan.GetOverdueMinor() {
		t.Errorf("the case says %d days and %d, the loan says %d and %d", file.GetCase().GetDpd(), file.GetOverdueMinor(), loan.GetDpd(), loan.GetOverdueMinor())
	}
	reminded := slices.ContainsFunc(file.GetActs(), func(a *collectionv1.Act) bool {
		return a.GetKind() == "contact" && strings.Contains(a.GetDetail(), "collection.reminder")
	})
	if !reminded {
		t.Errorf("no reminder was planned: %v", file.GetActs())
	}
	w.sandbox.hasSMS(t, b.Mobile, "扣款")
	w.sandbox.hasSMS(t, b.Mobile, "你的借款已逾期")
	if taken := w.sandbox.moved(t, b.card(), "COLLECT"); len(taken) > 0 {
		t.Errorf("an empty account was debited: %v", taken)
	}

	w.sandbox.setBalance(t, b.card(), ample)
	paid := b.repayAsTried(t, "due")
	if paid.GetPenaltyMinor() != row.GetPenaltyMinor() || paid.GetPrincipalMinor() != due.GetPrincipalMinor() {
		t.Errorf("paid %d of principal and %d of penalty; owed were %d and %d", paid.GetPrincipalMinor(), paid.GetPenaltyMinor(), due.GetPrincipalMinor(), row.GetPenaltyMinor())
	}
	if closed := w.caseOf(t, b, "CLOSED"); closed.GetCase().GetClosedReason() != "paid" {
		t.Errorf("the case was closed because of %q", closed.GetCase().GetClosedReason())
	}
	if loan := b.loanIn(t, "REPAYING"); loan.GetDpd() != 0 || loan.GetOverdueMinor() != 0 {
		t.Errorf("after the arrears were paid the loan is %d days past due with %d", loan.GetDpd(), loan.GetOverdueMinor())
	}
	if row := b.plan(t)[0]; row.GetState() != "paid" || row.GetPaidPenaltyMinor() != paid.GetPenaltyMinor() {
		t.Errorf("the instalment is %s with %d of penalty paid", row.GetState(), row.GetPaidPenaltyMinor())
	}
}

// caseOf waits until the person's case is in a state and opens its file, as a collector does.
func (w *world) caseOf(t testing.TB, b *borrower, state string) *collectionv1.CaseFile {
	t.Helper()
	desk := w.hired(t, "collector")
	var id int64
	eventually(t, "there is no case in "+state, 30*time.Second, func() (bool, error) {
		list, err := desk.cases.ListCases(t.Context(), &collectionv1.ListCasesRequest{UserId: b.id, State: state})
		for _, c := range list.GetCases() {
			id = c.GetCaseId()
		}
		return id != 0, err
	})
	file, err := desk.cases.GetCase(t.Context(), &collectionv1.GetCaseRequest{CaseId: id})
	if err != nil {
		t.Fatalf("open the case: %v", err)
	}
	return file
}

// theBalance: when reports have read every log, both journals balance and what one owes the other is nothing.
func theBalance(t *testing.T, w *world) {
	watch, desk := w.hired(t, "operator"), w.hired(t, "finance")
	eventually(t, "reports did not catch up with the logs", time.Minute, func() (bool, error) {
		sources, err := watch.reports.GetSources(t.Context(), &reportv1.GetSourcesRequest{})
		caught := err == nil
		for _, source := range sources.GetSources() {
			caught = caught && source.GetLag() == 0
			if len(source.GetParked()) > 0 {
				t.Fatalf("an event of %s waits for a person: %v", source.GetName(), source.GetParked())
			}
		}
		return caught, err
	})
	// Money that a channel has just told of is in payment's journal a moment before loan has heard of it.
	var balance *reportv1.TrialBalance
	eventually(t, "the clearing account between the journals is not empty", 30*time.Second, func() (bool, error) {
		var err error
		balance, err = desk.reports.GetTrialBalance(t.Context(), &reportv1.GetTrialBalanceRequest{})
		return err == nil && balance.GetClearingMinor() == 0, err
	})
	if !balance.GetBalanced() || balance.GetDebitMinor() != balance.GetCreditMinor() || len(balance.GetLines()) == 0 {
		t.Errorf("the books do not balance: debit %d, credit %d", balance.GetDebitMinor(), balance.GetCreditMinor())
	}
}
