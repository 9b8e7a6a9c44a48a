package flow_test

import (
	"encoding/json"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/hengdai/hengdai/domain/flow"
	"github.com/hengdai/hengdai/domain/rule"
	"github.com/hengdai/hengdai/domain/score"
	"pgregory.net/rapid"
)

func card(t testing.TB) *score.Card {
	t.Helper()
	data, err := os.ReadFile("../../service/risk/policy/scorecard-a-1.json")
	if err != nil {
		t.Fatal(err)
	}
	loaded, err := score.Load(data)
	if err != nil {
		t.Fatal(err)
	}
	return loaded
}

func sentence(code string, internal bool) rule.Reason {
	return rule.Reason{Code: code, ZH: "说明", EN: "words", Internal: internal}
}

// minimal is a small sound policy; tests spoil it.
func minimal() flow.Document {
	return flow.Document{
		Line: "consumer", Version: 7, Format: 1, Currency: "CNY", Card: "scorecard-a-1",
		Mandatory: []string{"amount_minor", "age_years", "status_account", "term_months", "credit_history", "purpose", "savings",
			"employment_duration", "other_installment_plans", "housing"},
		Steps: []flow.StepSpec{{ID: "inputs", Kind: "inputs"}, {ID: "admission", Kind: "rules", Group: "admission"},
			{ID: "fraud", Kind: "rules", Group: "fraud"}, {ID: "score", Kind: "card"}, {ID: "grade", Kind: "grade"}, {ID: "terms", Kind: "terms"}},
		Rules: []rule.Rule{
			{ID: "admission.age", Group: "admission", When: "age_years_given and age_years < 18", Outcome: rule.Reject, Severity: 90, Owner: "risk",
				Reason: sentence("admission.age", false), Tests: yesNo(`{"age_years":17}`, `{"age_years":18}`)},
			{ID: "admission.old", Group: "admission", When: "age_years_given and age_years > 60", Outcome: rule.Manual, Severity: 20, Owner: "risk",
				Reason: sentence("admission.old", true), Tests: yesNo(`{"age_years":61}`, `{"age_years":60}`)},
			{ID: "fraud.rooted", Group: "fraud", When: "rooted", Outcome: rule.Manual, Severity: 50, Owner: "fraud",
				Reason: sentence("fraud.rooted", true), Tests: yesNo(`{"rooted":true}`, `{}`)},
			{ID: "fraud.emulator", Group: "fraud", When: "emulator", Outcome: rule.Reject, Severity: 60, Owner: "fraud",
				Reason: sentence("fraud.emulator", true), Tests: yesNo(`{"emulator":true}`, `{}`)},
		},
		Grades: []flow.Grade{{Grade: "A", Outcome: flow.Approve, AtLeast: 600, PDPPM: 47619, LimitMinor: 1000000},
			{Grade: "B", Outcome: flow.Manual, AtLeast: 580, PDPPM: 90909, LimitMinor: 500000}, {Grade: "C", Outcome: flow.Reject, LimitMinor: 100000}},
		Limit: flow.LimitSpec{StepMinor: 10000, IncomeMonths: 6},
		Prices: flow.PriceMatrix{CapPPM: 240000, Bands: []flow.PriceBand{
			{UpToMonths: 12, RatePPM: map[string]int64{"A": 100000, "B": 150000, "C": 200000}},
			{UpToMonths: 36, RatePPM: map[string]int64{"A": 120000, "B": 170000, "C": 220000}}}},
		Sentences: flow.Sentences{General: sentence("decision.general", false), Missing: sentence("inputs.missing", false),
			Failed: sentence("system.rule_failed", true), Band: sentence("score.band", false), AboveLimit: sentence("terms.above_limit", false),
			NoPrice: sentence("terms.no_price", false)},
		Cases: []flow.Case{{Name: "nothing known", On: "2026-11-22", Given: []byte(`{}`), Outcome: flow.Manual}},
	}
}

func yesNo(yes, no string) []rule.Test {
	return []rule.Test{{Name: "yes", Given: []byte(yes), Holds: true}, {Name: "no", Given: []byte(no)}}
}

func load(t testing.TB, d flow.Document) *flow.Policy {
	t.Helper()
	encoded, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	p, err := flow.Load(encoded, card(t))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func saver() flow.Profile {
	p := flow.Profile{AmountMinor: 300000, TermMonths: 12, Purpose: "furniture", AgeYears: 35, StatusAccount: "over_200", CreditHistory: "repaid_here",
		Savings: "over_1000", EmploymentDuration: "over_7y", OtherInstallmentPlans: "none", Housing: "rent"}
	p.Complete()
	return p
}

func decide(t *testing.T, change func(*flow.Profile)) flow.Decision {
	t.Helper()
	p := saver()
	change(&p)
	p.Complete()
	return load(t, minimal()).Decide(&p, "2026-11-22", nil)
}

func reasons(d flow.Decision) string {
	var codes []string
	for _, r := range d.Reasons {
		codes = append(codes, r.Code)
	}
	return strings.Join(codes, " ")
}

func TestTheWayOfADecision(t *testing.T) {
	for name, c := range map[string]struct {
		change  func(*flow.Profile)
		outcome string
		reasons string
		limit   int64
		rate    int64
	}{
		"approved":                         {func(*flow.Profile) {}, flow.Approve, "", 1000000, 100000},
		"a longer term costs more":         {func(p *flow.Profile) { p.TermMonths = 13 }, flow.Approve, "", 1000000, 120000},
		"income bounds the limit":          {func(p *flow.Profile) { p.IncomeMinor = 99999 }, flow.Approve, "", 590000, 100000},
		"a rule rejects":                   {func(p *flow.Profile) { p.AgeYears = 17 }, flow.Reject, "admission.age", 0, 0},
		"internal reasons get a sentence":  {func(p *flow.Profile) { p.AgeYears = 61 }, flow.Manual, "admission.old decision.general", 1000000, 100000},
		"two steps send him to a person":   {func(p *flow.Profile) { p.AgeYears, p.Rooted = 61, true }, flow.Manual, "admission.old fraud.rooted decision.general", 1000000, 100000},
		"a rejection has only its reasons": {func(p *flow.Profile) { p.AgeYears, p.Rooted, p.Emulator = 61, true, true }, flow.Reject, "fraud.emulator decision.general", 0, 0},
		"missing goes to a person":         {func(p *flow.Profile) { p.Savings = "" }, flow.Manual, "inputs.missing", 1000000, 100000},
		"too much goes to a person":        {func(p *flow.Profile) { p.AmountMinor = 1000001 }, flow.Manual, "terms.above_limit", 1000000, 100000},
		"what is owed counts":              {func(p *flow.Profile) { p.OutstandingMinor = 700001 }, flow.Manual, "terms.above_limit", 1000000, 100000},
		"no price goes to a person":        {func(p *flow.Profile) { p.TermMonths = 37 }, flow.Manual, "terms.no_price", 1000000, 0},
		"a missing and poor one is no loss": {func(p *flow.Profile) {
			p.Savings, p.StatusAccount, p.TermMonths, p.CreditHistory = "", "none", 36, "delayed"
		}, flow.Manual, "", 100000, 220000},
	} {
		d := decide(t, c.change)
		if d.Outcome != c.outcome || d.LimitMinor != c.limit || d.RatePPM != c.rate || c.reasons != "" && reasons(d) != c.reasons {
			t.Errorf("%s: %s limit %d rate %d because %s", name, d.Outcome, d.LimitMinor, d.RatePPM, reasons(d))
		}
	}
}

func TestAPoorScoreNamesWhatCostMost(t *testing.T) {
	d := decide(t, func(p *flow.Profile) { p.StatusAccount, p.CreditHistory, p.TermMonths = "none", "delayed", 36 })
	if d.Outcome != flow.Reject || d.Grade != "C" || len(d.Reasons) != 4 || !strings.HasPrefix(d.Reasons[0].Code, "score.") {
		t.Errorf("%s %s: %s", d.Outcome, d.Grade, reasons(d))
	}
	if last := d.Path[len(d.Path)-1]; last.Kind != flow.StepGrade {
		t.Errorf("a rejected one went on to %s", last.ID)
	}
}

// drawn is a profile by chance, with every field somewhere in its range.
func drawn(t *rapid.T) flow.Profile {
	var p flow.Profile
	pick := func(name string, values ...string) string { return rapid.SampledFrom(append(values, "")).Draw(t, name) }
	p.AmountMinor = rapid.Int64Range(0, 2000000).Draw(t, "amount")
	p.OutstandingMinor = rapid.Int64Range(0, 1000000).Draw(t, "outstanding")
	p.TermMonths = rapid.Int64Range(0, 72).Draw(t, "term")
	p.AgeYears = rapid.Int64Range(0, 80).Draw(t, "age")
	p.IncomeMinor = rapid.Int64Range(0, 2000000).Draw(t, "income")
	p.Purpose = pick("purpose", "furniture", "car_new", "business")
	p.StatusAccount = pick("status", "none", "overdrawn", "under_200", "over_200")
	p.CreditHistory = pick("history", "delayed", "critical", "none_or_repaid", "repaid_here")
	p.Savings = pick("savings", "none_or_unknown", "over_1000")
	p.EmploymentDuration = pick("employment", "unemployed", "over_7y")
	p.OtherInstallmentPlans = pick("plans", "bank", "none")
	p.Housing = pick("housing", "free", "own")
	p.Emulator, p.Rooted = rapid.Bool().Draw(t, "emulator"), rapid.Bool().Draw(t, "rooted")
	p.Complete()
	return p
}

func TestWhatEveryDecisionPromises(t *testing.T) {
	document := minimal()
	policy := load(t, document)
	rapid.Check(t, func(t *rapid.T) {
		p := drawn(t)
		if err := p.Check(); err != nil {
			t.Fatal(err)
		}
		d := policy.Decide(&p, "2026-11-22", nil)
		switch d.Outcome {
		case flow.Approve:
			if len(d.Reasons) != 0 || p.AmountMinor+p.OutstandingMinor > d.LimitMinor || d.RatePPM <= 0 || d.RatePPM > document.Prices.CapPPM {
				t.Fatalf("approved %d with limit %d at %d", p.AmountMinor, d.LimitMinor, d.RatePPM)
			}
			if p.Savings == "" || p.AgeYears == 0 || p.StatusAccount == "" || p.Emulator || p.Rooted || p.AgeYears < 18 {
				t.Fatal("approved what may not be approved")
			}
		case flow.Reject:
			if d.LimitMinor != 0 || d.RatePPM != 0 {
				t.Fatal("a rejection with a limit or a price")
			}
		case flow.Manual:
		default:
			t.Fatalf("outcome %q", d.Outcome)
		}
		if d.Outcome != flow.Approve {
			public := 0
			for _, r := range d.Reasons {
				if !r.Internal {
					public++
				}
			}
			if public == 0 {
				t.Fatal("nothing to tell the borrower")
			}
		}
		ticks := time.Duration(0)
		again := policy.Decide(&p, "2026-11-22", func() time.Duration { ticks += 3 * time.Millisecond; return ticks })
		first, err := d.Hash()
		if err != nil {
			t.Fatal(err)
		}
		second, err := again.Hash()
		if err != nil {
			t.Fatal(err)
		}
		if first != second {
			t.Fatal("the same decision has another hash when it takes longer")
		}
	})
}

func TestAProfileThatWasStoredDecidesTheSame(t *testing.T) {
	policy := load(t, minimal())
	rapid.Check(t, func(t *rapid.T) {
		p := drawn(t)
		encoded, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		var back flow.Profile
		if err := json.Unmarshal(encoded, &back); err != nil {
			t.Fatal(err)
		}
		if back != p {
			t.Fatal("a stored profile reads back differently")
		}
		if !reflect.DeepEqual(policy.Decide(&p, "2026-11-22", nil), policy.Decide(&back, "2026-11-22", nil)) {
			t.Fatal("a stored profile decides differently")
		}
	})
}

func TestEveryFieldOfTheProfileHasBothNamesAlike(t *testing.T) {
	kind := reflect.TypeFor[flow.Profile]()
	for i := range kind.NumField() {
		f := kind.Field(i)
		if f.Tag.Get("json") == "" || f.Tag.Get("json") != f.Tag.Get("expr") {
			t.Errorf("%s: json %q, expr %q", f.Name, f.Tag.Get("json"), f.Tag.Get("expr"))
		}
	}
}

func TestAPolicyThatCouldNotDecideIsRefused(t *testing.T) {
	for name, spoil := range map[string]func(*flow.Document){
		"name":               func(d *flow.Document) { d.Line = "Consumer Loans" },
		"format":             func(d *flow.Document) { d.Format = 2 },
		"currency":           func(d *flow.Document) { d.Currency = "EUR" },
		"card":               func(d *flow.Document) { d.Card = "other" },
		"no card step":       func(d *flow.Document) { d.Steps = append(d.Steps[:3:3], d.Steps[4:]...) },
		"terms before grade": func(d *flow.Document) { d.Steps[4], d.Steps[5] = d.Steps[5], d.Steps[4] },
		"rules after card":   func(d *flow.Document) { d.Steps[2], d.Steps[3] = d.Steps[3], d.Steps[2] },
		"step twice":         func(d *flow.Document) { d.Steps[1].ID = "fraud" },
		"group twice":        func(d *flow.Document) { d.Steps[1].Group = "fraud" },
		"age for fraud":      func(d *flow.Document) { d.Rules[2].When = "rooted or age_years_given and age_years > 99" },
		"device for admission": func(d *flow.Document) {
			d.Rules[0].When = "age_years_given and age_years < 18 and not device_given"
		},
		"no cases":          func(d *flow.Document) { d.Cases = nil },
		"wrong case":        func(d *flow.Document) { d.Cases[0].Outcome = flow.Approve },
		"unknown case":      func(d *flow.Document) { d.Cases[0].Given = []byte(`{"sex":"f"}`) },
		"impossible case":   func(d *flow.Document) { d.Cases[0].Given = []byte(`{"savings":"plenty"}`) },
		"one grade":         func(d *flow.Document) { d.Grades = d.Grades[2:] },
		"same grade twice":  func(d *flow.Document) { d.Grades[1].Grade = "A" },
		"grades rise":       func(d *flow.Document) { d.Grades[1].AtLeast = 600 },
		"approve last":      func(d *flow.Document) { d.Grades[2].Outcome = flow.Approve },
		"no such outcome":   func(d *flow.Document) { d.Grades[0].Outcome = "maybe" },
		"limit rises":       func(d *flow.Document) { d.Grades[1].LimitMinor = 2000000 },
		"cut-off":           func(d *flow.Document) { d.Grades[0].PDPPM = 60000 },
		"cheaper when poor": func(d *flow.Document) { d.Prices.Bands[0].RatePPM["C"] = 1 },
		"bands fall":        func(d *flow.Document) { d.Prices.Bands[1].UpToMonths = 12 },
		"no bands":          func(d *flow.Document) { d.Prices.Bands = nil },
		"cap":               func(d *flow.Document) { d.Prices.CapPPM = 150000 },
		"limit step":        func(d *flow.Document) { d.Limit.StepMinor = 0 },
		"internal general":  func(d *flow.Document) { d.Sentences.General.Internal = true },
		"no sentence":       func(d *flow.Document) { d.Sentences.Missing.ZH = "" },
	} {
		d := minimal()
		spoil(&d)
		encoded, err := json.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := flow.Load(encoded, card(t)); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func FuzzLoad(f *testing.F) {
	encoded, err := json.Marshal(minimal())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(encoded)
	f.Add([]byte(`{}`))
	loaded := card(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := flow.Load(data, loaded)
		if err != nil {
			return
		}
		profile := saver()
		p.Decide(&profile, "2026-11-22", nil)
	})
}
