package payment

import (
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	"github.com/hengdai/hengdai/domain/payment"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/job"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/service/payment/rows"
)

// route decides to which channel the order goes now, with what is configured and what two people have changed.
func (u *unit) route() (payment.Decision, error) {
	rules, err := u.s.rules(u)
	if err != nil {
		return payment.Decision{}, err
	}
	ask := payment.Ask{Kind: u.kind(), AmountMinor: u.order.AmountMinor}
	for i := range u.tries {
		ask.Tried = append(ask.Tried, u.tries[i].Channel)
	}
	return payment.Route(ask, rules), nil
}

func (s *Service) rules(u *unit) ([]payment.Rule, error) {
	list, err := s.settings(u.ctx, u.q)
	if err != nil {
		return nil, err
	}
	rules := make([]payment.Rule, len(list))
	for i, c := range list {
		rules[i] = payment.Rule{
			Channel: c.Channel, Priority: c.Priority, Enabled: c.Enabled != 0, Draining: c.Draining != 0,
			Kinds: s.channels[c.Channel].profile.Kinds, MinMinor: c.MinMinor, MaxMinor: c.MaxMinor,
		}
	}
	return rules, nil
}

// prepare routes the order and commits to an attempt: its channel, its number there and the hash of what is asked. It
// answers nil with the decision if no channel takes the order now.
func (u *unit) prepare() (*rows.PaymentAttempt, payment.Decision, error) {
	d, err := u.route()
	if err != nil || d.Channel == "" {
		return nil, d, err
	}
	route, err := json.Marshal(d)
	if err != nil {
		return nil, d, errs.Wrap(err, "writing a routing decision")
	}
	o := &u.order
	attemptID := u.s.deps.IDs.New(o.Bucket)
	a := rows.PaymentAttempt{
		Bucket: o.Bucket, AttemptID: attemptID, OrderID: o.OrderID, LiveKey: sql.NullInt64{Int64: o.OrderID, Valid: true},
		Number: int64(len(u.tries) + 1), Channel: d.Channel, RequestNo: requestNo(attemptID), AmountMinor: o.AmountMinor,
		State: string(payment.Prepared), Route: string(route), RequestedMs: u.now.UnixMilli(), Version: 1,
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
	return &u.tries[len(u.tries)-1], d, u.moveOrder(payment.OrderSend)
}

// tryElsewhere prepares an attempt at another channel, to be sent by its own effect. False means that there is none.
func (u *unit) tryElsewhere() (bool, error) {
	a, _, err := u.prepare()
	if a == nil || err != nil {
		return false, err
	}
	return true, u.s.queue.Add(u.tx, job.Effect{Kind: effectAttempt, Bucket: a.Bucket, ID: a.AttemptID})
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
