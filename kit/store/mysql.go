package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/hengdai/hengdai/kit/clock"
	"github.com/hengdai/hengdai/kit/errs"
)

const (
	mysqlConnsMax = 48
	mysqlRetryMax = 12
	mysqlWaitMax  = 200 * time.Millisecond
)

// transactor runs every unit in a transaction of its own on a server of the MySQL family.
type transactor struct {
	db    *sql.DB
	owner *DB
}

func openMySQL(ctx context.Context, cfg Config, schemas []Schema) (*DB, error) {
	primary, err := mysqlPool(cfg.DSN)
	if err != nil {
		return nil, err
	}
	if err := checkAll(ctx, primary, MySQL, schemas); err != nil {
		_ = primary.Close()
		return nil, err
	}
	db := (&DB{engine: MySQL, closed: make(chan struct{})}).named(cfg.Owner)
	src := &source{db: primary, asked: &db.queries}
	db.read, db.primary, db.closers = src, src, []func() error{src.close}
	db.write = &transactor{db: primary, owner: db}
	if cfg.ReadDSN != "" {
		replica, err := mysqlPool(cfg.ReadDSN)
		if err != nil {
			_ = primary.Close()
			return nil, err
		}
		db.read = &source{db: replica, asked: &db.queries}
		db.closers = append(db.closers, db.read.close)
	}
	return db, nil
}

// mysqlPool opens a pool whose connections all behave alike, whatever the server's defaults are.
func mysqlPool(dsn string) (*sql.DB, error) {
	cfg, err := mysql.ParseDSN(dsn)
	if err != nil {
		return nil, errs.New(errs.Invalid, "store.bad_dsn",
			"MySQL 连接地址格式不正确。", "The address of the MySQL server is malformed.").Because(err)
	}
	cfg.InterpolateParams = true // one round trip a statement
	cfg.ClientFoundRows = true   // a matched row counts, as on SQLite
	cfg.ParseTime = false
	cfg.Collation = "utf8mb4_bin"
	cfg.Logger = &mysql.NopLogger{} // what it has to say comes back as an error
	if cfg.Timeout == 0 {
		cfg.Timeout = 5 * time.Second
	}
	if cfg.ReadTimeout == 0 {
		cfg.ReadTimeout = 60 * time.Second
	}
	if cfg.WriteTimeout == 0 {
		cfg.WriteTimeout = 60 * time.Second
	}
	connector, err := mysql.NewConnector(cfg)
	if err != nil {
		return nil, errs.Wrap(err, "opening the database")
	}
	db := sql.OpenDB(tuned{connector})
	db.SetMaxOpenConns(mysqlConnsMax)
	db.SetMaxIdleConns(mysqlConnsMax)
	db.SetConnMaxIdleTime(2 * time.Minute)
	db.SetConnMaxLifetime(30 * time.Minute)
	return db, nil
}

// tuned prepares each new connection: strict about values, and reading what is committed, so that a compare-and-set after
// a read decides and fewer gaps are locked.
type tuned struct{ driver.Connector }

func (t tuned) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := t.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	ex, ok := conn.(driver.ExecerContext)
	if !ok {
		return conn, nil
	}
	for _, q := range []string{
		"SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
		"SET SESSION sql_mode = 'STRICT_TRANS_TABLES,STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION'",
	} {
		if _, err := ex.ExecContext(ctx, q, nil); err != nil {
			_ = conn.Close()
			return nil, err
		}
	}
	return conn, nil
}

func (t *transactor) close() error { return nil }

// do runs the unit until it commits, fails for a reason of its own, or has been beaten too often by others. A duplicate
// key runs it once more: a unit that updates first and inserts if there was nothing then finds the row.
func (t *transactor) do(u *unit) {
	duplicates := 0
	for try := 0; ; try++ {
		if err := u.ctx.Err(); err != nil {
			u.err = errNotStarted.Because(err)
			return
		}
		var again bool
		began := clock.Real()
		again, u.err = t.once(u)
		if u.err == nil {
			t.owner.note(u.notes)
			u.waited, u.beside = began.Sub(u.handed), 1
			t.owner.committed(Commit{Units: 1, Waited: u.waited, Took: clock.Since(began)}, u.wrote)
			return
		}
		if IsDuplicate(u.err) {
			duplicates++
			again = duplicates == 1
		}
		if !again || try >= mysqlRetryMax {
			return
		}
		t.owner.reruns.Add(1)
		t.pause(u.ctx, try)
	}
}

// pause waits longer each time, by chance, so that those who met do not meet again.
func (t *transactor) pause(ctx context.Context, try int) {
	d := min(time.Millisecond<<try, mysqlWaitMax)
	d = d/2 + rand.N(d) //nolint:gosec // chance only spreads retries
	_ = clock.Sleep(ctx, d)
}

// once runs the unit in one transaction. again says that nothing was committed and that another try may succeed.
func (t *transactor) once(u *unit) (again bool, err error) {
	ctx := context.WithoutCancel(u.ctx)
	stx, err := t.db.BeginTx(ctx, nil)
	if err != nil {
		return false, err
	}
	ended := false
	defer func() {
		if !ended { // also when the work ends its goroutine
			_ = stx.Rollback()
		}
	}()
	tx := u.begin(&mysqlRunner{tx: stx}, &t.owner.queries)
	err = u.call(tx)
	if tx.worst != nil {
		err = tx.worst // whatever the work made of it
	}
	if err != nil {
		return beaten(err), err
	}
	ended = true
	if err := stx.Commit(); err != nil {
		var e *mysql.MySQLError
		if !errors.As(err, &e) {
			return false, errUnknown.Because(err)
		}
		return retryable(e), err
	}
	u.settle(tx)
	return false, nil
}

// retryable says whether the server undid the transaction for the sake of another one: 1205 lock wait, 1213 deadlock, 1020
// changed since read; 8002, 8022 and 9007 are TiDB's.
func retryable(e *mysql.MySQLError) bool {
	switch e.Number {
	case 1205, 1213, 1020, 8002, 8022, 9007:
		return true
	}
	return false
}

func beaten(err error) bool {
	var e *mysql.MySQLError
	return errors.As(err, &e) && retryable(e)
}

type mysqlRunner struct{ tx *sql.Tx }

func (r *mysqlRunner) exec(ctx context.Context, query string, args []any) (sql.Result, error) {
	return r.tx.ExecContext(ctx, query, args...)
}

func (r *mysqlRunner) query(ctx context.Context, query string, args []any) (*sql.Rows, error) {
	return r.tx.QueryContext(ctx, query, args...)
}

func (r *mysqlRunner) row(ctx context.Context, query string, args []any) *sql.Row {
	return r.tx.QueryRowContext(ctx, query, args...)
}

// alive: after a deadlock or a broken connection the transaction is gone, and what followed would commit by itself.
func (r *mysqlRunner) alive(err error) bool {
	return err == nil || !beaten(err) && !errors.Is(err, driver.ErrBadConn) && !errors.Is(err, mysql.ErrInvalidConn)
}
