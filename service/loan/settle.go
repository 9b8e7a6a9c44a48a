package loan

import (
	"context"

	loanv1 "github.com/hengdai/hengdai/api/loan/v1"
	"github.com/hengdai/hengdai/domain/allocate"
	"github.com/hengdai/hengdai/domain/calendar"
	"github.com/hengdai/hengdai/domain/ledger"
	domain "github.com/hengdai/hengdai/domain/loan"
	"github.com/hengdai/hengdai/domain/money"
	"github.com/hengdai/hengdai/kit/errs"
	eventlog "github.com/hengdai/hengdai/kit/log"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/service/loan/rows"
)

// countsOn is the day from which money counts: the day its order was locked, because from then on the borrower had done
// his part, or the day it moved if that was earlier or nothing was locked.
func countsOn(a *account, order rows.PaymentOrder, value calendar.Date) calendar.Date {
	if lock := a.life.Locked(); lock.OrderID == order.ID {
		return min(lock.On, max(value, a.life.Plan().Terms.DisbursedOn))
	}
	return max(value, a.life.Plan().Terms.DisbursedOn)
}

// collected books money that arrived: it is unapplied first, then allocated by the contract's order.
func (s *Service) collected(ctx context.Context, tx *store.Tx, a *account, order rows.PaymentOrder, o outcome) error {
	if a.life == nil {
		return errs.New(errs.Internal, "loan.money_before_payout", "贷款尚未放款却收到还款。", "Money arrived for a loan that was not paid out.")
	}
	before := a.life.Paid()
	err := s.happen(ctx, tx, a, happening{Happening: domain.Happening{Kind: domain.Receive, On: countsOn(a, order, o.value), Amount: o.amount, OrderID: order.ID, Payoff: order.Payoff != 0},
		Legs: ledger.Collected(int64(o.amount)), LegEvent: bookCollect, PostingOn: o.posting, ValueOn: o.value})
	if err != nil {
		return err
	}
	paid := a.life.Paid().Minus(before)
	settled, err := s.afterReceipt(ctx, tx, a)
	if err != nil {
		return err
	}
	if err := s.tellRepayment(tx, a, order, o, paid, settled); err != nil {
		return err
	}
	if order.State == orderPaid { // a channel collected twice: the first receipt is the order's, this one is the borrower's money
		return nil
	}
	order.ReceivedMinor, order.UnappliedMinor, order.Settles = int64(o.amount), max(0, int64(o.amount-paid.Total())), bit(settled)
	order.PrincipalMinor, order.InterestMinor = int64(paid[allocate.Principal]), int64(paid[allocate.Interest])
	order.PenaltyMinor, order.FeeMinor = int64(paid[allocate.Penalty]+paid[allocate.Compound]), int64(paid[allocate.Fee]+paid[allocate.Cost])
	return s.endOrder(ctx, tx, order, orderPaid, o)
}

// afterReceipt frees the limit by what principal came back, settles the loan if nothing is left, sends back what is too
// much, and stores the account.
func (s *Service) afterReceipt(ctx context.Context, tx *store.Tx, a *account) (settled bool, err error) {
	if err := s.freeLimit(ctx, tx, a); err != nil {
		return false, err
	}
	st, err := a.standingToday()
	if err != nil {
		return false, err
	}
	if st.Settled && domain.State(a.row.State).Live() {
		if err := s.settleLoan(ctx, tx, a); err != nil {
			return false, err
		}
		settled = true
	}
	if excess := a.life.Unapplied(); excess > 0 && (!domain.State(a.row.State).Live() || !a.life.Terms().KeepExcess) {
		if err := s.refund(ctx, tx, a, excess); err != nil {
			return settled, err
		}
	}
	if err := s.judge(ctx, tx, a, st); err != nil {
		return settled, err
	}
	if !settled {
		started, err := dateOf(a.part.StartedOn)
		if err != nil {
			return settled, err
		}
		a.planAct(started)
	}
	return settled, s.save(ctx, tx, a)
}

// freeLimit makes available again what principal came back since the last time.
func (s *Service) freeLimit(ctx context.Context, tx *store.Tx, a *account) error {
	repaid := int64(a.life.Paid()[allocate.Principal])
	free := repaid - a.row.ReleasedMinor
	if free <= 0 {
		return nil
	}
	a.row.ReleasedMinor = repaid
	return s.limitRelease(ctx, tx, a.row.Bucket, a.row.UserID, free, a.row.ID, limitUsed, "")
}

// settleLoan ends a loan that owes nothing more.
func (s *Service) settleLoan(ctx context.Context, tx *store.Tx, a *account) error {
	if err := s.moveLoan(ctx, tx, a, domain.Settle, ""); err != nil {
		return err
	}
	a.row.SettledOn = a.life.At().String()
	return s.contractMove(ctx, tx, a.row.Bucket, a.row.ApplicationID, domain.EndContract)
}

// refund orders that unapplied money goes back to its source.
func (s *Service) refund(ctx context.Context, tx *store.Tx, a *account, amount money.Amount) error {
	orderID := s.deps.IDs.New(a.row.Bucket)
	if err := s.setApart(ctx, tx, a, orderID, amount); err != nil {
		return err
	}
	return s.orderRefund(ctx, tx, a, orderID, a.row.CardID, amount)
}

// setApart makes unapplied money payable as a refund.
func (s *Service) setApart(ctx context.Context, tx *store.Tx, a *account, orderID int64, amount money.Amount) error {
	return s.happen(ctx, tx, a, happening{Happening: domain.Happening{Kind: domain.OrderRefund, On: a.life.At(), Amount: amount, OrderID: orderID},
		Legs: ledger.RefundOrdered(int64(amount)), LegEvent: bookRefund, PostingOn: calendar.None, ValueOn: calendar.None})
}

// orderRefund asks payment to pay what is payable.
func (s *Service) orderRefund(ctx context.Context, tx *store.Tx, a *account, orderID, cardID int64, amount money.Amount) error {
	return s.order(ctx, tx, rows.PaymentOrder{Bucket: a.row.Bucket, ID: orderID, LoanID: a.row.ID, UserID: a.row.UserID, Kind: orderRefund,
		CardID: cardID, AmountMinor: int64(amount)})
}

// refundEnded books how a refund ended: the money left, or it is the borrower's unapplied money again, or it came back
// and is payable still.
func (s *Service) refundEnded(ctx context.Context, tx *store.Tx, a *account, order rows.PaymentOrder, o outcome) error {
	h := happening{Happening: domain.Happening{Kind: domain.RefundFailed, On: max(o.value, a.life.At()), Amount: money.Amount(order.AmountMinor), OrderID: order.ID},
		Legs: ledger.RefundRefused(order.AmountMinor), LegEvent: bookUnrefund, PostingOn: o.posting, ValueOn: o.value}
	state, why := orderFailed, whyRefused
	switch o.kind {
	case orderPaid:
		h.Kind, h.Amount, h.Legs, h.LegEvent, state, why = domain.RefundPaid, o.amount, ledger.Refunded(int64(o.amount)), bookRefunded, orderPaid, ""
	case orderReturned:
		h.Kind, h.Amount, h.Legs, h.LegEvent, state, why = domain.RefundBack, o.amount, ledger.RefundCameBack(int64(o.amount)), bookReturned, orderReturned, whyReturned
	}
	if err := s.happen(ctx, tx, a, h); err != nil {
		return err
	}
	if why != "" {
		if err := s.listMoney(tx, order.ID, why); err != nil {
			return err
		}
	}
	if err := s.save(ctx, tx, a); err != nil {
		return err
	}
	return s.endOrder(ctx, tx, order, state, o)
}

func (s *Service) tellRepayment(tx *store.Tx, a *account, order rows.PaymentOrder, o outcome, paid allocate.Amounts, settled bool) error {
	st, err := a.standingToday()
	if err != nil {
		return err
	}
	e := &loanv1.RepaymentApplied{LoanId: a.row.ID, OrderId: order.ID, AmountMinor: int64(o.amount), PrincipalMinor: int64(paid[allocate.Principal]),
		InterestMinor: int64(paid[allocate.Interest]), PenaltyMinor: int64(paid[allocate.Penalty] + paid[allocate.Compound]),
		FeeMinor: int64(paid[allocate.Fee] + paid[allocate.Cost]), UnappliedMinor: int64(o.amount - paid.Total()), Settled: settled,
		OutstandingPrincipalMinor: int64(st.Outstanding), OverdueMinor: int64(st.Overdue)}
	posting := ""
	if o.posting != calendar.None {
		posting = o.posting.String()
	}
	return errs.Wrap(s.deps.Log.Append(tx, eventlog.Event{UserID: a.row.UserID, Bucket: a.row.Bucket, Body: e, PostingOn: posting, ValueOn: o.value.String()}), "telling a repayment")
}

// freedOn is the day from which an order that ended without money covers nothing: the day on which it failed at the channel,
// however late that is known. Before that day it was not final, and those days stay free of penalty. If no day is told, and
// for an order that was called off, it is today.
func freedOn(a *account, o outcome) (calendar.Date, error) {
	open, err := dateOf(a.part.OpenOn)
	today := max(open, a.life.At())
	if o.kind == orderCancelled || o.value == calendar.None {
		return today, err
	}
	return min(max(o.value, a.life.Locked().On), today), err
}

// collectFailed frees the lock of an order that ended without money. Days past due count from the due date again.
func (s *Service) collectFailed(ctx context.Context, tx *store.Tx, a *account, order rows.PaymentOrder, o outcome) error {
	if a.life != nil && a.life.Locked().OrderID == order.ID {
		freed, err := freedOn(a, o)
		if err != nil {
			return err
		}
		err = s.happen(ctx, tx, a, happening{Happening: domain.Happening{Kind: domain.UnlockMoney, On: freed, OrderID: order.ID},
			PostingOn: calendar.None, ValueOn: calendar.None})
		if err != nil {
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
	}
	err := s.deps.Log.Append(tx, eventlog.Event{UserID: a.row.UserID, Bucket: a.row.Bucket, Body: &loanv1.DebitFailed{
		LoanId: a.row.ID, OrderId: order.ID, AmountMinor: order.AmountMinor, Reason: o.reason}})
	if err != nil {
		return errs.Wrap(err, "telling a failed debit")
	}
	state := orderFailed
	if o.kind == orderCancelled {
		state = orderCancelled
	}
	return s.endOrder(ctx, tx, order, state, o)
}
