package job

import (
	"context"
	"database/sql"
	"errors"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/kit/telemetry"
)

// pile is what lies in a queue of effects of one kind, in numbers; oldest is how long the oldest that is due has been so,
// in milliseconds of the business clock.
type pile struct{ due, later, failed, oldest int64 }

// Survey is the gauges of the queue of a service.
func (q *Queue) Survey(service string) telemetry.Survey {
	gauge := func(name, help string, labels ...string) *prometheus.GaugeVec {
		return prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Namespace: "hengdai", Name: name, Help: help, ConstLabels: prometheus.Labels{"service": service},
		}, labels)
	}
	number := gauge("effects", "Stored effects on the outside that are not done: due now, postponed (later), or failed for good.", "kind", "state")
	oldest := gauge("effects_oldest_seconds", "How long the oldest effect that is due has been so, by the business clock.", "kind")
	return telemetry.Survey{Name: service + ".effects", Gauges: []*prometheus.GaugeVec{number, oldest}, Read: func(ctx context.Context) error {
		piles, err := q.piles(ctx)
		if err != nil {
			return err
		}
		number.Reset()
		oldest.Reset()
		for kind, p := range piles {
			number.WithLabelValues(kind, "due").Set(float64(p.due))
			number.WithLabelValues(kind, "later").Set(float64(p.later))
			number.WithLabelValues(kind, "failed").Set(float64(p.failed))
			oldest.WithLabelValues(kind).Set(float64(p.oldest) / 1000)
		}
		return nil
	}}
}

// piles counts the effects that are not done, of every kind that has a handler or is found.
func (q *Queue) piles(ctx context.Context) (map[string]pile, error) {
	piles := map[string]pile{}
	q.mu.RLock()
	for kind := range q.handlers {
		piles[kind] = pile{}
	}
	q.mu.RUnlock()
	now := q.clk.Now().UnixMilli()
	rows, err := q.db.Primary().QueryContext(ctx, `SELECT kind, SUM(CASE WHEN state = 0 AND not_before_ms <= ? THEN 1 ELSE 0 END), SUM(CASE WHEN state = 0 AND not_before_ms > ? THEN 1 ELSE 0 END),
		SUM(CASE WHEN state = 2 THEN 1 ELSE 0 END), MIN(CASE WHEN state <> 0 OR not_before_ms > ? THEN ? WHEN not_before_ms > added_ms THEN not_before_ms ELSE added_ms END)
		FROM kit_effect WHERE state IN (0, 2) GROUP BY kind`, now, now, now, now)
	if err != nil {
		return nil, errs.Wrap(err, "counting effects")
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var kind string
		var p pile
		var since int64
		if err := rows.Scan(&kind, &p.due, &p.later, &p.failed, &since); err != nil {
			return nil, errs.Wrap(err, "counting effects")
		}
		if since > 0 { // an effect that an older program stored does not say since when it waits
			p.oldest = max(now-since, 0)
		}
		piles[kind] = p
	}
	return piles, errs.Wrap(store.Explain(rows.Err()), "counting effects")
}

// TraceParent answers the W3C traceparent of the work that decided an effect, empty if there is none: whoever hears of the
// effect's consequences in another way goes on with that trace.
func (q *Queue) TraceParent(ctx context.Context, from store.DBTX, bucket int64, kind string, id int64) (string, error) {
	var parent string
	err := from.QueryRowContext(ctx, "SELECT traceparent FROM kit_effect WHERE bucket = ? AND kind = ? AND id = ?", bucket, kind, id).Scan(&parent)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return parent, errs.Wrap(err, "reading the trace of an effect")
}
