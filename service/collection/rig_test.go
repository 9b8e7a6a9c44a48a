package collection_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	collectionv1 "github.com/hengdai/hengdai/api/collection/v1"
	"github.com/hengdai/hengdai/api/collection/v1/collectionv1connect"
	loanv1 "github.com/hengdai/hengdai/api/loan/v1"
	"github.com/hengdai/hengdai/api/loan/v1/loanv1connect"
	logv1 "github.com/hengdai/hengdai/api/log/v1"
	userv1 "github.com/hengdai/hengdai/api/user/v1"
	"github.com/hengdai/hengdai/api/user/v1/userv1connect"
	"github.com/hengdai/hengdai/domain/calendar"
	"github.com/hengdai/hengdai/kit/clock"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/id"
	"github.com/hengdai/hengdai/kit/keys"
	eventlog "github.com/hengdai/hengdai/kit/log"
	"github.com/hengdai/hengdai/kit/rpc"
	"github.com/hengdai/hengdai/kit/rpc/rpctest"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/kit/store/storetest"
	"github.com/hengdai/hengdai/kit/vault"
	"github.com/hengdai/hengdai/service/collection"
)

var ctx = context.Background()

// due is when the tests' money was due: its first day past due is the next.
var due = calendar.Of(2026, 3, 10)

// rig is collection between a real log of loan and stand-ins of loan and user behind real sockets.
type rig struct {
	t    *testing.T
	clk  *clock.Manual
	ids  *id.Generator
	net  *rpctest.Net
	loan *loanStand
	user *userStand

	loanDB  *store.DB
	loanLog *eventlog.Log

	db      *store.DB
	log     *eventlog.Log
	ring    *keys.Ring
	service *collection.Service
}

// onBoth runs a test on both engines.
func onBoth(t *testing.T, test func(t *testing.T, r *rig)) {
	storetest.Each(t, collection.Schema(), func(t *testing.T, db *store.DB) { test(t, startOn(t, db)) })
}

func start(t *testing.T) *rig {
	return startOn(t, storetest.Open(t, storetest.SQLite(t), collection.Schema()))
}

func startOn(t *testing.T, db *store.DB) *rig {
	t.Helper()
	r := &rig{t: t, clk: clock.NewManual(due.Midnight().Add(time.Second)), net: rpctest.New(), db: db, loan: newLoanStand()}
	r.ids = id.NewLocal(1, r.clk)
	var err error
	if r.ring, err = keys.Open(t.TempDir(), "collection", true); err != nil {
		t.Fatal(err)
	}
	r.user = &userStand{ring: r.ring, keys: map[int64]vault.Key{}}
	r.loanDB = storetest.Open(t, storetest.SQLite(t))
	r.loanLog = eventlog.New(r.loanDB, "loan", r.ids, r.clk)
	loan, user := r.net.Mux("loan"), r.net.Mux("user")
	loan.Handle(loanv1connect.NewInternalHandler(r.loan, loan.Options()...))
	user.Handle(userv1connect.NewInternalHandler(r.user, user.Options()...))
	r.socket("loan", loan)
	r.socket("user", user)
	r.open()
	return r
}

// socket puts a stand-in behind a real one.
func (r *rig) socket(name string, handler http.Handler) {
	server := httptest.NewUnstartedServer(handler)
	server.Config.Protocols = rpc.HTTPServer(handler).Protocols
	server.Start()
	r.t.Cleanup(server.Close)
	if err := r.net.Directory.At(name, server.URL, nil); err != nil {
		r.t.Fatal(err)
	}
}

// open makes the service on the database as it stands: the first start and every later one.
func (r *rig) open() {
	r.t.Helper()
	r.log = eventlog.New(r.db, "collection", r.ids, r.clk)
	loan, user := r.net.Peer("collection", "loan"), r.net.Peer("collection", "user")
	users := userv1connect.NewInternalClient(user.HTTP, user.URL, user.Options...)
	var err error
	r.service, err = collection.New(collection.Deps{
		DB: r.db, Log: r.log, Clock: r.clk, IDs: r.ids, Vault: vault.New(vault.NewRemote(users, r.ring)), Logger: slog.New(slog.DiscardHandler),
		Loan: loanv1connect.NewInternalClient(loan.HTTP, loan.URL, loan.Options...), User: users, LoanLog: r.loanLog,
	})
	if err != nil {
		r.t.Fatal(err)
	}
	m := r.net.Mux("collection")
	r.service.Mount(m, m.Options()...)
}

// desk is a member of staff with a role, who reads a language.
func (r *rig) desk(staff int64, role, language string) collectionv1connect.StaffClient {
	p := r.net.Person(rpc.Principal{Kind: rpc.Staff, ID: staff, SessionID: 1, Roles: []string{role}}, "collection", language)
	return collectionv1connect.NewStaffClient(p.HTTP, p.URL, p.Options...)
}

func (r *rig) collector() collectionv1connect.StaffClient { return r.desk(7, "collector", "en") }

// happen writes events of a borrower into loan's log.
func (r *rig) happen(user int64, events ...proto.Message) {
	r.t.Helper()
	must(r.t, r.loanDB.Write(ctx, func(tx *store.Tx) error {
		for _, e := range events {
			if err := r.loanLog.Append(tx, eventlog.Event{UserID: user, Bucket: id.Bucket(user), Body: e}); err != nil {
				return err
			}
		}
		return nil
	}))
}

// run lets every job work until nothing is left.
func (r *rig) run() {
	r.t.Helper()
	must(r.t, r.tryRun())
}

func (r *rig) tryRun() error {
	for {
		worked, err := r.loanLog.Step(ctx)
		if err != nil {
			return err
		}
		jobs := r.service.Jobs()
		for _, j := range jobs {
			more, err := j.Step(ctx)
			if err != nil {
				return fmt.Errorf("%s: %w", j.Name, err)
			}
			worked = worked || more
		}
		if !worked {
			return nil
		}
	}
}

// begin lets loan close the day before and begin a day, just after midnight, as it stands.
func (r *rig) begin(day calendar.Date) {
	r.t.Helper()
	r.clk.Set(day.Midnight().Add(time.Second))
	r.loan.mu.Lock()
	r.loan.day = day
	r.loan.mu.Unlock()
	r.happen(0, &loanv1.DayClosed{Date: (day - 1).String()})
	r.run()
}

// overdue lets a loan become overdue as loan tells and answers it.
func (r *rig) overdue(user, loanID int64, since calendar.Date, minor int64) *loanv1.OverdueChanged {
	r.loan.mu.Lock()
	defer r.loan.mu.Unlock()
	r.loan.loans[loanID] = &owing{since: since, minor: minor}
	dpd := int32(calendar.Days(since, r.loan.day))
	return &loanv1.OverdueChanged{LoanId: loanID, Dpd: dpd, Bucket: "M1", OverdueMinor: minor, On: r.loan.day.String()}
}

// told answers what collection told since it began, in order, without its own keys.
func (r *rig) told() []proto.Message {
	r.t.Helper()
	for {
		more, err := r.log.Step(ctx)
		must(r.t, err)
		if !more {
			break
		}
	}
	req := &logv1.ReadRequest{Limit: 1000}
	for p := range int32(id.Partitions) {
		req.After = append(req.After, &logv1.Cursor{Partition: p})
	}
	res, err := r.log.Read(ctx, req)
	must(r.t, err)
	var out []proto.Message
	for _, e := range res.GetEvents() {
		var m proto.Message
		switch e.GetKind() {
		case "collection.v1.CaseOpened":
			m = &collectionv1.CaseOpened{}
		case "collection.v1.CaseMoved":
			m = &collectionv1.CaseMoved{}
		case "collection.v1.ContactPlanned":
			m = &collectionv1.ContactPlanned{}
		case "collection.v1.ContactWithdrawn":
			m = &collectionv1.ContactWithdrawn{}
		default:
			r.t.Fatalf("unknown event %s", e.GetKind())
		}
		must(r.t, proto.Unmarshal(e.GetBody(), m))
		out = append(out, m)
	}
	return out
}

// contacts answers the days past due of all planned contacts.
func (r *rig) contacts() []int32 {
	days := []int32{}
	for _, m := range r.told() {
		if c, ok := m.(*collectionv1.ContactPlanned); ok {
			days = append(days, c.GetDpd())
		}
	}
	return days
}

// withdrawn counts the contacts that were withdrawn.
func (r *rig) withdrawn() int {
	n := 0
	for _, m := range r.told() {
		if _, ok := m.(*collectionv1.ContactWithdrawn); ok {
			n++
		}
	}
	return n
}

// cases lists a person's cases in a state, "" for all that are not closed.
func (r *rig) cases(user int64, state string) []*collectionv1.Case {
	r.t.Helper()
	list, err := r.collector().ListCases(ctx, &collectionv1.ListCasesRequest{UserId: user, State: state})
	must(r.t, err)
	return list.GetCases()
}

// onlyCase answers the one case a person has in a state.
func (r *rig) onlyCase(user int64, state string) *collectionv1.Case {
	r.t.Helper()
	list := r.cases(user, state)
	if len(list) != 1 {
		r.t.Fatalf("%d cases in %q, want 1", len(list), state)
	}
	return list[0]
}

// acts answers the kinds of all acts of a case, oldest first.
func (r *rig) acts(caseID int64) string {
	r.t.Helper()
	file, err := r.collector().GetCase(ctx, &collectionv1.GetCaseRequest{CaseId: caseID})
	must(r.t, err)
	kinds := []string{}
	for _, a := range slices.Backward(file.GetActs()) {
		kinds = append(kinds, a.GetKind())
		if want := int64(len(kinds)); a.GetNumber() != want {
			r.t.Errorf("act %d stands where %d is due", a.GetNumber(), want)
		}
	}
	return strings.Join(kinds, " ")
}

// refused checks an error: code, reason, field, and that each language has a sentence of its own.
func refused(t *testing.T, err error, code errs.Code, reason, field, sentence string) {
	t.Helper()
	var e *errs.Error
	if !errors.As(err, &e) {
		t.Errorf("got %v, want a refusal for %s", err, reason)
		return
	}
	if e.Code != code || e.Reason != reason || e.Field != field || !strings.Contains(e.ZH+e.EN, sentence) {
		t.Errorf("got %s %s on %q (%s|%s), want %s %s on %q with %q", e.Code, e.Reason, e.Field, e.ZH, e.EN, code, reason, field, sentence)
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func want[T comparable](t testing.TB, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("got %v, want %v", got, want)
	}
}

// owing is what a loan owes in the stand-in.
type owing struct {
	since  calendar.Date
	minor  int64
	locked bool
	state  string
}

// loanStand answers GetPosition; a loan that it does not know is not found.
type loanStand struct {
	loanv1connect.UnimplementedInternalHandler
	mu    sync.Mutex
	day   calendar.Date
	loans map[int64]*owing
	down  bool
	// before is called while a position is being asked for.
	before func()
}

func newLoanStand() *loanStand { return &loanStand{day: due, loans: map[int64]*owing{}} }

func (l *loanStand) set(loanID int64, change func(o *owing)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	change(l.loans[loanID])
}

func (l *loanStand) GetPosition(_ context.Context, req *loanv1.GetPositionRequest) (*loanv1.Position, error) {
	l.mu.Lock()
	before := l.before
	l.mu.Unlock()
	if before != nil {
		before()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.down {
		return nil, errs.New(errs.Unavailable, "loan.down", "稍后再试。", "Try again later.")
	}
	o := l.loans[req.GetLoanId()]
	if o == nil {
		return nil, errs.New(errs.NotFound, "loan.not_found", "没有该贷款。", "There is no such loan.")
	}
	p := &loanv1.Position{LoanId: req.GetLoanId(), OverdueMinor: o.minor, PayoffMinor: o.minor + 100, BusinessDate: l.day.String(), Locked: o.locked, State: o.state}
	if o.minor > 0 {
		p.Dpd = int32(calendar.Days(o.since, l.day))
	}
	return p, nil
}

// userStand has a name and a key for everybody who was not erased.
type userStand struct {
	userv1connect.UnimplementedInternalHandler
	ring   *keys.Ring
	mu     sync.Mutex
	keys   map[int64]vault.Key
	asked  []*userv1.RevealRequest
	erased bool
}

var errErased = errs.New(errs.NotFound, "user.erased", "该数据已被删除。", "The data were erased.")

func (u *userStand) Reveal(_ context.Context, req *userv1.RevealRequest) (*userv1.RevealResponse, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.asked = append(u.asked, req)
	if u.erased {
		return nil, errErased
	}
	return &userv1.RevealResponse{Name: "欧阳测试"}, nil
}

func (u *userStand) ClassKey(_ context.Context, req *userv1.ClassKeyRequest) (*userv1.ClassKeyResponse, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.erased {
		return nil, errErased
	}
	if req.GetClass() != "collection" {
		return nil, errs.New(errs.Denied, "user.class", "不允许。", "Not allowed.")
	}
	if _, ok := u.keys[req.GetUserId()]; !ok {
		key, err := vault.NewKey()
		if err != nil {
			return nil, err
		}
		u.keys[req.GetUserId()] = key
	}
	sealed, err := vault.SealTo(u.ring.PublicSeal("collection"), u.keys[req.GetUserId()].Bytes())
	return &userv1.ClassKeyResponse{SealedKeyset: sealed}, err
}
