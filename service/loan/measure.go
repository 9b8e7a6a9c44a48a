package loan

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/hengdai/hengdai/domain/calendar"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/id"
	"github.com/hengdai/hengdai/kit/telemetry"
	"github.com/hengdai/hengdai/service/loan/rows"
)

// dayGauges say how the business date stands to the clock and what keeps a day open.
type dayGauges struct {
	open, behind, unclosed, waiting, held, aside, differ, took, parts *prometheus.GaugeVec
}

// Surveys are the gauges of the business date.
func (s *Service) Surveys() []telemetry.Survey {
	g := &dayGauges{
		open:     telemetry.Gauge("day", "open_seconds", "The open business date, as the Unix time of its midnight in Shanghai."),
		behind:   telemetry.Gauge("day", "behind_clock_days", "Days by which the open business date is behind the business clock."),
		unclosed: telemetry.Gauge("day", "unclosed", "1 while a day that was cut off is not closed."),
		waiting:  telemetry.Gauge("day", "unclosed_seconds", "Time since the cut-off of the oldest day that is not closed, by the business clock; 0 if all are."),
		held:     telemetry.Gauge("day", "partitions_held", "Partitions whose day-end waits for a person."),
		aside:    telemetry.Gauge("day", "loans_set_aside", "Loans that a day-end could not close and that wait for a person."),
		differ:   telemetry.Gauge("day", "differences", "Balances of the oldest unclosed day on which the journals of loan and payment do not agree."),
		took:     telemetry.Gauge("day", "last_close_seconds", "How long the last closed day took from its cut-off, by the business clock.", "until"),
		parts:    telemetry.Gauge("day", "partitions", "Partitions that have passed a phase of the end of the oldest unclosed day.", "phase"),
	}
	return []telemetry.Survey{s.queue.Survey("loan"), {
		Name:   "loan.day",
		Gauges: []*prometheus.GaugeVec{g.open, g.behind, g.unclosed, g.waiting, g.held, g.aside, g.differ, g.took, g.parts},
		Read:   func(ctx context.Context) error { return s.countDay(ctx, g) },
	}}
}

func (s *Service) countDay(ctx context.Context, g *dayGauges) error {
	q := rows.New(s.deps.DB.Read())
	parts, err := q.DayParts(ctx)
	if err != nil || len(parts) == 0 {
		return errs.Wrap(err, "reading the partitions' days")
	}
	open, err := dateOf(parts[0].OpenOn)
	if err != nil {
		return err
	}
	oldest, err := q.OldestUnclosedDay(ctx)
	if err != nil && !isNoRows(err) {
		return errs.Wrap(err, "reading the oldest unclosed day")
	}
	unclosed := err == nil
	last, err := q.LastBusinessDay(ctx, dayClosed)
	if err != nil && !isNoRows(err) {
		return errs.Wrap(err, "reading the last closed day")
	}
	asides, err := q.CountAsides(ctx, parts[0].OpenOn)
	if err != nil {
		return errs.Wrap(err, "counting loans set aside")
	}
	differences, err := q.DayDifferences(ctx, oldest.DayOn)
	if err != nil {
		return errs.Wrap(err, "reading differences of the journals")
	}
	now := s.deps.Clock.Now()
	g.open.WithLabelValues().Set(float64(open.Midnight().Unix()))
	g.behind.WithLabelValues().Set(float64(calendar.InShanghai(now) - open))
	g.aside.WithLabelValues().Set(float64(asides))
	g.differ.WithLabelValues().Set(float64(len(differences)))
	g.unclosed.WithLabelValues().Set(float64(count(unclosed)))
	waiting := time.Duration(0)
	if unclosed {
		waiting = now.Sub(time.UnixMilli(oldest.CutMs))
	}
	g.waiting.WithLabelValues().Set(max(waiting.Seconds(), 0))
	g.setParts(parts, oldest.DayOn)
	for until, ms := range map[string]int64{"closed": last.CloseMs, "agreed": last.AgreedMs, "ended": last.EndedMs} {
		g.took.WithLabelValues(until).Set(max(time.Duration(ms-last.CutMs)*time.Millisecond, 0).Seconds())
	}
	return nil
}

// setParts states how many partitions have passed each phase of a day's end; all have if no day is unclosed.
func (g *dayGauges) setParts(parts []rows.DayPart, dayOn string) {
	var held, closed, agreed, started int32
	for _, p := range parts {
		held += count(p.Held != "")
		closed += count(dayOn == "" || p.ClosedThrough > dayOn)
		agreed += count(dayOn == "" || p.AgreedThrough > dayOn)
		started += count(dayOn == "" || p.StartedOn > dayOn)
	}
	g.held.WithLabelValues().Set(float64(held))
	for phase, n := range map[string]int32{"cut_off": id.Partitions, "closed": closed, "agreed": agreed, "started": started} {
		g.parts.WithLabelValues(phase).Set(float64(n))
	}
}
