package log

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"

	logv1 "github.com/hengdai/hengdai/api/log/v1"
	"github.com/hengdai/hengdai/api/log/v1/logv1connect"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/id"
	"github.com/hengdai/hengdai/kit/job"
	"github.com/hengdai/hengdai/kit/store"
)

const (
	pullMax  = 512 // events in one batch
	chunkMax = 64  // events of a partition in one unit
)

// Follower takes another service's log into this one's database.
type Follower struct {
	db       *store.DB
	source   string
	client   logv1connect.LogClient
	handlers map[string]Handler

	step    sync.Mutex   // one batch at a time
	turns   atomic.Int64 // rewinds that wait for theirs
	polling atomic.Pointer[context.CancelFunc]
	loaded  bool
	cursors [id.Partitions]cursor
}

// cursor is how far a partition has been taken in. The version changes with every commit that touches the partition's
// events here, those of a person's retry included.
type cursor struct{ position, version int64 }

// Follow makes a follower of the log that client reads. Kinds without a handler are passed over; their positions count.
func Follow(db *store.DB, source string, client logv1connect.LogClient, handlers ...Handler) *Follower {
	f := &Follower{db: db, source: source, client: client, handlers: map[string]Handler{}}
	for _, h := range handlers {
		f.handlers[h.kind] = h
	}
	db.Watch("follow "+source, f.CaughtUp)
	return f
}

// Step pulls one batch over all partitions and takes it in. It waits for events as long as job.Patience allows. more says
// that it took something in. An error of one partition does not keep the others from going on.
func (f *Follower) Step(ctx context.Context) (more bool, err error) {
	f.step.Lock()
	defer f.step.Unlock()
	if !f.loaded {
		if err := f.load(ctx); err != nil {
			return false, errs.Wrap(err, "reading the cursors of "+f.source)
		}
	}
	req := &logv1.ReadRequest{Limit: pullMax, WaitMs: int32(job.Patience(ctx).Milliseconds())}
	for p, c := range f.cursors {
		req.After = append(req.After, &logv1.Cursor{Partition: int32(p), Position: c.position})
	}
	res, err := f.read(ctx, req)
	if err != nil || res == nil {
		return false, errs.Wrap(err, "reading the log of "+f.source)
	}
	return f.takeAll(ctx, res.GetEvents())
}

// read asks for events. It answers nothing if a rewind wants its turn, for which the wait for events would be long.
func (f *Follower) read(ctx context.Context, req *logv1.ReadRequest) (*logv1.ReadResponse, error) {
	poll, stop := context.WithCancel(ctx)
	defer stop()
	f.polling.Store(&stop)
	if f.turns.Load() > 0 {
		return nil, nil
	}
	res, err := f.client.Read(poll, req)
	if err != nil && poll.Err() != nil && ctx.Err() == nil {
		return nil, nil
	}
	return res, err
}

// takeAll takes a batch in: on SQLite in one unit, and if that fails, or on a server, its partitions side by side.
func (f *Follower) takeAll(ctx context.Context, events []*logv1.Event) (more bool, err error) {
	var parts [id.Partitions][]*logv1.Event
	for _, e := range events {
		if p := e.GetPartition(); p >= 0 && p < id.Partitions {
			parts[p] = append(parts[p], e)
		}
	}
	if f.db.Engine() == store.SQLite && f.together(ctx, &parts) {
		return true, nil
	}
	var failed [id.Partitions]error
	var took [id.Partitions]bool
	var all sync.WaitGroup
	for p, events := range parts {
		if len(events) > 0 {
			all.Go(func() { took[p], failed[p] = f.take(ctx, p, events) })
		}
	}
	all.Wait()
	stale := false
	for p := range parts {
		more = more || took[p]
		if errors.Is(failed[p], errStale) {
			stale, failed[p] = true, nil
		}
	}
	if err = errors.Join(failed[:]...); err != nil || stale {
		f.loaded = false
	}
	return more || stale, err
}

// load reads the cursors, making those that are missing.
func (f *Follower) load(ctx context.Context) error {
	var found [id.Partitions]cursor
	err := f.db.WriteQuiet(ctx, func(tx *store.Tx) error {
		var err error
		if found, err = f.stored(ctx, tx); err != nil {
			return err
		}
		for p := range found {
			if found[p].version > 0 {
				continue
			}
			found[p].version = 1
			if _, err := tx.ExecContext(ctx, "INSERT INTO kit_cursor (source, part, position, version) VALUES (?, ?, 0, 1)", f.source, p); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		f.cursors, f.loaded = found, true
	}
	return err
}

func (f *Follower) stored(ctx context.Context, from store.DBTX) (found [id.Partitions]cursor, err error) {
	rows, err := from.QueryContext(ctx, "SELECT part, position, version FROM kit_cursor WHERE source = ?", f.source)
	if err != nil {
		return found, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var part int64
		var c cursor
		if err := rows.Scan(&part, &c.position, &c.version); err != nil {
			return found, err
		}
		found[part] = c
	}
	return found, rows.Err()
}

// CaughtUp says whether everything that the source has numbered is taken in.
func (f *Follower) CaughtUp(ctx context.Context) (bool, error) {
	lag, err := f.Lag(ctx)
	return lag == 0, err
}

// Lag is how many numbered events of the source are not yet taken in.
func (f *Follower) Lag(ctx context.Context) (int64, error) {
	heads, err := f.client.Heads(ctx, &logv1.HeadsRequest{})
	if err != nil {
		return 0, errs.Wrap(err, "reading the heads of "+f.source)
	}
	have, err := f.Positions(ctx)
	var lag int64
	for _, h := range heads.GetHeads() {
		if p := h.GetPartition(); p >= 0 && p < id.Partitions {
			lag += max(h.GetPosition()-have[p], 0)
		}
	}
	return lag, err
}

// Positions answers how far each partition has been taken in.
func (f *Follower) Positions(ctx context.Context) ([id.Partitions]int64, error) {
	have, err := f.stored(ctx, f.db.Primary())
	var positions [id.Partitions]int64
	for p, c := range have {
		positions[p] = c.position
	}
	return positions, errs.Wrap(store.Explain(err), "reading the cursors of "+f.source)
}

// Rewind makes the follower read the log from its beginning again. What was built from it must be wiped by wipe in the
// same unit. Parked events are forgotten: they will come again.
func (f *Follower) Rewind(ctx context.Context, wipe func(tx *store.Tx) error) error {
	f.turns.Add(1)
	defer f.turns.Add(-1)
	if stop := f.polling.Load(); stop != nil {
		(*stop)()
	}
	f.step.Lock()
	defer f.step.Unlock()
	f.loaded = false
	err := f.db.Write(ctx, func(tx *store.Tx) error {
		if _, err := tx.ExecContext(ctx, "UPDATE kit_cursor SET position = 0, version = version + 1 WHERE source = ?", f.source); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, "DELETE FROM kit_parked WHERE source = ?", f.source); err != nil {
			return err
		}
		return wipe(tx)
	})
	return errs.Wrap(err, "rewinding the log of "+f.source)
}
