package rule_test

import (
	"strings"
	"testing"

	"github.com/hengdai/hengdai/domain/rule"
)

type person struct {
	Age         int64  `expr:"age" json:"age"`
	Housing     string `expr:"housing" json:"housing"`
	Income      int64  `expr:"income" json:"income"`
	IncomeGiven bool   `expr:"income_given" json:"-"`
	Emulator    bool   `expr:"emulator" json:"emulator"`
	Secret      string `json:"secret"`
}

func prepare(p *person) { p.IncomeGiven = p.Income != 0 }

func sound(when string) rule.Rule {
	return rule.Rule{
		ID: "admission.test", Group: "admission", When: when, Outcome: rule.Reject, Severity: 50, Owner: "risk",
		Reason: rule.Reason{Code: "admission.test", ZH: "不行", EN: "No"},
		Tests:  []rule.Test{{Name: "yes", Given: []byte(`{"age":17}`), Holds: true}, {Name: "no", Given: []byte(`{"age":30}`)}},
	}
}

func TestARuleSaysWhichAlternativeHeldAndWhatItRead(t *testing.T) {
	set, err := rule.Compile([]rule.Rule{sound(`age < 18 or age > 60 or income_given and income < 100`)}, prepare)
	if err != nil {
		t.Fatal(err)
	}
	found := set.Evaluate("admission", "2026-11-22", &person{Age: 70, Income: 50, IncomeGiven: true}, nil)
	if len(found) != 1 || !found[0].Held {
		t.Fatalf("found %+v", found)
	}
	if got := strings.Join(found[0].Because, " | "); got != "age > 60 | income_given and income < 100" {
		t.Errorf("because %q", got)
	}
	want := []rule.Read{{Name: "age", Value: "70"}, {Name: "income", Value: "50"}, {Name: "income_given", Value: "true"}}
	for i, read := range found[0].Read {
		if read != want[i] {
			t.Errorf("read %+v, want %+v", read, want[i])
		}
	}
}

func TestLoadingRefusesWithThePlace(t *testing.T) {
	for when, want := range map[string]string{
		``:                                "condition is empty",
		`   `:                             "condition is empty",
		`age < 18 and`:                    "unexpected token",
		`age < 18 and wealth > 3`:         "unknown name wealth (line 1, column 14)",
		"age < 18 or\n  colour == 'x'":    "unknown name colour (line 2, column 3)",
		`secret == "x"`:                   "unknown name secret",
		`age < "x"`:                       "invalid operation",
		`age + 1`:                         "expected bool",
		`age / 0 > 1`:                     "operator / may not be used",
		`age % 0 > 1`:                     "operator % may not be used",
		`age ** 9 > 1`:                    "operator ** may not be used",
		`age in 1..100000000`:             "operator .. may not be used",
		`housing matches "(a+)+"`:         "operator matches may not be used",
		`all(1..9, # > age)`:              "may not be used",
		`len(housing) > 3`:                "unknown name len",
		`age > 3 ? true : false`:          "Conditional may not be used",
		`let x = age; x < 18`:             "unknown name x",
		`$env.age < 18`:                   "unknown name $env",
		`income < 100 and age < 18`:       "income may be missing: ask income_given too (line 1, column 1)",
		strings.Repeat("age<18 or ", 300): "longer than",
		strings.Repeat("age<18 or ", 150) + "age<18": "maximum",
	} {
		_, err := rule.Compile([]rule.Rule{sound(when)}, prepare)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60q: error %v, want %q", when, err, want)
		} else if when != `` && !strings.Contains(err.Error(), "admission.test") {
			t.Errorf("%.60q: error does not name the rule: %v", when, err)
		}
	}
}

func TestLoadingRefusesAnIncompleteRule(t *testing.T) {
	for name, spoil := range map[string]func(*rule.Rule){
		"id":              func(r *rule.Rule) { r.ID = "Admission Age" },
		"group":           func(r *rule.Rule) { r.Group = "" },
		"approves":        func(r *rule.Rule) { r.Outcome = "approve" },
		"severity":        func(r *rule.Rule) { r.Severity = 0 },
		"owner":           func(r *rule.Rule) { r.Owner = "" },
		"no tests":        func(r *rule.Rule) { r.Tests = nil },
		"one-sided tests": func(r *rule.Rule) { r.Tests = r.Tests[:1] },
		"failing test":    func(r *rule.Rule) { r.Tests[0].Holds = false; r.Tests[1].Holds = true },
		"unknown input":   func(r *rule.Rule) { r.Tests[0].Given = []byte(`{"wealth":1}`) },
		"two values":      func(r *rule.Rule) { r.Tests[0].Given = []byte(`{"age":1}{"age":2}`) },
		"sentence":        func(r *rule.Rule) { r.Reason.ZH = "" },
		"date":            func(r *rule.Rule) { r.Effective.From = "2026-13-01" },
		"span":            func(r *rule.Rule) { r.Effective = rule.Span{From: "2026-02-01", To: "2026-01-01"} },
	} {
		r := sound(`age < 18`)
		spoil(&r)
		if _, err := rule.Compile([]rule.Rule{r}, prepare); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if _, err := rule.Compile([]rule.Rule{sound(`age < 18`), sound(`age < 18`)}, prepare); err == nil {
		t.Error("the same id twice: accepted")
	}
}

func TestARuleIsInForceOnlyBetweenItsDates(t *testing.T) {
	r := sound(`age < 18`)
	r.Effective = rule.Span{From: "2026-02-01", To: "2026-02-28"}
	set, err := rule.Compile([]rule.Rule{r}, prepare)
	if err != nil {
		t.Fatal(err)
	}
	for on, want := range map[string]int{"2026-01-31": 0, "2026-02-01": 1, "2026-02-28": 1, "2026-03-01": 0} {
		if got := len(set.Evaluate("admission", on, &person{}, nil)); got != want {
			t.Errorf("on %s: %d rules, want %d", on, got, want)
		}
	}
	if got := set.Evaluate("fraud", "2026-02-10", &person{}, nil); got != nil {
		t.Errorf("another group found %v", got)
	}
}

func FuzzLoad(f *testing.F) {
	f.Add([]byte(`[{"id":"a.b","group":"g","when":"age < 18","outcome":"reject","severity":1,"owner":"o",` +
		`"reason":{"code":"a.b","zh":"x","en":"x"},"tests":[{"given":{"age":1},"holds":true},{"given":{"age":20},"holds":false}]}]`))
	f.Add([]byte(`[]`))
	f.Add([]byte(`{`))
	f.Fuzz(func(t *testing.T, data []byte) {
		set, err := rule.Load(data, prepare)
		if err != nil {
			return
		}
		for _, r := range set.Rules() {
			for _, found := range set.Evaluate(r.Group, "2026-01-01", &person{Age: 20}, nil) {
				if found.Failed != "" {
					t.Errorf("a loaded rule failed: %s", found.Failed)
				}
			}
		}
	})
}

func FuzzCondition(f *testing.F) {
	for _, when := range []string{`age < 18`, `housing in ["own", "rent"]`, `not emulator`, `age * 2 > 3 and (emulator or age == -1)`} {
		f.Add(when)
	}
	f.Fuzz(func(t *testing.T, when string) {
		r := sound(when)
		set, err := rule.Compile([]rule.Rule{r}, prepare)
		if err != nil {
			return
		}
		if found := set.Evaluate("admission", "2026-01-01", &person{Age: 40}, nil); found[0].Failed != "" {
			t.Errorf("a loaded rule failed: %s", found[0].Failed)
		}
	})
}

func BenchmarkTenConditions(b *testing.B) {
	r := sound(`age < 18 or age > 60 and emulator or housing == "x" and age != 3 or income_given and income * 10 < age and age > 3 and age < 9`)
	set, err := rule.Compile([]rule.Rule{r}, prepare)
	if err != nil {
		b.Fatal(err)
	}
	p := &person{Age: 30, Housing: "own", Income: 100000, IncomeGiven: true}
	b.ReportAllocs()
	for b.Loop() {
		set.Evaluate("admission", "2026-01-01", p, nil)
	}
}
