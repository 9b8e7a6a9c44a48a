package loan_test

import (
	"testing"

	loanv1 "github.com/hengdai/hengdai/api/loan/v1"
	"github.com/hengdai/hengdai/kit/errs"
)

func TestAnApplicationOutlivesARestartBetweenStoringAndDeciding(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.impatient()
		w.risk.setDown(true)
		userID := w.person()
		a := w.apply(userID)
		w.stop()
		w.risk.setDown(false)
		w.startLoan()
		for range 10 {
			got, err := w.public(userID).GetApplication(t.Context(), &loanv1.GetApplicationRequest{ApplicationId: a.GetApplicationId(), WaitMs: 5000})
			if err != nil {
				t.Fatal(err)
			}
			if got.GetState() == "APPROVED" {
				if l := w.limit(userID); l.GetFrozenMinor() != got.GetApprovedMinor() {
					t.Fatalf("unexpected %v", l)
				}
				return
			}
		}
		t.Fatal("it was never decided")
	})
}

func TestADecisionForACancelledApplicationChangesNothing(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.impatient()
		w.risk.setDown(true)
		userID := w.person()
		a := w.apply(userID)
		if _, err := w.public(userID).CancelApplication(t.Context(), &loanv1.CancelApplicationRequest{ApplicationId: a.GetApplicationId()}); err != nil {
			t.Fatal(err)
		}
		w.risk.setDown(false)
		b := w.apply(userID)
		b, err := w.public(userID).GetApplication(t.Context(), &loanv1.GetApplicationRequest{ApplicationId: b.GetApplicationId(), WaitMs: 9000})
		if err != nil || b.GetState() != "APPROVED" {
			t.Fatalf("the next application is %s, %v", b.GetState(), err)
		}
		if got := w.first(userID); got.GetApplicationId() != b.GetApplicationId() || w.limit(userID).GetFrozenMinor() != b.GetApprovedMinor() {
			t.Fatal("the cancelled one holds a part of the limit")
		}
	})
}

func TestAnErasedApplicantEndsHisApplication(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.impatient()
		w.risk.setDown(true)
		userID := w.person()
		a := w.apply(userID)
		w.user.erase(userID)
		w.risk.setDown(false)
		for range 10 {
			got, err := w.public(userID).GetApplication(t.Context(), &loanv1.GetApplicationRequest{ApplicationId: a.GetApplicationId(), WaitMs: 5000})
			if err != nil {
				t.Fatal(err)
			}
			if got.GetState() == "CANCELLED" {
				return
			}
		}
		t.Fatal("it is still open")
	})
}

func TestWhatRiskCannotDecideGoesToAPerson(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.risk.refuseAll(true)
		userID := w.person()
		a := w.apply(userID)
		if a.GetState() != "MANUAL_REVIEW" {
			t.Fatalf("unexpected %v", a)
		}
		anna := w.staff(501, "reviewer")
		review, err := anna.ClaimReview(t.Context(), &loanv1.ClaimReviewRequest{})
		if err != nil || review.GetFile().GetReasons()[0].GetCode() != "risk.unable" {
			t.Fatalf("%v, %v", review, err)
		}
		_, err = anna.DecideReview(t.Context(), &loanv1.DecideReviewRequest{ApplicationId: a.GetApplicationId(), Outcome: "approve", AmountMinor: 100_000, Note: "looks good", IdempotencyKey: "decide-0001"})
		refused(t, err, errs.Invalid, "review.above_limit")
	})
}
