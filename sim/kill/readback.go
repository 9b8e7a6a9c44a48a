package kill

import (
	"context"
	"errors"
	"fmt"

	"connectrpc.com/connect"

	"github.com/hengdai/hengdai/api/loan/v1/loanv1connect"

	gatewayv1 "github.com/hengdai/hengdai/api/gateway/v1"
	loanv1 "github.com/hengdai/hengdai/api/loan/v1"
	rpcv1 "github.com/hengdai/hengdai/api/rpc/v1"
	userv1 "github.com/hengdai/hengdai/api/user/v1"
)

// readBack reads what a write was acknowledged for, and asks again with the same key where there is one: the answer must
// name the same thing.
func (c *campaign) readBack(ctx context.Context, y yes) (kind string, again bool, err error) {
	ctx = once(ctx)
	if y.who == nil {
		return c.readStaff(ctx, y)
	}
	err = y.who.SignedIn(ctx, func() error {
		var err error
		switch y.req.(type) {
		case *userv1.SendCodeRequest, *userv1.LoginRequest, *userv1.GiveConsentRequest, *userv1.BindCardRequest:
			kind, again, err = readUser(ctx, y)
		default:
			kind, again, err = readLoan(ctx, y)
		}
		return err
	})
	return kind, again, err
}

func readUser(ctx context.Context, y yes) (kind string, again bool, err error) {
	users := y.who.Users()
	switch req := y.req.(type) {
	case *userv1.SendCodeRequest:
		return "code sent", false, nil // whoever signed in has read it on his phone
	case *userv1.LoginRequest:
		me, err := users.GetMe(ctx, &userv1.GetMeRequest{})
		return "sign-in", false, same(err, me.GetUserId(), y.res.(*userv1.LoginResponse).GetUserId())
	case *userv1.GiveConsentRequest:
		list, err := users.ListConsents(ctx, &userv1.ListConsentsRequest{})
		given := int64(0)
		for _, consent := range list.GetConsents() {
			if consent.GetDocument() == req.GetConsent().GetDocument() && consent.GetHash() == req.GetConsent().GetHash() {
				given = 1
			}
		}
		return "consent", false, same(err, given, 1)
	case *userv1.BindCardRequest:
		id := y.res.(*userv1.BankCard).GetCardId()
		card, err := users.GetCard(ctx, &userv1.GetCardRequest{CardId: id})
		if err = same(err, card.GetCardId(), id); err != nil {
			return "card", false, err
		}
		repeated, err := users.BindCard(ctx, req)
		return "card", true, same(err, repeated.GetCardId(), id)
	}
	return fmt.Sprintf("%T", y.req), false, errUnknown
}

func readLoan(ctx context.Context, y yes) (kind string, again bool, err error) {
	loans := y.who.Loans()
	switch req := y.req.(type) {
	case *loanv1.ApplyRequest:
		id := y.res.(*loanv1.Application).GetApplicationId()
		app, err := loans.GetApplication(ctx, &loanv1.GetApplicationRequest{ApplicationId: id})
		if err = same(err, app.GetApplicationId(), id); err != nil {
			return "application", false, err
		}
		repeated, err := loans.Apply(ctx, req)
		return "application", true, same(err, repeated.GetApplicationId(), id)
	case *loanv1.ConfirmDisclosureRequest:
		hash := y.res.(*loanv1.Contract).GetHash()
		contract, err := loans.GetContract(ctx, &loanv1.GetContractRequest{ApplicationId: req.GetApplicationId()})
		if err = same(err, contract.GetHash(), hash); err != nil {
			return "confirmation", false, err
		}
		repeated, err := loans.ConfirmDisclosure(ctx, req)
		return "confirmation", true, same(err, repeated.GetHash(), hash)
	case *loanv1.SignRequest:
		id := y.res.(*loanv1.SignResponse).GetLoanId()
		loan, err := loans.GetLoan(ctx, &loanv1.GetLoanRequest{LoanId: id})
		if err = same(err, loan.GetLoanId(), id); err != nil {
			return "signature", false, err
		}
		repeated, err := loans.Sign(ctx, req)
		return "signature", true, same(err, repeated.GetLoanId(), id)
	case *loanv1.RepayRequest:
		id := y.res.(*loanv1.Repayment).GetRepaymentId()
		paid, err := loans.GetRepayment(ctx, &loanv1.GetRepaymentRequest{RepaymentId: id})
		if err = same(err, paid.GetRepaymentId(), id); err != nil {
			return "repayment", false, err
		}
		repeated, err := loans.Repay(ctx, req)
		return "repayment", true, same(err, repeated.GetRepaymentId(), id)
	}
	return fmt.Sprintf("%T", y.req), false, errUnknown
}

func (c *campaign) readStaff(ctx context.Context, y yes) (kind string, again bool, err error) {
	switch req := y.req.(type) {
	case *userv1.StaffLoginRequest:
		return "sign-in of staff", false, nil // whoever worked was signed in
	case *loanv1.ClaimReviewRequest:
		return "review claimed", false, nil // its decision follows
	case *loanv1.DecideReviewRequest:
		err := c.crowd.guide.Reviewer(ctx, func(loans loanv1connect.StaffClient) error {
			file, err := loans.GetApplication(ctx, &loanv1.StaffGetApplicationRequest{ApplicationId: req.GetApplicationId()})
			if err == nil && (file.GetApplication().GetState() == "MANUAL_REVIEW" || (file.GetApplication().GetState() == "REJECTED") != (req.GetOutcome() == "reject")) {
				err = fmt.Errorf("decided as %s, it is %s", req.GetOutcome(), file.GetApplication().GetState())
			}
			return err
		})
		return "review decided", false, err
	case *gatewayv1.TravelRequest:
		today, err := c.crowd.guide.Today(ctx)
		if err == nil && today < y.res.(*gatewayv1.Travelled).GetBusinessDate() {
			err = fmt.Errorf("the calendar was at %s and is at %s", y.res.(*gatewayv1.Travelled).GetBusinessDate(), today)
		}
		return "day of the calendar", false, err
	}
	return fmt.Sprintf("%T", y.req), false, errUnknown
}

var errUnknown = errors.New("nothing here knows how to read it back")

// same says what is wrong with an answer.
func same[T comparable](err error, got, want T) error {
	if err == nil && got != want {
		err = fmt.Errorf("it is %v, acknowledged was %v", got, want)
	}
	return err
}

// ruleOf is the machine reason that an answer carries.
func ruleOf(err error) string {
	var wire *connect.Error
	if !errors.As(err, &wire) {
		return ""
	}
	for _, detail := range wire.Details() {
		if value, err := detail.Value(); err == nil {
			if known, ok := value.(*rpcv1.ErrorDetail); ok {
				return known.GetReason()
			}
		}
	}
	return ""
}
