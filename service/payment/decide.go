package payment

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"

	paymentv1 "github.com/hengdai/hengdai/api/payment/v1"
	"github.com/hengdai/hengdai/domain/calendar"
	"github.com/hengdai/hengdai/domain/payment"
	"github.com/hengdai/hengdai/kit/approve"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/rpc"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/service/payment/rows"
)

// Decide approves or refuses somebody else's proposal; approved, it takes effect in the same commit.
func (a staffAPI) Decide(ctx context.Context, req *paymentv1.DecideRequest) (*paymentv1.Proposal, error) {
	who, ok := rpc.From(ctx).Person()
	if !ok {
		return nil, errNobody
	}
	by := approve.By{Staff: who.ID, At: a.deps.Clock.Now(), Reason: req.GetReason()}
	err := a.commit(ctx, func(tx *store.Tx) error {
		p, err := approve.Get(tx.Context(), tx, req.GetProposalId())
		if err != nil {
			return err
		}
		act := p.Kind + ".refuse"
		if req.GetApprove() {
			act = p.Kind + ".approve"
			err = approve.Approve(tx, p.ID, by, func(tx *store.Tx, body []byte) error { return a.apply(tx, p, body, who.ID) })
		} else {
			err = approve.Reject(tx, p.ID, by)
		}
		if err != nil {
			return err
		}
		return a.audit(tx, who, act, p.SubjectID, req.GetReason(), p.ID)
	})
	if err != nil {
		return nil, errs.Wrap(err, "deciding")
	}
	return a.proposal(ctx, req.GetProposalId())
}

// apply carries an approved proposal out.
func (s *Service) apply(tx *store.Tx, p approve.Proposal, body []byte, staffID int64) error {
	switch p.Kind {
	case proposeChannel:
		var c channelChange
		if err := json.Unmarshal(body, &c); err != nil {
			return errs.Wrap(err, "reading a proposal")
		}
		return s.changeChannel(tx, c)
	case proposeResolution:
		var r resolution
		if err := json.Unmarshal(body, &r); err != nil {
			return errs.Wrap(err, "reading a proposal")
		}
		u, err := s.unit(tx, r.OrderID, actorStaff(staffID))
		if err != nil {
			return err
		}
		return u.resolve(r)
	case proposeBreak:
		var c closure
		if err := json.Unmarshal(body, &c); err != nil {
			return errs.Wrap(err, "reading a proposal")
		}
		return s.remedy(tx, c, staffID)
	}
	return approve.ErrNone
}

// changeChannel puts in force what two people want of a channel. What the day has used is added up anew when it is next
// asked for.
func (s *Service) changeChannel(tx *store.Tx, c channelChange) error {
	if c.Terms == nil {
		c.Terms = map[payment.Kind]payment.Terms{}
	}
	terms, err := json.Marshal(c.Terms)
	if err != nil {
		return errs.Wrap(err, "writing a channel's terms")
	}
	q := rows.New(tx)
	if err := q.DeleteUse(tx.Context(), rows.DeleteUseParams{Channel: c.Channel, UsedOn: s.today()}); err != nil {
		return errs.Wrap(err, "counting the use of a channel")
	}
	return s.setChannel(tx.Context(), q, rows.PaymentChannel{
		Channel: c.Channel, Enabled: number(c.Enabled), Draining: number(c.Draining), Priority: c.Priority, MinMinor: c.MinMinor,
		MaxMinor: c.MaxMinor, Version: c.Version, DailyMinor: c.DailyMinor, Terms: string(terms), Breaker: cmp.Or(c.Breaker, breakerAuto),
	})
}

// resolve ends an order as two people found it to be, with their evidence at the attempt that was last sent.
func (u *unit) resolve(r resolution) error {
	event, verdict := payment.OrderResolveRejected, payment.Failed
	if r.Outcome == string(payment.Paid) {
		event, verdict = payment.OrderResolvePaid, payment.Succeeded
	}
	if _, err := payment.Apply(payment.Orders, u.state(), event); err != nil {
		return errNotManual
	}
	last := u.lastSent()
	if last == nil && verdict == payment.Succeeded {
		return errNeverSent
	}
	if err := u.letGo(); err != nil {
		return err
	}
	if last != nil {
		if err := u.testify(last, verdict, r); err != nil {
			return err
		}
	}
	if verdict == payment.Failed {
		u.order.Reason = "resolved_by_people"
		if err := u.moveOrder(event); err != nil {
			return err
		}
		if err := u.endHold("VOID"); err != nil {
			return err
		}
		return u.tellSettled(payment.Rejected, last, "", "")
	}
	return u.resolvePaid(last, event, r.ValueOn)
}

func (u *unit) resolvePaid(last *rows.PaymentAttempt, event payment.OrderEvent, valueOn string) error {
	book := payment.BookMove
	if u.order.Stopped != 0 && u.kind().Out() {
		book = payment.BookFromRecoverable // its money lies among the recoverables since it went out
	}
	postingOn, err := u.book(book, last.Channel, valueOn)
	if err != nil {
		return err
	}
	o := &u.order
	o.Reason, o.Channel, o.ChannelNo, o.PostingOn, o.ValueOn = "", last.Channel, last.ChannelNo, postingOn, valueOn
	if err := u.moveOrder(event); err != nil {
		return err
	}
	if err := u.endHold("POSTED"); err != nil {
		return err
	}
	return u.tellSettled(payment.Paid, last, postingOn, valueOn)
}

// lastSent answers the attempt of which people speak: the live one that was sent, else the last that was sent.
func (u *unit) lastSent() *rows.PaymentAttempt {
	var last *rows.PaymentAttempt
	for i := range u.tries {
		state := payment.AttemptState(u.tries[i].State)
		if state == payment.Prepared {
			continue
		}
		last = &u.tries[i]
		if u.tries[i].LiveKey.Valid {
			return last
		}
	}
	return last
}

// testify keeps the evidence of two people at an attempt and, if its end was open, ends it.
func (u *unit) testify(a *rows.PaymentAttempt, v payment.Verdict, r resolution) error {
	if err := u.prove(a, fromPeople, v, "", r.Evidence, nil); err != nil {
		return err
	}
	if !a.LiveKey.Valid {
		return nil
	}
	to, err := payment.Learn(payment.AttemptState(a.State), v)
	var refused *payment.RefusedError
	if errors.As(err, &refused) {
		return errNotManual
	}
	if err != nil {
		return err
	}
	a.Reason = "resolved_by_people"
	if v == payment.Succeeded {
		a.Reason, a.MovedOn, a.SettledOn = "", r.ValueOn, r.ValueOn
		if r.ChannelNo != "" {
			a.ChannelNo = r.ChannelNo
		}
	}
	return u.moveAttempt(a, string(v), to)
}

func (s *Service) today() string { return calendar.InShanghai(s.deps.Clock.Now()).String() }

func number(b bool) int64 {
	if b {
		return 1
	}
	return 0
}
