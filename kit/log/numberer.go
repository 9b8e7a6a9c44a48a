package log

import (
	"context"
	"strings"
	"time"

	"github.com/hengdai/hengdai/kit/clock"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/id"
	"github.com/hengdai/hengdai/kit/store"
)

const (
	numberMax = 2048 // events that get their positions in one unit
	// numberGap keeps a numberer on MySQL, where a commit is not shared with others, from running for single events.
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
	if done, err := l.numbered(ctx); err != nil || done {
		return false, err
	}
	l.stepped.Store(clock.Real().UnixNano())
	return true, errs.Wrap(l.number(ctx), "numbering events")
}

func (l *Log) lastStep() time.Time { return time.Unix(0, l.stepped.Load()) }

// number gives positions to the oldest events of all partitions in one unit: one commit, however many partitions. If there are
// more than a unit takes, the next one begins with another partition, so that none waits for ever.
func (l *Log) number(ctx context.Context) error {
	var got *numbered
	err := l.db.WriteQuiet(ctx, func(tx *store.Tx) error {
		n := &numbered{next: l.from.Load()}
		got = n
		if err := n.readHeads(tx); err != nil {
			return err
		}
		before := n.heads
		if err := n.take(tx); err != nil || len(n.rows) == 0 {
			return err
		}
		if err := n.moveHeads(tx, &before); err != nil {
			return err
		}
		if err := inPowers(n.rows, func(some []row) error { return insert(ctx, tx, some) }); err != nil {
			return err
		}
		return l.removeAll(ctx, tx, n.rows)
	})
	if err != nil || len(got.rows) == 0 {
		return err
	}
	l.from.Store(got.next)
	l.tail.add(got)
	l.bell.ring()
	return nil
}

// numbered is what one unit of the numberer does.
type numbered struct {
	heads [id.Partitions]cursor
	rows  []row
	next  int64 // the partition with which the next unit begins
}

func (n *numbered) readHeads(tx *store.Tx) error {
	rows, err := tx.QueryContext(tx.Context(), "SELECT part, position, version FROM kit_log_head")
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var part int64
		var c cursor
		if err := rows.Scan(&part, &c.position, &c.version); err != nil {
			return err
		}
		n.heads[part] = c
	}
	return rows.Err()
}

// moveHeads moves the heads of all partitions that have new events in one statement, if nobody else has moved one of them. The
// rest are named with the position that they have, so that there is one text alone.
func (n *numbered) moveHeads(tx *store.Tx, before *[id.Partitions]cursor) error {
	var cases, places []any
	var moving int64
	for part, head := range n.heads {
		cases = append(cases, part, head.position)
		version := head.version
		if head.position == before[part].position {
			version = -1 // no head has it: this one stays
		} else {
			moving++
		}
		places = append(places, part, version)
	}
	res, err := tx.ExecContext(tx.Context(), headsMove, append(cases, places...)...)
	if err != nil {
		return err
	}
	moved, err := res.RowsAffected()
	if err == nil && moved != moving {
		err = errHeadMoved
	}
	return err
}

// headsMove is the statement of moveHeads.
var headsMove = "UPDATE kit_log_head SET position = CASE part" + strings.Repeat(" WHEN ? THEN ?", id.Partitions) +
	" ELSE position END, version = version + 1 WHERE (part = ? AND version = ?)" + strings.Repeat(" OR (part = ? AND version = ?)", id.Partitions-1)

// take reads events, beginning with the partition whose turn it is, and moves the heads behind them.
func (n *numbered) take(tx *store.Tx) error {
	from := n.next
	if err := n.takeParts(tx, from, id.Partitions); err != nil {
		return err
	}
	if from > 0 && len(n.rows) < numberMax {
		if err := n.takeParts(tx, 0, from); err != nil {
			return err
		}
	}
	n.next = 0
	if len(n.rows) == numberMax {
		n.next = (n.rows[numberMax-1].part + 1) % id.Partitions
	}
	return nil
}

// row is an event with its new position, as it is written to kit_log.
type row struct {
	part, position, id, user, bucket, at int64
	kind, posting, value, traceparent    string
	body                                 []byte
}

func (n *numbered) takeParts(tx *store.Tx, from, to int64) error {
	rows, err := tx.QueryContext(tx.Context(), `SELECT part, id, user_id, bucket, kind, body, at_ms, posting_on, value_on, traceparent FROM kit_log_new
		WHERE part >= ? AND part < ? ORDER BY part, id LIMIT ?`, from, to, numberMax-len(n.rows))
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var e row
		if err := rows.Scan(&e.part, &e.id, &e.user, &e.bucket, &e.kind, &e.body, &e.at, &e.posting, &e.value, &e.traceparent); err != nil {
			return err
		}
		n.heads[e.part].position++
		e.position = n.heads[e.part].position
		n.rows = append(n.rows, e)
	}
	return rows.Err()
}

// removeAll takes numbered rows out of kit_log_new, by partition: a server then finds them by their key, and waits for nobody who
// is adding others. A server gets them in one statement, because each is a way there and back; SQLite in statements whose sizes
// are powers of two, so that few texts are prepared.
func (l *Log) removeAll(ctx context.Context, tx *store.Tx, events []row) error {
	var gone []any
	var where []string
	for rest := events; len(rest) > 0; {
		n := 1
		for n < len(rest) && rest[n].part == rest[0].part {
			n++
		}
		if l.db.Engine() == store.SQLite {
			err := inPowers(rest[:n], func(some []row) error {
				return remove(ctx, tx, len(some), []string{whereOf(some)}, valuesOf(nil, some))
			})
			if err != nil {
				return err
			}
		} else {
			where, gone = append(where, whereOf(rest[:n])), valuesOf(gone, rest[:n])
		}
		rest = rest[n:]
	}
	if len(where) == 0 {
		return nil
	}
	return remove(ctx, tx, len(events), where, gone)
}

// inPowers hands rows on in portions whose sizes are powers of two.
func inPowers(events []row, do func([]row) error) error {
	for size := 64; size > 0; size /= 2 {
		for len(events) >= size {
			if err := do(events[:size]); err != nil {
				return err
			}
			events = events[size:]
		}
	}
	return nil
}

const columns = "part, position, id, user_id, bucket, kind, body, at_ms, posting_on, value_on, traceparent"

func insert(ctx context.Context, tx *store.Tx, events []row) error {
	values := make([]any, 0, 11*len(events))
	for i := range events {
		e := &events[i]
		values = append(values, e.part, e.position, e.id, e.user, e.bucket, e.kind, e.body, e.at, e.posting, e.value, e.traceparent)
	}
	_, err := tx.ExecContext(ctx, "INSERT INTO kit_log ("+columns+") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"+
		strings.Repeat(", (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", len(events)-1), values...)
	return err
}

func whereOf(events []row) string {
	return "part = ? AND id IN (?" + strings.Repeat(", ?", len(events)-1) + ")"
}

func valuesOf(values []any, events []row) []any {
	values = append(values, events[0].part)
	for i := range events {
		values = append(values, events[i].id)
	}
	return values
}

func remove(ctx context.Context, tx *store.Tx, rows int, where []string, gone []any) error {
	res, err := tx.ExecContext(ctx, "DELETE FROM kit_log_new WHERE ("+strings.Join(where, ") OR (")+")", gone...)
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n != int64(rows) {
		return errHeadMoved.Because(err)
	}
	return nil
}
