package payment

import (
	"cmp"

	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/service/payment/rows"
)

// noteBack keeps that money of an attempt came back, so that a file must state it: on the settlement date that the
// channel gave, else on the day it moved.
func (u *unit) noteBack(a *rows.PaymentAttempt, settledOn, movedOn string) error {
	return errs.Wrap(u.q.InsertBack(u.ctx, rows.InsertBackParams{
		Bucket: a.Bucket, AttemptID: a.AttemptID, OrderID: a.OrderID, Channel: a.Channel, AmountMinor: -inTransit(&u.order, a.AmountMinor),
		SettledOn: cmp.Or(settledOn, movedOn), CreatedMs: u.now.UnixMilli(),
	}), "noting a return")
}
