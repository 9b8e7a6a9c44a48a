package allocate_test

import (
	"encoding/json"
	"testing"

	"pgregory.net/rapid"

	"github.com/hengdai/hengdai/domain/allocate"
	"github.com/hengdai/hengdai/domain/money"
)

func TestByInstalmentPaysTheOldestRowWholeFirst(t *testing.T) {
	rows := []allocate.Amounts{{allocate.Penalty: 5, allocate.Interest: 10, allocate.Principal: 100}, {allocate.Interest: 9, allocate.Principal: 101}}
	paid := make([]allocate.Amounts, 2)
	left := allocate.Standard().Order.Apply(rows, 120, paid)
	want := []allocate.Amounts{{allocate.Penalty: 5, allocate.Interest: 10, allocate.Principal: 100}, {allocate.Interest: 5}}
	if left != 0 || paid[0] != want[0] || paid[1] != want[1] {
		t.Errorf("%v, left %d", paid, left)
	}
}

func TestByComponentPaysOneKindOfAllRowsFirst(t *testing.T) {
	order := allocate.Order{By: allocate.ByComponent, Order: []allocate.Component{
		allocate.Principal, allocate.Interest, allocate.Penalty, allocate.Compound, allocate.Fee, allocate.Cost}}
	rows := []allocate.Amounts{{allocate.Interest: 10, allocate.Principal: 100}, {allocate.Interest: 9, allocate.Principal: 101}}
	paid := make([]allocate.Amounts, 2)
	left := order.Apply(rows, 205, paid)
	if left != 0 || paid[0][allocate.Principal] != 100 || paid[1][allocate.Principal] != 101 || paid[0][allocate.Interest] != 4 || paid[1][allocate.Interest] != 0 {
		t.Errorf("%v, left %d", paid, left)
	}
}

func TestWhatIsPaidAndWhatIsLeftIsWhatCameIn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 8).Draw(t, "rows")
		rows := make([]allocate.Amounts, n)
		var owed money.Amount
		for i := range rows {
			for c := range rows[i] {
				rows[i][c] = money.Amount(rapid.Int64Range(0, 1000).Draw(t, "owed"))
			}
			owed += rows[i].Total()
		}
		amount := money.Amount(rapid.Int64Range(0, 20_000).Draw(t, "amount"))
		order := allocate.Standard().Order
		order.By = rapid.SampledFrom([]allocate.By{allocate.ByInstalment, allocate.ByComponent}).Draw(t, "by")
		order.Order = rapid.Permutation(order.Order).Draw(t, "order")
		paid := make([]allocate.Amounts, n)
		left := order.Apply(rows, amount, paid)
		sum := left
		for i := range paid {
			for c := range paid[i] {
				if paid[i][c] < 0 || paid[i][c] > rows[i][c] {
					t.Fatalf("paid %d of %d", paid[i][c], rows[i][c])
				}
			}
			sum += paid[i].Total()
		}
		if sum != amount || left != max(0, amount-owed) {
			t.Fatalf("%d became %d, left %d of owed %d", amount, sum, left, owed)
		}
	})
}

func TestARuleSurvivesItsJSONAndAWrongOneIsRefused(t *testing.T) {
	rule := allocate.Standard()
	rule.BadLoan = &allocate.BadLoan{AfterDPD: 90, Order: rule.Order}
	text, err := json.Marshal(rule)
	if err != nil {
		t.Fatal(err)
	}
	var back allocate.Rule
	if err := json.Unmarshal(text, &back); err != nil || back.Check() != nil || back.BadLoan.AfterDPD != 90 || back.Order.Order[5] != allocate.Principal {
		t.Errorf("%s came back as %+v, %v", text, back, err)
	}
	for _, wrong := range []string{`{"by":"row","order":[]}`, `{"by":"component","order":["fee"]}`,
		`{"by":"component","order":["fee","fee","penalty","compound","interest","principal"]}`} {
		var r allocate.Rule
		if err := json.Unmarshal([]byte(wrong), &r); err == nil && r.Check() == nil {
			t.Errorf("%s was accepted", wrong)
		}
	}
}
