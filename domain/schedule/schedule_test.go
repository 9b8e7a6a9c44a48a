package schedule_test

import (
	"errors"
	"flag"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/hengdai/hengdai/domain/calendar"
	"github.com/hengdai/hengdai/domain/money"
	"github.com/hengdai/hengdai/domain/schedule"
)

var update = flag.Bool("update", false, "write the golden files")

func date(t testing.TB, text string) calendar.Date {
	t.Helper()
	d, err := calendar.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func base(t testing.TB) schedule.Terms {
	return schedule.Terms{
		Principal: 1_200_000, RatePPM: 180_000, Method: schedule.EqualInstalment, DayCount: calendar.Thirty360, Instalments: 12,
		Every: 1, DisbursedOn: date(t, "2026-01-31"), FirstDueOn: calendar.None,
	}
}

func text(p *schedule.Plan) string {
	var out strings.Builder
	for _, r := range p.Rows {
		fmt.Fprintf(&out, "%3d %s %s %3d  principal %11s  interest %10s  fee %7s  due %11s  balance %11s\n", r.Number, r.StartOn, r.DueOn, r.Days(),
			money.CNY.Format(r.Principal), money.CNY.Format(r.Interest), money.CNY.Format(r.Fee), money.CNY.Format(r.Due()), money.CNY.Format(r.Balance))
	}
	return out.String()
}

func TestPlansAreAsTheirGoldenFilesSay(t *testing.T) {
	cases := map[string]func(*schedule.Terms){
		"level first period":      func(s *schedule.Terms) { s.FirstDueOn = date(t, "2026-03-15") },
		"extra first period":      func(s *schedule.Terms) { s.FirstDueOn, s.FirstPeriod = date(t, "2026-03-15"), schedule.Extra },
		"actual 365":              func(s *schedule.Terms) { s.DayCount = calendar.Actual365 },
		"actual actual":           func(s *schedule.Terms) { s.DayCount, s.DisbursedOn = calendar.ActualActual, date(t, "2027-10-31") },
		"grace without principal": func(s *schedule.Terms) { s.GracePrincipal = 3 },
		"deferred interest":       func(s *schedule.Terms) { s.GraceInterest, s.GraceRows = schedule.Deferred, 2 },
		"free interest":           func(s *schedule.Terms) { s.GraceInterest, s.GraceRows = schedule.Free, 2 },
		"multiple of ten yuan":    func(s *schedule.Terms) { s.MultipleOf = 1000 },
		"weeks":                   func(s *schedule.Terms) { s.Unit, s.Every, s.DayCount = calendar.Week, 2, calendar.ByPeriod },
		"month end rolls":         func(s *schedule.Terms) { s.MonthEnd = calendar.Roll },
		"with a fee":              func(s *schedule.Terms) { s.FeeEach = 500 },
	}
	for _, m := range schedule.Methods {
		var out strings.Builder
		for _, name := range append([]string{"plain"}, keys(cases)...) {
			terms := base(t)
			terms.Method = m.Name
			if change := cases[name]; change != nil {
				change(&terms)
			}
			p, err := schedule.Make(terms)
			if err != nil {
				fmt.Fprintf(&out, "%s: %v\n", name, err)
				continue
			}
			fmt.Fprintf(&out, "%s\n%s", name, text(p))
		}
		compare(t, m.Name+".golden", out.String())
	}
}

func keys[V any](m map[string]V) []string {
	var names []string
	for k := range m {
		names = append(names, k)
	}
	for i := range names {
		for j := i + 1; j < len(names); j++ {
			if names[j] < names[i] {
				names[i], names[j] = names[j], names[i]
			}
		}
	}
	return names
}

func compare(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs:\n%s", name, got)
	}
}

// The book case of compliance.md R13: 12,000 lent, 12 x 1,060 back means interest of 60 on 1,000 a month, flat.
func TestTheFlatLoanOfTheRuleBook(t *testing.T) {
	terms := base(t)
	terms.Method, terms.RatePPM, terms.DayCount = schedule.Flat, 60_000, calendar.ByPeriod
	p, err := schedule.Make(terms)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range p.Rows {
		if r.Due() != 106_000 {
			t.Fatalf("row %d asks for %d", r.Number, r.Due())
		}
	}
}

// A = P r (1+r)^n / ((1+r)^n - 1) with P 12,000, r 1.5 %, n 12 is 1,100.16.
func TestTheEqualInstalmentOfTheTextbook(t *testing.T) {
	terms := base(t)
	p, err := schedule.Make(terms)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range p.Rows[:11] {
		if r.Due() != 110_016 {
			t.Fatalf("row %d asks for %d", r.Number, r.Due())
		}
	}
}

func anyTerms(t *rapid.T) schedule.Terms {
	terms := schedule.Terms{
		Principal: money.Amount(rapid.Int64Range(1, 1e10).Draw(t, "principal")), RatePPM: rapid.Int64Range(0, 400_000).Draw(t, "rate"),
		Method:      rapid.SampledFrom(schedule.Methods).Draw(t, "method").Name,
		DayCount:    rapid.SampledFrom(calendar.DayCounts).Draw(t, "day count"),
		Instalments: rapid.IntRange(1, 72).Draw(t, "instalments"), Every: rapid.IntRange(1, 3).Draw(t, "every"),
		Unit:        rapid.SampledFrom([]calendar.Unit{calendar.Month, calendar.Week, calendar.Day}).Draw(t, "unit"),
		MonthEnd:    rapid.SampledFrom([]calendar.MonthEnd{calendar.Clamp, calendar.Roll}).Draw(t, "month end"),
		Rounding:    rapid.SampledFrom([]money.Rounding{money.HalfUp, money.HalfEven}).Draw(t, "rounding"),
		DisbursedOn: calendar.Date(rapid.Int32Range(18000, 40000).Draw(t, "on")), FirstDueOn: calendar.None,
	}
	if rapid.Bool().Draw(t, "odd") {
		terms.FirstDueOn = terms.DisbursedOn + calendar.Date(rapid.IntRange(1, 70).Draw(t, "first"))
		terms.FirstPeriod = rapid.SampledFrom([]schedule.FirstPeriod{schedule.Level, schedule.Extra}).Draw(t, "first period")
	}
	if rapid.IntRange(0, 3).Draw(t, "grace") == 0 && terms.Instalments > 1 {
		terms.GracePrincipal = rapid.IntRange(0, terms.Instalments-1).Draw(t, "grace principal")
		terms.GraceInterest = rapid.SampledFrom([]schedule.Grace{schedule.Deferred, schedule.Free}).Draw(t, "kind")
		terms.GraceRows = rapid.IntRange(1, terms.Instalments-1).Draw(t, "grace rows")
	}
	return terms
}

func TestEveryMethodKeepsItsPromises(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		terms := anyTerms(t)
		p, err := schedule.Make(terms)
		if err != nil {
			var refusal *schedule.Refusal
			if !errors.As(err, &refusal) {
				t.Fatal(err)
			}
			return
		}
		principal, interest, _ := p.Totals()
		if principal != terms.Principal {
			t.Fatalf("principal adds up to %d of %d", principal, terms.Principal)
		}
		before, from := terms.Principal, terms.DisbursedOn
		var earned money.Amount
		for k, r := range p.Rows {
			if r.Principal < 0 || r.Interest < 0 || r.Balance > before || r.StartOn != from || r.DueOn <= from {
				t.Fatalf("row %+v after balance %d", r, before)
			}
			if terms.GraceInterest == schedule.NoGrace && !p.Straight() {
				want, err := money.MulDiv(before, p.Earning(k, r.StartOn, r.DueOn), p.Divisor(), terms.Rounding)
				if err != nil || want != r.Interest {
					t.Fatalf("row %d: interest %d, by days %d, %v", r.Number, r.Interest, want, err)
				}
			}
			before, from = r.Balance, r.DueOn
			earned += r.Earned
		}
		if before != 0 || (terms.GraceInterest != schedule.Free && earned != interest) {
			t.Fatalf("rest %d, earned %d, due %d", before, earned, interest)
		}
	})
}

func TestAnInstalmentIsTheNearestToTheExactOne(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		terms := anyTerms(t)
		terms.Method, terms.GraceInterest, terms.GraceRows, terms.GracePrincipal = schedule.EqualInstalment, "", 0, 0
		terms.FirstPeriod = schedule.Level
		p, err := schedule.Make(terms)
		if err != nil || len(p.Rows) < 2 || p.Rows[0].Balance == 0 {
			return
		}
		ratio := schedule.ExactInstalment(p)
		half := new(ratT).SetFrac64(1, 2)
		gap := new(ratT).Sub(ratio, new(ratT).SetInt64(int64(p.Rows[0].Due())))
		if gap.Abs(gap).Cmp(half) > 0 {
			t.Fatalf("instalment %d, exact %s", p.Rows[0].Due(), ratio.FloatString(6))
		}
	})
}

func TestTermsThatGiveNoPlanAreRefusedWithTheTermsName(t *testing.T) {
	cases := map[string]func(*schedule.Terms){
		"principal":              func(s *schedule.Terms) { s.Principal = 0 },
		"rate":                   func(s *schedule.Terms) { s.RatePPM = -1 },
		"instalments":            func(s *schedule.Terms) { s.Instalments = 0 },
		"first_due_on":           func(s *schedule.Terms) { s.FirstDueOn = s.DisbursedOn },
		"method":                 func(s *schedule.Terms) { s.Method = "balloon" },
		"grace_principal":        func(s *schedule.Terms) { s.GracePrincipal = 12 },
		"every":                  func(s *schedule.Terms) { s.Every = 0 },
		"due_day":                func(s *schedule.Terms) { s.DueDay = 32 },
		"grace_interest":         func(s *schedule.Terms) { s.GraceInterest = "later" },
		"disbursed_on":           func(s *schedule.Terms) { s.DisbursedOn = calendar.None },
		"instalment_multiple_of": func(s *schedule.Terms) { s.MultipleOf = -5 },
	}
	for term, spoil := range cases {
		terms := base(t)
		spoil(&terms)
		var refusal *schedule.Refusal
		_, err := schedule.Make(terms)
		if !errors.As(err, &refusal) || refusal.Term != term {
			t.Errorf("%s: %v", term, err)
		}
	}
}

func BenchmarkTwelveRows(b *testing.B) {
	terms := base(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := schedule.Make(terms); err != nil {
			b.Fatal(err)
		}
	}
}

type ratT = big.Rat
