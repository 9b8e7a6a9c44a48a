package report

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/telemetry"
	"github.com/hengdai/hengdai/service/report/rows"
)

// Surveys are the gauges of the book.
func (s *Service) Surveys() []telemetry.Survey {
	loans := telemetry.Gauge("book", "loans", "Loans by state.", "state")
	principal := telemetry.Gauge("book", "outstanding_minor", "Outstanding principal in fen, by state of the loan.", "state")
	overdue := telemetry.Gauge("book", "bucket_loans", "Loans that are being repaid, by bucket of days past due.", "bucket")
	overduePrincipal := telemetry.Gauge("book", "bucket_outstanding_minor", "Their outstanding principal in fen.", "bucket")
	return []telemetry.Survey{{
		Name: "report.book", Gauges: []*prometheus.GaugeVec{loans, principal, overdue, overduePrincipal},
		Read: func(ctx context.Context) error {
			q := rows.New(s.deps.DB.Read())
			states, err := q.LoanStates(ctx)
			if err != nil {
				return errs.Wrap(err, "counting loans")
			}
			buckets, err := q.LoanBuckets(ctx)
			if err != nil {
				return errs.Wrap(err, "counting buckets")
			}
			for _, g := range []*prometheus.GaugeVec{loans, principal, overdue, overduePrincipal} {
				g.Reset()
			}
			for _, r := range states {
				loans.WithLabelValues(r.Name).Set(float64(r.N))
				principal.WithLabelValues(r.Name).Set(float64(r.AmountMinor))
			}
			for _, r := range buckets {
				overdue.WithLabelValues(r.Name).Set(float64(r.N))
				overduePrincipal.WithLabelValues(r.Name).Set(float64(r.AmountMinor))
			}
			return nil
		},
	}}
}
