package cost_test

import (
	"errors"
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/hengdai/hengdai/domain/calendar"
	"github.com/hengdai/hengdai/domain/cost"
	"github.com/hengdai/hengdai/domain/schedule"
)

func near(a, b, by float64) bool { return math.Abs(a-b) <= by }

// compliance.md R13: 12,000 lent, 12 x 1,060 back: monthly 0.9080 %, x 12 = 10.90 %, compounded 11.46 %.
func TestTheCostOfTheRuleBooksExample(t *testing.T) {
	p, err := schedule.Make(schedule.Terms{
		Principal: 1_200_000, RatePPM: 60_000, Method: schedule.Flat, DayCount: calendar.ByPeriod, Instalments: 12, Every: 1,
		DisbursedOn: calendar.Of(2026, 1, 15), FirstDueOn: calendar.None,
	})
	if err != nil {
		t.Fatal(err)
	}
	a, err := cost.Of(p, 0, 0)
	if err != nil || !near(a.Periodic, 0.009080, 5e-7) || !near(a.Simple, 0.1090, 5e-5) || !near(a.Effective, 0.1146, 5e-5) {
		t.Errorf("%+v, %v", a, err)
	}
}

func TestAnEqualInstalmentPlanCostsItsContractRate(t *testing.T) {
	p, err := schedule.Make(schedule.Terms{
		Principal: 10_000_000_000, RatePPM: 240_000, Method: schedule.EqualInstalment, DayCount: calendar.Thirty360, Instalments: 24, Every: 1,
		DisbursedOn: calendar.Of(2026, 1, 15), FirstDueOn: calendar.None,
	})
	if err != nil {
		t.Fatal(err)
	}
	a, err := cost.Of(p, 0, 0)
	if err != nil || !near(a.Simple, 0.24, 1e-9) || !near(a.Effective, 0.268242, 1e-6) {
		t.Errorf("%+v, %v", a, err)
	}
}

// compliance.md R13: a daily rate of 24 %/360 on actual days breaks a cap of 24 %.
func TestActual360AtTheCapBreaksIt(t *testing.T) {
	p, err := schedule.Make(schedule.Terms{
		Principal: 1_000_000_000, RatePPM: 240_000, Method: schedule.AtMaturity, DayCount: calendar.Actual360, Instalments: 12, Every: 1,
		DisbursedOn: calendar.Of(2026, 1, 15), FirstDueOn: calendar.None,
	})
	if err != nil {
		t.Fatal(err)
	}
	a, err := cost.Of(p, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	var breach *cost.Breach
	short := p.Terms
	short.Instalments = 1
	p, err = schedule.Make(short)
	if err != nil {
		t.Fatal(err)
	}
	month, err := cost.Of(p, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := month.Test(240_000, false, "R3"); !errors.As(err, &breach) {
		t.Errorf("31 days at 24 %%/360 pass: %+v, %+v", month, a)
	}
}

func TestASenselessFlowHasNoRate(t *testing.T) {
	senseless := map[string][]cost.Flow{
		"none": {}, "one": {{0, 5}}, "all paid": {{0, -5}, {1, -5}}, "zero": {{0, 0}, {1, 0}}, "nan": {{0, math.NaN()}, {1, -4}},
		"no order": {{1, 5}, {0, -5}},
	}
	for name, flows := range senseless {
		if r, err := cost.Rate(flows); !errors.Is(err, cost.ErrNoRate) {
			t.Errorf("%s: %v, %v", name, r, err)
		}
	}
	many := []cost.Flow{{0, 1000}, {1, -2300}, {2, 1320}} // 10 % and 20 %
	if r, err := cost.Rate(many); !errors.Is(err, cost.ErrManyRates) {
		t.Errorf("two rates: %v, %v", r, err)
	}
}

func TestEverySaneFlowHasItsRate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := rapid.Float64Range(-0.5, 2).Draw(t, "rate")
		n := rapid.IntRange(1, 60).Draw(t, "n")
		flows := []cost.Flow{{0, 0}}
		for k := 1; k <= n; k++ {
			f := cost.Flow{At: float64(k), Amount: -rapid.Float64Range(1, 1000).Draw(t, "pay")}
			flows = append(flows, f)
			flows[0].Amount -= f.Amount / math.Pow(1+r, f.At)
		}
		got, err := cost.Rate(flows)
		if err != nil || !near(got, r, 1e-9*math.Max(1, r)) {
			t.Fatalf("rate %v came back as %v, %v", r, got, err)
		}
	})
}

func TestAShownRateIsRoundedUp(t *testing.T) {
	for rate, want := range map[float64]int64{0.18: 1800, 0.180001: 1801, 0.2399999999999: 2400, 0.24000000000001: 2400, 0: 0} {
		if got := cost.Shown(rate); got != want {
			t.Errorf("%v is shown as %d", rate, got)
		}
	}
}

func TestNobodyButLenderEnhancerAndInsurerIsPaid(t *testing.T) {
	if _, err := cost.Disclose(100, cost.Annual{}, []cost.Item{{Kind: "fee", Payee: "platform"}}, nil); err == nil {
		t.Error("a platform's fee was accepted")
	}
	d, err := cost.Disclose(100, cost.Annual{Simple: 0.1}, []cost.Item{{Kind: "interest", Payee: cost.PayeeLender, Total: 7}}, nil)
	if err != nil || d.TotalCost != 7 {
		t.Errorf("%+v, %v", d, err)
	}
}

func BenchmarkTwelveRowsWithCost(b *testing.B) {
	terms := schedule.Terms{
		Principal: 1_200_000, RatePPM: 180_000, Method: schedule.EqualInstalment, DayCount: calendar.Thirty360, Instalments: 12, Every: 1,
		DisbursedOn: calendar.Of(2026, 1, 15), FirstDueOn: calendar.None,
	}
	b.ReportAllocs()
	for b.Loop() {
		p, err := schedule.Make(terms)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := cost.Of(p, 0, 0); err != nil {
			b.Fatal(err)
		}
	}
}
