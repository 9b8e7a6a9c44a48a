package payment

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/hengdai/hengdai/domain/reconcile"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/service/payment/rows"
)

// reckonings are the measures of reconciliation.
type reckonings struct {
	lines   *prometheus.CounterVec
	late    *prometheus.CounterVec
	refused *prometheus.CounterVec
	days    *prometheus.GaugeVec
	open    *prometheus.GaugeVec
}

func newReckonings(into prometheus.Registerer) (*reckonings, error) {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "hengdai", Subsystem: "payment", Name: name, Help: help}, labels)
	}
	gauge := func(name, help string, labels ...string) *prometheus.GaugeVec {
		return prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: "hengdai", Subsystem: "payment", Name: name, Help: help}, labels)
	}
	m := &reckonings{
		lines:   counter("statement_lines_total", "Lines of statements by what their comparison came to.", "channel", "class"),
		late:    counter("statements_late_total", "Statements that were not there when they were due.", "channel"),
		refused: counter("statements_refused_total", "Files that were not believed.", "channel", "reason"),
		days:    gauge("statement_days_open", "Settlement dates that are not closed.", "channel", "state"),
		open:    gauge("differences_open", "Differences between statements and our books that are not ended; those that are breaks wait for people.", "channel", "class", "state"),
	}
	for _, c := range []prometheus.Collector{m.lines, m.late, m.refused} { // the gauges are surveyed
		if err := into.Register(c); err != nil {
			return nil, errs.Wrap(err, "registering the measures of reconciliation")
		}
	}
	return m, nil
}

func (s *Service) gaugeReckonings(ctx context.Context, q *rows.Queries) error {
	days, err := q.CountStatements(ctx)
	if err != nil {
		return errs.Wrap(err, "counting open days")
	}
	s.reckoned.days.Reset()
	s.reckoned.open.Reset()
	for _, channel := range s.channelNames() { // a series that stands at zero is there before anything is wrong
		for _, state := range dayStates {
			if state != dayClosed {
				s.reckoned.days.WithLabelValues(channel, state).Set(0)
			}
		}
		for _, class := range reconcile.Classes[1:] { // a match is none
			s.reckoned.open.WithLabelValues(channel, string(class), differenceBreak).Set(0)
		}
	}
	for _, d := range days {
		s.reckoned.days.WithLabelValues(d.Channel, d.State).Set(float64(d.Days))
	}
	open, err := q.CountDifferences(ctx)
	for _, d := range open {
		s.reckoned.open.WithLabelValues(d.Channel, d.Class, d.State).Set(float64(d.Differences))
	}
	return errs.Wrap(err, "counting differences")
}
