package loan

import (
	"context"

	loanv1 "github.com/hengdai/hengdai/api/loan/v1"
	"github.com/hengdai/hengdai/domain/allocate"
	"github.com/hengdai/hengdai/domain/calendar"
	"github.com/hengdai/hengdai/domain/ledger"
	domain "github.com/hengdai/hengdai/domain/loan"
	"github.com/hengdai/hengdai/kit/errs"
	eventlog "github.com/hengdai/hengdai/kit/log"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/service/loan/rows"
)

// chargedBack: what was collected was taken back. The loan is replayed without the receipt: what it paid is owed again
// from its due date, a settled loan is repaid again, the limit is used again. If the money was passed on since, so that
// nothing can be replayed, it is booked as taken back and a person decides.
func (s *Service) chargedBack(ctx context.Context, tx *store.Tx, a *account, order rows.PaymentOrder, o outcome) error {
	if a.life == nil {
		return errs.New(errs.Internal, "loan.money_before_payout", "贷款尚未放款却收到还款。", "Money arrived for a loan that was not paid out.")
	}
	if err := s.undo(ctx, tx, a, order, o); err != nil {
		return err
	}
	st, err := a.standingToday()
	if err != nil {
		return err
	}
	reopened := domain.State(a.row.State) == domain.Settled && !st.Settled
	if reopened {
		if err := s.reopen(ctx, tx, a); err != nil {
			return err
		}
	}
	if err := s.takeLimit(ctx, tx, a); err != nil {
		return err
	}
	if err := s.judge(ctx, tx, a, st); err != nil {
		return err
	}
	started, err := dateOf(a.part.StartedOn)
	if err != nil {
		return err
	}
	a.planAct(started)
	if err := s.save(ctx, tx, a); err != nil {
		return err
	}
	if err := s.tellReversal(tx, a, order, o, st, reopened); err != nil {
		return err
	}
	order.ReceivedMinor, order.UnappliedMinor, order.Settles = 0, 0, 0
	order.PrincipalMinor, order.InterestMinor, order.PenaltyMinor, order.FeeMinor = 0, 0, 0, 0
	return s.endOrder(ctx, tx, order, orderReturned, o)
}

// undo takes the receipt out of the loan's life and books the difference.
func (s *Service) undo(ctx context.Context, tx *store.Tx, a *account, order rows.PaymentOrder, o outcome) error {
	happened, err := s.happenings(ctx, tx, a.row.Bucket, a.row.ID)
	if err != nil {
		return err
	}
	h := happening{Happening: domain.Happening{Seq: a.row.Events + 1, Kind: domain.ChargeBack, Amount: o.amount, OrderID: order.ID},
		Legs: ledger.RepaymentChargedBack(int64(o.amount)), LegEvent: bookTaken, PostingOn: o.posting, ValueOn: o.value}
	if received := domain.Undoes(happened, h.Happening); received != calendar.None {
		h.On = max(o.value, received)
		err := s.happen(ctx, tx, a, h)
		if errs.ReasonOf(err) != reasonNoFit {
			return err
		}
	}
	h.Kind, h.On = domain.TakenBack, max(o.value, a.life.At())
	if err := s.happen(ctx, tx, a, h); err != nil {
		return err
	}
	s.deps.Logger.ErrorContext(ctx, "money was taken back that had been passed on; a person must decide", "loan", a.row.ID, "order", order.ID)
	return s.listMoney(tx, order.ID, whyTaken)
}

// reopen makes a settled loan one that is repaid, and brings its contract into force again.
func (s *Service) reopen(ctx context.Context, tx *store.Tx, a *account) error {
	if err := s.moveLoan(ctx, tx, a, domain.Reopen, "charge_back"); err != nil {
		return err
	}
	a.row.SettledOn = ""
	return s.contractMove(ctx, tx, a.row.Bucket, a.row.ApplicationID, domain.Revive)
}

// takeLimit uses again what limit was freed by principal that is owed again.
func (s *Service) takeLimit(ctx context.Context, tx *store.Tx, a *account) error {
	repaid := int64(a.life.Paid()[allocate.Principal])
	again := a.row.ReleasedMinor - repaid
	if again <= 0 || domain.State(a.row.State) == domain.PayoutReturned {
		return nil
	}
	a.row.ReleasedMinor = repaid
	_, err := s.changeLimit(ctx, tx, limitChange{Bucket: a.row.Bucket, UserID: a.row.UserID, Cause: causeTaken, Subject: a.row.ID,
		Apply: func(c credit) (credit, error) { return c.takeBack(again) }})
	return err
}

// tellReversal tells the borrower's side that the repayment ended without money, and everybody how the loan stands.
func (s *Service) tellReversal(tx *store.Tx, a *account, order rows.PaymentOrder, o outcome, st domain.Standing, reopened bool) error {
	posting := ""
	if o.posting != calendar.None {
		posting = o.posting.String()
	}
	err := s.deps.Log.Append(tx, eventlog.Event{UserID: a.row.UserID, Bucket: a.row.Bucket, PostingOn: posting, ValueOn: o.value.String(),
		Body: &loanv1.RepaymentReversed{LoanId: a.row.ID, OrderId: order.ID, AmountMinor: int64(o.amount), Reopened: reopened,
			OutstandingPrincipalMinor: int64(st.Outstanding), OverdueMinor: int64(st.Overdue)}})
	if err != nil {
		return errs.Wrap(err, "telling a charge-back")
	}
	return errs.Wrap(s.deps.Log.Append(tx, eventlog.Event{UserID: a.row.UserID, Bucket: a.row.Bucket, Body: &loanv1.DebitFailed{
		LoanId: a.row.ID, OrderId: order.ID, AmountMinor: int64(o.amount), Reason: "returned"}}), "telling a charge-back")
}
