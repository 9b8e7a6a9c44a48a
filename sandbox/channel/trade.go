package channel

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/big"
	"time"

	"github.com/hengdai/hengdai/kit/clock"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/sandbox/party"
)

// What an order asks for.
const (
	Payout  = "PAYOUT"
	Collect = "COLLECT"
	Refund  = "REFUND"
)

// What undoes an order that succeeded.
const (
	Return     = "RETURN"     // money out that came back
	ChargeBack = "CHARGEBACK" // a collection taken back
)

// The states of an order at a channel.
const (
	Processing  = "PROCESSING"
	Success     = "SUCCESS"
	Failed      = "FAILED"
	Returned    = "RETURNED"
	ChargedBack = "CHARGED_BACK"
)

// Why an order failed.
const (
	CardUnknown   = "card_unknown"
	CardClosed    = "card_closed"
	NameMismatch  = "name_mismatch"
	BalanceTooLow = "balance_too_low"
	OverLimit     = "over_limit"
)

// Order is what a merchant sends, in no channel's words.
type Order struct {
	MerchantID, RequestNo string
	// SentAt is part of the key where a channel wants it (txnTime).
	SentAt      string
	Kind        string
	AmountMinor int64
	Currency    string
	CardNo      string
	Holder      string
	NotifyURL   string
}

// Trade is an order as the channel has it.
type Trade struct {
	Order
	State      string
	Reason     string
	ChannelNo  string
	FeeMinor   int64
	AcceptedMS int64
	DueMS      int64
	FinishedMS int64
	SettledOn  string
	// UndoNo, UndoMS and UndoOn tell of what undid it.
	UndoNo string
	UndoMS int64
	UndoOn string
}

// Final reports whether the order is decided. A success may still be undone.
func (t Trade) Final() bool { return t.State != Processing }

func (o Order) hash() string {
	return party.HashOf(o.Kind, fmt.Sprint(o.AmountMinor), o.Currency, o.CardNo, o.Holder)
}

// number makes the channel's own number of something: the day and fifteen digits that follow from its key.
func (c *Channel) number(now time.Time, key ...string) string {
	sum, _ := new(big.Int).SetString(party.HashOf(append([]string{c.terms.Party}, key...)...), 16)
	tail := sum.Mod(sum, big.NewInt(1_000_000_000_000_000))
	return fmt.Sprintf("%s%015d", c.terms.Head(now.In(clock.Shanghai)), tail.Int64())
}

var errNoTrade = errors.New("no such order")

const tradeColumns = `kind, amount_minor, currency, card_no, holder, notify_url, state, reason, channel_no, fee_minor, accepted_ms, due_ms, finished_ms, settled_on, undo_no, undo_ms, undo_on`

func (c *Channel) find(ctx context.Context, q store.DBTX, merchantID, requestNo, sentAt string) (t Trade, hash string, err error) {
	t.MerchantID, t.RequestNo, t.SentAt = merchantID, requestNo, sentAt
	err = q.QueryRowContext(ctx, `SELECT body_hash, `+tradeColumns+` FROM trade
		WHERE party = ? AND merchant_id = ? AND request_no = ? AND sent_at = ?`, c.terms.Party, merchantID, requestNo, sentAt).
		Scan(&hash, &t.Kind, &t.AmountMinor, &t.Currency, &t.CardNo, &t.Holder, &t.NotifyURL, &t.State, &t.Reason,
			&t.ChannelNo, &t.FeeMinor, &t.AcceptedMS, &t.DueMS, &t.FinishedMS, &t.SettledOn, &t.UndoNo, &t.UndoMS, &t.UndoOn)
	if errors.Is(err, sql.ErrNoRows) {
		return Trade{}, "", errNoTrade
	}
	return t, hash, err
}

func (c *Channel) insert(ctx context.Context, tx *store.Tx, t Trade) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO trade (party, merchant_id, request_no, sent_at, body_hash, `+tradeColumns+`)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		c.terms.Party, t.MerchantID, t.RequestNo, t.SentAt, t.hash(), t.Kind, t.AmountMinor, t.Currency, t.CardNo, t.Holder,
		t.NotifyURL, t.State, t.Reason, t.ChannelNo, t.FeeMinor, t.AcceptedMS, t.DueMS, t.FinishedMS, t.SettledOn, t.UndoNo, t.UndoMS, t.UndoOn)
	return err
}

// open answers the orders that a former run left unfinished.
func (c *Channel) loadOpen(ctx context.Context) error {
	rows, err := c.desk.DB.Primary().QueryContext(ctx, `SELECT merchant_id, request_no, sent_at, `+tradeColumns+` FROM trade
		WHERE party = ? AND state = ?`, c.terms.Party, Processing)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var t Trade
		if err := rows.Scan(&t.MerchantID, &t.RequestNo, &t.SentAt, &t.Kind, &t.AmountMinor, &t.Currency, &t.CardNo, &t.Holder,
			&t.NotifyURL, &t.State, &t.Reason, &t.ChannelNo, &t.FeeMinor, &t.AcceptedMS, &t.DueMS, &t.FinishedMS, &t.SettledOn, &t.UndoNo, &t.UndoMS, &t.UndoOn); err != nil {
			return err
		}
		c.open.push(t)
	}
	return rows.Err()
}
