package payment_test

import (
	"context"
	"testing"
	"time"

	"github.com/hengdai/hengdai/kit/store"
)

// days moves the clock to 10:00 in China of so many days after the start of the rig's day.
func (r *rig) morning(days int) {
	r.t.Helper()
	now := r.clk.Now().In(shanghai)
	at := time.Date(now.Year(), now.Month(), now.Day(), 10, 0, 0, 0, shanghai).AddDate(0, 0, days)
	r.offset.Advance(at.Sub(r.clk.Now()))
	r.db.Wake()
}

var shanghai = time.FixedZone("CST", 8*3600)

func TestADayOfPaymentsIsSettledByItsFilesAndClosed(t *testing.T) {
	each(t, func(t *testing.T, cfg store.Config) {
		r := start(t, cfg)
		for n := 1; n <= 6; n++ {
			r.await(r.create(r.request(n, []string{"debit", "disbursement"}[n%2], 1000_00)).GetOrderId(), "PAID")
		}
		r.morning(1)
		q, _ := r.db.Read().QueryContext(context.Background(), "SELECT 1")
		_ = q.Close()
		_ = context.Background()
		time.Sleep(3 * time.Second)
		for _, a := range []string{"1002", "3001", "6421", "2290"} {
			t.Log(a, r.balance(a))
		}
	})
}
