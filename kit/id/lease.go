package id

import (
	"context"
	"crypto/rand"
	"errors"
	"sync"
	"time"

	"github.com/hengdai/hengdai/kit/clock"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/store"
)

const (
	reserveMS    = 10_000 // how far ahead of the last id or now a reservation goes
	renewBelowMS = 5_000  // renewed at once when less than this is left
	leaseFor     = time.Minute
	renewEvery   = 20 * time.Second
)

var errLeaseLost = errors.New("the node number was taken over by another process")

// lease holds a node number in the database and reserves time for its generator.
type lease struct {
	db    *store.DB
	gen   *Generator
	owner string
	node  int64
	fence int64

	now  chan struct{}
	stop chan struct{}
	once sync.Once
	done chan struct{}
}

// NewGenerator leases a node number in the database and keeps it until Close or until the database is closed.
func NewGenerator(ctx context.Context, db *store.DB, clk clock.Clock) (*Generator, error) {
	g := &Generator{clk: clk, node: -1, last: -1}
	l := &lease{
		db: db, gen: g, owner: rand.Text(),
		now: make(chan struct{}, 1), stop: make(chan struct{}), done: make(chan struct{}),
	}
	g.lease = l
	if err := l.take(ctx); err != nil {
		return nil, errs.Wrap(err, "leasing a node number for ids")
	}
	go l.keep(context.WithoutCancel(ctx))
	return g, nil
}

// Close gives the node number back and returns what was reserved and not used. Ids must not be asked for afterwards.
func (g *Generator) Close() {
	if l := g.lease; l != nil {
		l.once.Do(func() { close(l.stop) })
		<-l.done
	}
}

func (l *lease) hurry() {
	select {
	case l.now <- struct{}{}:
	default:
	}
}

// keep renews until the generator or its database is closed. A failure is tried again at the next turn: the reservation
// lasts longer than that, and if it ends, New still answers.
func (l *lease) keep(ctx context.Context) {
	defer close(l.done)
	tick := clock.NewTicker(renewEvery)
	defer tick.Stop()
	for {
		select {
		case <-l.stop:
			_ = l.release(ctx)
			return
		case <-l.db.Closed():
			return
		case <-tick.C:
		case <-l.now:
		}
		if err := l.renew(ctx); errors.Is(err, errLeaseLost) {
			_ = l.take(ctx)
		}
	}
}

type nodeRow struct{ node, fence, until, high, version int64 }

// take chooses a node number: one that nobody ever had, else the one whose lease ended first. If all are leased it takes
// the oldest; that is safe, because its holder's ids end where ours begin.
func (l *lease) take(ctx context.Context) error {
	var err error
	for range nodes { // so often at most can others be faster
		if err = l.takeOnce(ctx); !errors.Is(err, errTaken) && !store.IsDuplicate(err) {
			return err
		}
	}
	return err
}

func (l *lease) takeOnce(ctx context.Context) error {
	var node, fence, behind, high int64
	err := l.db.WriteQuiet(ctx, func(tx *store.Tx) error {
		rows, err := allNodes(tx)
		if err != nil {
			return err
		}
		until := clock.Real().Add(leaseFor).UnixMilli()
		old, free := choose(rows)
		node, fence = old.node, old.fence+1
		behind = old.high
		high = max(l.gen.reached(), old.high) + reserveMS
		if free {
			_, err = tx.ExecContext(tx.Context(),
				"INSERT INTO kit_node (node, owner, fence, until_ms, high_ms, version) VALUES (?, ?, ?, ?, ?, 1)", node, l.owner, fence, until, high)
			return err
		}
		res, err := tx.ExecContext(tx.Context(),
			"UPDATE kit_node SET owner = ?, fence = ?, until_ms = ?, high_ms = ?, version = version + 1 WHERE node = ? AND version = ?",
			l.owner, fence, until, high, node, old.version)
		if err != nil {
			return err
		}
		n, err := res.RowsAffected()
		return store.One(n, err, errTaken)
	})
	if err != nil {
		return err
	}
	l.node, l.fence = node, fence
	l.gen.adopt(node, behind, high)
	return nil
}

var errTaken = errs.New(errs.Conflict, "id.node_taken", "编号节点已被占用。", "The node number was taken by another process.")

func allNodes(tx *store.Tx) ([]nodeRow, error) {
	rows, err := tx.QueryContext(tx.Context(), "SELECT node, fence, until_ms, high_ms, version FROM kit_node ORDER BY node")
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var all []nodeRow
	for rows.Next() {
		var r nodeRow
		if err := rows.Scan(&r.node, &r.fence, &r.until, &r.high, &r.version); err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return all, rows.Err()
}

// choose answers the row to take over, or a row that does not exist yet.
func choose(rows []nodeRow) (r nodeRow, free bool) {
	now := clock.Real().UnixMilli()
	oldest := -1
	used := map[int64]bool{}
	for i, r := range rows {
		used[r.node] = true
		if oldest < 0 || r.until < rows[oldest].until {
			oldest = i
		}
	}
	if oldest >= 0 && rows[oldest].until <= now {
		return rows[oldest], false
	}
	for n := range int64(nodes) {
		if !used[n] {
			return nodeRow{node: n, high: -1}, true
		}
	}
	return rows[oldest], false
}

func (l *lease) renew(ctx context.Context) error {
	high := min(l.gen.reached()+reserveMS, msMax)
	return l.store(ctx, clock.Real().Add(leaseFor).UnixMilli(), high, func() { l.gen.adopt(l.node, -1, high) })
}

func (l *lease) release(ctx context.Context) error {
	return l.store(ctx, 0, l.gen.reached(), func() {})
}

func (l *lease) store(ctx context.Context, until, high int64, then func()) error {
	err := l.db.WriteQuiet(ctx, func(tx *store.Tx) error {
		res, err := tx.ExecContext(tx.Context(),
			"UPDATE kit_node SET until_ms = ?, high_ms = ?, version = version + 1 WHERE node = ? AND fence = ?", until, high, l.node, l.fence)
		if err != nil {
			return err
		}
		n, err := res.RowsAffected()
		return store.One(n, err, errLeaseLost)
	})
	if err != nil {
		return err
	}
	then()
	return nil
}
