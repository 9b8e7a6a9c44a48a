package policy_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/hengdai/hengdai/domain/flow"
	"github.com/hengdai/hengdai/domain/score"
	"github.com/hengdai/hengdai/service/risk/policy"
)

// BenchmarkDecide measures a whole decision with sixty rules and the scorecard, and its hash.
func BenchmarkDecide(b *testing.B) {
	shipped := shipped(b)
	document := shipped.Document()
	for i := 0; len(document.Rules) < 60; i++ {
		more := document.Rules[i]
		more.ID = fmt.Sprintf("%s_%d", more.ID, i)
		document.Rules = append(document.Rules, more)
	}
	encoded, err := json.Marshal(document)
	if err != nil {
		b.Fatal(err)
	}
	source, err := policy.CardSource(document.Card)
	if err != nil {
		b.Fatal(err)
	}
	card, err := score.Load(source)
	if err != nil {
		b.Fatal(err)
	}
	sixty, err := flow.Load(encoded, card)
	if err != nil {
		b.Fatal(err)
	}
	all := population(b)
	b.Run("decide", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			sixty.Decide(&all[i%len(all)], "2026-11-22", nil)
		}
	})
	b.Run("hash", func(b *testing.B) {
		d := sixty.Decide(&all[0], "2026-11-22", nil)
		for b.Loop() {
			if _, err := d.Hash(); err != nil {
				b.Fatal(err)
			}
		}
	})
}
