package log

import (
	"sync"

	logv1 "github.com/hengdai/hengdai/api/log/v1"
	"github.com/hengdai/hengdai/kit/id"
)

// tailMax is how many events of a partition are kept in memory.
const tailMax = 128

// tail keeps the newest events of a log as this process numbered them, so that readers who keep up are answered without a
// query. A numbered event never changes, so what is in it is always true; what it does not have is in the database.
type tail struct {
	mu    sync.RWMutex
	known bool
	parts [id.Partitions]tailPart
}

// tailPart holds the events of a partition after base, without a gap.
type tailPart struct {
	base   int64
	events []*logv1.Event
}

func (p *tailPart) end() int64 { return p.base + int64(len(p.events)) }

// add takes in what a unit of the numberer committed.
func (t *tail) add(n *numbered) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.known {
		for part := range t.parts {
			t.parts[part].base = n.heads[part].position
		}
		for i := len(n.rows) - 1; i >= 0; i-- {
			t.parts[n.rows[i].part].base = n.rows[i].position - 1
		}
		t.known = true
	}
	for i := range n.rows {
		e := &n.rows[i]
		p := &t.parts[e.part]
		if p.end() != e.position-1 { // somebody else numbered in between
			*p = tailPart{base: e.position - 1}
		}
		p.events = append(p.events, e.event())
		if len(p.events) >= 2*tailMax {
			p.base += tailMax
			p.events = append(make([]*logv1.Event, 0, 2*tailMax), p.events[tailMax:]...)
		}
	}
}

func (e *row) event() *logv1.Event {
	return &logv1.Event{
		Partition: int32(e.part), Position: e.position, UserId: e.user, Bucket: e.bucket, Kind: e.kind, Body: e.body, AtMs: e.at,
		PostingOn: e.posting, ValueOn: e.value, Traceparent: e.traceparent,
	}
}

// after answers the events after the given positions, oldest first inside each partition, at most so many; none if a position
// lies outside of what is kept, or at the end of it everywhere: then the database is asked.
func (t *tail) after(after []*logv1.Cursor, limit int) []*logv1.Event {
	t.mu.RLock()
	defer t.mu.RUnlock()
	if !t.known {
		return nil
	}
	behind := 0
	for _, c := range after {
		p := &t.parts[c.GetPartition()]
		if c.GetPosition() < p.base || c.GetPosition() > p.end() {
			return nil
		}
		if c.GetPosition() < p.end() {
			behind++
		}
	}
	if behind == 0 {
		return nil
	}
	share := (limit + behind - 1) / behind
	var events []*logv1.Event
	for _, c := range after {
		p := &t.parts[c.GetPartition()]
		found := p.events[c.GetPosition()-p.base:]
		events = append(events, found[:max(min(len(found), share, limit-len(events)), 0)]...)
	}
	return events
}
