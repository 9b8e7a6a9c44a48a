package payment

import (
	"context"
	"time"

	"github.com/hengdai/hengdai/domain/calendar"
	"github.com/hengdai/hengdai/domain/payment"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/service/payment/channel"
	"github.com/hengdai/hengdai/service/payment/rows"
)

const absentMax = 200

// judgeAbsent fails attempts of which nothing is known when it is proven that they were never carried out: no line of a
// complete statement names them, on every date from the first submission to the day after that on which
// the channel could begin last, and that time has passed. Everything else stays unknown for ever.
func (s *Service) judgeAbsent(ctx context.Context, l *line) error {
	if l.profile.AcceptFor <= 0 {
		return nil // no contract says when the channel stops
	}
	q := rows.New(s.deps.DB.Primary())
	before := s.deps.Clock.Now().Add(-l.profile.AcceptFor)
	list, err := q.UnknownAttempts(ctx, rows.UnknownAttemptsParams{Channel: l.profile.Name, BeforeMs: before.UnixMilli(), Limit: absentMax})
	if err != nil {
		return errs.Wrap(err, "looking for unknown attempts")
	}
	for i := range list {
		a := &list[i]
		first := calendar.InShanghai(time.UnixMilli(a.RequestedMs))
		last := calendar.InShanghai(time.UnixMilli(a.SubmittedMs).Add(l.profile.AcceptFor)) + 1
		complete, err := q.CountReceived(ctx, rows.CountReceivedParams{
			Channel: l.profile.Name, Account: l.cfg.MerchantID, FirstOn: first.String(), LastOn: last.String(),
		})
		if err != nil {
			return errs.Wrap(err, "counting statements")
		}
		if complete < int64(calendar.Days(first, last)+1) {
			continue
		}
		if err := s.failAbsent(ctx, a, last); err != nil {
			return err
		}
	}
	return nil
}

// failAbsent lets an attempt learn that it failed, if it was not sent again meanwhile and no line speaks of it.
func (s *Service) failAbsent(ctx context.Context, seen *rows.PaymentAttempt, last calendar.Date) error {
	return s.on(ctx, seen.OrderID, actorStatement, func(u *unit) error {
		a := u.attempt(seen.AttemptID)
		if a == nil || payment.AttemptState(a.State) != payment.Unknown || a.SubmittedMs != seen.SubmittedMs || a.Fence != seen.Fence {
			return nil
		}
		stated, err := u.q.CountLinesOfAttempt(u.ctx, rows.CountLinesOfAttemptParams{Bucket: a.Bucket, Channel: a.Channel, AttemptID: a.AttemptID})
		if err != nil || stated > 0 {
			return errs.Wrap(err, "looking for a line")
		}
		return u.learn(a, word{
			source: fromStatement, outcome: payment.Outcome{Verdict: payment.Failed, Reason: "absent_from_statement", Elsewhere: true},
			reply: channel.Reply{Answer: payment.Answer{Status: payment.SaidFailed, Code: "ABSENT", Message: "in no statement up to " + last.String()}},
		})
	})
}
