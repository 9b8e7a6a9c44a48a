package acceptance

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"connectrpc.com/connect"

	"github.com/hengdai/hengdai/api/loan/v1/loanv1connect"
	"github.com/hengdai/hengdai/api/notify/v1/notifyv1connect"
	"github.com/hengdai/hengdai/api/user/v1/userv1connect"
	"github.com/hengdai/hengdai/sandbox/people"

	loanv1 "github.com/hengdai/hengdai/api/loan/v1"
	userv1 "github.com/hengdai/hengdai/api/user/v1"
)

// borrower is a person with a phone and the lender's app on it.
type borrower struct {
	people.Person
	*phone
	w       *world
	users   userv1connect.PublicClient
	loans   loanv1connect.PublicClient
	inbox   notifyv1connect.PublicClient
	lastSMS int64

	id, sessionID, cardID, applicationID, loanID int64
}

// stranger is somebody of an age who has not registered yet.
func (w *world) stranger(t testing.TB, years int) *borrower {
	t.Helper()
	p := w.newPhone()
	return &borrower{
		Person: w.person(t, years), phone: p, w: w, users: userv1connect.NewPublicClient(p.http, p.base),
		loans: loanv1connect.NewPublicClient(p.http, p.base), inbox: notifyv1connect.NewPublicClient(p.http, p.base),
	}
}

// borrower is somebody of thirty-five who registered, agreed to everything and bound his card.
func (w *world) borrower(t testing.TB) *borrower { t.Helper(); return w.borrowerOf(t, 35) }

func (w *world) borrowerOf(t testing.TB, years int) *borrower {
	t.Helper()
	b := w.stranger(t, years)
	b.register(t)
	b.agree(t, "identity", "card", "credit_query")
	b.bindCard(t)
	return b
}

// card is the number of the person's only card.
func (b *borrower) card() string { return b.Cards[0].CardNo }

// key is an idempotency key that belongs to one act of one person.
func (b *borrower) key(act string) string { return "acc-" + act + "-" + b.Mobile }

// register signs in by SMS code; it agrees to the privacy policy with it.
func (b *borrower) register(t testing.TB) {
	t.Helper()
	policy := b.document(t, "privacy")
	b.askForCode(t)
	var session *userv1.LoginResponse
	code := b.code(t)
	b.insist(t, "sign in", func() (err error) {
		session, err = b.users.Login(t.Context(), &userv1.LoginRequest{
			Mobile: b.Mobile, Code: code, DeviceId: "phone-of-" + b.Mobile, Device: &userv1.DeviceSigns{Platform: "android"}, Consent: policy,
		})
		return err
	})
	token := session.GetSessionToken()
	b.session.Store(&token)
	b.id, b.sessionID = session.GetUserId(), session.GetSessionId()
}

func (b *borrower) askForCode(t testing.TB) {
	t.Helper()
	b.insist(t, "ask for a code", func() error {
		_, err := b.users.SendCode(t.Context(), &userv1.SendCodeRequest{
			Mobile: b.Mobile, Purpose: "login", Language: "zh", IdempotencyKey: b.key(fmt.Sprint("code", b.lastSMS)),
		})
		return err
	})
}

// code reads the code from the phone.
func (b *borrower) code(t testing.TB) string {
	t.Helper()
	var code string
	eventually(t, "the code did not arrive", 20*time.Second, func() (bool, error) {
		got, seq, err := b.w.sandbox.newestCode(b.Mobile, b.lastSMS)
		if err == nil {
			code, b.lastSMS = got, seq
		}
		return err == nil, err
	})
	return code
}

// document names the text in force that permits a purpose.
func (b *borrower) document(t testing.TB, purpose string) *userv1.DocumentRef {
	t.Helper()
	list, err := b.users.ListDocuments(t.Context(), &userv1.ListDocumentsRequest{Language: "zh"})
	if err != nil {
		t.Fatalf("list the documents: %v", err)
	}
	for _, doc := range list.GetDocuments() {
		if doc.GetPurpose() == purpose {
			return &userv1.DocumentRef{Document: doc.GetDocument(), Version: doc.GetVersion(), Hash: doc.GetHash()}
		}
	}
	t.Fatalf("no document permits %q", purpose)
	return nil
}

// agree gives consent to the documents of some purposes, one by one.
func (b *borrower) agree(t testing.TB, purposes ...string) {
	t.Helper()
	for _, purpose := range purposes {
		ref := b.document(t, purpose)
		b.insist(t, "agree to "+purpose, func() error {
			_, err := b.users.GiveConsent(t.Context(), &userv1.GiveConsentRequest{Consent: ref, Channel: "app"})
			return err
		})
	}
}

// bindCard states name, ID number, card and mobile and waits until the bureau confirmed them.
func (b *borrower) bindCard(t testing.TB) {
	t.Helper()
	card := b.stateCard(t, &userv1.BindCardRequest{Name: b.Name, IdNo: b.IDNo, CardNo: b.card(), BankMobile: b.Mobile, IdempotencyKey: b.key("card")})
	if card.GetState() != userv1.CheckState_CHECK_STATE_VERIFIED {
		t.Fatalf("the card is %s (%s)", card.GetState(), card.GetReason())
	}
	b.cardID = card.GetCardId()
}

func (b *borrower) stateCard(t testing.TB, req *userv1.BindCardRequest) *userv1.BankCard {
	t.Helper()
	var card *userv1.BankCard
	b.insist(t, "bind a card", func() (err error) {
		card, err = b.users.BindCard(t.Context(), req)
		return err
	})
	eventually(t, "the identity check did not end", 60*time.Second, func() (bool, error) {
		if card.GetState() != userv1.CheckState_CHECK_STATE_CHECKING {
			return true, nil
		}
		got, err := b.users.GetCard(t.Context(), &userv1.GetCardRequest{CardId: card.GetCardId()})
		if err == nil {
			card = got
		}
		return false, err
	})
	return card
}

// wish is an ordinary loan for furniture of somebody whom every rule likes.
func (b *borrower) wish(amountMinor int64, months int32) *loanv1.ApplyRequest {
	return &loanv1.ApplyRequest{
		Product: "consumer-cash", AmountMinor: amountMinor, TermMonths: months, Method: "equal_instalment", Purpose: "furniture",
		CardId: b.cardID, Device: &loanv1.ApplyDevice{}, IdempotencyKey: b.key("apply"),
		Stated: &loanv1.StatedFacts{
			StatusAccount: "over_200", CreditHistory: "repaid_here", Savings: "over_1000", EmploymentDuration: "over_7y", InstallmentRate: 4,
			OtherDebtors: "none", PresentResidence: 4, Property: "real_estate", OtherInstallmentPlans: "none", Housing: "own", NumberCredits: 1,
			Job: "skilled", PeopleLiable: 2, Telephone: "yes",
		},
	}
}

// apply asks for a loan and waits until the machine has decided.
func (b *borrower) apply(t testing.TB, req *loanv1.ApplyRequest) *loanv1.Application {
	t.Helper()
	b.insist(t, "apply", func() error {
		app, err := b.loans.Apply(t.Context(), req)
		b.applicationID = app.GetApplicationId()
		return err
	})
	return b.decided(t, "SUBMITTED", "DECIDING")
}

// decided waits until the application is in none of the given states.
func (b *borrower) decided(t testing.TB, not ...string) *loanv1.Application {
	t.Helper()
	var app *loanv1.Application
	eventually(t, "the application was not decided", 60*time.Second, func() (bool, error) {
		got, err := b.loans.GetApplication(t.Context(), &loanv1.GetApplicationRequest{ApplicationId: b.applicationID, WaitMs: 1000})
		if err != nil {
			return false, err
		}
		app = got
		for _, state := range not {
			if got.GetState() == state {
				return false, fmt.Errorf("it is %s", state)
			}
		}
		return true, nil
	})
	return app
}

// sign reads the table of costs, confirms it and signs the contract.
func (b *borrower) sign(t testing.TB) {
	t.Helper()
	contract := b.confirm(t)
	b.insist(t, "sign", func() error {
		signed, err := b.loans.Sign(t.Context(), &loanv1.SignRequest{ApplicationId: b.applicationID, Hash: contract.GetHash(), IdempotencyKey: b.key("sign")})
		b.loanID = signed.GetLoanId()
		return err
	})
}

func (b *borrower) confirm(t testing.TB) *loanv1.Contract {
	t.Helper()
	var contract *loanv1.Contract
	b.insist(t, "confirm the costs", func() error {
		table, err := b.loans.GetDisclosure(t.Context(), &loanv1.GetDisclosureRequest{ApplicationId: b.applicationID})
		if err != nil {
			return err
		}
		contract, err = b.loans.ConfirmDisclosure(t.Context(), &loanv1.ConfirmDisclosureRequest{
			ApplicationId: b.applicationID, Hash: table.GetHash(), IdempotencyKey: b.key("confirm"),
			ShownAtMs: 1_700_000_000_000, ReadSeconds: table.GetMinReadSeconds(),
		})
		return err
	})
	return contract
}

// loanIn waits until the loan is in a state.
func (b *borrower) loanIn(t testing.TB, state string) *loanv1.Loan {
	t.Helper()
	var loan *loanv1.Loan
	eventually(t, "the loan is not "+state, 90*time.Second, func() (bool, error) {
		got, err := b.loans.GetLoan(t.Context(), &loanv1.GetLoanRequest{LoanId: b.loanID})
		if err != nil {
			return false, err
		}
		loan = got
		return got.GetState() == state, fmt.Errorf("it is %s", got.GetState())
	})
	return loan
}

// borrow takes a person to his money.
func (b *borrower) borrow(t testing.TB, amountMinor int64, months int32) *loanv1.Loan {
	t.Helper()
	app := b.apply(t, b.wish(amountMinor, months))
	if app.GetState() != "APPROVED" {
		t.Fatalf("the application is %s: %v", app.GetState(), app.GetReasons())
	}
	b.sign(t)
	return b.loanIn(t, "REPAYING")
}

// ended waits until a repayment is no longer under way.
func (b *borrower) ended(t testing.TB, repaymentID int64) *loanv1.Repayment {
	t.Helper()
	var paid *loanv1.Repayment
	eventually(t, "the repayment did not end", 90*time.Second, func() (bool, error) {
		got, err := b.loans.GetRepayment(t.Context(), &loanv1.GetRepaymentRequest{RepaymentId: repaymentID})
		if err != nil {
			return false, err
		}
		paid = got
		return got.GetState() != "PENDING", fmt.Errorf("it is %s", got.GetState())
	})
	return paid
}

// insist does an act again while the lender cannot be reached, with the same words: that is what keys are for.
func (b *borrower) insist(t testing.TB, what string, act func() error) {
	t.Helper()
	eventually(t, what, 60*time.Second, func() (bool, error) {
		err := act()
		if err != nil && !passing(err) {
			err = errors.Join(errGiveUp, err)
		}
		return err == nil, err
	})
}

// passing says whether an error is of the moment: no connection, or an answer that says so.
func passing(err error) bool {
	if errors.Is(err, context.DeadlineExceeded) {
		return true
	}
	var wire *connect.Error
	if errors.As(err, &wire) && connect.IsWireError(wire) {
		return wire.Code() == connect.CodeUnavailable || wire.Code() == connect.CodeCanceled // a peer that died under the call
	}
	return true // no answer came at all
}
