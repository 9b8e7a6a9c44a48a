package score_test

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/hengdai/hengdai/domain/score"
	"pgregory.net/rapid"
)

const cardFile = "../../service/risk/policy/scorecard-a-1.json"

func load(t testing.TB) (*score.Card, []byte) {
	t.Helper()
	data, err := os.ReadFile(cardFile)
	if err != nil {
		t.Fatal(err)
	}
	card, err := score.Load(data)
	if err != nil {
		t.Fatal(err)
	}
	return card, data
}

// values turns stated fields into the card's order; what is not there is missing.
func values(t testing.TB, card *score.Card, stated map[string]json.RawMessage) []score.Value {
	t.Helper()
	var out []score.Value
	for _, input := range card.Inputs() {
		raw, given := stated[input.Name]
		v := score.Value{Given: given}
		var err error
		switch {
		case !given:
		case input.Number:
			err = json.Unmarshal(raw, &v.Number)
		default:
			err = json.Unmarshal(raw, &v.Code)
		}
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, v)
	}
	return out
}

func TestPointsAndProbabilitiesAreThoseOfTheTraining(t *testing.T) {
	data, err := os.ReadFile("../../testdata/credit/scorecard-golden.json")
	if err != nil {
		t.Fatal(err)
	}
	var golden struct {
		Card    string
		Vectors []struct {
			Inputs      map[string]json.RawMessage
			Points      int
			Probability float64
			Lost        []struct {
				Code string
				Lost int
			}
		}
	}
	if err := json.Unmarshal(data, &golden); err != nil {
		t.Fatal(err)
	}
	card, _ := load(t)
	if golden.Card != card.Name() || len(golden.Vectors) < 200 {
		t.Fatalf("vectors of %q, %d of them", golden.Card, len(golden.Vectors))
	}
	for i, v := range golden.Vectors {
		got := card.Score(values(t, card, v.Inputs))
		if got.Points != v.Points {
			t.Errorf("vector %d: %d points, want %d", i, got.Points, v.Points)
		}
		if math.Abs(got.Probability-v.Probability) > 1e-12 {
			t.Errorf("vector %d: probability %v, want %v", i, got.Probability, v.Probability)
		}
		lost := got.Lost()
		if len(lost) != len(v.Lost) {
			t.Fatalf("vector %d: %d characteristics cost points, want %d", i, len(lost), len(v.Lost))
		}
		for j, part := range lost {
			if part.Reason.Code != v.Lost[j].Code || part.Lost != v.Lost[j].Lost {
				t.Errorf("vector %d: reason %d is %s -%d, want %s -%d", i, j, part.Reason.Code, part.Lost, v.Lost[j].Code, v.Lost[j].Lost)
			}
		}
	}
}

func TestMorePointsMeanALowerProbability(t *testing.T) {
	card, data := load(t)
	var file struct {
		Characteristics []struct {
			Weight float64
			Bins   []struct {
				WOE    float64
				Points int
			}
		}
	}
	if err := json.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	for i, c := range file.Characteristics {
		for _, a := range c.Bins {
			for _, b := range c.Bins {
				if a.WOE > b.WOE && a.Points < b.Points {
					t.Errorf("characteristic %d: the safer bin has fewer points", i)
				}
			}
		}
	}
	inputs := card.Inputs()
	rapid.Check(t, func(t *rapid.T) {
		stated := make([]score.Value, len(inputs))
		for i, input := range inputs {
			stated[i].Given = rapid.Bool().Draw(t, "given")
			if input.Number {
				stated[i].Number = rapid.Int64().Draw(t, "number")
			} else {
				stated[i].Code = rapid.SampledFrom(append(input.Codes, "unheard_of")).Draw(t, "code")
			}
		}
		before := card.Score(stated)
		at := rapid.IntRange(0, len(inputs)-1).Draw(t, "at")
		other := append([]score.Value(nil), stated...)
		if inputs[at].Number {
			other[at] = score.Value{Number: rapid.Int64().Draw(t, "other"), Given: true}
		} else {
			other[at] = score.Value{Code: rapid.SampledFrom(inputs[at].Codes).Draw(t, "other"), Given: true}
		}
		after := card.Score(other)
		if after.Points > before.Points && after.Probability >= before.Probability {
			t.Fatalf("points rose from %d to %d, probability from %v to %v", before.Points, after.Points, before.Probability, after.Probability)
		}
		sum := 0
		for _, part := range after.Parts {
			sum += part.Points
		}
		if sum != after.Points {
			t.Fatalf("parts add up to %d, not %d", sum, after.Points)
		}
	})
}

func TestPointsStandForTheirProbability(t *testing.T) {
	card, _ := load(t)
	for pd, want := range map[float64]int{1.0 / 21: 600, 1.0 / 41: 620, 1.0 / 11: 580} {
		if got := card.PointsAt(pd); got != want {
			t.Errorf("points at %v: %d, want %d", pd, got, want)
		}
	}
	least, most := card.Range()
	if least >= most {
		t.Errorf("range %d to %d", least, most)
	}
}

func TestADamagedCardIsRefused(t *testing.T) {
	_, good := load(t)
	for name, change := range map[string][2]string{
		"points":            {`"points": 98`, `"points": 99`},
		"weight":            {`"weight": 0.709908`, `"weight": -0.709908`},
		"huge weight":       {`"weight": 0.709908`, `"weight": 1e300`},
		"unknown field":     {`"format": 1`, `"format": 1, "also": 2`},
		"format":            {`"format": 1`, `"format": 2`},
		"base odds":         {`"base_odds": 20`, `"base_odds": 0`},
		"assumed rate":      {`"assumed_bad_rate": 0.06`, `"assumed_bad_rate": 1.5`},
		"sentence":          {`"en": "The state of your current account lowered the score"`, `"en": ""`},
		"kind":              {`"kind": "number"`, `"kind": "tree"`},
		"gap in a number":   {`"from": 7`, `"from": 8`},
		"code twice":        {`"overdrawn"`, `"none"`},
		"interval of codes": {`"codes": [`, `"from": 1, "codes": [`},
		"name twice":        {`"name": "savings"`, `"name": "purpose"`},
		"trailing":          {"\n}\n", "\n} {}"},
	} {
		bad := bytes.Replace(good, []byte(change[0]), []byte(change[1]), 1)
		if bytes.Equal(bad, good) {
			t.Errorf("%s: nothing to damage", name)
			continue
		}
		if _, err := score.Load(bad); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if _, err := score.Load([]byte(strings.Repeat(" ", score.MaxFile+1))); err == nil {
		t.Error("an oversize file was accepted")
	}
}

func FuzzLoad(f *testing.F) {
	_, good := load(f)
	f.Add(good)
	f.Add([]byte(`{"name":"x","format":1,"characteristics":[{"name":"a","kind":"number","bins":[{"from":1}]}]}`))
	f.Add([]byte(`{"characteristics":[{"kind":"number","bins":[{"woe":1e400}]}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		card, err := score.Load(data)
		if err != nil {
			return
		}
		got := card.Score(nil)
		if math.IsNaN(got.Probability) || got.Probability < 0 || got.Probability > 1 {
			t.Errorf("probability %v", got.Probability)
		}
		inputs := card.Inputs()
		stated := make([]score.Value, len(inputs))
		for i, input := range inputs {
			stated[i] = score.Value{Given: true, Number: 12}
			if len(input.Codes) > 0 {
				stated[i].Code = input.Codes[0]
			}
		}
		card.Score(stated)
	})
}

func BenchmarkScore(b *testing.B) {
	card, _ := load(b)
	stated := make([]score.Value, len(card.Inputs()))
	for i, input := range card.Inputs() {
		stated[i] = score.Value{Given: true, Number: 24}
		if len(input.Codes) > 0 {
			stated[i].Code = input.Codes[0]
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		card.Score(stated)
	}
}
