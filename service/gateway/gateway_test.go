package gateway_test

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/hengdai/hengdai/kit/config"
	"github.com/hengdai/hengdai/kit/rpc"
	"github.com/hengdai/hengdai/service/gateway"
)

func TestRESTAndConnectReachTheSameMethod(t *testing.T) {
	w := newWorld(t, nil)
	for name, a := range map[string]answer{
		"REST":    w.ask(t, "POST", "/v1/quotes", goodQuote),
		"Connect": w.ask(t, "POST", "/loan.v1.Public/Quote", goodQuote),
	} {
		if a.status != 200 || !strings.Contains(a.body, `"product":"cash"`) || !strings.Contains(a.body, `"productVersion":0`) {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
	if a := w.ask(t, "GET", "/v1/loans/12?", "", "Authorization", bearer(borrowerToken)); a.status != 200 || !strings.Contains(a.body, `"loanId":"12"`) {
		t.Errorf("path parameter: %d %s", a.status, a.body)
	}
	if a := w.ask(t, "GET", "/v1/loans?pageSize=3&pageToken=abc", "", "Authorization", bearer(borrowerToken)); a.status != 200 || !strings.Contains(a.body, `"nextPageToken":"abc"`) {
		t.Errorf("query: %d %s", a.status, a.body)
	}
	if a := w.ask(t, "GET", "/v1/server", ""); a.status != 200 || !strings.Contains(a.body, `"profile":"sandbox"`) || !strings.Contains(a.body, `"version":"test"`) {
		t.Errorf("server: %d %s", a.status, a.body)
	}
}

func TestAServiceSeesTheCheckedPrincipalAndNothingElse(t *testing.T) {
	w := newWorld(t, nil)
	forged, err := w.net.Tokens("gateway").Issue("loan", rpc.Principal{Kind: rpc.Borrower, ID: 999})
	if err != nil {
		t.Fatal(err)
	}
	a := w.askFrom(t, "127.7.8.9", "POST", "/v1/quotes", goodQuote, "Hengdai-Principal", forged, "X-Forwarded-For", "10.9.9.9", "Forwarded", "for=10.9.9.9",
		"Hengdai-Device", "pixel-7:ab12", "Accept-Language", "en-US")
	if got := w.principal(); a.status != 200 || got.Kind != rpc.Anonymous || got.ID != 0 || got.IP != "127.7.8.9" || got.DeviceToken != "pixel-7:ab12" || w.language != "en" {
		t.Fatalf("%d %+v %s", a.status, got, w.language)
	}
	w.ask(t, "POST", "/v1/quotes", goodQuote, "Authorization", bearer(borrowerToken), "Hengdai-Principal", forged, "Hengdai-Device", "bad device\t!")
	if got := w.principal(); got.Kind != rpc.Borrower || got.ID != 77 || got.SessionID != 5 || got.DeviceToken != "" {
		t.Fatalf("%+v", got)
	}
	w.ask(t, "POST", "/loan.v1.Public/Quote", goodQuote, "Cookie", "hengdai_session="+staffToken)
	if got := w.principal(); got.Kind != rpc.Staff || !got.HasRole("operator") {
		t.Fatalf("%+v", got)
	}
}

func TestATrustedProxyIsBelievedAndOnlyAsFarAsItGoes(t *testing.T) {
	w := newWorld(t, func(d *gateway.Deps) { d.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")} })
	for header, want := range map[string]string{
		"203.0.113.5":                       "203.0.113.5",
		"198.51.100.1, 203.0.113.5":         "203.0.113.5",
		"203.0.113.5, 127.0.0.9":            "203.0.113.5",
		"203.0.113.5, not an address":       "127.0.0.1",
		"203.0.113.5, ::ffff:198.51.100.77": "198.51.100.77",
	} {
		if a := w.ask(t, "POST", "/v1/quotes", goodQuote, "X-Forwarded-For", header); a.status != 200 || w.principal().IP != want {
			t.Errorf("%s: %d %+v", header, a.status, w.principal())
		}
	}
}

func TestEveryKindOfBadInputIsAnsweredWithTheFieldAndASentence(t *testing.T) {
	w := newWorld(t, nil)
	with := func(body string) string { return strings.Replace(goodQuote, `"termMonths":12`, body, 1) }
	for name, c := range map[string]struct {
		method, path, body            string
		status                        int
		reason, field, english, token string
	}{
		"broken JSON":          {"POST", "/v1/quotes", `{"product":`, 400, "request.broken", "", "The request cannot be read.", ""},
		"a fraction of a cent": {"POST", "/v1/quotes", `{"amountMinor":100.5}`, 400, "request.fraction", "amountMinor", "amountMinor must be a whole number (amounts are in cents); fractions are not allowed.", ""},
		"a text for a number":  {"POST", "/v1/quotes", with(`"termMonths":"soon"`), 400, "request.wrong_type", "termMonths", "termMonths must be a whole number.", ""},
		"an unknown field":     {"POST", "/v1/quotes", `{"sum":1}`, 400, "request.unknown_field", "sum", "The request has a field sum that is not known.", ""},
		"beyond a limit":       {"POST", "/v1/quotes", with(`"termMonths":601`), 400, "request.out_of_range", "termMonths", "termMonths must be greater than 0 and at most 600.", ""},
		"a wrong form":         {"POST", "/v1/quotes", strings.Replace(goodQuote, "cash", "CASH", 1), 400, "request.format", "product", "product does not have the right form.", ""},
		"a missing field":      {"POST", "/v1/quotes", `{}`, 400, "request.too_short", "product", "product needs at least 1 characters.", ""},
		"an id that is none":   {"GET", "/v1/loans/abc", "", 400, "request.wrong_type", "loanId", "The parameter loanId is not right.", borrowerToken},
		"a fraction of an id":  {"GET", "/v1/loans/1.5", "", 400, "request.wrong_type", "loanId", "The parameter loanId is not right.", borrowerToken},
		"an unknown parameter": {"GET", "/v1/loans?nope=1", "", 400, "request.unknown_field", "nope", "The request has a parameter nope that is not known.", borrowerToken},
		"an id out of range":   {"GET", "/v1/loans/-1", "", 400, "request.out_of_range", "loanId", "loanId must be greater than 0.", borrowerToken},
		"an unknown id":        {"GET", "/v1/loans/404", "", 404, "loan.not_found", "", "There is no such loan.", borrowerToken},
		"an unknown path":      {"GET", "/v1/nothing", "", 404, "gateway.unknown_path", "", "There is nothing at this address.", ""},
		"another unknown path": {"POST", "/admin.php", "x=1", 404, "gateway.unknown_path", "", "There is nothing at this address.", ""},
		"a wrong verb":         {"PUT", "/v1/quotes", goodQuote, 405, "gateway.method_not_allowed", "", "This address does not take that HTTP method.", ""},
		"no session":           {"GET", "/v1/loans/1", "", 401, "rpc.sign_in", "", "Please sign in.", ""},
		"an expired session":   {"GET", "/v1/loans/1", "", 401, "session.expired", "", "Your session has ended; please sign in again.", expiredToken},
		"a token that is none": {"GET", "/v1/loans/1", "", 401, "session.expired", "", "Your session has ended; please sign in again.", "x"},
		"another's door":       {"GET", "/v1/staff/travel", "", 403, "rpc.not_allowed", "", "You may not do this.", borrowerToken},
		"a list for an object": {"POST", "/v1/quotes", `[]`, 400, "request.wrong_type", "", "The request must be an object.", ""},
	} {
		headers := []string{"Accept-Language", "en"}
		if c.token != "" {
			headers = append(headers, "Authorization", bearer(c.token))
		}
		a := w.ask(t, c.method, c.path, c.body, headers...)
		p := a.problem(t)
		if a.status != c.status || p.Reason != c.reason || p.Field != c.field || p.Message != c.english || len(p.TraceID) != 32 {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
		if zh := w.ask(t, c.method, c.path, c.body, append(headers, "Accept-Language", "zh-CN")...).problem(t); zh.Reason != c.reason || zh.Message == c.english || zh.Message == "" {
			t.Errorf("%s: not Chinese: %+v", name, zh)
		}
	}
}

// A body that the transcoder cannot decode looks to a service like an empty one: without care it would be served.
func TestWhatCannotBeReadNeverReachesAService(t *testing.T) {
	w := newWorld(t, nil)
	for name, ask := range map[string]func() answer{
		"broken":               func() answer { return w.ask(t, "POST", "/v1/quotes", `{"product":`) },
		"a fraction":           func() answer { return w.ask(t, "POST", "/v1/quotes", `{"amountMinor":1.5}`) },
		"an unknown field":     func() answer { return w.ask(t, "POST", "/v1/quotes", `{"nope":1}`) },
		"a wrong id":           func() answer { return w.ask(t, "GET", "/v1/loans/x", "", "Authorization", bearer(borrowerToken)) },
		"an unknown parameter": func() answer { return w.ask(t, "GET", "/v1/loans?x=1", "", "Authorization", bearer(borrowerToken)) },
	} {
		w.reached.Store(0)
		if a := ask(); a.status != 400 || w.reached.Load() != 0 {
			t.Errorf("%s: %d, and %d requests reached the service", name, a.status, w.reached.Load())
		}
	}
	w.reached.Store(0)
	if a := w.ask(t, "POST", "/v1/quotes", goodQuote); a.status != 200 || w.reached.Load() != 1 {
		t.Errorf("a good one: %d, %d", a.status, w.reached.Load())
	}
}

func TestAnExpiredSessionStillLetsAPersonIn(t *testing.T) {
	w := newWorld(t, nil)
	if a := w.ask(t, "POST", "/v1/quotes", goodQuote, "Authorization", bearer(expiredToken)); a.status != 200 || w.principal().Kind != rpc.Anonymous {
		t.Fatalf("%d %s", a.status, a.body)
	}
}

func TestAnErrorOnAConnectPathIsConnects(t *testing.T) {
	w := newWorld(t, nil)
	for path, want := range map[string]struct {
		status int
		text   string
	}{
		"/loan.v1.Public/GetLoan": {401, `"code":"unauthenticated"`},
		"/loan.v1.Public/Quote":   {400, `"code":"invalid_argument","message":"product needs at least 1 characters."`},
	} {
		if a := w.ask(t, "POST", path, `{}`, "Accept-Language", "en"); a.status != want.status || !strings.Contains(a.body, want.text) || !strings.Contains(a.body, "rpc.v1.ErrorDetail") {
			t.Errorf("%s: %d %s", path, a.status, a.body)
		}
	}
}

func TestInternalServicesHaveNoWayIn(t *testing.T) {
	w := newWorld(t, nil)
	for _, path := range []string{"/user.v1.Internal/Authenticate", "/loan.v1.Internal/GetLoan", "/control.v1.Control/Advance", "/log.v1.Other/Read"} {
		if a := w.ask(t, "POST", path, `{}`, "Authorization", bearer(staffToken)); a.status != 404 {
			t.Errorf("%s: %d %s", path, a.status, a.body)
		}
	}
	// Even if a table named it, the method's own option holds.
	if a := w.ask(t, "POST", "/log.v1.Log/Heads", `{}`, "Authorization", bearer(staffToken)); a.status == 200 {
		t.Errorf("log: %d %s", a.status, a.body)
	}
	for _, table := range [][]string{{"user.v1.Internal"}, {"control.v1.Control"}, {"loan.v9.Public"}} {
		if err := newWith(t, table); err == nil {
			t.Errorf("%v was taken", table)
		}
	}
}

func TestAnOversizeBodyIsRefusedHoweverItIsSent(t *testing.T) {
	w := newWorld(t, func(d *gateway.Deps) { d.Limits.MaxBodyBytes = 2000 })
	big := `{"product":"` + strings.Repeat("x", 3000) + `"}`
	if a := w.ask(t, "POST", "/v1/quotes", big); a.status != 413 || a.problem(t).Reason != "request.too_large" {
		t.Errorf("stated: %d %s", a.status, a.body)
	}
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, w.base+"/v1/quotes", struct{ *strings.Reader }{strings.NewReader(big)})
	req.ContentLength = -1
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("chunked: %d", resp.StatusCode)
	}
	if a := w.ask(t, "POST", "/callbacks/payment/alpha", big); a.status != 413 {
		t.Errorf("callback: %d %s", a.status, a.body)
	}
}

func TestOnlyJSONIsTaken(t *testing.T) {
	w := newWorld(t, nil)
	for _, kind := range []string{"text/plain", "application/x-www-form-urlencoded", "application/grpc", "application/connect+json", "application/proto", "application/octet-stream"} {
		if a := w.ask(t, "POST", "/v1/quotes", goodQuote, "Content-Type", kind); a.status != 415 || a.problem(t).Reason != "gateway.content_type" {
			t.Errorf("%s: %d %s", kind, a.status, a.body)
		}
	}
	if a := w.ask(t, "POST", "/v1/quotes", goodQuote, "Content-Type", "application/json; charset=utf-8"); a.status != 200 {
		t.Errorf("%d %s", a.status, a.body)
	}
}

func TestAnAddressIsLimitedAndToldWhenToComeAgain(t *testing.T) {
	w := newWorld(t, func(d *gateway.Deps) { d.Limits.Anonymous = config.Rate{PerMinute: 6, Burst: 3} })
	for i := range 3 {
		if a := w.ask(t, "POST", "/v1/quotes", goodQuote); a.status != 200 {
			t.Fatalf("request %d: %d %s", i, a.status, a.body)
		}
	}
	a := w.ask(t, "POST", "/v1/quotes", goodQuote, "Accept-Language", "en")
	if a.status != 429 || a.problem(t).Code != "exhausted" || a.header.Get("Retry-After") != "10" || a.problem(t).Message != "Too many requests; please try again later." {
		t.Fatalf("%d %s %v", a.status, a.body, a.header)
	}
	if a := w.ask(t, "POST", "/loan.v1.Public/Quote", goodQuote); a.status != 429 || a.header.Get("Retry-After") == "" {
		t.Errorf("Connect: %d %v", a.status, a.header)
	}
	if a := w.askFrom(t, "127.44.5.6", "POST", "/v1/quotes", goodQuote); a.status != 200 {
		t.Errorf("another address: %d", a.status)
	}
	if a := w.ask(t, "POST", "/v1/quotes", goodQuote, "X-Forwarded-For", "10.1.2.3"); a.status != 429 {
		t.Errorf("a header made a new address: %d", a.status)
	}
	if a := w.ask(t, "POST", "/v1/quotes", goodQuote, "Authorization", bearer(borrowerToken)); a.status != 200 {
		t.Errorf("a person counts for himself: %d", a.status)
	}
}

func TestAPersonASignInAndAnAddressEachHaveTheirLimit(t *testing.T) {
	one := config.Rate{PerMinute: 1, Burst: 1}
	w := newWorld(t, func(d *gateway.Deps) { d.Limits.Borrower, d.Limits.SignIn = one, one })
	for i, want := range []int{200, 429} {
		if a := w.askFrom(t, "127.3.3."+string(rune('1'+i)), "GET", "/v1/loans/1", "", "Authorization", bearer(borrowerToken)); a.status != want {
			t.Errorf("person, request %d: %d", i, a.status)
		}
	}
	body := `{"mobile":"12900000001","purpose":"login","idempotencyKey":"12345678"}`
	w.ask(t, "POST", "/v1/codes", body)
	if a := w.ask(t, "POST", "/v1/codes", body); a.status != 429 {
		t.Errorf("sign-in: %d %s", a.status, a.body)
	}
	flood := newWorld(t, func(d *gateway.Deps) { d.Limits.Address = one })
	flood.ask(t, "GET", "/nothing", "")
	if a := flood.ask(t, "GET", "/v1/server", ""); a.status != 429 {
		t.Errorf("address: %d", a.status)
	}
}

func TestASessionIsRememberedForSecondsAndForgottenAtOnceWhenRevoked(t *testing.T) {
	w := newWorld(t, nil)
	ask := func() int { return w.ask(t, "GET", "/v1/loans/1", "", "Authorization", bearer(borrowerToken)).status }
	for range 5 {
		if status := ask(); status != 200 {
			t.Fatal(status)
		}
	}
	w.mu.Lock()
	asked := w.asked
	w.mu.Unlock()
	if asked != 1 {
		t.Errorf("user was asked %d times", asked)
	}
	w.revoked <- 4 // somebody else's
	w.revoked <- 5
	for until := time.Now().Add(2 * time.Second); ask() != 401; {
		if time.Now().After(until) {
			t.Fatal("a revoked session still works")
		}
	}
	if a := w.ask(t, "GET", "/v1/staff/travel", "", "Authorization", bearer(staffToken)); a.status != 200 {
		t.Errorf("another session ended too: %d %s", a.status, a.body)
	}
}

func TestWhenUserIsDownASessionIsNotTakenForNobody(t *testing.T) {
	w := newWorld(t, nil)
	w.down = true
	a := w.ask(t, "POST", "/v1/quotes", goodQuote, "Authorization", bearer(borrowerToken), "Accept-Language", "en")
	if a.status != 503 || a.problem(t).Reason != "gateway.peer_unavailable" {
		t.Fatalf("%d %s", a.status, a.body)
	}
}

func TestABrowsersCookieIsNotTakenFromAnotherSite(t *testing.T) {
	w := newWorld(t, nil)
	cookie := []string{"Cookie", gateway.SessionCookie + "=" + borrowerToken}
	if a := w.ask(t, "POST", "/v1/quotes", goodQuote, append(cookie, "Sec-Fetch-Site", "cross-site")...); a.status != 403 || a.problem(t).Reason != "gateway.cross_site" {
		t.Errorf("%d %s", a.status, a.body)
	}
	if a := w.ask(t, "POST", "/v1/quotes", goodQuote, append(cookie, "Sec-Fetch-Site", "same-origin")...); a.status != 200 || w.principal().ID != 77 {
		t.Errorf("%d %s", a.status, a.body)
	}
}
