package log

import (
	"context"
	"time"

	"google.golang.org/protobuf/proto"

	logv1 "github.com/hengdai/hengdai/api/log/v1"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/store"
)

// Meta is what is known of an event besides its body.
type Meta struct {
	// Source is the service that wrote it.
	Source string
	// Partition and Position are its place in the source's log, UserID and Bucket whom it concerns.
	Partition                int32
	Position, UserID, Bucket int64
	// Kind is the full name of the body's message.
	Kind string
	// At is the business instant at which it was written.
	At time.Time
	// PostingOn and ValueOn are the dates of the money, or empty.
	PostingOn, ValueOn string
}

// Handler takes in one kind of event.
type Handler struct {
	kind   string
	handle func(ctx context.Context, tx *store.Tx, m Meta, body []byte) error
}

// On makes a handler of the events whose body is a T. What fn does in tx is committed together with the event's position,
// or not at all. fn may run more than once and makes no call to anything but tx. It shares the unit with other events, so
// it must not keep anything that it learned outside of tx.
//
// An Unavailable error makes the follower come back later. Any other is a fault of the event: it is tried again a few
// times and then parked with the user's later events.
func On[T proto.Message](fn func(ctx context.Context, tx *store.Tx, m Meta, body T) error) Handler {
	var zero T
	message := zero.ProtoReflect().Type()
	return Handler{
		kind: string(message.Descriptor().FullName()),
		handle: func(ctx context.Context, tx *store.Tx, m Meta, encoded []byte) error {
			body := message.New().Interface().(T)
			if err := proto.Unmarshal(encoded, body); err != nil {
				return errs.New(errs.Internal, "log.undecodable", "事件无法解析。", "The event cannot be decoded.").Because(err)
			}
			return fn(ctx, tx, m, body)
		},
	}
}

func meta(source string, e *logv1.Event) Meta {
	return Meta{
		Source: source, Partition: e.GetPartition(), Position: e.GetPosition(), UserID: e.GetUserId(), Bucket: e.GetBucket(),
		Kind: e.GetKind(), At: time.UnixMilli(e.GetAtMs()), PostingOn: e.GetPostingOn(), ValueOn: e.GetValueOn(),
	}
}
