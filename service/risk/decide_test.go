package risk_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	riskv1 "github.com/hengdai/hengdai/api/risk/v1"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/store/storetest"
	"github.com/hengdai/hengdai/service/risk"
)

func TestBothDialectsHaveTheSameTables(t *testing.T) { storetest.SameSchema(t, risk.Schema()) }

func TestAnApplicationIsDecidedOnce(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		req := h.saver(h.user(7))
		first := h.decide(t, req)
		if first.GetOutcome() != "approve" || first.GetGrade() != "A" || first.GetRatePpm() != 72000 || first.GetLimitMinor() != 5000000 ||
			first.GetPolicy() != "consumer-1" || len(first.GetReasons()) != 0 {
			t.Fatalf("decided %v", first)
		}
		req.OutstandingMinor, req.AppliedMs = 500, req.AppliedMs+1 // observed anew, not asked anew
		if again := h.decide(t, req); !proto.Equal(first, again) {
			t.Errorf("the repeated call got %v, not %v", again, first)
		}
		req.AmountMinor++
		if _, err := h.loan().Decide(t.Context(), req); errs.ReasonOf(err) != "decision.inputs_differ" || errs.CodeOf(err) != errs.Conflict {
			t.Errorf("other inputs: %v", err)
		}
		if n := h.number(t, "SELECT COUNT(*) FROM kit_log_new"); n != 1 {
			t.Errorf("%d events, want 1", n)
		}
	})
}

func TestOneApplicationAskedByManyAtOnceIsDecidedOnce(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		req := h.saver(h.user(7))
		answers := make([]*riskv1.Decision, 16)
		var all sync.WaitGroup
		for i := range answers {
			all.Go(func() {
				d, err := h.loan().Decide(t.Context(), req)
				if err != nil {
					t.Error(err)
				}
				answers[i] = d
			})
		}
		all.Wait()
		for _, d := range answers {
			if !proto.Equal(d, answers[0]) {
				t.Errorf("answers differ: %v and %v", d, answers[0])
			}
		}
		if n := h.number(t, "SELECT COUNT(*) FROM decision"); n != 1 {
			t.Errorf("%d decisions", n)
		}
		if n := h.number(t, "SELECT COUNT(*) FROM velocity_event WHERE kind = 'card'"); n != 1 {
			t.Errorf("counted %d times", n)
		}
	})
}

// Whoever comes second with a card must be seen as second, however close he follows.
func TestUsersThatShareACardAtOnceAreCountedExactly(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		const users = 8
		var all sync.WaitGroup
		outcomes := make([]string, users)
		for i := range outcomes {
			all.Go(func() {
				req := h.saver(h.user(int64(100 + i)))
				req.CardToken = "card-of-the-ring"
				for {
					d, err := h.loan().Decide(t.Context(), req)
					if errs.ReasonOf(err) == "decision.busy" {
						continue
					}
					if err != nil {
						t.Error(err)
						return
					}
					outcomes[i] = d.GetOutcome() + strings.Join(codes(d), ",")
					return
				}
			})
		}
		all.Wait()
		slices.Sort(outcomes)
		if outcomes[0] != "approve" || outcomes[1] != "rejectfraud.card_of_others,decision.general" || outcomes[users-1] != outcomes[1] {
			t.Errorf("outcomes %v", outcomes)
		}
	})
}

func TestWindowsSlideExactly(t *testing.T) {
	h := small(t)
	apply := func() string {
		req := h.saver(h.user(7))
		return strings.Join(codes(h.decide(t, req)), ",")
	}
	for range 3 {
		if got := apply(); got != "" {
			t.Fatalf("reasons %s", got)
		}
		h.clk.Add(time.Second)
	}
	if got := apply(); !strings.Contains(got, "fraud.mobile_often") {
		t.Errorf("the fourth within a day: %s", got)
	}
	h.clk.Set(start.Add(24 * time.Hour)) // the first is exactly a day old and counts no more; three are left
	if got := apply(); !strings.Contains(got, "fraud.mobile_often") {
		t.Errorf("three within the day before: %s", got)
	}
	h.clk.Set(start.Add(8 * 24 * time.Hour))
	if got := apply(); got != "" {
		t.Errorf("a week later: %s", got)
	}
}

func TestOldCountsAreForgotten(t *testing.T) {
	h := small(t)
	h.decide(t, h.saver(h.user(7)))
	h.clk.Add(91 * 24 * time.Hour)
	for _, j := range h.svc.Jobs() {
		if j.Name != "risk.forget" {
			continue
		}
		if more, err := j.Step(t.Context()); more || err != nil {
			t.Fatal(more, err)
		}
	}
	if n := h.number(t, "SELECT COUNT(*) FROM velocity_event"); n != 0 {
		t.Errorf("%d remembered", n)
	}
}

func TestWhatIsMissingGoesToAPersonAndIsNeverApproved(t *testing.T) {
	h := small(t)
	for i, spoil := range []func(*riskv1.DecideRequest){
		func(r *riskv1.DecideRequest) { r.AgeYears = 0 },
		func(r *riskv1.DecideRequest) { r.Stated = nil },
		func(r *riskv1.DecideRequest) { r.Stated.Savings = "" },
		func(r *riskv1.DecideRequest) { r.Stated.StatusAccount = "" },
		func(r *riskv1.DecideRequest) { r.Stated.EmploymentDuration = "" },
	} {
		req := h.saver(h.user(int64(20 + i)))
		spoil(req)
		if d := h.decide(t, req); d.GetOutcome() != "manual" || codes(d)[0] != "inputs.missing" || d.GetLimitMinor() == 0 {
			t.Errorf("case %d: %v", i, d)
		}
	}
}

func TestAValueTheFormDoesNotHaveIsRefusedByName(t *testing.T) {
	h := small(t)
	for field, spoil := range map[string]func(*riskv1.DecideRequest){
		"stated.savings":          func(r *riskv1.DecideRequest) { r.Stated.Savings = "plenty" },
		"stated.installment_rate": func(r *riskv1.DecideRequest) { r.Stated.InstallmentRate = 5 },
		"amount_minor":            func(r *riskv1.DecideRequest) { r.AmountMinor = 1 << 60 },
		"term_months":             func(r *riskv1.DecideRequest) { r.TermMonths = 601 },
	} {
		req := h.saver(h.user(30))
		spoil(req)
		_, err := h.loan().Decide(t.Context(), req)
		var known *errs.Error
		if !errors.As(err, &known) || known.Code != errs.Invalid || known.Field != field {
			t.Errorf("%s: %v", field, err)
		}
	}
	if n := h.number(t, "SELECT COUNT(*) FROM decision"); n != 0 {
		t.Errorf("%d decisions", n)
	}
}

func TestAnInternalReasonComesWithAGeneralSentence(t *testing.T) {
	h := small(t)
	req := h.saver(h.user(40))
	req.Device.Emulator = true
	d := h.decide(t, req)
	if d.GetOutcome() != "reject" || d.GetLimitMinor() != 0 || d.GetRatePpm() != 0 || d.GetGrade() != "" {
		t.Fatalf("decided %v", d)
	}
	if !d.GetReasons()[0].GetInternal() || d.GetReasons()[1].GetInternal() || d.GetReasons()[1].GetSentenceZh() == "" {
		t.Errorf("reasons %v", d.GetReasons())
	}
}

func TestACallerWhoIsGoneLeavesNothing(t *testing.T) {
	h := small(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := h.loan().Decide(ctx, h.saver(h.user(50))); err == nil {
		t.Error("decided for nobody")
	}
	if n := h.number(t, "SELECT COUNT(*) FROM decision") + h.number(t, "SELECT COUNT(*) FROM velocity_event"); n != 0 {
		t.Errorf("%d rows", n)
	}
}

func TestInputsRestSealed(t *testing.T) {
	h := small(t)
	req := h.saver(h.user(60))
	req.Stated.IncomeMinor = 7654321
	h.decide(t, req)
	var outline, reasons, profile, path []byte
	if err := h.db.Primary().QueryRowContext(t.Context(), "SELECT outline, reasons, sealed_profile, sealed_path FROM decision").
		Scan(&outline, &reasons, &profile, &path); err != nil {
		t.Fatal(err)
	}
	for name, stored := range map[string][]byte{"outline": outline, "reasons": reasons, "profile": profile, "path": path} {
		for _, value := range []string{"over_1000", "repaid_here", "7654321"} {
			if strings.Contains(string(stored), value) {
				t.Errorf("%s shows a stated value", name)
			}
		}
	}
	if !strings.Contains(string(outline), "admission.age") {
		t.Error("the outline lacks the rules")
	}
}

func TestInProductionNothingIsLiveUntilApproved(t *testing.T) {
	h := open(t, storetest.Open(t, storetest.SQLite(t), risk.Schema()), false)
	for _, j := range h.svc.Jobs() {
		if j.Name == "risk.install" {
			if _, err := j.Step(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, err := h.loan().Decide(t.Context(), h.saver(h.user(70))); errs.ReasonOf(err) != "policy.none_live" {
		t.Errorf("decided without an approved policy: %v", err)
	}
	analyst, other := h.staff(1, "risk_analyst"), h.staff(2, "risk_analyst")
	draft, err := analyst.ProposePolicy(t.Context(), &riskv1.ProposePolicyRequest{Name: "consumer-1", Reason: "go live"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.ApprovePolicy(t.Context(), &riskv1.ApprovePolicyRequest{Name: "consumer-1", Hash: draft.GetHash(), Reason: "checked"}); err != nil {
		t.Fatal(err)
	}
	if d := h.decide(t, h.saver(h.user(70))); d.GetOutcome() != "approve" {
		t.Errorf("decided %v", d)
	}
}
