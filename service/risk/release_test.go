package risk_test

import (
	"strings"
	"sync"
	"testing"

	riskv1 "github.com/hengdai/hengdai/api/risk/v1"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/service/risk/policy"
)

// second is the shipped policy as version 2 with the age of admission raised to 40.
func second(t *testing.T) string {
	t.Helper()
	shipped, err := policy.Source(policy.Shipped)
	if err != nil {
		t.Fatal(err)
	}
	return strings.NewReplacer("version: 1\n", "version: 2\n", "age_years < 18", "age_years < 40", "{age_years: 18}, holds: false", "{age_years: 18}, holds: true",
		"age_years: 35", "age_years: 45", "age_years: 30", "age_years: 45").Replace(string(shipped))
}

func TestAPolicyGoesLiveByTwoPeopleAndBackInOneAct(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		analyst, other := h.staff(1, "risk_analyst"), h.staff(2, "risk_analyst")
		before := h.decide(t, h.saver(h.user(1)))
		draft, err := analyst.SavePolicy(t.Context(), &riskv1.SavePolicyRequest{Document: second(t)})
		if err != nil {
			t.Fatal(err)
		}
		if draft.GetState() != "draft" || draft.GetName() != "consumer-2" {
			t.Fatalf("saved %v", draft)
		}
		approval := &riskv1.ApprovePolicyRequest{Name: draft.GetName(), Hash: draft.GetHash(), Reason: "tests read"}
		if _, err := other.ApprovePolicy(t.Context(), approval); errs.ReasonOf(err) != "policy.wrong_state" {
			t.Errorf("a draft was approved: %v", err)
		}
		if _, err := analyst.ProposePolicy(t.Context(), &riskv1.ProposePolicyRequest{Name: draft.GetName(), Reason: "older applicants"}); err != nil {
			t.Fatal(err)
		}
		if _, err := analyst.ApprovePolicy(t.Context(), approval); errs.ReasonOf(err) != "approve.same_person" {
			t.Errorf("the proposer approved: %v", err)
		}
		if _, err := analyst.SavePolicy(t.Context(), &riskv1.SavePolicyRequest{Document: second(t)}); errs.ReasonOf(err) != "policy.wrong_state" {
			t.Errorf("a proposed version was rewritten: %v", err)
		}
		wrong := &riskv1.ApprovePolicyRequest{Name: draft.GetName(), Hash: strings.Repeat("0", 64), Reason: "tests read"}
		if _, err := other.ApprovePolicy(t.Context(), wrong); errs.ReasonOf(err) != "policy.changed" {
			t.Errorf("another hash was approved: %v", err)
		}
		if _, err := other.ApprovePolicy(t.Context(), approval); err != nil {
			t.Fatal(err)
		}
		after := h.decide(t, h.saver(h.user(2)))
		if after.GetPolicy() != "consumer-2" || after.GetOutcome() != "reject" || codes(after)[0] != "admission.age" {
			t.Errorf("after approval: %v", after)
		}
		back, err := other.RollbackPolicy(t.Context(), &riskv1.RollbackPolicyRequest{Line: "consumer", From: "consumer-2", Reason: "too strict"})
		if err != nil {
			t.Fatal(err)
		}
		if back.GetName() != "consumer-1" || back.GetState() != "live" {
			t.Errorf("rolled back to %v", back)
		}
		if d := h.decide(t, h.saver(h.user(3))); d.GetPolicy() != "consumer-1" || d.GetOutcome() != "approve" {
			t.Errorf("after rollback: %v", d)
		}
		for _, d := range []*riskv1.Decision{before, after} {
			again, err := other.ReplayDecision(t.Context(), &riskv1.ReplayDecisionRequest{DecisionId: d.GetDecisionId(), Reason: "after rollback"})
			if err != nil || again.GetResult() != "equal" {
				t.Errorf("replay of %s: %v %v", d.GetPolicy(), again.GetResult(), err)
			}
		}
		file, err := analyst.GetPolicy(t.Context(), &riskv1.GetPolicyRequest{Name: "consumer-live"})
		if err != nil || file.GetVersion().GetName() != "consumer-1" || len(file.GetHistory()) != 3 || file.GetHistory()[0].GetCause() != "rollback" {
			t.Errorf("history %v %v", file.GetHistory(), err)
		}
	})
}

func TestTwoApproversAtOnceMakeItLiveOnce(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.decide(t, h.saver(h.user(1)))
		draft, err := h.staff(1, "risk_analyst").SavePolicy(t.Context(), &riskv1.SavePolicyRequest{Document: second(t)})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := h.staff(1, "risk_analyst").ProposePolicy(t.Context(), &riskv1.ProposePolicyRequest{Name: draft.GetName(), Reason: "older"}); err != nil {
			t.Fatal(err)
		}
		var all sync.WaitGroup
		results := make([]error, 6)
		for i := range results {
			all.Go(func() {
				_, results[i] = h.staff(int64(10+i), "admin").ApprovePolicy(t.Context(), &riskv1.ApprovePolicyRequest{Name: draft.GetName(), Hash: draft.GetHash(), Reason: "fine"})
			})
		}
		all.Wait()
		good := 0
		for _, err := range results {
			if err == nil {
				good++
			} else if errs.CodeOf(err) != errs.Conflict && errs.CodeOf(err) != errs.Unavailable {
				t.Errorf("refused with %v", err)
			}
		}
		if good != 1 || h.number(t, "SELECT COUNT(*) FROM policy_turn") != 2 || h.number(t, "SELECT COUNT(*) FROM policy_version WHERE state = 'live'") != 1 {
			t.Errorf("%d approvals counted", good)
		}
	})
}

func TestAnUnsoundPolicyIsRefusedWithItsFault(t *testing.T) {
	h := small(t)
	analyst := h.staff(1, "risk_analyst")
	for name, change := range map[string][3]string{
		"unknown name":      {"when: emulator\n", "when: emulated\n", "rule 8 (fraud.emulator): unknown name emulated (line 1, column 1)"},
		"type error":        {"when: emulator\n", "when: emulator > 3\n", "fraud.emulator"},
		"missing not asked": {"region_given and region in", "region in", "region may be missing: ask region_given too"},
		"forbidden use":     {"group: affordability\n    when: income_minor_given and principal", "group: affordability\n    when: not device_given and income_minor_given and principal", "reads device_given, which may not be used for affordability"},
		"failing test":      {"{age_years: 17}, holds: true", "{age_years: 45}, holds: true", "holds is false, the test says true"},
		"no such outcome":   {"outcome: manual", "outcome: approve", "neither reject nor manual"},
		"price above cap":   {"cap_ppm: 240000", "cap_ppm: 190000", "no rate within the cap"},
		"cut-off":           {"at_least: 577, pd_ppm: 100000", "at_least: 570, pd_ppm: 100000", "do not stand for a probability"},
		"grades turned":     {"{grade: D, outcome: manual, at_least: 561", "{grade: D, outcome: manual, at_least: 700", "grade D is not below"},
		"gap at the end":    {"outcome: reject, at_least: 0", "outcome: reject, at_least: 560", "the last grade takes every score"},
		"no grade's price":  {"D: 168000, E: 198000", "D: 168000", "does not have one rate for each grade"},
		"cannot decide":     {"  - {id: grade, kind: grade}\n", "", "steps besides rules"},
		"rule of no step":   {"  - {id: fraud, kind: rules, group: fraud}\n", "", "no step evaluates group"},
		"not mandatory":     {"savings, employment_duration,", "employment_duration,", `input "savings" of the card is not mandatory`},
		"unknown mandatory": {"mandatory: [amount_minor", "mandatory: [wealth, amount_minor", `mandatory input "wealth" does not exist`},
		"case comes out":    {"outcome: approve\n    grade: A", "outcome: approve\n    grade: B", "decided approve A"},
		"unknown field":     {"currency: CNY", "currency: CNY\nmood: good", "unknown field"},
		"another card":      {"card: scorecard-a-1", "card: scorecard-z", ""},
	} {
		text := strings.Replace(second(t), change[0], change[1], 1)
		if text == second(t) {
			t.Errorf("%s: nothing to change", name)
			continue
		}
		_, err := analyst.SavePolicy(t.Context(), &riskv1.SavePolicyRequest{Document: text})
		if errs.CodeOf(err) != errs.Invalid || !strings.Contains(err.Error(), change[2]) {
			t.Errorf("%s: saved or refused otherwise: %v", name, err)
		}
		checked, err := analyst.CheckPolicy(t.Context(), &riskv1.CheckPolicyRequest{Document: text})
		if err != nil || checked.GetSound() || !strings.Contains(checked.GetFault(), change[2]) {
			t.Errorf("%s: checked %v %v", name, checked, err)
		}
	}
	checked, err := analyst.CheckPolicy(t.Context(), &riskv1.CheckPolicyRequest{Document: second(t)})
	if err != nil || !checked.GetSound() || checked.GetTests() < 50 {
		t.Errorf("a sound one: %v %v", checked, err)
	}
}

func TestTheBlacklistChangesByTwoPeople(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		analyst, other := h.staff(1, "risk_analyst"), h.staff(2, "risk_analyst")
		req := &riskv1.AddEntryRequest{Kind: "mobile", Token: "mobile-7169", Reason: "stolen identity", IdempotencyKey: "key-0001"}
		proposed, err := analyst.AddEntry(t.Context(), req)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := analyst.AddEntry(t.Context(), req); err != nil || again.GetProposalId() != proposed.GetProposalId() {
			t.Errorf("the repeated request: %v %v", again, err)
		}
		if _, err := analyst.AddEntry(t.Context(), &riskv1.AddEntryRequest{Kind: "mobile", Token: "mobile-7169", Reason: "other words", IdempotencyKey: "key-0001"}); errs.ReasonOf(err) != "idempotency.body_differs" {
			t.Errorf("the same key with another body: %v", err)
		}
		if _, err := analyst.ApproveListChange(t.Context(), &riskv1.ApproveListChangeRequest{ProposalId: proposed.GetProposalId(), Reason: "mine"}); errs.ReasonOf(err) != "approve.same_person" {
			t.Errorf("the proposer approved: %v", err)
		}
		if _, err := other.ApproveListChange(t.Context(), &riskv1.ApproveListChangeRequest{ProposalId: proposed.GetProposalId(), Reason: "seen"}); err != nil {
			t.Fatal(err)
		}
		victim := h.saver(h.user(7))
		victim.MobileToken = "mobile-7169"
		if d := h.decide(t, victim); d.GetOutcome() != "reject" || codes(d)[0] != "admission.listed_person" || codes(d)[1] != "decision.general" {
			t.Errorf("listed: %v", d)
		}
		entries, err := analyst.ListEntries(t.Context(), &riskv1.ListEntriesRequest{Kind: "mobile"})
		if err != nil || len(entries.GetEntries()) != 1 || entries.GetEntries()[0].GetApprovedBy() != 2 {
			t.Errorf("entries %v %v", entries, err)
		}
		off, err := other.RemoveEntry(t.Context(), &riskv1.RemoveEntryRequest{Kind: "mobile", Token: "mobile-7169", Reason: "cleared", IdempotencyKey: "key-0002"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := analyst.ApproveListChange(t.Context(), &riskv1.ApproveListChangeRequest{ProposalId: off.GetProposalId(), Reason: "seen"}); err != nil {
			t.Fatal(err)
		}
		next := h.saver(h.user(8))
		next.MobileToken = "mobile-7169"
		if d := h.decide(t, next); d.GetOutcome() == "reject" {
			t.Errorf("no longer listed: %v", d)
		}
		changes, err := other.ListListChanges(t.Context(), &riskv1.ListListChangesRequest{State: "approved"})
		if err != nil || len(changes.GetChanges()) != 2 {
			t.Errorf("changes %v %v", changes, err)
		}
	})
}
