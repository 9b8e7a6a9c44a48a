package report_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	ledgerv1 "github.com/hengdai/hengdai/api/ledger/v1"
	logv1 "github.com/hengdai/hengdai/api/log/v1"
	"github.com/hengdai/hengdai/api/log/v1/logv1connect"
	reportv1 "github.com/hengdai/hengdai/api/report/v1"
	"github.com/hengdai/hengdai/api/report/v1/reportv1connect"
	"github.com/hengdai/hengdai/kit/clock"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/id"
	eventlog "github.com/hengdai/hengdai/kit/log"
	"github.com/hengdai/hengdai/kit/rpc"
	"github.com/hengdai/hengdai/kit/rpc/rpctest"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/kit/store/storetest"
	"github.com/hengdai/hengdai/service/report"
)

var ctx = context.Background()

var noon = time.Date(2026, 3, 10, 4, 0, 0, 0, time.UTC)

// rig is report behind real interceptors, between real logs of loan, payment and risk.
type rig struct {
	t       *testing.T
	clk     *clock.Manual
	ids     *id.Generator
	net     *rpctest.Net
	db      *store.DB
	service *report.Service
	sources map[string]*source
}

// source is a log that can be made to fall silent.
type source struct {
	*eventlog.Log
	db     *store.DB
	silent bool
}

var errSilent = errs.New(errs.Unavailable, "test.silent", "没有回应。", "No answer.")

func (s *source) Read(ctx context.Context, req *logv1.ReadRequest) (*logv1.ReadResponse, error) {
	if s.silent {
		return nil, errSilent
	}
	return s.Log.Read(ctx, req)
}

func (s *source) Heads(ctx context.Context, req *logv1.HeadsRequest) (*logv1.HeadsResponse, error) {
	if s.silent {
		return nil, errSilent
	}
	return s.Log.Heads(ctx, req)
}

var _ logv1connect.LogClient = (*source)(nil)

func onBoth(t *testing.T, test func(t *testing.T, r *rig)) {
	storetest.Each(t, report.Schema(), func(t *testing.T, db *store.DB) { test(t, startOn(t, db)) })
}

func start(t *testing.T) *rig {
	return startOn(t, storetest.Open(t, storetest.SQLite(t), report.Schema()))
}

func startOn(t *testing.T, db *store.DB) *rig {
	t.Helper()
	r := &rig{t: t, clk: clock.NewManual(noon), net: rpctest.New(), db: db, sources: map[string]*source{}}
	r.ids = id.NewLocal(1, r.clk)
	for _, name := range []string{"loan", "payment", "risk"} {
		db := storetest.Open(t, storetest.SQLite(t))
		r.sources[name] = &source{Log: eventlog.New(db, name, r.ids, r.clk), db: db}
	}
	r.open()
	return r
}

func (r *rig) open() {
	r.t.Helper()
	var err error
	r.service, err = report.New(report.Deps{DB: r.db, Clock: r.clk, Logger: slog.New(slog.DiscardHandler),
		LoanLog: r.sources["loan"], PaymentLog: r.sources["payment"], RiskLog: r.sources["risk"]})
	must(r.t, err)
	m := r.net.Mux("report")
	r.service.Mount(m, m.Options()...)
}

func (r *rig) desk(role, language string) reportv1connect.StaffClient {
	p := r.net.Person(rpc.Principal{Kind: rpc.Staff, ID: 7, SessionID: 1, Roles: []string{role}}, "report", language)
	return reportv1connect.NewStaffClient(p.HTTP, p.URL, p.Options...)
}

func (r *rig) admin() reportv1connect.StaffClient { return r.desk("admin", "en") }

// happen writes events of a borrower, or of a partition, into a log; each a second after the one before.
func (r *rig) happen(from string, user, bucket int64, events ...proto.Message) {
	r.t.Helper()
	s := r.sources[from]
	for _, e := range events {
		r.clk.Add(time.Second)
		must(r.t, s.db.Write(ctx, func(tx *store.Tx) error { return s.Append(tx, eventlog.Event{UserID: user, Bucket: bucket, Body: e}) }))
	}
}

func (r *rig) run() {
	r.t.Helper()
	for {
		worked := false
		for _, s := range r.sources {
			more, err := s.Step(ctx)
			must(r.t, err)
			worked = worked || more
		}
		for _, j := range r.service.Jobs() {
			more, err := j.Step(ctx)
			if err != nil {
				r.t.Fatalf("%s: %v", j.Name, err)
			}
			worked = worked || more
		}
		if !worked {
			return
		}
	}
}

// posted is a transaction of a journal: accounts and amounts by turns.
func (r *rig) posted(journal, event string, bucket, subject int64, on string, entries ...any) *ledgerv1.Posted {
	p := &ledgerv1.Posted{Journal: journal, TransactionId: r.ids.New(bucket), Event: event, SubjectId: subject, BookedOn: on, ValueOn: on}
	for i := 0; i < len(entries); i += 2 {
		p.Entries = append(p.Entries, &ledgerv1.Entry{Account: entries[i].(string), AmountMinor: int64(entries[i+1].(int))})
	}
	return p
}

// sums is a day's close of one partition: a transaction per product and bucket.
func (r *rig) sums(partition int64, on string, products ...string) *ledgerv1.PostedSums {
	out := &ledgerv1.PostedSums{BookedOn: on, Partition: int32(partition)}
	for bucket := partition; bucket < id.Buckets; bucket += id.Partitions {
		for i, product := range products {
			p := r.posted("loan", "accrual", bucket, 0, on, "1303", 10+i, "6011", -10-i)
			for _, e := range p.Entries {
				e.Product = product
			}
			out.Posted = append(out.Posted, p)
		}
	}
	return out
}

// figures is everything that report answers, as text, for comparing.
func (r *rig) figures() string {
	r.t.Helper()
	desk := r.admin()
	balance, err := desk.GetTrialBalance(ctx, &reportv1.GetTrialBalanceRequest{})
	must(r.t, err)
	early, err := desk.GetTrialBalance(ctx, &reportv1.GetTrialBalanceRequest{AsOf: "2026-03-10"})
	must(r.t, err)
	funnel, err := desk.GetFunnel(ctx, &reportv1.GetFunnelRequest{})
	must(r.t, err)
	book, err := desk.GetPortfolio(ctx, &reportv1.GetPortfolioRequest{})
	must(r.t, err)
	apps, err := desk.ListApplications(ctx, &reportv1.ListApplicationsRequest{PageSize: 200})
	must(r.t, err)
	loans, err := desk.ListLoans(ctx, &reportv1.ListLoansRequest{PageSize: 200})
	must(r.t, err)
	orders, err := desk.ListOrders(ctx, &reportv1.ListOrdersRequest{PageSize: 200})
	must(r.t, err)
	text := ""
	for _, m := range []proto.Message{balance, early, funnel, book, apps, loans, orders} {
		raw, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
		must(r.t, err)
		text += fmt.Sprintf("%x\n", raw)
	}
	for _, line := range balance.GetLines() {
		list, err := desk.ListEntries(ctx, &reportv1.ListEntriesRequest{Account: line.GetAccount(), PageSize: 200})
		must(r.t, err)
		text += fmt.Sprint(list.GetEntries(), "\n")
	}
	return text
}

func refused(t *testing.T, err error, code errs.Code, reason, field, sentence string) {
	t.Helper()
	var e *errs.Error
	if !errors.As(err, &e) || e.Code != code || e.Reason != reason || e.Field != field || e.ZH+e.EN == "" {
		t.Errorf("got %v, want %s %s on %q with %q", err, code, reason, field, sentence)
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
