package loan

import (
	"fmt"
	"testing"

	loanv1 "github.com/hengdai/hengdai/api/loan/v1"
	paymentv1 "github.com/hengdai/hengdai/api/payment/v1"
	"github.com/hengdai/hengdai/domain/calendar"
	"github.com/hengdai/hengdai/domain/ledger"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/store/storetest"
	"github.com/hengdai/hengdai/service/loan/rows"
)

func TestALoanIsPaidOutRepaidByDebitsAndSettled(t *testing.T) {
	eachTown(t, func(t *testing.T, w *town) {
		terms := someTerms(t, 1_200_000)
		terms.Plan.Instalments = 3
		userID, loanID := w.signed(5, terms)
		w.settle()
		l := w.loan(userID, loanID)
		if l.GetState() != "REPAYING" || l.GetDisbursedOn() != "2026-11-02" || l.GetNextDueOn() != "2026-12-02" || l.GetMaturesOn() != "2027-02-02" || l.GetPayoffMinor() != 1_200_000 {
			t.Fatalf("after the payout: %v", l)
		}
		w.pass(10)
		if l := w.loan(userID, loanID); l.GetPayoffMinor() != 1_200_000+6000 || l.GetAsOf() != "2026-11-12" {
			t.Fatalf("ten days later: %v", l)
		}
		w.until("2026-12-02")
		if l := w.loan(userID, loanID); l.GetOverdueMinor() != 0 || l.GetOutstandingPrincipalMinor() >= 1_200_000 || l.GetNextDueOn() != "2027-01-02" {
			t.Fatalf("after the first due date: %v", l)
		}
		w.until("2027-02-03")
		l = w.loan(userID, loanID)
		if l.GetState() != "SETTLED" || l.GetSettledOn() != "2027-02-02" || l.GetOutstandingPrincipalMinor() != 0 || l.GetPayoffMinor() != 0 {
			t.Fatalf("at the end: %v", l)
		}
		limit, err := w.borrower(userID).GetLimit(t.Context(), &loanv1.GetLimitRequest{})
		if err != nil || limit.GetUsedMinor() != 0 || limit.GetAvailableMinor() != 1_200_000 {
			t.Fatalf("limit %v, %v", limit, err)
		}
		sched, err := w.borrower(userID).GetSchedule(t.Context(), &loanv1.GetScheduleRequest{LoanId: loanID})
		if err != nil || len(sched.GetRows()) != 3 || sched.GetRows()[1].GetState() != "paid" || sched.GetRows()[1].GetMetOn() != "2027-01-02" {
			t.Fatalf("schedule %v, %v", sched, err)
		}
		if w.closedOn() != "2027-02-02" {
			t.Errorf("closed on %s", w.closedOn())
		}
		w.agrees()
	})
}

func TestWhoDoesNotPayAgesThroughBucketsClassesAndNonAccrual(t *testing.T) {
	w := newTown(t, storetest.Open(t, inMemory, Schema()))
	w.pay.decide = func(o *paymentv1.CreateOrderRequest) (string, string) {
		if o.GetKind() == "debit" {
			return "REJECTED", "INSUFFICIENT_BALANCE"
		}
		return "PAID", ""
	}
	userID, loanID := w.signed(17, someTerms(t, 1_200_000))
	w.settle()
	w.until("2026-12-02")
	if l := w.loan(userID, loanID); l.GetDpd() != 0 || l.GetLocked() {
		t.Fatalf("on the due date: %v", l)
	}
	w.pass(1)
	if l := w.loan(userID, loanID); l.GetDpd() != 1 || l.GetBucket() != "M1" || l.GetClass() != "special_mention" || l.GetOverdueMinor() == 0 {
		t.Fatalf("a day late: %v", l)
	}
	w.pass(90)
	l := w.loan(userID, loanID)
	file, err := w.staff("auditor").GetLoan(t.Context(), &loanv1.StaffGetLoanRequest{LoanId: loanID})
	if err != nil || l.GetDpd() != 91 || l.GetBucket() != "M4" || l.GetClass() != "substandard" || !file.GetNonAccrual() || file.GetBureauCode() != "4" {
		t.Fatalf("91 days late: %v %v %v", l, file, err)
	}
	if len(file.GetRepayments()) < 4 || file.GetRepayments()[0].GetState() != "FAILED" {
		t.Errorf("repayments %v", file.GetRepayments())
	}
	w.agrees()
	w.pass(300)
	if l := w.loan(userID, loanID); l.GetClass() != "loss" || l.GetBucket() != "M6+" {
		t.Fatalf("after a year: %v", l)
	}
	w.agrees()
	w.pay.decide = func(*paymentv1.CreateOrderRequest) (string, string) { return "PAID", "" }
	r, err := w.borrower(userID).Repay(t.Context(), &loanv1.RepayRequest{LoanId: loanID, Kind: "payoff", IdempotencyKey: "all-of-it-1"})
	if err != nil || r.GetState() != "PENDING" {
		t.Fatalf("%v, %v", r, err)
	}
	w.settle()
	if l := w.loan(userID, loanID); l.GetState() != "SETTLED" || l.GetDpd() != 0 {
		t.Fatalf("after paying off: %v", l)
	}
	w.pass(2)
	w.agrees()
}

func TestARepaymentIsTriedLockedAndAppliedOnce(t *testing.T) {
	eachTown(t, func(t *testing.T, w *town) {
		userID, loanID := w.signed(33, someTerms(t, 1_200_000))
		w.settle()
		w.pay.decide = func(*paymentv1.CreateOrderRequest) (string, string) { return "", "" }
		w.pass(20)
		me, ctx := w.borrower(userID), t.Context()
		trial, err := me.TrialRepayment(ctx, &loanv1.TrialRepaymentRequest{LoanId: loanID, Kind: "payoff"})
		if err != nil || trial.GetAmountMinor() != 1_212_000 || !trial.GetSettles() || trial.GetInterestMinor() != 12_000 {
			t.Fatalf("trial %v, %v", trial, err)
		}
		_, err = me.Repay(ctx, &loanv1.RepayRequest{LoanId: loanID, Kind: "amount", AmountMinor: 1_212_001, IdempotencyKey: "too-much-1"})
		refusedWith(t, err, errs.Precondition, "repayment.above_payoff")
		_, err = me.Repay(ctx, &loanv1.RepayRequest{LoanId: loanID, Kind: "payoff", AmountMinor: 1_212_001, IdempotencyKey: "other-than-trial"})
		refusedWith(t, err, errs.Conflict, "repayment.amount_changed")
		_, err = w.borrower(userID+1024).Repay(ctx, &loanv1.RepayRequest{LoanId: loanID, Kind: "payoff", IdempotencyKey: "not-his-loan"})
		refusedWith(t, err, errs.NotFound, "loan.not_found")
		req := &loanv1.RepayRequest{LoanId: loanID, Kind: "payoff", AmountMinor: 1_212_000, IdempotencyKey: "pay-it-off"}
		first, err := me.Repay(ctx, req)
		if err != nil {
			t.Fatal(err)
		}
		again, err := me.Repay(ctx, req)
		if err != nil || again.GetRepaymentId() != first.GetRepaymentId() {
			t.Fatalf("repeated: %v, %v", again, err)
		}
		req.AmountMinor = 5
		_, err = me.Repay(ctx, req)
		refusedWith(t, err, errs.Conflict, "idempotency.body_differs")
		_, err = me.Repay(ctx, &loanv1.RepayRequest{LoanId: loanID, Kind: "due", IdempotencyKey: "at-the-same-time"})
		refusedWith(t, err, errs.Conflict, "repayment.under_way")
		w.pass(3) // the channel is slow; nothing more is owed for it
		w.pay.settle(ctx, w.pay.orders[first.GetRepaymentId()], "PAID", "")
		w.settle()
		done, err := me.GetRepayment(ctx, &loanv1.GetRepaymentRequest{RepaymentId: first.GetRepaymentId()})
		if err != nil || done.GetState() != "PAID" || !done.GetSettled() || done.GetInterestMinor() != 12_000 || done.GetPrincipalMinor() != 1_200_000 {
			t.Fatalf("%v, %v", done, err)
		}
		w.pass(1)
		if l := w.loan(userID, loanID); l.GetState() != "SETTLED" {
			t.Fatalf("%v", l)
		}
		w.agrees()
	})
}

func TestMoneyKeptAheadServesTheNextDueDateAndDoubleMoneyGoesBack(t *testing.T) {
	eachTown(t, func(t *testing.T, w *town) {
		userID, loanID := w.signed(40, someTerms(t, 1_200_000))
		w.settle()
		w.pass(5)
		me, ctx := w.borrower(userID), t.Context()
		r, err := me.Repay(ctx, &loanv1.RepayRequest{LoanId: loanID, Kind: "due", IdempotencyKey: "ahead-of-time"})
		if err != nil {
			t.Fatal(err)
		}
		w.settle()
		if l := w.loan(userID, loanID); l.GetUnappliedMinor() != r.GetAmountMinor() || l.GetNextDueMinor() != 0 {
			t.Fatalf("paid ahead: %v", l)
		}
		w.until("2026-12-03")
		l := w.loan(userID, loanID)
		if l.GetUnappliedMinor() != 0 || l.GetDpd() != 0 || l.GetOutstandingPrincipalMinor() == 1_200_000 {
			t.Fatalf("after the due date: %v", l)
		}
		pay, err := me.Repay(ctx, &loanv1.RepayRequest{LoanId: loanID, Kind: "payoff", IdempotencyKey: "and-the-rest"})
		if err != nil {
			t.Fatal(err)
		}
		w.settle()
		w.pay.settle(ctx, w.pay.orders[pay.GetRepaymentId()], "PAID", "") // a channel that collects twice
		w.settle()
		w.pass(1)
		if l := w.loan(userID, loanID); l.GetState() != "SETTLED" || l.GetUnappliedMinor() != 0 {
			t.Fatalf("%v", l)
		}
		var refunds int
		for _, o := range w.pay.orders {
			if o.GetKind() == "refund" && o.GetAmountMinor() == pay.GetAmountMinor() {
				refunds++
			}
		}
		if refunds != 1 {
			t.Errorf("%d refunds", refunds)
		}
		w.agrees()
	})
}

func TestAPayoutThatFailsOrComesBackLeavesNothingOwed(t *testing.T) {
	eachTown(t, func(t *testing.T, w *town) {
		w.pay.decide = func(*paymentv1.CreateOrderRequest) (string, string) { return "REJECTED", "CARD_CLOSED" }
		userID, loanID := w.signed(50, someTerms(t, 1_200_000))
		w.settle()
		limit, err := w.borrower(userID).GetLimit(t.Context(), &loanv1.GetLimitRequest{})
		if l := w.loan(userID, loanID); err != nil || l.GetState() != "CANCELLED" || limit.GetFrozenMinor() != 0 || limit.GetAvailableMinor() != 1_200_000 {
			t.Fatalf("%v %v %v", l, limit, err)
		}
		w.pay.refuse = errs.New(errs.Precondition, "order.card_unknown", "卡不存在。", "No such card.")
		third, thirdLoan := w.signed(51, someTerms(t, 1_200_000))
		w.settle()
		if l := w.loan(third, thirdLoan); l.GetState() != "CANCELLED" {
			t.Fatalf("refused by payment: %v", l)
		}
		w.pay.refuse = nil
		w.pay.decide = func(*paymentv1.CreateOrderRequest) (string, string) { return "PAID", "" }
		userID, loanID = w.signed(52, someTerms(t, 1_200_000))
		w.settle()
		w.pass(40)
		row, err := rows.New(w.db.Primary()).Loan(t.Context(), rows.LoanParams{Bucket: 52, ID: loanID})
		if err != nil {
			t.Fatal(err)
		}
		w.pay.settle(t.Context(), w.pay.orders[row.PayoutOrderID], "RETURNED", "bounced")
		w.settle()
		w.pass(3)
		l := w.loan(userID, loanID)
		if l.GetState() != "PAYOUT_RETURNED" || l.GetOverdueMinor() != 0 || l.GetPayoffMinor() != 0 {
			t.Fatalf("%v", l)
		}
		journal, err := w.staff("finance").GetJournal(t.Context(), &loanv1.GetJournalRequest{LoanId: loanID})
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]int64{}
		for _, b := range journal.GetBalances() {
			got[b.GetAccount()] = b.GetBalanceMinor()
		}
		if got[ledger.Principal] != 1_200_000 || got[ledger.PayableReturned] != -1_200_000 || got[ledger.InterestIncome] != 0 {
			t.Errorf("balances %v", got)
		}
		w.agrees()
	})
}

func TestAFailureThatIsKnownLateLeavesTheLoanAsOneThatIsKnownAtOnce(t *testing.T) {
	eachTown(t, func(t *testing.T, w *town) {
		promptUser, promptLoan := w.signed(60, someTerms(t, 1_200_000))
		lateUser, lateLoan := w.signed(61, someTerms(t, 1_200_000))
		var open []*paymentv1.CreateOrderRequest
		w.pay.ended = map[int64]calendar.Date{}
		w.pay.decide = func(o *paymentv1.CreateOrderRequest) (string, string) {
			switch {
			case o.GetKind() == "disbursement":
				return "PAID", ""
			case o.GetLoanId() == promptLoan:
				return "REJECTED", "INSUFFICIENT_BALANCE"
			}
			open = append(open, o)
			w.pay.ended[o.GetOrderId()] = calendar.InShanghai(w.clk.Now())
			return "", ""
		}
		w.settle()
		w.until("2026-12-02")
		for range 3 { // every order of the second loan stays unknown for three nights
			w.pass(3)
			for _, o := range open {
				w.pay.settle(t.Context(), o, "REJECTED", "INSUFFICIENT_BALANCE")
			}
			open = nil
			w.settle()
		}
		w.pass(20)
		for _, o := range open {
			w.pay.settle(t.Context(), o, "REJECTED", "INSUFFICIENT_BALANCE")
		}
		w.settle()
		w.pass(1)
		prompt, late := w.loan(promptUser, promptLoan), w.loan(lateUser, lateLoan)
		if prompt.GetDpd() == 0 || prompt.GetDpd() != late.GetDpd() || prompt.GetPayoffMinor() != late.GetPayoffMinor() || prompt.GetOverdueMinor() != late.GetOverdueMinor() {
			t.Errorf("known at once: %d days, overdue %d, payoff %d; known late: %d days, overdue %d, payoff %d", prompt.GetDpd(), prompt.GetOverdueMinor(),
				prompt.GetPayoffMinor(), late.GetDpd(), late.GetOverdueMinor(), late.GetPayoffMinor())
		}
		w.agrees()
	})
}

// TestDaysUntilAnOrderFailsAreFreeOfPenalty: the second loan's orders fail three days after they were sent; days past due count
// from the due date all the same.
func TestDaysUntilAnOrderFailsAreFreeOfPenalty(t *testing.T) {
	eachTown(t, func(t *testing.T, w *town) {
		promptUser, promptLoan := w.signed(60, someTerms(t, 1_200_000))
		lateUser, lateLoan := w.signed(61, someTerms(t, 1_200_000))
		var open []*paymentv1.CreateOrderRequest
		w.pay.decide = func(o *paymentv1.CreateOrderRequest) (string, string) {
			switch {
			case o.GetKind() == "disbursement":
				return "PAID", ""
			case o.GetLoanId() == promptLoan:
				return "REJECTED", "INSUFFICIENT_BALANCE"
			}
			open = append(open, o)
			return "", ""
		}
		w.settle()
		w.until("2026-12-02")
		for range 3 { // every order of the second loan stays unknown for three nights
			w.pass(3)
			for _, o := range open {
				w.pay.settle(t.Context(), o, "REJECTED", "INSUFFICIENT_BALANCE")
			}
			open = nil
			w.settle()
		}
		w.pass(20)
		for _, o := range open {
			w.pay.settle(t.Context(), o, "REJECTED", "INSUFFICIENT_BALANCE")
		}
		w.settle()
		w.pass(1)
		prompt, late := w.loan(promptUser, promptLoan), w.loan(lateUser, lateLoan)
		if prompt.GetDpd() == 0 || prompt.GetDpd() != late.GetDpd() || prompt.GetPayoffMinor() <= late.GetPayoffMinor() {
			t.Errorf("failed at once: %d days, payoff %d; failed days later: %d days, payoff %d", prompt.GetDpd(), prompt.GetPayoffMinor(), late.GetDpd(), late.GetPayoffMinor())
		}
		w.agrees()
	})
}

func refusedWith(t *testing.T, err error, code errs.Code, reason string) {
	t.Helper()
	if errs.CodeOf(err) != code || errs.ReasonOf(err) != reason {
		t.Fatalf("want %s %s, got %v", code, reason, err)
	}
}

func TestServicingNamesItsOrders(t *testing.T) {
	if fmt.Sprint(placeholders(2, 3)) != "(?, ?, ?), (?, ?, ?)" {
		t.Error(placeholders(2, 3))
	}
}
