package acceptance

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	loanv1 "github.com/hengdai/hengdai/api/loan/v1"
	userv1 "github.com/hengdai/hengdai/api/user/v1"
)

// theSignature: costs are confirmed as they were shown and read, the contract is signed as it was shown, and not before.
func theSignature(t *testing.T, w *world) {
	b := w.borrower(t)
	b.apply(t, b.wish(700_000, 6))
	table, err := b.loans.GetDisclosure(t.Context(), &loanv1.GetDisclosureRequest{ApplicationId: b.applicationID})
	if err != nil {
		t.Fatal(err)
	}
	if table.GetCost().GetTotalMinor() <= 700_000 || table.GetCost().GetSimpleLabel() != "单利" || table.GetPromiseZh() == "" || len(table.GetItems()) == 0 || len(table.GetContingentItems()) == 0 {
		t.Errorf("the table of costs is not whole: %v", table.GetCost())
	}
	confirm := func(hash string, shown int64, seconds int32) call {
		return asks(fmt.Sprintf("/v1/applications/%d/disclosure/confirmation", b.applicationID),
			jsonOf(&loanv1.ConfirmDisclosureRequest{Hash: hash, ShownAtMs: shown, ReadSeconds: seconds, IdempotencyKey: b.key("confirm-wrong")}))
	}
	sign := func(hash string) call {
		return asks(fmt.Sprintf("/v1/applications/%d/signature", b.applicationID), jsonOf(&loanv1.SignRequest{Hash: hash, IdempotencyKey: b.key("sign-wrong")}))
	}
	past, other := int64(1_700_000_000_000), strings.Repeat("0", 64)
	farFuture := time.Now().AddDate(50, 0, 0).UnixMilli()
	w.refuse(t,
		refusal{"a signature before the costs were confirmed", b.phone, sign(other), notNow, "application.state", ""},
		refusal{"a contract before the costs were confirmed", b.phone, looks(fmt.Sprintf("/v1/applications/%d/contract", b.applicationID)), gone, "contract.not_found", ""},
		refusal{"another table of costs", b.phone, confirm(other, past, 10), notNow, "disclosure.changed", "hash"},
		refusal{"a table that was not read", b.phone, confirm(table.GetHash(), past, 9), notNow, "disclosure.read_too_short", "readSeconds"},
		refusal{"a table that was shown tomorrow", b.phone, confirm(table.GetHash(), farFuture, 10), bad, "disclosure.shown_in_future", "shownAtMs"},
		refusal{"a hash that is none", b.phone, confirm("abc", past, 10), bad, "request.format", "hash"},
	)
	contract := b.confirm(t)
	if contract.GetDisclosureHash() != table.GetHash() || len(contract.GetHighlighted()) == 0 || !strings.Contains(contract.GetRecord(), b.Name) {
		t.Error("the contract does not hold what was shown, or not whose it is")
	}
	w.refuse(t,
		refusal{"another contract", b.phone, sign(other), notNow, "contract.hash_differs", "hash"},
		refusal{"a second confirmation", b.phone, confirm(table.GetHash(), past, 10), notNow, "application.state", ""},
	)
	b.sign(t)
	b.loanIn(t, "REPAYING")
	w.refuse(t,
		refusal{"a second signature", b.phone, sign(contract.GetHash()), notNow, "application.state", ""},
		refusal{"a cancellation after the signature", b.phone, asks(fmt.Sprintf("/v1/applications/%d/cancellation", b.applicationID), "{}"), notNow, "application.state", ""},
	)
}

// theRepetitions: every act is repeated with its key, alone and at once, and once with other words.
func theRepetitions(t *testing.T, w *world) {
	b := w.borrower(t)
	card := &userv1.BindCardRequest{Name: b.Name, IdNo: b.IDNo, CardNo: b.card(), BankMobile: b.Mobile, IdempotencyKey: b.key("card")}
	repeated(t, w, "a card", 8, func() (*userv1.BankCard, error) { return b.users.BindCard(t.Context(), card) })
	wish := b.wish(900_000, 6)
	b.apply(t, wish)
	repeated(t, w, "an application", 8, func() (*loanv1.Application, error) { return b.loans.Apply(t.Context(), wish) })
	more := proto.CloneOf(wish)
	more.AmountMinor += 100
	otherCard := proto.CloneOf(card)
	otherCard.BankMobile = w.person(t, 30).Mobile
	w.refuse(t,
		refusal{"the key of an application with another amount", b.phone, asks("/v1/applications", jsonOf(more)), clash, "idempotency.body_differs", "idempotencyKey"},
		refusal{"the key of a card with another mobile", b.phone, asks("/v1/cards", jsonOf(otherCard)), clash, "idempotency.body_differs", "idempotencyKey"},
	)
	table, err := b.loans.GetDisclosure(t.Context(), &loanv1.GetDisclosureRequest{ApplicationId: b.applicationID})
	if err != nil {
		t.Fatal(err)
	}
	confirm := &loanv1.ConfirmDisclosureRequest{ApplicationId: b.applicationID, Hash: table.GetHash(), ShownAtMs: 1_700_000_000_000, ReadSeconds: 10, IdempotencyKey: b.key("confirm")}
	contract := atOnce(t, "a confirmation", 4, func() (*loanv1.Contract, error) { return b.loans.ConfirmDisclosure(t.Context(), confirm) })
	repeated(t, w, "a confirmation", 4, func() (*loanv1.Contract, error) { return b.loans.ConfirmDisclosure(t.Context(), confirm) })
	sign := &loanv1.SignRequest{ApplicationId: b.applicationID, Hash: contract.GetHash(), IdempotencyKey: b.key("sign")}
	b.loanID = atOnce(t, "a signature", 4, func() (*loanv1.SignResponse, error) {
		got, err := b.loans.Sign(t.Context(), sign)
		return &loanv1.SignResponse{LoanId: got.GetLoanId(), ContractId: got.GetContractId()}, err
	}).GetLoanId()
	b.loanIn(t, "REPAYING")
	otherSign := proto.CloneOf(sign)
	otherSign.Hash = strings.Repeat("1", 64)
	w.refuse(t, refusal{"the key of a signature on another contract", b.phone, asks(fmt.Sprintf("/v1/applications/%d/signature", b.applicationID), jsonOf(otherSign)), clash, "idempotency.body_differs", "idempotencyKey"})
	if sent := w.sandbox.moved(t, b.card(), "PAYOUT"); len(sent) != 1 {
		t.Errorf("paid out %d times", len(sent))
	}

	w.sandbox.setBalance(t, b.card(), ample)
	repay := &loanv1.RepayRequest{LoanId: b.loanID, Kind: "payoff", IdempotencyKey: b.key("repay")}
	id := atOnce(t, "a repayment", 8, func() (*loanv1.Repayment, error) {
		got, err := b.loans.Repay(t.Context(), repay)
		return &loanv1.Repayment{RepaymentId: got.GetRepaymentId()}, err
	}).GetRepaymentId()
	if paid := b.ended(t, id); paid.GetState() != "PAID" {
		t.Errorf("the repayment is %s", paid.GetState())
	}
	b.loanIn(t, "SETTLED")
	repeated(t, w, "a repayment", 4, func() (*loanv1.Repayment, error) { return b.loans.Repay(t.Context(), repay) })
	otherRepay := proto.CloneOf(repay)
	otherRepay.Kind = "due"
	w.refuse(t, refusal{"the key of a repayment of another kind", b.phone, asks(fmt.Sprintf("/v1/loans/%d/repayments", b.loanID), jsonOf(otherRepay)), clash, "idempotency.body_differs", "idempotencyKey"})
	if taken := w.sandbox.moved(t, b.card(), "COLLECT"); len(taken) != 1 {
		t.Errorf("collected %d times", len(taken))
	}
}

// repeated sees that an act done again, several times at once, is answered alike and changes nothing.
func repeated[T proto.Message](t *testing.T, w *world, what string, times int, act func() (T, error)) {
	t.Helper()
	before := w.rows(t)
	atOnce(t, what, times, act)
	w.unchanged(t, before)
}

// atOnce does an act several times at once; all answers must be the same.
func atOnce[T proto.Message](t *testing.T, what string, times int, act func() (T, error)) T {
	t.Helper()
	answers, errs := make([]T, times), make([]error, times)
	var together sync.WaitGroup
	for i := range times {
		together.Go(func() { answers[i], errs[i] = act() })
	}
	together.Wait()
	for i := range times {
		if errs[i] != nil {
			t.Fatalf("%s, repeated: %v", what, errs[i])
		}
		if !proto.Equal(answers[0], answers[i]) {
			t.Errorf("%s, repeated, was answered differently", what)
		}
	}
	return answers[0]
}
