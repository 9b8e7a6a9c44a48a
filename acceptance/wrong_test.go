package acceptance

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	loanv1 "github.com/hengdai/hengdai/api/loan/v1"
	userv1 "github.com/hengdai/hengdai/api/user/v1"
)

const (
	bad        = http.StatusBadRequest
	notAllowed = http.StatusForbidden
	notNow     = http.StatusUnprocessableEntity
	gone       = http.StatusNotFound
	clash      = http.StatusConflict
	who        = http.StatusUnauthorized
)

// quoteBody is a good request for a quote, with one field written as given.
func quoteBody(field, value string) string {
	fields := map[string]string{"product": `"consumer-cash"`, "amountMinor": "100000", "termMonths": "12", "method": `"equal_instalment"`}
	fields[field] = value
	var parts []string
	for name, v := range fields {
		parts = append(parts, fmt.Sprintf("%q: %s", name, v))
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

// theWrongRequests are what people and programs send by mistake, or not by mistake.
func theWrongRequests(t *testing.T, w *world) {
	b := w.borrower(t)
	anyone, finance := w.newPhone(), w.hired(t, "finance")
	quote := func(field, value string) call { return asks("/v1/quotes", quoteBody(field, value)) }
	w.refuse(t,
		refusal{"a fraction of a cent", anyone, quote("amountMinor", "100000.5"), bad, "request.fraction", "amountMinor"},
		refusal{"a fraction of a cent as text", anyone, quote("amountMinor", `"100000.01"`), bad, "request.fraction", "amountMinor"},
		refusal{"an amount of nothing", anyone, quote("amountMinor", "0"), bad, "request.out_of_range", "amountMinor"},
		refusal{"an amount below nothing", anyone, quote("amountMinor", "-100"), bad, "request.out_of_range", "amountMinor"},
		refusal{"an amount above all limits", anyone, quote("amountMinor", "100000000001"), bad, "request.out_of_range", "amountMinor"},
		refusal{"an amount that no integer holds", anyone, quote("amountMinor", `"99999999999999999999"`), bad, "request.out_of_range", "amountMinor"},
		refusal{"an amount that is no number", anyone, quote("amountMinor", `"much"`), bad, "request.wrong_type", "amountMinor"},
		refusal{"an amount that is true", anyone, quote("amountMinor", "true"), bad, "request.wrong_type", "amountMinor"},
		refusal{"a term that no integer holds", anyone, quote("termMonths", "4294967297"), bad, "request.out_of_range", "termMonths"},
		refusal{"a product with a forbidden character", anyone, quote("product", `"Consumer Cash"`), bad, "request.format", "product"},
		refusal{"a field that nobody knows", anyone, quote("colour", `"red"`), bad, "request.unknown_field", "colour"},
		refusal{"a parameter that nobody knows", b.phone, looks("/v1/loans?colour=red"), bad, "request.unknown_field", "colour"},
		refusal{"broken JSON", anyone, asks("/v1/quotes", `{"amountMinor": 1`), bad, "request.broken", ""},
		refusal{"two bodies", anyone, asks("/v1/quotes", quoteBody("termMonths", "12")+"{}"), bad, "request.broken", ""},
		refusal{"a list for an object", anyone, asks("/v1/quotes", `[1]`), bad, "request.wrong_type", ""},
		refusal{"a body that is too large", anyone, asks("/v1/quotes", `{"product":"`+strings.Repeat("x", 1<<20)+`"}`), http.StatusRequestEntityTooLarge, "request.too_large", ""},
		refusal{"a body that is no JSON", anyone, call{method: http.MethodPost, path: "/v1/quotes", body: "a=1", header: map[string]string{"Content-Type": "application/x-www-form-urlencoded"}}, http.StatusUnsupportedMediaType, "gateway.content_type", ""},
		refusal{"a path that is not there", anyone, looks("/v1/treasure"), gone, "gateway.unknown_path", ""},
		refusal{"a path outside of the API", anyone, looks("/etc/passwd"), gone, "gateway.unknown_path", ""},
		refusal{"a method that the path does not take", anyone, call{method: http.MethodDelete, path: "/v1/quotes"}, http.StatusMethodNotAllowed, "gateway.method_not_allowed", ""},
		refusal{"an id that is no number", b.phone, looks("/v1/loans/mine"), bad, "request.wrong_type", "loanId"},
		refusal{"an id of nothing", b.phone, looks("/v1/loans/0"), bad, "request.out_of_range", "loanId"},
		refusal{"a page that is too long", b.phone, looks("/v1/loans?pageSize=201"), bad, "request.out_of_range", "pageSize"},
		refusal{"a page token that nobody gave", b.phone, looks("/v1/applications?pageToken=xyz"), bad, "page_token.invalid", "pageToken"},
		refusal{"no session", anyone, looks("/v1/me"), who, "rpc.sign_in", ""},
		refusal{"a date that does not exist", finance.phone, looks("/v1/staff/reports/trial-balance?asOf=2026-02-30"), bad, "request.no_such_date", "asOf"},
		refusal{"a date written another way", finance.phone, looks("/v1/staff/reports/trial-balance?asOf=30.01.2026"), bad, "request.date", "asOf"},
		refusal{"a date to travel to that does not exist", w.hired(t, "operator").phone, asks("/v1/staff/travel", `{"toDate":"2031-02-29"}`), bad, "request.no_such_date", "toDate"},
	)
	w.refuse(t, wrongForms(b)...)
}

// wrongForms are forms filled in wrongly by somebody who may send them.
func wrongForms(b *borrower) []refusal {
	form := func(change func(*loanv1.ApplyRequest)) call {
		req := b.wish(1_000_000, 12)
		change(req)
		return asks("/v1/applications", jsonOf(req))
	}
	card := func(change func(*userv1.BindCardRequest)) call {
		req := &userv1.BindCardRequest{Name: b.Name, IdNo: b.IDNo, CardNo: b.card(), BankMobile: b.Mobile, IdempotencyKey: b.key("wrong-form")}
		change(req)
		return asks("/v1/cards", jsonOf(req))
	}
	code := map[string]any{"mobile": "1380013800", "purpose": "login", "idempotencyKey": b.key("wrong-code")}
	consent := map[string]any{"channel": "app", "consent": map[string]string{"document": "card_authorisation", "version": "1", "hash": strings.Repeat("0", 64)}}
	return []refusal{
		{"no idempotency key", b.phone, form(func(r *loanv1.ApplyRequest) { r.IdempotencyKey = "" }), bad, "request.too_short", "idempotencyKey"},
		{"an idempotency key without end", b.phone, form(func(r *loanv1.ApplyRequest) { r.IdempotencyKey = strings.Repeat("k", 65) }), bad, "request.too_long", "idempotencyKey"},
		{"no card", b.phone, form(func(r *loanv1.ApplyRequest) { r.CardId = 0 }), bad, "request.out_of_range", "cardId"},
		{"a stated class that is not in the form", b.phone, form(func(r *loanv1.ApplyRequest) { r.Stated.Housing, r.IdempotencyKey = "castle", b.key("castle") }), bad, "request.not_allowed", "stated.housing"},
		{"a stated number that is not in the form", b.phone, form(func(r *loanv1.ApplyRequest) { r.Stated.InstallmentRate = 7 }), bad, "request.out_of_range", "stated.installmentRate"},
		{"a stated income below nothing", b.phone, form(func(r *loanv1.ApplyRequest) { r.Stated.IncomeMinor = -1 }), bad, "request.out_of_range", "stated.incomeMinor"},
		{"a mobile with ten digits", b.phone, asks("/v1/codes", code), bad, "request.format", "mobile"},
		{"a consent to a text that was never shown", b.phone, asks("/v1/consents", consent), bad, "user.document_unknown", "consent"},
		{"an ID number with a wrong check digit", b.phone, card(func(r *userv1.BindCardRequest) { r.IdNo = misread(b.IDNo) }), bad, "user.id_no_invalid", "idNo"},
		{"a card number with a wrong check digit", b.phone, card(func(r *userv1.BindCardRequest) { r.CardNo = misread(b.card()) }), bad, "user.card_no_invalid", "cardNo"},
		{"an ID number born on a day that does not exist", b.phone, card(func(r *userv1.BindCardRequest) { r.IdNo = "990000199002300018" }), bad, "user.id_no_invalid", "idNo"},
	}
}

// misread changes the third digit from the end, so that the check digit is wrong.
func misread(number string) string {
	at := len(number) - 3
	digit := '0' + (number[at]-'0'+1)%10
	return number[:at] + string(rune(digit)) + number[at+1:]
}

// theOtherPerson: an id of somebody else is answered in every word like one that was never given out.
func theOtherPerson(t *testing.T, w *world) {
	owner, other := w.borrower(t), w.borrower(t)
	owner.borrow(t, 500_000, 6)
	w.sandbox.setBalance(t, owner.card(), ample)
	paid := owner.repayAsTried(t, "payoff")
	owner.hasMessages(t, "loan.paid_out")
	hash := strings.Repeat("a", 64)
	things := []struct {
		of     string
		id     int64
		method string
		path   string
		body   string
	}{
		{"a loan", owner.loanID, "GET", "/v1/loans/%d", ""},
		{"a plan", owner.loanID, "GET", "/v1/loans/%d/schedule", ""},
		{"a trial", owner.loanID, "GET", "/v1/loans/%d/trial?kind=payoff", ""},
		{"a repayment asked for", owner.loanID, "POST", "/v1/loans/%d/repayments", `{"kind":"payoff","idempotencyKey":"other-person"}`},
		{"a repayment", paid.GetRepaymentId(), "GET", "/v1/repayments/%d", ""},
		{"an application", owner.applicationID, "GET", "/v1/applications/%d", ""},
		{"a table of costs", owner.applicationID, "GET", "/v1/applications/%d/disclosure", ""},
		{"a confirmation", owner.applicationID, "POST", "/v1/applications/%d/disclosure/confirmation", `{"hash":"` + hash + `","shownAtMs":"1700000000000","readSeconds":10,"idempotencyKey":"other-person"}`},
		{"a contract", owner.applicationID, "GET", "/v1/applications/%d/contract", ""},
		{"a signature", owner.applicationID, "POST", "/v1/applications/%d/signature", `{"hash":"` + hash + `","idempotencyKey":"other-person"}`},
		{"a cancellation", owner.applicationID, "POST", "/v1/applications/%d/cancellation", "{}"},
		{"a card", owner.cardID, "GET", "/v1/cards/%d", ""},
		{"a card chosen", owner.cardID, "POST", "/v1/cards/%d/default", "{}"},
		{"a card taken away", owner.cardID, "DELETE", "/v1/cards/%d", ""},
		{"a session ended", owner.sessionID, "DELETE", "/v1/sessions/%d", ""},
		{"a message", owner.messageID(t), "POST", "/v1/messages/%d/read", "{}"},
	}
	for _, thing := range things {
		t.Run(thing.of, func(t *testing.T) {
			before := w.rows(t)
			ask := func(id int64, language string) answer {
				c := call{method: thing.method, path: fmt.Sprintf(thing.path, id), language: language}
				if thing.body != "" {
					c.body = thing.body
				}
				return other.rest(t, c)
			}
			for _, language := range []string{"zh", "en"} {
				theirs, nobodys := ask(thing.id, language), ask(thing.id+1024*4096, language)
				theirs.problem.TraceID, nobodys.problem.TraceID = "", ""
				if theirs.status != gone || theirs.problem != nobodys.problem || theirs.status != nobodys.status {
					t.Errorf("another's is answered %d %+v, nobody's %d %+v", theirs.status, theirs.problem, nobodys.status, nobodys.problem)
				}
				if chinese(theirs.problem.Message) != (language == "zh") {
					t.Errorf("in %q it says %q", language, theirs.problem.Message)
				}
			}
			w.unchanged(t, before)
		})
	}
	wish := other.wish(500_000, 6)
	wish.CardId = owner.cardID
	w.refuse(t, refusal{"a loan to another's card", other.phone, asks("/v1/applications", jsonOf(wish)), bad, "card.unknown", "cardId"})
	if me := owner.rest(t, looks("/v1/cards")); me.status != http.StatusOK || !strings.Contains(string(me.body), fmt.Sprint(owner.cardID)) {
		t.Error("the owner's card is not what it was")
	}
}
