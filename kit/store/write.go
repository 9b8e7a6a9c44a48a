package store

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/hengdai/hengdai/kit/clock"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/telemetry"
)

// unit is one call of Write.
type unit struct {
	ctx   context.Context
	work  func(tx *Tx) error
	quiet bool

	err   error
	after []func()
	notes Notes
	wrote bool
	done  chan struct{}

	handed time.Time     // when it was handed in
	waited time.Duration // until the transaction that committed it began
	beside int           // units in that transaction
}

type insideKey struct{}

var (
	errNested = errs.New(errs.Internal, "store.nested_write",
		"系统内部错误。", "Internal error.")
	errNotStarted = errs.New(errs.Unavailable, "store.not_started",
		"请求在写入之前已被取消或超时，未作任何更改，请重试。", "The request was cancelled or timed out before anything was written. Please try again.")
	errClosed = errs.New(errs.Unavailable, "store.closed",
		"数据库正在关闭，未作任何更改，请稍后重试。", "The database is shutting down and nothing was changed. Please try again later.")
	errPanicked = errs.New(errs.Internal, "store.work_panicked",
		"系统内部错误，未作任何更改。", "Internal error; nothing was changed.")
	errAbandoned = errs.New(errs.Internal, "store.work_abandoned",
		"系统内部错误，未作任何更改。", "Internal error; nothing was changed.")
)

// Write runs one unit of work: all of it is committed, or nothing. On SQLite units of many callers share one commit; on
// MySQL each has its own transaction. Write answers after COMMIT has returned.
//
// The work may run more than once, so it must not change what it captured except by assignment, and it must make no call
// to anything but tx: no network, no other database, no Write. It may return any error, which rolls the unit back and is
// answered as it is if it is an *errs.Error. A full disk, a locked or an unreachable database answer Unavailable; a
// duplicate key that the work passes on answers Conflict, for which IsDuplicate holds.
//
// The deadline of ctx is looked at before the work starts, not later.
func (db *DB) Write(ctx context.Context, work func(tx *Tx) error) error {
	return db.submit(ctx, work, false)
}

// WriteQuiet is Write for bookkeeping that concerns nobody, such as a lease: its commit wakes no one and does not count as
// a change.
func (db *DB) WriteQuiet(ctx context.Context, work func(tx *Tx) error) error {
	return db.submit(ctx, work, true)
}

func (db *DB) submit(ctx context.Context, work func(tx *Tx) error, quiet bool) error {
	if ctx.Value(insideKey{}) != nil {
		return errNested.Because(errors.New("Write was called with the context of a unit that is running"))
	}
	if err := ctx.Err(); err != nil {
		return errNotStarted.Because(err)
	}
	ctx, end := telemetry.StartSpan(ctx, "commit")
	var failed error
	defer func() { end(failed) }()
	span := trace.SpanFromContext(ctx)
	u := &unit{ctx: ctx, work: work, quiet: quiet, done: make(chan struct{}), handed: clock.Real()}
	db.write.do(u)
	if span.IsRecording() {
		span.SetAttributes(attribute.Int64("hengdai.store.waited_us", u.waited.Microseconds()), attribute.Int("hengdai.store.units", u.beside))
	}
	if u.err != nil {
		failed = db.explain(u.err)
		telemetry.Annotate(ctx, attribute.String("hengdai.reason", errs.ReasonOf(failed)))
		return failed
	}
	for _, fn := range u.after {
		fn()
	}
	return nil
}

// explain is Explain for a write. The driver does not tell a disk that is full from one that is broken, so the disk is asked.
func (db *DB) explain(err error) error {
	explained := Explain(err)
	if db.path != "" && errors.Is(explained, errIO) && outOfRoom(db.path) {
		return errFull.Because(err)
	}
	return explained
}

// begin makes the transaction handle for one run of the unit.
func (u *unit) begin(run runner, asked *atomic.Int64) *Tx {
	return &Tx{ctx: context.WithValue(context.WithoutCancel(u.ctx), insideKey{}, true), run: run, asked: asked}
}

// call runs the work. A panic becomes an error of this unit alone.
func (u *unit) call(tx *Tx) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = errPanicked.Because(fmt.Errorf("panic: %v\n%s", v, debug.Stack()))
		}
		tx.closeRows()
	}()
	return u.work(tx)
}

// settle notes the outcome of a committed run.
func (u *unit) settle(tx *Tx) {
	u.err, u.after, u.notes, u.wrote = nil, tx.after, tx.notes, tx.wrote && !u.quiet
}
