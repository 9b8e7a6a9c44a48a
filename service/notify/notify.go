package notify

import (
	"errors"
	"log/slog"

	"connectrpc.com/connect"

	"github.com/hengdai/hengdai/api/log/v1/logv1connect"
	"github.com/hengdai/hengdai/api/notify/v1/notifyv1connect"
	"github.com/hengdai/hengdai/api/user/v1/userv1connect"
	"github.com/hengdai/hengdai/domain/legal"
	"github.com/hengdai/hengdai/kit/audit"
	"github.com/hengdai/hengdai/kit/clock"
	"github.com/hengdai/hengdai/kit/id"
	"github.com/hengdai/hengdai/kit/job"
	eventlog "github.com/hengdai/hengdai/kit/log"
	"github.com/hengdai/hengdai/kit/rpc"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/service/notify/channel"
	"github.com/hengdai/hengdai/service/notify/channel/all"
	"github.com/hengdai/hengdai/service/notify/guard"
	"github.com/hengdai/hengdai/service/notify/template"
)

// Opener opens what was sealed to this process: *keys.Ring.
type Opener interface {
	OpenSealed(sealed []byte) ([]byte, error)
}

// Deps is what notify needs. Everything is required unless it says otherwise.
type Deps struct {
	DB     *store.DB
	Log    *eventlog.Log
	Clock  clock.Clock
	IDs    *id.Generator
	Logger *slog.Logger
	// Keys opens the one-time codes that user seals to this process.
	Keys Opener
	User userv1connect.InternalClient

	UserLog       logv1connect.LogClient
	LoanLog       logv1connect.LogClient
	CollectionLog logv1connect.LogClient
	PaymentLog    logv1connect.LogClient

	// Channels that go outside, as this installation has them. The inbox needs no line.
	Channels []channel.Config
	// BrandZH and BrandEN sign every text message; empty: 衡贷 and Hengdai.
	BrandZH, BrandEN string
	// Language of messages whose reader has not said one: "zh" (also if empty) or "en".
	Language string
	// Lender chooses the numbers of the contact guard; empty: those for every lender.
	Lender legal.Lender
}

// Service is the notify service.
type Service struct {
	deps      Deps
	queue     *job.Queue
	followers []follower
	templates *template.Set
	policy    *guard.Policy
	channels  map[string]channel.Channel
}

type follower struct {
	source string
	*eventlog.Follower
}

const effectSend = "notify.send"

// New makes the whole service or says what is wrong.
func New(d Deps) (*Service, error) {
	if err := d.check(); err != nil {
		return nil, err
	}
	s := &Service{deps: d, queue: job.NewQueue(d.DB, d.Clock), channels: map[string]channel.Channel{}}
	var err error
	if s.templates, err = template.Load(); err != nil {
		return nil, err
	}
	if s.policy, err = guard.Open(d.Lender); err != nil {
		return nil, err
	}
	for _, cfg := range append([]channel.Config{{Channel: inApp}}, d.Channels...) {
		if s.channels[cfg.Channel], err = all.New(cfg); err != nil {
			return nil, err
		}
	}
	s.queue.Handle(effectSend, s.send)
	s.follow()
	return s, nil
}

func (d *Deps) check() error {
	switch {
	case d.DB == nil, d.Log == nil, d.Clock == nil, d.IDs == nil, d.Logger == nil, d.Keys == nil:
		return errors.New("notify: a dependency is missing")
	case d.User == nil, d.UserLog == nil, d.LoanLog == nil, d.CollectionLog == nil, d.PaymentLog == nil:
		return errors.New("notify: a peer is missing")
	case len(d.Channels) == 0:
		return errors.New("notify: no channel is configured")
	}
	if d.BrandZH == "" {
		d.BrandZH = "衡贷"
	}
	if d.BrandEN == "" {
		d.BrandEN = "Hengdai"
	}
	if d.Language != "en" {
		d.Language = "zh"
	}
	return nil
}

// Mount mounts the services and a raw handler for each channel that reports.
func (s *Service) Mount(m *rpc.Mux, opts ...connect.HandlerOption) {
	m.Handle(notifyv1connect.NewPublicHandler(public{s}, opts...))
	m.Handle(notifyv1connect.NewStaffHandler(staff{s}, opts...))
	m.Handle(notifyv1connect.NewInternalHandler(internalAPI{s}, opts...))
	for _, ch := range s.channels {
		if path := ch.Profile().Callback; path != "" {
			m.Handle(path, s.reportHandler(ch))
		}
	}
}

// Jobs are the followers, the stored effects and the chain of the audit rows.
func (s *Service) Jobs() []job.Job {
	jobs := []job.Job{{Name: "notify.effects", Step: s.queue.Step}, audit.Job(s.deps.DB)}
	for _, f := range s.followers {
		jobs = append(jobs, job.Job{Name: "notify.follow." + f.source, Step: f.Step, Follows: true})
	}
	return jobs
}

type (
	public      struct{ *Service }
	staff       struct{ *Service }
	internalAPI struct{ *Service }
)
