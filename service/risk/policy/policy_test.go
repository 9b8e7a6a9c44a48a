package policy_test

import (
	"testing"

	"github.com/hengdai/hengdai/domain/flow"
	"github.com/hengdai/hengdai/service/risk/policy"
)

// shipped reads the policy that a new installation starts with.
func shipped(t testing.TB) *flow.Policy {
	t.Helper()
	document, err := policy.Source(policy.Shipped)
	if err != nil {
		t.Fatal(err)
	}
	head, err := policy.HeadOf(document)
	if err != nil {
		t.Fatal(err)
	}
	card, err := policy.CardSource(head.Card)
	if err != nil {
		t.Fatal(err)
	}
	p, err := policy.Load(document, card)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestTheShippedPolicyLoads(t *testing.T) {
	p := shipped(t)
	if p.Name() != policy.Shipped {
		t.Errorf("the file of %s holds %s", policy.Shipped, p.Name())
	}
}
