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

// On answers the limits of a day: the law's, or the lender's own where it is lower or the law gives none. A number that is
// missing in both is an error: nothing passes by oversight.
func (p *Policy) On(day calendar.Date) (Limits, error) {
	var l Limits
	for _, number := range []struct {
		into *int64
		law  legal.Parameter
		own  string
	}{
		{&l.FromHour, legal.ContactFrom, ""},
		{&l.UntilHour, legal.ContactUntil, ""},
		{&l.Calls, legal.CallsPerDay, ""},
		{&l.TriesOnNumber, legal.TriesPerNumber, "tries_on_number"},
		{&l.Messages, legal.MessagesPerDay, "messages_a_day"},
		{&l.QuietFrom, "", "quiet_from"},
		{&l.QuietUntil, "", "quiet_until"},
	} {
		own, chosen := p.own(number.own, day)
		law, err := legal.Value(number.law, p.lender, day)
		switch {
		case err == nil && (!chosen || law < own):
			*number.into = law
		case chosen:
			*number.into = own
		default:
			return Limits{}, fmt.Errorf("limits of contact: the policy has no %s: %w", number.own, err)
		}
	}
	return l, nil
}

func (p *Policy) own(name string, day calendar.Date) (value int64, chosen bool) {
	best := policyRow{}
	for _, r := range p.rows {
		if r.Name == name && r.From <= day && (!chosen || r.From > best.From) {
			best, chosen = r, true
		}
	}
	return best.Value, chosen
}
