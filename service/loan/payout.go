package loan

import (
	"context"
	"encoding/json"

	loanv1 "github.com/hengdai/hengdai/api/loan/v1"
	paymentv1 "github.com/hengdai/hengdai/api/payment/v1"
	"github.com/hengdai/hengdai/domain/calendar"
	"github.com/hengdai/hengdai/domain/ledger"
	domain "github.com/hengdai/hengdai/domain/loan"
	"github.com/hengdai/hengdai/domain/money"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/job"
	eventlog "github.com/hengdai/hengdai/kit/log"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/service/loan/rows"
)

// Kinds of orders, in payment's words.
const (
	orderDisbursement = "disbursement"
	orderDebit        = "debit"
	orderRepayment    = "repayment"
	orderRefund       = "refund"
)

// States of an order as loan sees it.
const (
	orderPending   = "PENDING"
	orderPaid      = "PAID"
	orderFailed    = "FAILED"
	orderCancelled = "CANCELLED"
	orderReturned  = "RETURNED"
)

// createLoan makes the loan of a contract that all have signed, and the order to pay it out. The order's id is stored
// before anything is sent, so however often it is sent it is one order.
func (s *Service) createLoan(ctx context.Context, tx *store.Tx, n newLoan) error {
	n.Terms.Plan.DisbursedOn = calendar.None
	terms, err := json.Marshal(n.Terms)
	if err != nil {
		return errs.Wrap(err, "encoding a loan's terms")
	}
	part, err := s.partOf(ctx, tx, n.Bucket)
	if err != nil {
		return err
	}
	now := s.deps.Clock.Now().UnixMilli()
	orderID := s.deps.IDs.New(n.Bucket)
	row := rows.Loan{
		Bucket: n.Bucket, ID: n.ID, UserID: n.UserID, ApplicationID: n.ApplicationID, ContractID: n.ContractID, CardID: n.CardID, Product: n.Product,
		ProductVersion: int64(n.ProductVersion), State: string(domain.AwaitingDisbursement), Terms: terms, PrincipalMinor: n.AmountMinor,
		TermMonths: int64(n.TermMonths), Method: n.Method, RatePpm: n.RatePPM, Purpose: n.Purpose, Grade: n.Grade, PayoutOrderID: orderID,
		Life: []byte{}, ActOn: far, Steps: 0, CreatedMs: now, ChangedMs: now, Version: 1,
	}
	a := &account{row: row, part: part}
	if err := s.tellLoanMove(ctx, tx, a, "", ""); err != nil {
		return err
	}
	if err := rows.New(tx).InsertLoan(ctx, rows.InsertLoanParams(a.row)); err != nil {
		return errs.Wrap(err, "storing a loan")
	}
	return s.order(ctx, tx, rows.PaymentOrder{Bucket: n.Bucket, ID: orderID, LoanID: n.ID, UserID: n.UserID, Kind: orderDisbursement, CardID: n.CardID, AmountMinor: n.AmountMinor})
}

// order stores an order and the effect that sends it.
func (s *Service) order(ctx context.Context, tx *store.Tx, o rows.PaymentOrder) error {
	o.State, o.CreatedMs, o.Version = orderPending, s.deps.Clock.Now().UnixMilli(), 1
	if err := rows.New(tx).InsertPaymentOrder(ctx, rows.InsertPaymentOrderParams(o)); err != nil {
		return errs.Wrap(err, "storing an order")
	}
	return errs.Wrap(s.queue.Add(tx, job.Effect{Kind: effectOrder, Bucket: o.Bucket, ID: o.ID}), "storing the sending of an order")
}

// sendOrder hands a stored order to payment. What payment refuses for good was never stored there, so it ends here as a
// refusal of the channel would.
func (s *Service) sendOrder(ctx context.Context, e job.Effect) error {
	o, err := rows.New(s.deps.DB.Primary()).PaymentOrder(ctx, rows.PaymentOrderParams{Bucket: e.Bucket, ID: e.ID})
	if err != nil {
		return errs.Wrap(err, "reading an order")
	}
	if o.State != orderPending {
		return nil
	}
	_, err = s.deps.Payment.CreateOrder(ctx, &paymentv1.CreateOrderRequest{
		OrderId: o.ID, Kind: o.Kind, UserId: o.UserID, LoanId: o.LoanID, CardId: o.CardID, AmountMinor: o.AmountMinor, Currency: money.CNY.Code, NotBefore: o.NotBefore,
	})
	switch errs.CodeOf(err) {
	case 0:
		return s.orderSent(ctx, o)
	case errs.Invalid, errs.Denied, errs.NotFound, errs.Precondition:
		reason := errs.ReasonOf(err)
		s.deps.Logger.ErrorContext(ctx, "payment refused an order", "order", o.ID, "kind", o.Kind, "reason", reason)
		return s.write(ctx, func(tx *store.Tx) error {
			return s.settleOrder(ctx, tx, outcome{bucket: o.Bucket, orderID: o.ID, kind: "REJECTED", reason: reason, posting: calendar.None, value: calendar.None})
		})
	case errs.Unauthenticated, errs.Conflict, errs.Exhausted, errs.Unavailable, errs.Internal:
		return errs.Wrap(err, "handing an order to payment")
	}
	return errs.Wrap(err, "handing an order to payment")
}

// orderSent notes that payment has a payout: from now on only payment knows whether money left.
func (s *Service) orderSent(ctx context.Context, o rows.PaymentOrder) error {
	if o.Kind != orderDisbursement {
		return nil
	}
	return s.write(ctx, func(tx *store.Tx) error {
		a, err := s.open(ctx, tx, o.Bucket, o.LoanID)
		if err != nil {
			return err
		}
		if domain.State(a.row.State) != domain.AwaitingDisbursement {
			return nil // its outcome was told already
		}
		if err := s.moveLoan(ctx, tx, a, domain.Send, ""); err != nil {
			return err
		}
		return s.save(ctx, tx, a)
	})
}

// outcome is how an order ended.
type outcome struct {
	bucket, orderID int64
	// kind is payment's word: PAID, REJECTED, CANCELLED, RETURNED.
	kind, reason   string
	amount         money.Amount
	posting, value calendar.Date
}

// orderSettled follows payment's log.
func (s *Service) orderSettled(ctx context.Context, tx *store.Tx, m eventlog.Meta, e *paymentv1.OrderSettled) error {
	o := outcome{bucket: m.Bucket, orderID: e.GetOrderId(), kind: e.GetOutcome(), reason: e.GetReason(), amount: money.Amount(e.GetAmountMinor())}
	var err error
	if o.posting, err = dateOf(e.GetPostingOn()); err != nil {
		return err
	}
	if o.value, err = dateOf(e.GetValueOn()); err != nil {
		return err
	}
	return s.settleOrder(ctx, tx, o)
}

// settleOrder applies an outcome to the loan the order is for.
func (s *Service) settleOrder(ctx context.Context, tx *store.Tx, o outcome) error {
	order, err := rows.New(tx).PaymentOrder(ctx, rows.PaymentOrderParams{Bucket: o.bucket, ID: o.orderID})
	if err != nil {
		return errs.Wrap(notFound(err, errNoOrder), "reading an order")
	}
	a, err := s.open(ctx, tx, o.bucket, order.LoanID)
	if err != nil {
		return err
	}
	if o.value == calendar.None {
		if o.value, err = dateOf(a.part.OpenOn); err != nil {
			return err
		}
	}
	switch {
	case order.Kind == orderDisbursement && o.kind == orderPaid:
		return s.paidOut(ctx, tx, a, order, o)
	case order.Kind == orderDisbursement && o.kind == orderReturned:
		return s.payoutReturned(ctx, tx, a, order, o)
	case order.Kind == orderDisbursement:
		return s.payoutFailed(ctx, tx, a, order, o)
	case order.Kind == orderRefund:
		return s.refundEnded(ctx, tx, a, order, o)
	case o.kind == orderPaid:
		return s.collected(ctx, tx, a, order, o)
	case o.kind == orderReturned:
		return s.chargedBack(ctx, tx, a, order, o)
	}
	return s.collectFailed(ctx, tx, a, order, o)
}

var errNoOrder = errs.New(errs.NotFound, "repayment.not_found", "没有找到该还款记录。", "There is no such repayment.")

// endOrder writes how an order ended.
func (s *Service) endOrder(ctx context.Context, tx *store.Tx, r rows.PaymentOrder, state string, o outcome) error {
	r.State, r.Reason, r.EndedMs = state, cutTo(o.reason, 64), s.deps.Clock.Now().UnixMilli()
	if o.posting != calendar.None {
		r.PostingOn = o.posting.String()
	}
	r.ValueOn = o.value.String()
	n, err := rows.New(tx).EndPaymentOrder(ctx, rows.EndPaymentOrderParams{
		State: r.State, Reason: r.Reason, PostingOn: r.PostingOn, ValueOn: r.ValueOn, ReceivedMinor: r.ReceivedMinor, PrincipalMinor: r.PrincipalMinor,
		InterestMinor: r.InterestMinor, PenaltyMinor: r.PenaltyMinor, FeeMinor: r.FeeMinor, UnappliedMinor: r.UnappliedMinor, Settles: r.Settles,
		EndedMs: r.EndedMs, Bucket: r.Bucket, ID: r.ID, Version: r.Version,
	})
	return errs.Wrap(store.One(n, err, errStale), "ending an order")
}

// paidOut begins the loan: the money left on the value date, and the schedule runs from that day.
func (s *Service) paidOut(ctx context.Context, tx *store.Tx, a *account, order rows.PaymentOrder, o outcome) error {
	if int64(o.amount) != a.row.PrincipalMinor { // the principal is what was paid out (民法典 Art. 670)
		return errs.New(errs.Internal, "loan.payout_amount", "放款金额与合同本金不一致，需人工处理。", "What was paid out is not the contract's principal; a person must handle it.")
	}
	if err := s.moveLoan(ctx, tx, a, domain.PayOut, ""); err != nil {
		return err
	}
	a.row.DisbursedOn = o.value.String()
	err := s.happen(ctx, tx, a, happening{Happening: domain.Happening{Kind: domain.Disbursal, On: o.value, Amount: o.amount, OrderID: order.ID},
		Legs: ledger.Disbursed(int64(o.amount)), LegEvent: bookPayout, PostingOn: o.posting, ValueOn: o.value})
	if err != nil {
		return err
	}
	a.row.MaturesOn = a.life.Plan().LastDue().String()
	standing, err := a.standingToday()
	if err != nil {
		return err
	}
	if err := s.judge(ctx, tx, a, standing); err != nil {
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
	if err := s.tellSchedule(tx, a); err != nil {
		return err
	}
	if err := s.limitUse(ctx, tx, a.row.Bucket, a.row.UserID, a.row.PrincipalMinor, a.row.ID); err != nil {
		return err
	}
	if err := s.applicationMove(ctx, tx, a.row.Bucket, a.row.ApplicationID, domain.Disburse, ""); err != nil {
		return err
	}
	return s.endOrder(ctx, tx, order, orderPaid, o)
}

func (s *Service) tellSchedule(tx *store.Tx, a *account) error {
	e := &loanv1.ScheduleFixed{LoanId: a.row.ID, Product: a.row.Product, PrincipalMinor: a.row.PrincipalMinor, DisbursedOn: a.row.DisbursedOn,
		Method: a.row.Method, RatePpm: int32(a.row.RatePpm)}
	for _, r := range a.life.Plan().Rows {
		e.Rows = append(e.Rows, &loanv1.Row{Number: int32(r.Number), DueOn: r.DueOn.String(), PrincipalMinor: int64(r.Principal),
			InterestMinor: int64(r.Interest), FeeMinor: int64(r.Fee)})
	}
	return errs.Wrap(s.deps.Log.Append(tx, eventlog.Event{UserID: a.row.UserID, Bucket: a.row.Bucket, Body: e, ValueOn: a.row.DisbursedOn}), "telling a schedule")
}

// payoutFailed ends a loan whose money never left: what was frozen is free again.
func (s *Service) payoutFailed(ctx context.Context, tx *store.Tx, a *account, order rows.PaymentOrder, o outcome) error {
	reason := o.reason
	if reason == "" {
		reason = "payout_rejected"
	}
	if err := s.moveLoan(ctx, tx, a, domain.FailPayout, reason); err != nil {
		return err
	}
	if err := s.save(ctx, tx, a); err != nil {
		return err
	}
	if err := s.limitRelease(ctx, tx, a.row.Bucket, a.row.UserID, a.row.PrincipalMinor, a.row.ID, limitFrozen, ""); err != nil {
		return err
	}
	if err := s.applicationMove(ctx, tx, a.row.Bucket, a.row.ApplicationID, domain.FailToPay, reason); err != nil {
		return err
	}
	return s.endOrder(ctx, tx, order, orderFailed, o)
}

// payoutReturned: the money came back after success. What was accrued is reversed whole, what was paid waits to go back,
// the claim stands against the payable until the payout is repeated or given up. The limit stays used until then.
func (s *Service) payoutReturned(ctx context.Context, tx *store.Tx, a *account, order rows.PaymentOrder, o outcome) error {
	if err := s.moveLoan(ctx, tx, a, domain.ReturnPayout, o.reason); err != nil {
		return err
	}
	err := s.happen(ctx, tx, a, happening{Happening: domain.Happening{Kind: domain.PayoutBack, On: o.value, Amount: o.amount, OrderID: order.ID},
		Legs: ledger.ReturnedToUs(int64(o.amount)), LegEvent: bookReturn, PostingOn: o.posting, ValueOn: o.value})
	if err != nil {
		return err
	}
	standing, err := a.standingToday()
	if err != nil {
		return err
	}
	if err := s.judge(ctx, tx, a, standing); err != nil {
		return err
	}
	if err := s.save(ctx, tx, a); err != nil {
		return err
	}
	return s.endOrder(ctx, tx, order, orderReturned, o)
}
