package allocate

import (
	"fmt"

	"github.com/hengdai/hengdai/domain/money"
)

// Component is a kind of debt inside a row.
type Component uint8

// Components.
const (
	Cost Component = iota
	Fee
	Penalty
	Compound
	Interest
	Principal
	Components = 6
)

var names = [Components]string{Cost: "cost", Fee: "fee", Penalty: "penalty", Compound: "compound", Interest: "interest", Principal: "principal"}

// String is the component's name.
func (c Component) String() string {
	if int(c) < len(names) {
		return names[c]
	}
	return fmt.Sprintf("component(%d)", uint8(c))
}

// MarshalText writes the name.
func (c Component) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText reads the name.
func (c *Component) UnmarshalText(text []byte) error {
	for i, n := range names {
		if n == string(text) {
			*c = Component(i)
			return nil
		}
	}
	return fmt.Errorf("allocate: unknown component %q", text)
}

// Amounts holds one sum per component.
type Amounts [Components]money.Amount

// Total adds them up.
func (a Amounts) Total() money.Amount {
	var sum money.Amount
	for _, v := range a {
		sum += v
	}
	return sum
}

// Plus adds two lists.
func (a Amounts) Plus(b Amounts) Amounts {
	for i := range a {
		a[i] += b[i]
	}
	return a
}

// Minus takes one from another.
func (a Amounts) Minus(b Amounts) Amounts {
	for i := range a {
		a[i] -= b[i]
	}
	return a
}

// By says whether rows or components come first.
type By string

// ByInstalment pays the oldest row whole first, ByComponent the first component of all rows.
const (
	ByInstalment By = "instalment"
	ByComponent  By = "component"
)

// Order is a list of components; By groups it.
type Order struct {
	By    By          `json:"by"`
	Order []Component `json:"order"`
}

// Rule is a contract's order with an order for bad loans.
type Rule struct {
	Order
	BadLoan *BadLoan `json:"bad_loan,omitempty"`
}

// BadLoan replaces the order after some days past due.
type BadLoan struct {
	AfterDPD int   `json:"after_dpd"`
	Order    Order `json:"order"`
}

// Standard is the order by instalment: cost, fee, penalty, compound, interest, principal.
func Standard() Rule {
	return Rule{Order: Order{By: ByInstalment, Order: []Component{Cost, Fee, Penalty, Compound, Interest, Principal}}}
}

// Check refuses an order that does not name every component once.
func (r Rule) Check() error {
	if err := r.Order.check(); err != nil {
		return err
	}
	if r.BadLoan != nil {
		return r.BadLoan.Order.check()
	}
	return nil
}

func (o Order) check() error {
	if o.By != ByInstalment && o.By != ByComponent {
		return fmt.Errorf("allocate: by %q is neither instalment nor component", o.By)
	}
	var seen [Components]bool
	for _, c := range o.Order {
		if int(c) >= Components || seen[c] {
			return fmt.Errorf("allocate: %v is unknown or named twice", c)
		}
		seen[c] = true
	}
	if len(o.Order) != Components {
		return fmt.Errorf("allocate: the order names %d of %d components", len(o.Order), Components)
	}
	return nil
}

// For is the order that holds at so many days past due.
func (r Rule) For(dpd int) Order {
	if r.BadLoan != nil && dpd > r.BadLoan.AfterDPD {
		return r.BadLoan.Order
	}
	return r.Order
}

// Apply pays the rows, oldest first, with an amount and answers what it paid of each (into paid, same length) and what
// is left. Rows hold what is owed; negative sums owe nothing.
func (o Order) Apply(rows []Amounts, amount money.Amount, paid []Amounts) (left money.Amount) {
	left = amount
	if o.By == ByComponent {
		for _, c := range o.Order {
			for i := range rows {
				left = take(rows[i][c], left, &paid[i][c])
			}
		}
		return left
	}
	for i := range rows {
		for _, c := range o.Order {
			left = take(rows[i][c], left, &paid[i][c])
		}
	}
	return left
}

func take(owed, left money.Amount, paid *money.Amount) money.Amount {
	part := max(0, min(owed, left))
	*paid += part
	return left - part
}
