package payment_test

import (
	"context"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	paymentv1 "github.com/hengdai/hengdai/api/payment/v1"
	"github.com/hengdai/hengdai/domain/calendar"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/kit/store/storetest"
	"github.com/hengdai/hengdai/service/payment"
)

func TestTheTwoDialectsMakeTheSameTables(t *testing.T) {
	storetest.SameSchema(t, payment.Schema())
}

func TestMoneyGoesOutAndComesInOverTheFirstChannel(t *testing.T) {
	each(t, func(t *testing.T, cfg store.Config) {
		r := start(t, cfg)
		out := r.create(r.request(1, "disbursement", 1000_00))
		in := r.create(r.request(2, "repayment", 300_00))
		paid := r.await(out.GetOrderId(), "PAID")
		r.await(in.GetOrderId(), "PAID")
		if len(paid.GetAttempts()) != 1 || paid.GetAttempts()[0].GetState() != "SUCCESS" || paid.GetAttempts()[0].GetChannel() != "alpha" {
			t.Errorf("attempts: %v", paid.GetAttempts())
		}
		today := calendar.InShanghai(r.clk.Now()).String()
		if paid.GetPostingOn() != today || paid.GetValueOn() != today {
			t.Errorf("posted on %q with value date %q, want %q", paid.GetPostingOn(), paid.GetValueOn(), today)
		}
		if got := r.balance("3001.alpha"); got != -700_00 {
			t.Errorf("in transit at alpha: %d", got)
		}
		if got := r.balance("2290"); got != 700_00 {
			t.Errorf("clearing: %d", got)
		}
		d := r.detail(out.GetOrderId())
		if d.GetHoldState() != "POSTED" || len(d.GetEntries()) != 2 || len(d.GetEvidence()) == 0 || len(d.GetRoutes()) != 1 {
			t.Errorf("detail: %v", d)
		}
		if n := r.moved(); n != 2 {
			t.Errorf("the channel moved money %d times", n)
		}
		settled := 0
		for _, e := range r.events() {
			if e.GetKind() == "payment.v1.OrderSettled" {
				var s paymentv1.OrderSettled
				if err := proto.Unmarshal(e.GetBody(), &s); err != nil {
					t.Fatal(err)
				}
				settled++
				if s.GetOutcome() != "PAID" || s.GetPostingOn() != today || e.GetPostingOn() != today || s.GetAttemptId() == 0 || s.GetChannelNo() == "" {
					t.Errorf("told: %v", &s)
				}
			}
		}
		if settled != 2 {
			t.Errorf("%d orders were told as settled", settled)
		}
	})
}

func TestTheSameOrderAgainAnswersTheSameAndAnotherBodyIsRefused(t *testing.T) {
	each(t, func(t *testing.T, cfg store.Config) {
		r := start(t, cfg)
		req := r.request(1, "disbursement", 1000_00)
		r.create(req)
		r.await(req.GetOrderId(), "PAID")
		again := r.create(req)
		if again.GetState() != "PAID" {
			t.Errorf("the order answers %s", again.GetState())
		}
		other := proto.Clone(req).(*paymentv1.CreateOrderRequest)
		other.AmountMinor++
		_, err := r.api().CreateOrder(context.Background(), other)
		if errs.CodeOf(err) != errs.Conflict || errs.ReasonOf(err) != "idempotency.body_differs" {
			t.Errorf("another body: %v", err)
		}
		if n := r.moved(); n != 1 {
			t.Errorf("the channel moved money %d times", n)
		}
	})
}

func TestAnOrderWaitsForItsDateAndCanBeCancelledUntilThen(t *testing.T) {
	r := start(t, storetest.SQLite(t))
	tomorrow := (calendar.InShanghai(r.clk.Now()) + 1).String()
	kept, dropped := r.request(1, "debit", 100_00), r.request(2, "debit", 100_00)
	kept.NotBefore, dropped.NotBefore = tomorrow, tomorrow
	r.create(kept)
	r.create(dropped)
	time.Sleep(50 * time.Millisecond)
	if s := r.get(kept.GetOrderId()).GetState(); s != "RESERVED" {
		t.Fatalf("before its date the order is %s", s)
	}
	cancel := &paymentv1.CancelOrderRequest{OrderId: dropped.GetOrderId()}
	for range 2 {
		o, err := r.api().CancelOrder(context.Background(), cancel)
		if err != nil || o.GetState() != "CANCELLED" {
			t.Fatalf("cancelling: %v %v", o, err)
		}
	}
	r.offset.Advance(24 * time.Hour)
	r.db.Wake()
	paid := r.await(kept.GetOrderId(), "PAID")
	if paid.GetValueOn() != tomorrow {
		t.Errorf("value date %s, want %s", paid.GetValueOn(), tomorrow)
	}
	if d := r.detail(dropped.GetOrderId()); d.GetHoldState() != "VOID" {
		t.Errorf("the cancelled order's hold is %s", d.GetHoldState())
	}
	_, err := r.api().CancelOrder(context.Background(), &paymentv1.CancelOrderRequest{OrderId: kept.GetOrderId()})
	if errs.CodeOf(err) != errs.Precondition {
		t.Errorf("cancelling what was sent: %v", err)
	}
	if n := r.moved(); n != 1 {
		t.Errorf("the channel moved money %d times", n)
	}
}

func TestAListedFailureRejectsAndBooksNothing(t *testing.T) {
	r := start(t, storetest.SQLite(t))
	o := r.create(r.request(1, "debit", rich+1))
	rejected := r.await(o.GetOrderId(), "REJECTED")
	if rejected.GetReason() != "balance_too_low" {
		t.Errorf("reason %q", rejected.GetReason())
	}
	if d := r.detail(o.GetOrderId()); d.GetHoldState() != "VOID" || len(d.GetEntries()) != 0 || len(d.GetEvidence()) == 0 {
		t.Errorf("detail: %v", d)
	}
}

func TestAnotherChannelIsTriedOnlyAfterAFailureThatItCouldHelp(t *testing.T) {
	r := start(t, storetest.SQLite(t))
	o := r.create(r.request(1, "disbursement", 600_000_00)) // above the limit of a single order at both channels
	rejected := r.await(o.GetOrderId(), "REJECTED")
	if len(rejected.GetAttempts()) != 2 || rejected.GetAttempts()[0].GetChannel() != "alpha" || rejected.GetAttempts()[1].GetChannel() != "beta" {
		t.Fatalf("attempts: %v", rejected.GetAttempts())
	}
	if rejected.GetReason() != "limit_exceeded" {
		t.Errorf("reason %q", rejected.GetReason())
	}
	if n := r.moved(); n != 0 {
		t.Errorf("the channels moved money %d times", n)
	}
}

func TestAnOrderOfACardThatIsGoneIsCancelledBeforeAnythingIsSent(t *testing.T) {
	r := start(t, storetest.SQLite(t))
	o := r.create(r.request(1000, "disbursement", 100_00))
	cancelled := r.await(o.GetOrderId(), "CANCELLED")
	if cancelled.GetReason() != "card_gone" || len(cancelled.GetAttempts()) != 0 {
		t.Errorf("got %v", cancelled)
	}
}

func TestAnOrderOfAnotherBucketOrWithAnImpossibleDateIsRefused(t *testing.T) {
	r := start(t, storetest.SQLite(t))
	req := r.request(1, "disbursement", 100_00)
	req.OrderId++
	if _, err := r.api().CreateOrder(context.Background(), req); errs.ReasonOf(err) != "payment.order_of_another_bucket" {
		t.Errorf("another bucket: %v", err)
	}
	req = r.request(1, "disbursement", 100_00)
	req.NotBefore = "2026-02-30"
	if _, err := r.api().CreateOrder(context.Background(), req); errs.CodeOf(err) != errs.Invalid {
		t.Errorf("a date that does not exist: %v", err)
	}
	if _, err := r.api().GetOrder(context.Background(), &paymentv1.GetOrderRequest{OrderId: 77}); errs.CodeOf(err) != errs.NotFound {
		t.Errorf("an unknown order: %v", err)
	}
}
