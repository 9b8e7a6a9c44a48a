package guard

import (
	_ "embed"
	"fmt"

	"go.yaml.in/yaml/v3"

	"github.com/hengdai/hengdai/domain/calendar"
	"github.com/hengdai/hengdai/domain/legal"
)

//go:embed policy.yaml
var policyFile []byte

// Limits are the numbers in force on one day.
type Limits struct {
	// Contact is allowed from the first hour until before the second.
	FromHour, UntilHour int64
	// Calls that reached the debtor, a day.
	Calls int64
	// TriesOnNumber a day on one number.
	TriesOnNumber int64
	// Messages for collection, a day.
	Messages int64
	// QuietFrom and QuietUntil are the hours in which notices wait.
	QuietFrom, QuietUntil int64
}

// Policy is the lender's own numbers.
type Policy struct {
	rows   []policyRow
	lender legal.Lender
}

type policyRow struct {
	Name   string        `yaml:"name"`
	Value  int64         `yaml:"value"`
	From   calendar.Date `yaml:"from"`
	Source string        `yaml:"source"`
}

// Open reads the policy for a type of lender; legal.Any is the strictest reading.
func Open(lender legal.Lender) (*Policy, error) {
	p := &Policy{lender: lender}
	if err := yaml.Unmarshal(policyFile, &p.rows); err != nil {
		return nil, fmt.Errorf("reading the contact policy: %w", err)
	}
	_, err := p.On(calendar.Of(2026, 1, 1))
	return p, err
}

// On answers the limits of a day. A number that is missing is an error: nothing passes by oversight.
func (p *Policy) On(day calendar.Date) (Limits, error) {
	var l Limits
	for _, number := range []struct {
		into *int64
		law  legal.Parameter
		name string
	}{
		{&l.FromHour, legal.ContactFrom, ""},
		{&l.UntilHour, legal.ContactUntil, ""},
		{&l.Calls, legal.CallsPerDay, ""},
		{&l.TriesOnNumber, "", "tries_on_number"},
		{&l.Messages, "", "messages_a_day"},
		{&l.QuietFrom, "", "quiet_from"},
		{&l.QuietUntil, "", "quiet_until"},
	} {
		var err error
		if number.name == "" {
			*number.into, err = legal.Value(number.law, p.lender, day)
		} else {
			*number.into, err = p.own(number.name, day)
		}
		if err != nil {
			return Limits{}, fmt.Errorf("limits of contact: %w", err)
		}
	}
	return l, nil
}

func (p *Policy) own(name string, day calendar.Date) (int64, error) {
	best, found := policyRow{}, false
	for _, r := range p.rows {
		if r.Name == name && r.From <= day && (!found || r.From > best.From) {
			best, found = r, true
		}
	}
	if !found {
		return 0, fmt.Errorf("the policy has no %s on %s", name, day)
	}
	return best.Value, nil
}
