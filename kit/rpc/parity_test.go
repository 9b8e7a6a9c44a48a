package rpc_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hengdai/hengdai/api/control/v1/controlv1connect"
	logv1 "github.com/hengdai/hengdai/api/log/v1"
	"github.com/hengdai/hengdai/api/log/v1/logv1connect"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/rpc"
	"github.com/hengdai/hengdai/kit/rpc/rpctest"
	"github.com/hengdai/hengdai/kit/telemetry"
)

// upstream serves log.v1.Log; each test says what it does.
type upstream struct {
	read func(context.Context, *logv1.ReadRequest) (*logv1.ReadResponse, error)
}

func (u *upstream) Read(ctx context.Context, req *logv1.ReadRequest) (*logv1.ReadResponse, error) {
	return u.read(ctx, req)
}

func (u *upstream) Heads(context.Context, *logv1.HeadsRequest) (*logv1.HeadsResponse, error) {
	return &logv1.HeadsResponse{Heads: []*logv1.Cursor{{Partition: 3, Position: 9}}}, nil
}

var good = &logv1.ReadRequest{After: []*logv1.Cursor{{Partition: 1}}, Limit: 10}

const smallBody = 64 << 10

// world is a service "payment" reached by "loan", in this process or over a socket.
type world struct {
	net   *rpctest.Net
	mux   *rpc.Mux
	up    *upstream
	logs  logv1connect.LogClient
	base  string
	calls atomic.Int64
}

// eachTransport runs a test over both transports.
func eachTransport(t *testing.T, run func(t *testing.T, w *world)) {
	t.Helper()
	for _, name := range []string{"local", "remote"} {
		t.Run(name, func(t *testing.T) {
			w := &world{net: rpctest.New(), up: new(upstream)}
			w.mux = rpc.NewMux(rpc.ServerDeps{Tokens: w.net.Tokens("payment"), Telemetry: w.net.Telemetry, MaxBytes: smallBody, Explain: explain})
			w.mux.Handle(logv1connect.NewLogHandler(w.up, w.mux.Options()...))
			w.mux.Handle(controlv1connect.NewControlHandler(&rpc.Control{}, w.mux.Options()...))
			w.mux.Handle("/callbacks/payment/alpha", http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				body, err := io.ReadAll(r.Body)
				if err != nil || strings.HasPrefix(string(body), "panic") {
					panic("callback")
				}
				_, _ = rw.Write([]byte(rpc.From(r.Context()).Service + ":" + string(body)))
			}))
			w.net.Directory.Here("payment", w.mux)
			w.base = "http://payment"
			if name == "remote" {
				srv := httptest.NewUnstartedServer(nil)
				srv.Config = rpc.HTTPServer(w.mux)
				srv.Start()
				t.Cleanup(srv.Close)
				if err := w.net.Directory.At("payment", srv.URL, nil); err != nil {
					t.Fatal(err)
				}
			}
			peer := w.net.Peer("loan", "payment")
			w.logs = logv1connect.NewLogClient(peer.HTTP, peer.URL, peer.Options...)
			run(t, w)
		})
	}
}

func TestAnAnswerArrives(t *testing.T) {
	eachTransport(t, func(t *testing.T, w *world) {
		resp, err := w.logs.Heads(t.Context(), &logv1.HeadsRequest{})
		if err != nil || resp.GetHeads()[0].GetPosition() != 9 {
			t.Fatalf("%v %v", resp, err)
		}
	})
}

func TestAnErrorComesBackWhole(t *testing.T) {
	eachTransport(t, func(t *testing.T, w *world) {
		for _, code := range errs.Codes() {
			sent := errs.New(code, "payment.reason_"+code.String(), "中文。", "English.").On("amountMinor")
			w.up.read = func(context.Context, *logv1.ReadRequest) (*logv1.ReadResponse, error) {
				return nil, errs.Wrap(sent.Because(errors.New("secret cause")), "reading")
			}
			_, err := w.logs.Read(t.Context(), good)
			var got *errs.Error
			if !errors.As(err, &got) || got.Code != code || got.Reason != sent.Reason || got.Field != "amountMinor" || got.ZH != "中文。" || got.EN != "English." {
				t.Errorf("%v: got %+v", code, got)
			}
			if strings.Contains(err.Error(), "secret cause") {
				t.Errorf("the cause crossed the wire: %v", err)
			}
		}
	})
}

func TestForeignErrorsAndPanicsBecomeInternalWithoutTheirText(t *testing.T) {
	eachTransport(t, func(t *testing.T, w *world) {
		for name, fail := range map[string]func() error{
			"error": func() error { return errors.New("database at /secret/path is gone") },
			"panic": func() error { panic("database at /secret/path is gone") },
		} {
			w.up.read = func(context.Context, *logv1.ReadRequest) (*logv1.ReadResponse, error) { return nil, fail() }
			_, err := w.logs.Read(t.Context(), good)
			if errs.CodeOf(err) != errs.Internal || errs.ReasonOf(err) != "internal" || strings.Contains(err.Error(), "secret") {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

var errDisk = errors.New("disk at /secret/path is gone")

// explain knows one error of what the service stands on.
func explain(err error) error {
	if errors.Is(err, errDisk) {
		return errs.New(errs.Unavailable, "test.disk", "磁盘不可用。", "The disk is gone.").Because(err)
	}
	return err
}

func TestAnErrorThatTheServiceCanExplainIsExplained(t *testing.T) {
	eachTransport(t, func(t *testing.T, w *world) {
		w.up.read = func(context.Context, *logv1.ReadRequest) (*logv1.ReadResponse, error) {
			return nil, errs.Wrap(errDisk, "reading")
		}
		_, err := w.logs.Read(t.Context(), good)
		if errs.CodeOf(err) != errs.Unavailable || errs.ReasonOf(err) != "test.disk" || strings.Contains(err.Error(), "secret") {
			t.Errorf("%v", err)
		}
	})
}

func TestADeadlineIsCarriedAndEndsTheWork(t *testing.T) {
	eachTransport(t, func(t *testing.T, w *world) {
		seen := make(chan error, 1)
		w.up.read = func(ctx context.Context, _ *logv1.ReadRequest) (*logv1.ReadResponse, error) {
			if _, ok := ctx.Deadline(); !ok {
				seen <- errors.New("no deadline")
				return nil, nil
			}
			<-ctx.Done()
			seen <- ctx.Err()
			return nil, ctx.Err()
		}
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		_, err := w.logs.Read(ctx, good)
		if errs.CodeOf(err) != errs.Unavailable || errs.ReasonOf(err) != "rpc.deadline" {
			t.Fatalf("got %v", err)
		}
		if err := <-seen; err == nil {
			t.Fatalf("the handler saw %v", err)
		}
	})
}

func TestACallThatOnlyThePeerGaveUpIsUnavailable(t *testing.T) {
	eachTransport(t, func(t *testing.T, w *world) {
		w.up.read = func(context.Context, *logv1.ReadRequest) (*logv1.ReadResponse, error) { return nil, context.Canceled }
		_, err := w.logs.Read(t.Context(), good)
		if errs.CodeOf(err) != errs.Unavailable || errs.ReasonOf(err) != "rpc.peer_unavailable" {
			t.Errorf("got %v", err)
		}
	})
}

func TestACancelledCallEndsTheWork(t *testing.T) {
	eachTransport(t, func(t *testing.T, w *world) {
		started, ended := make(chan struct{}), make(chan struct{})
		w.up.read = func(ctx context.Context, _ *logv1.ReadRequest) (*logv1.ReadResponse, error) {
			close(started)
			<-ctx.Done()
			close(ended)
			return nil, ctx.Err()
		}
		ctx, cancel := context.WithCancel(t.Context())
		go func() { <-started; cancel() }()
		_, err := w.logs.Read(ctx, good)
		if errs.CodeOf(err) != errs.Unavailable || errs.ReasonOf(err) != "rpc.canceled" {
			t.Fatalf("got %v", err)
		}
		select {
		case <-ended:
		case <-time.After(5 * time.Second):
			t.Fatal("the handler was not told")
		}
	})
}

func TestNothingOfTheCallersContextPassesButItsEnd(t *testing.T) {
	type key struct{}
	eachTransport(t, func(t *testing.T, w *world) {
		w.up.read = func(ctx context.Context, _ *logv1.ReadRequest) (*logv1.ReadResponse, error) {
			if ctx.Value(key{}) != nil {
				return nil, errors.New("a value leaked")
			}
			return &logv1.ReadResponse{}, nil
		}
		if _, err := w.logs.Read(context.WithValue(t.Context(), key{}, 1), good); err != nil {
			t.Fatal(err)
		}
	})
}

func TestAnOversizeBodyIsRefused(t *testing.T) {
	eachTransport(t, func(t *testing.T, w *world) {
		w.up.read = func(context.Context, *logv1.ReadRequest) (*logv1.ReadResponse, error) {
			w.calls.Add(1)
			return nil, nil
		}
		big := &logv1.ReadRequest{Limit: 1}
		for range smallBody / 4 {
			big.After = append(big.After, &logv1.Cursor{Partition: 1, Position: 1 << 40})
		}
		_, err := w.logs.Read(t.Context(), big)
		if errs.CodeOf(err) != errs.Invalid || errs.ReasonOf(err) != "request.too_large" || w.calls.Load() != 0 {
			t.Fatalf("got %v after %d calls", err, w.calls.Load())
		}
	})
}

func TestABrokenLimitNamesTheField(t *testing.T) {
	eachTransport(t, func(t *testing.T, w *world) {
		_, err := w.logs.Read(rpc.WithLanguage(t.Context(), rpc.English), &logv1.ReadRequest{After: []*logv1.Cursor{{Partition: 1}, {Partition: 16}}, Limit: 10})
		var got *errs.Error
		if !errors.As(err, &got) || got.Code != errs.Invalid || got.Field != "after[1].partition" ||
			got.EN != "after[1].partition must be at least 0 and at most 15." || got.ZH != "after[1].partition 必须不小于 0 且不大于 15。" {
			t.Fatalf("got %+v", got)
		}
	})
}

func TestWithoutAPrincipalNobodyIsLetIn(t *testing.T) {
	eachTransport(t, func(t *testing.T, w *world) {
		for name, token := range map[string]string{
			"none": "", "junk": "junk", "other audience": mustIssue(t, w.net.Tokens("loan"), "user", rpc.Principal{Kind: rpc.Service, Service: "loan"}),
			"another's name":               mustIssue(t, w.net.Tokens("loan"), "payment", rpc.Principal{Kind: rpc.Service, Service: "gateway"}),
			"a person stated by a service": mustIssue(t, w.net.Tokens("loan"), "payment", rpc.Principal{Kind: rpc.Borrower, ID: 1}),
			"forged":                       mustIssue(t, rpc.NewTokens("loan", rpctest.Signer("thief")), "payment", rpc.Principal{Kind: rpc.Service, Service: "loan"}),
		} {
			resp := w.post(t, "/log.v1.Log/Heads", token, "{}")
			if resp.status != http.StatusUnauthorized || !strings.Contains(resp.body, "rpc.no_principal") && !strings.Contains(resp.body, "请求没有有效的身份凭证") {
				t.Errorf("%s: %d %s", name, resp.status, resp.body)
			}
		}
	})
}

func TestAccessIsWhatTheMethodSays(t *testing.T) {
	eachTransport(t, func(t *testing.T, w *world) {
		for name, c := range map[string]struct {
			by     string
			who    rpc.Principal
			path   string
			status int
		}{
			"a service":               {"loan", rpc.Principal{Kind: rpc.Service, Service: "loan"}, "/log.v1.Log/Heads", 200},
			"nobody must sign in":     {"gateway", rpc.Principal{Kind: rpc.Anonymous}, "/log.v1.Log/Heads", 401},
			"a borrower":              {"gateway", rpc.Principal{Kind: rpc.Borrower, ID: 1}, "/log.v1.Log/Heads", 403},
			"an unnamed service":      {"loan", rpc.Principal{Kind: rpc.Service, Service: "loan"}, "/control.v1.Control/Idle", 403},
			"the named service":       {"gateway", rpc.Principal{Kind: rpc.Service, Service: "gateway"}, "/control.v1.Control/Idle", 200},
			"an unknown method":       {"loan", rpc.Principal{Kind: rpc.Service, Service: "loan"}, "/log.v1.Log/Erase", 404},
			"an unknown service":      {"loan", rpc.Principal{Kind: rpc.Service, Service: "loan"}, "/log.v1.Journal/Read", 404},
			"production stands still": {"gateway", rpc.Principal{Kind: rpc.Service, Service: "gateway"}, "/control.v1.Control/Advance", 403},
		} {
			resp := w.post(t, c.path, mustIssue(t, w.net.Tokens(c.by), "payment", c.who), "{}")
			if resp.status != c.status {
				t.Errorf("%s: %d %s", name, resp.status, resp.body)
			}
		}
	})
}

func TestACallbackNeedsThePrincipalOfAParty(t *testing.T) {
	eachTransport(t, func(t *testing.T, w *world) {
		path := "/callbacks/payment/alpha"
		party := mustIssue(t, w.net.Tokens("gateway"), "payment", rpc.Principal{Kind: rpc.Party, Service: "alpha"})
		if resp := w.post(t, path, party, "raw \x00 bytes"); resp.status != 200 || resp.body != "alpha:raw \x00 bytes" {
			t.Fatalf("%d %q", resp.status, resp.body)
		}
		if resp := w.post(t, path, "", "x"); resp.status != 401 {
			t.Fatalf("without a principal: %d", resp.status)
		}
		borrower := mustIssue(t, w.net.Tokens("gateway"), "payment", rpc.Principal{Kind: rpc.Borrower, ID: 1})
		if resp := w.post(t, path, borrower, "x"); resp.status != 403 {
			t.Fatalf("as a borrower: %d", resp.status)
		}
		if resp := w.post(t, path, party, "panic"); resp.status != 500 || strings.Contains(resp.body, "callback") {
			t.Fatalf("a panic: %d %s", resp.status, resp.body)
		}
		if resp := w.post(t, path, party, strings.Repeat("x", smallBody+1)); resp.status != 400 {
			t.Fatalf("too large: %d %s", resp.status, resp.body)
		}
	})
}

func TestAServiceCarriesThePersonItWorksFor(t *testing.T) {
	eachTransport(t, func(t *testing.T, w *world) {
		var got rpc.Principal
		w.up.read = func(ctx context.Context, _ *logv1.ReadRequest) (*logv1.ReadResponse, error) {
			got = rpc.From(ctx)
			return &logv1.ReadResponse{}, nil
		}
		serving := rpc.WithPrincipal(t.Context(), rpc.Principal{Kind: rpc.Borrower, ID: 77, SessionID: 5, IP: "127.9.9.9"})
		chained := rpc.WithPrincipal(t.Context(), rpc.Principal{Kind: rpc.Service, Service: "collection", Origin: &rpc.Principal{Kind: rpc.Staff, ID: 8, Roles: []string{"admin"}}})
		for name, c := range map[string]struct {
			ctx  context.Context
			want int64
		}{"serving a person": {serving, 77}, "serving a service that works for one": {chained, 8}, "for itself": {t.Context(), 0}} {
			if _, err := w.logs.Read(c.ctx, good); err != nil {
				t.Fatal(err)
			}
			person, _ := got.Person()
			if got.Kind != rpc.Service || got.Service != "loan" || person.ID != c.want {
				t.Errorf("%s: %+v", name, got)
			}
		}
	})
}

func TestLanguageAndTraceGoAlong(t *testing.T) {
	eachTransport(t, func(t *testing.T, w *world) {
		var lang, trace string
		w.up.read = func(ctx context.Context, _ *logv1.ReadRequest) (*logv1.ReadResponse, error) {
			lang, trace = rpc.Language(ctx), telemetry.TraceID(ctx)
			return &logv1.ReadResponse{}, nil
		}
		ctx, span := w.net.Telemetry.Tracer.Start(rpc.WithLanguage(t.Context(), rpc.English), "edge")
		defer span.End()
		if _, err := w.logs.Read(ctx, good); err != nil || lang != rpc.English || trace == "" || trace != telemetry.TraceID(ctx) {
			t.Fatalf("%v %q %q", err, lang, trace)
		}
	})
}

func TestBrokenJSONNamesTheFieldAndSpeaksTheLanguage(t *testing.T) {
	eachTransport(t, func(t *testing.T, w *world) {
		token := mustIssue(t, w.net.Tokens("loan"), "payment", rpc.Principal{Kind: rpc.Service, Service: "loan"})
		for body, want := range map[string]string{
			`{"limit":`:                    "The request cannot be read.",
			`{"limit": 1.5}`:               "limit must be a whole number",
			`{"limits": 1}`:                "a field limits that is not known",
			`{"after":[{"position":"x"}]}`: "after[0].position must be a whole number",
		} {
			resp := w.postIn(t, "en-US,en;q=0.9", "/log.v1.Log/Read", token, body)
			if resp.status != 400 || !strings.Contains(resp.body, want) {
				t.Errorf("%s: %d %s", body, resp.status, resp.body)
			}
		}
		if resp := w.post(t, "/log.v1.Log/Read", token, `{"limit": 1.5}`); !strings.Contains(resp.body, "必须是整数") {
			t.Errorf("not Chinese: %s", resp.body)
		}
	})
}

func TestAnUnassignedServiceIsUnavailable(t *testing.T) {
	n := rpctest.New()
	peer := n.Peer("loan", "nowhere")
	_, err := logv1connect.NewLogClient(peer.HTTP, peer.URL, peer.Options...).Heads(t.Context(), &logv1.HeadsRequest{})
	if errs.CodeOf(err) != errs.Unavailable || errs.ReasonOf(err) != "rpc.peer_unavailable" {
		t.Fatalf("got %v", err)
	}
}

func TestADeadServiceIsUnavailable(t *testing.T) {
	n := rpctest.New()
	if err := n.Directory.At("payment", "http://127.0.0.1:1", nil); err != nil {
		t.Fatal(err)
	}
	peer := n.Peer("loan", "payment")
	_, err := logv1connect.NewLogClient(peer.HTTP, peer.URL, peer.Options...).Heads(t.Context(), &logv1.HeadsRequest{})
	if errs.CodeOf(err) != errs.Unavailable || errs.ReasonOf(err) != "rpc.peer_unavailable" {
		t.Fatalf("got %v", err)
	}
	if err := n.Directory.At("payment", "not a url", nil); err == nil {
		t.Fatal("a wrong address was taken")
	}
}

type answer struct {
	status int
	body   string
}

func (w *world) post(t *testing.T, path, token, body string) answer {
	t.Helper()
	return w.postIn(t, "", path, token, body)
}

func (w *world) postIn(t *testing.T, lang, path, token, body string) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.base+path, bytes.NewReader([]byte(body)))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept-Language", lang)
	if token != "" {
		req.Header.Set(rpc.PrincipalHeader, token)
	}
	resp, err := w.net.Directory.Transport("payment").Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(resp.Body)
	return answer{resp.StatusCode, string(text)}
}

func mustIssue(t *testing.T, tokens *rpc.Tokens, to string, p rpc.Principal) string {
	t.Helper()
	token, err := tokens.Issue(to, p)
	if err != nil {
		t.Fatal(err)
	}
	return token
}
