package user_test

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

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
	"github.com/hengdai/hengdai/kit/vault"
	"github.com/hengdai/hengdai/sandbox"
	"github.com/hengdai/hengdai/sandbox/party"
	"github.com/hengdai/hengdai/sandbox/people"
	"github.com/hengdai/hengdai/service/user"
	channels "github.com/hengdai/hengdai/service/user/channel/all"
)

// rig is user as it runs in life: own database, jobs, real principals and interceptors, the sandbox's bureau over HTTP.
type rig struct {
	t       testing.TB
	db      *store.DB
	cfg     store.Config
	svc     *user.Service
	net     *rpctest.Net
	clk     *clock.Manual
	keysDir string
	dataDir string
	box     *store.DB
	bureau  *httptest.Server
	faults  func(party.Rule)
	notify  *keys.Ring
	logs    *syncBuffer
	stop    func()
	nth     atomic.Int64
}

type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

type option func(*user.Deps)

func limits(l user.Limits) option { return func(d *user.Deps) { d.Limits = l } }

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// each runs a test on every engine.
func each(t *testing.T, fn func(t *testing.T, r *rig), options ...option) {
	t.Helper()
	storetest.EachConfig(t, []store.Schema{user.Schema()}, func(t *testing.T, cfg store.Config) {
		fn(t, start(t, cfg, options...))
	})
}

func start(t testing.TB, cfg store.Config, options ...option) *rig {
	t.Helper()
	dir := t.TempDir()
	r := &rig{t: t, cfg: cfg, keysDir: filepath.Join(dir, "keys"), dataDir: filepath.Join(dir, "data"), logs: &syncBuffer{},
		clk: clock.NewManual(time.Date(2026, 6, 1, 2, 0, 0, 0, time.UTC))}
	r.startSandbox(dir)
	var err error
	r.notify, err = keys.Open(r.keysDir, "notify", true)
	must(t, err)
	r.open(options...)
	t.Cleanup(func() { r.stop() })
	return r
}

func (r *rig) startSandbox(dir string) {
	t := r.t
	r.box = storetest.Open(t, store.Config{Engine: store.SQLite, Path: filepath.Join(dir, "sandbox.db")}, sandbox.Schema())
	none := int64(0)
	box, err := sandbox.New(context.Background(), sandbox.Deps{DB: r.box, Clock: r.clk, KeysDir: r.keysDir, CallbackBase: "http://127.0.0.1:1",
		Logger: slog.New(slog.DiscardHandler), Latency: &party.Latency{}, AlphaLaterPPM: &none})
	must(t, err)
	r.bureau = httptest.NewServer(box.Handler())
	t.Cleanup(r.bureau.Close)
	r.faults = func(rule party.Rule) {
		t.Helper()
		must(t, postJSON(r.bureau.URL+"/control/faults", rule))
	}
}

// open opens the service, also a second time on the same database.
func (r *rig) open(options ...option) {
	t := r.t
	ctx, cancel := context.WithCancel(context.Background())
	db, err := store.Open(ctx, r.cfg, user.Schema())
	must(t, err)
	r.db = db
	ring, err := keys.Open(r.keysDir, "user", true)
	must(t, err)
	kek, err := keys.KEK(r.keysDir, true)
	must(t, err)
	master, err := keys.IndexMaster(r.keysDir, true)
	must(t, err)
	index, err := vault.NewIndex(master)
	must(t, err)
	identity, err := channels.Open(channels.Config{Name: "bureau", BaseURL: r.bureau.URL + "/bureau", KeysDir: r.keysDir, Create: true})
	must(t, err)
	ids := id.NewLocal(1, r.clk)
	logger := slog.New(slog.NewJSONHandler(r.logs, &slog.HandlerOptions{Level: slog.LevelDebug}))
	d := user.Deps{DB: db, Log: eventlog.New(db, "user", ids, r.clk), Clock: r.clk, IDs: ids, Logger: logger, Ring: ring, KEK: kek,
		Index: index, Identity: identity, Sandbox: true}
	for _, o := range options {
		o(&d)
	}
	r.svc, err = user.New(d)
	must(t, err)
	r.net = rpctest.New()
	mux := r.net.Mux("user")
	r.svc.Mount(mux, mux.Options()...)
	runner := job.NewRunner(db, "user-test", logger)
	runner.Add(r.svc.Jobs()...)
	done := make(chan error, 1)
	go func() { done <- runner.Run(ctx) }()
	r.stop = func() {
		cancel()
		<-done
		must(t, db.Close())
		r.stop = func() {}
	}
}

func (r *rig) restart(options ...option) {
	r.stop()
	r.open(options...)
}

func (r *rig) public(p rpc.Principal) userv1connect.PublicClient {
	peer := r.net.Person(p, "user", "zh")
	return userv1connect.NewPublicClient(peer.HTTP, peer.URL, peer.Options...)
}

func (r *rig) staff(p rpc.Principal) userv1connect.StaffClient {
	peer := r.net.Person(p, "user", "en")
	return userv1connect.NewStaffClient(peer.HTTP, peer.URL, peer.Options...)
}

func (r *rig) internal(as string) userv1connect.InternalClient {
	peer := r.net.Peer(as, "user")
	return userv1connect.NewInternalClient(peer.HTTP, peer.URL, peer.Options...)
}

func anonymous(ip string) rpc.Principal { return rpc.Principal{Kind: rpc.Anonymous, IP: ip} }

func (r *rig) key() string { return fmt.Sprintf("test-key-%06d", r.nth.Add(1)) }

// someone makes a person whom the bureau knows.
func (r *rig) someone(n uint64) people.Person {
	r.t.Helper()
	p := people.Make(7, n, people.Options{BalanceMinor: 100_00})
	must(r.t, r.box.Write(context.Background(), func(tx *store.Tx) error { return people.Add(context.Background(), tx, p, 1) }))
	return p
}

// sendCode asks for a code and reads it as notify would.
func (r *rig) sendCode(mobile, ip string) string {
	r.t.Helper()
	_, err := r.public(anonymous(ip)).SendCode(context.Background(), &userv1.SendCodeRequest{Mobile: mobile, Purpose: "login", IdempotencyKey: r.key()})
	must(r.t, err)
	return r.lastCode(mobile)
}

// lastCode opens the newest CodeIssued for a mobile.
func (r *rig) lastCode(mobile string) string {
	r.t.Helper()
	for _, e := range r.events("user.v1.CodeIssued") {
		var issued userv1.CodeIssued
		must(r.t, proto.Unmarshal(e.body, &issued))
		to, err := r.notify.OpenSealed(issued.GetSealedMobile())
		must(r.t, err)
		if string(to) == mobile {
			code, err := r.notify.OpenSealed(issued.GetSealedCode())
			must(r.t, err)
			return string(code)
		}
	}
	r.t.Fatal("no code was issued")
	return ""
}

type event struct {
	userID, bucket int64
	kind           string
	body           []byte
}

// events answers the events of a kind, the newest first, as their writers left them.
func (r *rig) events(kind string) []event {
	r.t.Helper()
	rows, err := r.db.Primary().QueryContext(context.Background(), `SELECT user_id, bucket, kind, body FROM kit_log_new WHERE kind = ? ORDER BY id DESC`, kind)
	must(r.t, err)
	defer func() { _ = rows.Close() }()
	var out []event
	for rows.Next() {
		var e event
		must(r.t, rows.Scan(&e.userID, &e.bucket, &e.kind, &e.body))
		out = append(out, e)
	}
	must(r.t, rows.Err())
	return out
}

// ref names the text in force.
func (r *rig) ref(document string) *userv1.DocumentRef {
	r.t.Helper()
	res, err := r.public(anonymous("")).ListDocuments(context.Background(), &userv1.ListDocumentsRequest{})
	must(r.t, err)
	for _, d := range res.GetDocuments() {
		if d.GetDocument() == document {
			return &userv1.DocumentRef{Document: d.GetDocument(), Version: d.GetVersion(), Hash: d.GetHash()}
		}
	}
	r.t.Fatalf("there is no document %s", document)
	return nil
}

func (r *rig) loginRequest(mobile, code string) *userv1.LoginRequest {
	return &userv1.LoginRequest{Mobile: mobile, Code: code, DeviceId: "device-" + mobile, Consent: r.ref("privacy_policy"),
		Device: &userv1.DeviceSigns{Platform: "ios", Model: "Phone 9"}}
}

// register signs a new person in and answers how he calls from then on.
func (r *rig) register(mobile string) (rpc.Principal, *userv1.LoginResponse) {
	r.t.Helper()
	code := r.sendCode(mobile, "127.1.2.3")
	res, err := r.public(anonymous("127.1.2.3")).Login(context.Background(), r.loginRequest(mobile, code))
	must(r.t, err)
	return rpc.Principal{Kind: rpc.Borrower, ID: res.GetUserId(), SessionID: res.GetSessionId(), IP: "127.1.2.3"}, res
}

func (r *rig) consent(p rpc.Principal, documents ...string) {
	r.t.Helper()
	for _, d := range documents {
		_, err := r.public(p).GiveConsent(context.Background(), &userv1.GiveConsentRequest{Consent: r.ref(d), Channel: "app"})
		must(r.t, err)
	}
}

func bindRequest(p people.Person, key string) *userv1.BindCardRequest {
	return &userv1.BindCardRequest{Name: p.Name, IdNo: p.IDNo, CardNo: p.Cards[0].CardNo, BankMobile: p.Cards[0].Mobile, IdempotencyKey: key}
}

// identified is a person who went the whole way.
func (r *rig) identified(n uint64) (people.Person, rpc.Principal, *userv1.BankCard) {
	r.t.Helper()
	who := r.someone(n)
	p, _ := r.register(who.Mobile)
	r.consent(p, "identity_authorisation", "card_authorisation")
	card, err := r.public(p).BindCard(context.Background(), bindRequest(who, r.key()))
	must(r.t, err)
	if card.GetState() != userv1.CheckState_CHECK_STATE_VERIFIED {
		r.t.Fatalf("the card is %v (%s)", card.GetState(), card.GetReason())
	}
	return who, p, card
}

// exec changes a row behind the service's back.
func (r *rig) exec(query string, args ...any) {
	r.t.Helper()
	must(r.t, r.db.Write(context.Background(), func(tx *store.Tx) error {
		_, err := tx.ExecContext(tx.Context(), query, args...)
		return err
	}))
}

func (r *rig) count(query string, args ...any) int64 {
	r.t.Helper()
	var n sql.NullInt64
	must(r.t, r.db.Primary().QueryRowContext(context.Background(), query, args...).Scan(&n))
	return n.Int64
}

func wants(t testing.TB, err error, code errs.Code, reason string) {
	t.Helper()
	if errs.CodeOf(err) != code || errs.ReasonOf(err) != reason {
		t.Fatalf("wanted %v %s, got %v", code, reason, err)
	}
}
