package payment_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	paymentv1 "github.com/hengdai/hengdai/api/payment/v1"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/store/storetest"
	"github.com/hengdai/hengdai/service/payment"
)

func TestTwoPeopleSwitchAChannelOffAndOrdersGoElsewhere(t *testing.T) {
	r := start(t, storetest.SQLite(t))
	ctx := context.Background()
	first, second := r.staff(101, "operator"), r.staff(102, "admin")
	list, err := first.ListChannels(ctx, &paymentv1.ListChannelsRequest{})
	r.must(err)
	if n := len(list.GetChannels()); n != 2 || list.GetChannels()[0].GetChannel() != "alpha" || !list.GetChannels()[0].GetEnabled() {
		t.Fatalf("channels: %v", list)
	}
	ask := &paymentv1.ProposeChannelRequest{Channel: "alpha", Enabled: true, Draining: true, Priority: 1, Reason: "maintenance tonight", IdempotencyKey: "drain-alpha-1"}
	p, err := first.ProposeChannel(ctx, ask)
	r.must(err)
	if r.await(r.create(r.request(1, "debit", 10_00)).GetOrderId(), "PAID").GetAttempts()[0].GetChannel() != "alpha" {
		t.Error("a proposal alone has an effect")
	}
	if _, err := first.Decide(ctx, &paymentv1.DecideRequest{ProposalId: p.GetProposalId(), Approve: true}); errs.CodeOf(err) != errs.Denied {
		t.Errorf("one person alone: %v", err)
	}
	done, err := second.Decide(ctx, &paymentv1.DecideRequest{ProposalId: p.GetProposalId(), Approve: true})
	r.must(err)
	if done.GetState() != "APPROVED" || done.GetDecidedBy() != 102 {
		t.Errorf("decided: %v", done)
	}
	if r.await(r.create(r.request(2, "debit", 10_00)).GetOrderId(), "PAID").GetAttempts()[0].GetChannel() != "beta" {
		t.Error("a draining channel takes new orders")
	}
	stale := &paymentv1.ProposeChannelRequest{Channel: "alpha", Enabled: true, Priority: 1, Version: 7, Reason: "looked at an older page", IdempotencyKey: "drain-alpha-2"}
	p, err = first.ProposeChannel(ctx, stale)
	r.must(err)
	if _, err := second.Decide(ctx, &paymentv1.DecideRequest{ProposalId: p.GetProposalId(), Approve: true}); errs.CodeOf(err) != errs.Conflict {
		t.Errorf("settings that were changed meanwhile: %v", err)
	}
	stale.Reason = "another reason"
	if _, err := first.ProposeChannel(ctx, stale); errs.ReasonOf(err) != "idempotency.body_differs" {
		t.Errorf("the same key with another body: %v", err)
	}
	if _, err := second.Decide(ctx, &paymentv1.DecideRequest{ProposalId: p.GetProposalId(), Approve: false, Reason: "outdated"}); err != nil {
		t.Error(err)
	}
	open, err := first.ListProposals(ctx, &paymentv1.ListProposalsRequest{})
	r.must(err)
	all, err := first.ListProposals(ctx, &paymentv1.ListProposalsRequest{DecidedToo: true})
	r.must(err)
	if len(open.GetProposals()) != 0 || len(all.GetProposals()) != 2 {
		t.Errorf("%d proposals wait, %d in all", len(open.GetProposals()), len(all.GetProposals()))
	}
}

func TestAnOrderThatNoChannelTakesNowWaits(t *testing.T) {
	r := start(t, storetest.SQLite(t), only("nobody"))
	waits := r.create(r.request(1, "debit", 10_00))
	time.Sleep(100 * time.Millisecond)
	if s := r.get(waits.GetOrderId()).GetState(); s != "RESERVED" {
		t.Errorf("with every channel off the order is %s", s)
	}
	ctx := context.Background()
	p, err := r.staff(101, "operator").ProposeChannel(ctx, &paymentv1.ProposeChannelRequest{Channel: "beta", Enabled: true, MaxMinor: 500, Reason: "only small ones", IdempotencyKey: "enable-beta"})
	r.must(err)
	_, err = r.staff(102, "admin").Decide(ctx, &paymentv1.DecideRequest{ProposalId: p.GetProposalId(), Approve: true})
	r.must(err)
	small := r.create(r.request(2, "debit", 4_00))
	r.await(small.GetOrderId(), "PAID")
	if s := r.get(waits.GetOrderId()).GetState(); s != "RESERVED" {
		t.Errorf("alpha could still take it, but the order is %s", s)
	}
}

func TestAnOrderThatNoChannelEverTakesIsCancelled(t *testing.T) {
	r := start(t, storetest.SQLite(t), func(d *payment.Deps) { d.Channels[0].MaxMinor, d.Channels[1].MaxMinor = 5_00, 6_00 })
	o := r.await(r.create(r.request(1, "debit", 10_00)).GetOrderId(), "CANCELLED")
	if o.GetReason() != "no_channel" || len(o.GetAttempts()) != 0 {
		t.Errorf("got %v", o)
	}
}

func TestOrdersAreListedNewestFirstPageByPage(t *testing.T) {
	r := start(t, storetest.SQLite(t))
	ctx := context.Background()
	var last int64
	for n := 1; n <= 12; n++ {
		req := r.request(n, []string{"debit", "disbursement"}[n%2], 10_00)
		r.await(r.create(req).GetOrderId(), "PAID")
		last = req.GetUserId()
	}
	seen := map[int64]bool{}
	token, before := "", int64(1<<62)
	for pages := 0; ; pages++ {
		res, err := r.staff(9, "auditor").ListOrders(ctx, &paymentv1.ListOrdersRequest{PageSize: 5, PageToken: token, States: []string{"PAID"}})
		r.must(err)
		for _, o := range res.GetOrders() {
			if seen[o.GetOrderId()] || o.GetCreatedMs() > before {
				t.Errorf("order %d is out of place", o.GetOrderId())
			}
			seen[o.GetOrderId()], before = true, o.GetCreatedMs()
		}
		if token = res.GetNextPageToken(); token == "" {
			break
		}
		if pages > 5 {
			t.Fatal("the list does not end")
		}
	}
	if len(seen) != 12 {
		t.Errorf("%d orders seen", len(seen))
	}
	for want, req := range map[int]*paymentv1.ListOrdersRequest{6: {Kind: "debit"}, 1: {UserId: last}, 0: {States: []string{"MANUAL"}}} {
		res, err := r.staff(9, "auditor").ListOrders(ctx, req)
		r.must(err)
		if len(res.GetOrders()) != want {
			t.Errorf("%v: %d orders", req, len(res.GetOrders()))
		}
	}
	for _, bad := range []string{"x", "MS4y!", "LTEuLTE="} {
		if _, err := r.staff(9, "auditor").ListOrders(ctx, &paymentv1.ListOrdersRequest{PageToken: bad}); errs.CodeOf(err) != errs.Invalid {
			t.Errorf("page token %q: %v", bad, err)
		}
	}
	if _, err := r.staff(9, "collector").ListOrders(ctx, &paymentv1.ListOrdersRequest{}); errs.CodeOf(err) != errs.Denied {
		t.Errorf("without a role: %v", err)
	}
}

func TestABreakIsClosedByTwoPeopleOnce(t *testing.T) {
	r := start(t, storetest.SQLite(t), only("alpha"))
	ctx := context.Background()
	r.fault("alpha", "callback", "wrong_amount", 1)
	r.await(r.create(r.request(1, "disbursement", 100_00)).GetOrderId(), "PAID")
	var open *paymentv1.ListBreaksResponse
	for deadline := time.Now().Add(10 * time.Second); len(open.GetBreaks()) == 0 && time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		var err error
		open, err = r.staff(9, "finance").ListBreaks(ctx, &paymentv1.ListBreaksRequest{})
		r.must(err)
	}
	if len(open.GetBreaks()) != 1 {
		t.Fatalf("breaks: %v", open)
	}
	for i := range 2 {
		p, err := r.staff(101, "finance").ProposeBreakClosure(ctx, &paymentv1.ProposeBreakClosureRequest{
			BreakId: open.GetBreaks()[0].GetBreakId(), Finding: "the channel corrected itself the same minute", IdempotencyKey: fmt.Sprintf("close-%04d", i),
		})
		if i == 1 {
			if errs.CodeOf(err) != errs.Precondition {
				t.Errorf("closing it again: %v", err)
			}
			break
		}
		r.must(err)
		_, err = r.staff(102, "finance").Decide(ctx, &paymentv1.DecideRequest{ProposalId: p.GetProposalId(), Approve: true})
		r.must(err)
	}
	left, err := r.staff(9, "finance").ListBreaks(ctx, &paymentv1.ListBreaksRequest{})
	r.must(err)
	if len(left.GetBreaks()) != 0 {
		t.Errorf("still open: %v", left)
	}
}

func TestABatchOfDebitsIsCarriedByFewWorkersQuickly(t *testing.T) {
	r := start(t, storetest.SQLite(t), only("alpha"))
	const orders = 300
	began := time.Now()
	var ids []int64
	for n := range orders {
		ids = append(ids, r.create(r.request(1+n%40, "debit", 1_00)).GetOrderId())
	}
	created := time.Since(began)
	for _, orderID := range ids {
		r.await(orderID, "PAID")
	}
	t.Logf("%d orders created in %s and settled in %s: %s an order", orders, created.Round(time.Millisecond), time.Since(began).Round(time.Millisecond), (time.Since(began) / orders).Round(10*time.Microsecond))
	if got := r.balance("2290"); got != -orders*1_00 {
		t.Errorf("clearing holds %d", got)
	}
}
