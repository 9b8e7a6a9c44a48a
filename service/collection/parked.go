package collection

import (
	"context"

	collectionv1 "github.com/hengdai/hengdai/api/collection/v1"
	"github.com/hengdai/hengdai/kit/audit"
	"github.com/hengdai/hengdai/kit/errs"
	eventlog "github.com/hengdai/hengdai/kit/log"
	"github.com/hengdai/hengdai/kit/store"
)

// ListParked answers the events of loan that wait for a person.
func (f staff) ListParked(ctx context.Context, _ *collectionv1.ListParkedRequest) (*collectionv1.ListParkedResponse, error) {
	list, err := f.follow.Parked(ctx)
	if err != nil {
		return nil, err
	}
	out := &collectionv1.ListParkedResponse{}
	for _, e := range list {
		out.Events = append(out.Events, &collectionv1.ParkedEvent{
			Partition: e.Partition, Position: e.Position, UserId: e.UserID, Bucket: e.Bucket, Kind: e.Kind, Reason: e.Reason, Tries: int32(e.Tries), AtMs: e.At.UnixMilli(),
		})
	}
	return out, nil
}

// RetryParked takes a borrower's events in until one fails again, whose reason ListParked then shows.
func (f staff) RetryParked(ctx context.Context, req *collectionv1.RetryParkedRequest) (*collectionv1.RetryParkedResponse, error) {
	user := req.GetUserId()
	err := f.deps.DB.Write(ctx, func(tx *store.Tx) error { return audit.Write(tx, f.audited(ctx, "collection.retry", "user", user, "")) })
	if err != nil {
		return nil, errs.Wrap(err, "noting a retry")
	}
	taken, left, err := eventlog.RetryAll(ctx, user, req.GetBucket(), f.follow)
	if err != nil {
		return nil, err
	}
	return &collectionv1.RetryParkedResponse{Taken: int32(taken), Left: int32(left)}, nil
}
