package payment_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	paymentv1 "github.com/hengdai/hengdai/api/payment/v1"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/service/payment"
)

// weather gives both channels every fault of the sandbox's list, each at so many of a million numbers, and lets beta
// refuse a share of orders for good in a way that sends them to alpha.
func weather(r *rig, seed, ppm int64) {
	for channel, submit := range map[string]string{"alpha": "pay", "beta": "trans"} {
		rate := func(op, kind string, more map[string]any) {
			rule := map[string]any{"party": channel, "op": op, "kind": kind, "rate_ppm": ppm, "seed": seed, "delay_ms": 20}
			for k, v := range more {
				rule[k] = v
			}
			r.control("/control/faults", rule)
		}
		for _, kind := range []string{
			"lost_request", "server_error", "busy", "slow", "lost_response", "server_error_after", "unknown_code", "bad_signature", "garbage",
			"processing", "late_finish", "low_balance", "early_callback",
		} {
			rate(submit, kind, nil)
		}
		for _, kind := range []string{"not_found", "lost_response", "server_error", "unknown_code", "bad_signature"} {
			rate("query", kind, nil)
		}
		for _, kind := range []string{"lost_callback", "late_callback", "twice_callback", "forged_callback", "wrong_amount"} {
			rate("callback", kind, nil)
		}
	}
	r.control("/control/faults", map[string]any{"party": "beta", "op": "trans", "kind": "refused", "rate_ppm": 300_000, "seed": seed + 1})
	r.control("/control/faults", map[string]any{"party": "alpha", "op": "pay", "kind": "refused", "rate_ppm": 100_000, "seed": seed + 2})
}

// intruders are workers beside those of the queue: they take any order at any moment, under fences that may long have
// been passed by others, as one does that wakes after its lease.
func intruders(r *rig, svc *atomic.Pointer[payment.Service], ids []int64, seed uint64) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	for n := range uint64(2) {
		all.Go(func() {
			draw := rand.New(rand.NewPCG(seed, n))
			for ctx.Err() == nil {
				s, orderID, fence := svc.Load(), ids[draw.IntN(len(ids))], draw.Int64N(4)
				if draw.IntN(2) == 0 {
					_ = s.Drive(ctx, orderID, fence)
				} else if o, err := r.api().GetOrder(ctx, &paymentv1.GetOrderRequest{OrderId: orderID}); err == nil && len(o.GetAttempts()) > 0 {
					_ = s.DriveAttempt(ctx, o.GetAttempts()[len(o.GetAttempts())-1].GetAttemptId(), fence)
				}
				time.Sleep(time.Duration(draw.IntN(15)) * time.Millisecond)
			}
		})
	}
	return func() { cancel(); all.Wait() }
}

// TestNoScheduleOfFaultsAtTwoChannelsMovesMoneyTwice: every fault of two channels, refusals that go over from one to the
// other, workers that compete and wake late, kills in the middle; each order has at most one effect, and one exactly if
// it is PAID.
func TestNoScheduleOfFaultsAtTwoChannelsMovesMoneyTwice(t *testing.T) {
	if testing.Short() {
		t.Skip("takes many seconds")
	}
	for seed := range int64(2) {
		each(t, func(t *testing.T, cfg store.Config) {
			t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) { storm(t, fresh(t, cfg), seed) })
		})
	}
}

func storm(t *testing.T, cfg store.Config, seed int64) {
	r := start(t, cfg, betaFirst)
	weather(r, seed, 40_000)
	var svc atomic.Pointer[payment.Service]
	svc.Store(r.svc)
	kinds := []string{"disbursement", "debit", "refund", "repayment"}
	var ids []int64
	for n := range 80 {
		ids = append(ids, r.create(r.request(1+n%40, kinds[n%4], int64(10_00+n))).GetOrderId())
	}
	quit := intruders(r, &svc, ids, uint64(seed))
	if cfg.Engine == store.SQLite {
		for range 3 {
			time.Sleep(150 * time.Millisecond)
			r.crash()
			r.open()
			svc.Store(r.svc)
		}
	} else { // a second process on the same database
		first := r.stop
		r.open()
		second := r.stop
		r.stop = func() { first(); second() }
	}
	r.offset.Advance(time.Second)
	orders := map[int64]*paymentv1.Order{}
	for _, orderID := range ids {
		orders[orderID] = r.await(orderID, "PAID", "REJECTED")
	}
	quit()
	r.judge(orders)
}

// judge compares what was told with what the channels really did.
func (r *rig) judge(orders map[int64]*paymentv1.Order) {
	r.t.Helper()
	effects := map[string]int{}
	moved := map[string]int64{}
	for _, d := range r.done() {
		if d.Status != "SUCCESS" {
			continue
		}
		effects[d.RequestNo]++
		if d.Kind == "COLLECT" {
			moved[d.Party] += d.AmountMinor
		} else {
			moved[d.Party] -= d.AmountMinor
		}
	}
	went := 0
	for orderID, o := range orders {
		n, last := 0, r.get(orderID)
		for _, a := range last.GetAttempts() {
			n += effects[a.GetRequestNo()]
			if s := a.GetState(); (s == "SUCCESS") != (effects[a.GetRequestNo()] == 1) {
				r.t.Errorf("attempt %d is %s with %d effects", a.GetAttemptId(), s, effects[a.GetRequestNo()])
			}
		}
		want := 0
		if o.GetState() == "PAID" {
			want = 1
		}
		if n != want {
			r.t.Errorf("order %d is %s with %d effects: %v", orderID, o.GetState(), n, last.GetAttempts())
		}
		if len(last.GetAttempts()) > 1 {
			went++
		}
	}
	for _, party := range []string{"alpha", "beta"} {
		if got := r.balance("3001." + party); got != moved[party] {
			r.t.Errorf("the journal has %d at %s, %s %d", got, party, party, moved[party])
		}
	}
	if went == 0 {
		r.t.Error("no order went over to another channel: the schedule proves nothing")
	}
	r.t.Logf("%d orders, %d went over to another channel", len(orders), went)
}
