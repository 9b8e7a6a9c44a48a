package store

import (
	"context"
	"database/sql"
	"errors"
	"sync/atomic"
)

// source answers reads. Its statements are prepared once and kept where the engine gains by it.
type source struct {
	db    *sql.DB
	stmts *statements   // nil: statements are not prepared
	asked *atomic.Int64 // counts statements
}

var errReadOnly = errors.New("this source only reads: changes are made in Write")

// ExecContext is refused: changes are made in Write.
func (s *source) ExecContext(context.Context, string, ...any) (sql.Result, error) {
	return nil, errReadOnly
}

// PrepareContext prepares a statement, which the caller closes.
func (s *source) PrepareContext(ctx context.Context, query string) (*sql.Stmt, error) {
	return s.db.PrepareContext(ctx, query)
}

// QueryContext runs a statement that answers rows.
func (s *source) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	s.asked.Add(1)
	if s.stmts == nil {
		rows, err := s.db.QueryContext(ctx, query, args...)
		return rows, Explain(err)
	}
	st, err := s.stmts.get(ctx, query, s.db.PrepareContext)
	if err != nil {
		return nil, Explain(err)
	}
	rows, err := st.stmt.QueryContext(ctx, args...)
	return rows, Explain(err)
}

// QueryRowContext runs a statement that answers at most one row.
func (s *source) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	s.asked.Add(1)
	if s.stmts == nil {
		return s.db.QueryRowContext(ctx, query, args...)
	}
	st, err := s.stmts.get(ctx, query, s.db.PrepareContext)
	if err != nil {
		return failingRow(ctx, Explain(err))
	}
	return st.stmt.QueryRowContext(ctx, args...)
}

func (s *source) close() error {
	if s.stmts != nil {
		s.stmts.close()
	}
	return s.db.Close()
}
