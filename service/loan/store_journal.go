package loan

import (
	"context"
	"strings"

	"github.com/hengdai/hengdai/kit/store"
)

// The journal's tables are written many rows a statement.
const (
	journalInsert = `INSERT INTO journal (bucket, id, event, subject_id, order_id, booked_on, value_on, reverses_id, clearing_on, clearing_debit_minor, clearing_credit_minor, at_ms) VALUES `
	entryInsert   = `INSERT INTO journal_entry (bucket, transaction_id, line, account, product, amount_minor) VALUES `
	sumInsert     = `INSERT INTO journal_sum (day_on, bucket, product, account, amount_minor, transaction_id) VALUES `
)

// batch is one INSERT with many rows: the close of a day writes hundreds of small rows, and a statement each would cost
// more than the rows.
type batch struct {
	head  string
	width int
	args  []any
}

// batchRows bounds a statement: few enough placeholders for every engine.
const batchRows = 64

func newBatch(head string, width int) *batch { return &batch{head: head, width: width} }

func (b *batch) row(values ...any) { b.args = append(b.args, values...) }

// run writes the rows, in statements whose sizes are powers of two up to batchRows: few texts, so that each is prepared once.
func (b *batch) run(ctx context.Context, tx *store.Tx) error {
	for size := batchRows; size > 0; size /= 2 {
		for n := size * b.width; len(b.args) >= n; b.args = b.args[n:] {
			if _, err := tx.ExecContext(ctx, b.head+placeholders(size, b.width), b.args[:n]...); err != nil {
				return err
			}
		}
	}
	return nil
}

// placeholders is "(?, ?), (?, ?)" for two rows of two.
func placeholders(rows, width int) string {
	one := "(" + strings.Repeat("?, ", width-1) + "?)"
	return strings.Repeat(one+", ", rows-1) + one
}
