package log

import (
	"context"
	"sync"
	"sync/atomic"

	"google.golang.org/protobuf/proto"

	"github.com/hengdai/hengdai/kit/clock"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/id"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/kit/telemetry"
)

// Log is the log of one service.
type Log struct {
	db     *store.DB
	source string
	ids    *id.Generator
	clk    clock.Clock
	bell   bell
	told   func(Event)
	tail   tail

	stepped atomic.Int64 // when the numberer last found something, in nanoseconds
	from    atomic.Int64 // the partition with which it begins next
	clear   atomic.Int64 // one more than what was noted when there was last nothing to number
}

// New gives the log that lies in a service's database. source is the service's name.
func New(db *store.DB, source string, ids *id.Generator, clk clock.Clock) *Log {
	l := &Log{db: db, source: source, ids: ids, clk: clk}
	db.Watch("log "+source, l.numbered)
	return l
}

// Event is one thing that happened.
type Event struct {
	// UserID is the user it concerns, 0 for none. Bucket is his bucket; for an event of no user it only chooses the
	// partition.
	UserID, Bucket int64
	// Body says what happened; the full name of its message is the event's kind.
	Body proto.Message
	// PostingOn is the accounting date and ValueOn the date the money really moved, both YYYY-MM-DD or empty.
	PostingOn, ValueOn string
}

// Observe names who is told of each event after its commit; fn must return at once. It is set before the first Append.
func (l *Log) Observe(fn func(e Event)) { l.told = fn }

// Append adds an event with the unit of work that causes it. It will be seen if and only if the unit is committed.
func (l *Log) Append(tx *store.Tx, e Event) error {
	kind := string(e.Body.ProtoReflect().Descriptor().FullName())
	if e.UserID != 0 {
		if own := id.Bucket(e.UserID); e.Bucket != own && e.Bucket != 0 {
			return errs.New(errs.Internal, "log.wrong_bucket", "系统内部错误。", "Internal error.").On(kind)
		}
		e.Bucket = id.Bucket(e.UserID)
	}
	if e.Bucket < 0 || e.Bucket >= id.Buckets {
		return errs.New(errs.Internal, "log.no_such_bucket", "系统内部错误。", "Internal error.").On(kind)
	}
	body, err := proto.Marshal(e.Body)
	if err != nil {
		return errs.Wrap(err, "encoding event "+kind)
	}
	if body == nil {
		body = []byte{}
	}
	tx.Note(store.NoteEvent)
	_, err = tx.ExecContext(tx.Context(), `INSERT INTO kit_log_new (part, id, user_id, bucket, kind, body, at_ms, posting_on, value_on, traceparent)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, int64(id.Partition(e.Bucket)), l.ids.New(e.Bucket), e.UserID, e.Bucket, kind, body,
		l.clk.Now().UnixMilli(), e.PostingOn, e.ValueOn, telemetry.TraceParent(tx.Context()))
	if err == nil && l.told != nil {
		tx.AfterCommit(func() { l.told(e) })
	}
	return errs.Wrap(err, "appending event "+kind)
}

// bell wakes those who wait for the next event.
type bell struct {
	mu sync.Mutex
	ch chan struct{}
}

// next answers a channel that is closed at the next ring.
func (b *bell) next() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ch == nil {
		b.ch = make(chan struct{})
	}
	return b.ch
}

func (b *bell) ring() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ch != nil {
		close(b.ch)
		b.ch = nil
	}
}

// numbered says that every committed event has its position.
func (l *Log) numbered(ctx context.Context) (bool, error) {
	noted := l.db.Noted(store.NoteEvent) + 1
	if l.db.Engine() == store.SQLite && l.clear.Load() == noted {
		return true, nil
	}
	var n int64
	err := l.db.Primary().QueryRowContext(ctx, "SELECT COUNT(*) FROM (SELECT id FROM kit_log_new LIMIT 1) w").Scan(&n)
	if err == nil && n == 0 {
		l.clear.Store(noted)
	}
	return n == 0, errs.Wrap(store.Explain(err), "looking for unnumbered events")
}

// Unnumbered counts committed events that have no position yet: how far the numberer is behind.
func (l *Log) Unnumbered(ctx context.Context) (int64, error) {
	var n int64
	err := l.db.Primary().QueryRowContext(ctx, "SELECT COUNT(*) FROM kit_log_new").Scan(&n)
	return n, errs.Wrap(store.Explain(err), "counting unnumbered events")
}
