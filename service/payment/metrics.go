package payment

import (
	"context"
	"slices"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/hengdai/hengdai/domain/payment"
	"github.com/hengdai/hengdai/kit/clock"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/kit/telemetry"
	"github.com/hengdai/hengdai/service/payment/rows"
)

// metrics are payment's measures. Labels are kinds, states and channels, never ids.
type metrics struct {
	orders   *prometheus.CounterVec
	attempts *prometheus.CounterVec
	open     *prometheus.GaugeVec
	openAge  *prometheus.GaugeVec
	live     *prometheus.GaugeVec
	liveAge  *prometheus.GaugeVec
	calls    *prometheus.HistogramVec
	refused  *prometheus.CounterVec
	breaks   *prometheus.CounterVec
	isOpen   *prometheus.GaugeVec
	ends     *prometheus.CounterVec
	routes   *prometheus.CounterVec
	breaker  *prometheus.GaugeVec
	tripped  *prometheus.CounterVec
	waiting  *prometheus.GaugeVec
}

func newMetrics(into prometheus.Registerer) (*metrics, error) {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "hengdai", Subsystem: "payment", Name: name, Help: help}, labels)
	}
	m := &metrics{
		orders:   counter("orders_total", "Orders that entered a state.", "kind", "state"),
		attempts: counter("attempts_total", "Attempts that entered a state.", "channel", "state"),
		open:     telemetry.Gauge("payment", "orders_open", "Orders in a state that is not final.", "state"),
		openAge:  telemetry.Gauge("payment", "orders_oldest_seconds", "Age of the oldest order in a state that is not final, by the business clock.", "state"),
		live:     telemetry.Gauge("payment", "attempts_live", "Attempts whose end is open; UNKNOWN ones are the ones to watch.", "channel", "state"),
		liveAge:  telemetry.Gauge("payment", "attempts_oldest_seconds", "Age of the oldest attempt whose end is open, by the business clock.", "channel", "state"),
		calls: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: "hengdai", Subsystem: "payment", Name: "channel_call_seconds", Help: "Calls of channels, by what they proved.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}, []string{"channel", "call", "verdict"}),
		refused: counter("callbacks_refused_total", "Callbacks that were not believed.", "channel", "reason"),
		breaks:  counter("breaks_total", "Breaks raised for a person.", "case"),
		isOpen:  telemetry.Gauge("payment", "breaks_open", "Breaks that wait for a person.", "case"),
		ends:    counter("attempt_outcomes_total", "Attempts that entered a state other than their first, by kind of order.", "channel", "kind", "outcome"),
		routes:  counter("routes_total", "Channels considered when an attempt was routed, by why each was taken or left.", "channel", "kind", "verdict"),
		breaker: telemetry.Gauge("payment", "breaker_state", "Breaker of a channel: 0 closed, 1 half open, 2 open.", "channel", "kind"),
		tripped: counter("breaker_opened_total", "How often a breaker opened.", "channel", "kind"),
		waiting: telemetry.Gauge("payment", "orders_waiting_for_channel", "Orders that no channel takes at the moment."),
	}
	for _, what := range cases {
		m.breaks.WithLabelValues(string(what))
	}
	for _, c := range []prometheus.Collector{m.orders, m.attempts, m.calls, m.refused, m.breaks, m.ends, m.routes, m.tripped} {
		if err := into.Register(c); err != nil {
			return nil, errs.Wrap(err, "registering payment's measures")
		}
	}
	return m, nil
}

func (m *metrics) moved(tx *store.Tx, kind string, to payment.OrderState) {
	tx.AfterCommit(func() { m.orders.WithLabelValues(kind, string(to)).Inc() })
}

// counts are what this process has seen of one channel, for the list of channels.
type counts struct {
	succeeded, failed, unclear, calls, microseconds atomic.Int64
}

// call is one call of a channel, for what is measured of it.
type call struct {
	name    string
	kind    payment.Kind
	attempt int64
	began   time.Time
	err     error
	pass    *ticket // of a call that sent an order for the first time
}

// called measures one call of a channel, lets its breaker know, and says it in the log if nothing is known afterwards.
// A call that we ended ourselves says nothing about the channel.
func (s *Service) called(ctx context.Context, l *line, c call, w word) {
	took := clock.Since(c.began)
	s.metrics.calls.WithLabelValues(l.profile.Name, c.name, string(w.outcome.Verdict)).Observe(took.Seconds())
	switch bad := w.outcome.Verdict.Bad(); {
	case bad && ctx.Err() != nil:
		c.pass.drop()
	case c.pass != nil:
		c.pass.done(took, bad)
	default:
		l.watch.heard(c.kind, took, bad)
	}
	l.counts.calls.Add(1)
	l.counts.microseconds.Add(took.Microseconds())
	if w.outcome.Verdict == payment.Unclear {
		l.counts.unclear.Add(1)
		s.deps.Logger.WarnContext(ctx, "a channel gave no usable answer", "channel", l.profile.Name, "call", c.name,
			"attempt", c.attempt, "code", w.reply.Code, "error", c.err)
	}
}

// ended counts an attempt that entered a state.
func (s *Service) ended(tx *store.Tx, channelName, kind string, to payment.AttemptState) {
	tx.AfterCommit(func() {
		s.metrics.ends.WithLabelValues(channelName, kind, string(to)).Inc()
		s.metrics.attempts.WithLabelValues(channelName, string(to)).Inc()
		l := s.channels[channelName]
		switch {
		case l == nil:
		case to == payment.Success:
			l.counts.succeeded.Add(1)
		case to == payment.FailedFinal:
			l.counts.failed.Add(1)
		}
	})
}

// routed counts what was considered when an attempt was prepared.
func (m *metrics) routed(tx *store.Tx, kind string, d payment.Decision) {
	tx.AfterCommit(func() {
		for _, c := range d.Considered {
			m.routes.WithLabelValues(c.Channel, kind, c.Verdict).Inc()
		}
	})
}

// breakerTurned says that a breaker has changed its state.
func (s *Service) breakerTurned(channelName string, kind payment.Kind, to payment.BreakerState) {
	s.metrics.breaker.WithLabelValues(channelName, string(kind)).Set(breakerLevel[to])
	switch to {
	case payment.BreakerOpen:
		s.metrics.tripped.WithLabelValues(channelName, string(kind)).Inc()
		s.deps.Logger.Error("a channel does not answer: new orders go elsewhere or wait", "channel", channelName, "kind", string(kind))
	case payment.BreakerClosed:
		s.deps.Logger.Info("a channel answers again", "channel", channelName, "kind", string(kind))
	case payment.BreakerHalfOpen:
	}
}

var breakerLevel = map[payment.BreakerState]float64{payment.BreakerClosed: 0, payment.BreakerHalfOpen: 1, payment.BreakerOpen: 2}

// watched measures the breakers, whose rest ends without anybody's doing, and says when a draining channel is empty.
func (s *Service) watched(ctx context.Context, q *rows.Queries, live []rows.CountLiveRow) error {
	n, _ := s.lobby.count()
	s.metrics.waiting.WithLabelValues().Set(float64(n))
	for name, l := range s.channels {
		for _, kind := range l.profile.Kinds {
			state, _, _ := l.watch.look(kind)
			s.metrics.breaker.WithLabelValues(name, string(kind)).Set(breakerLevel[state])
		}
	}
	list, err := s.settings(ctx, q)
	for i := range list {
		busy := slices.ContainsFunc(live, func(r rows.CountLiveRow) bool { return r.Channel == list[i].Channel })
		drained := list[i].Draining != 0 && !busy
		if was := s.channels[list[i].Channel].drained.Swap(drained); drained && !was {
			s.deps.Logger.InfoContext(ctx, "a draining channel is empty", "channel", list[i].Channel)
		}
	}
	return err
}

// Surveys are the gauges of what is open, and of the queue.
func (s *Service) Surveys() []telemetry.Survey {
	m := s.metrics
	return []telemetry.Survey{s.queue.Survey("payment"), {
		Name: "payment.open", Gauges: []*prometheus.GaugeVec{m.open, m.openAge, m.live, m.liveAge, m.isOpen, m.breaker, m.waiting, s.reckoned.days, s.reckoned.open}, Read: s.countOpen,
	}}
}

func (s *Service) countOpen(ctx context.Context) error {
	q := rows.New(s.deps.DB.Read())
	open := names([]payment.OrderState{payment.Created, payment.Reserved, payment.Sending, payment.Manual})
	orders, err := q.CountOrders(ctx, open)
	if err != nil {
		return errs.Wrap(err, "counting orders")
	}
	live, err := q.CountLive(ctx)
	if err != nil {
		return errs.Wrap(err, "counting attempts")
	}
	breaks, err := q.CountBreaks(ctx)
	if err != nil {
		return errs.Wrap(err, "counting breaks")
	}
	m, now := s.metrics, s.deps.Clock.Now()
	age := func(sinceMs int64) float64 { return max(now.Sub(time.UnixMilli(sinceMs)).Seconds(), 0) }
	for _, state := range open {
		m.open.WithLabelValues(state).Set(0)
		m.openAge.WithLabelValues(state).Set(0)
	}
	for _, r := range orders {
		m.open.WithLabelValues(r.State).Set(float64(r.Orders))
		m.openAge.WithLabelValues(r.State).Set(age(r.OldestMs))
	}
	for channel := range s.channels {
		for _, state := range liveStates {
			m.live.WithLabelValues(channel, string(state)).Set(0)
			m.liveAge.WithLabelValues(channel, string(state)).Set(0)
		}
	}
	for _, r := range live {
		m.live.WithLabelValues(r.Channel, r.State).Set(float64(r.Attempts))
		m.liveAge.WithLabelValues(r.Channel, r.State).Set(age(r.OldestMs))
	}
	m.isOpen.Reset()
	for _, what := range cases {
		m.isOpen.WithLabelValues(string(what)).Set(0)
	}
	for _, r := range breaks {
		m.isOpen.WithLabelValues(r.Kind).Set(float64(r.Breaks))
	}
	if err := s.watched(ctx, q, live); err != nil {
		return errs.Wrap(err, "looking at the channels")
	}
	return s.gaugeReckonings(ctx, q)
}

// liveStates are those of an attempt whose end is open, cases what a break can be: a series that stands at zero is there
// before anything is wrong.
var (
	liveStates = []payment.AttemptState{payment.Prepared, payment.Submitting, payment.Processing, payment.Unknown}
	cases      = []payment.Case{payment.CaseContradicted, payment.CaseAmount, payment.CaseStatus}
)

func names[S ~string](list []S) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = string(s)
	}
	return out
}
