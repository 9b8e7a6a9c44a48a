package risk

import (
	"context"
	"embed"
	"log/slog"
	"sync"
	"time"

	"connectrpc.com/connect"

	"github.com/hengdai/hengdai/api/risk/v1/riskv1connect"
	"github.com/hengdai/hengdai/domain/flow"
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

// Schema is the database of risk.
func Schema() store.Schema { return store.Schema{Name: "risk", Files: schemaFiles} }

// Deps is what risk needs. All of it is required but Sandbox.
type Deps struct {
	DB     *store.DB
	Log    *eventlog.Log
	Clock  clock.Clock
	IDs    *id.Generator
	Vault  *vault.Vault
	Logger *slog.Logger

	// Sandbox: the shipped policy becomes live by itself. Elsewhere it is a draft that must be proposed and approved.
	Sandbox bool
}

// Service is risk.
type Service struct {
	deps     Deps
	mu       sync.Mutex
	policies map[string]*flow.Policy // compiled, by hash; versions do not change, so nothing is ever stale
}

// New makes the service, whole, or answers why it cannot.
func New(d Deps) (*Service, error) {
	if d.DB == nil || d.Log == nil || d.Clock == nil || d.IDs == nil || d.Vault == nil || d.Logger == nil {
		return nil, errs.New(errs.Internal, "risk.deps", "风控服务缺少依赖。", "risk lacks a dependency.")
	}
	return &Service{deps: d, policies: map[string]*flow.Policy{}}, nil
}

// staff serves risk.v1.Staff, internalAPI risk.v1.Internal.
type (
	staff       struct{ *Service }
	internalAPI struct{ *Service }
)

var (
	_ riskv1connect.StaffHandler    = staff{}
	_ riskv1connect.InternalHandler = internalAPI{}
)

// Mount puts the APIs onto m.
func (s *Service) Mount(m *rpc.Mux, opts ...connect.HandlerOption) {
	m.Handle(riskv1connect.NewStaffHandler(staff{s}, opts...))
	m.Handle(riskv1connect.NewInternalHandler(internalAPI{s}, opts...))
}

// Jobs are risk's own: installing the shipped policy, forgetting old counts, and chaining the audit rows.
func (s *Service) Jobs() []job.Job {
	return []job.Job{
		{Name: "risk.install", Step: s.install, Every: time.Minute},
		{Name: "risk.forget", Step: s.forget, Every: time.Minute, Wakes: job.OnTime},
		audit.Job(s.deps.DB),
	}
}

// audited is an act of the person who is served, for audit.Write.
func (s *Service) audited(ctx context.Context, act, kind string, subject int64, reason string, details map[string]string) audit.Entry {
	p := rpc.From(ctx)
	return audit.Entry{ActorKind: p.Kind.String(), ActorID: p.ID, ActorSession: p.SessionID, ActorService: p.Service, Act: act,
		SubjectKind: kind, SubjectID: subject, Reason: reason, Details: details, At: s.deps.Clock.Now()}
}
