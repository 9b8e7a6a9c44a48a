package id

import (
	"sync"

	"github.com/hengdai/hengdai/kit/clock"
)

// Generator gives ids. It is safe for use by many goroutines.
type Generator struct {
	clk   clock.Clock
	lease *lease // nil for a local generator

	mu   sync.Mutex
	node int64
	last int64 // the millisecond of the last id
	seq  int64 // the sequence of the last id
	high int64 // ids up to this millisecond are reserved in the database
}

// NewLocal gives a generator that stores nothing: for tests and tools. Its ids repeat if the clock goes back over a
// restart.
func NewLocal(node int64, clk clock.Clock) *Generator {
	return &Generator{clk: clk, node: node & (nodes - 1), last: -1, high: msMax}
}

// New gives the next id in the bucket. It never waits and never fails.
//
// Ids stay within what is reserved in the database. If the business clock jumps ahead of that, they keep the reserved
// time until the next reservation, a moment later. Only a generator that gives more than half a million ids while its
// database takes no reservation goes beyond; such ids would have to be stored by the same database.
func (g *Generator) New(bucket int64) int64 {
	now := sinceEpoch(g.clk.Now())
	g.mu.Lock()
	now = min(now, g.high)
	switch {
	case now > g.last:
		g.last, g.seq = now, 0
	case g.seq < seqMax:
		g.seq++
	default:
		g.last, g.seq = g.last+1, 0
	}
	id := compose(g.last, g.node, g.seq, bucket)
	short := g.high-max(g.last, sinceEpoch(g.clk.Now())) < renewBelowMS
	g.mu.Unlock()
	if short && g.lease != nil {
		g.lease.hurry()
	}
	return id
}

// adopt makes the generator go on with a node number, behind everything that was given with it, up to high.
func (g *Generator) adopt(node, behind, high int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if node != g.node || g.last < behind {
		g.last, g.seq = max(g.last, behind), seqMax
	}
	g.node, g.high = node, high
}

// reached is the later of now and the last id's millisecond.
func (g *Generator) reached() int64 {
	now := sinceEpoch(g.clk.Now())
	g.mu.Lock()
	defer g.mu.Unlock()
	return max(now, g.last)
}
