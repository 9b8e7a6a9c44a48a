package store

import (
	"context"
	"database/sql"
	"errors"
	"sync/atomic"
)

// Tx is one unit of work inside a transaction. It is a DBTX. Its statements ignore cancellation, because a statement that
// is cancelled half-way takes the whole transaction, and with it other callers' work, down. It is for the goroutine that
// runs the unit and ends with it.
type Tx struct {
	ctx   context.Context
	run   runner
	after []func()
	notes Notes
	open  []*sql.Rows
	asked *atomic.Int64 // counts statements

	wrote bool  // a statement changed rows
	worst error // an error after which the transaction is gone
}

// runner is a connection inside a transaction.
type runner interface {
	exec(ctx context.Context, query string, args []any) (sql.Result, error)
	query(ctx context.Context, query string, args []any) (*sql.Rows, error)
	row(ctx context.Context, query string, args []any) *sql.Row
	// alive says whether the transaction still stands; err is what the last statement answered, or nil.
	alive(err error) bool
}

var errLost = errors.New("the transaction was rolled back by an earlier error of a statement in it")

// Context is the context that Write was given, without its cancellation and deadline. Write with it is refused: units do
// not nest.
func (tx *Tx) Context() context.Context { return tx.ctx }

// Inside runs work with another context, made from the one that Context answers: the trace to which a part of the unit
// belongs.
func (tx *Tx) Inside(ctx context.Context, work func() error) error {
	outer := tx.ctx
	tx.ctx = ctx
	defer func() { tx.ctx = outer }()
	return work()
}

// AfterCommit calls fn after the unit's COMMIT has returned, on the goroutine that called Write, before Write returns. A
// unit that is run again starts without hooks.
func (tx *Tx) AfterCommit(fn func()) { tx.after = append(tx.after, fn) }

// Note says that the unit leaves work of a kind behind. DB.Noted counts it after the COMMIT, and before anybody is woken.
func (tx *Tx) Note(what Notes) { tx.notes |= what }

// ExecContext runs a statement that answers no rows.
func (tx *Tx) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	if err := tx.ready(); err != nil {
		return nil, err
	}
	res, err := tx.run.exec(context.WithoutCancel(ctx), query, args)
	if err != nil {
		return nil, tx.note(err)
	}
	if n, err := res.RowsAffected(); err != nil || n > 0 {
		tx.wrote = true
	}
	return res, nil
}

// QueryContext runs a statement that answers rows. Rows that are left open are closed at the end of the unit.
func (tx *Tx) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if err := tx.ready(); err != nil {
		return nil, err
	}
	rows, err := tx.run.query(context.WithoutCancel(ctx), query, args)
	if err != nil {
		return nil, tx.note(err)
	}
	tx.open = append(tx.open, rows)
	return rows, nil
}

// QueryRowContext runs a statement that answers at most one row. The row must be scanned.
func (tx *Tx) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	if err := tx.ready(); err != nil {
		return failingRow(ctx, err)
	}
	return tx.run.row(context.WithoutCancel(ctx), query, args)
}

// PrepareContext is refused: the store prepares and keeps the statements of units itself.
func (tx *Tx) PrepareContext(context.Context, string) (*sql.Stmt, error) {
	return nil, errors.New("statements of a unit are prepared by the store")
}

// ready refuses a statement if the transaction is gone: it would commit by itself.
func (tx *Tx) ready() error {
	tx.asked.Add(1)
	if tx.worst != nil {
		return tx.worst
	}
	if !tx.run.alive(nil) {
		tx.worst = errLost
		return errLost
	}
	return nil
}

func (tx *Tx) note(err error) error {
	if !tx.run.alive(err) && tx.worst == nil {
		tx.worst = err
	}
	return err
}

func (tx *Tx) closeRows() {
	for _, r := range tx.open {
		if err := r.Close(); err != nil {
			_ = tx.note(err)
		}
		if err := r.Err(); err != nil {
			_ = tx.note(err)
		}
	}
	tx.open = nil
}
