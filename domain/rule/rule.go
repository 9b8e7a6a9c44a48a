package rule

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
)

// Outcome is what follows when a rule holds.
type Outcome string

// The outcomes a rule may have. A rule never approves.
const (
	Reject Outcome = "reject"
	Manual Outcome = "manual"
)

// Limits of a set. They bound the memory and the time that a hostile or careless file can take.
const (
	MaxRules         = 1000
	MaxCondition     = 2000
	maxConditionNode = 200
	maxTests         = 50
)

// Rule is one rule as it is written in a policy file.
type Rule struct {
	// ID is unique in its set, for example "admission.age".
	ID string `json:"id"`
	// Group names the step of the flow that evaluates the rule; it also bounds what the rule may read.
	Group string `json:"group"`
	// When is the condition.
	When string `json:"when"`
	// Outcome follows when the condition holds.
	Outcome Outcome `json:"outcome"`
	// Reason is told when the condition holds.
	Reason Reason `json:"reason"`
	// Severity orders reasons, 100 first.
	Severity int `json:"severity"`
	// Effective is the span of business dates in which the rule is in force.
	Effective Span `json:"effective"`
	// Owner answers for the rule.
	Owner string `json:"owner"`
	// Tests run whenever the rule is loaded.
	Tests []Test `json:"tests"`
}

// Reason is a code for programs and a sentence for a person in two languages.
type Reason struct {
	Code string `json:"code"`
	ZH   string `json:"zh"`
	EN   string `json:"en"`
	// Internal reasons never reach the borrower.
	Internal bool `json:"internal,omitempty"`
}

// Span is from the first to the last business date, both included; an empty end is open.
type Span struct {
	From string `json:"from,omitempty"`
	To   string `json:"to,omitempty"`
}

// Test states whether the rule holds for the values given; values not given are missing.
type Test struct {
	Name  string          `json:"name"`
	Given json.RawMessage `json:"given"`
	Holds bool            `json:"holds"`
}

// Covers tells whether a business date lies in the span. Dates are YYYY-MM-DD, so they compare as text.
func (s Span) Covers(on string) bool {
	return (s.From == "" || s.From <= on) && (s.To == "" || on <= s.To)
}

var (
	datePattern = regexp.MustCompile(`^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$`)
	idPattern   = regexp.MustCompile(`^[a-z][a-z0-9_]*(\.[a-z0-9_]+){0,3}$`)
)

func (s Span) check() error {
	for _, date := range []string{s.From, s.To} {
		if date != "" && !datePattern.MatchString(date) {
			return fmt.Errorf("effective date %q is not YYYY-MM-DD", date)
		}
	}
	if s.From != "" && s.To != "" && s.To < s.From {
		return fmt.Errorf("effective to %s is before from %s", s.To, s.From)
	}
	return nil
}

// Check says what is wrong with a reason.
func (r Reason) Check() error {
	switch {
	case !idPattern.MatchString(r.Code) || len(r.Code) > 64:
		return fmt.Errorf("reason code %q is not of the form area.name", r.Code)
	case r.ZH == "" || r.EN == "":
		return fmt.Errorf("reason %s lacks a sentence in Chinese or English", r.Code)
	case len(r.ZH) > 400 || len(r.EN) > 400:
		return fmt.Errorf("reason %s has a sentence over 400 bytes", r.Code)
	}
	return nil
}

func (r Rule) check() error {
	if !idPattern.MatchString(r.ID) || len(r.ID) > 64 {
		return fmt.Errorf("id %q is not of the form area.name", r.ID)
	}
	if r.Group == "" {
		return errors.New("group is empty")
	}
	if r.Outcome != Reject && r.Outcome != Manual {
		return fmt.Errorf("outcome %q is neither reject nor manual", r.Outcome)
	}
	if r.Severity < 1 || r.Severity > 100 {
		return fmt.Errorf("severity %d is not 1 to 100", r.Severity)
	}
	if r.Owner == "" {
		return errors.New("owner is empty")
	}
	if len(r.When) > MaxCondition {
		return fmt.Errorf("condition is longer than %d bytes", MaxCondition)
	}
	if len(r.Tests) == 0 || len(r.Tests) > maxTests {
		return fmt.Errorf("a rule has 1 to %d tests, this one %d", maxTests, len(r.Tests))
	}
	if err := r.Effective.check(); err != nil {
		return err
	}
	return r.Reason.Check()
}

// strict decodes one JSON value, refusing unknown fields and anything after it.
func strict(data []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows the value")
	}
	return nil
}
