package risk_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	riskv1 "github.com/hengdai/hengdai/api/risk/v1"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/store"
)

func TestAThousandDecisionsReplayEqual(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		applicants := 1000
		if h.db.Engine() == store.MySQL || testing.Short() {
			applicants = 100
		}
		rng := rand.New(rand.NewPCG(20261122, 1))
		work := make(chan *riskv1.DecideRequest, applicants)
		for i := range applicants {
			work <- h.anyone(h.user(int64(1000+i)), rng)
		}
		close(work)
		var mu sync.Mutex
		outcomes := map[string]int{}
		var all sync.WaitGroup
		for range 16 {
			all.Go(func() {
				auditor := h.staff(9, "auditor")
				for req := range work {
					d, err := h.loan().Decide(t.Context(), req)
					for errs.ReasonOf(err) == "decision.busy" {
						d, err = h.loan().Decide(t.Context(), req)
					}
					if err != nil {
						t.Error(err)
						continue
					}
					again, err := auditor.ReplayDecision(t.Context(), &riskv1.ReplayDecisionRequest{DecisionId: d.GetDecisionId(), Reason: "replay of all"})
					if err != nil {
						t.Error(err)
						continue
					}
					if again.GetResult() != "equal" || again.GetReplayedHash() != again.GetStoredHash() || again.GetReplayedOutcome() != d.GetOutcome() {
						t.Errorf("replay: %s", again.GetResult())
					}
					mu.Lock()
					outcomes[d.GetOutcome()]++
					mu.Unlock()
				}
			})
		}
		all.Wait()
		t.Logf("outcomes %v", outcomes)
		if len(outcomes) != 3 {
			t.Errorf("the generated applicants should meet every outcome: %v", outcomes)
		}
	})
}

func TestADecisionShowsItsWayAndTheLookIsRecorded(t *testing.T) {
	h := small(t)
	req := h.saver(h.user(7))
	req.AgeYears = 61
	d := h.decide(t, req)
	reviewer := h.staff(5, "reviewer")
	closed, err := reviewer.GetDecision(t.Context(), &riskv1.GetDecisionRequest{DecisionId: d.GetDecisionId()})
	if err != nil {
		t.Fatal(err)
	}
	if len(closed.GetInputs()) != 0 || len(closed.GetPath()) != 2 || closed.GetPath()[1].GetOutcome() != "reject" {
		t.Errorf("unopened: %v", closed)
	}
	opened, err := reviewer.OpenDecision(t.Context(), &riskv1.OpenDecisionRequest{DecisionId: d.GetDecisionId(), Reason: "complaint"})
	if err != nil {
		t.Fatal(err)
	}
	at := slices.IndexFunc(opened.GetPath()[1].GetRules(), func(f *riskv1.RuleFinding) bool { return f.GetHeld() })
	if at < 0 {
		t.Fatal("no rule held")
	}
	held := opened.GetPath()[1].GetRules()[at]
	if held.GetRule() != "admission.age" || held.GetRead()[0].GetName() != "age_years" || held.GetRead()[0].GetValue() != "61" {
		t.Errorf("held: %v", held)
	}
	if len(opened.GetInputs()) < 50 {
		t.Errorf("%d inputs", len(opened.GetInputs()))
	}
	if n := h.number(t, "SELECT COUNT(*) FROM kit_audit WHERE act = 'decision.open' AND actor_id = 5"); n != 1 {
		t.Errorf("%d looks recorded", n)
	}
	if !slices.Contains(h.keys.stated, "risk.look") {
		t.Errorf("purposes stated: %v", h.keys.stated)
	}
}

func TestAfterErasureTheOutcomeStays(t *testing.T) {
	h := small(t)
	user := h.user(7)
	d := h.decide(t, h.saver(user))
	h.keys.erase(user)
	auditor := h.staff(9, "auditor")
	again, err := auditor.ReplayDecision(t.Context(), &riskv1.ReplayDecisionRequest{DecisionId: d.GetDecisionId(), Reason: "yearly check"})
	if err != nil {
		t.Fatal(err)
	}
	if again.GetResult() != "erased" || again.GetErased() != "application" || again.GetStored().GetDecision().GetOutcome() != "approve" {
		t.Errorf("replay: %v", again)
	}
	file, err := auditor.OpenDecision(t.Context(), &riskv1.OpenDecisionRequest{DecisionId: d.GetDecisionId(), Reason: "yearly check"})
	if err != nil {
		t.Fatal(err)
	}
	if file.GetErased() != "application" || len(file.GetInputs()) != 0 || len(file.GetPath()) == 0 {
		t.Errorf("file: %v", file)
	}
}

func TestDecisionsAreListedPageByPage(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		for i := range 5 {
			req := h.saver(h.user(int64(10 + i)))
			if i == 3 {
				req.AgeYears = 17
			}
			h.decide(t, req)
		}
		analyst := h.staff(1, "risk_analyst")
		seen, token := []int64{}, ""
		for {
			page, err := analyst.ListDecisions(t.Context(), &riskv1.ListDecisionsRequest{PageSize: 2, PageToken: token})
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range page.GetDecisions() {
				seen = append(seen, d.GetDecision().GetDecisionId())
			}
			if token = page.GetNextPageToken(); token == "" {
				break
			}
		}
		slices.Sort(seen)
		if len(slices.Compact(seen)) != 5 {
			t.Errorf("saw %d of 5", len(seen))
		}
		rejected, err := analyst.ListDecisions(t.Context(), &riskv1.ListDecisionsRequest{Outcome: "reject", AppliedFrom: today, AppliedTo: today})
		if err != nil {
			t.Fatal(err)
		}
		if len(rejected.GetDecisions()) != 1 || rejected.GetDecisions()[0].GetDecision().GetReasons()[0].GetCode() != "admission.age" {
			t.Errorf("rejected: %v", rejected)
		}
		if _, err := analyst.ListDecisions(t.Context(), &riskv1.ListDecisionsRequest{PageToken: "%%%"}); errs.ReasonOf(err) != "page_token.invalid" {
			t.Errorf("a broken token: %v", err)
		}
	})
}

func TestOnlyThoseWhoMayCall(t *testing.T) {
	h := small(t)
	if _, err := h.staff(1, "collector").ListDecisions(t.Context(), &riskv1.ListDecisionsRequest{}); errs.CodeOf(err) != errs.Denied {
		t.Errorf("a collector: %v", err)
	}
	if _, err := h.staff(1, "reviewer").SavePolicy(t.Context(), &riskv1.SavePolicyRequest{Document: "a: 1"}); errs.CodeOf(err) != errs.Denied {
		t.Errorf("a reviewer saves a policy: %v", err)
	}
	if _, err := h.staff(1, "auditor").GetDecision(t.Context(), &riskv1.GetDecisionRequest{DecisionId: 5}); errs.ReasonOf(err) != "decision.not_found" {
		t.Errorf("an unknown decision: %v", err)
	}
	if _, err := h.staff(1, "auditor").OpenDecision(t.Context(), &riskv1.OpenDecisionRequest{DecisionId: 5, Reason: strings.Repeat("x", 201)}); errs.CodeOf(err) != errs.Invalid {
		t.Errorf("an oversize reason: %v", err)
	}
}
