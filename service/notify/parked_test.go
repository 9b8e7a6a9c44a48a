package notify_test

import (
	"testing"
	"time"

	loanv1 "github.com/hengdai/hengdai/api/loan/v1"
	notifyv1 "github.com/hengdai/hengdai/api/notify/v1"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/store"
)

func TestEventsThatCannotBeTakenInAreListedAndTriedAgainByAPerson(t *testing.T) {
	onBoth(t, func(t *testing.T, r *rig) {
		desk := r.staff("operator")
		r.exec("ALTER TABLE notify_message RENAME TO notify_message_away")
		r.happen("loan", 1003, &loanv1.DebitFailed{LoanId: 9, AmountMinor: 12345}, &loanv1.DebitFailed{LoanId: 9, AmountMinor: 54321})
		r.happen("user", 0, r.code("482913", "zh", 5*time.Minute))
		r.run(0)
		list, err := desk.ListParked(ctx, &notifyv1.ListParkedRequest{})
		if err != nil {
			t.Fatal(err)
		}
		if e := list.GetEvents(); len(e) != 3 || e[0].GetSource() != "user" || e[1].GetUserId() != 1003 || e[1].GetTries() == 0 || e[2].GetReason() != "behind" {
			t.Fatalf("parked: %v", list)
		}
		retry := func(userID, bucket int64, taken, left int32) {
			t.Helper()
			got, err := desk.RetryParked(ctx, &notifyv1.RetryParkedRequest{UserId: userID, Bucket: bucket})
			if err != nil || got.GetTaken() != taken || got.GetLeft() != left {
				t.Errorf("tried again: %v, %v", got, err)
			}
		}
		retry(1003, 0, 0, 2)
		r.exec("ALTER TABLE notify_message_away RENAME TO notify_message")
		if _, err := r.staff("auditor").RetryParked(ctx, &notifyv1.RetryParkedRequest{UserId: 1003}); errs.CodeOf(err) != errs.Denied {
			t.Errorf("an auditor may not: %v", err)
		}
		retry(1003, 0, 2, 0)
		retry(0, list.GetEvents()[0].GetBucket(), 1, 0)
		r.run(0)
		r.reports()
		want(t, len(r.sent()), 3)
	})
}

func (r *rig) exec(statement string) {
	r.t.Helper()
	if err := r.db.Write(ctx, func(tx *store.Tx) error {
		_, err := tx.ExecContext(tx.Context(), statement)
		return err
	}); err != nil {
		r.t.Fatal(err)
	}
}
