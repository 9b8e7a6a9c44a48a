package payment

import (
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/time/rate"

	"connectrpc.com/connect"

	"github.com/hengdai/hengdai/api/log/v1/logv1connect"
	"github.com/hengdai/hengdai/api/payment/v1/paymentv1connect"
	"github.com/hengdai/hengdai/api/user/v1/userv1connect"
	"github.com/hengdai/hengdai/domain/payment"
	"github.com/hengdai/hengdai/kit/clock"
	"github.com/hengdai/hengdai/kit/id"
	"github.com/hengdai/hengdai/kit/job"
	eventlog "github.com/hengdai/hengdai/kit/log"
	"github.com/hengdai/hengdai/kit/rpc"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/service/payment/channel"
	"github.com/hengdai/hengdai/service/payment/channel/all"
)

// Deps is what payment needs. Everything is required unless it says otherwise.
type Deps struct {
	DB     *store.DB
	Log    *eventlog.Log
	Clock  clock.Clock
	IDs    *id.Generator
	Logger *slog.Logger
	// Metrics takes payment's measures.
	Metrics prometheus.Registerer
	User    userv1connect.InternalClient
	LoanLog logv1connect.LogClient
	// Channels are the channels of this installation, at least one.
	Channels []channel.Config
	// ManualAfter and ManualQueries say when an order that stays unknown is handed to people; zero means 72 hours of
	// business time and 12 queries.
	ManualAfter   time.Duration
	ManualQueries int64
}

// Service is the payment service.
type Service struct {
	deps     Deps
	queue    *job.Queue
	loan     *eventlog.Follower
	journal  journal
	channels map[string]*line
	window   payment.Window
	metrics  *metrics
	reckoned *reckonings
	agenda   agenda
	started  time.Time
	lobby    lobby
}

// line is a configured channel with what this process measures of it.
type line struct {
	channel.Channel
	profile channel.Profile
	cfg     channel.Config
	pace    *rate.Limiter
	watch   *watch
	drained atomic.Bool // it was said that it drains and is empty
	counts  counts
}

// New makes the whole service. It reads and writes nothing: what a new database lacks is made by a job or when needed.
func New(d Deps) (*Service, error) {
	if err := d.check(); err != nil {
		return nil, err
	}
	s := &Service{
		deps: d, queue: job.NewQueue(d.DB, d.Clock), channels: map[string]*line{}, started: d.Clock.Now(),
		window: payment.Window{After: d.ManualAfter, Queries: d.ManualQueries}, journal: journal{log: d.Log, clock: d.Clock},
	}
	for _, cfg := range d.Channels {
		ch, err := all.New(cfg)
		if err != nil {
			return nil, err
		}
		pace := rate.Inf
		if cfg.PerSecond > 0 {
			pace = rate.Limit(cfg.PerSecond)
		}
		l := &line{Channel: ch, profile: ch.Profile(), cfg: cfg, pace: rate.NewLimiter(pace, max(cfg.PerSecond/10, 1))}
		if err := l.check(); err != nil {
			return nil, err
		}
		l.watch = newWatch(l.profile.Kinds, func(kind payment.Kind, to payment.BreakerState) { s.breakerTurned(cfg.Channel, kind, to) })
		s.channels[cfg.Channel] = l
	}
	var err error
	if s.metrics, err = newMetrics(d.Metrics); err != nil {
		return nil, err
	}
	if s.reckoned, err = newReckonings(d.Metrics); err != nil {
		return nil, err
	}
	s.queue.Handle(effectOrder, s.driveOrder)
	s.queue.Handle(effectAttempt, s.driveAttempt)
	s.queue.Handle(effectElsewhere, s.driveElsewhere)
	s.loan = eventlog.Follow(d.DB, "loan", d.LoanLog, eventlog.On(s.sealDay))
	d.DB.Watch("payments", s.quiet)
	return s, nil
}

// check refuses what a configuration says of a channel if it contradicts itself.
func (l *line) check() error {
	for _, of := range []map[payment.Kind]payment.Terms{l.profile.Terms, l.cfg.Terms} {
		for kind, terms := range of {
			if err := terms.Check(); err != nil {
				return fmt.Errorf("channel %s, %s: %w", l.profile.Name, kind, err)
			}
		}
	}
	if l.cfg.DailyMinor < 0 {
		return fmt.Errorf("channel %s: the daily limit is negative", l.profile.Name)
	}
	return nil
}

func (d *Deps) check() error {
	switch {
	case d.DB == nil, d.Log == nil, d.Clock == nil, d.IDs == nil, d.Logger == nil, d.Metrics == nil:
		return errors.New("payment: a dependency is missing")
	case d.User == nil || d.LoanLog == nil:
		return errors.New("payment: a peer is missing")
	case len(d.Channels) == 0:
		return errors.New("payment: no channel is configured")
	}
	if d.ManualAfter == 0 {
		d.ManualAfter = 72 * time.Hour
	}
	if d.ManualQueries == 0 {
		d.ManualQueries = 12
	}
	return nil
}

// Mount mounts the services and one raw handler a channel.
func (s *Service) Mount(m *rpc.Mux, opts ...connect.HandlerOption) {
	m.Handle(paymentv1connect.NewInternalHandler(internalAPI{s}, opts...))
	m.Handle(paymentv1connect.NewStaffHandler(staffAPI{s}, opts...))
	for name, l := range s.channels {
		m.Handle(rpc.CallbackPrefix+"payment/"+name, s.callbackHandler(l))
	}
}
