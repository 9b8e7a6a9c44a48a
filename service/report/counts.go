package report

import (
	"context"
	"math"

	reportv1 "github.com/hengdai/hengdai/api/report/v1"
	"github.com/hengdai/hengdai/domain/calendar"
	"github.com/hengdai/hengdai/kit/audit"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/rpc"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/service/report/rows"
)

// GetFunnel counts the applications that came in a period of whole days in Shanghai.
func (f staff) GetFunnel(ctx context.Context, req *reportv1.GetFunnelRequest) (*reportv1.Funnel, error) {
	from, until := int64(0), int64(math.MaxInt64)
	if req.GetFrom() != "" {
		on, err := calendar.Parse(req.GetFrom())
		if err != nil {
			return nil, errs.Wrap(err, "read the first day")
		}
		from = on.Midnight().UnixMilli()
	}
	if req.GetTo() != "" {
		on, err := calendar.Parse(req.GetTo())
		if err != nil {
			return nil, errs.Wrap(err, "read the last day")
		}
		until = (on + 1).Midnight().UnixMilli()
	}
	q := rows.New(f.deps.DB.Read())
	states, err := q.FunnelStates(ctx, rows.FunnelStatesParams{CreatedMs: from, CreatedMs_2: until})
	if err != nil {
		return nil, errs.Wrap(err, "count states")
	}
	outcomes, err := q.FunnelOutcomes(ctx, rows.FunnelOutcomesParams{CreatedMs: from, CreatedMs_2: until})
	if err != nil {
		return nil, errs.Wrap(err, "count outcomes")
	}
	reasons, err := q.FunnelReasons(ctx, rows.FunnelReasonsParams{CreatedMs: from, CreatedMs_2: until})
	if err != nil {
		return nil, errs.Wrap(err, "count reasons")
	}
	out := &reportv1.Funnel{}
	for _, row := range states {
		out.States = append(out.States, count(row))
		out.Applications += row.N
	}
	for _, row := range outcomes {
		out.Outcomes = append(out.Outcomes, count(rows.FunnelStatesRow(row)))
	}
	for _, row := range reasons {
		out.Reasons = append(out.Reasons, count(rows.FunnelStatesRow(row)))
	}
	return out, nil
}

func count(row rows.FunnelStatesRow) *reportv1.Count {
	return &reportv1.Count{Name: row.Name, Count: row.N, AmountMinor: row.AmountMinor}
}

// GetPortfolio counts and adds up the book.
func (f staff) GetPortfolio(ctx context.Context, _ *reportv1.GetPortfolioRequest) (*reportv1.Portfolio, error) {
	q := rows.New(f.deps.DB.Read())
	states, err := q.LoanStates(ctx)
	if err != nil {
		return nil, errs.Wrap(err, "count states")
	}
	buckets, err := q.LoanBuckets(ctx)
	if err != nil {
		return nil, errs.Wrap(err, "count buckets")
	}
	totals, err := q.LoanTotals(ctx)
	if err != nil {
		return nil, errs.Wrap(err, "add up the book")
	}
	out := &reportv1.Portfolio{LentMinor: totals.LentMinor, OutstandingPrincipalMinor: totals.OutstandingMinor, OverdueMinor: totals.OverdueMinor}
	for _, row := range states {
		out.States = append(out.States, count(rows.FunnelStatesRow(row)))
	}
	for _, row := range buckets {
		out.Buckets = append(out.Buckets, count(rows.FunnelStatesRow(row)))
	}
	return out, nil
}

// GetSources answers how far each log was taken in.
func (f staff) GetSources(ctx context.Context, _ *reportv1.GetSourcesRequest) (*reportv1.Sources, error) {
	out := &reportv1.Sources{}
	for _, from := range f.sources {
		lag, err := from.follow.Lag(ctx)
		silent := errs.CodeOf(err) == errs.Unavailable // which is when one asks
		if silent {
			lag = -1
		} else if err != nil {
			return nil, errs.Wrap(err, "ask for the lag of "+from.name)
		}
		parked, err := from.follow.Parked(ctx)
		if err != nil {
			return nil, errs.Wrap(err, "list what is parked of "+from.name)
		}
		one := &reportv1.Source{Name: from.name, Lag: lag, Silent: silent}
		for _, p := range parked {
			one.Parked = append(one.Parked, &reportv1.Parked{Partition: p.Partition, Position: p.Position, UserId: p.UserID, Kind: p.Kind, Reason: p.Reason})
		}
		out.Sources = append(out.Sources, one)
	}
	return out, nil
}

// Rebuild throws away what was made from one log and reads it again.
func (f staff) Rebuild(ctx context.Context, req *reportv1.RebuildRequest) (*reportv1.RebuildResponse, error) {
	who := rpc.From(ctx)
	for _, from := range f.sources {
		if from.name != req.GetSource() {
			continue
		}
		err := from.follow.Rewind(ctx, func(tx *store.Tx) error {
			if err := audit.Write(tx, audit.Entry{
				ActorKind: who.Kind.String(), ActorID: who.ID, ActorSession: who.SessionID, ActorService: who.Service, Act: "report.rebuild",
				SubjectKind: "log", Details: map[string]string{"source": from.name}, At: f.deps.Clock.Now(),
			}); err != nil {
				return err
			}
			return from.wipe(ctx, rows.New(tx))
		})
		return &reportv1.RebuildResponse{}, errs.Wrap(err, "rebuild from "+from.name)
	}
	return nil, errs.New(errs.NotFound, "report.no_source", "没有这个来源。", "There is no such source.")
}
