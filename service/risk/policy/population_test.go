package policy_test

import (
	"encoding/csv"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/hengdai/hengdai/domain/flow"
	"github.com/hengdai/hengdai/service/risk/policy"
)

var update = flag.Bool("update", false, "write the golden files anew")

const credit = "../../../testdata/credit/"

type mapping struct {
	Columns []struct {
		Column, Target, Field, Kind string
		Codes                       map[string]string
		Values                      []int64
	}
	Purposes []struct {
		Code    string
		Refused bool
	}
}

func readMapping(t testing.TB) mapping {
	t.Helper()
	data, err := os.ReadFile(credit + "mapping.json")
	if err != nil {
		t.Fatal(err)
	}
	var m mapping
	if err := json.Unmarshal(data, &m); err != nil {
		t.Fatal(err)
	}
	return m
}

// population turns every row of the data set into a profile by the published table. The label stays out.
func population(t testing.TB) []flow.Profile {
	t.Helper()
	m := readMapping(t)
	file, err := os.Open(credit + "south_german_credit.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	records, err := csv.NewReader(file).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	at := map[string]int{}
	for i, name := range records[0] {
		at[name] = i
	}
	var all []flow.Profile
	for _, record := range records[1:] {
		given := map[string]any{}
		for _, c := range m.Columns {
			raw := record[at[c.Column]]
			if c.Kind == "code" {
				given[c.Field] = c.Codes[raw]
				continue
			}
			n, err := strconv.ParseInt(raw, 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			if c.Kind == "units_to_minor" {
				n *= 100
			}
			given[c.Field] = n
		}
		encoded, err := json.Marshal(given)
		if err != nil {
			t.Fatal(err)
		}
		var p flow.Profile
		if err := json.Unmarshal(encoded, &p); err != nil {
			t.Fatal(err)
		}
		p.Product = "consumer"
		p.Complete()
		if err := p.Check(); err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	return all
}

func TestTheThousandAreDecidedAsBefore(t *testing.T) {
	shipped := shipped(t)
	var out strings.Builder
	outcomes := map[string]int{}
	for i, p := range population(t) {
		d := shipped.Decide(&p, "2026-11-22", nil)
		outcomes[d.Outcome]++
		codes := make([]string, len(d.Reasons))
		for j, reason := range d.Reasons {
			codes[j] = reason.Code
		}
		hash, err := d.Hash()
		if err != nil {
			t.Fatal(err)
		}
		_, _ = fmt.Fprintf(&out, "%d %s %s %d %d %d %s %s\n", i+1, d.Outcome, d.Grade, d.Score, d.LimitMinor, d.RatePPM, strings.Join(codes, ","), hash[:16])
	}
	t.Logf("of 1000: %v", outcomes)
	if n := outcomes[flow.Approve]; n < 600 || n > 750 {
		t.Errorf("%d of 1000 approved; the policy means 600 to 750", n)
	}
	if n := outcomes[flow.Manual]; n < 100 || n > 150 {
		t.Errorf("%d of 1000 sent to a person; the policy means 100 to 150", n)
	}
	golden(t, "testdata/decisions.golden", out.String())
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if got == string(want) {
		return
	}
	lines, wanted := strings.Split(got, "\n"), strings.Split(string(want), "\n")
	for i := range lines {
		if i >= len(wanted) || lines[i] != wanted[i] {
			t.Fatalf("%s, line %d: %q; run with -update if that is meant", name, i+1, lines[i])
		}
	}
	t.Fatalf("%s has more lines", name)
}

func TestTheFormTheProfileAndThePolicyHaveTheSameCodes(t *testing.T) {
	m := readMapping(t)
	for _, c := range m.Columns {
		if c.Target != "stated" {
			continue
		}
		var tried []any
		for _, code := range c.Codes {
			tried = append(tried, code)
		}
		for _, n := range c.Values {
			tried = append(tried, n)
		}
		for _, value := range append(tried, "unheard_of_code", 99) {
			p, known := profileWith(c.Field, value)
			if !known {
				continue
			}
			err := p.Check()
			if fresh := value == "unheard_of_code" || value == 99; (err != nil) != fresh {
				t.Errorf("%s = %v: %v", c.Field, value, err)
			}
		}
	}
	shipped := shipped(t)
	for _, purpose := range m.Purposes {
		d := shipped.Decide(&flow.Profile{Purpose: purpose.Code}, "2026-11-22", nil)
		if (d.Outcome == flow.Reject) != purpose.Refused {
			t.Errorf("purpose %s: %s, the table says refused %v", purpose.Code, d.Outcome, purpose.Refused)
		}
	}
}

// profileWith sets one field; a value of another kind than the field's is not known.
func profileWith(field string, value any) (flow.Profile, bool) {
	encoded, err := json.Marshal(map[string]any{field: value})
	if err != nil {
		return flow.Profile{}, false
	}
	var p flow.Profile
	if err := json.Unmarshal(encoded, &p); err != nil {
		return flow.Profile{}, false
	}
	return p, true
}

func TestNothingProtectedIsReadAnywhere(t *testing.T) {
	protected := []string{"sex", "gender", "marital", "married", "foreign", "nationality", "birth", "native", "ethnic", "religio"}
	shipped := shipped(t)
	var names []string
	kind := reflect.TypeFor[flow.Profile]()
	for i := range kind.NumField() {
		names = append(names, kind.Field(i).Tag.Get("json"), kind.Field(i).Tag.Get("expr"))
	}
	for _, r := range shipped.Document().Rules {
		names = append(names, r.ID, r.Reason.Code)
		names = append(names, shipped.Reads(r.ID)...)
	}
	card, err := policy.CardSource(shipped.Document().Card)
	if err != nil {
		t.Fatal(err)
	}
	var written struct{ Characteristics []struct{ Name string } }
	if err := json.Unmarshal(card, &written); err != nil {
		t.Fatal(err)
	}
	for _, c := range written.Characteristics {
		names = append(names, c.Name)
		if strings.HasPrefix(c.Name, "age") {
			t.Errorf("the card reads %s", c.Name)
		}
	}
	for _, name := range names {
		for _, word := range protected {
			if strings.Contains(name, word) {
				t.Errorf("%s reads like %s", name, word)
			}
		}
	}
	for _, r := range shipped.Document().Rules {
		for _, name := range shipped.Reads(r.ID) {
			if strings.HasPrefix(name, "age") && r.Group != string(flow.Admission) {
				t.Errorf("rule %s reads %s outside admission", r.ID, name)
			}
		}
	}
}

func TestADocumentOfTwoOrOfAliasesIsRefused(t *testing.T) {
	bomb := "a: &a [1,1,1,1,1,1,1,1,1,1]\n"
	for i := range 12 {
		bomb += fmt.Sprintf("%c: &%c [%s]\n", 'b'+i, 'b'+i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*%c,", 'a'+i), 10), ","))
	}
	for name, text := range map[string]string{
		"two documents": "a: 1\n---\nb: 2\n",
		"aliases":       bomb,
		"a list":        "- 1\n",
		"not YAML":      "{a: [",
		"oversize":      strings.Repeat("#", flow.MaxDocument+1),
	} {
		if _, err := policy.JSON([]byte(text)); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func FuzzLoad(f *testing.F) {
	document, err := policy.Source(policy.Shipped)
	if err != nil {
		f.Fatal(err)
	}
	card, err := policy.CardSource("scorecard-a-1")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(document)
	f.Add([]byte("line: consumer\nversion: 1\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		loaded, err := policy.Load(data, card)
		if err != nil {
			return
		}
		loaded.Decide(&flow.Profile{}, "2026-11-22", nil)
	})
}
