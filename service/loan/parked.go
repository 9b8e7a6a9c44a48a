package loan

import (
	"context"

	loanv1 "github.com/hengdai/hengdai/api/loan/v1"
	"github.com/hengdai/hengdai/kit/errs"
	eventlog "github.com/hengdai/hengdai/kit/log"
	"github.com/hengdai/hengdai/kit/rpc"
	"github.com/hengdai/hengdai/kit/store"
)

// ListParked answers the events of payment that wait for a person.
func (f staff) ListParked(ctx context.Context, _ *loanv1.ListParkedRequest) (*loanv1.ListParkedResponse, error) {
	list, err := f.payments.Parked(ctx)
	if err != nil {
		return nil, err
	}
	out := &loanv1.ListParkedResponse{}
	for _, e := range list {
		out.Events = append(out.Events, &loanv1.ParkedEvent{
			Partition: e.Partition, Position: e.Position, UserId: e.UserID, Bucket: e.Bucket, Kind: e.Kind, Reason: e.Reason, Tries: int32(e.Tries), AtMs: e.At.UnixMilli(),
		})
	}
	return out, nil
}

// RetryParked takes a borrower's events in until one fails again, whose reason ListParked then shows.
func (f staff) RetryParked(ctx context.Context, req *loanv1.RetryParkedRequest) (*loanv1.RetryParkedResponse, error) {
	who, borrower := rpc.From(ctx), req.GetUserId()
	err := f.deps.DB.Write(ctx, func(tx *store.Tx) error {
		return f.act(tx, who, "loan.retry", "user", borrower, "", nil)
	})
	if err != nil {
		return nil, errs.Wrap(err, "noting a retry")
	}
	taken, left, err := eventlog.RetryAll(ctx, borrower, req.GetBucket(), f.payments)
	if err != nil {
		return nil, err
	}
	return &loanv1.RetryParkedResponse{Taken: int32(taken), Left: int32(left)}, nil
}
