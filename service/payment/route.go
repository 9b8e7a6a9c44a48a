package payment

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	"github.com/hengdai/hengdai/domain/payment"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/service/payment/rows"
)

// routeMost is how long a stored decision may be.
const routeMost = 2000

// route decides to which channel the order goes now, with what is configured, what two people have changed and how the
// channels do.
func (u *unit) route() (payment.Decision, error) {
	d, settings, err := u.s.choose(u.ctx, u.q, &u.order, u.tries, true)
	u.settings = settings
	return d, err
}

// choose decides for an order; count says that it happens inside the transaction that will use the decision.
func (s *Service) choose(ctx context.Context, q *rows.Queries, o *rows.PaymentOrder, tries []rows.PaymentAttempt, count bool,
) (payment.Decision, []rows.PaymentChannel, error) {
	list, err := s.settings(ctx, q)
	if err != nil {
		return payment.Decision{}, nil, err
	}
	now := s.deps.Clock.Now()
	ask := payment.Ask{Kind: payment.Kind(o.Kind), AmountMinor: o.AmountMinor, Minute: minute(now)}
	for i := range tries {
		if payment.AttemptState(tries[i].State) != payment.Prepared { // that one never left
			ask.Tried = append(ask.Tried, tries[i].Channel)
		}
	}
	rules := make([]payment.Rule, len(list))
	for i := range list {
		used, err := s.used(ctx, q, &list[i], now, count)
		if err != nil {
			return payment.Decision{}, nil, err
		}
		if rules[i], err = s.channels[list[i].Channel].rule(&list[i], ask.Kind, used); err != nil {
			return payment.Decision{}, nil, err
		}
	}
	return payment.Route(ask, rules), list, nil
}

// setting answers what was in force for a channel when the unit routed.
func (u *unit) setting(name string) *rows.PaymentChannel {
	for i := range u.settings {
		if u.settings[i].Channel == name {
			return &u.settings[i]
		}
	}
	return &rows.PaymentChannel{Channel: name, Breaker: breakerAuto}
}

// written is a decision as it is stored: of very many channels the last are left out.
func written(d payment.Decision) (string, error) {
	for {
		raw, err := json.Marshal(d)
		if err != nil || len(raw) <= routeMost || len(d.Considered) == 0 {
			return string(raw), errs.Wrap(err, "writing a routing decision")
		}
		d.Considered = d.Considered[:len(d.Considered)-1]
	}
}

// prepare routes the order and commits to an attempt: its channel, its number there and the hash of what is asked. It
// answers nil with the decision if no channel takes the order now.
func (u *unit) prepare() (*rows.PaymentAttempt, payment.Decision, error) {
	d, err := u.route()
	if err != nil || d.Channel == "" {
		return nil, d, err
	}
	route, err := written(d)
	if err != nil {
		return nil, d, err
	}
	if c := u.setting(d.Channel); c.DailyMinor > 0 {
		if err := u.takeUse(c); err != nil {
			return nil, d, err
		}
	}
	o := &u.order
	attemptID := u.s.deps.IDs.New(o.Bucket)
	a := rows.PaymentAttempt{
		Bucket: o.Bucket, AttemptID: attemptID, OrderID: o.OrderID, LiveKey: sql.NullInt64{Int64: o.OrderID, Valid: true},
		Number: int64(len(u.tries) + 1), Channel: d.Channel, RequestNo: requestNo(attemptID), AmountMinor: o.AmountMinor,
		State: string(payment.Prepared), Route: route, RequestedMs: u.now.UnixMilli(), Version: 1,
	}
	a.RequestHash = requestHash(o, &a)
	if err := u.q.InsertAttempt(u.ctx, rows.InsertAttemptParams{
		Bucket: a.Bucket, AttemptID: a.AttemptID, OrderID: a.OrderID, LiveKey: a.LiveKey, Number: a.Number, Channel: a.Channel,
		RequestNo: a.RequestNo, RequestHash: a.RequestHash, AmountMinor: a.AmountMinor, State: a.State, Route: a.Route,
		RequestedMs: a.RequestedMs,
	}); err != nil {
		return nil, d, errs.Wrap(err, "preparing an attempt")
	}
	if err := u.noteMove(a.AttemptID, "", "prepare", a.State); err != nil {
		return nil, d, err
	}
	u.tries = append(u.tries, a)
	u.s.metrics.routed(u.tx, u.order.Kind, d)
	return &u.tries[len(u.tries)-1], d, u.moveOrder(payment.OrderSend)
}

// submit commits that the attempt is about to be sent, by the worker that holds the fence; a worker with a lower fence
// has been replaced. A repeat of the same number leaves the state as it is.
func (u *unit) submit(a *rows.PaymentAttempt, fence int64) error {
	to := payment.AttemptState(a.State)
	if to == payment.Prepared {
		var err error
		if to, err = payment.Apply(payment.Attempts, to, payment.AttemptSubmit); err != nil {
			return err
		}
		if err := u.noteMove(a.AttemptID, a.State, string(payment.AttemptSubmit), string(to)); err != nil {
			return err
		}
	}
	if !slices.Equal(a.RequestHash, requestHash(&u.order, a)) {
		return errs.New(errs.Internal, "payment.request_changed", "支付请求与已登记的内容不一致。", "The request differs from what was committed.")
	}
	n, err := u.q.SendAttempt(u.ctx, rows.SendAttemptParams{
		ToState: string(to), SubmittedMs: u.now.UnixMilli(), Fence: fence, Bucket: a.Bucket, AttemptID: a.AttemptID, Version: a.Version,
	})
	if err := store.One(n, err, errStale); err != nil {
		return errs.Wrap(err, "sending an attempt")
	}
	a.State, a.SubmittedMs, a.Fence = string(to), u.now.UnixMilli(), fence
	a.Sends++
	a.Version++
	return nil
}

// requestNo is our number of an attempt at its channel: the attempt's id, so that a channel's message leads straight to
// the bucket and row.
func requestNo(attemptID int64) string { return strconv.FormatInt(attemptID, 10) }

// attemptOf reads our number back; zero if it is none of ours.
func attemptOf(no string) int64 {
	attemptID, err := strconv.ParseInt(no, 10, 64)
	if err != nil || attemptID <= 0 || requestNo(attemptID) != no {
		return 0
	}
	return attemptID
}

// requestHash covers what is asked of the channel except the personal values, which are not stored in any form: of a
// card number even the hash would be the number.
func requestHash(o *rows.PaymentOrder, a *rows.PaymentAttempt) []byte {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s|%s|%s|%d|%s|%d|%d|%d", a.Channel, a.RequestNo, o.Kind, o.AmountMinor, o.Currency,
		o.UserID, o.CardID, a.RequestedMs))
	return sum[:]
}
