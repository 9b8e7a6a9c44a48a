package payment_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	paymentv1 "github.com/hengdai/hengdai/api/payment/v1"
	domain "github.com/hengdai/hengdai/domain/payment"
	"github.com/hengdai/hengdai/kit/clock"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/kit/store/storetest"
	"github.com/hengdai/hengdai/service/payment"
)

// channel answers one channel as staff see it.
func (r *rig) channel(name string) *paymentv1.Channel {
	r.t.Helper()
	list, err := r.staff(9, "operator").ListChannels(context.Background(), &paymentv1.ListChannelsRequest{})
	r.must(err)
	for _, c := range list.GetChannels() {
		if c.GetChannel() == name {
			return c
		}
	}
	r.t.Fatalf("no channel %s", name)
	return nil
}

// breaker answers the state of a channel's breaker for a kind.
func (r *rig) breaker(name, kind string) string {
	for _, h := range r.channel(name).GetHealth() {
		if h.GetKind() == kind {
			return h.GetBreaker()
		}
	}
	return ""
}

// change lets two people change a channel; what is not changed stays as it is.
func (r *rig) change(name string, change func(p *paymentv1.ProposeChannelRequest)) {
	r.t.Helper()
	c := r.channel(name)
	p := &paymentv1.ProposeChannelRequest{
		Channel: name, Enabled: c.GetEnabled(), Draining: c.GetDraining(), Priority: c.GetPriority(), MinMinor: c.GetMinMinor(),
		MaxMinor: c.GetMaxMinor(), DailyMinor: c.GetDailyMinor(), Terms: c.GetTerms(), Breaker: c.GetBreaker(), Version: c.GetVersion(),
		Reason: "as the test wants it", IdempotencyKey: fmt.Sprintf("change-%s-%d", name, c.GetVersion()),
	}
	change(p)
	made, err := r.staff(101, "operator").ProposeChannel(context.Background(), p)
	r.must(err)
	_, err = r.staff(102, "admin").Decide(context.Background(), &paymentv1.DecideRequest{ProposalId: made.GetProposalId(), Approve: true})
	r.must(err)
}

// until waits for something to become true.
func (r *rig) until(what string, is func() bool) {
	r.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			r.t.Fatalf("not within 20 s: %s", what)
		}
	}
}

// breakDown lets a channel fail until its breaker for debits is open, and answers the orders that met it.
func (r *rig) breakDown(name, submit string) []int64 {
	r.t.Helper()
	r.fault(name, submit, "server_error", 1_000_000)
	r.fault(name, "query", "server_error", 1_000_000)
	var ids []int64
	r.until("the breaker of "+name+" opens", func() bool {
		if len(ids) < 60 {
			ids = append(ids, r.create(r.request(1+len(ids)%40, "debit", 1_00)).GetOrderId())
		}
		return r.breaker(name, "debit") == "open"
	})
	return ids
}

// mend lets a channel work again.
func (r *rig) mend(name string) {
	r.t.Helper()
	req, err := http.NewRequestWithContext(context.Background(), http.MethodDelete, r.box+"/control/faults?party="+name, http.NoBody)
	r.must(err)
	res, err := http.DefaultClient.Do(req)
	r.must(err)
	r.must(res.Body.Close())
}

func TestABreakerSendsNewOrdersElsewhereAndFailsNone(t *testing.T) {
	r := start(t, storetest.SQLite(t))
	met := r.breakDown("alpha", "pay")
	o := r.await(r.create(r.request(1, "debit", 2_00)).GetOrderId(), "PAID")
	if len(o.GetAttempts()) != 1 || o.GetAttempts()[0].GetChannel() != "beta" {
		t.Errorf("with alpha's breaker open: %v", o)
	}
	var d domain.Decision
	r.must(json.Unmarshal([]byte(r.detail(o.GetOrderId()).GetRoutes()[0]), &d))
	if d.Channel != "beta" || d.Considered[0].Verdict != "breaker" || d.Considered[0].GoodPPM > 300_000 {
		t.Errorf("the decision is stored as %+v", d)
	}
	stuck := 0
	for _, orderID := range met {
		got := r.get(orderID)
		if s := got.GetState(); s != "SENDING" && s != "PAID" && s != "RESERVED" {
			t.Errorf("an order is %s by a breaker", s)
		}
		if a := got.GetAttempts(); len(a) > 0 && a[0].GetState() == "UNKNOWN" {
			stuck++
			if len(a) != 1 || a[0].GetChannel() != "alpha" {
				t.Errorf("an order of which nothing is known was sent elsewhere: %v", a)
			}
		}
	}
	if stuck == 0 {
		t.Error("no order was under way at alpha")
	}
	if s := r.breaker("alpha", "disbursement"); s != "closed" {
		t.Errorf("the breaker of another kind is %s", s)
	}
	r.mend("alpha")
	for _, orderID := range met {
		r.paidOnce(orderID)
	}
	r.until("probes close the breaker", func() bool {
		r.await(r.create(r.request(2, "debit", 1_00)).GetOrderId(), "PAID")
		return r.breaker("alpha", "debit") == "closed"
	})
	if a := r.await(r.create(r.request(3, "debit", 1_00)).GetOrderId(), "PAID").GetAttempts(); a[0].GetChannel() != "alpha" {
		t.Errorf("after its recovery: %v", a)
	}
}

func TestWithEveryBreakerOpenOrdersWaitAndGoWhenAChannelAnswers(t *testing.T) {
	r := start(t, storetest.SQLite(t), only("alpha"))
	r.breakDown("alpha", "pay")
	o := r.create(r.request(1, "debit", 2_00))
	time.Sleep(300 * time.Millisecond)
	if got := r.get(o.GetOrderId()); got.GetState() == "CANCELLED" || got.GetState() == "REJECTED" {
		t.Fatalf("a breaker has ended an order: %v", got)
	}
	r.mend("alpha")
	r.paidOnce(o.GetOrderId())
}

func TestPeopleHoldABreakerOpenAndClosed(t *testing.T) {
	r := start(t, storetest.SQLite(t))
	r.change("alpha", func(p *paymentv1.ProposeChannelRequest) { p.Breaker = "open" })
	if s := r.breaker("alpha", "debit"); s != "open" {
		t.Errorf("held open it is %s", s)
	}
	if a := r.await(r.create(r.request(1, "debit", 1_00)).GetOrderId(), "PAID").GetAttempts(); a[0].GetChannel() != "beta" {
		t.Errorf("held open: %v", a)
	}
	r.stop() // what people decide outlives the process
	r.open()
	if s := r.breaker("alpha", "debit"); s != "open" {
		t.Errorf("after a restart it is %s", s)
	}
	r.change("alpha", func(p *paymentv1.ProposeChannelRequest) { p.Breaker = "closed" })
	r.fault("alpha", "pay", "server_error", 40)
	for n := range 40 {
		r.create(r.request(1+n, "debit", 1_00))
	}
	r.until("all are sent to alpha", func() bool { return r.channel("alpha").GetUnclear() >= 30 })
	if a := r.await(r.create(r.request(1, "debit", 1_00)).GetOrderId(), "PAID").GetAttempts(); a[0].GetChannel() != "alpha" {
		t.Errorf("held closed: %v", a)
	}
}

func TestAFailedOrderWaitsForTheOtherChannelsBreaker(t *testing.T) {
	r := start(t, storetest.SQLite(t), betaFirst)
	r.change("beta", func(p *paymentv1.ProposeChannelRequest) { p.Enabled = false })
	r.breakDown("alpha", "pay")
	r.fault("beta", "trans", "busy", 1_000_000, map[string]any{"code": "61"})
	r.change("beta", func(p *paymentv1.ProposeChannelRequest) { p.Enabled = true })
	o := r.create(r.request(1, "debit", 2_00))
	r.until("beta has refused it", func() bool {
		a := r.get(o.GetOrderId()).GetAttempts()
		return len(a) > 0 && a[0].GetState() == "FAILED_FINAL"
	})
	if got := r.get(o.GetOrderId()); got.GetState() != "SENDING" {
		t.Fatalf("while alpha does not answer the order is %v", got)
	}
	r.mend("alpha")
	paid := r.await(o.GetOrderId(), "PAID")
	if a := paid.GetAttempts(); a[len(a)-1].GetChannel() != "alpha" || a[len(a)-1].GetState() != "SUCCESS" {
		t.Errorf("attempts: %v", a)
	}
	r.paidOnce(o.GetOrderId())
}

// nightShut closes alpha for debits at the present minute, and opens it again after some minutes.
func nightShut(r *rig, minutes int64) []*paymentv1.KindTerms {
	at := r.clk.Now().In(clock.Shanghai)
	return []*paymentv1.KindTerms{{
		Kind: "debit", Opens: at.Add(time.Duration(minutes) * time.Minute).Format("15:04"), Closes: at.Add(-time.Minute).Format("15:04"),
	}, {Kind: "repayment", Opens: at.Add(time.Duration(minutes) * time.Minute).Format("15:04"), Closes: at.Add(-time.Minute).Format("15:04")}}
}

func TestOutsideTheHoursAnOrderWaitsAndGoesWhenTheyBegin(t *testing.T) {
	r := start(t, storetest.SQLite(t), only("alpha"))
	r.change("alpha", func(p *paymentv1.ProposeChannelRequest) { p.Terms = nightShut(r, 30) })
	o := r.create(r.request(1, "debit", 2_00))
	other := r.create(r.request(2, "disbursement", 2_00))
	r.await(other.GetOrderId(), "PAID") // the hours are those of a kind
	if got := r.get(o.GetOrderId()); got.GetState() != "RESERVED" || len(got.GetAttempts()) != 0 {
		t.Fatalf("outside the hours: %v", got)
	}
	r.offset.Advance(31 * time.Minute)
	r.paidOnce(o.GetOrderId())
}

func TestAFailedOrderWaitsForTheOtherChannelsHoursButABorrowerNotForLong(t *testing.T) {
	r := start(t, storetest.SQLite(t), betaFirst)
	r.change("alpha", func(p *paymentv1.ProposeChannelRequest) { p.Terms = nightShut(r, 120) })
	r.fault("beta", "trans", "busy", 2, map[string]any{"code": "61"})
	debit := r.create(r.request(1, "debit", 2_00))
	asked := r.create(r.request(2, "repayment", 2_00))
	for _, o := range []*paymentv1.Order{debit, asked} {
		r.until("beta has refused it", func() bool {
			a := r.get(o.GetOrderId()).GetAttempts()
			return len(a) == 1 && a[0].GetState() == "FAILED_FINAL"
		})
		if s := r.get(o.GetOrderId()).GetState(); s != "SENDING" {
			t.Fatalf("outside alpha's hours the order is %s", s)
		}
	}
	r.offset.Advance(11 * time.Minute)
	rejected := r.await(asked.GetOrderId(), "REJECTED")
	if rejected.GetReason() != "limit_exceeded" || r.detail(asked.GetOrderId()).GetHoldState() != "VOID" {
		t.Errorf("rejected: %v", rejected)
	}
	if told := r.outcomes(asked.GetOrderId()); !slices.Equal(told, []string{"REJECTED"}) {
		t.Errorf("told %v", told)
	}
	r.crash() // the wait is stored
	r.open()
	if s := r.get(debit.GetOrderId()).GetState(); s != "SENDING" {
		t.Errorf("the debit is %s", s)
	}
	r.offset.Advance(2 * time.Hour)
	r.paidOnce(debit.GetOrderId())
}

func TestADailyLimitHoldsToTheCent(t *testing.T) {
	each(t, func(t *testing.T, cfg store.Config) {
		r := start(t, cfg)
		r.await(r.create(r.request(1, "debit", 15_00)).GetOrderId(), "PAID") // before there is a limit
		r.change("alpha", func(p *paymentv1.ProposeChannelRequest) { p.DailyMinor, p.MaxMinor = 100_00, 15_00 })
		if c := r.channel("alpha"); c.GetUsedMinor() != 15_00 {
			t.Errorf("a limit that begins during the day counts %d", c.GetUsedMinor())
		}
		var all sync.WaitGroup
		var mu sync.Mutex
		var ids []int64
		for n := range 15 {
			req := r.request(1+n, "debit", 10_00)
			all.Go(func() {
				o, err := r.api().CreateOrder(context.Background(), req)
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				ids = append(ids, o.GetOrderId())
				mu.Unlock()
			})
		}
		all.Wait()
		at := map[string]int{}
		for _, orderID := range ids {
			at[r.await(orderID, "PAID").GetAttempts()[0].GetChannel()]++
		}
		if at["alpha"] != 8 || at["beta"] != 7 || r.channel("alpha").GetUsedMinor() != 95_00 {
			t.Errorf("%v, used %d", at, r.channel("alpha").GetUsedMinor())
		}
		r.offset.Advance(24 * time.Hour)
		if a := r.await(r.create(r.request(1, "debit", 10_00)).GetOrderId(), "PAID").GetAttempts(); a[0].GetChannel() != "alpha" {
			t.Errorf("on the next day: %v", a)
		}
	})
}

func TestAFailureGivesItsShareOfTheDailyLimitBack(t *testing.T) {
	r := start(t, storetest.SQLite(t), betaFirst, func(d *payment.Deps) { d.Channels[1].DailyMinor = 10_00 })
	r.fault("beta", "trans", "busy", 1, map[string]any{"code": "61"})
	r.await(r.create(r.request(1, "debit", 10_00)).GetOrderId(), "PAID") // at alpha
	if n := r.channel("beta").GetUsedMinor(); n != 0 {
		t.Errorf("beta has used %d", n)
	}
	if a := r.await(r.create(r.request(2, "debit", 10_00)).GetOrderId(), "PAID").GetAttempts(); a[0].GetChannel() != "beta" {
		t.Errorf("attempts: %v", a)
	}
	if a := r.await(r.create(r.request(3, "debit", 1)).GetOrderId(), "PAID").GetAttempts(); a[0].GetChannel() != "alpha" {
		t.Errorf("a cent above the limit: %v", a)
	}
}

func TestADrainingChannelFinishesWhatItHasAndSaysWhenItIsEmpty(t *testing.T) {
	r := start(t, storetest.SQLite(t))
	r.setDeaf(true)
	r.fault("alpha", "pay", "lost_request", 1)
	r.fault("alpha", "query", "server_error", 2)
	o := r.create(r.request(1, "debit", 10_00))
	r.until("it is under way", func() bool { return r.channel("alpha").GetLive() == 1 })
	r.change("alpha", func(p *paymentv1.ProposeChannelRequest) { p.Draining = true })
	if c := r.channel("alpha"); c.GetLive() == 1 && c.GetDrained() {
		t.Errorf("it calls itself empty: %v", c)
	}
	if a := r.await(r.create(r.request(2, "debit", 10_00)).GetOrderId(), "PAID").GetAttempts(); a[0].GetChannel() != "beta" {
		t.Errorf("a draining channel takes a new order: %v", a)
	}
	if a := r.await(o.GetOrderId(), "PAID").GetAttempts(); len(a) != 1 || a[0].GetChannel() != "alpha" {
		t.Errorf("what it had: %v", a)
	}
	if c := r.channel("alpha"); !c.GetDrained() || c.GetLive() != 0 {
		t.Errorf("empty: %v", c)
	}
}

func TestTheCheaperOfTwoEqualChannelsIsTaken(t *testing.T) {
	r := start(t, storetest.SQLite(t))
	r.change("alpha", func(p *paymentv1.ProposeChannelRequest) { p.Priority = 2 })
	if a := r.await(r.create(r.request(1, "debit", 100_00)).GetOrderId(), "PAID").GetAttempts(); a[0].GetChannel() != "beta" {
		t.Errorf("3 per mille and 2.5 per mille: %v", a)
	}
	r.change("beta", func(p *paymentv1.ProposeChannelRequest) {
		p.Terms = []*paymentv1.KindTerms{{Kind: "debit", FixedMinor: 200}}
	})
	if a := r.await(r.create(r.request(2, "debit", 100_00)).GetOrderId(), "PAID").GetAttempts(); a[0].GetChannel() != "alpha" {
		t.Errorf("30 cents and 2 yuan: %v", a)
	}
	if a := r.await(r.create(r.request(3, "debit", 1000_00)).GetOrderId(), "PAID").GetAttempts(); a[0].GetChannel() != "beta" {
		t.Errorf("3 yuan and 2 yuan: %v", a)
	}
}

func TestSettingsThatCannotBeAreRefusedByName(t *testing.T) {
	r := start(t, storetest.SQLite(t))
	for name, c := range map[string]struct {
		want string
		bad  func(p *paymentv1.ProposeChannelRequest)
	}{
		"a daily limit below one order":     {"payment.daily_limit_too_low", func(p *paymentv1.ProposeChannelRequest) { p.MaxMinor, p.DailyMinor = 2, 1 }},
		"a kind twice":                      {"payment.terms_refused", func(p *paymentv1.ProposeChannelRequest) { p.Terms = append(p.Terms, p.GetTerms()[0]) }},
		"a largest fee below the smallest":  {"payment.terms_refused", func(p *paymentv1.ProposeChannelRequest) { p.Terms[0].LeastMinor, p.Terms[0].MostMinor = 2, 1 }},
		"a time of day that does not exist": {"", func(p *paymentv1.ProposeChannelRequest) { p.Terms[0].Opens = "24:00" }},
		"a breaker of another word":         {"", func(p *paymentv1.ProposeChannelRequest) { p.Breaker = "ajar" }},
		"a fee above the whole":             {"", func(p *paymentv1.ProposeChannelRequest) { p.Terms[0].Ppm = 1_000_001 }},
	} {
		p := &paymentv1.ProposeChannelRequest{
			Channel: "alpha", Enabled: true, Reason: "it cannot be", IdempotencyKey: "bad-settings-" + name[:8],
			Terms: []*paymentv1.KindTerms{{Kind: "debit", Ppm: 3000, Opens: "07:00", Closes: "22:00"}},
		}
		c.bad(p)
		_, err := r.staff(101, "operator").ProposeChannel(context.Background(), p)
		if errs.CodeOf(err) != errs.Invalid || (c.want != "" && errs.ReasonOf(err) != c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestSettingsFromBeforeThereWereTermsKeepTheConfiguredOnes: the row is as an older version wrote it.
func TestSettingsFromBeforeThereWereTermsKeepTheConfiguredOnes(t *testing.T) {
	r := start(t, storetest.SQLite(t), func(d *payment.Deps) { d.Channels[0].DailyMinor = 500_00 })
	r.must(r.db.Write(context.Background(), func(tx *store.Tx) error {
		_, err := tx.ExecContext(tx.Context(), "INSERT INTO payment_channel (bucket, channel, enabled, draining, priority, min_minor, max_minor, version) VALUES (0, 'alpha', 1, 0, 7, 0, 0, 3)")
		return err
	}))
	c := r.channel("alpha")
	if c.GetPriority() != 7 || c.GetVersion() != 3 || c.GetDailyMinor() != 500_00 || c.GetBreaker() != "auto" || len(c.GetTerms()) != 4 {
		t.Errorf("%v", c)
	}
	r.change("alpha", func(p *paymentv1.ProposeChannelRequest) { p.DailyMinor, p.Terms = 0, nil })
	if c := r.channel("alpha"); c.GetDailyMinor() != 0 || len(c.GetTerms()) != 0 {
		t.Errorf("what people set: %v", c)
	}
}

func TestAPacedChannelIsPassedOver(t *testing.T) {
	r := start(t, storetest.SQLite(t), func(d *payment.Deps) { d.Channels[0].PerSecond = 2 })
	at := map[string]int{}
	var ids []int64
	for n := range 20 {
		ids = append(ids, r.create(r.request(1+n, "debit", 1_00)).GetOrderId())
	}
	for _, orderID := range ids {
		at[r.await(orderID, "PAID").GetAttempts()[0].GetChannel()]++
	}
	if at["alpha"] == 0 || at["beta"] < 5 {
		t.Errorf("with 2 calls a second agreed: %v", at)
	}
	if !strings.Contains(strings.Join(r.detail(ids[19]).GetRoutes(), ""), `"verdict"`) {
		t.Error("the decision is not stored")
	}
}
