package report

import (
	"context"
	"database/sql"
	"strings"

	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/service/report/rows"
)

// Lists over all users: the statements that name no bucket. They read the replica.

// where collects the conditions of a list.
type where struct {
	text []string
	args []any
}

func (w *where) and(condition string, args ...any) {
	w.text = append(w.text, condition)
	w.args = append(w.args, args...)
}

// equal adds a condition unless the value is not given.
func (w *where) equal(column, value string) {
	if value != "" {
		w.and(column+" = ?", value)
	}
}

func (w *where) is(column string, value int64) {
	if value != 0 {
		w.and(column+" = ?", value)
	}
}

// query runs SELECT columns FROM table under the conditions and scans every row.
func query[T any](ctx context.Context, q store.DBTX, selecting string, w *where, order string, limit int32, scan func(*sql.Rows, *T) error) ([]T, error) {
	text := selecting
	if len(w.text) > 0 {
		text += " WHERE " + strings.Join(w.text, " AND ")
	}
	found, err := q.QueryContext(ctx, text+" ORDER BY "+order+" LIMIT ?", append(w.args, limit)...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = found.Close() }()
	var list []T
	for found.Next() {
		var row T
		if err := scan(found, &row); err != nil {
			return nil, err
		}
		list = append(list, row)
	}
	return list, found.Err()
}

const entrySelect = `SELECT journal, transaction_id, line, event, subject_id, account, amount_minor, product, booked_on, value_on FROM report_entry`

func scanEntry(r *sql.Rows, e *rows.ReportEntry) error {
	return r.Scan(&e.Journal, &e.TransactionID, &e.Line, &e.Event, &e.SubjectID, &e.Account, &e.AmountMinor, &e.Product, &e.BookedOn, &e.ValueOn)
}

// applicationLine is an application with what risk said of it.
type applicationLine struct {
	rows.ReportApplication
	outcome, grade sql.NullString
	score          sql.NullInt64
}

const applicationSelect = `SELECT a.application_id, a.user_id, a.state, a.product, a.amount_minor, a.term_months, a.purpose, a.reason, a.loan_id,
 a.created_ms, a.moved_ms, d.outcome, d.grade, d.score
 FROM report_application AS a LEFT JOIN report_decision AS d ON d.bucket = a.bucket AND d.application_id = a.application_id`

func scanApplication(r *sql.Rows, a *applicationLine) error {
	return r.Scan(&a.ApplicationID, &a.UserID, &a.State, &a.Product, &a.AmountMinor, &a.TermMonths, &a.Purpose, &a.Reason, &a.LoanID,
		&a.CreatedMs, &a.MovedMs, &a.outcome, &a.grade, &a.score)
}

const loanSelect = `SELECT loan_id, user_id, state, product, principal_minor, outstanding_minor, overdue_minor, dpd_bucket, class, disbursed_on, rate_ppm,
 method, created_ms, moved_ms FROM report_loan`

func scanLoan(r *sql.Rows, l *rows.ReportLoan) error {
	return r.Scan(&l.LoanID, &l.UserID, &l.State, &l.Product, &l.PrincipalMinor, &l.OutstandingMinor, &l.OverdueMinor, &l.DpdBucket, &l.Class,
		&l.DisbursedOn, &l.RatePpm, &l.Method, &l.CreatedMs, &l.MovedMs)
}

const orderSelect = `SELECT order_id, user_id, loan_id, kind, amount_minor, outcome, reason, channel, posting_on, value_on, created_ms, settled_ms FROM report_order`

func scanOrder(r *sql.Rows, o *rows.ReportOrder) error {
	return r.Scan(&o.OrderID, &o.UserID, &o.LoanID, &o.Kind, &o.AmountMinor, &o.Outcome, &o.Reason, &o.Channel, &o.PostingOn, &o.ValueOn, &o.CreatedMs, &o.SettledMs)
}
