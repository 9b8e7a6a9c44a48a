package payment

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/hengdai/hengdai/domain/payment"
	"github.com/hengdai/hengdai/kit/clock"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/service/payment/rows"
)

// metrics are payment's measures. Labels are kinds, states and channels, never ids.
type metrics struct {
	orders   *prometheus.CounterVec
	attempts *prometheus.CounterVec
	open     *prometheus.GaugeVec
	live     *prometheus.GaugeVec
	calls    *prometheus.HistogramVec
	refused  *prometheus.CounterVec
	breaks   *prometheus.CounterVec
	isOpen   prometheus.Gauge
}

func newMetrics(into prometheus.Registerer) (*metrics, error) {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "hengdai", Subsystem: "payment", Name: name, Help: help}, labels)
	}
	gauge := func(name, help string, labels ...string) *prometheus.GaugeVec {
		return prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: "hengdai", Subsystem: "payment", Name: name, Help: help}, labels)
	}
	m := &metrics{
		orders:   counter("orders_total", "Orders that entered a state.", "kind", "state"),
		attempts: counter("attempts_total", "Attempts that entered a state.", "channel", "state"),
		open:     gauge("orders_open", "Orders in a state that is not final.", "state"),
		live:     gauge("attempts_live", "Attempts whose end is open; UNKNOWN ones are the ones to watch.", "channel", "state"),
		calls: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: "hengdai", Subsystem: "payment", Name: "channel_call_seconds", Help: "Calls of channels, by what they proved.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}, []string{"channel", "call", "verdict"}),
		refused: counter("callbacks_refused_total", "Callbacks that were not believed.", "channel", "reason"),
		breaks:  counter("breaks_total", "Breaks raised for a person.", "case"),
		isOpen: prometheus.NewGauge(prometheus.GaugeOpts{
			Namespace: "hengdai", Subsystem: "payment", Name: "breaks_open", Help: "Breaks that wait for a person.",
		}),
	}
	for _, c := range []prometheus.Collector{m.orders, m.attempts, m.open, m.live, m.calls, m.refused, m.breaks, m.isOpen} {
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

// called measures one call of a channel, and says it in the log if nothing is known afterwards.
func (s *Service) called(ctx context.Context, l *line, call string, a *rows.PaymentAttempt, w word, began time.Time, err error) {
	took := clock.Since(began)
	s.metrics.calls.WithLabelValues(l.profile.Name, call, string(w.outcome.Verdict)).Observe(took.Seconds())
	l.counts.calls.Add(1)
	l.counts.microseconds.Add(took.Microseconds())
	if w.outcome.Verdict == payment.Unclear {
		l.counts.unclear.Add(1)
		s.deps.Logger.WarnContext(ctx, "a channel gave no usable answer", "channel", l.profile.Name, "call", call,
			"attempt", a.AttemptID, "code", w.reply.Code, "error", err)
	}
}

// ended counts an attempt that entered a state.
func (s *Service) ended(tx *store.Tx, channelName string, to payment.AttemptState) {
	tx.AfterCommit(func() {
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

// gauges counts what is open. It commits nothing, so it never keeps the process from being idle.
func (s *Service) gauges(ctx context.Context) (bool, error) {
	q := rows.New(s.deps.DB.Read())
	open := []payment.OrderState{payment.Created, payment.Reserved, payment.Sending, payment.Manual}
	orders, err := q.CountOrders(ctx, names(open))
	if err != nil {
		return false, errs.Wrap(err, "counting orders")
	}
	s.metrics.open.Reset()
	for _, r := range orders {
		s.metrics.open.WithLabelValues(r.State).Set(float64(r.Orders))
	}
	live, err := q.CountLive(ctx)
	if err != nil {
		return false, errs.Wrap(err, "counting attempts")
	}
	s.metrics.live.Reset()
	for _, r := range live {
		s.metrics.live.WithLabelValues(r.Channel, r.State).Set(float64(r.Attempts))
	}
	n, err := q.CountBreaks(ctx)
	s.metrics.isOpen.Set(float64(n))
	if err != nil {
		return false, errs.Wrap(err, "counting breaks")
	}
	return false, s.gaugeReckonings(ctx, q)
}

func names[S ~string](list []S) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = string(s)
	}
	return out
}
