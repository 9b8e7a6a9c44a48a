package report

import (
	"context"

	reportv1 "github.com/hengdai/hengdai/api/report/v1"
	"github.com/hengdai/hengdai/kit/audit"
	"github.com/hengdai/hengdai/kit/errs"
	eventlog "github.com/hengdai/hengdai/kit/log"
	"github.com/hengdai/hengdai/kit/rpc"
	"github.com/hengdai/hengdai/kit/store"
)

// ListParked answers the events of loan, payment and risk that wait for a person.
func (f staff) ListParked(ctx context.Context, _ *reportv1.ListParkedRequest) (*reportv1.ListParkedResponse, error) {
	out := &reportv1.ListParkedResponse{}
	for _, from := range f.logs() {
		list, err := from.Parked(ctx)
		if err != nil {
			return nil, err
		}
		for _, e := range list {
			out.Events = append(out.Events, &reportv1.ParkedEvent{
				Source: e.Source, Partition: e.Partition, Position: e.Position, UserId: e.UserID, Bucket: e.Bucket, Kind: e.Kind, Reason: e.Reason,
				Tries: int32(e.Tries), AtMs: e.At.UnixMilli(),
			})
		}
	}
	return out, nil
}

// RetryParked takes a user's events in until one of each log fails again, whose reason ListParked then shows.
func (f staff) RetryParked(ctx context.Context, req *reportv1.RetryParkedRequest) (*reportv1.RetryParkedResponse, error) {
	who := rpc.From(ctx)
	err := f.deps.DB.Write(ctx, func(tx *store.Tx) error {
		return audit.Write(tx, audit.Entry{
			ActorKind: who.Kind.String(), ActorID: who.ID, ActorSession: who.SessionID, ActorService: who.Service, Act: "report.retry",
			SubjectKind: "user", SubjectID: req.GetUserId(), At: f.deps.Clock.Now(),
		})
	})
	if err != nil {
		return nil, errs.Wrap(err, "noting a retry")
	}
	taken, left, err := eventlog.RetryAll(ctx, req.GetUserId(), req.GetBucket(), f.logs()...)
	if err != nil {
		return nil, err
	}
	return &reportv1.RetryParkedResponse{Taken: int32(taken), Left: int32(left)}, nil
}

func (s *Service) logs() []*eventlog.Follower {
	var list []*eventlog.Follower
	for _, from := range s.sources {
		list = append(list, from.follow)
	}
	return list
}
