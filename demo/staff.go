package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"time"

	"connectrpc.com/connect"
	"github.com/pquerna/otp/totp"

	"github.com/hengdai/hengdai/api/loan/v1/loanv1connect"
	"github.com/hengdai/hengdai/api/user/v1/userv1connect"
	"github.com/hengdai/hengdai/kit/clock"

	loanv1 "github.com/hengdai/hengdai/api/loan/v1"
	userv1 "github.com/hengdai/hengdai/api/user/v1"
)

// login is a member of the sandbox's staff, as the first start printed it.
type login struct {
	Login    string `json:"login"`
	Password string `json:"password"`
	Secret   string `json:"totp_secret"`
	Role     string `json:"role"`
}

// readLogins reads the file that the sandbox profile wrote for its staff.
func readLogins(path string) (map[string]login, error) {
	text, err := os.ReadFile(path) //nolint:gosec // the operator names the file
	if err != nil {
		return nil, fmt.Errorf("read the sandbox's staff: %w", err)
	}
	var list []login
	if err := json.Unmarshal(text, &list); err != nil {
		return nil, fmt.Errorf("read the sandbox's staff %s: %w", path, err)
	}
	byRole := map[string]login{}
	for _, l := range list {
		byRole[l.Role] = l
	}
	return byRole, nil
}

// colleague is one member of staff at work: signed in by password and time-based code, again when the session ends.
type colleague struct {
	who      login
	phone    *phone
	base     string
	over     []connect.ClientOption
	lastCode string
}

func newColleague(o Options, number int, who login) *colleague {
	return &colleague{who: who, phone: newPhone(0xF000+number, o.Roots), base: o.Base, over: o.Over}
}

func (c *colleague) signIn(ctx context.Context) error {
	users := userv1connect.NewStaffClient(c.phone.http, c.base, c.over...)
	return until(ctx, "staff could not sign in", 90*time.Second, func() (bool, error) {
		code, err := totp.GenerateCode(c.who.Secret, clock.Real())
		if err != nil {
			return false, err
		}
		if code == c.lastCode {
			return false, fmt.Errorf("the time-based code was used already")
		}
		session, err := users.StaffLogin(ctx, &userv1.StaffLoginRequest{Login: c.who.Login, Password: c.who.Password, Totp: code})
		if err != nil {
			return false, err
		}
		c.lastCode = code
		c.phone.signIn(session.GetSessionToken())
		return true, nil
	})
}

// signedIn does the act, and signs in again first if the session has ended.
func (c *colleague) signedIn(ctx context.Context, act func() error) error {
	err := act()
	if connect.CodeOf(err) != connect.CodeUnauthenticated {
		return err
	}
	if err := c.signIn(ctx); err != nil {
		return err
	}
	return act()
}

// reviewer decides what the machine handed to a person, until the context ends.
type reviewer struct {
	*colleague
	approved, rejected int
}

func (r *reviewer) work(ctx context.Context) error {
	loans := loanv1connect.NewStaffClient(r.phone.http, r.base, r.over...)
	for clock.Sleep(ctx, 20*time.Millisecond) == nil {
		err := r.signedIn(ctx, func() error { return r.clear(ctx, loans) })
		if err != nil && ctx.Err() == nil {
			return fmt.Errorf("manual review: %w", err)
		}
	}
	return nil
}

// clear decides every free review.
func (r *reviewer) clear(ctx context.Context, loans loanv1connect.StaffClient) error {
	queue, err := loans.ListReviews(ctx, &loanv1.ListReviewsRequest{PageSize: 50})
	if err != nil {
		return err
	}
	for _, item := range queue.GetReviews() {
		review, err := loans.ClaimReview(ctx, &loanv1.ClaimReviewRequest{ApplicationId: item.GetApplicationId()})
		if err != nil {
			return fmt.Errorf("claim %d: %w", item.GetApplicationId(), err)
		}
		decision := judge(review)
		decision.IdempotencyKey = "demo-review-" + strconv.FormatInt(item.GetApplicationId(), 10)
		if _, err := loans.DecideReview(ctx, decision); err != nil {
			return fmt.Errorf("decide %d: %w", item.GetApplicationId(), err)
		}
		if decision.GetOutcome() == "approve" {
			r.approved++
		} else {
			r.rejected++
		}
	}
	return nil
}

// judge is the reviewer's own mind: steady work and a current account that is not overdrawn speak for the applicant.
func judge(review *loanv1.Review) *loanv1.DecideReviewRequest {
	stated := review.GetStated()
	steady := stated.GetEmploymentDuration() == "from_4y" || stated.GetEmploymentDuration() == "over_7y" ||
		stated.GetEmploymentDuration() == "from_1y"
	if steady && stated.GetStatusAccount() != "overdrawn" {
		return &loanv1.DecideReviewRequest{
			ApplicationId: review.GetItem().GetApplicationId(), Outcome: "approve",
			AmountMinor: review.GetItem().GetAmountMinor(), Note: "steady work, account in order",
		}
	}
	return &loanv1.DecideReviewRequest{
		ApplicationId: review.GetItem().GetApplicationId(), Outcome: "reject",
		Reason: "review.affordability", Note: "income not steady enough for this instalment",
	}
}
