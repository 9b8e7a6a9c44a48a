package gateway_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	_ "github.com/hengdai/hengdai/api/collection/v1" // its services are counted below
	loanv1 "github.com/hengdai/hengdai/api/loan/v1"
	"github.com/hengdai/hengdai/api/log/v1/logv1connect"
	_ "github.com/hengdai/hengdai/api/notify/v1"  // as above
	_ "github.com/hengdai/hengdai/api/payment/v1" // as above
	_ "github.com/hengdai/hengdai/api/report/v1"  // as above
	_ "github.com/hengdai/hengdai/api/risk/v1"    // as above
	"github.com/hengdai/hengdai/api/user/v1/userv1connect"
	"github.com/hengdai/hengdai/kit/clock"
	"github.com/hengdai/hengdai/kit/config"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/rpc/rpctest"
	"github.com/hengdai/hengdai/service/gateway"
)

// newWith tries to make a gateway with a table.
func newWith(t *testing.T, exposed []string) error {
	t.Helper()
	n := rpctest.New()
	peer := n.Peer("gateway", "user")
	_, err := gateway.New(gateway.Deps{
		Directory: n.Directory, Tokens: n.Tokens("gateway"), Telemetry: n.Telemetry, Clock: clock.New(nil), Profile: config.Sandbox,
		User:    userv1connect.NewInternalClient(peer.HTTP, peer.URL, peer.Options...),
		UserLog: logv1connect.NewLogClient(peer.HTTP, peer.URL, peer.Options...), Limits: config.Default().Limits, Exposed: exposed,
	})
	return err
}

func TestAMissingDependencyIsAnErrorAtStart(t *testing.T) {
	if _, err := gateway.New(gateway.Deps{}); err == nil {
		t.Fatal("an empty gateway was made")
	}
	if err := newWith(t, []string{"gateway.v1.Public"}); err != nil {
		t.Fatal(err)
	}
}

func TestTheTableNamesEveryPublicAndStaffServiceOfTheAPI(t *testing.T) {
	var found []string
	protoregistry.GlobalFiles.RangeFiles(func(f protoreflect.FileDescriptor) bool {
		for i := range f.Services().Len() {
			name := string(f.Services().Get(i).FullName())
			if strings.HasSuffix(name, ".v1.Public") || strings.HasSuffix(name, ".v1.Staff") {
				found = append(found, name)
			}
		}
		return true
	})
	slices.Sort(found)
	if table := slices.Sorted(slices.Values(gateway.Exposed)); !slices.Equal(found, table) {
		t.Fatalf("the API has %v\nthe table has %v", found, table)
	}
	if err := newWith(t, gateway.Exposed); err != nil { // no two methods share a REST path
		t.Fatal(err)
	}
}

func TestACallbackPassesByteForByteToItsOwner(t *testing.T) {
	w := newWorld(t, nil)
	a := w.ask(t, "POST", "/callbacks/payment/alpha?a=1&b=%20x", "txnAmt=1&signature=\x01\xff", "Content-Type", "application/x-www-form-urlencoded", "X-Signature", "abc==")
	if a.status != 200 || a.body != "abc==|application/x-www-form-urlencoded|alpha|a=1&b=%20x|txnAmt=1&signature=\x01\xff" || a.header.Get("X-Signature") != "answered" {
		t.Fatalf("%d %q", a.status, a.body)
	}
	for _, path := range []string{"/callbacks/payment/gamma", "/callbacks/loan/alpha", "/callbacks/", "/callbacks/payment/alpha/.."} {
		if a := w.ask(t, "POST", path, "x"); a.status != 404 {
			t.Errorf("%s: %d %s", path, a.status, a.body)
		}
	}
	if a := w.ask(t, "DELETE", "/callbacks/payment/alpha", ""); a.status != 405 {
		t.Errorf("delete: %d", a.status)
	}
	if a := w.ask(t, "POST", "/callbacks/notify/sms", "x"); a.status != 503 {
		t.Errorf("an owner that is not there: %d", a.status)
	}
}

func TestAPeerThatFailsIsLeftAloneAndComesBack(t *testing.T) {
	w := newWorld(t, nil)
	calls := 0
	w.quote = func(*loanv1.QuoteRequest) (*loanv1.QuoteResponse, error) {
		calls++
		return nil, errs.New(errs.Unavailable, "store.locked", "数据库忙。", "The database is busy.")
	}
	for range 30 {
		if a := w.ask(t, "POST", "/v1/quotes", goodQuote); a.status != 503 {
			t.Fatalf("%d %s", a.status, a.body)
		}
	}
	if calls >= 30 {
		t.Fatalf("the peer was called %d times", calls)
	}
	a := w.ask(t, "POST", "/v1/quotes", goodQuote, "Accept-Language", "en")
	if p := a.problem(t); p.Reason != "gateway.peer_unavailable" || !strings.Contains(p.Message, "does not answer") || a.header.Get("Retry-After") != "1" {
		t.Fatalf("%s %v", a.body, a.header)
	}
	if a := w.ask(t, "GET", "/v1/server", ""); a.status != 200 {
		t.Fatalf("another service is refused too: %d", a.status)
	}
	w.quote = nil
	for until := time.Now().Add(5 * time.Second); w.ask(t, "POST", "/v1/quotes", goodQuote).status != 200; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(until) {
			t.Fatal("the peer never came back")
		}
	}
}

func TestASlowMethodEndsInTime(t *testing.T) {
	w := newWorld(t, func(d *gateway.Deps) { d.Limits.RequestTimeout = config.Duration(100 * time.Millisecond) })
	w.quote = func(*loanv1.QuoteRequest) (*loanv1.QuoteResponse, error) {
		time.Sleep(300 * time.Millisecond)
		return &loanv1.QuoteResponse{}, nil
	}
	if a := w.ask(t, "POST", "/v1/quotes", goodQuote); a.status != 503 || a.problem(t).Reason != "rpc.deadline" {
		t.Fatalf("%d %s", a.status, a.body)
	}
}

func TestTooManyAtOnceAreTurnedAway(t *testing.T) {
	w := newWorld(t, func(d *gateway.Deps) { d.Limits.Concurrent = 1 })
	inside, leave := make(chan struct{}), make(chan struct{})
	w.quote = func(*loanv1.QuoteRequest) (*loanv1.QuoteResponse, error) {
		close(inside)
		<-leave
		return &loanv1.QuoteResponse{}, nil
	}
	first := make(chan int, 1)
	go func() { first <- w.ask(t, "POST", "/v1/quotes", goodQuote).status }()
	select {
	case <-inside:
	case status := <-first:
		t.Fatalf("the first one was answered %d", status)
	}
	a := w.ask(t, "GET", "/v1/loans/1", "", "Authorization", bearer(borrowerToken))
	if a.status != 503 || a.problem(t).Reason != "gateway.overloaded" || a.header.Get("Retry-After") != "1" {
		t.Errorf("%d %s", a.status, a.body)
	}
	close(leave)
	if status := <-first; status != 200 {
		t.Errorf("the first one: %d", status)
	}
}

func TestAPanicAndAForeignErrorAreOursAndSayNothing(t *testing.T) {
	w := newWorld(t, nil)
	for _, fail := range []func(*loanv1.QuoteRequest) (*loanv1.QuoteResponse, error){
		func(*loanv1.QuoteRequest) (*loanv1.QuoteResponse, error) { panic("at /secret/path") },
		func(*loanv1.QuoteRequest) (*loanv1.QuoteResponse, error) { return nil, errors.New("at /secret/path") },
	} {
		w.quote = fail
		if a := w.ask(t, "POST", "/v1/quotes", goodQuote); a.status != 500 || a.problem(t).Reason != "internal" || strings.Contains(a.body, "secret") {
			t.Errorf("%d %s", a.status, a.body)
		}
	}
}

func TestEveryAnswerIsGuarded(t *testing.T) {
	w := newWorld(t, nil)
	for _, path := range []string{"/v1/server", "/nothing", "/docs/"} {
		a := w.ask(t, "GET", path, "")
		if a.header.Get("X-Content-Type-Options") != "nosniff" || a.header.Get("X-Frame-Options") != "DENY" || a.header.Get("Content-Security-Policy") == "" || len(a.header.Get("X-Request-Id")) != 32 {
			t.Errorf("%s: %v", path, a.header)
		}
	}
}

func TestTheAPIIsDocumentedWithoutTheHelpOfAnotherSite(t *testing.T) {
	w := newWorld(t, nil)
	if a := w.ask(t, "GET", "/docs", ""); a.status != 302 || a.header.Get("Location") != "/docs/" {
		t.Errorf("%d %v", a.status, a.header)
	}
	for path, want := range map[string]string{"/docs/": "hengdai API", "/docs/docs.js": "openapi.json", "/docs/style.css": "body", "/docs/openapi.json": `"/v1/staff/travel"`} {
		a := w.ask(t, "GET", path, "")
		if a.status != 200 || !strings.Contains(a.body, want) || path != "/docs/openapi.json" && strings.Contains(a.body, "https://") {
			t.Errorf("%s: %d", path, a.status)
		}
	}
	if a := w.ask(t, "GET", "/docs/../../etc/passwd", ""); a.status == 200 {
		t.Error("a way out of the folder")
	}
}

func TestStaffMoveTheTimeOfTheSandbox(t *testing.T) {
	w := newWorld(t, nil)
	staff := []string{"Authorization", bearer(staffToken)}
	today := clock.Real().In(clock.Shanghai)
	a := w.ask(t, "POST", "/v1/staff/travel", `{"days":3}`, staff...)
	want := today.AddDate(0, 0, 3).Format(time.DateOnly)
	if a.status != 200 || !strings.Contains(a.body, `"arrived":true`) || !strings.Contains(a.body, `"daysPassed":3`) || !strings.Contains(a.body, `"today":"`+want+`"`) || !strings.Contains(a.body, `"businessDate":"`+want+`"`) {
		t.Fatalf("%d %s", a.status, a.body)
	}
	later := today.AddDate(0, 0, 100).Format(time.DateOnly)
	for i := 0; ; i++ {
		a = w.ask(t, "POST", "/v1/staff/travel", `{"toDate":"`+later+`","withinMs":5}`, staff...)
		if a.status != 200 || i > 100 {
			t.Fatalf("%d %s", a.status, a.body)
		}
		if strings.Contains(a.body, `"arrived":true`) {
			break
		}
	}
	if a := w.ask(t, "GET", "/v1/staff/travel", "", staff...); a.status != 200 || !strings.Contains(a.body, later) || !strings.Contains(a.body, `"travelling":false`) {
		t.Errorf("%d %s", a.status, a.body)
	}
	if a := w.ask(t, "GET", "/v1/server", ""); !strings.Contains(a.body, later) {
		t.Errorf("the server is at another time: %s", a.body)
	}
	if a := w.ask(t, "POST", "/v1/staff/travel", `{"toDate":"2026-02-30"}`, staff...); a.status != 400 || a.problem(t).Field != "toDate" {
		t.Errorf("%d %s", a.status, a.body)
	}
	if a := w.ask(t, "POST", "/v1/staff/travel", `{"days":1}`, "Authorization", bearer(borrowerToken)); a.status != 403 {
		t.Errorf("a borrower: %d", a.status)
	}
}

func TestProductionDoesNotTravel(t *testing.T) {
	w := newWorld(t, func(d *gateway.Deps) { d.Profile, d.Processes = config.Production, nil })
	if a := w.ask(t, "POST", "/v1/staff/travel", `{"days":1}`, "Authorization", bearer(staffToken)); a.status != 403 || a.problem(t).Reason != "travel.production" {
		t.Fatalf("%d %s", a.status, a.body)
	}
}

func TestTheSandboxsCertificateIsMadeOnceAndTrustedByItsFile(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "keys")
	first, err := gateway.SelfMade(dir)
	if err != nil {
		t.Fatal(err)
	}
	second, err := gateway.SelfMade(dir)
	if err != nil || string(first.Certificate[0]) != string(second.Certificate[0]) {
		t.Fatal("made twice", err)
	}
	if info, err := os.Stat(filepath.Join(dir, "gateway-tls.key")); err != nil || info.Mode().Perm() != 0o600 {
		t.Fatal("the key can be read by others", err)
	}
	w := newWorld(t, nil)
	srv := httptest.NewUnstartedServer(w.gw.Handler())
	srv.TLS = gateway.TLS(first)
	srv.StartTLS()
	defer srv.Close()
	pem, err := os.ReadFile(filepath.Join(dir, "gateway-tls.crt"))
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, ForceAttemptHTTP2: true}}
	req, _ := http.NewRequestWithContext(context.Background(), http.MethodGet, srv.URL+"/v1/server", nil)
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK || resp.Header.Get("Strict-Transport-Security") == "" {
		t.Fatalf("%d %v", resp.StatusCode, resp.Header)
	}
}
