package payment_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/hengdai/hengdai/domain/payment"
)

func rules() []payment.Rule {
	all := payment.Kinds
	return []payment.Rule{
		{Channel: "beta", Priority: 2, Enabled: true, Kinds: all, Terms: payment.Terms{Fee: payment.Fee{PPM: 2500}}},
		{Channel: "alpha", Priority: 1, Enabled: true, Kinds: all, MaxMinor: 5_000_00, Terms: payment.Terms{Fee: payment.Fee{PPM: 3000, LeastMinor: 10}}},
	}
}

// cases are the decisions that were agreed: what is changed of the two channels above (beta first) and what is asked.
var cases = []struct {
	name   string
	change func(beta, alpha *payment.Rule, ask *payment.Ask)
}{
	{"the better priority", func(_, _ *payment.Rule, _ *payment.Ask) {}},
	{"too large for the first", func(_, _ *payment.Rule, ask *payment.Ask) { ask.AmountMinor = 6_000_00 }},
	{"both have refused it", func(_, _ *payment.Rule, ask *payment.Ask) { ask.Tried = []string{"alpha", "beta"} }},
	{"one drains, one is off", func(beta, alpha *payment.Rule, _ *payment.Ask) { beta.Draining, alpha.Enabled = true, false }},
	{"same priority, the cheaper", func(_, alpha *payment.Rule, _ *payment.Ask) { alpha.Priority = 2 }},
	{"same priority, the fixed fee is dearer for a small amount", func(beta, alpha *payment.Rule, ask *payment.Ask) {
		alpha.Priority, ask.AmountMinor, beta.Terms.Fee = 2, 10_00, payment.Fee{FixedMinor: 50}
	}},
	{"same priority and cost, the healthier", func(beta, alpha *payment.Rule, _ *payment.Ask) {
		alpha.Priority, alpha.Terms = 2, beta.Terms
		alpha.Health = payment.Health{Calls: 50, Bad: 3, Mean: 10 * time.Millisecond}
		beta.Health = payment.Health{Calls: 50, Mean: 80 * time.Millisecond}
	}},
	{"same priority, cost and share of good calls, the faster", func(beta, alpha *payment.Rule, _ *payment.Ask) {
		alpha.Priority, alpha.Terms = 2, beta.Terms
		alpha.Health = payment.Health{Calls: 50, Mean: 400 * time.Millisecond}
		beta.Health = payment.Health{Calls: 50, Mean: 80 * time.Millisecond}
	}},
	{"all the same, the name", func(beta, alpha *payment.Rule, _ *payment.Ask) { alpha.Priority, alpha.Terms = 2, beta.Terms }},
	{"before the hours", func(_, alpha *payment.Rule, ask *payment.Ask) {
		alpha.Terms.Hours, ask.Minute = payment.Hours{Opens: 7 * 60, Closes: 22 * 60}, 6*60+59
	}},
	{"the first minute of the hours", func(_, alpha *payment.Rule, ask *payment.Ask) {
		alpha.Terms.Hours, ask.Minute = payment.Hours{Opens: 7 * 60, Closes: 22 * 60}, 7*60
	}},
	{"the minute after the hours, nothing else", func(beta, alpha *payment.Rule, ask *payment.Ask) {
		alpha.Terms.Hours, ask.Minute, beta.Enabled = payment.Hours{Opens: 7 * 60, Closes: 22 * 60}, 22*60, false
	}},
	{"the day's limit is reached to the cent", func(_, alpha *payment.Rule, _ *payment.Ask) { alpha.DailyMinor, alpha.UsedMinor = 1_000_00, 900_00 }},
	{"a cent above the day's limit", func(_, alpha *payment.Rule, _ *payment.Ask) { alpha.DailyMinor, alpha.UsedMinor = 1_000_00, 900_01 }},
	{"no day's limit can hold it", func(beta, alpha *payment.Rule, _ *payment.Ask) { alpha.DailyMinor, beta.MaxMinor = 99_99, 1_00 }},
	{"the breaker of the first is open", func(_, alpha *payment.Rule, _ *payment.Ask) { alpha.Shut, alpha.ShutFor = true, 1500*time.Millisecond }},
	{"both breakers are open", func(beta, alpha *payment.Rule, _ *payment.Ask) {
		alpha.Shut, alpha.ShutFor, beta.Shut, beta.ShutFor = true, 40*time.Second, true, 8*time.Second
	}},
	{"people hold both open", func(beta, alpha *payment.Rule, _ *payment.Ask) { alpha.Shut, beta.Shut = true, true }},
	{"the first is paced", func(_, alpha *payment.Rule, _ *payment.Ask) { alpha.Paced = true }},
	{"refused at one, the other is shut for a time", func(beta, _ *payment.Rule, ask *payment.Ask) {
		ask.Tried, beta.Shut, beta.ShutFor = []string{"alpha"}, true, 2*time.Second
	}},
	{"a kind that only one moves", func(_, alpha *payment.Rule, ask *payment.Ask) {
		ask.Kind, alpha.Kinds = payment.Refund, []payment.Kind{payment.Debit}
	}},
}

func TestDecisionsAreAsAgreed(t *testing.T) {
	var b strings.Builder
	for _, c := range cases {
		r, ask := rules(), payment.Ask{Kind: payment.Debit, AmountMinor: 100_00, Minute: 12 * 60}
		c.change(&r[0], &r[1], &ask)
		d := payment.Route(ask, r)
		fmt.Fprintf(&b, "%s: %q permanent=%t again=%ds waits=%t\n", c.name, d.Channel, d.Permanent, d.AgainS, d.Waits())
		for _, x := range d.Considered {
			fmt.Fprintf(&b, "    %-6s %-17s priority=%d fee=%d good=%d mean=%dms again=%ds\n",
				x.Channel, x.Verdict, x.Priority, x.FeeMinor, x.GoodPPM, x.MeanMS, x.AgainS)
		}
	}
	golden(t, "routes.golden", b.String())
}

func drawRule(t *rapid.T, name string) payment.Rule {
	flag := func(label string) bool { return rapid.IntRange(0, 4).Draw(t, name+label) == 0 }
	calls := rapid.Int64Range(0, 50).Draw(t, name+"calls")
	r := payment.Rule{
		Channel: name, Priority: rapid.Int64Range(0, 2).Draw(t, name+"priority"), Enabled: !flag("disabled"), Draining: flag("draining"),
		Kinds: payment.Kinds, MinMinor: rapid.Int64Range(0, 50).Draw(t, name+"min"), MaxMinor: rapid.SampledFrom([]int64{0, 90, 200}).Draw(t, name+"max"),
		DailyMinor: rapid.SampledFrom([]int64{0, 60, 300}).Draw(t, name+"daily"), UsedMinor: rapid.Int64Range(0, 300).Draw(t, name+"used"),
		Terms: payment.Terms{
			Fee:   payment.Fee{FixedMinor: rapid.Int64Range(0, 2).Draw(t, name+"fixed"), PPM: rapid.Int64Range(0, 20_000).Draw(t, name+"ppm")},
			Hours: payment.Hours{Opens: rapid.Int64Range(0, 1439).Draw(t, name+"opens"), Closes: rapid.Int64Range(0, 1440).Draw(t, name+"closes")},
		},
		Paced: flag("paced"), Shut: flag("shut"),
		Health: payment.Health{Calls: calls, Bad: rapid.Int64Range(0, calls).Draw(t, name+"bad"), Mean: time.Duration(rapid.Int64Range(0, 5e9).Draw(t, name+"mean"))},
	}
	if r.Shut {
		r.ShutFor = time.Duration(rapid.Int64Range(0, 60e9).Draw(t, name+"shutfor"))
	}
	return r
}

func drawAsk(t *rapid.T) payment.Ask {
	return payment.Ask{
		Kind: rapid.SampledFrom(payment.Kinds).Draw(t, "kind"), AmountMinor: rapid.Int64Range(1, 250).Draw(t, "amount"),
		Minute: rapid.Int64Range(0, 1439).Draw(t, "minute"), Tried: rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "c", "d"}), 0, 2).Draw(t, "tried"),
	}
}

func TestTheSameFactsGiveTheSameDecisionInWhateverOrderTheyAreListed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ask := drawAsk(t)
		list := []payment.Rule{drawRule(t, "a"), drawRule(t, "b"), drawRule(t, "c"), drawRule(t, "d")}
		want := payment.Route(ask, list)
		if got := payment.Route(ask, rapid.Permutation(list).Draw(t, "order")); !reflect.DeepEqual(got, want) {
			t.Fatalf("got %+v, want %+v", got, want)
		}
		if len(want.Considered) != 4 {
			t.Fatalf("%d channels considered", len(want.Considered))
		}
	})
}

func TestNothingIsTakenThatMustBeLeftAndNothingBetterIsPassedOver(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ask := drawAsk(t)
		list := []payment.Rule{drawRule(t, "a"), drawRule(t, "b"), drawRule(t, "c"), drawRule(t, "d")}
		d := payment.Route(ask, list)
		var fit []payment.Rule
		for _, r := range list {
			h := r.Terms.Hours
			open := h.Opens == h.Closes || (h.Opens < h.Closes && h.Opens <= ask.Minute && ask.Minute < h.Closes) ||
				(h.Opens > h.Closes && (ask.Minute >= h.Opens || ask.Minute < h.Closes))
			if r.Enabled && !r.Draining && !r.Shut && !r.Paced && open && !slices.Contains(ask.Tried, r.Channel) && ask.AmountMinor >= r.MinMinor &&
				(r.MaxMinor == 0 || ask.AmountMinor <= r.MaxMinor) && (r.DailyMinor == 0 || r.UsedMinor+ask.AmountMinor <= r.DailyMinor) {
				fit = append(fit, r)
			}
		}
		if (d.Channel == "") != (len(fit) == 0) {
			t.Fatalf("%d channels fit: %+v", len(fit), d)
		}
		for _, r := range fit {
			took := list[slices.IndexFunc(list, func(x payment.Rule) bool { return x.Channel == d.Channel })]
			if r.Priority < took.Priority || (r.Priority == took.Priority && r.Terms.Fee.Of(ask.AmountMinor) < took.Terms.Fee.Of(ask.AmountMinor)) {
				t.Fatalf("%s stands before %s: %+v", r.Channel, took.Channel, d)
			}
		}
		if !slices.ContainsFunc(fit, func(r payment.Rule) bool { return r.Channel == d.Channel }) && d.Channel != "" {
			t.Fatalf("%s does not fit: %+v", d.Channel, d)
		}
		if d.Channel != "" && d.AgainS != 0 || d.Permanent && (d.Channel != "" || d.AgainS != 0) {
			t.Fatalf("it contradicts itself: %+v", d)
		}
	})
}

func TestHoursOpenWhenTheySayTheyWill(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := payment.Hours{Opens: rapid.Int64Range(0, 1439).Draw(t, "opens"), Closes: rapid.Int64Range(0, 1440).Draw(t, "closes")}
		minute := rapid.Int64Range(0, 1439).Draw(t, "minute")
		wait := h.Until(minute)
		if (wait == 0) != h.Open(minute) || !h.Open((minute+wait)%payment.MinutesOfDay) {
			t.Fatalf("at %d %+v open in %d", minute, h, wait)
		}
		for m := range wait {
			if h.Open((minute + m) % payment.MinutesOfDay) {
				t.Fatalf("at %d %+v already open after %d of %d", minute, h, m, wait)
			}
		}
	})
}

func TestAFeeLiesInItsBoundsAndNeverFallsWithTheAmount(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := payment.Fee{
			FixedMinor: rapid.Int64Range(0, 1000).Draw(t, "fixed"), PPM: rapid.Int64Range(0, 1_000_000).Draw(t, "ppm"),
			LeastMinor: rapid.Int64Range(0, 100).Draw(t, "least"),
		}
		if rapid.Bool().Draw(t, "bounded") {
			f.MostMinor = f.LeastMinor + rapid.Int64Range(1, 1000).Draw(t, "most")
		}
		small := rapid.Int64Range(1, 1e13).Draw(t, "small")
		large := small + rapid.Int64Range(0, 1e13).Draw(t, "more")
		a, b := f.Of(small), f.Of(large)
		if a > b || a < f.LeastMinor || (f.MostMinor > 0 && b > f.MostMinor) || a < 0 {
			t.Fatalf("%+v asks %d of %d and %d of %d", f, a, small, b, large)
		}
	})
	for _, c := range []struct{ amount, ppm, want int64 }{{1, 500_000, 1}, {1, 499_999, 0}, {3333, 3000, 10}, {3499, 3000, 10}, {3500, 3000, 11}} {
		if got := (payment.Fee{PPM: c.ppm}).Of(c.amount); got != c.want {
			t.Errorf("%d ppm of %d is %d, want %d (half up)", c.ppm, c.amount, got, c.want)
		}
	}
	if got := (payment.Fee{FixedMinor: 1, PPM: 1_000_000}).Of(1<<63 - 1); got != 1<<63-1 {
		t.Errorf("a fee beyond all numbers is %d", got)
	}
}

func TestTermsThatContradictThemselvesAreRefused(t *testing.T) {
	for _, bad := range []payment.Terms{
		{Fee: payment.Fee{FixedMinor: -1}}, {Fee: payment.Fee{PPM: 1_000_001}}, {Fee: payment.Fee{LeastMinor: 2, MostMinor: 1}},
		{Hours: payment.Hours{Opens: 1440}}, {Hours: payment.Hours{Closes: 1441}}, {Hours: payment.Hours{Opens: -1}},
	} {
		if bad.Check() == nil {
			t.Errorf("%+v is taken", bad)
		}
	}
	if err := (payment.Terms{Fee: payment.Fee{PPM: 3000, LeastMinor: 10, MostMinor: 5000}, Hours: payment.Hours{Opens: 420, Closes: 1320}}).Check(); err != nil {
		t.Error(err)
	}
}

func BenchmarkRoute(b *testing.B) {
	r := rules()
	for b.Loop() {
		payment.Route(payment.Ask{Kind: payment.Debit, AmountMinor: 100}, r)
	}
}
