package log

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/hengdai/hengdai/kit/clock"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/store"
)

const (
	numberMax = 512 // events of a partition that get their positions in one unit
	// numberGap keeps a numberer on MySQL, where each partition costs a commit, from running for single events.
	numberGap = 10 * time.Millisecond
)

var errHeadMoved = errs.New(errs.Conflict, "log.head_moved", "日志编号已由其他进程完成。", "Another numberer was faster.")

// Step gives positions to events that were committed without. It is a job: one numberer at a time is leased, and if two
// run all the same, the compare-and-set on the head lets one win each partition.
func (l *Log) Step(ctx context.Context) (bool, error) {
	if l.db.Engine() == store.MySQL {
		if err := clock.Sleep(ctx, numberGap-clock.Since(l.lastStep())); err != nil {
			return false, err
		}
	}
	parts, err := l.unnumbered(ctx)
	if err != nil || len(parts) == 0 {
		return false, errs.Wrap(err, "looking for unnumbered events")
	}
	l.stepped.Store(clock.Real().UnixNano())
	failed := make([]error, len(parts))
	var all sync.WaitGroup
	for i, part := range parts { // together, so that they share a commit
		all.Go(func() { failed[i] = l.number(ctx, part) })
	}
	all.Wait()
	return true, errors.Join(failed...)
}

func (l *Log) lastStep() time.Time { return time.Unix(0, l.stepped.Load()) }

func (l *Log) unnumbered(ctx context.Context) ([]int64, error) {
	rows, err := l.db.Primary().QueryContext(ctx, "SELECT DISTINCT part FROM kit_log_new")
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var parts []int64
	for rows.Next() {
		var p int64
		if err := rows.Scan(&p); err != nil {
			return nil, err
		}
		parts = append(parts, p)
	}
	return parts, rows.Err()
}

func (l *Log) number(ctx context.Context, part int64) error {
	err := l.db.WriteQuiet(ctx, func(tx *store.Tx) error {
		var position, version int64
		if err := tx.QueryRowContext(ctx, "SELECT position, version FROM kit_log_head WHERE part = ?", part).Scan(&position, &version); err != nil {
			return err
		}
		events, err := l.oldest(ctx, tx, part)
		if err != nil || len(events) == 0 {
			return err
		}
		res, err := tx.ExecContext(ctx, "UPDATE kit_log_head SET position = ?, version = version + 1 WHERE part = ? AND version = ?",
			position+int64(len(events)), part, version)
		if err != nil {
			return err
		}
		n, err := res.RowsAffected()
		if err := store.One(n, err, errHeadMoved); err != nil {
			return err
		}
		tx.AfterCommit(l.bell.ring)
		return move(ctx, tx, part, position, events)
	})
	return errs.Wrap(err, "numbering events")
}

// row is an event as it lies in kit_log_new, in the order of its columns after part and id.
type row struct {
	id     int64
	values []any
}

func (l *Log) oldest(ctx context.Context, tx *store.Tx, part int64) ([]row, error) {
	rows, err := tx.QueryContext(ctx, `SELECT id, user_id, bucket, kind, body, at_ms, posting_on, value_on, traceparent FROM kit_log_new
		WHERE part = ? ORDER BY id LIMIT ?`, part, numberMax)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var events []row
	for rows.Next() {
		var user, bucket, at int64
		var kind, posting, value, traceparent string
		var body []byte
		var e row
		if err := rows.Scan(&e.id, &user, &bucket, &kind, &body, &at, &posting, &value, &traceparent); err != nil {
			return nil, err
		}
		e.values = []any{e.id, user, bucket, kind, body, at, posting, value, traceparent}
		events = append(events, e)
	}
	return events, rows.Err()
}

// move takes rows from kit_log_new to kit_log, in statements whose sizes are powers of two, so that few texts are prepared.
func move(ctx context.Context, tx *store.Tx, part, position int64, events []row) error {
	for size := 64; size > 0; size /= 2 {
		for len(events) >= size {
			if err := moveSome(ctx, tx, part, position, events[:size]); err != nil {
				return err
			}
			position += int64(size)
			events = events[size:]
		}
	}
	return nil
}

const columns = "part, position, id, user_id, bucket, kind, body, at_ms, posting_on, value_on, traceparent"

func moveSome(ctx context.Context, tx *store.Tx, part, position int64, events []row) error {
	values, gone := []any{}, []any{part}
	for i, e := range events {
		values = append(append(values, part, position+int64(i)+1), e.values...)
		gone = append(gone, e.id)
	}
	more := len(events) - 1
	insert := "INSERT INTO kit_log (" + columns + ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)" + strings.Repeat(", (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", more)
	if _, err := tx.ExecContext(ctx, insert, values...); err != nil {
		return err
	}
	res, err := tx.ExecContext(ctx, "DELETE FROM kit_log_new WHERE part = ? AND id IN (?"+strings.Repeat(", ?", more)+")", gone...)
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n != int64(len(events)) {
		return errHeadMoved.Because(err)
	}
	return nil
}
