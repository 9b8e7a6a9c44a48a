package loan_test

import (
	"bytes"
	"sync"
	"testing"
	"time"

	loanv1 "github.com/hengdai/hengdai/api/loan/v1"
	riskv1 "github.com/hengdai/hengdai/api/risk/v1"
	userv1 "github.com/hengdai/hengdai/api/user/v1"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/id"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/kit/store/storetest"
	"github.com/hengdai/hengdai/service/loan"
)

func each(t *testing.T, fn func(t *testing.T, w *world)) {
	t.Helper()
	storetest.Each(t, loan.Schema(), func(t *testing.T, db *store.DB) { fn(t, newWorld(t, db)) })
}

func TestBothDialectsMakeTheSameTables(t *testing.T) { storetest.SameSchema(t, loan.Schema()) }

func TestABorrowerGetsFromQuoteToSignatureInFiveCalls(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx, userID := t.Context(), w.person()
		me := w.public(userID)
		quote, err := w.public(0).Quote(ctx, &loanv1.QuoteRequest{Product: "consumer-cash", AmountMinor: 1_200_000, TermMonths: 12, Method: "equal_instalment", Grade: "A"})
		if err != nil {
			t.Fatal(err)
		}
		a, err := me.Apply(ctx, w.wants())
		if err != nil {
			t.Fatal(err)
		}
		if a.GetState() != "APPROVED" || a.GetApprovedMinor() != 1_200_000 || a.GetGrade() != "A" || a.GetRatePpm() != 90_000 || a.GetNextEn() == "" {
			t.Fatalf("unexpected %v", a)
		}
		if l := w.limit(userID); l.GetTotalMinor() != 5_000_000 || l.GetFrozenMinor() != 1_200_000 {
			t.Fatalf("unexpected %v", l)
		}
		d, err := me.GetDisclosure(ctx, &loanv1.GetDisclosureRequest{ApplicationId: a.GetApplicationId()})
		if err != nil {
			t.Fatal(err)
		}
		for i, row := range d.GetRows() {
			if row.GetTotalMinor() != quote.GetRows()[i].GetTotalMinor() || row.GetDueOn() != quote.GetRows()[i].GetDueOn() {
				t.Fatalf("row %d of the table differs from the quote", i+1)
			}
		}
		if d.GetCost().GetAnnualSimplePpm() != quote.GetCost().GetAnnualSimplePpm() || d.GetCost().GetSimpleLabel() != "单利" {
			t.Fatalf("unexpected %v", d.GetCost())
		}
		c := w.confirm(userID, a.GetApplicationId())
		if c.GetState() != "DRAFTED" || len(c.GetHighlighted()) < 5 || !bytes.Contains([]byte(c.GetRecord()), []byte("测试人")) {
			t.Fatalf("unexpected contract %s in state %s", c.GetTemplate(), c.GetState())
		}
		signed, err := me.Sign(ctx, &loanv1.SignRequest{ApplicationId: a.GetApplicationId(), Hash: c.GetHash(), IdempotencyKey: "signature-1"})
		if err != nil {
			t.Fatal(err)
		}
		if signed.GetLoanId() == 0 || id.Bucket(signed.GetLoanId()) != id.Bucket(userID) || signed.GetApplication().GetState() != "SIGNED" {
			t.Fatalf("unexpected %v", signed)
		}
		again, err := me.Sign(ctx, &loanv1.SignRequest{ApplicationId: a.GetApplicationId(), Hash: c.GetHash(), IdempotencyKey: "signature-1"})
		if err != nil || again.GetLoanId() != signed.GetLoanId() {
			t.Fatalf("a repeated signature answered %v, %v", again, err)
		}
		if n := w.events("loan.v1.ContractSigned"); n != 1 {
			t.Fatalf("ContractSigned was told %d times", n)
		}
		q := w.risk.questions()[0]
		if q.GetIpToken() != "token-ip" || q.GetDeviceToken() != "token-device" || q.GetStated().GetJob() != "skilled" || q.GetCardToken() != "ct" {
			t.Fatalf("risk was asked with %v", q)
		}
		proveNothingPersonalRests(t, w.db)
	})
}

// proveNothingPersonalRests looks for the borrower's values in what is stored.
func proveNothingPersonalRests(t *testing.T, db *store.DB) {
	t.Helper()
	rows, err := db.Primary().QueryContext(t.Context(), "SELECT record_sealed FROM contract UNION ALL SELECT stated_sealed FROM application UNION ALL SELECT body FROM kit_log_new UNION ALL SELECT record FROM disclosure")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var raw []byte
		if err := rows.Scan(&raw); err != nil {
			t.Fatal(err)
		}
		for _, personal := range []string{"测试人", "990101199001010015", "skilled"} {
			if bytes.Contains(raw, []byte(personal)) {
				t.Fatal("a personal value rests in clear")
			}
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
}

func TestEveryRefusalOfAnApplicationNamesItsRule(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		cases := []struct {
			reason string
			code   errs.Code
			ask    func(*loanv1.ApplyRequest)
			who    func(*userv1.Standing)
		}{
			{"term.above_legal_maximum.R34", errs.Invalid, func(r *loanv1.ApplyRequest) { r.TermMonths = 72 }, nil},
			{"term.above_legal_maximum.R35", errs.Invalid, func(r *loanv1.ApplyRequest) { r.Product, r.Method, r.TermMonths = "consumer-bullet", "at_maturity", 13 }, nil},
			{"term.not_offered", errs.Invalid, func(r *loanv1.ApplyRequest) { r.TermMonths = 2 }, nil},
			{"amount.above_legal_maximum.R35", errs.Invalid, func(r *loanv1.ApplyRequest) { r.AmountMinor = 20_000_100 }, nil},
			{"amount.below_minimum", errs.Invalid, func(r *loanv1.ApplyRequest) { r.AmountMinor = 10_000 }, nil},
			{"amount.not_multiple", errs.Invalid, func(r *loanv1.ApplyRequest) { r.AmountMinor = 1_200_050 }, nil},
			{"method.not_offered", errs.Invalid, func(r *loanv1.ApplyRequest) { r.Method = "flat" }, nil},
			{"purpose.banned.R35", errs.Invalid, func(r *loanv1.ApplyRequest) { r.Purpose = "home_purchase" }, nil},
			{"purpose.banned.R35", errs.Invalid, func(r *loanv1.ApplyRequest) { r.Purpose = "investment" }, nil},
			{"purpose.banned.R37", errs.Invalid, func(r *loanv1.ApplyRequest) { r.Purpose = "repay_loans" }, nil},
			{"purpose.not_offered", errs.Invalid, func(r *loanv1.ApplyRequest) { r.Purpose = "business" }, nil},
			{"purpose.unknown", errs.Invalid, func(r *loanv1.ApplyRequest) { r.Purpose = "moon_trip" }, nil},
			{"product.unknown", errs.Invalid, func(r *loanv1.ApplyRequest) { r.Product = "gold-card" }, nil},
			{"card.unknown", errs.Invalid, func(r *loanv1.ApplyRequest) { r.CardId = 99 }, nil},
			{"card.not_verified", errs.Precondition, func(r *loanv1.ApplyRequest) { r.CardId = 8 }, nil},
			{"applicant.not_identified", errs.Precondition, nil, func(s *userv1.Standing) { s.State = "registered" }},
			{"applicant.under_age", errs.Precondition, nil, func(s *userv1.Standing) { s.AgeYears = 17 }},
			{"consent.missing.credit_query", errs.Precondition, nil, func(s *userv1.Standing) { s.Consents = []string{"privacy"} }},
		}
		for _, c := range cases {
			userID := w.person()
			req := w.wants()
			if c.ask != nil {
				c.ask(req)
			}
			if c.who != nil {
				c.who(w.user.people[userID])
			}
			_, err := w.public(userID).Apply(t.Context(), req)
			refused(t, err, c.code, c.reason)
			if list, err := w.public(userID).ListApplications(t.Context(), &loanv1.ListApplicationsRequest{}); err != nil || len(list.GetApplications()) != 0 {
				t.Fatalf("%s left something behind: %v, %v", c.reason, list, err)
			}
		}
	})
}

func TestTheSameKeyIsOneApplicationForEver(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		userID, req := w.person(), w.wants()
		seen := make([]int64, 16)
		var all sync.WaitGroup
		for i := range seen {
			all.Go(func() {
				a, err := w.public(userID).Apply(t.Context(), req)
				if err != nil {
					t.Error(err)
					return
				}
				seen[i] = a.GetApplicationId()
			})
		}
		all.Wait()
		for _, got := range seen {
			if got != seen[0] || got == 0 {
				t.Fatalf("one key became several applications: %v", seen)
			}
		}
		other := w.wants()
		other.IdempotencyKey, other.AmountMinor = req.GetIdempotencyKey(), 300_000
		_, err := w.public(userID).Apply(t.Context(), other)
		refused(t, err, errs.Conflict, "idempotency.body_differs")
		if n := w.events("loan.v1.ApplicationMoved"); n != 3 {
			t.Fatalf("%d moves were told, want 3", n)
		}
		// Another person's key of the same name is his own.
		another := w.person()
		if _, err := w.public(another).Apply(t.Context(), req); err != nil {
			t.Fatal(err)
		}
	})
}

func TestAPersonHasOneOpenApplication(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		userID := w.person()
		results := make([]error, 12)
		var all sync.WaitGroup
		for i := range results {
			req := w.wants()
			all.Go(func() { _, results[i] = w.public(userID).Apply(t.Context(), req) })
		}
		all.Wait()
		won := 0
		for _, err := range results {
			if err == nil {
				won++
				continue
			}
			refused(t, err, errs.Precondition, "application.open_exists")
		}
		if won != 1 {
			t.Fatalf("%d applications were taken", won)
		}
	})
}

func TestASlowRiskOnlyDelaysTheDecision(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.impatient()
		w.risk.setDown(true)
		userID := w.person()
		began := time.Now()
		a := w.apply(userID)
		if a.GetState() != "DECIDING" || time.Since(began) > 6*time.Second {
			t.Fatalf("answered %s after %s", a.GetState(), time.Since(began))
		}
		_, err := w.public(userID).GetDisclosure(t.Context(), &loanv1.GetDisclosureRequest{ApplicationId: a.GetApplicationId()})
		refused(t, err, errs.Precondition, "application.state")
		w.risk.setDown(false)
		for range 10 {
			if a, err = w.public(userID).GetApplication(t.Context(), &loanv1.GetApplicationRequest{ApplicationId: a.GetApplicationId(), WaitMs: 5000}); err != nil {
				t.Fatal(err)
			}
			if a.GetState() == "APPROVED" {
				return
			}
		}
		t.Fatalf("still %s", a.GetState())
	})
}

func TestARefusalShowsOnlyReasonsForTheBorrower(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.risk.say(&riskv1.Decision{Outcome: "reject", Policy: "test-1", Reasons: []*riskv1.Reason{
			{Code: "fraud.ring", SentenceZh: "内部", SentenceEn: "internal", Internal: true}, {Code: "admission.age", SentenceZh: "年龄不符。", SentenceEn: "Age."}}})
		a := w.apply(w.person())
		if a.GetState() != "REJECTED" || len(a.GetReasons()) != 1 || a.GetReasons()[0].GetCode() != "admission.age" || a.GetRetryOn() != "2027-01-31" {
			t.Fatalf("unexpected %v", a)
		}
		w.risk.say(&riskv1.Decision{Outcome: "reject", Reasons: []*riskv1.Reason{{Code: "fraud.ring", Internal: true}}})
		userID := w.person()
		a = w.apply(userID)
		if len(a.GetReasons()) != 1 || a.GetReasons()[0].GetCode() != "application.assessment" {
			t.Fatalf("unexpected %v", a.GetReasons())
		}
		if l := w.limit(userID); l.GetTotalMinor() != 0 {
			t.Fatalf("a refusal granted %v", l)
		}
	})
}

func TestALowLimitApprovesLessAndATooLowOneRefuses(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.risk.say(approveA(700_050))
		a := w.apply(w.person())
		if a.GetState() != "APPROVED" || a.GetApprovedMinor() != 700_000 {
			t.Fatalf("unexpected %v", a)
		}
		w.risk.say(approveA(19_999))
		userID := w.person()
		a = w.apply(userID)
		if a.GetState() != "REJECTED" || a.GetReasons()[0].GetCode() != "limit.below_minimum" || w.limit(userID).GetTotalMinor() != 0 {
			t.Fatalf("unexpected %v", a)
		}
		w.risk.say(&riskv1.Decision{Outcome: "approve", Grade: "Q", LimitMinor: 5_000_000})
		if a = w.apply(w.person()); a.GetReasons()[0].GetCode() != "product.grade_not_served" {
			t.Fatalf("unexpected %v", a)
		}
	})
}

func TestCancellingFreesTheLimitAndMayBeRepeated(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		userID := w.person()
		a := w.apply(userID)
		c := w.confirm(userID, a.GetApplicationId())
		for range 2 {
			got, err := w.public(userID).CancelApplication(t.Context(), &loanv1.CancelApplicationRequest{ApplicationId: a.GetApplicationId()})
			if err != nil || got.GetState() != "CANCELLED" {
				t.Fatalf("%v, %v", got, err)
			}
		}
		if l := w.limit(userID); l.GetFrozenMinor() != 0 || l.GetAvailableMinor() != l.GetTotalMinor() {
			t.Fatalf("unexpected %v", l)
		}
		_, err := w.public(userID).Sign(t.Context(), &loanv1.SignRequest{ApplicationId: a.GetApplicationId(), Hash: c.GetHash(), IdempotencyKey: "too-late-1"})
		refused(t, err, errs.Precondition, "application.state")
		if again := w.apply(userID); again.GetState() != "APPROVED" {
			t.Fatalf("a new application is %s", again.GetState())
		}
	})
}

func TestAnApprovalThatIsNotSignedExpires(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		userID := w.person()
		a := w.apply(userID)
		w.confirm(userID, a.GetApplicationId())
		err := w.db.Write(t.Context(), func(tx *store.Tx) error {
			_, err := tx.ExecContext(tx.Context(), "UPDATE application SET expires_on = '2026-11-01' WHERE id = ?", a.GetApplicationId())
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		deadline := time.Now().Add(10 * time.Second)
		for time.Now().Before(deadline) {
			got, err := w.public(userID).GetApplication(t.Context(), &loanv1.GetApplicationRequest{ApplicationId: a.GetApplicationId()})
			if err != nil {
				t.Fatal(err)
			}
			if got.GetState() == "EXPIRED" {
				if l := w.limit(userID); l.GetFrozenMinor() != 0 {
					t.Fatalf("still frozen: %v", l)
				}
				return
			}
			time.Sleep(20 * time.Millisecond)
		}
		t.Fatal("it did not expire")
	})
}
