package channel

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/hengdai/hengdai/kit/clock"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/sandbox/party"
	"github.com/hengdai/hengdai/sandbox/people"
)

// Terms are how one channel does business.
type Terms struct {
	Party string
	// Head begins the channel's own numbers of a day; fifteen digits follow.
	Head func(day time.Time) string
	// CutHour is the hour in Shanghai from which what is finished belongs to the next settlement date; zero: midnight.
	CutHour int
	// LimitMinor is the most that one order may be.
	LimitMinor int64
	// LaterPPM of the orders are accepted first and finished later; which ones follows from Seed and the number.
	LaterPPM int64
	Seed     int64
	// MinDelay and MaxDelay bound how much later, on the sandbox clock.
	MinDelay, MaxDelay time.Duration
	// MerchantMinor is what a merchant's account holds when he first comes.
	MerchantMinor int64
	// Fee of an order, in minor units.
	Fee func(kind string, amountMinor int64) int64
	// Tells says whether a final order is called back, and Body what the callback carries, unsigned.
	Tells func(t Trade) bool
	Body  func(t Trade) ([]byte, error)
	// Render makes a statement's file.
	Render func(s Statement) (File, error)
}

// Channel is one payment channel's books.
type Channel struct {
	desk  *party.Desk
	terms Terms
	open  *openTrades
	// making admits one maker of statements at a time.
	making sync.Mutex
}

// The refusals that leave nothing behind.
var (
	ErrReused     = errors.New("request number used for another order")
	ErrLowBalance = errors.New("the merchant's account does not suffice")
)

// New opens a channel's books.
func New(ctx context.Context, d *party.Desk, t Terms) (*Channel, error) {
	c := &Channel{desk: d, terms: t, open: newOpenTrades()}
	return c, errs.Wrap(c.loadOpen(ctx), "reading unfinished orders")
}

// Accept takes an order, or answers the one that came before under its number. keep is run in the same transaction.
func (c *Channel) Accept(ctx context.Context, o Order, hits party.Hits, keep func(tx *store.Tx) error) (Trade, error) {
	if hits.Has(party.LowBalance) {
		return Trade{}, ErrLowBalance
	}
	delay := c.delay(o, hits)
	var told party.Hits
	if delay == 0 { // else the faults of its callback are met when it is finished
		var err error
		if told, err = c.desk.Faults.Meet(ctx, c.terms.Party, "callback", o.RequestNo); err != nil {
			return Trade{}, err
		}
	}
	var t Trade
	err := c.desk.DB.Write(ctx, func(tx *store.Tx) error {
		if err := keep(tx); err != nil {
			return err
		}
		var hash string
		var err error
		t, hash, err = c.find(ctx, tx, o.MerchantID, o.RequestNo, o.SentAt)
		switch {
		case err == nil && hash != o.hash():
			return ErrReused
		case err == nil:
			return nil
		case !errors.Is(err, errNoTrade):
			return err
		}
		reason := ""
		if hits.Has(party.Refused) {
			reason = OverLimit
		}
		t, err = c.take(ctx, tx, o, reason, delay, told)
		return err
	})
	return t, err
}

// take stores a new order and finishes it unless it is one for later. A reason is what it is to fail for.
func (c *Channel) take(ctx context.Context, tx *store.Tx, o Order, reason string, delay time.Duration, told party.Hits) (Trade, error) {
	now := c.desk.Clock.Now()
	t := Trade{Order: o, State: Processing, Reason: reason, ChannelNo: c.number(now, o.MerchantID, o.RequestNo, o.SentAt),
		AcceptedMS: now.UnixMilli(), DueMS: now.Add(delay).UnixMilli()}
	if o.Kind != Collect {
		if err := c.moveMerchant(ctx, tx, o.MerchantID, -o.AmountMinor-c.terms.Fee(o.Kind, o.AmountMinor)); err != nil {
			return Trade{}, err
		}
	}
	later := delay > 0
	if !later {
		if err := c.settle(ctx, tx, &t, told); err != nil {
			return Trade{}, err
		}
	}
	if err := c.insert(ctx, tx, t); err != nil {
		return Trade{}, err
	}
	if later {
		tx.AfterCommit(func() { c.open.push(t) })
	}
	return t, nil
}

// delay answers how much later an order is finished; zero: at once.
func (c *Channel) delay(o Order, hits party.Hits) time.Duration {
	later := party.Draw(c.terms.Seed, c.terms.Party, "later", o.RequestNo) < c.terms.LaterPPM || hits.Has(party.Processing)
	late, isLate := hits[party.LateFinish]
	var d time.Duration
	if later || isLate {
		span := c.terms.MaxDelay - c.terms.MinDelay
		part := party.Draw(c.terms.Seed, c.terms.Party, "delay", o.RequestNo)
		d = max(c.terms.MinDelay+time.Duration(span.Microseconds()*part/1000), time.Millisecond)
	}
	if hits.Has(party.NextDay) {
		d = max(d, c.untilNextDay(o.RequestNo))
	}
	if isLate {
		d += time.Duration(late.DelayMS) * time.Millisecond
	}
	return d
}

// settle makes an order final: judges it, moves the money, writes the journal and the callback. The row itself is the
// caller's to write.
func (c *Channel) settle(ctx context.Context, tx *store.Tx, t *Trade, told party.Hits) error {
	reason := t.Reason
	if reason == "" {
		var err error
		if reason, err = c.judge(ctx, tx, t.Order); err != nil {
			return err
		}
	}
	if reason == "" {
		by := t.AmountMinor
		if t.Kind == Collect {
			by = -by
		}
		err := people.Move(ctx, tx, t.CardNo, by)
		if errors.Is(err, people.ErrBalance) {
			reason = BalanceTooLow
		} else if err != nil {
			return err
		}
	}
	t.Reason, t.State = reason, Success
	t.FinishedMS, t.SettledOn = c.now()
	if reason != "" {
		t.State = Failed
	} else {
		t.FeeMinor = c.terms.Fee(t.Kind, t.AmountMinor)
	}
	// A collection that succeeded pays the merchant less its fee; an order for money out that failed gives back what it held.
	back := t.AmountMinor - t.FeeMinor
	if t.Kind != Collect {
		back = t.AmountMinor + c.terms.Fee(t.Kind, t.AmountMinor)
	}
	if (t.Kind == Collect) == (reason == "") {
		if err := c.moveMerchant(ctx, tx, t.MerchantID, back); err != nil {
			return err
		}
	}
	if err := c.desk.Record(ctx, tx, party.Entry{Party: c.terms.Party, Kind: t.Kind, RequestNo: t.RequestNo, ChannelNo: t.ChannelNo,
		MerchantID: t.MerchantID, CardNo: t.CardNo, AmountMinor: t.AmountMinor, FeeMinor: t.FeeMinor, Status: t.State, Code: reason,
		AtMS: t.FinishedMS, SettledOn: t.SettledOn}); err != nil {
		return err
	}
	return c.tell(ctx, tx, *t, told)
}

// judge answers why an order must fail, from the population alone; the balance is asked when money moves.
func (c *Channel) judge(ctx context.Context, tx *store.Tx, o Order) (string, error) {
	card, err := people.Find(ctx, tx, o.CardNo)
	switch {
	case errs.CodeOf(err) == errs.NotFound:
		return CardUnknown, nil
	case err != nil:
		return "", err
	case o.Holder != card.Holder:
		return NameMismatch, nil
	case card.Closed:
		return CardClosed, nil
	case o.AmountMinor > c.terms.LimitMinor:
		return OverLimit, nil
	}
	return "", nil
}

func (c *Channel) tell(ctx context.Context, tx *store.Tx, t Trade, told party.Hits) error {
	if !c.terms.Tells(t) || t.NotifyURL == "" {
		return nil
	}
	body, err := c.terms.Body(t)
	if err != nil {
		return err
	}
	cb := party.Callback{Party: c.terms.Party, RequestNo: t.RequestNo, URL: t.NotifyURL, Body: body}
	if told.Has(party.WrongAmount) {
		lie := t
		lie.AmountMinor++
		wrong := cb
		if wrong.Body, err = c.terms.Body(lie); err != nil {
			return err
		}
		wrong.Flaw = party.WrongAmount
		if err := c.desk.Callbacks.Add(ctx, tx, wrong); err != nil {
			return err
		}
	}
	return c.desk.Callbacks.Tell(ctx, tx, cb, told)
}

// Find answers an order; ok is false if there is none, or if a fault says so.
func (c *Channel) Find(ctx context.Context, merchantID, requestNo, sentAt string, hits party.Hits) (t Trade, ok bool, err error) {
	t, _, err = c.find(ctx, c.desk.DB.Primary(), merchantID, requestNo, sentAt)
	if errors.Is(err, errNoTrade) || (err == nil && hits.Has(party.NotFound)) {
		return Trade{}, false, nil
	}
	if dark, ok := hits[party.DarkQuery]; ok && (c.today(t.AcceptedMS) || c.desk.Clock.Now().UnixMilli() < t.AcceptedMS+dark.DelayMS) {
		t.State, t.Reason, t.FeeMinor, t.FinishedMS, t.SettledOn = Processing, "", 0, 0, ""
	}
	return t, err == nil, err
}

// today reports whether a time lies on the sandbox clock's date in Shanghai.
func (c *Channel) today(ms int64) bool {
	_, date := c.desk.Now()
	return time.UnixMilli(ms).In(clock.Shanghai).Format(time.DateOnly) == date
}

// now answers the sandbox clock and the settlement date of what is finished now.
func (c *Channel) now() (ms int64, settledOn string) {
	now := c.desk.Clock.Now()
	return now.UnixMilli(), c.settlementDay(now)
}

// settlementDay answers the date under which something finished at a time is settled.
func (c *Channel) settlementDay(at time.Time) string {
	at = at.In(clock.Shanghai)
	if c.terms.CutHour > 0 && at.Hour() >= c.terms.CutHour {
		at = at.AddDate(0, 0, 1)
	}
	return at.Format(time.DateOnly)
}
