package payment

import (
	"context"
	"database/sql"
	"errors"

	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/id"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/service/payment/rows"
)

// commitTries bounds how often a unit is run again because somebody else was faster.
const commitTries = 20

var (
	errStale = errs.New(errs.Conflict, "payment.changed_meanwhile", "数据已被修改，请重试。", "It was changed meanwhile; please try again.")

	errNoOrder = errs.New(errs.NotFound, "payment.order_not_found", "没有找到该支付订单。", "There is no such order.")
)

// commit runs one unit of work, and runs it again from reading on if a row it had read was changed, or the date sealed,
// before it could write.
func (s *Service) commit(ctx context.Context, work func(tx *store.Tx) error) error {
	var err error
	for range commitTries {
		err = s.deps.DB.Write(ctx, work)
		switch {
		case err == nil:
			return nil
		case errors.Is(err, errDateMoved):
			s.journal.forget()
		case !errors.Is(err, errStale) && !store.IsDuplicate(err):
			return err
		}
	}
	if errors.Is(err, errDateMoved) {
		return errStale.Because(err)
	}
	return err
}

func noRow(err error) bool { return errors.Is(err, sql.ErrNoRows) }

// order reads an order, NotFound if there is none.
func order(ctx context.Context, q *rows.Queries, orderID int64) (rows.PaymentOrder, error) {
	o, err := q.OrderByID(ctx, rows.OrderByIDParams{Bucket: id.Bucket(orderID), OrderID: orderID})
	if noRow(err) {
		return o, errNoOrder
	}
	return o, errs.Wrap(err, "reading an order")
}

func attempts(ctx context.Context, q *rows.Queries, orderID int64) ([]rows.PaymentAttempt, error) {
	list, err := q.AttemptsOfOrder(ctx, rows.AttemptsOfOrderParams{Bucket: id.Bucket(orderID), OrderID: orderID})
	return list, errs.Wrap(err, "reading attempts")
}
