package telemetry

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/hengdai/hengdai/kit/clock"
)

const (
	// surveyFresh is how old the answer to a survey may be. One that takes long is asked less often: at most a part of the
	// time goes into it.
	surveyFresh = 5 * time.Second
	surveyPart  = 20
	// surveyTime is how long a survey may take; what it answers later is shown the next time.
	surveyTime = 3 * time.Second
)

// Survey is a set of gauges that are read from a database when somebody asks for the measures, at most once in some
// seconds. Where nobody asks it costs nothing.
type Survey struct {
	// Name says whose it is, for example "payment.orders".
	Name string
	// Gauges are what Read sets.
	Gauges []*prometheus.GaugeVec
	// Read asks the database and sets the gauges. It sets none before it has all.
	Read func(ctx context.Context) error
}

// Gauge makes a gauge of a survey.
func Gauge(subsystem, name, help string, labels ...string) *prometheus.GaugeVec {
	return prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: "hengdai", Subsystem: subsystem, Name: name, Help: help}, labels)
}

// Survey adds a survey. It is read until ctx ends; what is wrong with it is said in the log.
func (m *Metrics) Survey(ctx context.Context, s Survey, logger *slog.Logger) error {
	m.surveyed.WithLabelValues(s.Name)
	m.surveyFaults.WithLabelValues(s.Name)
	return m.Registry.Register(&survey{Survey: s, ctx: ctx, metrics: m, logger: logger})
}

type survey struct {
	Survey
	ctx     context.Context //nolint:containedctx // a collector is asked without one
	metrics *Metrics
	logger  *slog.Logger

	mu    sync.Mutex
	read  time.Time
	fresh time.Duration
}

// Describe names the gauges.
func (s *survey) Describe(to chan<- *prometheus.Desc) {
	for _, g := range s.Gauges {
		g.Describe(to)
	}
}

// Collect reads the gauges anew if they are old, and shows them.
func (s *survey) Collect(to chan<- prometheus.Metric) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.read.IsZero() || clock.Since(s.read) > s.fresh {
		s.renew()
	}
	for _, g := range s.Gauges {
		g.Collect(to)
	}
}

func (s *survey) renew() {
	if s.ctx.Err() != nil {
		return
	}
	began := clock.Real()
	ctx, cancel := context.WithTimeout(s.ctx, surveyTime)
	defer cancel()
	err := s.Read(ctx)
	took := clock.Since(began)
	s.read, s.fresh = clock.Real(), max(surveyFresh, surveyPart*took)
	s.metrics.surveyed.WithLabelValues(s.Name).Set(took.Seconds())
	if err != nil && s.ctx.Err() == nil {
		s.metrics.surveyFaults.WithLabelValues(s.Name).Inc()
		s.logger.WarnContext(ctx, "gauges could not be read and stand as they were", "survey", s.Name, "error", err)
	}
}
