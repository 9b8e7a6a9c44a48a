package notify_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/hengdai/hengdai/api/log/v1/logv1connect"
	"github.com/hengdai/hengdai/api/notify/v1/notifyv1connect"
	userv1 "github.com/hengdai/hengdai/api/user/v1"
	"github.com/hengdai/hengdai/api/user/v1/userv1connect"
	"github.com/hengdai/hengdai/kit/clock"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/id"
	"github.com/hengdai/hengdai/kit/job"
	"github.com/hengdai/hengdai/kit/keys"
	eventlog "github.com/hengdai/hengdai/kit/log"
	"github.com/hengdai/hengdai/kit/rpc"
	"github.com/hengdai/hengdai/kit/rpc/rpctest"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/kit/store/storetest"
	"github.com/hengdai/hengdai/sandbox"
	"github.com/hengdai/hengdai/sandbox/party"
	"github.com/hengdai/hengdai/sandbox/sms"
	"github.com/hengdai/hengdai/service/notify"
	"github.com/hengdai/hengdai/service/notify/channel"
)

const mobile = "12099887766"

// rig is notify between real logs, the sandbox's SMS provider and a user service that reveals one mobile.
type rig struct {
	t       *testing.T
	dir     string
	clk     *clock.Manual
	ids     *id.Generator
	cfg     store.Config
	net     *rpctest.Net
	ring    *keys.Ring
	sources map[string]source
	box     *sandbox.Sandbox
	boxDB   *store.DB
	boxURL  string
	user    *fewUsers

	db      *store.DB
	log     *eventlog.Log
	service *notify.Service
	mux     *rpc.Mux
}

type source struct {
	db  *store.DB
	log *eventlog.Log
}

// fewUsers answers Reveal; every other method is unimplemented.
type fewUsers struct {
	userv1connect.UnimplementedInternalHandler
	mu   sync.Mutex
	asks []*userv1.RevealRequest
	gone bool
}

func (u *fewUsers) Reveal(_ context.Context, req *userv1.RevealRequest) (*userv1.RevealResponse, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.asks = append(u.asks, req)
	if u.gone {
		return nil, errs.New(errs.NotFound, "user.not_found", "没有该用户。", "There is no such user.")
	}
	return &userv1.RevealResponse{Mobile: mobile}, nil
}

// noon is a time at which everybody may be written to.
var noon = time.Date(2026, 11, 20, 4, 0, 0, 0, time.UTC)

func start(t *testing.T) *rig { return startOn(t, storetest.SQLite(t)) }

// onBoth runs a test on both engines.
func onBoth(t *testing.T, test func(t *testing.T, r *rig)) {
	storetest.EachConfig(t, []store.Schema{schema()}, func(t *testing.T, cfg store.Config) { test(t, startOn(t, cfg)) })
}

func startOn(t *testing.T, cfg store.Config) *rig {
	t.Helper()
	r := &rig{t: t, dir: t.TempDir(), clk: clock.NewManual(noon), cfg: cfg, net: rpctest.New(), sources: map[string]source{}, user: &fewUsers{}}
	r.ids = id.NewLocal(1, r.clk)
	var err error
	if r.ring, err = keys.Open(filepath.Join(r.dir, "keys"), "notify", true); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"user", "loan", "collection", "payment"} {
		db := storetest.Open(t, storetest.SQLite(t))
		r.sources[name] = source{db, eventlog.New(db, name, r.ids, r.clk)}
	}
	m := r.net.Mux("user")
	m.Handle(userv1connect.NewInternalHandler(r.user, m.Options()...))
	r.openSandbox()
	r.mux = r.net.Mux("notify")
	r.open(r.boxURL + "/sms")
	r.service.Mount(r.mux, r.mux.Options()...)
	t.Cleanup(func() { _ = r.db.Close() })
	return r
}

func (r *rig) openSandbox() {
	ctx, cancel := context.WithCancel(context.Background())
	taker := httptest.NewServer(http.HandlerFunc(r.forward))
	var err error
	if r.boxDB, err = store.Open(ctx, storetest.SQLite(r.t), sandbox.Schema()); err != nil {
		r.t.Fatal(err)
	}
	if r.box, err = sandbox.New(ctx, sandbox.Deps{DB: r.boxDB, Clock: r.clk, KeysDir: filepath.Join(r.dir, "keys"), CallbackBase: taker.URL,
		Logger: slog.New(slog.DiscardHandler), Latency: &party.Latency{}}); err != nil {
		r.t.Fatal(err)
	}
	server := httptest.NewServer(r.box.Handler())
	r.boxURL = server.URL
	done := make(chan struct{})
	go func() { defer close(done); _ = r.box.Run(ctx) }()
	r.t.Cleanup(func() { server.Close(); cancel(); <-done; taker.Close(); _ = r.box.Close() })
}

// forward does what the gateway does with a callback.
func (r *rig) forward(w http.ResponseWriter, req *http.Request) {
	token, err := r.net.Tokens(rpc.Edge).Issue("notify", rpc.Principal{Kind: rpc.Party, Service: "sms"})
	if err != nil {
		r.t.Error(err)
	}
	req.Header.Set(rpc.PrincipalHeader, token)
	r.mux.ServeHTTP(w, req)
}

// open starts notify on the database as a former run left it.
func (r *rig) open(provider string) {
	r.t.Helper()
	var err error
	if r.db, err = store.Open(context.Background(), r.cfg, notify.Schema()); err != nil {
		r.t.Fatal(err)
	}
	r.log = eventlog.New(r.db, "notify", r.ids, r.clk)
	peer := r.net.Peer("notify", "user")
	deps := notify.Deps{DB: r.db, Log: r.log, Clock: r.clk, IDs: r.ids, Logger: slog.New(slog.DiscardHandler), Keys: r.ring,
		User:    userv1connect.NewInternalClient(peer.HTTP, peer.URL, peer.Options...),
		UserLog: r.logOf("user"), LoanLog: r.logOf("loan"), CollectionLog: r.logOf("collection"), PaymentLog: r.logOf("payment"),
		Channels: []channel.Config{{Channel: "sms", BaseURL: provider, KeysDir: filepath.Join(r.dir, "keys"), Timeout: 2 * time.Second}}}
	if r.service, err = notify.New(deps); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) logOf(name string) logv1connect.LogClient { return r.sources[name].log }

// restart ends notify and starts it again with another provider address.
func (r *rig) restart(provider string) {
	r.t.Helper()
	if err := r.db.Close(); err != nil {
		r.t.Fatal(err)
	}
	r.open(provider)
	r.mux = r.net.Mux("notify")
	r.service.Mount(r.mux, r.mux.Options()...)
}

// happen writes an event into a source's log.
func (r *rig) happen(from string, userID int64, events ...proto.Message) {
	r.t.Helper()
	s := r.sources[from]
	if err := s.db.Write(context.Background(), func(tx *store.Tx) error {
		for _, e := range events {
			if err := s.log.Append(tx, eventlog.Event{UserID: userID, Bucket: id.Bucket(userID), Body: e}); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		r.t.Fatal(err)
	}
}

// run steps every job until nothing is left that is due; retries are waited for while tries lasts.
func (r *rig) run(tries time.Duration) {
	r.t.Helper()
	ctx := context.Background()
	end := time.Now().Add(tries)
	for {
		worked := false
		for _, s := range r.sources {
			more, err := s.log.Step(ctx)
			if err != nil {
				r.t.Fatal(err)
			}
			worked = worked || more
		}
		for _, j := range append(r.service.Jobs(), job.Job{Name: "numberer", Step: r.log.Step}) {
			more, err := j.Step(ctx)
			if err != nil {
				r.t.Fatalf("%s: %v", j.Name, err)
			}
			worked = worked || more
		}
		if !worked && (time.Now().After(end) || len(r.db.Restless(ctx)) == 0) {
			return
		}
		time.Sleep(time.Millisecond)
	}
}

// reports waits until the provider has reported everything.
func (r *rig) reports() {
	r.t.Helper()
	for end := time.Now().Add(5 * time.Second); !r.box.Idle(time.Hour).Idle; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			r.t.Fatalf("the provider still has to report: %+v", r.box.Idle(time.Hour))
		}
	}
}

// sent answers the texts that really went to the mobile, oldest first.
func (r *rig) sent() []string {
	r.t.Helper()
	rows, err := r.boxDB.Primary().QueryContext(context.Background(), `SELECT text, mobile FROM sms ORDER BY seq`)
	if err != nil {
		r.t.Fatal(err)
	}
	defer rows.Close()
	texts := []string{}
	for rows.Next() {
		var s sms.Sent
		if err := rows.Scan(&s.Text, &s.Mobile); err != nil {
			r.t.Fatal(err)
		}
		if s.Mobile != mobile {
			r.t.Errorf("a message went to somebody else")
		}
		texts = append(texts, s.Text)
	}
	return texts
}

// states answers the states of all SMS, oldest first, joined.
func (r *rig) states() string {
	r.t.Helper()
	rows, err := r.db.Primary().QueryContext(context.Background(), `SELECT state FROM notify_message WHERE channel = 'sms' ORDER BY created_ms, message_id`)
	if err != nil {
		r.t.Fatal(err)
	}
	defer rows.Close()
	var states []string
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			r.t.Fatal(err)
		}
		states = append(states, s)
	}
	return strings.Join(states, " ")
}

func (r *rig) fault(kind party.Kind, op string, count int) {
	r.t.Helper()
	body := `{"party":"sms","op":"` + op + `","kind":"` + string(kind) + `","count":` + string(rune('0'+count)) + `}`
	resp, err := http.Post(r.boxURL+"/control/faults", "application/json", strings.NewReader(body))
	if err != nil || resp.StatusCode != http.StatusOK {
		r.t.Fatalf("the fault is not taken: %v", err)
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close()
}

func (r *rig) sealed(text string) []byte {
	r.t.Helper()
	s, err := keys.SealTo(r.ring.PublicSeal("notify"), []byte(text))
	if err != nil {
		r.t.Fatal(err)
	}
	return s
}

// code is what user tells when somebody asks for a one-time code. Its life runs in real time.
func (r *rig) code(digits, language string, life time.Duration) *userv1.CodeIssued {
	return &userv1.CodeIssued{CodeId: r.ids.New(3), Purpose: "login", SealedCode: r.sealed(digits), SealedMobile: r.sealed(mobile),
		ExpiresMs: time.Now().Add(life).UnixMilli(), Language: language}
}

func (r *rig) borrower(userID int64) notifyv1connect.PublicClient {
	p := r.net.Person(rpc.Principal{Kind: rpc.Borrower, ID: userID}, "notify", "zh")
	return notifyv1connect.NewPublicClient(p.HTTP, p.URL, p.Options...)
}

func (r *rig) staff(role string) notifyv1connect.StaffClient {
	p := r.net.Person(rpc.Principal{Kind: rpc.Staff, ID: 77, Roles: []string{role}}, "notify", "en")
	return notifyv1connect.NewStaffClient(p.HTTP, p.URL, p.Options...)
}

func (r *rig) collection() notifyv1connect.InternalClient {
	p := r.net.Peer("collection", "notify")
	return notifyv1connect.NewInternalClient(p.HTTP, p.URL, p.Options...)
}

func want[T comparable](t *testing.T, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("got %v, want %v", got, want)
	}
}
