package log

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	logv1 "github.com/hengdai/hengdai/api/log/v1"
	"github.com/hengdai/hengdai/kit/clock"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/id"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/kit/telemetry"
)

// poisonTries is how often an event is tried before it is parked, with a pause in between.
const (
	poisonTries = 5
	poisonPause = 20 * time.Millisecond
)

var (
	errStale = errs.New(errs.Conflict, "log.cursor_moved", "日志读取位置已由其他进程推进。", "Another follower moved the cursor.")
	errGap   = errs.New(errs.Internal, "log.gap", "日志位置不连续，已停止读取该分区。", "Positions of the log are missing; its partition is stopped.")
)

// take takes a partition's events in, many in one unit; where that fails, one by one, so that only the event at fault
// suffers.
func (f *Follower) take(ctx context.Context, p int, events []*logv1.Event) (took bool, err error) {
	events, err = f.fresh(p, events)
	for len(events) > 0 {
		chunk := events[:min(chunkMax, len(events))]
		n, cerr := f.takeChunk(ctx, p, chunk)
		took = took || n > 0
		if cerr != nil {
			return took, cerr
		}
		events = events[len(chunk):]
	}
	return took, err
}

// fresh answers what of a partition's events comes next: without duplicates, and up to a gap, which is an error.
func (f *Follower) fresh(p int, events []*logv1.Event) ([]*logv1.Event, error) {
	for len(events) > 0 && events[0].GetPosition() <= f.cursors[p].position {
		events = events[1:]
	}
	next := f.cursors[p].position + 1
	for i, e := range events {
		if e.GetPosition() != next+int64(i) {
			return events[:i], errGap.Because(fmt.Errorf("%s partition %d: position %d came where %d was due", f.source, p, e.GetPosition(), next+int64(i)))
		}
	}
	return events, nil
}

// together takes a whole batch in in one unit. False means that nothing was taken in, and that the partitions are to be taken
// one by one, so that only the one at fault suffers.
func (f *Follower) together(ctx context.Context, parts *[id.Partitions][]*logv1.Event) bool {
	var batches []batch
	for p, events := range parts {
		events, err := f.fresh(p, events)
		if err != nil {
			return false
		}
		if len(events) > 0 {
			batches = append(batches, batch{part: p, events: events})
		}
	}
	return len(batches) > 0 && f.commit(ctx, batches) == nil
}

func (f *Follower) takeChunk(ctx context.Context, p int, chunk []*logv1.Event) (n int, err error) {
	err = f.commit(ctx, []batch{{part: p, events: chunk}})
	if err == nil {
		return len(chunk), nil
	}
	if !poison(ctx, err) {
		return 0, err
	}
	if len(chunk) > 1 {
		for _, e := range chunk {
			if _, err := f.takeChunk(ctx, p, []*logv1.Event{e}); err != nil {
				return n, err
			}
			n++
		}
		return n, nil
	}
	for try := 1; try < poisonTries; try++ {
		if err := clock.Sleep(ctx, poisonPause<<try); err != nil {
			return 0, err
		}
		if err = f.commit(ctx, []batch{{part: p, events: chunk}}); err == nil {
			return 1, nil
		}
		if !poison(ctx, err) {
			return 0, err
		}
	}
	telemetry.Logger(ctx).ErrorContext(traced(ctx, chunk[0]), "an event cannot be taken in and is parked", "source", f.source, "partition", p,
		"position", chunk[0].GetPosition(), "kind", chunk[0].GetKind(), "error", err)
	if err := f.parkOne(ctx, p, chunk[0], err); err != nil {
		return 0, err
	}
	return 1, nil
}

// poison says whether an error is the event's own fault rather than the hour's.
func poison(ctx context.Context, err error) bool {
	return ctx.Err() == nil && errs.CodeOf(err) != errs.Unavailable && !errors.Is(err, errStale)
}

// batch is consecutive events of a partition.
type batch struct {
	part   int
	events []*logv1.Event
}

func (b batch) last() int64 { return b.events[len(b.events)-1].GetPosition() }

// commit runs the handlers of events and moves the cursors behind them, in one unit.
func (f *Follower) commit(ctx context.Context, batches []batch) error {
	write := f.db.Write
	if f.concernsNobody(batches) {
		write = f.db.WriteQuiet // nothing but cursors moves
	}
	var all []*logv1.Event
	for _, b := range batches {
		all = append(all, b.events...)
	}
	spans, end := f.spans(ctx, all)
	err := write(ctx, func(tx *store.Tx) error {
		// First of all, so that a follower that was replaced changes nothing and blames no event.
		for _, b := range batches {
			if err := f.move(tx, b.part, b.last()); err != nil {
				return err
			}
		}
		parked, err := f.parkedUsers(tx)
		if err != nil {
			return err
		}
		at := 0
		for _, b := range batches {
			if err := f.takeIn(tx, b.events, spans[at:], parked); err != nil {
				return err
			}
			at += len(b.events)
		}
		return nil
	})
	end(err)
	if err == nil {
		for _, b := range batches {
			f.moved(b.part, b.last())
		}
	}
	return err
}

func (f *Follower) concernsNobody(batches []batch) bool {
	for _, b := range batches {
		for _, e := range b.events {
			if _, known := f.handlers[e.GetKind()]; known {
				return false
			}
		}
	}
	return true
}

// takeIn runs the handlers of events, each in its own span; what belongs to a person with parked events is parked behind them.
func (f *Follower) takeIn(tx *store.Tx, events []*logv1.Event, spans []trace.Span, parked map[user]bool) error {
	for i, e := range events {
		h, known := f.handlers[e.GetKind()]
		switch {
		case !known:
		case parked[userOf(e)]:
			if err := f.park(tx, e, reasonBehind, 0); err != nil {
				return err
			}
		default:
			if err := f.handle(trace.ContextWithSpan(tx.Context(), spans[i]), tx, h, e); err != nil {
				return errs.Wrap(err, "taking in "+e.GetKind())
			}
		}
	}
	return nil
}

// handle runs an event's handler: what it appends and decides belongs to the trace of ctx.
func (f *Follower) handle(ctx context.Context, tx *store.Tx, h Handler, e *logv1.Event) error {
	return tx.Inside(ctx, func() error { return h.handle(ctx, tx, meta(f.source, e), e.GetBody()) })
}

// spans answers the span in which each event is taken in: of the trace that wrote it, as long as the unit that takes it
// in. An event without a handler, or whose trace is not kept, has none of its own.
func (f *Follower) spans(ctx context.Context, events []*logv1.Event) ([]trace.Span, func(error)) {
	spans := make([]trace.Span, len(events))
	var ends []func(error)
	for i, e := range events {
		own := traced(ctx, e)
		if _, known := f.handlers[e.GetKind()]; known && trace.SpanContextFromContext(own).IsSampled() {
			var end func(error)
			own, end = telemetry.Start(own, "take "+e.GetKind(), trace.WithSpanKind(trace.SpanKindConsumer),
				trace.WithAttributes(attribute.String("hengdai.log.source", f.source), attribute.Int("hengdai.log.together", len(events))))
			ends = append(ends, end)
		}
		spans[i] = trace.SpanFromContext(own)
	}
	return spans, func(err error) {
		for _, end := range ends {
			end(err)
		}
	}
}

// move moves the cursor; it fails if anybody else has touched it since it was read.
func (f *Follower) move(tx *store.Tx, p int, to int64) error {
	res, err := tx.ExecContext(tx.Context(), "UPDATE kit_cursor SET position = ?, version = version + 1 WHERE source = ? AND part = ? AND version = ?",
		to, f.source, p, f.cursors[p].version)
	if err != nil {
		return err
	}
	n, err := res.RowsAffected()
	return store.One(n, err, errStale)
}

func (f *Follower) moved(p int, to int64) {
	f.cursors[p] = cursor{position: to, version: f.cursors[p].version + 1}
}

// traced makes the handler part of the trace that wrote the event.
func traced(ctx context.Context, e *logv1.Event) context.Context {
	return telemetry.WithTraceParent(ctx, e.GetTraceparent())
}
