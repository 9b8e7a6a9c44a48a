package collection

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"google.golang.org/protobuf/proto"

	collectionv1 "github.com/hengdai/hengdai/api/collection/v1"
	loanv1 "github.com/hengdai/hengdai/api/loan/v1"
	"github.com/hengdai/hengdai/domain/calendar"
	domain "github.com/hengdai/hengdai/domain/collection"
	"github.com/hengdai/hengdai/kit/errs"
	eventlog "github.com/hengdai/hengdai/kit/log"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/service/collection/rows"
)

// errBusy makes a follower come back: it is not the event's fault that a person wrote into the case at the same moment.
var errBusy = errs.New(errs.Unavailable, "case.busy", "案件正在被其他人更改。", "The case is being changed by somebody else.")

// taking makes a handler whose compare-and-set may lose without the event being blamed for it.
func taking[T proto.Message](fn func(ctx context.Context, tx *store.Tx, m eventlog.Meta, e T) error) eventlog.Handler {
	return eventlog.On(func(ctx context.Context, tx *store.Tx, m eventlog.Meta, e T) error {
		err := fn(ctx, tx, m, e)
		if errors.Is(err, errStale) {
			return errBusy.Because(err)
		}
		return err
	})
}

// onOverdueChanged opens a case, moves it to another bucket, or closes it.
func (s *Service) onOverdueChanged(ctx context.Context, tx *store.Tx, m eventlog.Meta, e *loanv1.OverdueChanged) error {
	row, open, err := openCase(ctx, tx, m.Bucket, e.GetLoanId())
	if err != nil {
		return err
	}
	if e.GetDpd() <= 0 {
		if !open {
			return nil
		}
		return s.close(ctx, tx, row, "paid", m.At.UnixMilli())
	}
	on, err := calendar.Parse(e.GetOn())
	if err != nil {
		return fmt.Errorf("overdue change of loan %d: %w", e.GetLoanId(), err)
	}
	due := on - calendar.Date(e.GetDpd())
	if !open {
		return s.begin(ctx, tx, m, e, due)
	}
	row.OverdueMinor = e.GetOverdueMinor()
	since(&row, due, int64(e.GetDpd()))
	if domain.State(row.State) == domain.Open {
		row.NextOn = s.nextContact(row, due)
	}
	if row.DpdBucket == e.GetBucket() {
		return save(ctx, tx, row)
	}
	row.DpdBucket = e.GetBucket()
	return keep(ctx, tx, &row, rows.InsertActParams{Kind: "bucket", Detail: row.DpdBucket, AmountMinor: row.OverdueMinor, AtMs: m.At.UnixMilli()})
}

// since notes the day on which the oldest open debt fell due. If that was paid and a younger one is left, the steps of the
// days that this one has lasted count as done: the strategy neither begins again nor stands still.
func since(row *rows.CollectionCase, due calendar.Date, dpd int64) {
	if due.String() > row.DueOn {
		row.DoneDpd = min(row.DoneDpd, dpd)
	}
	row.DueOn = due.String()
}

// begin makes the case of a loan that has become overdue. If the same debt was taken for paid before, its case goes on.
func (s *Service) begin(ctx context.Context, tx *store.Tx, m eventlog.Meta, e *loanv1.OverdueChanged, due calendar.Date) error {
	row, again, err := arrearsBefore(ctx, tx, m.Bucket, e.GetLoanId(), due.String())
	if err != nil {
		return err
	}
	if again {
		return s.reopen(ctx, tx, m, row, e)
	}
	row = rows.CollectionCase{
		Bucket: m.Bucket, ID: s.deps.IDs.New(m.Bucket), LoanID: e.GetLoanId(), UserID: m.UserID, State: string(domain.Open),
		DpdBucket: e.GetBucket(), DueOn: due.String(), OverdueMinor: e.GetOverdueMinor(), OpenedMs: m.At.UnixMilli(), Acts: 1, Version: 1,
	}
	row.NextOn = s.nextContact(row, due)
	err = rows.New(tx).InsertCase(ctx, rows.InsertCaseParams{
		Bucket: row.Bucket, ID: row.ID, LoanID: row.LoanID, UserID: row.UserID, State: row.State, DpdBucket: row.DpdBucket, DueOn: row.DueOn,
		OverdueMinor: row.OverdueMinor, NextOn: row.NextOn, OpenedMs: row.OpenedMs,
	})
	if err != nil {
		return err
	}
	if err := act(ctx, tx, row, rows.InsertActParams{Kind: "opened", Detail: row.DpdBucket, AmountMinor: row.OverdueMinor, AtMs: row.OpenedMs}); err != nil {
		return err
	}
	return s.deps.Log.Append(tx, eventlog.Event{UserID: row.UserID, Bucket: row.Bucket, Body: &collectionv1.CaseOpened{
		CaseId: row.ID, LoanId: row.LoanID, Dpd: e.GetDpd(), Bucket: row.DpdBucket, OverdueMinor: row.OverdueMinor,
	}})
}

func (s *Service) reopen(ctx context.Context, tx *store.Tx, m eventlog.Meta, row rows.CollectionCase, e *loanv1.OverdueChanged) error {
	from := row.State
	to, err := domain.Move(domain.State(from), domain.Relapse)
	if err != nil {
		return err
	}
	due, err := calendar.Parse(row.DueOn)
	if err != nil {
		return err
	}
	row.State, row.OpenKey, row.ClosedReason, row.ClosedMs = string(to), 0, "", 0
	row.DpdBucket, row.OverdueMinor, row.NextOn = e.GetBucket(), e.GetOverdueMinor(), s.nextContact(row, due)
	entry := rows.InsertActParams{Kind: "reopened", Detail: row.DpdBucket, AmountMinor: row.OverdueMinor, AtMs: m.At.UnixMilli()}
	if err := keep(ctx, tx, &row, entry); err != nil {
		return err
	}
	return s.told(tx, row, from, "reopened")
}

// onRepaymentApplied takes down what is still owed, and closes the case when that is nothing.
func (s *Service) onRepaymentApplied(ctx context.Context, tx *store.Tx, m eventlog.Meta, e *loanv1.RepaymentApplied) error {
	row, open, err := openCase(ctx, tx, m.Bucket, e.GetLoanId())
	if err != nil || !open {
		return err
	}
	if e.GetOverdueMinor() <= 0 {
		return s.close(ctx, tx, row, "paid", m.At.UnixMilli())
	}
	row.OverdueMinor = e.GetOverdueMinor()
	if err := s.withdraw(tx, &row); err != nil { // it names an amount that is not owed any more
		return err
	}
	return keep(ctx, tx, &row, rows.InsertActParams{Kind: "paid_part", AmountMinor: e.GetAmountMinor(), AtMs: m.At.UnixMilli()})
}

// endings are the states of a loan that is no claim of ours any more, with the reason for which its case closes. A loan
// that is written off is none of them: collecting goes on.
var endings = map[string]string{
	"SETTLED": "settled", "CANCELLED": "cancelled", "VOID": "void", "PAYOUT_RETURNED": "payout_returned",
	"TRANSFERRED": "transferred", "COMPENSATED": "compensated",
}

// onLoanMoved closes the case of a loan that has ended for us.
func (s *Service) onLoanMoved(ctx context.Context, tx *store.Tx, m eventlog.Meta, e *loanv1.LoanMoved) error {
	reason := endings[e.GetTo()]
	if reason == "" {
		return nil
	}
	row, open, err := openCase(ctx, tx, m.Bucket, e.GetLoanId())
	if err != nil || !open {
		return err
	}
	return s.close(ctx, tx, row, reason, m.At.UnixMilli())
}

// onDayClosed notes that loan has closed a day and ordered the debits of the next, and so wakes the planner.
func (s *Service) onDayClosed(ctx context.Context, tx *store.Tx, _ eventlog.Meta, e *loanv1.DayClosed) error {
	on, err := calendar.Parse(e.GetDate())
	if err != nil {
		return fmt.Errorf("closed day: %w", err)
	}
	q := rows.New(tx)
	last, err := q.ClosedDay(ctx)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return q.InsertClosedDay(ctx, on.String())
	case err != nil || last >= on.String():
		return err
	}
	n, err := q.SaveClosedDay(ctx, on.String())
	return store.One(n, err, errStale)
}

func (s *Service) close(ctx context.Context, tx *store.Tx, row rows.CollectionCase, reason string, atMS int64) error {
	from := row.State
	to, err := domain.Move(domain.State(from), domain.Cure)
	if err != nil {
		return err
	}
	row.State, row.OpenKey, row.ClosedReason, row.ClosedMs = string(to), row.ID, reason, atMS
	row.NextOn, row.UntilOn, row.PromisedMinor, row.OverdueMinor = "", "", 0, 0
	if err := s.withdraw(tx, &row); err != nil {
		return err
	}
	if err := keep(ctx, tx, &row, rows.InsertActParams{Kind: "closed", Detail: reason, AtMs: atMS}); err != nil {
		return err
	}
	return s.told(tx, row, from, reason)
}

// withdraw tells that the last planned contact must not leave if it is still waiting. The caller saves the case.
func (s *Service) withdraw(tx *store.Tx, row *rows.CollectionCase) error {
	if row.ContactID == 0 {
		return nil
	}
	told := &collectionv1.ContactWithdrawn{CaseId: row.ID, ContactId: row.ContactID}
	row.ContactID = 0
	return s.deps.Log.Append(tx, eventlog.Event{UserID: row.UserID, Bucket: row.Bucket, Body: told})
}

func (s *Service) told(tx *store.Tx, row rows.CollectionCase, from, reason string) error {
	return s.deps.Log.Append(tx, eventlog.Event{UserID: row.UserID, Bucket: row.Bucket, Body: &collectionv1.CaseMoved{
		CaseId: row.ID, LoanId: row.LoanID, From: from, To: row.State, Reason: reason,
	}})
}

// nextContact answers the day of the first step of the strategy that was not done, empty after the last. It may lie in the
// past: then the planner does the latest step that is due.
func (s *Service) nextContact(row rows.CollectionCase, due calendar.Date) string {
	step, ok := s.deps.Strategy.Next(int(row.DoneDpd))
	if !ok {
		return ""
	}
	return (due + calendar.Date(step.DPD)).String()
}
