package payment

import (
	"context"

	paymentv1 "github.com/hengdai/hengdai/api/payment/v1"
	"github.com/hengdai/hengdai/kit/audit"
	"github.com/hengdai/hengdai/kit/errs"
	eventlog "github.com/hengdai/hengdai/kit/log"
	"github.com/hengdai/hengdai/kit/rpc"
	"github.com/hengdai/hengdai/kit/store"
)

// ListParked answers the events of loan that wait for a person.
func (a staffAPI) ListParked(ctx context.Context, _ *paymentv1.ListParkedRequest) (*paymentv1.ListParkedResponse, error) {
	list, err := a.loan.Parked(ctx)
	if err != nil {
		return nil, err
	}
	out := &paymentv1.ListParkedResponse{}
	for _, e := range list {
		out.Events = append(out.Events, &paymentv1.ParkedEvent{
			Source: e.Source, Partition: e.Partition, Position: e.Position, UserId: e.UserID, Bucket: e.Bucket, Kind: e.Kind, Error: e.Reason,
			Tries: int32(e.Tries), AtMs: e.At.UnixMilli(),
		})
	}
	return out, nil
}

// RetryParked takes the events of a user, or of nobody in a bucket, in until one fails again, whose reason ListParked then shows.
func (a staffAPI) RetryParked(ctx context.Context, req *paymentv1.RetryParkedRequest) (*paymentv1.RetryParkedResponse, error) {
	who := rpc.From(ctx)
	err := a.deps.DB.Write(ctx, func(tx *store.Tx) error {
		return audit.Write(tx, audit.Entry{
			ActorKind: who.Kind.String(), ActorID: who.ID, ActorSession: who.SessionID, ActorService: who.Service, Act: "payment.retry",
			SubjectKind: "user", SubjectID: req.GetUserId(), At: a.deps.Clock.Now(),
		})
	})
	if err != nil {
		return nil, errs.Wrap(err, "noting a retry")
	}
	taken, left, err := eventlog.RetryAll(ctx, req.GetUserId(), req.GetBucket(), a.loan)
	if err != nil {
		return nil, err
	}
	return &paymentv1.RetryParkedResponse{Taken: int32(taken), Left: int32(left)}, nil
}
