package loan

import (
	"embed"
	"log/slog"
	"time"

	"connectrpc.com/connect"

	"github.com/hengdai/hengdai/api/loan/v1/loanv1connect"
	"github.com/hengdai/hengdai/api/log/v1/logv1connect"
	"github.com/hengdai/hengdai/api/payment/v1/paymentv1connect"
	"github.com/hengdai/hengdai/api/risk/v1/riskv1connect"
	"github.com/hengdai/hengdai/api/user/v1/userv1connect"
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

// Schema is the database of loan.
func Schema() store.Schema { return store.Schema{Name: "loan", Files: schemaFiles} }

// Deps is what loan needs. All of it is required but what says otherwise.
type Deps struct {
	DB     *store.DB
	Log    *eventlog.Log
	Clock  clock.Clock
	IDs    *id.Generator
	Vault  *vault.Vault
	Logger *slog.Logger

	User    userv1connect.InternalClient
	Risk    riskv1connect.InternalClient
	Payment paymentv1connect.InternalClient

	PaymentLog logv1connect.LogClient
	UserLog    logv1connect.LogClient
	RiskLog    logv1connect.LogClient

	// Sandbox: the sandbox profile, in which products are seeded when there is none.
	Sandbox bool
	// DecisionWait is how long Apply waits for the decision; zero: two seconds.
	DecisionWait time.Duration
	// ReviewWithin is how long a manual review may wait; zero: one day.
	ReviewWithin time.Duration
}

// Service is loan.
type Service struct {
	deps      Deps
	queue     *job.Queue
	waiters   waiters
	catalogue catalogue
	purposes  purposeTable
	templates map[string]contractTemplate
	servicing
}

// New makes the service, whole, or answers why it cannot.
func New(d Deps) (*Service, error) {
	switch {
	case d.DB == nil, d.Log == nil, d.Clock == nil, d.IDs == nil, d.Vault == nil, d.Logger == nil:
		return nil, errs.New(errs.Internal, "loan.deps", "贷款服务缺少依赖。", "loan lacks a dependency of the kit.")
	case d.User == nil, d.Risk == nil, d.Payment == nil:
		return nil, errs.New(errs.Internal, "loan.deps", "贷款服务缺少对端。", "loan lacks a peer.")
	}
	if d.DecisionWait == 0 {
		d.DecisionWait = 2 * time.Second
	}
	if d.ReviewWithin == 0 {
		d.ReviewWithin = 24 * time.Hour
	}
	s := &Service{deps: d, queue: job.NewQueue(d.DB, d.Clock)}
	var err error
	if s.purposes, err = readPurposes(); err != nil {
		return nil, errs.Wrap(err, "reading the table of purposes")
	}
	if s.templates, err = readTemplates(); err != nil {
		return nil, errs.Wrap(err, "reading the contract templates")
	}
	if s.servicing, err = newServicing(d); err != nil {
		return nil, errs.Wrap(err, "preparing servicing")
	}
	s.queue.Handle(effectDecide, s.decide)
	s.servicingEffects(s.queue)
	return s, nil
}

// public serves loan.v1.Public, staff loan.v1.Staff, internalAPI loan.v1.Internal.
type (
	public      struct{ *Service }
	staff       struct{ *Service }
	internalAPI struct{ *Service }
)

var (
	_ loanv1connect.PublicHandler   = public{}
	_ loanv1connect.StaffHandler    = staff{}
	_ loanv1connect.InternalHandler = internalAPI{}
)

// Mount puts the three APIs onto m.
func (s *Service) Mount(m *rpc.Mux, opts ...connect.HandlerOption) {
	m.Handle(loanv1connect.NewPublicHandler(public{s}, opts...))
	m.Handle(loanv1connect.NewStaffHandler(staff{s}, opts...))
	m.Handle(loanv1connect.NewInternalHandler(internalAPI{s}, opts...))
}

// Jobs are loan's own: the effects, the expiry of applications, the chaining of audit rows, and those of servicing.
func (s *Service) Jobs() []job.Job {
	return append([]job.Job{
		{Name: "loan.effects", Step: s.queue.Step, Every: time.Second},
		{Name: "loan.expire", Step: s.expire, Every: 5 * time.Second},
		audit.Job(s.deps.DB),
	}, s.servicingJobs()...)
}
