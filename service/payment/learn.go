package payment

import (
	"context"
	"errors"

	"github.com/hengdai/hengdai/domain/calendar"
	"github.com/hengdai/hengdai/domain/payment"
	"github.com/hengdai/hengdai/kit/id"
	"github.com/hengdai/hengdai/service/payment/channel"
	"github.com/hengdai/hengdai/service/payment/rows"
)

// Where a word about an attempt comes from.
const (
	fromSubmit   = "submit"
	fromQuery    = "query"
	fromCallback = "callback"
	fromPeople   = "people"
)

// word is one statement about an attempt, with what it proves.
type word struct {
	source  string
	reply   channel.Reply
	outcome payment.Outcome
}

// heard makes a word of what a channel said, or of its silence.
func (l *line) heard(source string, kind payment.Kind, reply channel.Reply, callErr error) word {
	w := word{source: source, reply: reply, outcome: payment.Outcome{Verdict: payment.Unclear}}
	if callErr != nil {
		w.reply = channel.Reply{}
		w.reply.Message = "no usable answer"
		return w
	}
	w.outcome = payment.Classify(l.profile.Codes, kind, reply.Answer)
	return w
}

// hear commits a word about an attempt and everything that follows from it.
func (s *Service) hear(ctx context.Context, orderID, attemptID int64, w word) error {
	return s.on(ctx, orderID, actorWorker, func(u *unit) error {
		a := u.attempt(attemptID)
		if a == nil {
			return errNoOrder
		}
		return u.learn(a, w)
	})
}

// learn takes a word in: the one place where an attempt moves by what a channel said. What was said before changes
// nothing; what cannot be is raised as a break and changes nothing either.
func (u *unit) learn(a *rows.PaymentAttempt, w word) error {
	if w.source == fromQuery {
		a.Queries++
	}
	if said := w.reply.AmountMinor; said != 0 && said != a.AmountMinor {
		if err := u.raise(a, payment.CaseAmount, said, "the channel states another amount than was ordered"); err != nil {
			return err
		}
		return u.saveAttempt(a)
	}
	for _, v := range payment.Unfold(payment.AttemptState(a.State), w.outcome.Verdict) {
		if err := u.learnOne(a, w, v); err != nil {
			return err
		}
	}
	return nil
}

func (u *unit) learnOne(a *rows.PaymentAttempt, w word, v payment.Verdict) error {
	from := payment.AttemptState(a.State)
	to, err := payment.Learn(from, v)
	var refused *payment.RefusedError
	if errors.As(err, &refused) {
		if err := u.raise(a, payment.CaseStatus, a.AmountMinor, "the channel says "+string(v)+" of an attempt that is "+string(from)); err != nil {
			return err
		}
		return u.saveAttempt(a)
	}
	if err != nil {
		return err
	}
	if to == from {
		if w.source != fromQuery {
			return nil
		}
		return u.saveAttempt(a)
	}
	u.note(a, w, v)
	if err := u.prove(a, w.source, v, w.reply.Code, w.reply.Message, w.reply.Digest); err != nil {
		return err
	}
	if err := u.moveAttempt(a, string(v), to); err != nil {
		return err
	}
	u.s.ended(u.tx, a.Channel, u.order.Kind, to)
	return u.follow(a, from, to, w)
}

// note takes over what a word adds to an attempt. An end is described by the word that brought it.
func (u *unit) note(a *rows.PaymentAttempt, w word, v payment.Verdict) {
	a.Code, a.Reason = w.reply.Code, w.outcome.Reason
	if w.reply.ChannelNo != "" {
		a.ChannelNo = w.reply.ChannelNo
	}
	if v == payment.Succeeded {
		a.FeeMinor, a.SettledOn, a.MovedOn = w.reply.FeeMinor, w.reply.SettledOn, u.movedOn(w.reply)
		if a.SettledOn == "" { // every movement is looked for in some file
			a.SettledOn = a.MovedOn
		}
	}
}

// movedOn answers when money moved: the channel's own word, else the date of its statement, else today; never a date
// that has not come yet.
func (u *unit) movedOn(r channel.Reply) string {
	today := calendar.InShanghai(u.now).String()
	for _, d := range []string{r.MovedOn, r.SettledOn} {
		if d != "" && d <= today {
			return d
		}
	}
	return today
}

// follow does for the order what follows from an attempt's move.
func (u *unit) follow(a *rows.PaymentAttempt, from, to payment.AttemptState, w word) error {
	c := payment.Follow(payment.News{
		Kind: u.kind(), Order: u.state(), From: from, To: to, OthersSubmitted: u.othersSubmitted(a), Elsewhere: w.outcome.Elsewhere,
		Stopped: u.order.Stopped != 0,
	})
	if c.Case != payment.NoCase {
		if err := u.raise(a, c.Case, a.AmountMinor, "the attempt is "+string(to)+" while the order is "+u.order.State); err != nil {
			return err
		}
	}
	if c.TryElsewhere {
		done, err := u.tryElsewhere(a)
		if done || err != nil {
			return err
		}
		c = payment.Follow(payment.News{Kind: u.kind(), Order: u.state(), From: from, To: to, Stopped: u.order.Stopped != 0})
	}
	if c.Stop && u.order.Stopped == 0 {
		u.order.Stopped = 1
		if err := u.saveOrder(); err != nil {
			return err
		}
		if err := u.holdUnsent(); err != nil {
			return err
		}
	}
	valueOn := a.MovedOn
	if to == payment.FailedFinal { // the day of the failure: until then the order might still have been paid
		valueOn = u.movedOn(w.reply)
	}
	if c.Book == payment.BookBack {
		valueOn = u.movedOn(w.reply)
		if err := u.noteBack(a, w.reply.SettledOn, valueOn); err != nil {
			return err
		}
	}
	return u.carryOut(a, c, valueOn)
}

// holdUnsent hands an order to people whose next attempt was prepared and must not be sent any more.
func (u *unit) holdUnsent() error {
	a := u.live()
	if a == nil || payment.AttemptState(a.State) != payment.Prepared || u.state() != payment.Sending {
		return nil
	}
	if err := u.letGo(); err != nil {
		return err
	}
	u.order.Reason = "money_may_be_out_twice"
	return u.moveOrder(payment.OrderGiveUp)
}

// carryOut books, moves and tells.
func (u *unit) carryOut(a *rows.PaymentAttempt, c payment.Consequence, valueOn string) error {
	postingOn, err := u.book(c.Book, a.Channel, valueOn)
	if err != nil {
		return err
	}
	if c.Event != "" {
		if err := u.endOrder(a, c, postingOn, valueOn); err != nil {
			return err
		}
	}
	if c.Tell == "" {
		return nil
	}
	return u.tellSettled(c.Tell, a, postingOn, valueOn)
}

// endOrder moves the order, with its hold, and lets a prepared attempt that will not be sent any more go.
func (u *unit) endOrder(a *rows.PaymentAttempt, c payment.Consequence, postingOn, valueOn string) error {
	o := &u.order
	switch c.Event {
	case payment.OrderSucceed:
		o.Reason, o.Channel, o.ChannelNo, o.PostingOn, o.ValueOn = "", a.Channel, a.ChannelNo, postingOn, valueOn
	case payment.OrderFail:
		o.Reason, o.Channel, o.ChannelNo = a.Reason, a.Channel, a.ChannelNo
	case payment.OrderReturn:
		o.Reason = "returned"
	case payment.OrderGiveUp:
		o.Reason = "money_may_be_out_twice"
	case payment.OrderReserve, payment.OrderSend, payment.OrderCancel, payment.OrderResolvePaid, payment.OrderResolveRejected:
	}
	if err := u.moveOrder(c.Event); err != nil {
		return err
	}
	switch c.Event {
	case payment.OrderSucceed:
		if err := u.endHold("POSTED"); err != nil {
			return err
		}
		return u.letGo()
	case payment.OrderFail:
		return u.endHold("VOID")
	case payment.OrderReserve, payment.OrderSend, payment.OrderCancel, payment.OrderResolvePaid, payment.OrderResolveRejected,
		payment.OrderReturn, payment.OrderGiveUp:
	}
	return nil
}

// letGo frees the order from an attempt that was prepared and never sent.
func (u *unit) letGo() error {
	a := u.live()
	if a == nil || payment.AttemptState(a.State) != payment.Prepared {
		return nil
	}
	a.LiveKey.Valid, a.LiveKey.Int64 = false, 0
	if err := u.countUse(a, -a.AmountMinor); err != nil {
		return err
	}
	return u.saveAttempt(a)
}

// orderOfAttempt answers the order of an attempt that a channel named by our number there.
func orderOfAttempt(ctx context.Context, q *rows.Queries, attemptID int64) (rows.PaymentAttempt, error) {
	return q.AttemptByID(ctx, rows.AttemptByIDParams{Bucket: id.Bucket(attemptID), AttemptID: attemptID})
}
