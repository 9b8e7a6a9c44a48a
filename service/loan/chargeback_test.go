package loan

import (
	"testing"

	loanv1 "github.com/hengdai/hengdai/api/loan/v1"
	paymentv1 "github.com/hengdai/hengdai/api/payment/v1"
	"github.com/hengdai/hengdai/domain/ledger"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/store/storetest"
	"github.com/hengdai/hengdai/service/loan/rows"
)

// ordersOf are the orders of a kind that payment was asked for.
func (w *town) ordersOf(kind string) []*paymentv1.CreateOrderRequest {
	var list []*paymentv1.CreateOrderRequest
	for _, o := range w.pay.orders {
		if o.GetKind() == kind {
			list = append(list, o)
		}
	}
	return list
}

func (w *town) returned(o *paymentv1.CreateOrderRequest) {
	w.t.Helper()
	w.pay.settle(w.t.Context(), o, "RETURNED", "returned")
	w.settle()
	parked, err := w.staff("operator").ListParked(w.t.Context(), &loanv1.ListParkedRequest{})
	if err != nil || len(parked.GetEvents()) != 0 {
		w.t.Fatalf("parked: %v, %v", parked, err)
	}
}

// balances are a loan's own entries by account.
func (w *town) balances(loanID int64) map[string]int64 {
	w.t.Helper()
	journal, err := w.staff("finance").GetJournal(w.t.Context(), &loanv1.GetJournalRequest{LoanId: loanID})
	if err != nil {
		w.t.Fatal(err)
	}
	got := map[string]int64{}
	for _, b := range journal.GetBalances() {
		got[b.GetAccount()] = b.GetBalanceMinor()
	}
	return got
}

func (w *town) used(userID int64) int64 {
	w.t.Helper()
	limit, err := w.borrower(userID).GetLimit(w.t.Context(), &loanv1.GetLimitRequest{})
	if err != nil {
		w.t.Fatal(err)
	}
	return limit.GetUsedMinor()
}

func (w *town) moneyListed() []*loanv1.ReturnedMoney {
	w.t.Helper()
	list, err := w.staff("finance").ListReturnedMoney(w.t.Context(), &loanv1.ListReturnedMoneyRequest{})
	if err != nil {
		w.t.Fatal(err)
	}
	return list.GetItems()
}

func TestARepaymentThatIsChargedBackIsOwedAgainFromItsDueDate(t *testing.T) {
	eachTown(t, func(t *testing.T, w *town) {
		userID, loanID := w.signed(61, someTerms(t, 1_200_000))
		w.settle()
		w.until("2026-12-02")
		before := w.loan(userID, loanID)
		debit := w.ordersOf("debit")[0]
		w.pass(10)
		w.pay.decide = func(*paymentv1.CreateOrderRequest) (string, string) { return "REJECTED", "INSUFFICIENT_BALANCE" }
		w.returned(debit)
		l := w.loan(userID, loanID)
		if before.GetOutstandingPrincipalMinor() >= 1_200_000 || l.GetState() != "REPAYING" || l.GetOutstandingPrincipalMinor() != 1_200_000 || l.GetDpd() != 10 ||
			l.GetOverdueMinor() != debit.GetAmountMinor() || l.GetUnappliedMinor() != 0 || w.used(userID) != 1_200_000 {
			t.Fatalf("before %v\nafter %v, used %d", before, l, w.used(userID))
		}
		r, err := w.borrower(userID).GetRepayment(t.Context(), &loanv1.GetRepaymentRequest{RepaymentId: debit.GetOrderId()})
		if err != nil || r.GetState() != "RETURNED" || r.GetPrincipalMinor() != 0 || r.GetInterestMinor() != 0 {
			t.Errorf("the repayment: %v, %v", r, err)
		}
		w.agrees()
		w.pass(5)
		if l = w.loan(userID, loanID); l.GetDpd() != 15 || l.GetOverdueMinor() <= debit.GetAmountMinor() {
			t.Errorf("five days later: %v", l)
		}
		if w.closedOn() != "2026-12-16" {
			t.Errorf("closed on %s", w.closedOn())
		}
		w.agrees()
		w.pay.decide = func(*paymentv1.CreateOrderRequest) (string, string) { return "PAID", "" }
		if _, err := w.borrower(userID).Repay(t.Context(), &loanv1.RepayRequest{LoanId: loanID, Kind: "due", IdempotencyKey: "pay-it-again"}); err != nil {
			t.Fatal(err)
		}
		w.settle()
		w.pass(1)
		if l = w.loan(userID, loanID); l.GetDpd() != 0 || l.GetOutstandingPrincipalMinor() != before.GetOutstandingPrincipalMinor() {
			t.Errorf("paid again: %v", l)
		}
		w.agrees()
	})
}

func TestASettledLoanWhoseMoneyIsChargedBackIsRepaidAgain(t *testing.T) {
	eachTown(t, func(t *testing.T, w *town) {
		userID, loanID := w.signed(62, someTerms(t, 1_200_000))
		w.settle()
		w.pass(20)
		r, err := w.borrower(userID).Repay(t.Context(), &loanv1.RepayRequest{LoanId: loanID, Kind: "payoff", IdempotencyKey: "all-of-it-1"})
		if err != nil {
			t.Fatal(err)
		}
		w.settle()
		if l := w.loan(userID, loanID); l.GetState() != "SETTLED" || w.used(userID) != 0 {
			t.Fatalf("%v", l)
		}
		w.pass(40)
		w.pay.decide = func(*paymentv1.CreateOrderRequest) (string, string) { return "", "" }
		w.returned(w.pay.orders[r.GetRepaymentId()])
		l := w.loan(userID, loanID)
		if l.GetState() != "REPAYING" || l.GetSettledOn() != "" || l.GetOutstandingPrincipalMinor() != 1_200_000 || l.GetDpd() != 30 || w.used(userID) != 1_200_000 ||
			w.contractState(loanID) != "IN_FORCE" {
			t.Fatalf("%v, used %d, contract %s", l, w.used(userID), w.contractState(loanID))
		}
		w.agrees()
		w.pass(2)
		if debits := w.ordersOf("debit"); len(debits) == 0 {
			t.Error("nothing collects what is owed again")
		} else {
			w.pay.settle(t.Context(), debits[0], "PAID", "")
			w.settle()
		}
		w.pay.decide = func(*paymentv1.CreateOrderRequest) (string, string) { return "PAID", "" }
		if _, err := w.borrower(userID).Repay(t.Context(), &loanv1.RepayRequest{LoanId: loanID, Kind: "payoff", IdempotencyKey: "all-of-it-2"}); err != nil {
			t.Fatal(err)
		}
		w.settle()
		w.pass(1)
		if l := w.loan(userID, loanID); l.GetState() != "SETTLED" || l.GetSettledOn() == "" || w.used(userID) != 0 || w.contractState(loanID) != "ENDED" {
			t.Errorf("paid off again: %v, used %d", l, w.used(userID))
		}
		w.agrees()
	})
}

func (w *town) contractState(loanID int64) string {
	w.t.Helper()
	row, err := w.svc.loan(w.t.Context(), w.db.Primary(), loanID)
	if err != nil {
		w.t.Fatal(err)
	}
	c, err := rows.New(w.db.Primary()).ContractOfApplication(w.t.Context(), rows.ContractOfApplicationParams{Bucket: row.Bucket, ApplicationID: row.ApplicationID})
	if err != nil {
		w.t.Fatal(err)
	}
	return c.State
}

// doublePaid makes a settled loan whose payoff was collected twice, so that one of the two is on its way back.
func (w *town) doublePaid(bucket int64) (userID, loanID int64, payoff *paymentv1.CreateOrderRequest) {
	w.t.Helper()
	userID, loanID = w.signed(bucket, someTerms(w.t, 1_200_000))
	w.settle()
	w.pass(5)
	r, err := w.borrower(userID).Repay(w.t.Context(), &loanv1.RepayRequest{LoanId: loanID, Kind: "payoff", IdempotencyKey: "double-money"})
	if err != nil {
		w.t.Fatal(err)
	}
	w.settle()
	payoff = w.pay.orders[r.GetRepaymentId()]
	w.pay.settle(w.t.Context(), payoff, "PAID", "")
	w.settle()
	return userID, loanID, payoff
}

func TestMoneyTakenBackAfterItWasPassedOnIsListedForAPerson(t *testing.T) {
	eachTown(t, func(t *testing.T, w *town) {
		userID, loanID, payoff := w.doublePaid(63)
		w.returned(payoff)
		got := w.balances(loanID)
		if l := w.loan(userID, loanID); l.GetState() != "SETTLED" || got[ledger.Unapplied] != payoff.GetAmountMinor() {
			t.Fatalf("%v %v", l, got)
		}
		items := w.moneyListed()
		if len(items) != 1 || items[0].GetWhy() != "charge_back" || items[0].GetOrderId() != payoff.GetOrderId() || items[0].GetAmountMinor() != payoff.GetAmountMinor() {
			t.Fatalf("listed: %v", items)
		}
		req := &loanv1.ResolveReturnedMoneyRequest{OrderId: payoff.GetOrderId(), Act: "pay_again", Reason: "the borrower was asked"}
		_, err := w.staff("finance").ResolveReturnedMoney(t.Context(), req)
		refusedWith(t, err, errs.Precondition, "returned_money.act")
		req.Act = "close"
		if _, err := w.staff("operator").ResolveReturnedMoney(t.Context(), req); errs.CodeOf(err) != errs.Denied {
			t.Errorf("an operator may not: %v", err)
		}
		if _, err := w.staff("finance").ResolveReturnedMoney(t.Context(), req); err != nil {
			t.Fatal(err)
		}
		_, err = w.staff("finance").ResolveReturnedMoney(t.Context(), req)
		refusedWith(t, err, errs.Conflict, "task.taken")
		if items := w.moneyListed(); len(items) != 0 {
			t.Errorf("still listed: %v", items)
		}
		w.pass(2)
		w.agrees()
	})
}

func TestARefundThatComesBackIsPayableAndPaidAgain(t *testing.T) {
	eachTown(t, func(t *testing.T, w *town) {
		_, loanID, payoff := w.doublePaid(64)
		refund := w.ordersOf("refund")[0]
		if got := w.balances(loanID); got[ledger.RefundPayable] != 0 {
			t.Fatalf("before: %v", got)
		}
		w.pass(3)
		w.returned(refund)
		if got := w.balances(loanID); got[ledger.RefundPayable] != -payoff.GetAmountMinor() || got[ledger.Unapplied] != 0 {
			t.Fatalf("after: %v", got)
		}
		w.agrees()
		items := w.moneyListed()
		if len(items) != 1 || items[0].GetWhy() != "refund_returned" || items[0].GetOrderId() != refund.GetOrderId() || items[0].GetLoanId() != loanID {
			t.Fatalf("listed: %v", items)
		}
		_, err := w.staff("finance").ResolveReturnedMoney(t.Context(), &loanv1.ResolveReturnedMoneyRequest{OrderId: payoff.GetOrderId(), Act: "pay_again", Reason: "r"})
		refusedWith(t, err, errs.NotFound, "returned_money.not_found")
		done, err := w.staff("finance").ResolveReturnedMoney(t.Context(), &loanv1.ResolveReturnedMoneyRequest{OrderId: refund.GetOrderId(), Act: "pay_again", Reason: "card works again"})
		if err != nil || done.GetOrderId() == 0 || done.GetOrderId() == refund.GetOrderId() {
			t.Fatalf("%v, %v", done, err)
		}
		w.settle()
		if got := w.balances(loanID); got[ledger.RefundPayable] != 0 || len(w.moneyListed()) != 0 || len(w.ordersOf("refund")) != 2 {
			t.Errorf("paid again: %v %v", got, w.moneyListed())
		}
		w.pass(1)
		w.agrees()
	})
}

func TestARefundThatIsRefusedIsListedAndPaidAgain(t *testing.T) {
	w := newTown(t, storetest.Open(t, inMemory, Schema()))
	w.pay.decide = func(o *paymentv1.CreateOrderRequest) (string, string) {
		if o.GetKind() == "refund" {
			return "REJECTED", "CARD_CLOSED"
		}
		return "PAID", ""
	}
	_, loanID, payoff := w.doublePaid(65)
	items := w.moneyListed()
	if got := w.balances(loanID); got[ledger.Unapplied] != -payoff.GetAmountMinor() || len(items) != 1 || items[0].GetWhy() != "refund_refused" {
		t.Fatalf("%v %v", got, items)
	}
	w.pay.decide = func(*paymentv1.CreateOrderRequest) (string, string) { return "PAID", "" }
	req := &loanv1.ResolveReturnedMoneyRequest{OrderId: items[0].GetOrderId(), Act: "pay_again", Reason: "the bank says the card works"}
	if _, err := w.staff("admin").ResolveReturnedMoney(t.Context(), req); err != nil {
		t.Fatal(err)
	}
	w.settle()
	if got := w.balances(loanID); got[ledger.Unapplied] != 0 || got[ledger.RefundPayable] != 0 || len(w.moneyListed()) != 0 {
		t.Errorf("paid again: %v", got)
	}
	w.pass(1)
	w.agrees()
}
