package collection

import (
	"context"
	"embed"
	"log/slog"
	"time"

	"connectrpc.com/connect"

	"github.com/hengdai/hengdai/api/collection/v1/collectionv1connect"
	"github.com/hengdai/hengdai/api/loan/v1/loanv1connect"
	"github.com/hengdai/hengdai/api/log/v1/logv1connect"
	"github.com/hengdai/hengdai/api/user/v1/userv1connect"
	"github.com/hengdai/hengdai/domain/calendar"
	domain "github.com/hengdai/hengdai/domain/collection"
	"github.com/hengdai/hengdai/kit/audit"
	"github.com/hengdai/hengdai/kit/clock"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/id"
	"github.com/hengdai/hengdai/kit/job"
	eventlog "github.com/hengdai/hengdai/kit/log"
	"github.com/hengdai/hengdai/kit/rpc"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/kit/vault"
)

//go:embed schema
var schemaFiles embed.FS

// Schema is the database of collection.
func Schema() store.Schema { return store.Schema{Name: "collection", Files: schemaFiles} }

// Deps is what collection needs. All of it is required but Strategy.
type Deps struct {
	DB      *store.DB
	Log     *eventlog.Log
	Clock   clock.Clock
	IDs     *id.Generator
	Vault   *vault.Vault
	Logger  *slog.Logger
	Loan    loanv1connect.InternalClient
	User    userv1connect.InternalClient
	LoanLog logv1connect.LogClient
	// Strategy plans contacts; nil: the shipped one.
	Strategy domain.Strategy
}

// Service is collection.
type Service struct {
	deps   Deps
	follow *eventlog.Follower
}

// New makes the service, whole, or answers why it cannot.
func New(d Deps) (*Service, error) {
	if d.DB == nil || d.Log == nil || d.Clock == nil || d.IDs == nil || d.Vault == nil || d.Logger == nil ||
		d.Loan == nil || d.User == nil || d.LoanLog == nil {
		return nil, errs.New(errs.Internal, "collection.deps", "催收服务缺少依赖。", "collection lacks a dependency.")
	}
	if d.Strategy == nil {
		d.Strategy = domain.Default
	}
	s := &Service{deps: d}
	s.follow = eventlog.Follow(d.DB, "loan", d.LoanLog,
		taking(s.onOverdueChanged), taking(s.onRepaymentApplied), taking(s.onLoanMoved), taking(s.onDayClosed))
	return s, nil
}

// staff serves collection.v1.Staff.
type staff struct{ *Service }

var _ collectionv1connect.StaffHandler = staff{}

// Mount puts the API onto m.
func (s *Service) Mount(m *rpc.Mux, opts ...connect.HandlerOption) {
	m.Handle(collectionv1connect.NewStaffHandler(staff{s}, opts...))
}

// Jobs are the follower of loan's log, the planner of contacts, and the chaining of audit rows.
func (s *Service) Jobs() []job.Job {
	return []job.Job{
		{Name: "collection.loan", Step: s.follow.Step, Follows: true},
		{Name: "collection.plan", Step: s.plan, Every: time.Minute},
		audit.Job(s.deps.DB),
	}
}

// today is the date in Shanghai: what a person says of days, he says of this one.
func (s *Service) today() calendar.Date { return calendar.InShanghai(s.deps.Clock.Now()) }

// audited is an act of the member of staff who is served.
func (s *Service) audited(ctx context.Context, act, kind string, subjectID int64, reason string) audit.Entry {
	p := rpc.From(ctx)
	return audit.Entry{
		ActorKind: p.Kind.String(), ActorID: p.ID, ActorSession: p.SessionID, ActorService: p.Service, Act: act,
		SubjectKind: kind, SubjectID: subjectID, Reason: reason, At: s.deps.Clock.Now(),
	}
}
