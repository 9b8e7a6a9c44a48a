package loan_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	loanv1 "github.com/hengdai/hengdai/api/loan/v1"
	"github.com/hengdai/hengdai/api/loan/v1/loanv1connect"
	"github.com/hengdai/hengdai/api/log/v1/logv1connect"
	"github.com/hengdai/hengdai/api/payment/v1/paymentv1connect"
	riskv1 "github.com/hengdai/hengdai/api/risk/v1"
	"github.com/hengdai/hengdai/api/risk/v1/riskv1connect"
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
	"github.com/hengdai/hengdai/kit/telemetry"
	"github.com/hengdai/hengdai/kit/vault"
	"github.com/hengdai/hengdai/service/loan"
)

// start is the day on which the tests begin.
var start = time.Date(2026, 11, 2, 10, 0, 0, 0, clock.Shanghai)

// world is loan with its neighbours: user and risk stand in as servers with the real interface and the real interceptors.
type world struct {
	t    *testing.T
	db   *store.DB
	net  *rpctest.Net
	ids  *id.Generator
	clk  *clock.Manual
	user *userStand
	risk *riskStand
	next int
	// wait is how long Apply waits for a decision: long, so that a busy machine changes no outcome.
	wait time.Duration
	stop func()
}

func newWorld(t *testing.T, db *store.DB) *world {
	t.Helper()
	w := &world{t: t, db: db, net: rpctest.New(), clk: clock.NewManual(start), wait: 20 * time.Second}
	w.ids = id.NewLocal(1, w.clk)
	w.user = &userStand{people: map[int64]*userv1.Standing{}, keys: map[string][]byte{}}
	w.risk = &riskStand{answers: map[int64]*riskv1.Decision{}}
	userMux, riskMux := w.net.Mux("user"), w.net.Mux("risk")
	userMux.Handle(userv1connect.NewInternalHandler(w.user, userMux.Options()...))
	riskMux.Handle(riskv1connect.NewInternalHandler(w.risk, riskMux.Options()...))
	w.startLoan()
	return w
}

// startLoan runs the service and its jobs until the test ends.
func (w *world) startLoan() {
	w.t.Helper()
	user, risk, payment := w.net.Peer("loan", "user"), w.net.Peer("loan", "risk"), w.net.Peer("loan", "payment")
	svc, err := loan.New(loan.Deps{
		DB: w.db, Log: eventlog.New(w.db, "loan", w.ids, w.clk), Clock: w.clk, IDs: w.ids, Vault: vault.New(keySource{w.user}),
		Logger: telemetry.Discard().Logger, User: userv1connect.NewInternalClient(user.HTTP, user.URL, user.Options...),
		Risk:       riskv1connect.NewInternalClient(risk.HTTP, risk.URL, risk.Options...),
		Payment:    paymentv1connect.NewInternalClient(payment.HTTP, payment.URL, payment.Options...),
		UserLog:    logv1connect.NewLogClient(user.HTTP, user.URL, user.Options...),
		RiskLog:    logv1connect.NewLogClient(risk.HTTP, risk.URL, risk.Options...),
		PaymentLog: logv1connect.NewLogClient(payment.HTTP, payment.URL, payment.Options...),
		Sandbox:    true, DecisionWait: w.wait,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	mux := w.net.Mux("loan")
	svc.Mount(mux, mux.Options()...)
	runner := job.NewRunner(w.db, "test", telemetry.Discard().Logger)
	for _, j := range svc.Jobs() {
		if j.Name == "loan.effects" || j.Name == "loan.expire" {
			j.Every = 50 * time.Millisecond
			runner.Add(j)
		}
	}
	ctx, stop := context.WithCancel(w.t.Context())
	var running sync.WaitGroup
	running.Go(func() { _ = runner.Run(ctx) })
	w.stop = func() { stop(); running.Wait() }
	w.t.Cleanup(w.stop)
}

// impatient makes Apply answer at once, for tests in which risk does not.
func (w *world) impatient() {
	w.t.Helper()
	w.stop()
	w.wait = 100 * time.Millisecond
	w.startLoan()
}

// person registers somebody who may apply, with card 7.
func (w *world) person() int64 {
	w.next++
	userID := w.ids.New(int64(w.next % 1024))
	w.user.put(&userv1.Standing{UserId: userID, State: "identified", AgeYears: 30, Consents: []string{"credit_query"}, MobileToken: "mt", DeviceToken: "dt",
		Cards: []*userv1.Card{{CardId: 7, Bank: "ICBC", Last4: "1234", Token: "ct", Verified: true}, {CardId: 8, Bank: "ABC", Last4: "9999"}}})
	return userID
}

func (w *world) public(userID int64) loanv1connect.PublicClient {
	p := rpc.Principal{Kind: rpc.Borrower, ID: userID, SessionID: 1, IP: "127.0.0.9", DeviceToken: "device-1"}
	if userID == 0 {
		p = rpc.Principal{Kind: rpc.Anonymous, IP: "127.0.0.9"}
	}
	peer := w.net.Person(p, "loan", "en")
	return loanv1connect.NewPublicClient(peer.HTTP, peer.URL, peer.Options...)
}

func (w *world) staff(staffID int64, roles ...string) loanv1connect.StaffClient {
	peer := w.net.Person(rpc.Principal{Kind: rpc.Staff, ID: staffID, SessionID: 2, Roles: roles}, "loan", "en")
	return loanv1connect.NewStaffClient(peer.HTTP, peer.URL, peer.Options...)
}

// wants is an application that nothing stands against.
func (w *world) wants() *loanv1.ApplyRequest {
	w.next++
	return &loanv1.ApplyRequest{Product: "consumer-cash", AmountMinor: 1_200_000, TermMonths: 12, Method: "equal_instalment", Purpose: "furniture",
		Stated: &loanv1.StatedFacts{Job: "skilled", Housing: "rent"}, CardId: 7, Device: &loanv1.ApplyDevice{}, IdempotencyKey: fmt.Sprintf("key-%06d", w.next)}
}

func (w *world) apply(userID int64) *loanv1.Application {
	w.t.Helper()
	a, err := w.public(userID).Apply(w.t.Context(), w.wants())
	if err != nil {
		w.t.Fatal(err)
	}
	return a
}

// confirm brings an approved application to its contract.
func (w *world) confirm(userID, applicationID int64) *loanv1.Contract {
	w.t.Helper()
	d, err := w.public(userID).GetDisclosure(w.t.Context(), &loanv1.GetDisclosureRequest{ApplicationId: applicationID})
	if err != nil {
		w.t.Fatal(err)
	}
	c, err := w.public(userID).ConfirmDisclosure(w.t.Context(), &loanv1.ConfirmDisclosureRequest{ApplicationId: applicationID, Hash: d.GetHash(),
		ShownAtMs: w.clk.Now().Add(-time.Minute).UnixMilli(), ReadSeconds: 30, IdempotencyKey: fmt.Sprintf("confirm-%d", applicationID)})
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

func (w *world) limit(userID int64) *loanv1.Limit {
	w.t.Helper()
	l, err := w.public(userID).GetLimit(w.t.Context(), &loanv1.GetLimitRequest{})
	if err != nil {
		w.t.Fatal(err)
	}
	if l.GetAvailableMinor() != l.GetTotalMinor()-l.GetFrozenMinor()-l.GetUsedMinor() || l.GetAvailableMinor() < 0 {
		w.t.Fatalf("the limit does not add up: %v", l)
	}
	return l
}

// events counts the events of a kind that were told.
func (w *world) events(kind string) int {
	w.t.Helper()
	var n, m int
	row := w.db.Primary().QueryRowContext(w.t.Context(), "SELECT COUNT(*) FROM kit_log_new WHERE kind = ?", kind)
	if err := row.Scan(&n); err != nil {
		w.t.Fatal(err)
	}
	row = w.db.Primary().QueryRowContext(w.t.Context(), "SELECT COUNT(*) FROM kit_log WHERE kind = ?", kind)
	if err := row.Scan(&m); err != nil {
		w.t.Fatal(err)
	}
	return n + m
}

// refused fails the test unless err has this code and reason.
func refused(t *testing.T, err error, code errs.Code, reason string) {
	t.Helper()
	if errs.CodeOf(err) != code || errs.ReasonOf(err) != reason {
		t.Fatalf("want %s %s, got %v (%s %s)", code, reason, err, errs.CodeOf(err), errs.ReasonOf(err))
	}
	var e *errs.Error
	if !errors.As(err, &e) || e.ZH == "" || e.EN == "" {
		t.Fatalf("%s has no sentence in both languages", reason)
	}
}

// userStand answers for user: what people may do, their values and keys.
type userStand struct {
	userv1connect.UnimplementedInternalHandler
	mu     sync.Mutex
	people map[int64]*userv1.Standing
	keys   map[string][]byte
	looks  []string
}

func (u *userStand) put(st *userv1.Standing) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.people[st.GetUserId()] = st
}

func (u *userStand) erase(userID int64) {
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.people, userID)
}

func (u *userStand) GetStanding(_ context.Context, req *userv1.GetStandingRequest) (*userv1.Standing, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if st := u.people[req.GetUserId()]; st != nil {
		return st, nil
	}
	return nil, errs.New(errs.NotFound, "user.not_found", "没有这个用户。", "There is no such user.")
}

func (u *userStand) Reveal(_ context.Context, req *userv1.RevealRequest) (*userv1.RevealResponse, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.looks = append(u.looks, req.GetPurpose())
	return &userv1.RevealResponse{Name: "测试人", IdNo: "990101199001010015", Mobile: "12900000001"}, nil
}

func (u *userStand) Tokenise(_ context.Context, req *userv1.TokeniseRequest) (*userv1.TokeniseResponse, error) {
	out := &userv1.TokeniseResponse{}
	for _, v := range req.GetValues() {
		out.Tokens = append(out.Tokens, "token-"+v.GetKind())
	}
	return out, nil
}

// keySource gives the stand-in's keys to a vault.
type keySource struct{ *userStand }

func (u keySource) ClassKey(_ context.Context, userID int64, class, _ string) ([]byte, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.people[userID] == nil {
		return nil, errs.New(errs.NotFound, "user.erased", "该用户已注销。", "The person was erased.")
	}
	name := fmt.Sprintf("%d/%s", userID, class)
	if u.keys[name] == nil {
		key, err := vault.NewKey()
		if err != nil {
			return nil, err
		}
		u.keys[name] = key.Bytes()
	}
	return u.keys[name], nil
}

// riskStand answers as it was told; without an answer it approves.
type riskStand struct {
	riskv1connect.UnimplementedInternalHandler
	mu      sync.Mutex
	down    bool
	refuses bool
	answers map[int64]*riskv1.Decision
	usual   *riskv1.Decision
	asked   []*riskv1.DecideRequest
}

func approveA(limit int64) *riskv1.Decision {
	return &riskv1.Decision{Outcome: "approve", Grade: "A", LimitMinor: limit, RatePpm: 90_000, Score: 700, Policy: "test-1"}
}

func (r *riskStand) say(d *riskv1.Decision) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.usual = d
}

func (r *riskStand) setDown(down bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.down = down
}

func (r *riskStand) refuseAll(refuses bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.refuses = refuses
}

func (r *riskStand) questions() []*riskv1.DecideRequest {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]*riskv1.DecideRequest(nil), r.asked...)
}

func (r *riskStand) Decide(_ context.Context, req *riskv1.DecideRequest) (*riskv1.Decision, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.down {
		return nil, errs.New(errs.Unavailable, "risk.down", "风控暂不可用。", "Risk does not answer.")
	}
	if r.refuses {
		return nil, errs.New(errs.Invalid, "risk.no_policy", "没有适用的策略。", "No policy applies.")
	}
	r.asked = append(r.asked, req)
	if have := r.answers[req.GetApplicationId()]; have != nil {
		return have, nil
	}
	d := r.usual
	if d == nil {
		d = approveA(5_000_000)
	}
	d.DecisionId = int64(len(r.answers) + 1)
	r.answers[req.GetApplicationId()] = d
	return d, nil
}
