package collection

import (
	"context"
	"fmt"

	collectionv1 "github.com/hengdai/hengdai/api/collection/v1"
	loanv1 "github.com/hengdai/hengdai/api/loan/v1"
	"github.com/hengdai/hengdai/domain/calendar"
	domain "github.com/hengdai/hengdai/domain/collection"
	eventlog "github.com/hengdai/hengdai/kit/log"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/service/collection/rows"
)

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
		return s.close(ctx, tx, m, row, "paid")
	}
	on, err := calendar.Parse(e.GetOn())
	if err != nil {
		return fmt.Errorf("overdue change of loan %d: %w", e.GetLoanId(), err)
	}
	due := on - calendar.Date(e.GetDpd())
	if !open {
		return s.open(ctx, tx, m, e, due)
	}
	row.DueOn, row.OverdueMinor = due.String(), e.GetOverdueMinor()
	if row.DpdBucket != e.GetBucket() {
		row.DpdBucket = e.GetBucket()
		entry := rows.InsertActParams{Kind: "bucket", Detail: e.GetBucket(), AmountMinor: e.GetOverdueMinor(), AtMs: m.At.UnixMilli()}
		if err := act(ctx, tx, &row, entry); err != nil {
			return err
		}
	}
	if domain.State(row.State) == domain.Open {
		row.NextOn = s.nextContact(row, due, max(on, s.today()))
	}
	return save(ctx, tx, row)
}

// open makes the case of a loan that is past due for the first time.
func (s *Service) open(ctx context.Context, tx *store.Tx, m eventlog.Meta, e *loanv1.OverdueChanged, due calendar.Date) error {
	row := rows.CollectionCase{
		Bucket: m.Bucket, ID: s.deps.IDs.New(m.Bucket), LoanID: e.GetLoanId(), UserID: m.UserID, State: string(domain.Open),
		DpdBucket: e.GetBucket(), DueOn: due.String(), OverdueMinor: e.GetOverdueMinor(), OpenedMs: m.At.UnixMilli(), Version: 1,
	}
	row.NextOn = s.nextContact(row, due, max(due+calendar.Date(e.GetDpd()), s.today()))
	err := rows.New(tx).InsertCase(ctx, rows.InsertCaseParams{
		Bucket: row.Bucket, ID: row.ID, LoanID: row.LoanID, UserID: row.UserID, State: row.State, DpdBucket: row.DpdBucket, DueOn: row.DueOn,
		OverdueMinor: row.OverdueMinor, NextOn: row.NextOn, OpenedMs: row.OpenedMs,
	})
	if err != nil {
		return err
	}
	entry := rows.InsertActParams{Kind: "opened", Detail: row.DpdBucket, AmountMinor: row.OverdueMinor, AtMs: row.OpenedMs}
	if err := act(ctx, tx, &row, entry); err != nil {
		return err
	}
	if err := save(ctx, tx, row); err != nil {
		return err
	}
	return s.deps.Log.Append(tx, eventlog.Event{UserID: row.UserID, Bucket: row.Bucket, Body: &collectionv1.CaseOpened{
		CaseId: row.ID, LoanId: row.LoanID, Dpd: e.GetDpd(), Bucket: row.DpdBucket, OverdueMinor: row.OverdueMinor,
	}})
}

// onRepaymentApplied takes down what is still owed, and closes the case when that is nothing.
func (s *Service) onRepaymentApplied(ctx context.Context, tx *store.Tx, m eventlog.Meta, e *loanv1.RepaymentApplied) error {
	row, open, err := openCase(ctx, tx, m.Bucket, e.GetLoanId())
	if err != nil || !open {
		return err
	}
	if e.GetOverdueMinor() <= 0 {
		return s.close(ctx, tx, m, row, "paid")
	}
	row.OverdueMinor = e.GetOverdueMinor()
	entry := rows.InsertActParams{Kind: "paid_part", AmountMinor: e.GetAmountMinor(), AtMs: m.At.UnixMilli()}
	if err := act(ctx, tx, &row, entry); err != nil {
		return err
	}
	return save(ctx, tx, row)
}

// onLoanMoved closes the case of a loan that is no claim of ours any more.
func (s *Service) onLoanMoved(ctx context.Context, tx *store.Tx, m eventlog.Meta, e *loanv1.LoanMoved) error {
	switch e.GetTo() {
	case "SETTLED", "CANCELLED", "VOID", "PAYOUT_RETURNED", "TRANSFERRED", "COMPENSATED":
	default:
		return nil
	}
	row, open, err := openCase(ctx, tx, m.Bucket, e.GetLoanId())
	if err != nil || !open {
		return err
	}
	return s.close(ctx, tx, m, row, reasonOf(e.GetTo()))
}

func reasonOf(state string) string {
	return map[string]string{
		"SETTLED": "settled", "CANCELLED": "cancelled", "VOID": "void", "PAYOUT_RETURNED": "payout_returned",
		"TRANSFERRED": "transferred", "COMPENSATED": "compensated",
	}[state]
}

func (s *Service) close(ctx context.Context, tx *store.Tx, m eventlog.Meta, row rows.CollectionCase, reason string) error {
	from := row.State
	to, err := domain.Move(domain.State(from), domain.Cure)
	if err != nil {
		return err
	}
	row.State, row.OpenKey, row.ClosedReason, row.ClosedMs = string(to), row.ID, reason, m.At.UnixMilli()
	row.NextOn, row.UntilOn, row.OverdueMinor = "", "", 0
	if err := act(ctx, tx, &row, rows.InsertActParams{Kind: "closed", Detail: reason, AtMs: row.ClosedMs}); err != nil {
		return err
	}
	if err := save(ctx, tx, row); err != nil {
		return err
	}
	return s.told(tx, row, from, reason)
}

func (s *Service) told(tx *store.Tx, row rows.CollectionCase, from, reason string) error {
	return s.deps.Log.Append(tx, eventlog.Event{UserID: row.UserID, Bucket: row.Bucket, Body: &collectionv1.CaseMoved{
		CaseId: row.ID, LoanId: row.LoanID, From: from, To: row.State, Reason: reason,
	}})
}

// nextContact answers the day of the next step of the strategy, empty after the last.
func (s *Service) nextContact(row rows.CollectionCase, due, today calendar.Date) string {
	dpd := calendar.Days(due, today)
	if _, overdue := s.deps.Strategy.Due(int(row.DoneDpd), dpd); overdue {
		return today.String()
	}
	step, ok := s.deps.Strategy.Next(int(row.DoneDpd), dpd)
	if !ok {
		return ""
	}
	return (due + calendar.Date(step.DPD)).String()
}
