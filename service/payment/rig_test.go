package payment_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	loanv1 "github.com/hengdai/hengdai/api/loan/v1"
	logv1 "github.com/hengdai/hengdai/api/log/v1"
	"github.com/hengdai/hengdai/api/log/v1/logv1connect"
	paymentv1 "github.com/hengdai/hengdai/api/payment/v1"
	"github.com/hengdai/hengdai/api/payment/v1/paymentv1connect"
	userv1 "github.com/hengdai/hengdai/api/user/v1"
	"github.com/hengdai/hengdai/api/user/v1/userv1connect"
	"github.com/hengdai/hengdai/kit/clock"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/id"
	"github.com/hengdai/hengdai/kit/job"
	eventlog "github.com/hengdai/hengdai/kit/log"
	"github.com/hengdai/hengdai/kit/rpc"
	"github.com/hengdai/hengdai/kit/rpc/rpctest"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/kit/store/storetest"
	"github.com/hengdai/hengdai/sandbox"
	"github.com/hengdai/hengdai/sandbox/party"
	"github.com/hengdai/hengdai/sandbox/people"
	"github.com/hengdai/hengdai/service/payment"
	"github.com/hengdai/hengdai/service/payment/channel"
)

const (
	rich    = 100_000_00
	usersAt = int64(1) << 30
)

// rig is payment between a real sandbox, a real log of loan and a front door through which channels call back.
type rig struct {
	t      testing.TB
	cfg    store.Config
	dir    string
	offset *clock.Offset
	clk    clock.Clock
	net    *rpctest.Net

	box   string // the sandbox's address
	line  *wire  // between payment and the sandbox
	front *httptest.Server

	loanDB  *store.DB
	loanLog *eventlog.Log

	crowd []people.Person
	gone  atomic.Bool // user has nobody any more
	idle  bool        // the jobs are not run
	// user's answers wait from the one with this number on; nil: none waits.
	pause     chan struct{}
	pauseFrom int
	revealed  int

	db     *store.DB
	log    *eventlog.Log
	ids    *id.Generator
	svc    *payment.Service
	stop   func()
	tuning func(*payment.Deps)

	mu   sync.Mutex
	deaf bool // callbacks are lost on their way
}

// start makes a rig on a database.
func start(t testing.TB, cfg store.Config, tuning ...func(*payment.Deps)) *rig {
	t.Helper()
	r := &rig{t: t, cfg: cfg, dir: t.TempDir(), offset: &clock.Offset{}, net: rpctest.New()}
	r.clk = clock.New(r.offset)
	r.tuning = func(d *payment.Deps) {
		for _, f := range tuning {
			f(d)
		}
	}
	r.front = httptest.NewServer(http.HandlerFunc(r.passOn))
	t.Cleanup(r.front.Close)
	r.startBox()
	r.line = newWire(t, r.box)
	r.startPeers()
	r.open()
	t.Cleanup(func() { r.stop() })
	return r
}

func (r *rig) startBox() {
	ctx, cancel := context.WithCancel(context.Background())
	db, err := store.Open(ctx, store.Config{Engine: store.SQLite, Path: filepath.Join(r.dir, "sandbox.db")}, sandbox.Schema())
	r.must(err)
	none := int64(0)
	box, err := sandbox.New(ctx, sandbox.Deps{
		DB: db, Clock: r.clk, Offset: r.offset, KeysDir: r.keys(), CallbackBase: r.front.URL, Logger: slog.New(slog.DiscardHandler),
		Latency: &party.Latency{}, AlphaLaterPPM: &none,
	})
	r.must(err)
	server := httptest.NewServer(box.Handler())
	r.box = server.URL
	done := make(chan struct{})
	go func() { defer close(done); _ = box.Run(ctx) }()
	r.t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
		cancel()
		<-done
		_ = box.Close()
	})
	r.crowd = people.Generate(11, 40, people.Options{BalanceMinor: rich})
	r.control("/control/people", map[string]any{"people": r.crowd})
}

// startPeers makes loan's log and user's answers.
func (r *rig) startPeers() {
	r.loanDB = storetest.Open(r.t, store.Config{Engine: store.SQLite, Path: filepath.Join(r.dir, "loan.db")})
	r.loanLog = eventlog.New(r.loanDB, "loan", id.NewLocal(5, r.clk), r.clk)
	loan := r.net.Mux("loan")
	loan.Handle(logv1connect.NewLogHandler(r.loanLog, loan.Options()...))
	user := r.net.Mux("user")
	user.Handle(userv1connect.NewInternalHandler(&persons{rig: r}, user.Options()...))
}

// open opens the database and starts the service, as a process does.
func (r *rig) open() {
	r.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	db, err := store.Open(ctx, r.cfg, payment.Schema())
	r.must(err)
	r.db = db
	r.ids = id.NewLocal(1, r.clk)
	r.log = eventlog.New(db, "payment", r.ids, r.clk)
	loan, user := r.net.Peer("payment", "loan"), r.net.Peer("payment", "user")
	deps := payment.Deps{
		DB: db, Log: r.log, Clock: r.clk, IDs: r.ids, Logger: slog.New(slog.DiscardHandler), Metrics: prometheus.NewRegistry(),
		User:    userv1connect.NewInternalClient(user.HTTP, user.URL, user.Options...),
		LoanLog: logv1connect.NewLogClient(loan.HTTP, loan.URL, loan.Options...),
		Channels: []channel.Config{
			{Channel: "alpha", BaseURL: r.line.url + "/alpha", MerchantID: "M1", NotifyURL: r.front.URL + "/callbacks/payment/alpha", KeysDir: r.keys(), Priority: 1, Timeout: 2 * time.Second},
			{Channel: "beta", BaseURL: r.line.url + "/beta", MerchantID: "M1", NotifyURL: r.front.URL + "/callbacks/payment/beta", KeysDir: r.keys(), Priority: 2, Timeout: 2 * time.Second},
		},
	}
	r.tuning(&deps)
	r.svc, err = payment.New(deps)
	r.must(err)
	mux := r.net.Mux("payment")
	r.svc.Mount(mux, mux.Options()...)
	runner := job.NewRunner(db, "test", slog.New(slog.DiscardHandler))
	runner.Add(r.svc.Jobs()...)
	runner.Add(job.Job{Name: "log", Step: r.log.Step})
	loans := job.NewRunner(r.loanDB, "test", slog.New(slog.DiscardHandler))
	loans.Add(job.Job{Name: "log", Step: r.loanLog.Step})
	var work sync.WaitGroup
	if !r.idle {
		work.Go(func() { _ = runner.Run(ctx) })
		work.Go(func() { _ = loans.Run(ctx) })
	}
	r.stop = sync.OnceFunc(func() {
		cancel()
		work.Wait()
		_ = db.Close()
	})
}

// crash drops the service as a kill does: nothing that it has in hand is committed any more.
func (r *rig) crash() {
	r.t.Helper()
	_ = r.db.Close()
	r.line.release()
	r.mu.Lock()
	if r.pause != nil {
		close(r.pause)
		r.pause = nil
	}
	r.mu.Unlock()
	r.stop()
}

func (r *rig) keys() string { return filepath.Join(r.dir, "keys") }

func (r *rig) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

// control speaks to the sandbox's control surface.
func (r *rig) control(path string, body any) {
	r.t.Helper()
	raw, err := json.Marshal(body)
	r.must(err)
	res, err := http.Post(r.box+path, "application/json", bytes.NewReader(raw))
	r.must(err)
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(res.Body)
		r.t.Fatalf("%s answers %d: %s", path, res.StatusCode, text)
	}
}

func (r *rig) fault(party, op, kind string, count int, more ...map[string]any) {
	r.t.Helper()
	rule := map[string]any{"party": party, "op": op, "kind": kind, "count": count}
	for _, m := range more {
		for k, v := range m {
			rule[k] = v
		}
	}
	r.control("/control/faults", rule)
}

// trade is one line of the sandbox's journal: what a channel really did.
type trade struct {
	Party       string `json:"party"`
	Kind        string `json:"kind"`
	RequestNo   string `json:"request_no"`
	AmountMinor int64  `json:"amount_minor"`
	Status      string `json:"status"`
	Code        string `json:"code"`
}

// done answers what the channels really did.
func (r *rig) done() []trade {
	r.t.Helper()
	var all []trade
	for _, p := range []string{"alpha", "beta"} {
		res, err := http.Get(r.box + "/control/journal?party=" + p)
		r.must(err)
		var got struct {
			Rows []trade `json:"rows"`
		}
		err = json.NewDecoder(res.Body).Decode(&got)
		_ = res.Body.Close()
		r.must(err)
		all = append(all, got.Rows...)
	}
	return all
}

// moved counts the successes at the channels.
func (r *rig) moved() int {
	n := 0
	for _, t := range r.done() {
		if t.Status == "SUCCESS" {
			n++
		}
	}
	return n
}

// passOn is the gateway's part: it forwards a callback byte for byte, stating who sent it.
func (r *rig) passOn(w http.ResponseWriter, req *http.Request) {
	body, _ := io.ReadAll(req.Body)
	r.mu.Lock()
	deaf := r.deaf
	r.mu.Unlock()
	if deaf {
		http.Error(w, "lost", http.StatusBadGateway)
		return
	}
	status, text := r.deliver(req.Method, req.URL.Path, req.Header, body)
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text)
}

// deliver brings a message to payment's callback path.
func (r *rig) deliver(method, path string, header http.Header, body []byte) (int, string) {
	peer := r.net.Person(rpc.Principal{Kind: rpc.Party, Service: filepath.Base(path)}, "payment", "zh")
	req, err := http.NewRequestWithContext(context.Background(), method, peer.URL+path, bytes.NewReader(body))
	if err != nil {
		return http.StatusBadGateway, err.Error()
	}
	req.Header = header.Clone()
	res, err := peer.HTTP.Do(req)
	if err != nil {
		return http.StatusBadGateway, err.Error()
	}
	defer func() { _ = res.Body.Close() }()
	text, _ := io.ReadAll(res.Body)
	return res.StatusCode, string(text)
}

func (r *rig) setDeaf(deaf bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.deaf = deaf
}

// persons answers as user does, from the sandbox's population.
type persons struct {
	userv1connect.UnimplementedInternalHandler
	rig *rig
}

func (p *persons) Reveal(_ context.Context, req *userv1.RevealRequest) (*userv1.RevealResponse, error) {
	p.rig.mu.Lock()
	p.rig.revealed++
	pause := p.rig.pause
	wait := pause != nil && p.rig.revealed >= p.rig.pauseFrom
	p.rig.mu.Unlock()
	if wait {
		<-pause
	}
	n := int(req.GetCardId())
	if p.rig.gone.Load() || n < 1 || n > len(p.rig.crowd) {
		return nil, errs.New(errs.NotFound, "user.card_not_found", "没有该银行卡。", "There is no such card.")
	}
	who := p.rig.crowd[n-1]
	return &userv1.RevealResponse{Name: who.Name, CardNo: who.Cards[0].CardNo, CardMobile: who.Mobile}, nil
}

// api is payment as loan sees it.
func (r *rig) api() paymentv1connect.InternalClient {
	p := r.net.Peer("loan", "payment")
	return paymentv1connect.NewInternalClient(p.HTTP, p.URL, p.Options...)
}

// staff is payment as a member of staff sees it.
func (r *rig) staff(staffID int64, roles ...string) paymentv1connect.StaffClient {
	p := r.net.Person(rpc.Principal{Kind: rpc.Staff, ID: staffID, SessionID: 1, Roles: roles}, "payment", "en")
	return paymentv1connect.NewStaffClient(p.HTTP, p.URL, p.Options...)
}

// request makes an order of user number n, who holds card number n.
func (r *rig) request(n int, kind string, amount int64) *paymentv1.CreateOrderRequest {
	userID := usersAt<<10 | int64(n*37%1024)
	return &paymentv1.CreateOrderRequest{
		OrderId: r.ids.New(id.Bucket(userID)), Kind: kind, UserId: userID, LoanId: r.ids.New(id.Bucket(userID)), CardId: int64(n),
		AmountMinor: amount, Currency: "CNY",
	}
}

func (r *rig) create(req *paymentv1.CreateOrderRequest) *paymentv1.Order {
	r.t.Helper()
	o, err := r.api().CreateOrder(context.Background(), req)
	r.must(err)
	return o
}

func (r *rig) get(orderID int64) *paymentv1.Order {
	r.t.Helper()
	o, err := r.api().GetOrder(context.Background(), &paymentv1.GetOrderRequest{OrderId: orderID})
	r.must(err)
	return o
}

// await waits until an order is in one of the states.
func (r *rig) await(orderID int64, states ...string) *paymentv1.Order {
	r.t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for {
		o := r.get(orderID)
		if slices.Contains(states, o.GetState()) {
			return o
		}
		if time.Now().After(deadline) {
			r.t.Fatalf("order %d is %s, wanted %v: %v", orderID, o.GetState(), states, o)
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// events answers everything that payment has told.
func (r *rig) events() []*logv1.Event {
	r.t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for {
		n, err := r.log.Unnumbered(context.Background())
		r.must(err)
		if n == 0 {
			break
		}
		if time.Now().After(deadline) {
			r.t.Fatal("the log is not numbered")
		}
		time.Sleep(2 * time.Millisecond)
	}
	var all []*logv1.Event
	for p := range int32(id.Partitions) {
		for after := int64(0); ; {
			res, err := r.log.Read(context.Background(), &logv1.ReadRequest{After: []*logv1.Cursor{{Partition: p, Position: after}}, Limit: 1000})
			r.must(err)
			if len(res.GetEvents()) == 0 {
				break
			}
			all = append(all, res.GetEvents()...)
			after = all[len(all)-1].GetPosition()
		}
	}
	return all
}

// mark writes loan's day marker into its partitions.
func (r *rig) mark(date string, parts ...int32) {
	r.t.Helper()
	for _, p := range parts {
		r.must(r.loanDB.Write(context.Background(), func(tx *store.Tx) error {
			return r.loanLog.Append(tx, eventlog.Event{Bucket: int64(p), Body: &loanv1.DayMarker{Date: date, Partition: p}})
		}))
	}
}

// balance answers what an account of the cash journal holds over all buckets.
func (r *rig) balance(account string) int64 {
	r.t.Helper()
	res, err := r.staff(9, "finance").GetBalances(context.Background(), &paymentv1.GetBalancesRequest{AccountPrefix: account})
	r.must(err)
	if res.GetTotalMinor() != 0 {
		r.t.Fatalf("the journal is out of balance by %d", res.GetTotalMinor())
	}
	var sum int64
	for _, b := range res.GetBalances() {
		sum += b.GetBalanceMinor()
	}
	return sum
}

func (r *rig) detail(orderID int64) *paymentv1.GetStaffOrderResponse {
	r.t.Helper()
	o, err := r.staff(9, "finance").GetStaffOrder(context.Background(), &paymentv1.GetStaffOrderRequest{OrderId: orderID})
	r.must(err)
	return o
}

func (r *rig) refusals() map[string]int64 {
	r.t.Helper()
	res, err := r.staff(9, "operator").ListRefusals(context.Background(), &paymentv1.ListRefusalsRequest{})
	r.must(err)
	found := map[string]int64{}
	for _, x := range res.GetRefusals() {
		found[fmt.Sprintf("%s/%s", x.GetChannel(), x.GetReason())] += x.GetTimes()
	}
	return found
}

// each runs a test on both engines.
func each(t *testing.T, fn func(t *testing.T, cfg store.Config)) {
	storetest.EachConfig(t, []store.Schema{payment.Schema()}, fn)
}
