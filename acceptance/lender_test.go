package acceptance

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	loanv1 "github.com/hengdai/hengdai/api/loan/v1"
	userv1 "github.com/hengdai/hengdai/api/user/v1"
)

// theLendersRefusals: what the law, the product or the policy does not allow is refused by the rule's name, before anything is kept.
func theLendersRefusals(t *testing.T, w *world) {
	b := w.borrower(t)
	wants := func(change func(*loanv1.ApplyRequest)) call {
		req := b.wish(1_000_000, 12)
		change(req)
		return asks("/v1/applications", jsonOf(req))
	}
	type wish = loanv1.ApplyRequest
	w.refuse(t,
		refusal{"a loan for shares", b.phone, wants(func(r *wish) { r.Purpose = "investment" }), bad, "purpose.banned.R35", "purpose"},
		refusal{"a loan for a home", b.phone, wants(func(r *wish) { r.Purpose = "home_purchase" }), bad, "purpose.banned.R35", "purpose"},
		refusal{"a loan to repay loans", b.phone, wants(func(r *wish) { r.Purpose = "repay_loans" }), bad, "purpose.banned.R37", "purpose"},
		refusal{"a loan for a business", b.phone, wants(func(r *wish) { r.Purpose = "business" }), bad, "purpose.not_offered", "purpose"},
		refusal{"a loan for something unheard of", b.phone, wants(func(r *wish) { r.Purpose = "moon" }), bad, "purpose.unknown", "purpose"},
		refusal{"a term above the legal maximum", b.phone, wants(func(r *wish) { r.TermMonths = 72 }), bad, "term.above_legal_maximum.R34", "termMonths"},
		refusal{"a term that is not on offer", b.phone, wants(func(r *wish) { r.TermMonths = 2 }), bad, "term.not_offered", "termMonths"},
		refusal{"a bullet loan above its legal term", b.phone, wants(func(r *wish) { r.Product, r.Method, r.TermMonths = "consumer-bullet", "at_maturity", 13 }), bad, "term.above_legal_maximum.R35", "termMonths"},
		refusal{"a method that is not on offer", b.phone, wants(func(r *wish) { r.Method = "at_maturity" }), bad, "method.not_offered", "method"},
		refusal{"a product that is not there", b.phone, wants(func(r *wish) { r.Product = "consumer-gold" }), bad, "product.unknown", "product"},
		refusal{"more than the law allows", b.phone, wants(func(r *wish) { r.AmountMinor = 20_000_100 }), bad, "amount.above_legal_maximum.R35", "amountMinor"},
		refusal{"less than the product lends", b.phone, wants(func(r *wish) { r.AmountMinor = 10_000 }), bad, "amount.below_minimum", "amountMinor"},
		refusal{"an amount between the product's steps", b.phone, wants(func(r *wish) { r.AmountMinor = 1_000_050 }), bad, "amount.not_multiple", "amountMinor"},
		refusal{"a quote above the legal term", w.newPhone(), asks("/v1/quotes", quoteBody("termMonths", "72")), bad, "term.above_legal_maximum.R34", "termMonths"},
	)
	t.Run("who may not borrow yet", func(t *testing.T) { notYet(t, w, b) })
	t.Run("an old man is refused by a rule", func(t *testing.T) { rejectedByRule(t, w) })
	t.Run("an emulator is refused without telling why", func(t *testing.T) { rejectedInSilence(t, w) })
	t.Run("more than the limit", func(t *testing.T) { aboveTheLimit(t, w, b) })
}

// notYet are people who still lack something.
func notYet(t *testing.T, w *world, known *borrower) {
	young := w.stranger(t, 17)
	young.register(t)
	young.agree(t, "identity", "card", "credit_query")
	card := func(b *borrower) call {
		return asks("/v1/cards", jsonOf(&userv1.BindCardRequest{Name: b.Name, IdNo: b.IDNo, CardNo: b.card(), BankMobile: b.Mobile, IdempotencyKey: b.key("card")}))
	}
	silent := w.stranger(t, 30)
	silent.register(t)
	silent.cardID = known.cardID // any number; he never comes so far
	w.refuse(t,
		refusal{"a person under age", young.phone, card(young), notNow, "user.under_age", "idNo"},
		refusal{"a card without the consent to check it", silent.phone, card(silent), notNow, "user.consent_missing", "identity_authorisation"},
		refusal{"a loan for somebody unknown", silent.phone, asks("/v1/applications", jsonOf(silent.wish(500_000, 6))), notNow, "applicant.not_identified", ""},
	)
	silent.agree(t, "identity", "card")
	silent.bindCard(t)
	w.refuse(t, refusal{"a loan without the consent to a credit enquiry", silent.phone, asks("/v1/applications", jsonOf(silent.wish(500_000, 6))), notNow, "consent.missing.credit_query", ""})

	foreign := w.person(t, 40)
	second := known.stateCard(t, &userv1.BindCardRequest{CardNo: foreign.Cards[0].CardNo, BankMobile: known.Mobile, IdempotencyKey: known.key("foreign-card")})
	if second.GetState() != userv1.CheckState_CHECK_STATE_REFUSED || second.GetReason() != "mismatch" {
		t.Errorf("another's card is %s (%s)", second.GetState(), second.GetReason())
	}
	wish := known.wish(500_000, 6)
	wish.CardId = second.GetCardId()
	w.refuse(t, refusal{"a loan to a card that was refused", known.phone, asks("/v1/applications", jsonOf(wish)), bad, "card.unknown", "cardId"})
	w.sandbox.letFail(t, "bureau", map[string]any{"kind": "busy", "count": 1000})
	third, err := known.users.BindCard(t.Context(), &userv1.BindCardRequest{CardNo: w.person(t, 40).Cards[0].CardNo, BankMobile: known.Mobile, IdempotencyKey: known.key("slow-card")})
	if err != nil || third.GetState() != userv1.CheckState_CHECK_STATE_CHECKING {
		t.Errorf("while the bureau is busy the card is %s: %v", third.GetState(), err)
	}
	wish.CardId = third.GetCardId()
	w.refuse(t, refusal{"a loan to a card that is still being checked", known.phone, asks("/v1/applications", jsonOf(wish)), notNow, "card.not_verified", "cardId"})
	w.sandbox.makeWell(t, "bureau")

	liar := w.stranger(t, 33)
	liar.register(t)
	liar.agree(t, "identity", "card", "credit_query")
	got := liar.stateCard(t, &userv1.BindCardRequest{Name: "王" + liar.Name, IdNo: liar.IDNo, CardNo: liar.card(), BankMobile: liar.Mobile, IdempotencyKey: liar.key("lie")})
	if got.GetState() != userv1.CheckState_CHECK_STATE_REFUSED {
		t.Errorf("a wrong name was %s", got.GetState())
	}
	liar.cardID = got.GetCardId()
	w.refuse(t, refusal{"a loan for somebody whose name is another", liar.phone, asks("/v1/applications", jsonOf(liar.wish(500_000, 6))), notNow, "applicant.not_identified", ""})
}

// rejectedByRule: the borrower reads the rule that refused him, in both languages, and not what is internal.
func rejectedByRule(t *testing.T, w *world) {
	b := w.borrowerOf(t, 65)
	app := b.apply(t, b.wish(500_000, 6))
	if app.GetState() != "REJECTED" || app.GetRetryOn() == "" {
		t.Fatalf("the application is %s, another try on %q", app.GetState(), app.GetRetryOn())
	}
	if len(app.GetReasons()) != 1 || app.GetReasons()[0].GetCode() != "admission.age" {
		t.Fatalf("the reasons shown are %v", app.GetReasons())
	}
	if r := app.GetReasons()[0]; !chinese(r.GetSentenceZh()) || chinese(r.GetSentenceEn()) || r.GetSentenceEn() == "" {
		t.Errorf("the reason reads %q and %q", r.GetSentenceZh(), r.GetSentenceEn())
	}
	b.hasMessages(t, "application.rejected")
	w.fileShows(t, b, "admission.age")
	if limit := b.limit(t); limit.GetTotalMinor() != 0 || limit.GetFrozenMinor() != 0 {
		t.Errorf("a refused applicant has a limit: %v", limit)
	}
}

// rejectedInSilence: who is refused for internal reasons alone is told that he is refused.
func rejectedInSilence(t *testing.T, w *world) {
	b := w.borrower(t)
	wish := b.wish(500_000, 6)
	wish.Device.Emulator = true
	app := b.apply(t, wish)
	if app.GetState() != "REJECTED" || len(app.GetReasons()) != 1 || app.GetReasons()[0].GetCode() != "decision.general" {
		t.Errorf("the application is %s, because of %v", app.GetState(), app.GetReasons())
	}
	for _, path := range []string{"/v1/applications", "/v1/messages"} {
		if got := b.rest(t, looks(path)); strings.Contains(string(got.body), "emulator") || strings.Contains(string(got.body), "模拟器") {
			t.Errorf("%s tells the internal reason", path)
		}
	}
	w.fileShows(t, b, "fraud.emulator")
}

// fileShows: the lender's staff see every reason.
func (w *world) fileShows(t testing.TB, b *borrower, code string) {
	t.Helper()
	file, err := w.hired(t, "reviewer").loans.GetApplication(t.Context(), &loanv1.StaffGetApplicationRequest{ApplicationId: b.applicationID})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(file.GetReasons(), func(r *loanv1.DecisionReason) bool { return r.GetCode() == code }) {
		t.Errorf("the file does not show %s: %v", code, file.GetReasons())
	}
}

// aboveTheLimit: the limit of the first decision bounds the second loan; one application at a time.
func aboveTheLimit(t *testing.T, w *world, b *borrower) {
	b.apply(t, b.wish(1_000_000, 12))
	again := b.wish(1_000_000, 12)
	again.IdempotencyKey = b.key("apply-again")
	w.refuse(t, refusal{"a second application while one is open", b.phone, asks("/v1/applications", jsonOf(again)), notNow, "application.open_exists", ""})
	b.sign(t)
	b.loanIn(t, "REPAYING")
	limit := b.limit(t)
	if limit.GetAvailableMinor() != limit.GetTotalMinor()-1_000_000 {
		t.Fatalf("of a limit of %d, %d are free after 1,000,000 were lent", limit.GetTotalMinor(), limit.GetAvailableMinor())
	}
	again.AmountMinor = limit.GetAvailableMinor() + 100
	again.IdempotencyKey = b.key("apply-too-much")
	w.refuse(t, refusal{fmt.Sprintf("more than the limit of %d", limit.GetTotalMinor()), b.phone, asks("/v1/applications", jsonOf(again)), notNow, "limit.insufficient", "amountMinor"})
}

// theReviews: what the machine hands over is decided by a reviewer, within what was asked; the borrower reads the reviewer's reason.
func theReviews(t *testing.T, w *world) {
	desk := w.hired(t, "reviewer")
	lucky, unlucky := w.borrower(t), w.borrower(t)
	for _, b := range []*borrower{lucky, unlucky} {
		wish := b.wish(800_000, 12)
		wish.Device.Rooted = true
		if app := b.apply(t, wish); app.GetState() != "MANUAL_REVIEW" || len(app.GetReasons()) > 0 {
			t.Fatalf("the application is %s, and shows %v", app.GetState(), app.GetReasons())
		}
	}
	path := func(b *borrower) string { return fmt.Sprintf("/v1/staff/reviews/%d/decision", b.applicationID) }
	decision := func(b *borrower, key string, change func(*loanv1.DecideReviewRequest)) call {
		req := &loanv1.DecideReviewRequest{Outcome: "approve", AmountMinor: 800_000, Note: "phoned, device explained", IdempotencyKey: b.key(key)}
		change(req)
		return asks(path(b), jsonOf(req))
	}
	w.refuse(t,
		refusal{"a decision by somebody who did not take it", desk.phone, decision(lucky, "unclaimed", func(*loanv1.DecideReviewRequest) {}), notNow, "task.not_yours", ""},
		refusal{"a decision by finance", w.hired(t, "finance").phone, decision(lucky, "finance", func(*loanv1.DecideReviewRequest) {}), notAllowed, "rpc.not_allowed", ""},
	)
	for _, b := range []*borrower{lucky, unlucky} {
		review, err := desk.loans.ClaimReview(t.Context(), &loanv1.ClaimReviewRequest{ApplicationId: b.applicationID})
		if err != nil {
			t.Fatal(err)
		}
		if review.GetStated().GetHousing() != "own" || review.GetCustomer().GetNameMasked() == "" || review.GetCustomer().GetNameMasked() == b.Name {
			t.Errorf("the reviewer does not see what he needs, or too much: %v", review.GetCustomer())
		}
	}
	w.refuse(t,
		refusal{"more than was asked for", desk.phone, decision(lucky, "more", func(r *loanv1.DecideReviewRequest) { r.AmountMinor = 900_000 }), bad, "review.above_asked", "amountMinor"},
		refusal{"an approval without amount", desk.phone, decision(lucky, "none", func(r *loanv1.DecideReviewRequest) { r.AmountMinor = 0 }), bad, "review.amount_missing", "amountMinor"},
		refusal{"a refusal without reason", desk.phone, decision(unlucky, "why", func(r *loanv1.DecideReviewRequest) { r.Outcome, r.AmountMinor = "reject", 0 }), bad, "review.reason_missing", "reason"},
	)
	decide := func(b *borrower, req *loanv1.DecideReviewRequest) {
		req.ApplicationId, req.Note, req.IdempotencyKey = b.applicationID, "decided by a person", b.key("review")
		if _, err := desk.loans.DecideReview(t.Context(), req); err != nil {
			t.Fatal(err)
		}
	}
	decide(lucky, &loanv1.DecideReviewRequest{Outcome: "approve", AmountMinor: 500_000})
	decide(unlucky, &loanv1.DecideReviewRequest{Outcome: "reject", Reason: "review.affordability"})
	if app := lucky.decided(t); app.GetState() != "APPROVED" || app.GetApprovedMinor() != 500_000 || lucky.limit(t).GetFrozenMinor() != 500_000 {
		t.Errorf("the approved application is %s over %d", app.GetState(), app.GetApprovedMinor())
	}
	lucky.sign(t)
	if loan := lucky.loanIn(t, "REPAYING"); loan.GetPrincipalMinor() != 500_000 {
		t.Errorf("paid out were %d", loan.GetPrincipalMinor())
	}
	if app := unlucky.decided(t); app.GetState() != "REJECTED" || len(app.GetReasons()) != 1 || app.GetReasons()[0].GetCode() != "review.affordability" {
		t.Errorf("the refused application is %s because of %v", app.GetState(), app.GetReasons())
	}
}
