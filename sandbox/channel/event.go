package channel

import (
	"context"
	"database/sql"
	"errors"
	"strconv"
	"time"

	"github.com/hengdai/hengdai/kit/clock"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/sandbox/party"
	"github.com/hengdai/hengdai/sandbox/people"
)

// The refusals of events.
var (
	ErrNoOrder = errs.New(errs.NotFound, "sandbox.order_unknown", "没有这笔订单。", "There is no such order.")
	ErrNotPaid = errs.New(errs.Precondition, "sandbox.order_not_paid", "订单未成功或已被撤回。", "The order did not succeed, or was undone already.")
	ErrReceipt = errs.New(errs.Invalid, "sandbox.receipt", "入账内容无效。", "The receipt is not valid.")
)

// Ref names an order: by the channel's number, or by ours with the merchant's.
type Ref struct {
	MerchantID string `json:"merchant_id"`
	RequestNo  string `json:"request_no"`
	ChannelNo  string `json:"channel_no"`
}

// Undo lets an order that succeeded come back: money out is returned, a collection is charged back. The fee is not given
// back. Where the channel calls back every outcome, it tells of a return; a charge-back stands in the statement alone.
func (c *Channel) Undo(ctx context.Context, kind string, ref Ref) (party.Entry, error) {
	found, err := c.look(ctx, c.desk.DB.Primary(), ref)
	if err != nil {
		return party.Entry{}, err
	}
	var told party.Hits
	if c.terms.Tells(Trade{State: undone(kind)}) {
		if told, err = c.desk.Faults.Meet(ctx, c.terms.Party, "callback", found.RequestNo); err != nil {
			return party.Entry{}, err
		}
	}
	var e party.Entry
	err = c.desk.DB.Write(ctx, func(tx *store.Tx) error {
		t, _, err := c.find(ctx, tx, found.MerchantID, found.RequestNo, found.SentAt)
		if err != nil {
			return err
		}
		if t.State != Success || (t.Kind == Collect) != (kind == ChargeBack) {
			return ErrNotPaid
		}
		e, err = c.undo(ctx, tx, kind, t, told)
		return err
	})
	return e, err
}

func (c *Channel) undo(ctx context.Context, tx *store.Tx, kind string, t Trade, told party.Hits) (party.Entry, error) {
	toCard, what := -t.AmountMinor, breakReturned
	if kind == ChargeBack {
		toCard, what = t.AmountMinor, breakChargeBack
	}
	if err := people.Move(ctx, tx, t.CardNo, toCard); err != nil {
		return party.Entry{}, err
	}
	if err := c.moveMerchant(ctx, tx, t.MerchantID, -toCard); err != nil {
		return party.Entry{}, err
	}
	t.State = undone(kind)
	t.UndoMS, t.UndoOn = c.now()
	t.UndoNo = c.number(c.desk.Clock.Now(), t.MerchantID, t.RequestNo, t.SentAt, kind)
	_, err := tx.ExecContext(ctx, `UPDATE trade SET state = ?, undo_no = ?, undo_ms = ?, undo_on = ?
		WHERE party = ? AND merchant_id = ? AND request_no = ? AND sent_at = ?`, t.State, t.UndoNo, t.UndoMS, t.UndoOn,
		c.terms.Party, t.MerchantID, t.RequestNo, t.SentAt)
	if err != nil {
		return party.Entry{}, err
	}
	e := party.Entry{Party: c.terms.Party, Kind: kind, RequestNo: t.RequestNo, ChannelNo: t.UndoNo, MerchantID: t.MerchantID,
		CardNo: t.CardNo, AmountMinor: t.AmountMinor, Status: Success, AtMS: t.UndoMS, SettledOn: t.UndoOn, OriginalNo: t.ChannelNo}
	finding := "LATE_RETURN"
	if c.terms.Tells(t) && t.NotifyURL != "" && !told.Has(party.LostCallback) {
		finding = "MATCH"
	}
	if err := c.happened(ctx, tx, what, finding, e); err != nil {
		return party.Entry{}, err
	}
	return e, c.tell(ctx, tx, t, told)
}

// undone is the state of an order that came back.
func undone(kind string) string {
	if kind == ChargeBack {
		return ChargedBack
	}
	return Returned
}

// Receipt is money that arrives from a card (from nowhere that the sandbox knows, if it is empty) though nobody ordered it.
func (c *Channel) Receipt(ctx context.Context, merchantID, cardNo string, amountMinor int64) (party.Entry, error) {
	if merchantID == "" || len(merchantID) > 15 || len(cardNo) > 32 || amountMinor <= 0 || amountMinor > 1_000_000_000_00 {
		return party.Entry{}, ErrReceipt
	}
	var e party.Entry
	err := c.desk.DB.Write(ctx, func(tx *store.Tx) error {
		if cardNo != "" {
			if _, err := people.Find(ctx, tx, cardNo); err != nil {
				return err
			}
			if err := people.Move(ctx, tx, cardNo, -amountMinor); err != nil {
				return err
			}
		}
		e = party.Entry{Party: c.terms.Party, Kind: Collect, MerchantID: merchantID, CardNo: cardNo, AmountMinor: amountMinor,
			FeeMinor: c.terms.Fee(Collect, amountMinor), Status: Success}
		e.AtMS, e.SettledOn = c.now()
		var before int64
		if err := tx.QueryRowContext(ctx, `SELECT count(*) FROM journal WHERE party = ? AND merchant_id = ? AND settled_on = ?`,
			c.terms.Party, merchantID, e.SettledOn).Scan(&before); err != nil {
			return err
		}
		e.ChannelNo = c.number(c.desk.Clock.Now(), merchantID, "receipt", e.SettledOn, strconv.FormatInt(before, 10))
		if err := c.moveMerchant(ctx, tx, merchantID, amountMinor-e.FeeMinor); err != nil {
			return err
		}
		return c.happened(ctx, tx, breakUnidentified, "CHANNEL_ONLY", e)
	})
	return e, err
}

// happened journals an event and keeps it in the list of what a reconciliation must find.
func (c *Channel) happened(ctx context.Context, tx *store.Tx, what, finding string, e party.Entry) error {
	if err := c.desk.Record(ctx, tx, e); err != nil {
		return err
	}
	b := Break{MerchantID: e.MerchantID, Day: e.SettledOn, Kind: what, Finding: finding}
	b.of(lineOf(e))
	b.states(lineOf(e))
	return c.keepBreak(ctx, tx, b)
}

// look finds the order that a reference names.
func (c *Channel) look(ctx context.Context, q store.DBTX, ref Ref) (Trade, error) {
	var t Trade
	if ref.ChannelNo != "" {
		entries, err := c.desk.Numbered(ctx, q, c.terms.Party, ref.ChannelNo)
		if err != nil {
			return t, err
		}
		if len(entries) == 0 {
			return t, ErrNoOrder
		}
		ref.MerchantID, ref.RequestNo = entries[0].MerchantID, entries[0].RequestNo
	}
	err := q.QueryRowContext(ctx, `SELECT merchant_id, request_no, sent_at FROM trade WHERE party = ? AND merchant_id = ? AND request_no = ?
		AND (? = '' OR channel_no = ?) ORDER BY sent_at LIMIT 1`, c.terms.Party, ref.MerchantID, ref.RequestNo, ref.ChannelNo, ref.ChannelNo).
		Scan(&t.MerchantID, &t.RequestNo, &t.SentAt)
	if errors.Is(err, sql.ErrNoRows) {
		return t, ErrNoOrder
	}
	return t, err
}

// untilNextDay answers how long it is until an order's time within the first half hour of the next day in Shanghai.
func (c *Channel) untilNextDay(requestNo string) time.Duration {
	now := c.desk.Clock.Now().In(clock.Shanghai)
	y, m, d := now.Date()
	midnight := time.Date(y, m, d+1, 0, 0, 0, 0, clock.Shanghai)
	return midnight.Sub(now) + time.Duration(party.Draw(c.terms.Seed, c.terms.Party, "early", requestNo))*1800*time.Microsecond
}
