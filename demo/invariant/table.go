package invariant

import "context"

// invariant is one row of the table.
type invariant struct {
	name, says string
	check      func(ctx context.Context, l *look, f *finding) error
	// idle: a run may have nothing to examine.
	idle bool
}

// look is one look at the books: what several checks need is read once.
type look struct {
	books *Books
}

// table is every invariant.
func table() []invariant {
	return nil
}
