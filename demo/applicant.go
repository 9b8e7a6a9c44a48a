package demo

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"connectrpc.com/connect"

	"github.com/hengdai/hengdai/api/loan/v1/loanv1connect"
	"github.com/hengdai/hengdai/api/user/v1/userv1connect"
	"github.com/hengdai/hengdai/kit/clock"
	"github.com/hengdai/hengdai/sandbox/people"

	loanv1 "github.com/hengdai/hengdai/api/loan/v1"
	rpcv1 "github.com/hengdai/hengdai/api/rpc/v1"
	userv1 "github.com/hengdai/hengdai/api/user/v1"
)

// applicant is one row of the file on its way through the lender.
type applicant struct {
	row       Row
	person    people.Person
	behaviour Behaviour
	bank      bank
	phone     *phone
	users     userv1connect.PublicClient
	loans     loanv1connect.PublicClient
	device    string
	lastSMS   int64
	// patient: faults cross midnight, so an act may end on a later day.
	patient bool

	// What came of it.
	userID, cardID, applicationID, loanID int64
	refusal                               string
	manual                                bool
	plan                                  []*loanv1.ScheduleRow
	state                                 string
	loan                                  *loanv1.Loan
	repayment                             *repayment
}

// register signs in by SMS code and agrees to each document on its own.
func (a *applicant) register(ctx context.Context) error {
	docs, err := a.users.ListDocuments(ctx, &userv1.ListDocumentsRequest{Language: "zh"})
	if err != nil {
		return fmt.Errorf("list the documents: %w", err)
	}
	var policy *userv1.DocumentRef
	var others []*userv1.DocumentRef
	for _, doc := range docs.GetDocuments() {
		ref := &userv1.DocumentRef{Document: doc.GetDocument(), Version: doc.GetVersion(), Hash: doc.GetHash()}
		if doc.GetRequired() {
			policy = ref
			continue
		}
		others = append(others, ref)
	}
	if err := a.signIn(ctx, policy); err != nil {
		return err
	}
	for _, ref := range others {
		if _, err := a.users.GiveConsent(ctx, &userv1.GiveConsentRequest{Consent: ref, Channel: "app"}); err != nil {
			return fmt.Errorf("consent to %s: %w", ref.GetDocument(), err)
		}
	}
	return nil
}

// signIn asks for a code, reads it from the phone and opens a session.
func (a *applicant) signIn(ctx context.Context, policy *userv1.DocumentRef) error {
	send := &userv1.SendCodeRequest{
		Mobile: a.person.Mobile, Purpose: "login", Language: "zh", IdempotencyKey: a.key(fmt.Sprintf("code-%d", a.lastSMS)),
	}
	if _, err := a.users.SendCode(ctx, send); err != nil {
		return fmt.Errorf("ask for a code: %w", err)
	}
	var code string
	err := until(ctx, "the code did not arrive", 20*time.Second, func() (bool, error) {
		got, number, err := a.bank.newestCode(ctx, a.person.Mobile, a.lastSMS)
		if err == nil {
			code, a.lastSMS = got, number
		}
		return err == nil, err
	})
	if err != nil {
		return err
	}
	session, err := a.users.Login(ctx, &userv1.LoginRequest{
		Mobile: a.person.Mobile, Code: code, DeviceId: a.device, Consent: policy,
		Device: &userv1.DeviceSigns{Platform: "android", Model: "demo", AppVersion: "1"},
	})
	if err != nil {
		return fmt.Errorf("sign in: %w", err)
	}
	a.phone.signIn(session.GetSessionToken())
	a.userID = session.GetUserId()
	return nil
}

// signedIn does the act, and signs in again first if the session has ended: months pass in a run.
func (a *applicant) signedIn(ctx context.Context, act func() error) error {
	err := act()
	if connect.CodeOf(err) != connect.CodeUnauthenticated {
		return err
	}
	if err := a.signIn(ctx, nil); err != nil {
		return err
	}
	return act()
}

// identify binds the card and has name, ID number, card and mobile checked together.
func (a *applicant) identify(ctx context.Context) error {
	card, err := a.users.BindCard(ctx, &userv1.BindCardRequest{
		Name: a.person.Name, IdNo: a.person.IDNo, CardNo: a.person.Cards[0].CardNo, BankMobile: a.person.Mobile,
		IdempotencyKey: a.key("card"),
	})
	if err != nil {
		return fmt.Errorf("bind the card: %w", err)
	}
	err = until(ctx, "the identity check did not end", 30*time.Second, func() (bool, error) {
		if card.GetState() != userv1.CheckState_CHECK_STATE_CHECKING {
			return true, nil
		}
		got, err := a.users.GetCard(ctx, &userv1.GetCardRequest{CardId: card.GetCardId()})
		if err == nil {
			card = got
		}
		return false, err
	})
	if err != nil {
		return err
	}
	if card.GetState() != userv1.CheckState_CHECK_STATE_VERIFIED {
		return &refusedError{reason: "identity." + card.GetReason()}
	}
	a.cardID = card.GetCardId()
	return nil
}

// apply quotes and asks for the loan of the row. A refusal comes back as *refusedError with the rule's name.
func (a *applicant) apply(ctx context.Context) error {
	product, method := productOf(a.row)
	if err := a.quote(ctx, product, method); err != nil {
		return err
	}
	return a.submit(ctx, product, method)
}

func (a *applicant) quote(ctx context.Context, product, method string) error {
	_, err := a.loans.Quote(ctx, &loanv1.QuoteRequest{
		Product: product, AmountMinor: a.row.AmountMinor, TermMonths: a.row.TermMonths, Method: method,
	})
	if err != nil {
		return refusal(fmt.Errorf("quote: %w", err))
	}
	return nil
}

func (a *applicant) submit(ctx context.Context, product, method string) error {
	app, err := a.loans.Apply(ctx, &loanv1.ApplyRequest{
		Product: product, AmountMinor: a.row.AmountMinor, TermMonths: a.row.TermMonths, Method: method, Purpose: a.row.Purpose,
		Stated: statedOf(a.row), CardId: a.cardID, Device: &loanv1.ApplyDevice{}, IdempotencyKey: a.key("apply"),
	})
	if err != nil {
		return refusal(fmt.Errorf("apply: %w", err))
	}
	a.applicationID = app.GetApplicationId()
	return nil
}

// decided waits until the application is approved or refused; a person may have to decide it meanwhile.
func (a *applicant) decided(ctx context.Context) error {
	var app *loanv1.Application
	err := until(ctx, fmt.Sprintf("application %d was not decided", a.applicationID), 3*time.Minute, func() (bool, error) {
		got, err := a.loans.GetApplication(ctx, &loanv1.GetApplicationRequest{ApplicationId: a.applicationID, WaitMs: 1000})
		if err != nil {
			return false, err
		}
		app = got
		a.manual = a.manual || app.GetState() == "MANUAL_REVIEW"
		return app.GetState() != "SUBMITTED" && app.GetState() != "DECIDING" && app.GetState() != "MANUAL_REVIEW", nil
	})
	if err != nil {
		return err
	}
	if app.GetState() != "APPROVED" {
		reason := app.GetState()
		if len(app.GetReasons()) > 0 {
			reason = app.GetReasons()[0].GetCode()
		}
		return &refusedError{reason: reason}
	}
	return nil
}

// sign reads the table of costs, confirms it, and signs the contract.
func (a *applicant) sign(ctx context.Context) error {
	table, err := a.readTable(ctx)
	if err != nil {
		return err
	}
	contract, err := a.confirm(ctx, table)
	if err != nil {
		return err
	}
	return a.signContract(ctx, contract)
}

func (a *applicant) readTable(ctx context.Context) (*loanv1.Disclosure, error) {
	table, err := a.loans.GetDisclosure(ctx, &loanv1.GetDisclosureRequest{ApplicationId: a.applicationID})
	if err != nil {
		return nil, fmt.Errorf("read the table of costs: %w", err)
	}
	return table, nil
}

func (a *applicant) confirm(ctx context.Context, table *loanv1.Disclosure) (*loanv1.Contract, error) {
	contract, err := a.loans.ConfirmDisclosure(ctx, &loanv1.ConfirmDisclosureRequest{
		ApplicationId: a.applicationID, Hash: table.GetHash(), IdempotencyKey: a.key("confirm"),
		ShownAtMs: clock.Real().UnixMilli() - int64(table.GetMinReadSeconds())*1000, ReadSeconds: table.GetMinReadSeconds(),
	})
	if err != nil {
		return nil, fmt.Errorf("confirm the table of costs: %w", err)
	}
	return contract, nil
}

func (a *applicant) signContract(ctx context.Context, contract *loanv1.Contract) error {
	signed, err := a.loans.Sign(ctx, &loanv1.SignRequest{
		ApplicationId: a.applicationID, Hash: contract.GetHash(), IdempotencyKey: a.key("sign"),
	})
	if err != nil {
		return fmt.Errorf("sign: %w", err)
	}
	a.loanID = signed.GetLoanId()
	return nil
}

// running waits until the money has arrived, or never will.
func (a *applicant) running(ctx context.Context) error {
	return until(ctx, fmt.Sprintf("loan %d was not paid out", a.loanID), 2*time.Minute, func() (bool, error) {
		loan, err := a.loans.GetLoan(ctx, &loanv1.GetLoanRequest{LoanId: a.loanID})
		if err != nil {
			return false, err
		}
		a.state = loan.GetState()
		return a.state != "AWAITING_DISBURSEMENT" && a.state != "DISBURSING", nil
	})
}

// paidOut looks whether the money has arrived, reads the plan that runs from that day, and says what the account holds from
// now on.
func (a *applicant) paidOut(ctx context.Context) error {
	defer a.phone.http.CloseIdleConnections()
	return a.signedIn(ctx, func() error {
		loan, err := a.loans.GetLoan(ctx, &loanv1.GetLoanRequest{LoanId: a.loanID})
		if err != nil {
			return fmt.Errorf("read loan %d: %w", a.loanID, err)
		}
		if a.state = loan.GetState(); a.state != "REPAYING" {
			return nil
		}
		plan, err := a.loans.GetSchedule(ctx, &loanv1.GetScheduleRequest{LoanId: a.loanID})
		if err != nil {
			return fmt.Errorf("read the plan: %w", err)
		}
		a.plan = plan.GetRows()
		balance := ample
		if a.behaviour.Kind == StopsPaying && a.behaviour.From <= 1 {
			balance = 0
		}
		return a.bank.setBalance(ctx, a.person.Cards[0].CardNo, balance)
	})
}

// underWay says that the payout has no end yet.
func (a *applicant) underWay() bool {
	return a.state == "AWAITING_DISBURSEMENT" || a.state == "DISBURSING"
}

// key makes the idempotency key of one act of one applicant; it is stored before sending by being derived.
func (a *applicant) key(act string) string {
	return "demo-" + strconv.Itoa(a.row.Number) + "-" + act
}

// refusedError says that the lender refused, by the name of the rule. It is an outcome, not a fault.
type refusedError struct{ reason string }

func (e *refusedError) Error() string { return "refused: " + e.reason }

// refusal turns an answer of a closed kind (invalid, precondition) into a refusal with the rule's name.
func refusal(err error) error {
	code := connect.CodeOf(err)
	if reason := reasonOf(err); reason != "" && (code == connect.CodeInvalidArgument || code == connect.CodeFailedPrecondition) {
		return &refusedError{reason: reason}
	}
	return err
}

// reasonOf is the name of the rule by which the program answered an error; empty if it gave none.
func reasonOf(err error) string {
	var wire *connect.Error
	if !errors.As(err, &wire) {
		return ""
	}
	for _, detail := range wire.Details() {
		value, err := detail.Value()
		if err != nil {
			continue
		}
		if known, ok := value.(*rpcv1.ErrorDetail); ok {
			return known.GetReason()
		}
	}
	return ""
}
