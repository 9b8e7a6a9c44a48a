package loan_test

import (
	"context"
	"testing"

	loanv1 "github.com/hengdai/hengdai/api/loan/v1"
	riskv1 "github.com/hengdai/hengdai/api/risk/v1"
	"github.com/hengdai/hengdai/kit/errs"
)

func manual() *riskv1.Decision {
	return &riskv1.Decision{Outcome: "manual", Grade: "C", LimitMinor: 1_000_000, RatePpm: 150_000, Score: 600, Policy: "test-1",
		Reasons: []*riskv1.Reason{{Code: "manual.thin_file", SentenceZh: "资料较少", SentenceEn: "thin", Internal: true}}}
}

func TestAReviewerApprovesWithinWhatRiskAllows(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		w.risk.say(manual())
		userID := w.person()
		a := w.apply(userID)
		if a.GetState() != "MANUAL_REVIEW" || w.limit(userID).GetTotalMinor() != 0 {
			t.Fatalf("unexpected %v", a)
		}
		anna, berta := w.staff(501, "reviewer"), w.staff(502, "reviewer")
		decide := func(c interface {
			DecideReview(context.Context, *loanv1.DecideReviewRequest) (*loanv1.ApplicationFile, error)
		}, amount int64, key string) (*loanv1.ApplicationFile, error) {
			return c.DecideReview(ctx, &loanv1.DecideReviewRequest{ApplicationId: a.GetApplicationId(), Outcome: "approve", AmountMinor: amount, Note: "looked at it", IdempotencyKey: key})
		}
		_, err := decide(anna, 900_000, "decide-0001")
		refused(t, err, errs.Precondition, "task.not_yours")
		review, err := anna.ClaimReview(ctx, &loanv1.ClaimReviewRequest{})
		if err != nil {
			t.Fatal(err)
		}
		if review.GetItem().GetApplicationId() != a.GetApplicationId() || review.GetStated().GetJob() != "skilled" || review.GetCustomer().GetNameMasked() != "测**" ||
			len(review.GetFile().GetReasons()) != 1 || len(review.GetQuote().GetRows()) != 12 {
			t.Fatalf("unexpected review %v", review.GetItem())
		}
		_, err = berta.ClaimReview(ctx, &loanv1.ClaimReviewRequest{ApplicationId: a.GetApplicationId()})
		refused(t, err, errs.Conflict, "task.taken")
		_, err = berta.ClaimReview(ctx, &loanv1.ClaimReviewRequest{})
		refused(t, err, errs.NotFound, "task.not_found")
		if other, err := berta.GetReview(ctx, &loanv1.GetReviewRequest{ApplicationId: a.GetApplicationId()}); err != nil || other.GetStated() != nil {
			t.Fatalf("who has not claimed sees what was stated: %v", err)
		}
		_, err = decide(berta, 900_000, "decide-0002")
		refused(t, err, errs.Precondition, "task.not_yours")
		_, err = decide(anna, 1_100_000, "decide-0003")
		refused(t, err, errs.Invalid, "review.above_limit")
		_, err = decide(anna, 1_300_000, "decide-0004")
		refused(t, err, errs.Invalid, "review.above_asked")
		for range 2 {
			file, err := decide(anna, 900_000, "decide-0005")
			if err != nil {
				t.Fatal(err)
			}
			if file.GetApplication().GetState() != "APPROVED" || file.GetApplication().GetApprovedMinor() != 900_000 || file.GetDecidedBy() != 501 ||
				file.GetReviewNote() != "looked at it" || file.GetApplication().GetRatePpm() != 150_000 {
				t.Fatalf("unexpected %v", file.GetApplication())
			}
		}
		_, err = decide(anna, 800_000, "decide-0005")
		refused(t, err, errs.Conflict, "idempotency.body_differs")
		_, err = decide(anna, 900_000, "decide-0006")
		refused(t, err, errs.Precondition, "application.state")
		if l := w.limit(userID); l.GetTotalMinor() != 1_000_000 || l.GetFrozenMinor() != 900_000 || l.GetRatePpm() != 150_000 {
			t.Fatalf("unexpected %v", l)
		}
		var acts int
		if err := w.db.Primary().QueryRowContext(ctx, "SELECT COUNT(*) FROM kit_audit WHERE subject_id = ?", a.GetApplicationId()).Scan(&acts); err != nil || acts != 2 {
			t.Fatalf("%d acts were recorded, %v", acts, err)
		}
	})
}

func TestAReviewerRefusesWithAReasonThatTheBorrowerReads(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		w.risk.say(manual())
		userID := w.person()
		a := w.apply(userID)
		anna := w.staff(501, "reviewer")
		if _, err := anna.ClaimReview(ctx, &loanv1.ClaimReviewRequest{ApplicationId: a.GetApplicationId()}); err != nil {
			t.Fatal(err)
		}
		_, err := anna.DecideReview(ctx, &loanv1.DecideReviewRequest{ApplicationId: a.GetApplicationId(), Outcome: "reject", Note: "too much", IdempotencyKey: "decide-0001"})
		refused(t, err, errs.Invalid, "review.reason_missing")
		if _, err := anna.DecideReview(ctx, &loanv1.DecideReviewRequest{ApplicationId: a.GetApplicationId(), Outcome: "reject", Reason: "review.affordability",
			Note: "too much", IdempotencyKey: "decide-0002"}); err != nil {
			t.Fatal(err)
		}
		got, err := w.public(userID).GetApplication(ctx, &loanv1.GetApplicationRequest{ApplicationId: a.GetApplicationId()})
		if err != nil || got.GetState() != "REJECTED" || len(got.GetReasons()) != 1 || got.GetReasons()[0].GetCode() != "review.affordability" {
			t.Fatalf("%v, %v", got, err)
		}
		list, err := anna.ListReviews(ctx, &loanv1.ListReviewsRequest{})
		if err != nil || len(list.GetReviews()) != 0 {
			t.Fatalf("the queue still holds %v, %v", list, err)
		}
	})
}

func TestAReturnedReviewGoesToSomebodyElse(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		w.risk.say(manual())
		for range 3 {
			w.apply(w.person())
		}
		anna, berta := w.staff(501, "reviewer"), w.staff(502, "reviewer")
		page, err := anna.ListReviews(ctx, &loanv1.ListReviewsRequest{PageSize: 2})
		if err != nil || len(page.GetReviews()) != 2 || page.GetNextPageToken() == "" {
			t.Fatalf("%v, %v", page, err)
		}
		rest, err := anna.ListReviews(ctx, &loanv1.ListReviewsRequest{PageSize: 2, PageToken: page.GetNextPageToken()})
		if err != nil || len(rest.GetReviews()) != 1 || rest.GetNextPageToken() != "" {
			t.Fatalf("%v, %v", rest, err)
		}
		first, err := anna.ClaimReview(ctx, &loanv1.ClaimReviewRequest{})
		if err != nil {
			t.Fatal(err)
		}
		back, err := anna.ReturnReview(ctx, &loanv1.ReturnReviewRequest{ApplicationId: first.GetItem().GetApplicationId(), Reason: "I know the customer"})
		if err != nil || back.GetItem().GetClaimedBy() != 0 {
			t.Fatalf("%v, %v", back, err)
		}
		second, err := anna.ClaimReview(ctx, &loanv1.ClaimReviewRequest{})
		if err != nil || second.GetItem().GetApplicationId() == first.GetItem().GetApplicationId() {
			t.Fatalf("the returned review came back: %v", err)
		}
		if _, err := berta.ClaimReview(ctx, &loanv1.ClaimReviewRequest{ApplicationId: first.GetItem().GetApplicationId()}); err != nil {
			t.Fatal(err)
		}
		mine, err := berta.ListReviews(ctx, &loanv1.ListReviewsRequest{Mine: true})
		if err != nil || len(mine.GetReviews()) != 1 {
			t.Fatalf("%v, %v", mine, err)
		}
	})
}

func TestOnlyReviewersReview(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for _, role := range []string{"operator", "finance", "collector", "product_manager"} {
			_, err := w.staff(600, role).ClaimReview(t.Context(), &loanv1.ClaimReviewRequest{})
			if errs.CodeOf(err) != errs.Denied {
				t.Fatalf("%s was let in: %v", role, err)
			}
		}
		_, err := w.staff(600, "reviewer").GetReview(t.Context(), &loanv1.GetReviewRequest{ApplicationId: 12345})
		if errs.CodeOf(err) != errs.NotFound {
			t.Fatalf("an unknown review answers %v", err)
		}
	})
}
