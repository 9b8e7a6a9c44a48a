package gateway_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/hengdai/hengdai/api/control/v1/controlv1connect"
	loanv1 "github.com/hengdai/hengdai/api/loan/v1"
	"github.com/hengdai/hengdai/api/loan/v1/loanv1connect"
	logv1 "github.com/hengdai/hengdai/api/log/v1"
	"github.com/hengdai/hengdai/api/log/v1/logv1connect"
	userv1 "github.com/hengdai/hengdai/api/user/v1"
	"github.com/hengdai/hengdai/api/user/v1/userv1connect"
	"github.com/hengdai/hengdai/kit/clock"
	"github.com/hengdai/hengdai/kit/config"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/rpc"
	"github.com/hengdai/hengdai/kit/rpc/rpctest"
	"github.com/hengdai/hengdai/kit/rpc/travel"
	"github.com/hengdai/hengdai/kit/telemetry"
	"github.com/hengdai/hengdai/service/gateway"
)

const (
	borrowerToken = "borrower-token-000000001"
	staffToken    = "operator-token-000000001"
	expiredToken  = "expired-token-0000000001"
)

// upstreams are the services behind the gateway, as far as these tests need them.
type upstreams struct {
	loanv1connect.UnimplementedPublicHandler
	mu       sync.Mutex
	seen     rpc.Principal
	language string
	quote    func(*loanv1.QuoteRequest) (*loanv1.QuoteResponse, error)
	asked    int
	down     bool
	revoked  chan int64
	reached  atomic.Int64 // requests of any kind that came to loan
}

func (u *upstreams) look(ctx context.Context) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.seen, u.language = rpc.From(ctx), rpc.Language(ctx)
}

func (u *upstreams) principal() rpc.Principal {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.seen
}

func (u *upstreams) Quote(ctx context.Context, req *loanv1.QuoteRequest) (*loanv1.QuoteResponse, error) {
	u.look(ctx)
	if u.quote != nil {
		return u.quote(req)
	}
	return &loanv1.QuoteResponse{Product: req.GetProduct()}, nil
}

func (u *upstreams) GetLoan(ctx context.Context, req *loanv1.GetLoanRequest) (*loanv1.Loan, error) {
	u.look(ctx)
	if req.GetLoanId() == 404 {
		return nil, errs.New(errs.NotFound, "loan.not_found", "没有这笔借款。", "There is no such loan.")
	}
	return &loanv1.Loan{LoanId: req.GetLoanId()}, nil
}

func (u *upstreams) ListLoans(ctx context.Context, req *loanv1.ListLoansRequest) (*loanv1.ListLoansResponse, error) {
	u.look(ctx)
	return &loanv1.ListLoansResponse{NextPageToken: req.GetPageToken()}, nil
}

// users is user.v1.Internal as far as the gateway calls it.
type users struct {
	userv1connect.UnimplementedInternalHandler
	*upstreams
}

func (u users) Authenticate(_ context.Context, req *userv1.AuthenticateRequest) (*userv1.AuthenticateResponse, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.asked++
	switch {
	case u.down:
		return nil, errs.New(errs.Unavailable, "store.locked", "", "")
	case req.GetToken() == borrowerToken:
		return &userv1.AuthenticateResponse{Kind: "borrower", Id: 77, SessionId: 5}, nil
	case req.GetToken() == staffToken:
		return &userv1.AuthenticateResponse{Kind: "staff", Id: 8, SessionId: 6, Roles: []string{"operator"}}, nil
	}
	return nil, errs.New(errs.Unauthenticated, "session.unknown", "", "")
}

// userLog is user's log: each value on revoked becomes an event.
type userLog struct{ *upstreams }

func (userLog) Heads(context.Context, *logv1.HeadsRequest) (*logv1.HeadsResponse, error) {
	return &logv1.HeadsResponse{Heads: []*logv1.Cursor{{Partition: 2, Position: 10}}}, nil
}

func (l userLog) Read(ctx context.Context, req *logv1.ReadRequest) (*logv1.ReadResponse, error) {
	select {
	case id := <-l.revoked:
		body, err := proto.Marshal(&userv1.SessionRevoked{SessionId: id})
		if err != nil {
			return nil, err
		}
		return &logv1.ReadResponse{Events: []*logv1.Event{{Partition: 2, Position: req.GetAfter()[2].GetPosition() + 1, Kind: "user.v1.SessionRevoked", Body: body}}}, nil
	case <-time.After(time.Duration(req.GetWaitMs()) * time.Millisecond):
	case <-ctx.Done():
	}
	return &logv1.ReadResponse{}, nil
}

// book is loan.v1.Staff as far as time needs it: its business date follows the clock.
type book struct {
	loanv1connect.UnimplementedStaffHandler
	offset *clock.Offset
}

func (b book) GetBusinessDate(context.Context, *loanv1.GetBusinessDateRequest) (*loanv1.BusinessDate, error) {
	return &loanv1.BusinessDate{OpenOn: b.offset.Value().In(clock.Shanghai).Format(time.DateOnly)}, nil
}

type world struct {
	*upstreams
	net    *rpctest.Net
	gw     *gateway.Service
	base   string
	server *httptest.Server
}

// logged sends error lines to the test's log.
type logged struct{ testing.TB }

func (l logged) Write(line []byte) (int, error) {
	l.Log(strings.TrimSpace(string(line)))
	return len(line), nil
}

// newWorld starts a gateway on a real socket before the services above; change alters its dependencies.
func newWorld(t testing.TB, change func(*gateway.Deps)) *world {
	t.Helper()
	n := rpctest.New()
	up := &upstreams{revoked: make(chan int64)}
	offset := new(clock.Offset)
	loan := n.Mux("loan")
	loan.Handle(loanv1connect.NewPublicHandler(up, loan.Options()...))
	loan.Handle(loanv1connect.NewStaffHandler(book{offset: offset}, loan.Options()...))
	loan.Handle(controlv1connect.NewControlHandler(&rpc.Control{Offset: offset}, loan.Options()...))
	n.Directory.Here("loan", http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		up.reached.Add(1)
		loan.ServeHTTP(rw, r)
	}))
	user := n.Mux("user")
	user.Handle(userv1connect.NewInternalHandler(users{upstreams: up}, user.Options()...))
	user.Handle(logv1connect.NewLogHandler(userLog{up}, user.Options()...))
	payment := n.Mux("payment")
	payment.Handle("/callbacks/payment/alpha", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("X-Signature", "answered")
		_, _ = w.Write([]byte(r.Header.Get("X-Signature") + "|" + r.Header.Get("Content-Type") + "|" + rpc.From(r.Context()).Service + "|" + r.URL.RawQuery + "|" + string(body)))
	}))
	peer := func(name string) rpc.Peer { return n.Peer("gateway", name) }
	tel, err := telemetry.New(t.Context(), telemetry.Config{Process: "test", Out: logged{t}, Level: "error"})
	if err != nil {
		t.Fatal(err)
	}
	n.Telemetry = tel
	limits := config.Default().Limits
	deps := gateway.Deps{
		Directory: n.Directory, Tokens: n.Tokens("gateway"), Telemetry: n.Telemetry, Clock: clock.New(offset),
		User:    userv1connect.NewInternalClient(peer("user").HTTP, peer("user").URL, peer("user").Options...),
		UserLog: logv1connect.NewLogClient(peer("user").HTTP, peer("user").URL, peer("user").Options...),
		Profile: config.Sandbox, Version: "test", Limits: limits, Callbacks: gateway.Callbacks([]string{"alpha", "beta"}),
		Exposed:   []string{"gateway.v1.Public", "gateway.v1.Staff", "loan.v1.Public", "loan.v1.Staff", "user.v1.Public", "log.v1.Log"},
		Processes: []travel.Part{travel.Process("loan", controlv1connect.NewControlClient(peer("loan").HTTP, peer("loan").URL, peer("loan").Options...))},
	}
	if change != nil {
		change(&deps)
	}
	gw, err := gateway.New(deps)
	if err != nil {
		t.Fatal(err)
	}
	own := n.Mux("gateway")
	gw.Mount(own, own.Options()...)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); _ = gw.Run(ctx) }()
	server := httptest.NewUnstartedServer(nil)
	server.Config = gw.HTTPServer()
	server.Start()
	t.Cleanup(func() { server.Close(); cancel(); <-done })
	return &world{upstreams: up, net: n, gw: gw, base: server.URL, server: server}
}

type answer struct {
	status int
	body   string
	header http.Header
}

func (a answer) problem(t *testing.T) (p struct{ Code, Reason, Field, Message, TraceID string }) {
	t.Helper()
	if err := json.Unmarshal([]byte(a.body), &p); err != nil {
		t.Fatalf("status %d, not JSON: %s", a.status, a.body)
	}
	return p
}

// ask makes one request; headers come in pairs.
func (w *world) ask(t *testing.T, method, path, body string, headers ...string) answer {
	t.Helper()
	return w.askFrom(t, "", method, path, body, headers...)
}

func (w *world) askFrom(t *testing.T, address, method, path, body string, headers ...string) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, w.base+path, bytes.NewReader([]byte(body)))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	if address != "" {
		client.Transport.(*http.Transport).DialContext = (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}}).DialContext
	}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{resp.StatusCode, string(text), resp.Header}
}

func bearer(token string) string { return "Bearer " + token }

var goodQuote = `{"product":"cash","amountMinor":"100000","termMonths":12,"method":"equal_installment"}`
