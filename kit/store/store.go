package store

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"io/fs"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hengdai/hengdai/kit/clock"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/store/schema"
)

// The engines that Config.Engine may name.
const (
	SQLite = "sqlite"
	MySQL  = "mysql"
)

// Memory is the Config.Path of a database that lives in memory and ends with its last handle.
const Memory = ":memory:"

// Config says where a service's database is.
type Config struct {
	// Engine is SQLite or MySQL.
	Engine string
	// Path is the file of an SQLite database, or Memory.
	Path string
	// DSN is the address of the writable MySQL server in the form of go-sql-driver, ReadDSN that of a replica. Without
	// ReadDSN reads go to the writable server.
	DSN, ReadDSN string
	// BatchMax is how many units of work one SQLite commit may carry; 0 means 256. With 1 every unit runs on its
	// caller's goroutine, so that a simulation stays in one goroutine.
	BatchMax int
	// Owner names this process among those that share a server's database; it is the same after a restart. Empty: nobody
	// replaces it.
	Owner string
}

// Schema is a set of numbered migrations. Name is the owner's; the version table is <Name>_version.
type Schema struct {
	Name string
	// Files holds folders sqlite/ and mysql/ of goose files, at its root or under schema/.
	Files fs.FS
}

// DBTX runs statements. It is what sqlc's generated New takes.
type DBTX interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	PrepareContext(ctx context.Context, query string) (*sql.Stmt, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// DB is one service's database. It is safe for use by many goroutines.
type DB struct {
	engine  string
	path    string // of the file, if there is one
	write   writer
	read    *source
	primary *source
	closers []func() error

	changes atomic.Int64
	alarms  atomic.Int64
	noted   [noteKinds]atomic.Int64
	units   atomic.Int64
	commits atomic.Int64
	reruns  atomic.Int64
	queries atomic.Int64
	process string
	// replaced matches the names of handles that were gone when this one was opened.
	replaced string
	opened   time.Time
	closed   chan struct{}
	once     sync.Once

	mu      sync.Mutex
	wake    []func()
	watches []watch
	observe func(Commit)
}

// writer runs units of work on one engine.
type writer interface {
	do(u *unit)
	close() error
}

type watch struct {
	name  string
	quiet func(ctx context.Context) (bool, error)
}

// Open opens the database. SQLite brings its tables up to date itself. MySQL is only looked at: if the tables are older
// or newer than this program, Open refuses and names the command to run. The tables of kit are always included.
func Open(ctx context.Context, cfg Config, schemas ...Schema) (*DB, error) {
	switch cfg.Engine {
	case SQLite:
		return openSQLite(ctx, cfg, withKit(schemas))
	case MySQL:
		return openMySQL(ctx, cfg, withKit(schemas))
	}
	return nil, errs.New(errs.Invalid, "store.unknown_engine",
		"数据库类型必须是 sqlite 或 mysql。", "The database engine must be sqlite or mysql.").Because(errors.New(cfg.Engine))
}

func withKit(schemas []Schema) []Schema {
	return append([]Schema{{Name: "kit", Files: schema.Files}}, schemas...)
}

// Engine answers SQLite or MySQL.
func (db *DB) Engine() string { return db.engine }

// Read is for lists, reports and statements: a replica where there is one, so it may be a moment behind.
func (db *DB) Read() DBTX { return db.read }

// Primary reads what was last committed.
func (db *DB) Primary() DBTX { return db.primary }

// Close finishes the units that were handed in and closes the database. Later calls answer Unavailable.
func (db *DB) Close() error {
	var err error
	db.once.Do(func() {
		close(db.closed)
		err = db.write.close()
		for _, c := range db.closers {
			err = errors.Join(err, c())
		}
	})
	return err
}

// Commit is what is told of one commit.
type Commit struct {
	// Units is how many units of work it carried.
	Units int
	// Waited is how long the unit that waited longest did so before the transaction began. Took is the time from the first
	// statement to the end of COMMIT. Both are real time.
	Waited, Took time.Duration
}

// Observe names who is told of each commit. It must return at once.
func (db *DB) Observe(fn func(Commit)) {
	db.mu.Lock()
	defer db.mu.Unlock()
	db.observe = fn
}

// Closed is closed when Close begins.
func (db *DB) Closed() <-chan struct{} { return db.closed }

// OnCommit registers a wake-up: it is called after commits that changed something, and by Wake, on the goroutine that
// committed. It must return at once and must not use the database.
func (db *DB) OnCommit(fn func()) {
	db.mu.Lock()
	defer db.mu.Unlock()
	db.wake = append(db.wake[:len(db.wake):len(db.wake)], fn)
}

// Wake calls the wake-ups as if something had been committed: time was moved, or a retry has fallen due.
func (db *DB) Wake() {
	db.alarms.Add(1)
	db.stir()
}

// Alarms counts calls of Wake.
func (db *DB) Alarms() int64 { return db.alarms.Load() }

func (db *DB) stir() {
	db.changes.Add(1)
	db.mu.Lock()
	wake := db.wake
	db.mu.Unlock()
	for _, fn := range wake {
		fn()
	}
}

// Changes counts commits that changed something, bookkeeping by WriteQuiet excepted, and calls of Wake. Two equal
// answers mean that nothing happened in this process in between.
func (db *DB) Changes() int64 { return db.changes.Load() }

// Process is a random name of this handle.
func (db *DB) Process() string { return db.process }

// Replaced answers a pattern for LIKE of the names whose holders were gone when this handle was opened, and when that
// was: on an SQLite file, which one process writes, all others; on a server those of the same owner. Empty: nobody's.
func (db *DB) Replaced() (pattern string, at time.Time) { return db.replaced, db.opened }

// named names a handle. On a server the name begins with the owner's.
func (db *DB) named(owner string) *DB {
	db.process, db.opened = rand.Text(), clock.Real()
	switch {
	case db.engine == SQLite:
		db.replaced = "%"
	case owner != "":
		sum := sha256.Sum256([]byte(owner))
		prefix := hex.EncodeToString(sum[:8]) + "/"
		db.process, db.replaced = prefix+db.process, prefix+"%"
	}
	return db
}

// Stats counts what was done since Open.
type Stats struct {
	// Units were committed, in so many Commits: on SQLite many share one.
	Units, Commits int64
	// Reruns are runs of units that were undone for the sake of others and done again.
	Reruns int64
	// Statements were run, inside of units and by readers; those that frame units are not counted.
	Statements int64
}

// Stats answers the counts so far.
func (db *DB) Stats() Stats {
	return Stats{Units: db.units.Load(), Commits: db.commits.Load(), Reruns: db.reruns.Load(), Statements: db.queries.Load()}
}

// committed counts a commit and wakes those who wait for one, if it changed something that concerns them.
func (db *DB) committed(c Commit, wake bool) {
	db.units.Add(int64(c.Units))
	db.commits.Add(1)
	db.mu.Lock()
	observe := db.observe
	db.mu.Unlock()
	if observe != nil {
		observe(c)
	}
	if wake {
		db.stir()
	}
}

// Watch adds a question to those that decide whether the work on this database is at rest: a log with events to be
// numbered, a follower that is behind, an effect that is due.
func (db *DB) Watch(name string, quiet func(ctx context.Context) (bool, error)) {
	db.mu.Lock()
	defer db.mu.Unlock()
	db.watches = append(db.watches, watch{name: name, quiet: quiet})
}

// Quiet says that no watch has work. It asks no further than the first that has.
func (db *DB) Quiet(ctx context.Context) bool {
	db.mu.Lock()
	watches := db.watches[:len(db.watches):len(db.watches)]
	db.mu.Unlock()
	for _, w := range watches {
		if quiet, err := w.quiet(ctx); err != nil || !quiet {
			return false
		}
	}
	return true
}

// Restless asks all watches and answers the names of those that still have work, and of those that could not say.
func (db *DB) Restless(ctx context.Context) []string {
	db.mu.Lock()
	watches := db.watches[:len(db.watches):len(db.watches)]
	db.mu.Unlock()
	var names []string
	for _, w := range watches {
		if quiet, err := w.quiet(ctx); err != nil || !quiet {
			names = append(names, w.name)
		}
	}
	return names
}
