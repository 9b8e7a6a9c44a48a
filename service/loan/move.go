package loan

import (
	"context"
	"errors"
	"fmt"

	loanv1 "github.com/hengdai/hengdai/api/loan/v1"
	domain "github.com/hengdai/hengdai/domain/loan"
	"github.com/hengdai/hengdai/kit/errs"
	eventlog "github.com/hengdai/hengdai/kit/log"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/kit/task"
	"github.com/hengdai/hengdai/service/loan/rows"
)

// How a person reads a state that does not allow what he asked for.
var stateNames = map[domain.ApplicationState][2]string{
	domain.Submitted:         {"已提交", "submitted"},
	domain.Deciding:          {"审批中", "being decided"},
	domain.ManualReview:      {"人工审核中", "in manual review"},
	domain.Approved:          {"已通过、待确认费用", "approved and waiting for you to confirm the costs"},
	domain.AwaitingSignature: {"待签署", "waiting for the signature"},
	domain.Signed:            {"已签署", "signed"},
	domain.Disbursed:         {"已放款", "paid out"},
	domain.Rejected:          {"未通过", "refused"},
	domain.AppCancelled:      {"已取消", "cancelled"},
	domain.Expired:           {"已过期", "expired"},
}

// illegal tells a person that the state does not allow it.
func illegal(state domain.ApplicationState, cause error) error {
	names := stateNames[state]
	return errs.New(errs.Precondition, "application.state", "该申请"+names[0]+"，不能进行此操作。",
		"The application is "+names[1]+"; this cannot be done now.").Because(cause)
}

// closed says whether an application leaves the one place a person has for an open one.
func closed(st domain.ApplicationState) bool {
	switch st {
	case domain.Signed, domain.Disbursed, domain.Rejected, domain.AppCancelled, domain.Expired:
		return true
	case domain.Submitted, domain.Deciding, domain.ManualReview, domain.Approved, domain.AwaitingSignature:
		return false
	}
	return false
}

// move is the only writer of an application's state. What else the caller set on the row is stored with it. The row is
// afterwards as the database has it; errStale if another changed it first.
func (s *Service) move(ctx context.Context, tx *store.Tx, row *rows.Application, event domain.ApplicationEvent, reasonCode string, by int64) error {
	from := domain.ApplicationState(row.State)
	to, err := domain.MoveApplication(from, event)
	if err != nil {
		return illegal(from, err)
	}
	row.State, row.MovedMs = string(to), s.deps.Clock.Now().UnixMilli()
	if closed(to) {
		row.OpenKey = row.ID
	}
	n, err := rows.New(tx).ChangeApplication(ctx, rows.ChangeApplicationParams{
		OpenKey: row.OpenKey, State: row.State, ApprovedMinor: row.ApprovedMinor, DecisionID: row.DecisionID, Outcome: row.Outcome,
		Grade: row.Grade, RatePpm: row.RatePpm, LimitMinor: row.LimitMinor, Score: row.Score, Policy: row.Policy,
		Reasons: row.Reasons, DecidedBy: row.DecidedBy, NoteSealed: row.NoteSealed, RetryOn: row.RetryOn, ExpiresOn: row.ExpiresOn,
		ContractID: row.ContractID, LoanID: row.LoanID, MovedMs: row.MovedMs,
		Bucket: row.Bucket, ID: row.ID, Version: row.Version,
	})
	if err := store.One(n, err, errStale); err != nil {
		return errs.Wrap(err, "moving an application to "+row.State)
	}
	row.Version++
	return s.tellMove(ctx, tx, row, string(from), reasonCode, by)
}

// tellMove keeps the step, tells it and wakes who waits for it.
func (s *Service) tellMove(ctx context.Context, tx *store.Tx, row *rows.Application, from, reasonCode string, by int64) error {
	err := rows.New(tx).InsertApplicationStep(ctx, rows.InsertApplicationStepParams{
		Bucket: row.Bucket, ApplicationID: row.ID, Version: row.Version, FromState: from, ToState: row.State,
		Reason: reasonCode, ByStaff: by, AtMs: row.MovedMs,
	})
	if err != nil {
		return fmt.Errorf("keeping a step of an application: %w", err)
	}
	amount := row.AmountMinor
	if row.ApprovedMinor > 0 {
		amount = row.ApprovedMinor
	}
	err = s.deps.Log.Append(tx, eventlog.Event{UserID: row.UserID, Bucket: row.Bucket, Body: &loanv1.ApplicationMoved{
		ApplicationId: row.ID, From: from, To: row.State, Product: row.Product, AmountMinor: amount,
		TermMonths: int32(row.TermMonths), Purpose: row.Purpose, Reason: reasonCode, LoanId: row.LoanID, DecidedBy: by,
	}})
	if err != nil {
		return errs.Wrap(err, "telling a step of an application")
	}
	applicationID := row.ID
	tx.AfterCommit(func() { s.waiters.tell(applicationID) })
	return nil
}

// applicationMove moves an application for servicing: its payout succeeded or failed. The contract follows.
func (s *Service) applicationMove(ctx context.Context, tx *store.Tx, bucket, applicationID int64, event domain.ApplicationEvent, reasonCode string) error {
	row, err := rows.New(tx).Application(ctx, rows.ApplicationParams{Bucket: bucket, ID: applicationID})
	if err != nil {
		return errs.Wrap(notFound(err, errNoApplication), "reading an application")
	}
	if err := s.move(ctx, tx, &row, event, reasonCode, 0); err != nil {
		return err
	}
	contractEvent := domain.BringToForce
	if event == domain.FailToPay {
		contractEvent = domain.VoidContract
	}
	return s.contractMove(ctx, tx, bucket, applicationID, contractEvent)
}

// contractMove is the only writer of a contract's state after it was drafted, but for the signature.
func (s *Service) contractMove(ctx context.Context, tx *store.Tx, bucket, applicationID int64, event domain.ContractEvent) error {
	q := rows.New(tx)
	c, err := q.ContractOfApplication(ctx, rows.ContractOfApplicationParams{Bucket: bucket, ApplicationID: applicationID})
	if err != nil {
		return errs.Wrap(notFound(err, errNoContract), "reading a contract")
	}
	return s.putContract(ctx, tx, c, event)
}

func (s *Service) putContract(ctx context.Context, tx *store.Tx, c rows.Contract, event domain.ContractEvent) error {
	to, err := domain.MoveContract(domain.ContractState(c.State), event)
	if err != nil {
		return errs.New(errs.Precondition, "contract.state", "合同当前状态不允许此操作。", "The contract's state does not allow this.").Because(err)
	}
	n, err := rows.New(tx).ChangeContract(ctx, rows.ChangeContractParams{
		State: string(to), LoanID: c.LoanID, SignedMs: c.SignedMs, DeviceToken: c.DeviceToken, IpToken: c.IpToken,
		Bucket: c.Bucket, ID: c.ID, Version: c.Version,
	})
	return errs.Wrap(store.One(n, err, errStale), "moving a contract to "+string(to))
}

// end takes an open application out of business: its part of the limit is freed, its contract voided, its review taken off
// the queue, all in the same commit.
func (s *Service) end(ctx context.Context, tx *store.Tx, row *rows.Application, event domain.ApplicationEvent, reasonCode string, by int64) error {
	was := domain.ApplicationState(row.State)
	if err := s.move(ctx, tx, row, event, reasonCode, by); err != nil {
		return err
	}
	if was == domain.Approved || was == domain.AwaitingSignature {
		if err := s.limitRelease(ctx, tx, row.Bucket, row.UserID, row.ApprovedMinor, row.ID, limitFrozen, causeReleased); err != nil {
			return err
		}
	}
	if was == domain.AwaitingSignature {
		if err := s.contractMove(ctx, tx, row.Bucket, row.ID, domain.VoidContract); err != nil {
			return err
		}
	}
	if was == domain.ManualReview && event != domain.Reject {
		t, err := task.Find(ctx, tx, queueReview, row.ID, 0)
		switch {
		case errors.Is(err, task.ErrNone):
			return nil
		case err != nil:
			return err
		}
		return errs.Wrap(task.Cancel(tx, t.ID, s.deps.Clock.Now(), reasonCode), "taking a review off the queue")
	}
	return nil
}
