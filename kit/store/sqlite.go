package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/driver"
	"github.com/ncruces/go-sqlite3/vfs/mvcc"

	"github.com/hengdai/hengdai/kit/errs"
)

const (
	batchMaxDefault = 256
	readersMax      = 4
)

// Every connection waits at most five seconds for a lock that another process holds.
var pragmasBoth = []string{
	"busy_timeout(5000)", "foreign_keys(on)", "temp_store(memory)", "trusted_schema(off)",
}

// The writer's: a commit is on the disk when it returns; the log is cut when it has grown beyond 64 MB.
var pragmasWriter = []string{
	"journal_mode(wal)", "synchronous(full)", "cache_size(-6000)", "wal_autocheckpoint(2000)", "journal_size_limit(67108864)",
}

var pragmasReader = []string{"query_only(on)", "cache_size(-1000)"}

// steady makes a prepared statement keep its plan. Without it SQLite plans a statement anew whenever a value is bound that the
// planner might look at, and a LIMIT is one: that cost more than running the statement.
func steady(c *sqlite3.Conn) error {
	_, err := c.Config(sqlite3.DBCONFIG_ENABLE_QPSG, true)
	return err
}

func openSQLite(ctx context.Context, cfg Config, schemas []Schema) (*DB, error) {
	ctx = context.WithoutCancel(ctx) // the driver keeps it for the life of a connection
	dsn, forget, err := sqliteDSN(cfg.Path)
	if err != nil {
		return nil, err
	}
	// One connection that writes, and a pool of others that cannot.
	writing, err := driver.Open(dsn(pragmasWriter), steady)
	if err != nil {
		return nil, errs.Wrap(Explain(err), "opening the database")
	}
	writing.SetMaxOpenConns(1)
	reading, err := driver.Open(dsn(pragmasReader), steady)
	if err != nil {
		return nil, errors.Join(errs.Wrap(Explain(err), "opening the database"), writing.Close())
	}
	reading.SetMaxOpenConns(readersMax)
	reading.SetMaxIdleConns(readersMax)
	reading.SetConnMaxIdleTime(time.Minute)
	db := (&DB{engine: SQLite, closed: make(chan struct{})}).named(cfg.Owner)
	if cfg.Path != Memory {
		db.path = cfg.Path
	}
	src := &source{db: reading, stmts: newStatements(), asked: &db.queries}
	db.read, db.primary = src, src
	db.closers = []func() error{src.close, writing.Close, forget}
	if err := db.beginSQLite(ctx, writing, cfg, schemas); err != nil {
		for _, c := range db.closers {
			_ = c()
		}
		return nil, err
	}
	return db, nil
}

// beginSQLite brings the tables up to date and starts the writer.
func (db *DB) beginSQLite(ctx context.Context, writing *sql.DB, cfg Config, schemas []Schema) (err error) {
	if err := upgradeFile(ctx, writing, cfg.Path, schemas); err != nil {
		return err
	}
	if cfg.Path != Memory {
		if err := makePrivate(cfg.Path); err != nil { // SQLite makes the log anew when it turns a new file to WAL
			return errIO.Because(err)
		}
	}
	db.write, err = openBatcher(ctx, writing, cfg.BatchMax, db)
	return errs.Wrap(Explain(err), "opening the database")
}

func openBatcher(ctx context.Context, writing *sql.DB, batchMax int, owner *DB) (*batcher, error) {
	if batchMax <= 0 {
		batchMax = batchMaxDefault
	}
	conn, err := writing.Conn(ctx)
	if err != nil {
		return nil, err
	}
	var raw *sqlite3.Conn
	err = conn.Raw(func(c any) error {
		raw = c.(driver.Conn).Raw()
		return nil
	})
	if err != nil {
		return nil, err
	}
	return newBatcher(conn, raw, batchMax, owner)
}

// sqliteDSN answers how to build the address of the database with pragmas, and how to forget a database in memory.
func sqliteDSN(path string) (dsn func(pragmas []string) string, forget func() error, err error) {
	forget = func() error { return nil }
	u := url.URL{Scheme: "file", OmitHost: true}
	query := url.Values{}
	if path == Memory {
		name := "/" + rand.Text()
		mvcc.Create(name, mvcc.Snapshot{})
		forget = func() error { mvcc.Delete(name); return nil }
		u.Path = name
		query.Set("vfs", "mvcc")
	} else {
		if path == "" {
			return nil, nil, errs.New(errs.Invalid, "store.no_path",
				"未配置数据库文件路径。", "The path of the database file is not configured.")
		}
		if u.Path, err = filepath.Abs(path); err != nil {
			return nil, nil, fmt.Errorf("finding the database file: %w", err)
		}
		if err := os.MkdirAll(filepath.Dir(u.Path), 0o700); err != nil {
			return nil, nil, errIO.Because(err)
		}
		if err := makePrivate(u.Path); err != nil {
			return nil, nil, errIO.Because(err)
		}
	}
	return func(pragmas []string) string {
		q := url.Values{}
		for k, v := range query {
			q[k] = v
		}
		for _, p := range append(append([]string{}, pragmasBoth...), pragmas...) {
			if path == Memory && p == "journal_mode(wal)" {
				p = "journal_mode(memory)"
			}
			q.Add("_pragma", p)
		}
		u := u
		u.RawQuery = q.Encode()
		return u.String()
	}, forget, nil
}

// makePrivate makes the files of a database so that nobody else may read them. It opens none that exists: closing it again
// would drop the locks that this process has on it, where locks belong to processes.
func makePrivate(path string) error {
	for _, suffix := range []string{"", "-wal", "-shm"} {
		name := path + suffix
		file, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600) //nolint:gosec // the operator names the file
		switch {
		case errors.Is(err, fs.ErrExist):
			if err := os.Chmod(name, 0o600); err != nil && !errors.Is(err, fs.ErrPermission) && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		case err != nil:
			return err
		default:
			if err := file.Close(); err != nil {
				return err
			}
		}
	}
	return nil
}

// The batcher is the runner of its transactions.

func (b *batcher) exec(ctx context.Context, query string, args []any) (sql.Result, error) {
	st, err := b.stmts.get(ctx, query, b.conn.PrepareContext)
	if err != nil {
		return nil, err
	}
	if st.busy() {
		return b.conn.ExecContext(ctx, query, args...)
	}
	return st.stmt.ExecContext(ctx, args...)
}

func (b *batcher) query(ctx context.Context, query string, args []any) (*sql.Rows, error) {
	st, err := b.stmts.get(ctx, query, b.conn.PrepareContext)
	if err != nil {
		return nil, err
	}
	if st.busy() {
		return b.conn.QueryContext(ctx, query, args...)
	}
	st.rows, err = st.stmt.QueryContext(ctx, args...)
	return st.rows, err
}

func (b *batcher) row(ctx context.Context, query string, args []any) *sql.Row {
	st, err := b.stmts.get(ctx, query, b.conn.PrepareContext)
	if err != nil {
		return failingRow(ctx, err)
	}
	if st.busy() {
		return b.conn.QueryRowContext(ctx, query, args...)
	}
	return st.stmt.QueryRowContext(ctx, args...)
}

func (b *batcher) alive(error) bool { return !b.raw.GetAutocommit() }
