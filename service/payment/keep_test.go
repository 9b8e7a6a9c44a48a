package payment_test

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	paymentv1 "github.com/hengdai/hengdai/api/payment/v1"
	"github.com/hengdai/hengdai/domain/calendar"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/store/storetest"
	"github.com/hengdai/hengdai/service/payment"
)

// notebook is a log that a test can read.
type notebook struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (n *notebook) Write(p []byte) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.buf.Write(p)
}

func (n *notebook) bytes() []byte {
	n.mu.Lock()
	defer n.mu.Unlock()
	return bytes.Clone(n.buf.Bytes())
}

func TestNoPersonalValueIsStoredOrLogged(t *testing.T) {
	var notes notebook
	cfg := storetest.SQLite(t)
	r := start(t, cfg, func(d *payment.Deps) {
		d.Logger = slog.New(slog.NewTextHandler(&notes, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	for i, kind := range []string{"disbursement", "debit", "repayment", "refund"} {
		r.fault("alpha", "pay", []string{"lost_response", "garbage", "server_error", "bad_signature"}[i], 1)
		r.await(r.create(r.request(i+1, kind, 10_00)).GetOrderId(), "PAID")
	}
	r.stop()
	files, err := filepath.Glob(cfg.Path + "*")
	r.must(err)
	said := notes.bytes()
	for _, f := range files {
		raw, err := os.ReadFile(f)
		r.must(err)
		said = append(said, raw...)
	}
	for n := range 4 {
		who := r.crowd[n]
		for what, value := range map[string]string{"name": who.Name, "card": who.Cards[0].CardNo, "mobile": who.Mobile} {
			if bytes.Contains(said, []byte(value)) {
				t.Errorf("the %s of person %d is in the database or the log", what, n)
			}
		}
	}
}

func TestAChannelIsNotCalledFasterThanAgreed(t *testing.T) {
	r := start(t, storetest.SQLite(t), only("alpha"), func(d *payment.Deps) { d.Channels[0].PerSecond = 20 })
	var last int64
	began := time.Now()
	for n := 1; n <= 22; n++ {
		last = r.create(r.request(n, "debit", 1_00)).GetOrderId()
	}
	r.await(last, "PAID")
	deadline := time.Now().Add(20 * time.Second)
	for r.moved() < 22 && time.Now().Before(deadline) {
		time.Sleep(5 * time.Millisecond)
	}
	if took := time.Since(began); took < 900*time.Millisecond {
		t.Errorf("22 calls took %s where 20 a second are agreed", took)
	}
}

func TestTwoPeopleEndAnOrderAsPaidAndLaterNewsIsARepeat(t *testing.T) {
	r := start(t, storetest.SQLite(t), only("alpha"), func(d *payment.Deps) { d.ManualQueries, d.ManualAfter = 1, time.Nanosecond })
	ctx := context.Background()
	r.setDeaf(true)
	r.fault("alpha", "query", "server_error", 1000)
	r.fault("alpha", "pay", "lost_response", 1)
	o := r.create(r.request(1, "disbursement", 100_00))
	manual := r.await(o.GetOrderId(), "MANUAL")
	today := calendar.InShanghai(r.clk.Now())
	ask := &paymentv1.ProposeResolutionRequest{
		OrderId: o.GetOrderId(), Outcome: "PAID", ChannelNo: "A77", ValueOn: (today + 1).String(), Evidence: "line 12 of the channel's statement of today", IdempotencyKey: "resolve-paid-1",
	}
	if _, err := r.staff(101, "finance").ProposeResolution(ctx, ask); errs.CodeOf(err) != errs.Invalid {
		t.Errorf("a value date that has not come: %v", err)
	}
	ask.ValueOn = (today - 1).String()
	p, err := r.staff(101, "finance").ProposeResolution(ctx, ask)
	r.must(err)
	_, err = r.staff(102, "finance").Decide(ctx, &paymentv1.DecideRequest{ProposalId: p.GetProposalId(), Approve: true})
	r.must(err)
	d := r.detail(o.GetOrderId())
	if d.GetOrder().GetState() != "PAID" || d.GetOrder().GetValueOn() != ask.GetValueOn() || d.GetHoldState() != "POSTED" || r.balance("2290") != 100_00 {
		t.Errorf("resolved: %v", d)
	}
	if n := len(d.GetEvidence()); d.GetEvidence()[n-1].GetSource() != "people" {
		t.Errorf("evidence: %v", d.GetEvidence())
	}
	r.say(success(manual.GetAttempts()[0].GetRequestNo(), 100_00))
	if d := r.detail(o.GetOrderId()); len(d.GetEntries()) != 2 || len(d.GetBreaks()) != 0 {
		t.Errorf("after the channel said the same: %v", d)
	}
}

func TestWhatIsMeasuredCanBeRead(t *testing.T) {
	registry := prometheus.NewRegistry()
	r := start(t, storetest.SQLite(t), only("alpha"), func(d *payment.Deps) { d.Metrics = registry })
	r.await(r.create(r.request(1, "debit", 10_00)).GetOrderId(), "PAID")
	for _, s := range r.svc.Surveys() {
		r.must(s.Read(t.Context()))
		for _, g := range s.Gauges {
			r.must(registry.Register(g))
		}
	}
	names := []string{"hengdai_payment_orders_total", "hengdai_payment_attempts_total", "hengdai_payment_channel_call_seconds", "hengdai_payment_breaks_open",
		"hengdai_payment_attempt_outcomes_total", "hengdai_payment_routes_total", "hengdai_payment_breaker_state", "hengdai_payment_orders_waiting_for_channel"}
	var missing []string
	for range 200 { // a state is counted just after its commit, which the order's reader may see first
		families, err := registry.Gather()
		r.must(err)
		found := map[string]bool{}
		for _, f := range families {
			found[f.GetName()] = true
		}
		missing = slices.DeleteFunc(slices.Clone(names), func(name string) bool { return found[name] })
		if len(missing) == 0 {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("not measured: %v", missing)
}
