package payment_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	paymentv1 "github.com/hengdai/hengdai/api/payment/v1"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/kit/store/storetest"
)

// say lets alpha tell something about an attempt, under its own signature.
func (r *rig) say(body string) {
	r.t.Helper()
	header, raw := r.alphaSays(alphaPath, body, time.Now())
	if status, text := r.deliver("POST", alphaPath, header, raw); status != 200 {
		r.t.Fatalf("answered %d %s", status, text)
	}
}

func returned(requestNo string) string {
	return `{"request_no":"` + requestNo + `","channel_no":"A1","status":"RETURNED","code":"RETURNED","amount_minor":10000}`
}

// outcomes answers what was told about an order, in order.
func (r *rig) outcomes(orderID int64) []string {
	r.t.Helper()
	var list []string
	for _, e := range r.events() {
		if e.GetKind() == "payment.v1.OrderSettled" {
			var s paymentv1.OrderSettled
			r.must(proto.Unmarshal(e.GetBody(), &s))
			if s.GetOrderId() == orderID {
				list = append(list, s.GetOutcome())
			}
		}
	}
	return list
}

func TestMoneyThatComesBackIsBookedBackAndTold(t *testing.T) {
	for kind, account := range map[string]string{"disbursement": "2290", "debit": "2290"} {
		t.Run(kind, func(t *testing.T) {
			r := start(t, storetest.SQLite(t), only("alpha"))
			o := r.await(r.create(r.request(1, kind, 100_00)).GetOrderId(), "PAID")
			no := o.GetAttempts()[0].GetRequestNo()
			for range 2 {
				r.say(returned(no))
			}
			back := r.get(o.GetOrderId())
			if back.GetState() != "RETURNED" || back.GetAttempts()[0].GetState() != "RETURNED" {
				t.Errorf("the order is %v", back)
			}
			if r.balance(account) != 0 || len(r.detail(o.GetOrderId()).GetEntries()) != 4 {
				t.Errorf("entries: %v", r.detail(o.GetOrderId()).GetEntries())
			}
			if told := r.outcomes(o.GetOrderId()); !slices.Equal(told, []string{"PAID", "RETURNED"}) {
				t.Errorf("told %v", told)
			}
		})
	}
}

func TestMoneyThatCameBackBeforeWeKnewThatItWentIsBookedBothWays(t *testing.T) {
	r := start(t, storetest.SQLite(t), only("alpha"))
	o := r.unknown(1, "disbursement")
	r.say(returned(o.GetAttempts()[0].GetRequestNo()))
	if s := r.get(o.GetOrderId()).GetState(); s != "RETURNED" {
		t.Errorf("the order is %s", s)
	}
	if told := r.outcomes(o.GetOrderId()); !slices.Equal(told, []string{"PAID", "RETURNED"}) {
		t.Errorf("told %v", told)
	}
}

func TestAFailureAfterSuccessChangesNothingAndIsRaised(t *testing.T) {
	r := start(t, storetest.SQLite(t), only("alpha"))
	o := r.await(r.create(r.request(1, "debit", 100_00)).GetOrderId(), "PAID")
	r.say(strings.NewReplacer(`"SUCCESS"`, `"FAILED"`, `"OK"`, `"CARD_CLOSED"`).Replace(success(o.GetAttempts()[0].GetRequestNo(), 100_00)))
	d := r.detail(o.GetOrderId())
	if d.GetOrder().GetState() != "PAID" || len(d.GetBreaks()) != 1 || d.GetBreaks()[0].GetKind() != "STATUS" {
		t.Errorf("order: %v", d)
	}
}

// failedAtAlphaThenAtBeta makes an order that alpha refused for good and whose second attempt is at beta: prepared only,
// or sent and unknown.
func failedAtAlpha(t *testing.T, kind string, sent bool) (*rig, *paymentv1.Order) {
	t.Helper()
	r := start(t, storetest.SQLite(t))
	r.setDeaf(true)
	r.mu.Lock()
	r.pause, r.pauseFrom = make(chan struct{}), 2
	r.mu.Unlock()
	r.line.hold(false, true)
	o := r.create(r.request(1, kind, 100_00))
	for r.line.waiting() == 0 {
		time.Sleep(time.Millisecond)
	}
	no := r.get(o.GetOrderId()).GetAttempts()[0].GetRequestNo()
	r.say(strings.NewReplacer(`"SUCCESS"`, `"FAILED"`, `"OK"`, `"LIMIT_EXCEEDED"`).Replace(success(no, 100_00)))
	if sent {
		r.resume()
	}
	want := map[bool]string{false: "PREPARED", true: "SUBMITTING"}[sent]
	deadline := time.Now().Add(10 * time.Second)
	for {
		o = r.get(o.GetOrderId())
		if len(o.GetAttempts()) == 2 && o.GetAttempts()[1].GetState() == want {
			return r, o
		}
		if time.Now().After(deadline) {
			t.Fatalf("attempts: %v", o.GetAttempts())
		}
		time.Sleep(time.Millisecond)
	}
}

// resume lets user's answers go on.
func (r *rig) resume() {
	r.mu.Lock()
	defer r.mu.Unlock()
	close(r.pause)
	r.pause = nil
}

func TestAContradictionBeforeTheNextAttemptIsSentMakesTheOrderPaid(t *testing.T) {
	r, o := failedAtAlpha(t, "disbursement", false)
	r.say(success(o.GetAttempts()[0].GetRequestNo(), 100_00))
	d := r.detail(o.GetOrderId())
	if d.GetOrder().GetState() != "PAID" || d.GetOrder().GetAttempts()[0].GetState() != "CONTRADICTED" || len(d.GetBreaks()) != 1 {
		t.Errorf("order: %v", d)
	}
	r.resume()
	time.Sleep(200 * time.Millisecond)
	if s := r.get(o.GetOrderId()).GetAttempts()[1].GetState(); s != "PREPARED" {
		t.Errorf("the second attempt is %s although the order was paid", s)
	}
	for _, d := range r.done() {
		if d.Party == "beta" {
			t.Errorf("beta was asked: %v", d)
		}
	}
	if r.balance("2290") != 100_00 || r.balance("1221") != 0 {
		t.Error("the payout is booked wrongly")
	}
}

func TestMoneyThatWentOutWhileAnotherAttemptIsUnderWayIsRecoverable(t *testing.T) {
	r, o := failedAtAlpha(t, "disbursement", true)
	r.say(success(o.GetAttempts()[0].GetRequestNo(), 100_00))
	d := r.detail(o.GetOrderId())
	if d.GetOrder().GetState() != "SENDING" || len(d.GetBreaks()) != 1 || r.balance("1221") != 100_00 || r.balance("2290") != 0 {
		t.Errorf("order: %v", d)
	}
	r.setDeaf(false)
	r.line.release()
	r.await(o.GetOrderId(), "PAID") // beta did it too
	if r.balance("1221") != 100_00 || r.balance("2290") != 100_00 || r.balance("3001.alpha") != -100_00 || r.balance("3001.beta") != -100_00 {
		t.Error("the two payouts are booked wrongly")
	}
	if told := r.outcomes(o.GetOrderId()); !slices.Equal(told, []string{"PAID"}) {
		t.Errorf("told %v", told)
	}
}

func TestMoneyThatCameInTwiceIsCollectedTwiceAndTold(t *testing.T) {
	r, o := failedAtAlpha(t, "debit", true)
	r.say(success(o.GetAttempts()[0].GetRequestNo(), 100_00))
	r.setDeaf(false)
	r.line.release()
	r.await(o.GetOrderId(), "PAID")
	if r.balance("2290") != -200_00 {
		t.Errorf("clearing holds %d", r.balance("2290"))
	}
	if told := r.outcomes(o.GetOrderId()); !slices.Equal(told, []string{"PAID", "PAID"}) {
		t.Errorf("told %v", told)
	}
}

func TestManyWorkersOnOneOrderSendItOnce(t *testing.T) {
	each(t, func(t *testing.T, cfg store.Config) {
		r := start(t, cfg, only("alpha"))
		r.stop()
		r.idle = true
		r.open()
		o := r.create(r.request(1, "disbursement", 100_00))
		var all sync.WaitGroup
		for fence := range int64(8) {
			all.Go(func() { _ = r.svc.Drive(context.Background(), o.GetOrderId(), fence+1) })
		}
		all.Wait()
		if got := r.get(o.GetOrderId()); got.GetState() != "PAID" || len(got.GetAttempts()) != 1 {
			t.Errorf("order: %v", got)
		}
		if n := r.moved(); n != 1 {
			t.Errorf("the channel moved money %d times", n)
		}
	})
}

func TestAWorkerThatWasReplacedSendsNothing(t *testing.T) {
	r := start(t, storetest.SQLite(t), only("alpha"))
	r.stop()
	r.idle = true
	r.open()
	ctx := context.Background()
	o := r.create(r.request(1, "disbursement", 100_00))
	r.fault("alpha", "pay", "server_error", 1)
	_ = r.svc.Drive(ctx, o.GetOrderId(), 5) // sent by the fifth claim; nothing is known
	if s := r.get(o.GetOrderId()).GetAttempts()[0].GetState(); s != "UNKNOWN" {
		t.Fatalf("the attempt is %s", s)
	}
	_ = r.svc.Drive(ctx, o.GetOrderId(), 3) // an older claim wakes: the channel does not know the number, but it may not resend
	if got := r.get(o.GetOrderId()); got.GetAttempts()[0].GetState() != "UNKNOWN" || r.moved() != 0 {
		t.Fatalf("a replaced worker sent it: %v", got)
	}
	_ = r.svc.Drive(ctx, o.GetOrderId(), 6)
	r.paidOnce(o.GetOrderId())
}
