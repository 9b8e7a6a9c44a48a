package payment_test

import (
	"context"
	"testing"
	"time"

	paymentv1 "github.com/hengdai/hengdai/api/payment/v1"
	"github.com/hengdai/hengdai/domain/calendar"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/kit/store/storetest"
)

func TestADayMarkerThatCannotBeTakenInIsListedAndTriedAgainByAPerson(t *testing.T) {
	r := start(t, storetest.SQLite(t))
	ctx, desk := context.Background(), r.staff(101, "operator")
	today := calendar.InShanghai(r.clk.Now())
	r.exec("ALTER TABLE payment_day RENAME TO payment_day_away")
	r.mark(today.String(), 3)
	var parked []*paymentv1.ParkedEvent
	for end := time.Now().Add(20 * time.Second); len(parked) == 0 && time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		list, err := desk.ListParked(ctx, &paymentv1.ListParkedRequest{})
		r.must(err)
		parked = list.GetEvents()
	}
	if len(parked) != 1 || parked[0].GetUserId() != 0 || parked[0].GetBucket() != 3 || parked[0].GetTries() == 0 || parked[0].GetSource() != "loan" {
		t.Fatalf("parked: %v", parked)
	}
	again, err := desk.RetryParked(ctx, &paymentv1.RetryParkedRequest{Bucket: 3})
	if err != nil || again.GetTaken() != 0 || again.GetLeft() != 1 {
		t.Errorf("tried while it cannot work: %v, %v", again, err)
	}
	r.exec("ALTER TABLE payment_day_away RENAME TO payment_day")
	if _, err := r.staff(102, "auditor").RetryParked(ctx, &paymentv1.RetryParkedRequest{Bucket: 3}); errs.CodeOf(err) != errs.Denied {
		t.Errorf("an auditor may not: %v", err)
	}
	if other, err := desk.RetryParked(ctx, &paymentv1.RetryParkedRequest{Bucket: 4}); err != nil || other.GetTaken() != 0 || other.GetLeft() != 0 {
		t.Errorf("another bucket: %v, %v", other, err)
	}
	done, err := desk.RetryParked(ctx, &paymentv1.RetryParkedRequest{Bucket: 3})
	if err != nil || done.GetTaken() != 1 || done.GetLeft() != 0 {
		t.Fatalf("tried again: %v, %v", done, err)
	}
	var day string
	r.must(r.db.Primary().QueryRowContext(ctx, "SELECT open_on FROM payment_day WHERE bucket = 3").Scan(&day))
	if day != (today + 1).String() {
		t.Errorf("the open date is %s", day)
	}
}

func (r *rig) exec(statement string) {
	r.t.Helper()
	r.must(r.db.Write(context.Background(), func(tx *store.Tx) error {
		_, err := tx.ExecContext(tx.Context(), statement)
		return err
	}))
}
