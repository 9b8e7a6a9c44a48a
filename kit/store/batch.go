package store

import (
	"database/sql"
	"slices"
	"sync"
	"time"

	"github.com/ncruces/go-sqlite3"

	"github.com/hengdai/hengdai/kit/clock"
)

// batcher is the one writer of an SQLite database. It runs many units as savepoints of one transaction and answers them
// after its COMMIT has returned.
//
// The trap: a statement that is interrupted, or meets a full disk or an I/O error, rolls back the whole outer transaction
// and not only its savepoint. What runs afterwards would commit statement by statement, and the units before it would be
// lost although they had succeeded. Therefore every statement ignores cancellation, autocommit is looked at before each
// statement and after each unit, and if the outer transaction is gone the batch is rolled back and its units run again,
// each in a transaction of its own.
type batcher struct {
	conn   *sql.Conn
	raw    *sqlite3.Conn
	stmts  *statements
	frames map[string]*sqlite3.Stmt
	max    int
	owner  *DB

	mu     sync.RWMutex // held for reading while handing in
	closed bool
	inline sync.Mutex // max == 1: held while a unit runs on its caller's goroutine
	queue  chan *unit
	done   chan struct{}

	// Only the writer's goroutine uses these: what was taken from the queue and is not yet answered, and which of it runs.
	pending []*unit
	running *unit
	began   time.Time
}

// The statements that frame units. They are prepared once.
const (
	beginTx      = "BEGIN IMMEDIATE"
	commitTx     = "COMMIT"
	rollbackTx   = "ROLLBACK"
	beginUnit    = "SAVEPOINT unit"
	commitUnit   = "RELEASE unit"
	rollbackUnit = "ROLLBACK TO unit"
)

func newBatcher(conn *sql.Conn, raw *sqlite3.Conn, batchMax int, owner *DB) (*batcher, error) {
	b := &batcher{
		conn: conn, raw: raw, stmts: newStatements(), frames: map[string]*sqlite3.Stmt{}, max: batchMax, owner: owner,
		queue: make(chan *unit, batchMax), done: make(chan struct{}),
	}
	for _, q := range []string{beginTx, commitTx, rollbackTx, beginUnit, commitUnit, rollbackUnit} {
		s, _, err := raw.Prepare(q)
		if err != nil {
			return nil, err
		}
		b.frames[q] = s
	}
	if batchMax > 1 {
		go b.loop()
	} else {
		close(b.done)
	}
	return b, nil
}

func (b *batcher) do(u *unit) {
	if b.max == 1 {
		b.doInline(u)
		return
	}
	if !b.handIn(u) {
		return
	}
	<-u.done
}

func (b *batcher) handIn(u *unit) bool {
	b.mu.RLock()
	defer b.mu.RUnlock()
	if b.closed {
		u.err = errClosed
		return false
	}
	select {
	case b.queue <- u:
		return true
	case <-u.ctx.Done():
		u.err = errNotStarted.Because(u.ctx.Err())
		return false
	}
}

func (b *batcher) doInline(u *unit) {
	b.inline.Lock()
	defer b.inline.Unlock()
	if b.closed {
		u.err = errClosed
		return
	}
	ended := false
	defer func() {
		if !ended {
			b.abandon(u)
		}
	}()
	b.alone(u)
	ended = true
}

func (b *batcher) close() error {
	b.inline.Lock()
	b.mu.Lock()
	if !b.closed {
		b.closed = true
		close(b.queue)
	}
	b.mu.Unlock()
	b.inline.Unlock()
	<-b.done
	b.stmts.close()
	for _, s := range b.frames {
		_ = s.Close()
	}
	return b.conn.Close()
}

// loop serves units until the queue is closed. A unit that ends its goroutine (t.FailNow in a test) ends this one: its
// caller gets an error, a new goroutine takes over and runs its neighbours again.
func (b *batcher) loop() {
	ended := false
	defer func() {
		if ended {
			close(b.done)
			return
		}
		b.abandon(b.running)
		b.pending = slices.DeleteFunc(b.pending, func(u *unit) bool { return u == b.running })
		b.answer([]*unit{b.running})
		go b.loop()
	}()
	b.oneByOne()
	for u := range b.queue {
		b.gather(u)
		if len(b.pending) == 1 || !b.together() {
			b.owner.reruns.Add(int64(len(b.pending) - 1))
			b.oneByOne()
		}
	}
	ended = true
}

// gather takes what waits, up to the greatest batch. It never waits for more: while one batch syncs the next one grows.
func (b *batcher) gather(first *unit) {
	b.pending = append(b.pending[:0], first)
	for len(b.pending) < b.max {
		select {
		case u, ok := <-b.queue:
			if !ok {
				return
			}
			b.pending = append(b.pending, u)
		default:
			return
		}
	}
}

// together runs all pending units in one transaction and answers them. False means that nothing was committed and that
// they are to be run one by one.
func (b *batcher) together() bool {
	b.began = clock.Real()
	if err := b.frame(beginTx); err != nil {
		return false
	}
	units := b.pending
	for _, u := range units {
		b.running = u
		if !b.inSavepoint(u) {
			b.rollback()
			return false
		}
	}
	if err := b.frame(commitTx); err != nil {
		b.rollback()
		return false
	}
	b.notify(units)
	b.answer(units)
	b.pending = b.pending[:0]
	return true
}

// inSavepoint runs one unit of a batch. False means that the transaction around it is gone.
func (b *batcher) inSavepoint(u *unit) bool {
	if err := u.ctx.Err(); err != nil {
		u.err = errNotStarted.Because(err)
		return true
	}
	if err := b.frame(beginUnit); err != nil {
		return false
	}
	tx := u.begin(b, &b.owner.queries)
	err := u.call(tx)
	if tx.worst != nil || b.raw.GetAutocommit() {
		return false
	}
	if err != nil {
		if b.frame(rollbackUnit) != nil || b.frame(commitUnit) != nil {
			return false
		}
		u.err = err
		return !b.raw.GetAutocommit()
	}
	if b.frame(commitUnit) != nil {
		return false
	}
	u.settle(tx)
	return !b.raw.GetAutocommit()
}

// oneByOne runs the pending units, each in a transaction of its own, and answers each at once.
func (b *batcher) oneByOne() {
	for len(b.pending) > 0 {
		u := b.pending[0]
		b.running = u
		b.alone(u)
		b.answer(b.pending[:1])
		b.pending = b.pending[1:]
	}
}

// alone runs one unit in a transaction of its own.
func (b *batcher) alone(u *unit) {
	b.began = clock.Real()
	u.err, u.after, u.notes, u.wrote = nil, nil, 0, false
	if err := u.ctx.Err(); err != nil {
		u.err = errNotStarted.Because(err)
		return
	}
	if u.err = b.frame(beginTx); u.err != nil {
		b.rollback()
		return
	}
	tx := u.begin(b, &b.owner.queries)
	err := u.call(tx)
	switch {
	case err != nil:
	case tx.worst != nil:
		err = tx.worst
	case b.raw.GetAutocommit():
		err = errLost
	default:
		err = b.frame(commitTx)
	}
	if err != nil {
		b.rollback()
		u.err = err
		return
	}
	u.settle(tx)
	b.notify([]*unit{u})
}

// abandon cleans up after a unit that ended its goroutine.
func (b *batcher) abandon(u *unit) {
	b.rollback()
	u.err, u.after, u.notes, u.wrote = errAbandoned, nil, 0, false
}

func (b *batcher) rollback() {
	if !b.raw.GetAutocommit() {
		// An error here leaves autocommit as it is, and the next BEGIN will say so to its caller.
		_ = b.frame(rollbackTx)
	}
}

// notify counts the commit of these units.
func (b *batcher) notify(units []*unit) {
	c, wake := Commit{Took: clock.Since(b.began)}, false
	for _, u := range units {
		if u.err == nil {
			c.Units++
			b.owner.note(u.notes)
		}
		u.waited, u.beside = b.began.Sub(u.handed), len(units)
		c.Waited = max(c.Waited, u.waited)
		wake = wake || u.wrote
	}
	b.owner.committed(c, wake)
}

func (b *batcher) answer(units []*unit) {
	for _, u := range units {
		close(u.done)
	}
}

func (b *batcher) frame(control string) error { return b.frames[control].Exec() }
