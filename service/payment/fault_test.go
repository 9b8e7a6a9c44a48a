package payment_test

import (
	"context"
	"testing"
	"time"

	paymentv1 "github.com/hengdai/hengdai/api/payment/v1"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/kit/store/storetest"
	"github.com/hengdai/hengdai/service/payment"
)

// only leaves one channel on.
func only(name string) func(*payment.Deps) {
	return func(d *payment.Deps) {
		for i := range d.Channels {
			d.Channels[i].Disabled = d.Channels[i].Channel != name
		}
	}
}

// fault is one way in which a channel lets us down: the operation and kind of the sandbox, and more of the same order.
type fault struct {
	name string
	plan [][2]string // operation, kind
}

func faults(submit string) []fault {
	return []fault{
		{"the request is lost", [][2]string{{submit, "lost_request"}}},
		{"the server fails before", [][2]string{{submit, "server_error"}}},
		{"the party is busy", [][2]string{{submit, "busy"}}},
		{"the answer is lost", [][2]string{{submit, "lost_response"}, {"callback", "lost_callback"}}},
		{"the server fails after", [][2]string{{submit, "server_error_after"}, {"callback", "lost_callback"}}},
		{"a code that no list knows", [][2]string{{submit, "unknown_code"}, {"callback", "lost_callback"}}},
		{"a wrong signature", [][2]string{{submit, "bad_signature"}, {"callback", "lost_callback"}}},
		{"an answer that cannot be read", [][2]string{{submit, "garbage"}, {"callback", "lost_callback"}}},
		{"lost, then said not to exist", [][2]string{{submit, "lost_response"}, {"query", "not_found"}, {"callback", "lost_callback"}}},
		{"lost, then the query is lost", [][2]string{{submit, "lost_response"}, {"query", "lost_response"}, {"callback", "lost_callback"}}},
		{"accepted, finished later", [][2]string{{submit, "processing"}}},
		{"our balance is too low", [][2]string{{submit, "low_balance"}}},
		{"the callback comes twice", [][2]string{{"callback", "twice_callback"}}},
		{"the callback comes late", [][2]string{{submit, "lost_response"}, {"callback", "late_callback"}}},
		{"the callback overtakes the answer", [][2]string{{submit, "early_callback"}}},
		{"a forged callback comes first", [][2]string{{"callback", "forged_callback"}}},
		{"a callback with another amount comes first", [][2]string{{"callback", "wrong_amount"}}},
	}
}

func TestEveryFaultOfAChannelEndsWithTheMoneyMovedOnce(t *testing.T) {
	for channel, submit := range map[string]string{"alpha": "pay", "beta": "trans"} {
		t.Run(channel, func(t *testing.T) {
			t.Parallel()
			r := start(t, storetest.SQLite(t), only(channel))
			for i, f := range faults(submit) {
				t.Run(f.name, func(t *testing.T) {
					before := r.moved()
					for _, p := range f.plan {
						r.fault(channel, p[0], p[1], 1, map[string]any{"delay_ms": 30})
					}
					kind, amount := "disbursement", int64(100_00+i)
					if i%2 == 1 {
						kind = "debit"
					}
					o := r.create(r.request(i+1, kind, amount))
					paid := r.await(o.GetOrderId(), "PAID")
					if len(paid.GetAttempts()) != 1 {
						t.Errorf("attempts: %v", paid.GetAttempts())
					}
					if n := r.moved() - before; n != 1 {
						t.Errorf("the channel moved money %d times", n)
					}
				})
			}
			sum := int64(0)
			for _, d := range r.done() {
				if d.Status != "SUCCESS" {
					continue
				}
				if d.Kind == "COLLECT" {
					sum += d.AmountMinor
				} else {
					sum -= d.AmountMinor
				}
			}
			if got := r.balance("3001." + channel); got != sum {
				t.Errorf("the journal has %d at the channel, the channel %d", got, sum)
			}
		})
	}
}

func TestAnotherAmountChangesNothingAndIsRaised(t *testing.T) {
	r := start(t, storetest.SQLite(t), only("alpha"))
	r.fault("alpha", "callback", "wrong_amount", 1)
	o := r.create(r.request(1, "disbursement", 100_00))
	r.await(o.GetOrderId(), "PAID")
	deadline := time.Now().Add(10 * time.Second)
	for len(r.detail(o.GetOrderId()).GetBreaks()) == 0 {
		if time.Now().After(deadline) {
			t.Fatal("no break was raised")
		}
		time.Sleep(5 * time.Millisecond)
	}
	d := r.detail(o.GetOrderId())
	if b := d.GetBreaks()[0]; b.GetKind() != "AMOUNT" || b.GetExpectedMinor() != 100_00 || b.GetActualMinor() != 100_01 {
		t.Errorf("break: %v", b)
	}
	if len(d.GetEntries()) != 2 || r.balance("2290") != 100_00 {
		t.Errorf("entries: %v", d.GetEntries())
	}
}

func TestAnOrderOfWhichNothingIsKnownIsNeverFailedAndIsHandedToPeople(t *testing.T) {
	r := start(t, storetest.SQLite(t), only("alpha"), func(d *payment.Deps) { d.ManualQueries, d.ManualAfter = 2, time.Hour })
	r.line.hold(true, false) // every call hangs until the time-out
	o := r.create(r.request(1, "disbursement", 100_00))
	r.await(o.GetOrderId(), "SENDING")
	r.offset.Advance(2 * time.Hour)
	r.fault("alpha", "query", "server_error", 1000)
	r.fault("alpha", "pay", "server_error", 1000)
	r.line.release()
	manual := r.await(o.GetOrderId(), "MANUAL")
	if a := manual.GetAttempts()[0]; a.GetState() != "UNKNOWN" {
		t.Errorf("the attempt is %s", a.GetState())
	}
	if n := r.moved(); n != 0 {
		t.Errorf("the channel moved money %d times", n)
	}
	unknown, err := r.staff(9, "operator").ListOrders(context.Background(), &paymentv1.ListOrdersRequest{UnknownOnly: true})
	if err != nil || len(unknown.GetOrders()) != 1 {
		t.Errorf("listed: %v %v", unknown, err)
	}
	resolve(t, r, o.GetOrderId())
}

// resolve ends an order that waits for people as rejected, by two of them.
func resolve(t *testing.T, r *rig, orderID int64) {
	ctx := context.Background()
	ask := &paymentv1.ProposeResolutionRequest{OrderId: orderID, Outcome: "REJECTED", Evidence: "the channel's letter of today says that it never had it", IdempotencyKey: "resolve-0001"}
	first, second := r.staff(101, "finance"), r.staff(102, "finance")
	p, err := first.ProposeResolution(ctx, ask)
	if err != nil {
		t.Fatal(err)
	}
	again, err := first.ProposeResolution(ctx, ask)
	if err != nil || again.GetProposalId() != p.GetProposalId() {
		t.Errorf("proposing again: %v %v", again, err)
	}
	decide := &paymentv1.DecideRequest{ProposalId: p.GetProposalId(), Approve: true}
	if _, err := first.Decide(ctx, decide); errs.CodeOf(err) != errs.Denied {
		t.Errorf("approving one's own proposal: %v", err)
	}
	if _, err := r.staff(103, "service_desk").Decide(ctx, decide); errs.CodeOf(err) != errs.Denied {
		t.Errorf("approving without the role: %v", err)
	}
	if _, err := second.Decide(ctx, decide); err != nil {
		t.Fatal(err)
	}
	d := r.detail(orderID)
	if d.GetOrder().GetState() != "REJECTED" || d.GetHoldState() != "VOID" || d.GetOrder().GetAttempts()[0].GetState() != "FAILED_FINAL" {
		t.Errorf("resolved: %v", d)
	}
	if _, err := second.Decide(ctx, decide); errs.CodeOf(err) != errs.Conflict {
		t.Errorf("deciding twice: %v", err)
	}
	if _, err := first.ProposeResolution(ctx, &paymentv1.ProposeResolutionRequest{OrderId: orderID, Outcome: "REJECTED", Evidence: "once more for good measure", IdempotencyKey: "resolve-0002"}); errs.CodeOf(err) != errs.Precondition {
		t.Errorf("resolving what has ended: %v", err)
	}
}

func TestASuccessAfterAFinalFailureIsBookedAndRaised(t *testing.T) {
	for kind, account := range map[string]string{"disbursement": "1221", "debit": "2290"} {
		t.Run(kind, func(t *testing.T) {
			r := start(t, storetest.SQLite(t), only("alpha"), func(d *payment.Deps) { d.ManualQueries, d.ManualAfter = 1, time.Nanosecond })
			r.setDeaf(true)
			r.fault("alpha", "query", "server_error", 1000)
			r.fault("alpha", "pay", "lost_response", 1)
			o := r.create(r.request(1, kind, 100_00))
			r.await(o.GetOrderId(), "MANUAL")
			resolve(t, r, o.GetOrderId()) // two people believe that it failed
			r.setDeaf(false)              // and now the channel's callback, told again, says that it did not
			deadline := time.Now().Add(20 * time.Second)
			for r.get(o.GetOrderId()).GetAttempts()[0].GetState() != "CONTRADICTED" {
				if time.Now().After(deadline) {
					t.Fatal("the success was not heard")
				}
				time.Sleep(10 * time.Millisecond)
			}
			d := r.detail(o.GetOrderId())
			if d.GetOrder().GetState() != "REJECTED" || len(d.GetBreaks()) != 1 || d.GetBreaks()[0].GetKind() != "CONTRADICTED" {
				t.Errorf("order: %v", d)
			}
			want := int64(100_00)
			if kind == "debit" {
				want = -want
			}
			if got := r.balance(account); got != want {
				t.Errorf("%s holds %d, want %d", account, got, want)
			}
		})
	}
}

func TestACrashBetweenAnyTwoStepsIsRepaired(t *testing.T) {
	each(t, func(t *testing.T, cfg store.Config) {
		t.Run("after the order is stored", func(t *testing.T) {
			r := start(t, fresh(t, cfg), only("alpha"))
			r.crash()
			r.idle = true
			r.open()
			o := r.create(r.request(1, "disbursement", 100_00))
			r.crash()
			r.idle = false
			r.open()
			r.paidOnce(o.GetOrderId())
		})
		for _, c := range []struct {
			name          string
			calls, answer bool
		}{{"after it is committed that it is sent", true, false}, {"after the channel has done it", false, true}} {
			t.Run(c.name, func(t *testing.T) {
				r := start(t, fresh(t, cfg), only("alpha"))
				r.setDeaf(true)
				r.line.hold(c.calls, c.answer)
				o := r.create(r.request(1, "disbursement", 100_00))
				for r.line.waiting() == 0 {
					time.Sleep(time.Millisecond)
				}
				if s := r.get(o.GetOrderId()).GetAttempts()[0].GetState(); s != "SUBMITTING" {
					t.Fatalf("while the call is out the attempt is %s", s)
				}
				r.crash()
				r.open()
				r.paidOnce(o.GetOrderId())
			})
		}
		t.Run("after another channel is chosen", func(t *testing.T) {
			r := start(t, fresh(t, cfg), betaFirst)
			r.fault("beta", "trans", "busy", 1, map[string]any{"code": "61"})
			r.mu.Lock()
			r.pause, r.pauseFrom = make(chan struct{}), 2
			r.mu.Unlock()
			o := r.create(r.request(1, "disbursement", 100_00))
			for len(r.get(o.GetOrderId()).GetAttempts()) < 2 {
				time.Sleep(time.Millisecond)
			}
			r.crash()
			if s := prepared(t, r, o.GetOrderId()); s != "PREPARED" {
				t.Fatalf("the second attempt is %s", s)
			}
			r.idle = false
			r.stop()
			r.open()
			r.paidOnce(o.GetOrderId())
		})
	})
}

// betaFirst makes beta the channel of first choice.
func betaFirst(d *payment.Deps) { d.Channels[1].Priority = 0 }

// prepared opens the service without its jobs and answers the state of an order's second attempt.
func prepared(t *testing.T, r *rig, orderID int64) string {
	t.Helper()
	r.idle = true
	r.open()
	return r.get(orderID).GetAttempts()[1].GetState()
}

func TestAFailureThatAnotherChannelCouldHelpIsSentThere(t *testing.T) {
	r := start(t, storetest.SQLite(t), betaFirst)
	r.fault("beta", "trans", "busy", 1, map[string]any{"code": "61"})
	o := r.create(r.request(1, "debit", 100_00))
	paid := r.await(o.GetOrderId(), "PAID")
	if a := paid.GetAttempts(); len(a) != 2 || a[0].GetState() != "FAILED_FINAL" || a[0].GetChannel() != "beta" || a[1].GetState() != "SUCCESS" || a[1].GetChannel() != "alpha" {
		t.Errorf("attempts: %v", a)
	}
	if r.balance("3001.alpha") != 100_00 || r.balance("3001.beta") != 0 {
		t.Error("the money is booked at the wrong channel")
	}
}

// fresh answers a configuration with a database of its own.
func fresh(t *testing.T, cfg store.Config) store.Config {
	t.Helper()
	if cfg.Engine == store.SQLite {
		return storetest.SQLite(t)
	}
	return storetest.MySQL(t, payment.Schema())
}

// paidOnce waits until an order is paid and checks that the channel did it once.
func (r *rig) paidOnce(orderID int64) {
	r.t.Helper()
	r.await(orderID, "PAID")
	n := 0
	no := map[string]bool{}
	for _, a := range r.get(orderID).GetAttempts() {
		no[a.GetRequestNo()] = true
	}
	for _, d := range r.done() {
		if d.Status == "SUCCESS" && no[d.RequestNo] {
			n++
		}
	}
	if n != 1 {
		r.t.Errorf("the channel moved money %d times", n)
	}
}
