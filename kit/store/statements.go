package store

import (
	"container/list"
	"context"
	"database/sql"
	"database/sql/driver"
	"sync"
)

// statementsMax bounds the prepared statements kept per connection or pool. Texts with lists in them come in many lengths.
const statementsMax = 256

// statements keeps prepared statements by their text, the most recently used ones.
type statements struct {
	mu     sync.Mutex
	byText map[string]*list.Element
	recent *list.List // of *statement, most recent first
}

type statement struct {
	text string
	stmt *sql.Stmt
	rows *sql.Rows // what it last answered; only the writer looks at it
}

func newStatements() *statements {
	return &statements{byText: map[string]*list.Element{}, recent: list.New()}
}

// get answers the prepared statement for a text, preparing it if need be.
func (s *statements) get(ctx context.Context, text string, prepare func(context.Context, string) (*sql.Stmt, error)) (*statement, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e, ok := s.byText[text]; ok {
		s.recent.MoveToFront(e)
		return e.Value.(*statement), nil
	}
	stmt, err := prepare(context.WithoutCancel(ctx), text)
	if err != nil {
		return nil, err
	}
	for e := s.recent.Back(); e != nil && s.recent.Len() >= statementsMax; {
		last, before := e.Value.(*statement), e.Prev()
		if !last.busy() {
			_ = last.stmt.Close()
			delete(s.byText, last.text)
			s.recent.Remove(e)
		}
		e = before
	}
	st := &statement{text: text, stmt: stmt}
	s.byText[text] = s.recent.PushFront(st)
	return st, nil
}

func (s *statements) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.byText {
		_ = e.Value.(*statement).stmt.Close()
	}
	s.byText = map[string]*list.Element{}
	s.recent.Init()
}

// busy says whether rows of an earlier query are still open: asking again would reset them under their reader.
func (st *statement) busy() bool {
	if st.rows == nil {
		return false
	}
	if _, err := st.rows.Columns(); err != nil { // the one question that closed rows refuse
		st.rows = nil
		return false
	}
	return true
}

// failing is a connector that only answers an error. It makes the *sql.Row of a statement that was refused.
type failing struct{ err error }

func (f failing) Connect(context.Context) (driver.Conn, error) { return nil, f.err }
func (f failing) Driver() driver.Driver                        { return nil }

func failingRow(ctx context.Context, err error) *sql.Row {
	db := sql.OpenDB(failing{err: err})
	defer func() { _ = db.Close() }()
	return db.QueryRowContext(context.WithoutCancel(ctx), "")
}
