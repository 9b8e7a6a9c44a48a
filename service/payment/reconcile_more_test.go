package payment_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	paymentv1 "github.com/hengdai/hengdai/api/payment/v1"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/kit/store/storetest"
)

func TestAnUnknownAttemptLearnsItsSuccessFromTheStatement(t *testing.T) {
	for _, name := range []string{"alpha", "beta"} {
		t.Run(name, func(t *testing.T) {
			r := start(t, storetest.SQLite(t), only(name))
			day := r.standAt(1, 12, 0)
			r.setDeaf(true)
			r.fault(name, "", "lost_response", 1)
			r.fault(name, "query", "server_error", 1_000_000)
			o := r.create(r.request(1, "debit", 100_00))
			r.await(o.GetOrderId(), "SENDING")
			deadline := time.Now().Add(10 * time.Second)
			for r.moved() == 0 && time.Now().Before(deadline) {
				time.Sleep(5 * time.Millisecond)
			}
			r.standAt(2, 10, 0)
			got := r.awaitDay(name, day, "CLOSED")
			r.await(o.GetOrderId(), "PAID")
			proofs := r.detail(o.GetOrderId()).GetEvidence()
			if last := proofs[len(proofs)-1]; last.GetSource() != "statement" || last.GetVerdict() != "succeeded" || len(last.GetDigest()) != 64 {
				t.Errorf("proven by %v", last)
			}
			if len(got.GetDifferences()) != 0 || len(r.breaks()) != 0 || r.balance("3001") != 0 || r.balance("2290") != -100_00 {
				t.Errorf("left: %v", got)
			}
			r.ties([]string{name}, day)
		})
	}
}

func TestAnAttemptFailsByAbsenceOnlyWhenEveryFileOfItsWindowIsThere(t *testing.T) {
	r := start(t, storetest.SQLite(t))
	day := r.standAt(1, 12, 0)
	r.fault("alpha", "pay", "lost_request", 1)
	r.fault("alpha", "query", "server_error", 1_000_000)
	o := r.create(r.request(1, "disbursement", 100_00))
	r.await(o.GetOrderId(), "SENDING")
	first := r.standAt(2, 10, 0)
	r.awaitDay("alpha", day, "CLOSED")
	r.standAt(3, 10, 0)
	r.awaitDay("alpha", first, "CLOSED")
	if s := r.get(o.GetOrderId()); s.GetAttempts()[0].GetState() != "UNKNOWN" || len(s.GetAttempts()) != 1 {
		t.Fatalf("before the last file of the window: %v", s)
	}
	r.standAt(4, 10, 0)
	done := r.await(o.GetOrderId(), "PAID", "MANUAL")
	tries := done.GetAttempts()
	if tries[0].GetState() != "FAILED_FINAL" || tries[0].GetCode() != "ABSENT" || len(tries) != 2 || tries[1].GetChannel() != "beta" || done.GetState() != "PAID" {
		t.Errorf("got %v", done)
	}
	if n := r.moved(); n != 1 {
		t.Errorf("money moved %d times", n)
	}
}

func TestTwoPeopleCorrectWhatOnlyOneSideHas(t *testing.T) {
	type fate struct {
		kind, fault, remedy, order string
		accounts                   map[string]int64
	}
	for _, f := range []fate{
		{"disbursement", "line_missing", "TAKE_BACK", "RETURNED", map[string]int64{"2290": 0}},
		{"refund", "line_missing", "UNIDENTIFY", "PAID", map[string]int64{"2290": 100_00, "2241.unid": -100_00}},
		{"debit", "line_missing", "RECOVER", "PAID", map[string]int64{"2290": -100_00, "1221": 100_00}},
		{"debit", "line_missing", "TAKE_BACK", "RETURNED", map[string]int64{"2290": 0}},
		{"debit", "line_twice", "UNIDENTIFY", "PAID", map[string]int64{"2290": -100_00, "2241.unid": -100_00}},
		{"disbursement", "line_twice", "RECOVER", "PAID", map[string]int64{"2290": 100_00, "1221": 100_00}},
		{"disbursement", "line_fee", "EXPLAIN", "PAID", map[string]int64{"2290": 100_00}},
		{"debit", "line_failed", "RECOVER", "PAID", map[string]int64{"2290": -100_00, "1221": 100_00}},
		{"debit", "line_status", "TAKE_IN", "REJECTED", map[string]int64{"2290": -100_00}},
		{"disbursement", "line_status", "RECOVER", "REJECTED", map[string]int64{"2290": 0, "1221": 100_00}},
	} {
		t.Run(fmt.Sprint(f.kind, " ", f.fault, " ", f.remedy), func(t *testing.T) {
			t.Parallel()
			r := start(t, storetest.SQLite(t), only("alpha"))
			day := r.standAt(1, 12, 0)
			r.control("/control/faults", map[string]any{"party": "alpha", "kind": f.fault, "count": 1, "day": day})
			if f.fault == "line_status" {
				r.control("/control/accounts", map[string]any{"card_no": r.crowd[0].Cards[0].CardNo, "closed": true})
			}
			o := r.await(r.create(r.request(1, f.kind, 100_00)).GetOrderId(), "PAID", "REJECTED")
			next := r.standAt(2, 12, 0)
			r.awaitDay("alpha", day, "CLOSED")
			last := r.standAt(3, 12, 0)
			r.awaitDay("alpha", next, "CLOSED")
			open := r.differences("alpha", next)
			if len(open) != 1 || open[0].GetState() != "BREAK" {
				t.Fatalf("open: %v", open)
			}
			_, err := r.staff(101, "finance").ProposeBreakClosure(context.Background(), &paymentv1.ProposeBreakClosureRequest{
				BreakId: open[0].GetBreakId(), Finding: "nothing was found out", Remedy: "SEND_BACK", IdempotencyKey: "not-allowed",
			})
			if errs.CodeOf(err) != errs.Precondition {
				t.Errorf("a remedy that does not fit: %v", err)
			}
			r.remedy(open[0].GetBreakId(), f.remedy)
			if s := r.get(o.GetOrderId()).GetState(); s != f.order {
				t.Errorf("the order is %s", s)
			}
			for account, want := range f.accounts {
				if got := r.balance(account); got != want {
					t.Errorf("%s holds %d, wanted %d", account, got, want)
				}
			}
			if got := r.balance("3001"); got != 0 {
				t.Errorf("%d is left in transit", got)
			}
			if f.remedy == "RECOVER" {
				r.remedy(open[0].GetBreakId(), "GIVE_UP")
				if a, b := r.balance("1221"), r.balance("6711"); a != 0 || b != 100_00 {
					t.Errorf("given up: 1221 holds %d, 6711 %d", a, b)
				}
			}
			r.standAt(4, 12, 0)
			r.ties([]string{"alpha"}, day, next, last)
			if n := len(r.differences("alpha", last)) + len(r.breaks()); n != 0 {
				t.Errorf("%d differences and breaks are left", n)
			}
		})
	}
}

func TestALargeFileGoesOnWhereACrashStoppedIt(t *testing.T) {
	each(t, func(t *testing.T, cfg store.Config) {
		r := start(t, cfg, only("alpha"))
		day := r.standAt(1, 12, 0)
		const orders = 260
		var ids []int64
		for n := range orders {
			ids = append(ids, r.create(r.request(1+n%40, "debit", int64(1_00+n))).GetOrderId())
		}
		sum := int64(0)
		for n, orderID := range ids {
			r.await(orderID, "PAID")
			sum += int64(1_00 + n)
		}
		r.standAt(2, 10, 0)
		deadline := time.Now().Add(20 * time.Second)
		for stops := 0; stops < 3 && time.Now().Before(deadline); {
			got, err := r.staff(9, "finance").GetReconciliation(context.Background(), &paymentv1.GetReconciliationRequest{Channel: "alpha", SettledOn: day})
			if err == nil && got.GetDay().GetState() == "CLOSED" {
				break
			}
			if err == nil {
				r.crash()
				r.open()
				stops++
			}
			time.Sleep(time.Millisecond)
		}
		got := r.awaitDay("alpha", day, "CLOSED")
		if n := len(got.GetFigures()); n != 1 || got.GetClasses()[0].GetLines() != orders || got.GetFigures()[0].GetSettledMinor() != sum {
			t.Errorf("%d runs: %v", n, got.GetFigures())
		}
		if r.balance("3001") != 0 || r.balance("1002")+r.balance("6421") != sum || len(r.breaks()) != 0 {
			t.Errorf("in transit %d, bank %d, fees %d of %d", r.balance("3001"), r.balance("1002"), r.balance("6421"), sum)
		}
		r.ties([]string{"alpha"}, day)
	})
}

func TestADayThatHasNotEndedOrNeverBeganIsNotFetched(t *testing.T) {
	r := start(t, storetest.SQLite(t))
	r.standAt(1, 12, 0)
	today := r.standAt(1, 12, 1)
	for on, want := range map[string]string{today: "payment.day_not_over", "2020-01-01": "payment.day_before_first", "2026-02-30": "request.no_such_date"} {
		_, err := r.staff(9, "operator").FetchStatement(context.Background(), &paymentv1.FetchStatementRequest{Channel: "alpha", SettledOn: on})
		if errs.ReasonOf(err) != want {
			t.Errorf("%s: %v", on, err)
		}
	}
	if _, err := r.staff(9, "operator").FetchStatement(context.Background(), &paymentv1.FetchStatementRequest{Channel: "gamma", SettledOn: today}); errs.CodeOf(err) != errs.NotFound {
		t.Errorf("another channel: %v", err)
	}
	if _, err := r.staff(9, "auditor").FetchStatement(context.Background(), &paymentv1.FetchStatementRequest{Channel: "alpha", SettledOn: today}); errs.CodeOf(err) != errs.Denied {
		t.Errorf("without a role: %v", err)
	}
}
