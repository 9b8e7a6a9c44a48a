package flow

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"

	"github.com/hengdai/hengdai/domain/rule"
	"github.com/hengdai/hengdai/domain/score"
)

// Limits of a policy document.
const (
	MaxDocument   = 1 << 20
	policyFormat  = 1
	maxSteps      = 50
	maxGrades     = 20
	maxPriceBands = 50
	maxCases      = 500
)

// Document is a policy as it is written.
type Document struct {
	// Line and Version name the policy: "consumer" and 1 make "consumer-1".
	Line     string `json:"line"`
	Version  int    `json:"version"`
	Format   int    `json:"format"`
	About    string `json:"about"`
	Currency string `json:"currency"`
	// Card names the scorecard the policy uses.
	Card string `json:"card"`
	// Mandatory inputs must be known for an approval.
	Mandatory []string    `json:"mandatory"`
	Steps     []StepSpec  `json:"steps"`
	Rules     []rule.Rule `json:"rules"`
	Grades    []Grade     `json:"grades"`
	Limit     LimitSpec   `json:"limit"`
	Prices    PriceMatrix `json:"prices"`
	Sentences Sentences   `json:"sentences"`
	Cases     []Case      `json:"cases"`
}

// StepSpec is one step of the flow.
type StepSpec struct {
	ID string `json:"id"`
	// Kind is inputs, rules, card, grade or terms.
	Kind string `json:"kind"`
	// Group of the rules, for a step of kind rules; it is also their use.
	Group string `json:"group,omitempty"`
}

// The kinds of steps, in the order a flow must have them; rules may stand anywhere before the card.
const (
	StepInputs = "inputs"
	StepRules  = "rules"
	StepCard   = "card"
	StepGrade  = "grade"
	StepTerms  = "terms"
)

// Grade is a band of the score, the best first.
type Grade struct {
	Grade string `json:"grade"`
	// Outcome is approve, manual or reject.
	Outcome string `json:"outcome"`
	// AtLeast points.
	AtLeast int `json:"at_least"`
	// PDPPM is the probability of default that AtLeast stands for, in 1/1,000,000, under the card's assumed base rate. Loading compares the
	// two; the last grade has none.
	PDPPM int64 `json:"pd_ppm,omitempty"`
	// LimitMinor is the highest total limit of the grade; for a manual case, what a reviewer may grant at most.
	LimitMinor int64 `json:"limit_minor"`
}

// LimitSpec says how a limit is made of a grade's highest.
type LimitSpec struct {
	// StepMinor: limits are rounded down to a multiple of it.
	StepMinor int64 `json:"step_minor"`
	// IncomeMonths bounds the limit by so many stated monthly incomes, if an income is given; 0 means no bound.
	IncomeMonths int64 `json:"income_months"`
}

// PriceMatrix is the annual rate by term and grade.
type PriceMatrix struct {
	// CapPPM is the highest rate the policy may hold.
	CapPPM int64       `json:"cap_ppm"`
	Bands  []PriceBand `json:"bands"`
}

// PriceBand holds the rates of terms up to a number of months.
type PriceBand struct {
	UpToMonths int64            `json:"up_to_months"`
	RatePPM    map[string]int64 `json:"rate_ppm"`
}

// Sentences are the reasons that come from the flow itself rather than from a rule or the card.
type Sentences struct {
	// General is what a borrower is told when every other reason is internal.
	General rule.Reason `json:"general"`
	// Missing: a mandatory input is not known.
	Missing rule.Reason `json:"missing"`
	// Failed: a rule could not be evaluated.
	Failed rule.Reason `json:"failed"`
	// Band: the score lies in the band that people decide.
	Band rule.Reason `json:"band"`
	// AboveLimit: what is asked for exceeds the limit of the grade.
	AboveLimit rule.Reason `json:"above_limit"`
	// NoPrice: no price is stated for the term.
	NoPrice rule.Reason `json:"no_price"`
}

// Case is a test of the whole policy.
type Case struct {
	Name    string          `json:"name"`
	On      string          `json:"on"`
	Given   json.RawMessage `json:"given"`
	Outcome string          `json:"outcome"`
	Grade   string          `json:"grade,omitempty"`
	// Reasons, if stated, are the codes expected, in order.
	Reasons []string `json:"reasons,omitempty"`
}

// Policy is a checked document with its card, ready to decide. It does not change and may be used by many at once.
type Policy struct {
	doc     Document
	card    *score.Card
	rules   *rule.Set[Profile]
	readers []reader
}

// Load reads a policy document in JSON and checks it together with its card.
func Load(document []byte, card *score.Card) (*Policy, error) {
	if len(document) > MaxDocument {
		return nil, fmt.Errorf("policy: larger than %d bytes", MaxDocument)
	}
	p := &Policy{card: card}
	if err := strict(document, &p.doc); err != nil {
		return nil, fmt.Errorf("policy: %w", err)
	}
	if err := p.check(); err != nil {
		return nil, fmt.Errorf("policy %s: %w", p.Name(), err)
	}
	return p, nil
}

// Name is the line and the version, for example "consumer-1".
func (p *Policy) Name() string { return fmt.Sprintf("%s-%d", p.doc.Line, p.doc.Version) }

// Document is what was loaded; it must not be changed.
func (p *Policy) Document() Document { return p.doc }

// Card is the policy's scorecard.
func (p *Policy) Card() *score.Card { return p.card }

// Reads lists the inputs that a rule reads.
func (p *Policy) Reads(ruleID string) []string { return p.rules.Reads(ruleID) }

var linePattern = regexp.MustCompile(`^[a-z][a-z0-9]{1,30}$`)

func (p *Policy) check() error {
	d := &p.doc
	switch {
	case !linePattern.MatchString(d.Line) || d.Version < 1 || d.Version > 1_000_000:
		return errors.New("line and version do not name a policy")
	case d.Format != policyFormat:
		return fmt.Errorf("format %d is not %d", d.Format, policyFormat)
	case d.Currency != "CNY":
		return fmt.Errorf("currency %q is not CNY", d.Currency)
	case p.card == nil || p.card.Name() != d.Card:
		return fmt.Errorf("card %q is not the one at hand", d.Card)
	}
	for _, check := range []func() error{p.checkInputs, p.checkSteps, p.checkRules, p.checkGrades, p.checkPrices, p.checkSentences, p.checkCases} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

// checkInputs binds the card and sees that what it reads is mandatory: an approval never rests on a neutral guess.
func (p *Policy) checkInputs() error {
	var err error
	if p.readers, err = readers(p.card); err != nil {
		return err
	}
	for _, name := range p.doc.Mandatory {
		if _, known := fields[name]; !known {
			return fmt.Errorf("mandatory input %q does not exist", name)
		}
	}
	for _, r := range p.readers {
		if !slices.Contains(p.doc.Mandatory, r.name) {
			return fmt.Errorf("input %q of the card is not mandatory", r.name)
		}
	}
	return nil
}

func (p *Policy) checkSteps() error {
	steps := p.doc.Steps
	if len(steps) > maxSteps {
		return fmt.Errorf("more than %d steps", maxSteps)
	}
	var kinds []string
	ids, groups := map[string]bool{}, map[string]bool{}
	for _, s := range steps {
		if s.ID == "" || ids[s.ID] {
			return fmt.Errorf("step %q has no id of its own", s.ID)
		}
		ids[s.ID] = true
		if s.Kind != StepRules {
			kinds = append(kinds, s.Kind)
			continue
		}
		if len(kinds) > 1 {
			return fmt.Errorf("step %s: rules stand before the card", s.ID)
		}
		if groups[s.Group] || !slices.Contains([]Use{Admission, Fraud, Affordability}, Use(s.Group)) {
			return fmt.Errorf("step %s: group %q is unknown or used twice", s.ID, s.Group)
		}
		groups[s.Group] = true
	}
	if !slices.Equal(kinds, []string{StepInputs, StepCard, StepGrade, StepTerms}) {
		return fmt.Errorf("steps besides rules must be inputs, card, grade, terms; they are %v", kinds)
	}
	for _, r := range p.doc.Rules {
		if !groups[r.Group] {
			return fmt.Errorf("rule %s: no step evaluates group %q", r.ID, r.Group)
		}
	}
	return nil
}

func (p *Policy) checkRules() error {
	set, err := rule.Compile(p.doc.Rules, (*Profile).Complete)
	if err != nil {
		return err
	}
	for _, r := range p.doc.Rules {
		for _, name := range set.Reads(r.ID) {
			if !allowed(name, Use(r.Group)) {
				return fmt.Errorf("rule %s reads %s, which may not be used for %s", r.ID, name, r.Group)
			}
		}
	}
	p.rules = set
	return nil
}

func strict(data []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows the document")
	}
	return nil
}
