package flow

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/hengdai/hengdai/domain/rule"
	"github.com/hengdai/hengdai/domain/score"
)

// The outcomes of a decision.
const (
	Approve = "approve"
	Manual  = "manual"
	Reject  = "reject"
)

// Pass is the outcome of a step that found nothing.
const Pass = "pass"

// maxScoreReasons is how many characteristics are named to an applicant whose score decided against him.
const maxScoreReasons = 4

// Decision is what a policy decided and how.
type Decision struct {
	Policy  string `json:"policy"`
	Card    string `json:"card"`
	On      string `json:"on"`
	Outcome string `json:"outcome"`
	// Grade is empty when a rule rejected before the card.
	Grade      string `json:"grade"`
	LimitMinor int64  `json:"limit_minor"`
	RatePPM    int64  `json:"rate_ppm"`
	Score      int    `json:"score"`
	// ProbabilityPPB is the card's probability of default in 1/1,000,000,000, rounded.
	ProbabilityPPB int64         `json:"probability_ppb"`
	Reasons        []rule.Reason `json:"reasons"`
	Path           []Step        `json:"path"`
}

// Step is one step of the way with the values it read.
type Step struct {
	ID      string `json:"id"`
	Kind    string `json:"kind"`
	Outcome string `json:"outcome"`
	// Rules evaluated, for a step of rules.
	Rules []rule.Finding `json:"rules,omitempty"`
	// Parts of the score, for the card.
	Parts []Part `json:"parts,omitempty"`
	// Values found or made in the step.
	Values []rule.Read `json:"values,omitempty"`
	Micros int64       `json:"micros,omitempty"`
}

// Part is what one characteristic of the card gave.
type Part struct {
	Name    string `json:"name"`
	Value   string `json:"value"`
	Points  int    `json:"points"`
	Lost    int    `json:"lost"`
	Missing bool   `json:"missing,omitempty"`
}

// Hash identifies the decision with all but its elapsed times: a repeated decision has the same.
func (d Decision) Hash() (string, error) {
	d.Path = slices.Clone(d.Path)
	for i := range d.Path {
		d.Path[i].Micros = 0
		d.Path[i].Rules = slices.Clone(d.Path[i].Rules)
		for j := range d.Path[i].Rules {
			d.Path[i].Rules[j].Micros = 0
		}
	}
	encoded, err := json.Marshal(d)
	if err != nil {
		return "", fmt.Errorf("encoding a decision: %w", err)
	}
	sum := sha256.Sum256(encoded)
	return hex.EncodeToString(sum[:]), nil
}

// Decide applies the policy to a complete profile on a business date. Watch may be nil.
func (p *Policy) Decide(profile *Profile, on string, watch rule.Watch) Decision {
	run := &run{policy: p, profile: profile, on: on, watch: watch}
	run.decision = Decision{Policy: p.Name(), Card: p.card.Name(), On: on, Outcome: Approve}
	for _, spec := range p.doc.Steps {
		start := run.elapsed()
		step := run.step(spec)
		step.ID, step.Kind = spec.ID, spec.Kind
		step.Micros = (run.elapsed() - start).Microseconds()
		run.decision.Path = append(run.decision.Path, step)
		if run.rejected {
			break
		}
	}
	return run.finish()
}

// run is a decision in the making.
type run struct {
	policy   *Policy
	profile  *Profile
	on       string
	watch    rule.Watch
	decision Decision

	score    score.Result
	grade    Grade
	rejected bool // nothing more is looked at
	unknown  bool // a mandatory input is missing or a rule failed: a person decides, whatever the score
	manual   bool
	scored   bool // the score itself decided against the applicant or sent him to a person
}

func (r *run) elapsed() time.Duration {
	if r.watch == nil {
		return 0
	}
	return r.watch()
}

func (r *run) step(spec StepSpec) Step {
	switch spec.Kind {
	case StepInputs:
		return r.inputs()
	case StepRules:
		return r.rules(spec.Group)
	case StepCard:
		return r.card()
	case StepGrade:
		return r.gradeStep()
	default:
		return r.terms()
	}
}

func (r *run) because(reason rule.Reason) {
	if !slices.Contains(r.decision.Reasons, reason) {
		r.decision.Reasons = append(r.decision.Reasons, reason)
	}
}

func (r *run) inputs() Step {
	step := Step{Outcome: Pass}
	for _, name := range r.policy.doc.Mandatory {
		if !r.profile.given(name) {
			step.Values = append(step.Values, rule.Read{Name: name, Value: "missing"})
		}
	}
	if len(step.Values) > 0 {
		step.Outcome = Manual
		r.manual, r.unknown = true, true
		r.because(r.policy.doc.Sentences.Missing)
	}
	return step
}

func (r *run) rules(group string) Step {
	step := Step{Outcome: Pass}
	step.Rules = r.policy.rules.Evaluate(group, r.on, r.profile, r.watch)
	var held []rule.Finding
	for _, found := range step.Rules {
		switch {
		case found.Failed != "":
			r.manual, r.unknown = true, true
			step.Outcome = Manual
			r.because(r.policy.doc.Sentences.Failed)
		case found.Held:
			held = append(held, found)
		}
	}
	rule.BySeverity(held)
	rejects := func(found rule.Finding) bool { return found.Definition.Outcome == rule.Reject }
	if slices.ContainsFunc(held, rejects) {
		held = slices.DeleteFunc(held, func(found rule.Finding) bool { return !rejects(found) })
		r.reject()
		step.Outcome = Reject
	} else if len(held) > 0 {
		r.manual = true
		step.Outcome = Manual
	}
	for _, found := range held {
		r.because(found.Definition.Reason)
	}
	return step
}

// reject ends the way. What spoke for a person to look is no reason of a rejection.
func (r *run) reject() {
	r.rejected = true
	r.decision.Reasons = nil
}

func (r *run) card() Step {
	stated := values(r.profile, r.policy.readers)
	r.score = r.policy.card.Score(stated)
	r.decision.Score = r.score.Points
	r.decision.ProbabilityPPB = int64(math.Round(r.score.Probability * 1e9))
	step := Step{Outcome: Pass, Parts: make([]Part, len(r.score.Parts))}
	for i, part := range r.score.Parts {
		step.Parts[i] = Part{Name: part.Name, Value: stated[i].Code, Points: part.Points, Lost: part.Lost, Missing: part.Missing}
		if r.policy.readers[i].number && stated[i].Given {
			step.Parts[i].Value = strconv.FormatInt(stated[i].Number, 10)
		}
		if part.Missing && !r.unknown {
			// Given, but a value that the card does not know: no approval may rest on the neutral points it got.
			r.manual, r.unknown = true, true
			step.Outcome = Manual
			r.because(r.policy.doc.Sentences.Missing)
		}
	}
	step.Values = []rule.Read{
		{Name: "points", Value: strconv.Itoa(r.score.Points)},
		{Name: "probability_ppb", Value: strconv.FormatInt(r.decision.ProbabilityPPB, 10)},
	}
	return step
}

func (r *run) gradeStep() Step {
	for _, g := range r.policy.doc.Grades {
		r.grade = g
		if r.score.Points >= g.AtLeast {
			break
		}
	}
	r.decision.Grade = r.grade.Grade
	step := Step{Outcome: Pass, Values: []rule.Read{
		{Name: "grade", Value: r.grade.Grade},
		{Name: "at_least", Value: strconv.Itoa(r.grade.AtLeast)},
	}}
	switch {
	case r.grade.Outcome == Reject && !r.unknown:
		r.reject()
		r.scored = true
		step.Outcome = Reject
	case r.grade.Outcome != Approve:
		r.manual, r.scored = true, true
		step.Outcome = Manual
		r.because(r.policy.doc.Sentences.Band)
	}
	return step
}

// terms makes limit and price. The rate is the matrix's, the limit the grade's, bounded by income if that is known.
func (r *run) terms() Step {
	step := Step{Outcome: Pass}
	limit, spec := r.grade.LimitMinor, r.policy.doc.Limit
	if spec.IncomeMonths > 0 && r.profile.IncomeMinorGiven {
		limit = min(limit, r.profile.IncomeMinor*spec.IncomeMonths)
	}
	limit -= limit % spec.StepMinor
	r.decision.LimitMinor = limit
	if r.profile.AmountMinor+r.profile.OutstandingMinor > limit {
		r.manual = true
		step.Outcome = Manual
		r.because(r.policy.doc.Sentences.AboveLimit)
	}
	band := slices.IndexFunc(r.policy.doc.Prices.Bands, func(b PriceBand) bool { return r.profile.TermMonths <= b.UpToMonths })
	if band < 0 {
		r.manual = true
		step.Outcome = Manual
		r.because(r.policy.doc.Sentences.NoPrice)
	} else {
		r.decision.RatePPM = r.policy.doc.Prices.Bands[band].RatePPM[r.grade.Grade]
	}
	step.Values = []rule.Read{
		{Name: "limit_minor", Value: strconv.FormatInt(limit, 10)},
		{Name: "rate_ppm", Value: strconv.FormatInt(r.decision.RatePPM, 10)},
	}
	return step
}

// finish settles the outcome and what may be said about it.
func (r *run) finish() Decision {
	d := &r.decision
	switch {
	case r.rejected:
		d.Outcome, d.LimitMinor, d.RatePPM = Reject, 0, 0
	case r.manual:
		d.Outcome = Manual
	}
	if r.scored {
		for i, part := range r.score.Lost() {
			if i == maxScoreReasons {
				break
			}
			r.because(rule.Reason{Code: part.Reason.Code, ZH: part.Reason.ZH, EN: part.Reason.EN})
		}
	}
	public := func(reason rule.Reason) bool { return !reason.Internal }
	if len(d.Reasons) > 0 && !slices.ContainsFunc(d.Reasons, public) {
		d.Reasons = append(d.Reasons, r.policy.doc.Sentences.General)
	}
	return *d
}

func codes(reasons []rule.Reason) []string {
	out := make([]string, len(reasons))
	for i, reason := range reasons {
		out[i] = reason.Code
	}
	return out
}
