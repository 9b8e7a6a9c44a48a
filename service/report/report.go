package report

import (
	"context"
	"embed"
	"log/slog"

	"connectrpc.com/connect"

	"github.com/hengdai/hengdai/api/log/v1/logv1connect"
	"github.com/hengdai/hengdai/api/report/v1/reportv1connect"
	"github.com/hengdai/hengdai/kit/audit"
	"github.com/hengdai/hengdai/kit/clock"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/job"
	eventlog "github.com/hengdai/hengdai/kit/log"
	"github.com/hengdai/hengdai/kit/rpc"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/service/report/rows"
)

//go:embed schema
var schemaFiles embed.FS

// Schema is the database of report.
func Schema() store.Schema { return store.Schema{Name: "report", Files: schemaFiles} }

// Deps is what report needs, all of it.
type Deps struct {
	DB         *store.DB
	Clock      clock.Clock
	Logger     *slog.Logger
	LoanLog    logv1connect.LogClient
	PaymentLog logv1connect.LogClient
	RiskLog    logv1connect.LogClient
}

// Service is report.
type Service struct {
	deps    Deps
	sources []source
}

// source is a log that is followed, and how what was made from it is thrown away.
type source struct {
	name   string
	follow *eventlog.Follower
	wipe   func(ctx context.Context, q *rows.Queries) error
}

// New makes the service, whole, or answers why it cannot.
func New(d Deps) (*Service, error) {
	if d.DB == nil || d.Clock == nil || d.Logger == nil || d.LoanLog == nil || d.PaymentLog == nil || d.RiskLog == nil {
		return nil, errs.New(errs.Internal, "report.deps", "报表服务缺少依赖。", "report lacks a dependency.")
	}
	s := &Service{deps: d}
	s.sources = []source{
		{"loan", eventlog.Follow(d.DB, "loan", d.LoanLog,
			eventlog.On(s.onPosted), eventlog.On(s.onSums), eventlog.On(s.onApplicationMoved), eventlog.On(s.onLoanMoved),
			eventlog.On(s.onScheduleFixed), eventlog.On(s.onRepaymentApplied), eventlog.On(s.onRepaymentReversed), eventlog.On(s.onOverdueChanged)), wipeLoan},
		{"payment", eventlog.Follow(d.DB, "payment", d.PaymentLog,
			eventlog.On(s.onPosted), eventlog.On(s.onOrderAccepted), eventlog.On(s.onOrderSettled)), wipePayment},
		{"risk", eventlog.Follow(d.DB, "risk", d.RiskLog, eventlog.On(s.onDecided)), wipeRisk},
	}
	return s, nil
}

// staff serves report.v1.Staff.
type staff struct{ *Service }

var _ reportv1connect.StaffHandler = staff{}

// Mount puts the API onto m.
func (s *Service) Mount(m *rpc.Mux, opts ...connect.HandlerOption) {
	m.Handle(reportv1connect.NewStaffHandler(staff{s}, opts...))
}

// Jobs are the followers and the chaining of audit rows.
func (s *Service) Jobs() []job.Job {
	jobs := []job.Job{audit.Job(s.deps.DB)}
	for _, from := range s.sources {
		jobs = append(jobs, job.Job{Name: "report." + from.name, Step: from.follow.Step, Follows: true})
	}
	return jobs
}

func wipeLoan(ctx context.Context, q *rows.Queries) error {
	for _, wipe := range []func(context.Context) error{q.WipeApplications, q.WipeLoans} {
		if err := wipe(ctx); err != nil {
			return err
		}
	}
	return wipeJournal(ctx, q, "loan")
}

func wipePayment(ctx context.Context, q *rows.Queries) error {
	if err := q.WipeOrders(ctx); err != nil {
		return err
	}
	return wipeJournal(ctx, q, "payment")
}

func wipeRisk(ctx context.Context, q *rows.Queries) error { return q.WipeDecisions(ctx) }

func wipeJournal(ctx context.Context, q *rows.Queries, journal string) error {
	if err := q.WipeEntries(ctx, journal); err != nil {
		return err
	}
	return q.WipeSums(ctx, journal)
}
