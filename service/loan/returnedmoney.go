package loan

import (
	"context"

	loanv1 "github.com/hengdai/hengdai/api/loan/v1"
	"github.com/hengdai/hengdai/domain/money"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/id"
	"github.com/hengdai/hengdai/kit/rpc"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/kit/task"
	"github.com/hengdai/hengdai/service/loan/rows"
)

// queueMoney is the list of money that came back or was taken back and waits for a person. The subject is the order.
const queueMoney = "returned_money"

// Why money is on the list.
const (
	whyReturned = "refund_returned" // payable, 2241.refund
	whyRefused  = "refund_refused"  // unapplied again, 2241.unapplied
	whyTaken    = "charge_back"     // unapplied below zero
)

const (
	actPayAgain = "pay_again"
	moneyMax    = 1000
)

var (
	errNoMoney  = errs.New(errs.NotFound, "returned_money.not_found", "没有该笔待处理资金。", "There is no such item.").On("orderId")
	errWrongAct = errs.New(errs.Precondition, "returned_money.act", "该笔资金不能这样处理。", "This is not how such an item ends: a refund is paid again, a charge-back is closed.").On("act")
	errSpent    = errs.New(errs.Precondition, "returned_money.spent", "该笔资金已用于还款，请先核对账户。", "The money has served the loan meanwhile; look at its journal first.").On("orderId")
)

func (s *Service) listMoney(tx *store.Tx, orderID int64, why string) error {
	_, err := task.Open(tx, task.Task{Queue: queueMoney, SubjectID: orderID, Note: why, Created: s.deps.Clock.Now()})
	return errs.Wrap(err, "listing returned money")
}

// ListReturnedMoney answers what waits for a person.
func (f staff) ListReturnedMoney(ctx context.Context, _ *loanv1.ListReturnedMoneyRequest) (*loanv1.ListReturnedMoneyResponse, error) {
	open, err := task.List(ctx, f.deps.DB.Primary(), task.Filter{Queue: queueMoney, State: task.Waiting, Limit: moneyMax})
	if err != nil {
		return nil, errs.Wrap(err, "listing returned money")
	}
	out := &loanv1.ListReturnedMoneyResponse{}
	for _, t := range open {
		o, err := f.returnedOrder(ctx, f.deps.DB.Primary(), t.SubjectID)
		if err != nil {
			return nil, err
		}
		out.Items = append(out.Items, &loanv1.ReturnedMoney{OrderId: o.ID, LoanId: o.LoanID, UserId: o.UserID, Why: t.Note,
			AmountMinor: o.AmountMinor, SinceMs: t.Created.UnixMilli()})
	}
	return out, nil
}

func (s *Service) returnedOrder(ctx context.Context, q store.DBTX, orderID int64) (rows.PaymentOrder, error) {
	o, err := rows.New(q).PaymentOrder(ctx, rows.PaymentOrderParams{Bucket: id.Bucket(orderID), ID: orderID})
	return o, errs.Wrap(notFound(err, errNoMoney), "reading an order")
}

// ResolveReturnedMoney ends an item. Whoever comes second finds it taken.
func (f staff) ResolveReturnedMoney(ctx context.Context, req *loanv1.ResolveReturnedMoneyRequest) (*loanv1.ResolveReturnedMoneyResponse, error) {
	who, err := member(ctx)
	if err != nil {
		return nil, err
	}
	order, err := f.returnedOrder(ctx, f.deps.DB.Primary(), req.GetOrderId())
	if err != nil {
		return nil, err
	}
	cardID := order.CardID
	if req.GetCardId() != 0 {
		if err := f.ownCard(ctx, order.UserID, req.GetCardId()); err != nil {
			return nil, err
		}
		cardID = req.GetCardId()
	}
	out := &loanv1.ResolveReturnedMoneyResponse{}
	again := f.deps.IDs.New(order.Bucket)
	err = f.write(ctx, func(tx *store.Tx) error {
		out.OrderId = 0
		t, err := task.Find(ctx, tx, queueMoney, order.ID, 0)
		if err != nil {
			return errNoMoney.Because(err)
		}
		if t.State != task.Waiting {
			return task.ErrTaken
		}
		if (req.GetAct() == actPayAgain) == (t.Note == whyTaken) {
			return errWrongAct
		}
		if req.GetAct() == actPayAgain {
			out.OrderId = again
			if err := f.payAgain(ctx, tx, order, again, cardID, t.Note); err != nil {
				return err
			}
		}
		return f.finishMoney(tx, who, t, req)
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// payAgain orders a refund anew. One that was refused had become unapplied again, so it must still be there.
func (s *Service) payAgain(ctx context.Context, tx *store.Tx, order rows.PaymentOrder, again, cardID int64, why string) error {
	a, err := s.open(ctx, tx, order.Bucket, order.LoanID)
	if err != nil {
		return err
	}
	amount := money.Amount(order.AmountMinor)
	if why == whyRefused {
		if a.life.Unapplied() < amount {
			return errSpent
		}
		if err := s.setApart(ctx, tx, a, again, amount); err != nil {
			return err
		}
		if err := s.save(ctx, tx, a); err != nil {
			return err
		}
	}
	return s.orderRefund(ctx, tx, a, again, cardID, amount)
}

func (s *Service) finishMoney(tx *store.Tx, who rpc.Principal, t task.Task, req *loanv1.ResolveReturnedMoneyRequest) error {
	if _, err := task.ClaimOne(tx, t.ID, who.ID, reviewLease); err != nil {
		return errs.Wrap(err, "taking an item")
	}
	if err := task.Done(tx, t.ID, who.ID, s.deps.Clock.Now()); err != nil {
		return errs.Wrap(err, "ending an item")
	}
	return s.act(tx, who, "loan.returned_money", "order", t.SubjectID, req.GetReason(), map[string]string{"act": req.GetAct(), "why": t.Note})
}
