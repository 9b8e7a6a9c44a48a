package policy_test

import (
	"testing"

	"github.com/hengdai/hengdai/service/risk/policy"
)

func TestTheShippedPolicyLoads(t *testing.T) {
	p, err := policy.LoadShipped()
	if err != nil {
		t.Fatal(err)
	}
	if p.Name() != policy.Shipped {
		t.Errorf("the file of %s holds %s", policy.Shipped, p.Name())
	}
}
