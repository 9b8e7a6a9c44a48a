package log

import (
	"context"
	"time"

	logv1 "github.com/hengdai/hengdai/api/log/v1"
	"github.com/hengdai/hengdai/kit/clock"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/id"
	"github.com/hengdai/hengdai/kit/store"
)

const (
	readMax = 1000
	waitMax = 30 * time.Second
	// pollEvery is for events that another process numbered: the bell rings in this one only.
	pollEvery = 250 * time.Millisecond
)

var errNoPartition = errs.New(errs.Invalid, "log.no_such_partition", "日志分区不存在。", "There is no such log partition.").On("after")

// Read answers events after the given positions, oldest first inside each partition. If there are none it waits until the
// numberer of this process has some, at most wait_ms, and then answers without any.
func (l *Log) Read(ctx context.Context, req *logv1.ReadRequest) (*logv1.ReadResponse, error) {
	for _, c := range req.GetAfter() {
		if c.GetPartition() < 0 || c.GetPartition() >= id.Partitions {
			return nil, errNoPartition
		}
	}
	wait := min(time.Duration(req.GetWaitMs())*time.Millisecond, waitMax)
	ends := clock.NewTimer(wait)
	defer ends.Stop()
	for {
		rung := l.bell.next()
		events, err := l.after(ctx, req)
		if err != nil || len(events) > 0 || wait <= 0 {
			return &logv1.ReadResponse{Events: events}, err
		}
		poll := clock.NewTimer(l.pollEvery())
		select {
		case <-rung:
		case <-poll.C:
		case <-ends.C:
			wait = 0
		case <-l.db.Closed():
			wait = 0
		case <-ctx.Done():
			poll.Stop()
			return nil, store.Explain(ctx.Err())
		}
		poll.Stop()
	}
}

func (l *Log) pollEvery() time.Duration {
	if l.db.Engine() == store.SQLite {
		return waitMax // one process writes an SQLite file
	}
	return pollEvery
}

// Heads answers the last position of each partition.
func (l *Log) Heads(ctx context.Context, _ *logv1.HeadsRequest) (*logv1.HeadsResponse, error) {
	heads, err := l.heads(ctx)
	if err != nil {
		return nil, err
	}
	res := &logv1.HeadsResponse{}
	for p, position := range heads {
		res.Heads = append(res.Heads, &logv1.Cursor{Partition: int32(p), Position: position})
	}
	return res, nil
}

func (l *Log) heads(ctx context.Context) (heads [id.Partitions]int64, err error) {
	rows, err := l.db.Primary().QueryContext(ctx, "SELECT part, position FROM kit_log_head")
	if err != nil {
		return heads, errs.Wrap(err, "reading the heads of the log")
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var part, position int64
		if err := rows.Scan(&part, &position); err != nil {
			return heads, errs.Wrap(err, "reading the heads of the log")
		}
		heads[part] = position
	}
	return heads, errs.Wrap(store.Explain(rows.Err()), "reading the heads of the log")
}

// after answers what there is now. The limit is shared by the partitions that have something.
func (l *Log) after(ctx context.Context, req *logv1.ReadRequest) ([]*logv1.Event, error) {
	limit := min(max(int(req.GetLimit()), 1), readMax)
	if events := l.tail.after(req.GetAfter(), limit); len(events) > 0 {
		return events, nil
	}
	heads, err := l.heads(ctx)
	if err != nil {
		return nil, err
	}
	var behind []*logv1.Cursor
	for _, c := range req.GetAfter() {
		if c.GetPosition() < heads[c.GetPartition()] {
			behind = append(behind, c)
		}
	}
	if len(behind) == 0 {
		return nil, nil
	}
	share := (limit + len(behind) - 1) / len(behind)
	var events []*logv1.Event
	for _, c := range behind {
		n := min(share, limit-len(events))
		if n <= 0 {
			break
		}
		if events, err = l.readPart(ctx, events, c, n); err != nil {
			return nil, errs.Wrap(err, "reading the log")
		}
	}
	return events, nil
}

func (l *Log) readPart(ctx context.Context, events []*logv1.Event, c *logv1.Cursor, limit int) ([]*logv1.Event, error) {
	rows, err := l.db.Primary().QueryContext(ctx, `SELECT position, user_id, bucket, kind, body, at_ms, posting_on, value_on, traceparent FROM kit_log
		WHERE part = ? AND position > ? ORDER BY position LIMIT ?`, int64(c.GetPartition()), c.GetPosition(), limit)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		e := &logv1.Event{Partition: c.GetPartition()}
		if err := rows.Scan(&e.Position, &e.UserId, &e.Bucket, &e.Kind, &e.Body, &e.AtMs, &e.PostingOn, &e.ValueOn, &e.Traceparent); err != nil {
			return nil, err
		}
		events = append(events, e)
	}
	return events, store.Explain(rows.Err())
}
