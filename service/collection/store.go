package collection

import (
	"context"
	"database/sql"
	"errors"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/hengdai/hengdai/domain/calendar"
	"github.com/hengdai/hengdai/kit/clock"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/id"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/service/collection/rows"
)

var (
	errNoCase = errs.New(errs.NotFound, "case.not_found", "没有找到该案件。", "There is no such case.")
	errStale  = errs.New(errs.Conflict, "case.changed_meanwhile", "案件刚刚被更改，请刷新后重试。", "The case was changed a moment ago. Please look again and retry.")
)

// caseByID reads a case by the bucket in its id.
func caseByID(ctx context.Context, q store.DBTX, caseID int64) (rows.CollectionCase, error) {
	row, err := rows.New(q).CaseByID(ctx, rows.CaseByIDParams{Bucket: id.Bucket(caseID), ID: caseID})
	if errors.Is(err, sql.ErrNoRows) {
		return row, errNoCase
	}
	return row, err
}

// openCase reads the open case of a loan; ok is false if there is none.
func openCase(ctx context.Context, q store.DBTX, bucket, loanID int64) (row rows.CollectionCase, ok bool, err error) {
	row, err = rows.New(q).OpenCaseOfLoan(ctx, rows.OpenCaseOfLoanParams{Bucket: bucket, LoanID: loanID})
	if errors.Is(err, sql.ErrNoRows) {
		return row, false, nil
	}
	return row, err == nil, err
}

// arrearsBefore reads the closed case of a loan's debt since a day: ok is false if there is none.
func arrearsBefore(ctx context.Context, q store.DBTX, bucket, loanID int64, dueOn string) (row rows.CollectionCase, ok bool, err error) {
	row, err = rows.New(q).ClosedCaseOfArrears(ctx, rows.ClosedCaseOfArrearsParams{Bucket: bucket, LoanID: loanID, DueOn: dueOn})
	if errors.Is(err, sql.ErrNoRows) {
		return row, false, nil
	}
	return row, err == nil, err
}

// save writes a case back by compare-and-set.
func save(ctx context.Context, tx *store.Tx, row rows.CollectionCase) error {
	n, err := rows.New(tx).SaveCase(ctx, rows.SaveCaseParams{
		OpenKey: row.OpenKey, State: row.State, DpdBucket: row.DpdBucket, DueOn: row.DueOn, OverdueMinor: row.OverdueMinor,
		AssignedTo: row.AssignedTo, DoneDpd: row.DoneDpd, NextOn: row.NextOn, UntilOn: row.UntilOn, PromisedMinor: row.PromisedMinor,
		ClosedReason: row.ClosedReason, ContactID: row.ContactID, Acts: row.Acts, ClosedMs: row.ClosedMs, Bucket: row.Bucket, ID: row.ID,
		Version: row.Version,
	})
	return store.One(n, err, errStale)
}

// keep saves a case with one act more. The case goes first: who comes second fails there, before two acts have one number.
func keep(ctx context.Context, tx *store.Tx, row *rows.CollectionCase, a rows.InsertActParams) error {
	row.Acts++
	if err := save(ctx, tx, *row); err != nil {
		return err
	}
	row.Version++
	return act(ctx, tx, *row, a)
}

// act writes the last act of a case down.
func act(ctx context.Context, tx *store.Tx, row rows.CollectionCase, a rows.InsertActParams) error {
	a.Bucket, a.CaseID, a.Number = row.Bucket, row.ID, row.Acts
	if a.TextSealed == nil {
		a.TextSealed = []byte{}
	}
	return rows.New(tx).InsertAct(ctx, a)
}

// write is db.Write for the act of a person: run again, a moment later each time, if somebody else changed the case at the
// same moment.
func (s *Service) write(ctx context.Context, work func(tx *store.Tx) error) error {
	for try := 1; ; try++ {
		err := s.deps.DB.Write(ctx, work)
		if try == writeTries || !errors.Is(err, errStale) && !store.IsDuplicate(err) {
			return err
		}
		if clock.Sleep(ctx, rand.N(time.Duration(min(try, 16))*time.Millisecond)) != nil { //nolint:gosec // spreads retries, guards nothing
			return err
		}
	}
}

const writeTries = 64

// loanDay is the day for which loan has ordered its debits: the one after the last that it closed. calendar.None before the first.
func (s *Service) loanDay(ctx context.Context) (calendar.Date, error) {
	text, err := rows.New(s.deps.DB.Primary()).ClosedDay(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return calendar.None, nil
	}
	if err != nil {
		return calendar.None, err
	}
	on, err := calendar.Parse(text)
	return on + 1, err
}

const caseColumns = `bucket, id, loan_id, user_id, open_key, state, dpd_bucket, due_on, overdue_minor, assigned_to, done_dpd, next_on, until_on,
 promised_minor, closed_reason, contact_id, acts, opened_ms, closed_ms, version`

// filter is what a list of cases is narrowed by.
type filter struct {
	state, bucket string
	assignedTo    int64
	userID        int64
	afterDue      string
	afterID       int64
	limit         int32
}

// cases lists by the date since which the money is due, the oldest first. It reads the replica and names no bucket.
func cases(ctx context.Context, q store.DBTX, f filter) ([]rows.CollectionCase, error) {
	text := []string{"due_on >= ? AND (due_on > ? OR id > ?)"} // the first half is what an index can use
	args := []any{f.afterDue, f.afterDue, f.afterID}
	if f.state != "" {
		text, args = append(text, "state = ?"), append(args, f.state)
	} else {
		text = append(text, "open_key = 0")
	}
	if f.bucket != "" {
		text, args = append(text, "dpd_bucket = ?"), append(args, f.bucket)
	}
	if f.assignedTo != 0 {
		text, args = append(text, "assigned_to = ?"), append(args, f.assignedTo)
	}
	if f.userID != 0 {
		text, args = append(text, "user_id = ?"), append(args, f.userID)
	}
	query := "SELECT " + caseColumns + " FROM collection_case WHERE " + strings.Join(text, " AND ") + " ORDER BY due_on, id LIMIT ?"
	found, err := q.QueryContext(ctx, query, append(args, f.limit)...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = found.Close() }()
	var list []rows.CollectionCase
	for found.Next() {
		var c rows.CollectionCase
		err := found.Scan(&c.Bucket, &c.ID, &c.LoanID, &c.UserID, &c.OpenKey, &c.State, &c.DpdBucket, &c.DueOn, &c.OverdueMinor, &c.AssignedTo,
			&c.DoneDpd, &c.NextOn, &c.UntilOn, &c.PromisedMinor, &c.ClosedReason, &c.ContactID, &c.Acts, &c.OpenedMs, &c.ClosedMs, &c.Version)
		if err != nil {
			return nil, err
		}
		list = append(list, c)
	}
	return list, found.Err()
}
