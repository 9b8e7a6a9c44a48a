package payment

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"

	paymentv1 "github.com/hengdai/hengdai/api/payment/v1"
	"github.com/hengdai/hengdai/domain/calendar"
	"github.com/hengdai/hengdai/domain/payment"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/id"
	"github.com/hengdai/hengdai/kit/job"
	eventlog "github.com/hengdai/hengdai/kit/log"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/service/payment/rows"
)

// internalAPI is what other services ask of payment.
type internalAPI struct{ *Service }

var (
	errBucket = errs.New(errs.Invalid, "payment.order_of_another_bucket",
		"订单号与用户不属于同一分桶。", "The order's id was not made in the user's bucket.").On("orderId")
	errNotBefore = errs.New(errs.Invalid, "payment.not_before_invalid",
		"最早发送日期不存在。", "The date before which nothing may be sent does not exist.").On("notBefore")
	errSent = errs.New(errs.Precondition, "payment.order_sent",
		"该支付订单已经发出或已结束，不能取消。", "The order was sent or has ended; it cannot be cancelled.")
)

// CreateOrder stores an order, reserved, with its hold, its event and the effect that will send it, in one commit. The
// same id with another body answers Conflict.
func (a internalAPI) CreateOrder(ctx context.Context, req *paymentv1.CreateOrderRequest) (*paymentv1.Order, error) {
	if id.Bucket(req.GetOrderId()) != id.Bucket(req.GetUserId()) {
		return nil, errBucket
	}
	due, err := calendar.ParseOptional(req.GetNotBefore())
	if err != nil {
		return nil, errNotBefore.Because(err)
	}
	hash := orderHash(req)
	err = a.commit(ctx, func(tx *store.Tx) error {
		had, err := order(tx.Context(), rows.New(tx), req.GetOrderId())
		switch {
		case err == nil && !bytes.Equal(had.BodyHash, hash):
			return store.ErrBodyDiffers.On("orderId")
		case err == nil:
			return nil
		case !errors.Is(err, errNoOrder):
			return err
		}
		return a.insertOrder(tx, req, hash, due)
	})
	if err != nil {
		return nil, errs.Wrap(err, "creating an order")
	}
	return a.answer(ctx, req.GetOrderId())
}

func (s *Service) insertOrder(tx *store.Tx, req *paymentv1.CreateOrderRequest, hash []byte, due calendar.Date) error {
	bucket := id.Bucket(req.GetOrderId())
	now := s.deps.Clock.Now()
	u := &unit{s: s, tx: tx, ctx: tx.Context(), q: rows.New(tx), now: now, actor: actorLoan}
	u.order = rows.PaymentOrder{Bucket: bucket, OrderID: req.GetOrderId(), UserID: req.GetUserId(), Kind: req.GetKind()}
	state, err := payment.Apply(payment.Orders, payment.Created, payment.OrderReserve)
	if err != nil {
		return err
	}
	if err := u.q.InsertOrder(u.ctx, rows.InsertOrderParams{
		Bucket: bucket, OrderID: req.GetOrderId(), Kind: req.GetKind(), UserID: req.GetUserId(), LoanID: req.GetLoanId(),
		CardID: req.GetCardId(), AmountMinor: req.GetAmountMinor(), Currency: req.GetCurrency(), NotBefore: req.GetNotBefore(),
		BodyHash: hash, State: string(state), CreatedMs: now.UnixMilli(), UpdatedMs: now.UnixMilli(),
	}); err != nil {
		return err
	}
	if err := u.noteMove(0, "", "create", string(payment.Created)); err != nil {
		return err
	}
	if err := u.noteMove(0, string(payment.Created), string(payment.OrderReserve), string(state)); err != nil {
		return err
	}
	direction := "in"
	if payment.Kind(req.GetKind()).Out() {
		direction = "out"
	}
	if err := u.q.InsertHold(u.ctx, rows.InsertHoldParams{
		Bucket: bucket, OrderID: req.GetOrderId(), Direction: direction, AmountMinor: req.GetAmountMinor(),
	}); err != nil {
		return err
	}
	s.metrics.moved(tx, req.GetKind(), state)
	effect := job.Effect{Kind: effectOrder, Bucket: bucket, ID: req.GetOrderId()}
	if due != calendar.None {
		effect.NotBefore = due.Midnight()
	}
	if err := s.queue.Add(tx, effect); err != nil {
		return err
	}
	return s.deps.Log.Append(tx, eventlog.Event{UserID: req.GetUserId(), Bucket: bucket, Body: &paymentv1.OrderAccepted{
		OrderId: req.GetOrderId(), Kind: req.GetKind(), LoanId: req.GetLoanId(), AmountMinor: req.GetAmountMinor(),
	}})
}

// GetOrder answers an order with its attempts.
func (a internalAPI) GetOrder(ctx context.Context, req *paymentv1.GetOrderRequest) (*paymentv1.Order, error) {
	return a.answer(ctx, req.GetOrderId())
}

// CancelOrder cancels an order of which nothing was sent; Precondition if something was. Repeated it answers the same.
func (a internalAPI) CancelOrder(ctx context.Context, req *paymentv1.CancelOrderRequest) (*paymentv1.Order, error) {
	err := a.on(ctx, req.GetOrderId(), actorLoan, func(u *unit) error {
		if u.state() == payment.Cancelled {
			return nil
		}
		return u.cancel("cancelled")
	})
	if err != nil {
		return nil, errs.Wrap(err, "cancelling an order")
	}
	return a.answer(ctx, req.GetOrderId())
}

// cancel ends an order of which nothing was sent.
func (u *unit) cancel(reason string) error {
	u.order.Reason = reason
	err := u.moveOrder(payment.OrderCancel)
	var refused *payment.RefusedError
	if errors.As(err, &refused) {
		return errSent
	}
	if err != nil {
		return err
	}
	if err := u.endHold("VOID"); err != nil {
		return err
	}
	return u.tellSettled(payment.Cancelled, nil, "", "")
}

// answer reads what was committed last.
func (s *Service) answer(ctx context.Context, orderID int64) (*paymentv1.Order, error) {
	q := rows.New(s.deps.DB.Primary())
	o, err := order(ctx, q, orderID)
	if err != nil {
		return nil, err
	}
	tries, err := attempts(ctx, q, orderID)
	if err != nil {
		return nil, err
	}
	return orderOf(&o, tries), nil
}

// orderHash covers everything that the caller states.
func orderHash(r *paymentv1.CreateOrderRequest) []byte {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s|%d|%d|%d|%d|%s|%s", r.GetKind(), r.GetUserId(), r.GetLoanId(), r.GetCardId(),
		r.GetAmountMinor(), r.GetCurrency(), r.GetNotBefore()))
	return sum[:]
}
