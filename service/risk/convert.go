package risk

import (
	"encoding/json"
	"fmt"

	riskv1 "github.com/hengdai/hengdai/api/risk/v1"
	"github.com/hengdai/hengdai/domain/flow"
	"github.com/hengdai/hengdai/domain/rule"
	"github.com/hengdai/hengdai/service/risk/rows"
)

// toProfile is what the caller states of an application; counts and lists are added by who reads them.
func toProfile(req *riskv1.DecideRequest) flow.Profile {
	s, d := req.GetStated(), req.GetDevice()
	return flow.Profile{
		Product: req.GetProduct(), AmountMinor: req.GetAmountMinor(), TermMonths: int64(req.GetTermMonths()), Purpose: req.GetPurpose(),
		OutstandingMinor: req.GetOutstandingMinor(), AgeYears: int64(req.GetAgeYears()), Region: req.GetRegion(),
		StatusAccount: s.GetStatusAccount(), CreditHistory: s.GetCreditHistory(), Savings: s.GetSavings(),
		EmploymentDuration: s.GetEmploymentDuration(), InstallmentRate: int64(s.GetInstallmentRate()), OtherDebtors: s.GetOtherDebtors(),
		PresentResidence: int64(s.GetPresentResidence()), Property: s.GetProperty(), OtherInstallmentPlans: s.GetOtherInstallmentPlans(),
		Housing: s.GetHousing(), NumberCredits: int64(s.GetNumberCredits()), Job: s.GetJob(), PeopleLiable: int64(s.GetPeopleLiable()),
		Telephone: s.GetTelephone(), IncomeMinor: s.GetIncomeMinor(),
		Emulator: d.GetEmulator(), Rooted: d.GetRooted(), Proxy: d.GetProxy(),
		DeviceGiven: req.GetDeviceToken() != "", IPGiven: req.GetIpToken() != "", CardGiven: req.GetCardToken() != "",
		MobileGiven: req.GetMobileToken() != "", AddressGiven: req.GetAddressToken() != "",
	}
}

// ofRequest names the request's field for an input of the profile.
func ofRequest(input string) string {
	switch input {
	case "amount_minor", "term_months", "purpose", "product", "age_years", "outstanding_minor", "region":
		return input
	default:
		return "stated." + input
	}
}

// toDecision is a stored decision as the API states it.
func toDecision(r rows.Decision) (*riskv1.Decision, error) {
	var reasons []rule.Reason
	if err := json.Unmarshal(r.Reasons, &reasons); err != nil {
		return nil, fmt.Errorf("reading the reasons of decision %d: %w", r.ID, err)
	}
	out := &riskv1.Decision{DecisionId: r.ID, Outcome: r.Outcome, Grade: r.Grade, LimitMinor: r.LimitMinor,
		RatePpm: int32(r.RatePpm), Score: int32(r.Score), Policy: r.Policy}
	for _, reason := range reasons {
		out.Reasons = append(out.Reasons, toReason(reason))
	}
	return out, nil
}

func toReason(r rule.Reason) *riskv1.Reason {
	return &riskv1.Reason{Code: r.Code, SentenceZh: r.ZH, SentenceEn: r.EN, Internal: r.Internal}
}

func toDecisionRow(r rows.Decision) (*riskv1.DecisionRow, error) {
	decision, err := toDecision(r)
	if err != nil {
		return nil, err
	}
	return &riskv1.DecisionRow{Decision: decision, ApplicationId: r.ApplicationID, UserId: r.UserID, Product: r.Product,
		AppliedOn: r.AppliedOn, DecidedMs: r.DecidedMs, Micros: r.Micros}, nil
}

func toPath(steps []flow.Step) []*riskv1.PathStep {
	out := make([]*riskv1.PathStep, len(steps))
	for i, step := range steps {
		out[i] = &riskv1.PathStep{Id: step.ID, Kind: step.Kind, Outcome: step.Outcome, Micros: step.Micros, Values: toValues(step.Values)}
		for _, f := range step.Rules {
			out[i].Rules = append(out[i].Rules, &riskv1.RuleFinding{Rule: f.Rule, Held: f.Held, Because: f.Because, Read: toValues(f.Read),
				Failed: f.Failed, Micros: f.Micros})
		}
		for _, part := range step.Parts {
			out[i].Parts = append(out[i].Parts, &riskv1.ScorePart{Name: part.Name, Value: part.Value, Points: int32(part.Points),
				Lost: int32(part.Lost), Missing: part.Missing})
		}
	}
	return out
}

func toValues(read []rule.Read) []*riskv1.InputValue {
	var out []*riskv1.InputValue
	for _, r := range read {
		out = append(out, &riskv1.InputValue{Name: r.Name, Value: r.Value})
	}
	return out
}

// outline is the path without any value read or scored: what may lie in clear.
func outline(steps []flow.Step) []flow.Step {
	out := make([]flow.Step, len(steps))
	for i, step := range steps {
		out[i] = flow.Step{ID: step.ID, Kind: step.Kind, Outcome: step.Outcome, Micros: step.Micros}
		for _, f := range step.Rules {
			f.Read = nil
			out[i].Rules = append(out[i].Rules, f)
		}
	}
	return out
}
