package party

import (
	"context"
	"embed"
	"encoding/json"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/hengdai/hengdai/kit/clock"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/store"
)

//go:embed schema
var schema embed.FS

// Schema is the sandbox's own tables, on SQLite only.
func Schema() store.Schema {
	files, err := fs.Sub(schema, "schema")
	if err != nil {
		files = schema // cannot be: the folder is embedded above
	}
	return store.Schema{Name: "sandbox", Files: files}
}

// Latency is how long an answer takes, evenly between two bounds.
type Latency struct {
	MinMS int64 `json:"min_ms"`
	MaxMS int64 `json:"max_ms"`
}

// Desk is what all parties share.
type Desk struct {
	DB        *store.DB
	Clock     clock.Clock
	Logger    *slog.Logger
	Nonces    *Nonces
	Faults    *Faults
	Callbacks *Callbacks

	mu      sync.Mutex
	latency map[string]Latency // by party; "" is the default
}

// Config is what a desk is made of. All fields are required.
type Config struct {
	DB           *store.DB
	Clock        clock.Clock
	Logger       *slog.Logger
	Latency      Latency
	CallbackBase string
	HTTPClient   *http.Client
}

// ErrLatency is a latency that is negative or upside down.
var ErrLatency = errs.New(errs.Invalid, "sandbox.latency", "延迟设置无效。", "The latency is not valid.")

// Open reads what a former run stored and answers a desk ready to serve.
func Open(ctx context.Context, c Config) (*Desk, error) {
	d := &Desk{DB: c.DB, Clock: c.Clock, Logger: c.Logger, latency: map[string]Latency{"": c.Latency}}
	var err error
	if d.Nonces, err = openNonces(ctx, c.DB); err != nil {
		return nil, errs.Wrap(err, "reading nonces")
	}
	if d.Faults, err = openFaults(ctx, c.DB); err != nil {
		return nil, errs.Wrap(err, "reading the fault plan")
	}
	if d.Callbacks, err = openCallbacks(ctx, c); err != nil {
		return nil, errs.Wrap(err, "reading callbacks")
	}
	return d, errs.Wrap(d.loadLatency(ctx), "reading settings")
}

// Now answers the sandbox clock and its date in Shanghai.
func (d *Desk) Now() (ms int64, date string) {
	now := d.Clock.Now()
	return now.UnixMilli(), now.In(clock.Shanghai).Format(time.DateOnly)
}

const latencySetting = "latency:"

// SetLatency changes how long a party (empty: each without an own setting) takes to answer. It outlives a restart.
func (d *Desk) SetLatency(ctx context.Context, party string, l Latency) error {
	if l.MinMS < 0 || l.MaxMS < l.MinMS || l.MaxMS > 60_000 {
		return ErrLatency
	}
	text, err := json.Marshal(l)
	if err != nil {
		return err
	}
	if err := d.set(ctx, latencySetting+party, string(text)); err != nil {
		return err
	}
	d.mu.Lock()
	d.latency[party] = l
	d.mu.Unlock()
	return nil
}

func (d *Desk) loadLatency(ctx context.Context) error {
	rows, err := d.DB.Read().QueryContext(ctx, `SELECT name, value FROM setting WHERE name LIKE 'latency:%'`)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var name, value string
		if err := rows.Scan(&name, &value); err != nil {
			return err
		}
		var l Latency
		if err := json.Unmarshal([]byte(value), &l); err != nil {
			return err
		}
		d.latency[name[len(latencySetting):]] = l
	}
	return rows.Err()
}

func (d *Desk) set(ctx context.Context, name, value string) error {
	return d.DB.Write(ctx, func(tx *store.Tx) error {
		res, err := tx.ExecContext(ctx, `UPDATE setting SET value = ? WHERE name = ?`, value, name)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n > 0 {
			return err
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO setting (name, value) VALUES (?, ?)`, name, value)
		return err
	})
}

// dawdle waits the party's latency, and a Slow fault's delay.
func (d *Desk) dawdle(ctx context.Context, party string, hits Hits) error {
	d.mu.Lock()
	l, own := d.latency[party]
	if !own {
		l = d.latency[""]
	}
	d.mu.Unlock()
	wait := time.Duration(l.MinMS) * time.Millisecond
	if span := (l.MaxMS - l.MinMS) * int64(time.Millisecond); span > 0 {
		wait += time.Duration(rand.Int64N(span)) //nolint:gosec // a delay, not a secret
	}
	if slow, ok := hits[Slow]; ok {
		wait += time.Duration(slow.DelayMS) * time.Millisecond
	}
	if wait == 0 {
		return nil
	}
	return clock.Sleep(ctx, wait)
}

// Run delivers callbacks and forgets old nonces until the context ends.
func (d *Desk) Run(ctx context.Context) {
	var work sync.WaitGroup
	work.Go(func() { d.Callbacks.run(ctx, d) })
	work.Go(func() {
		for clock.Sleep(ctx, time.Minute) == nil {
			if err := d.Nonces.sweep(ctx, d.DB); err != nil {
				d.Logger.WarnContext(ctx, "sandbox: sweeping nonces", "error", err)
			}
		}
	})
	work.Wait()
}
