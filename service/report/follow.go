package report

import (
	"context"
	"database/sql"
	"errors"

	loanv1 "github.com/hengdai/hengdai/api/loan/v1"
	paymentv1 "github.com/hengdai/hengdai/api/payment/v1"
	riskv1 "github.com/hengdai/hengdai/api/risk/v1"
	eventlog "github.com/hengdai/hengdai/kit/log"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/service/report/rows"
)

func (s *Service) onApplicationMoved(ctx context.Context, tx *store.Tx, m eventlog.Meta, e *loanv1.ApplicationMoved) error {
	q, at := rows.New(tx), m.At.UnixMilli()
	row, err := q.Application(ctx, rows.ApplicationParams{Bucket: m.Bucket, ApplicationID: e.GetApplicationId()})
	fresh := errors.Is(err, sql.ErrNoRows)
	if err != nil && !fresh {
		return err
	}
	row.State, row.Product, row.AmountMinor, row.TermMonths, row.Purpose = e.GetTo(), e.GetProduct(), e.GetAmountMinor(), int64(e.GetTermMonths()), e.GetPurpose()
	row.MovedMs = at
	if e.GetReason() != "" {
		row.Reason = e.GetReason()
	}
	if e.GetLoanId() != 0 {
		row.LoanID = e.GetLoanId()
	}
	if fresh {
		return q.InsertApplication(ctx, rows.InsertApplicationParams{
			Bucket: m.Bucket, ApplicationID: e.GetApplicationId(), UserID: m.UserID, State: row.State, Product: row.Product, AmountMinor: row.AmountMinor,
			TermMonths: row.TermMonths, Purpose: row.Purpose, Reason: row.Reason, LoanID: row.LoanID, CreatedMs: at, MovedMs: at,
		})
	}
	return q.SaveApplication(ctx, rows.SaveApplicationParams{
		State: row.State, Product: row.Product, AmountMinor: row.AmountMinor, TermMonths: row.TermMonths, Purpose: row.Purpose, Reason: row.Reason,
		LoanID: row.LoanID, CreatedMs: row.CreatedMs, MovedMs: row.MovedMs, Bucket: m.Bucket, ApplicationID: e.GetApplicationId(),
	})
}

func (s *Service) onDecided(ctx context.Context, tx *store.Tx, m eventlog.Meta, e *riskv1.Decided) error {
	q := rows.New(tx)
	n, err := q.CountDecision(ctx, rows.CountDecisionParams{Bucket: m.Bucket, ApplicationID: e.GetApplicationId()})
	if err != nil || n > 0 {
		return err
	}
	return q.InsertDecision(ctx, rows.InsertDecisionParams{
		Bucket: m.Bucket, ApplicationID: e.GetApplicationId(), Outcome: e.GetOutcome(), Grade: e.GetGrade(), Score: int64(e.GetScore()), DecidedMs: m.At.UnixMilli(),
	})
}

// changeLoan reads the copy of a loan, or begins one, and writes it back changed.
func changeLoan(ctx context.Context, tx *store.Tx, m eventlog.Meta, loanID int64, change func(row *rows.ReportLoan)) error {
	q := rows.New(tx)
	row, err := q.Loan(ctx, rows.LoanParams{Bucket: m.Bucket, LoanID: loanID})
	if errors.Is(err, sql.ErrNoRows) {
		row = rows.ReportLoan{Bucket: m.Bucket, LoanID: loanID, UserID: m.UserID, DpdBucket: "M0", CreatedMs: m.At.UnixMilli(), MovedMs: m.At.UnixMilli()}
		change(&row)
		return q.InsertLoan(ctx, rows.InsertLoanParams(row))
	}
	if err != nil {
		return err
	}
	change(&row)
	return q.SaveLoan(ctx, rows.SaveLoanParams{
		State: row.State, Product: row.Product, PrincipalMinor: row.PrincipalMinor, OutstandingMinor: row.OutstandingMinor, OverdueMinor: row.OverdueMinor,
		DpdBucket: row.DpdBucket, Class: row.Class, DisbursedOn: row.DisbursedOn, RatePpm: row.RatePpm, Method: row.Method, CreatedMs: row.CreatedMs,
		MovedMs: row.MovedMs, Bucket: m.Bucket, LoanID: loanID,
	})
}

func (s *Service) onLoanMoved(ctx context.Context, tx *store.Tx, m eventlog.Meta, e *loanv1.LoanMoved) error {
	return changeLoan(ctx, tx, m, e.GetLoanId(), func(row *rows.ReportLoan) {
		row.State, row.Product, row.PrincipalMinor, row.MovedMs = e.GetTo(), e.GetProduct(), e.GetPrincipalMinor(), m.At.UnixMilli()
		switch row.State {
		case "SETTLED", "CANCELLED", "PAYOUT_RETURNED", "VOID": // nothing is owed any more, whatever was told last
			row.OutstandingMinor, row.OverdueMinor, row.DpdBucket = 0, 0, "M0"
		}
	})
}

func (s *Service) onScheduleFixed(ctx context.Context, tx *store.Tx, m eventlog.Meta, e *loanv1.ScheduleFixed) error {
	return changeLoan(ctx, tx, m, e.GetLoanId(), func(row *rows.ReportLoan) {
		row.Product, row.PrincipalMinor, row.OutstandingMinor = e.GetProduct(), e.GetPrincipalMinor(), e.GetPrincipalMinor()
		row.DisbursedOn, row.RatePpm, row.Method = e.GetDisbursedOn(), int64(e.GetRatePpm()), e.GetMethod()
	})
}

func (s *Service) onRepaymentApplied(ctx context.Context, tx *store.Tx, m eventlog.Meta, e *loanv1.RepaymentApplied) error {
	return changeLoan(ctx, tx, m, e.GetLoanId(), func(row *rows.ReportLoan) {
		row.OutstandingMinor, row.OverdueMinor = e.GetOutstandingPrincipalMinor(), e.GetOverdueMinor()
		if e.GetOverdueMinor() == 0 {
			row.DpdBucket = "M0"
		}
	})
}

// onRepaymentReversed: the bucket follows with OverdueChanged, if it changed.
func (s *Service) onRepaymentReversed(ctx context.Context, tx *store.Tx, m eventlog.Meta, e *loanv1.RepaymentReversed) error {
	return changeLoan(ctx, tx, m, e.GetLoanId(), func(row *rows.ReportLoan) {
		row.OutstandingMinor, row.OverdueMinor = e.GetOutstandingPrincipalMinor(), e.GetOverdueMinor()
	})
}

func (s *Service) onOverdueChanged(ctx context.Context, tx *store.Tx, m eventlog.Meta, e *loanv1.OverdueChanged) error {
	return changeLoan(ctx, tx, m, e.GetLoanId(), func(row *rows.ReportLoan) {
		row.OverdueMinor, row.OutstandingMinor, row.DpdBucket, row.Class = e.GetOverdueMinor(), e.GetOutstandingPrincipalMinor(), e.GetBucket(), e.GetClass()
	})
}

func (s *Service) onOrderAccepted(ctx context.Context, tx *store.Tx, m eventlog.Meta, e *paymentv1.OrderAccepted) error {
	q := rows.New(tx)
	_, err := q.Order(ctx, rows.OrderParams{Bucket: m.Bucket, OrderID: e.GetOrderId()})
	if !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	return q.InsertOrder(ctx, rows.InsertOrderParams{
		Bucket: m.Bucket, OrderID: e.GetOrderId(), UserID: m.UserID, LoanID: e.GetLoanId(), Kind: e.GetKind(), AmountMinor: e.GetAmountMinor(),
		Outcome: "PENDING", CreatedMs: m.At.UnixMilli(),
	})
}

func (s *Service) onOrderSettled(ctx context.Context, tx *store.Tx, m eventlog.Meta, e *paymentv1.OrderSettled) error {
	q, at := rows.New(tx), m.At.UnixMilli()
	_, err := q.Order(ctx, rows.OrderParams{Bucket: m.Bucket, OrderID: e.GetOrderId()})
	if errors.Is(err, sql.ErrNoRows) {
		return q.InsertOrder(ctx, rows.InsertOrderParams{
			Bucket: m.Bucket, OrderID: e.GetOrderId(), UserID: m.UserID, LoanID: e.GetLoanId(), Kind: e.GetKind(), AmountMinor: e.GetAmountMinor(),
			Outcome: e.GetOutcome(), Reason: e.GetReason(), Channel: e.GetChannel(), PostingOn: e.GetPostingOn(), ValueOn: e.GetValueOn(), CreatedMs: at, SettledMs: at,
		})
	}
	if err != nil {
		return err
	}
	return q.SaveOrder(ctx, rows.SaveOrderParams{
		Outcome: e.GetOutcome(), Reason: e.GetReason(), Channel: e.GetChannel(), PostingOn: e.GetPostingOn(), ValueOn: e.GetValueOn(), SettledMs: at,
		Bucket: m.Bucket, OrderID: e.GetOrderId(),
	})
}
