package cost

import (
	"fmt"

	"github.com/hengdai/hengdai/domain/money"
)

// Payee is the role of who receives an item of cost.
type Payee string

// Roles that may receive money from a borrower (compliance.md R6: a platform may not).
const (
	PayeeLender   Payee = "lender"
	PayeeEnhancer Payee = "credit_enhancer"
	PayeeInsurer  Payee = "insurer"
)

// Item is one line of the table 明示综合融资成本.
type Item struct {
	// Kind: "interest", "fee", "guarantee", "insurance"; contingent: "penalty", "compound", "prepayment", "misuse".
	Kind   string
	ZH, EN string
	// Method says how it is charged.
	MethodZH, MethodEN string
	Payee              Payee
	PayeeName          string
	// StandardPPM is its yearly standard in 1/1,000,000.
	StandardPPM int64
	// Total over the whole term if everything is paid on time; zero for contingent items.
	Total money.Amount
}

// Disclosure is the table shown, read and confirmed before signing (compliance.md R9, R10).
type Disclosure struct {
	Principal money.Amount
	Items     []Item
	// Contingent items arise only on default and are not part of the total.
	Contingent []Item
	// SimpleShown and EffectiveShown are the total cost in hundredths of a percent, rounded up.
	SimpleShown, EffectiveShown int64
	TotalCost                   money.Amount
	// The closing sentence: nothing else will be charged.
	SentenceZH, SentenceEN string
}

// Sentences that end the table.
const (
	nothingElseZH = "除上述明示的各项成本外，贷款人及合作机构不再收取任何其他费用。"
	nothingElseEN = "Apart from the items listed above, neither the lender nor any partner will charge anything else."
)

// Disclose puts the table together. An item whose payee may not receive money from a borrower is refused.
func Disclose(principal money.Amount, a Annual, items, contingent []Item) (Disclosure, error) {
	d := Disclosure{
		Principal: principal, Items: items, Contingent: contingent, SimpleShown: Shown(a.Simple), EffectiveShown: Shown(a.Effective),
		SentenceZH: nothingElseZH, SentenceEN: nothingElseEN,
	}
	for _, list := range [][]Item{items, contingent} {
		for _, i := range list {
			if i.Payee != PayeeLender && i.Payee != PayeeEnhancer && i.Payee != PayeeInsurer {
				return Disclosure{}, fmt.Errorf("cost: %q may not receive %s", i.Payee, i.Kind)
			}
		}
	}
	for _, i := range items {
		d.TotalCost += i.Total
	}
	return d, nil
}
