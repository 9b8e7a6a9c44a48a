package party

import (
	"context"

	"github.com/hengdai/hengdai/kit/store"
)

// Entry is one thing a party really did. Fields that do not apply are empty.
type Entry struct {
	Seq   int64  `json:"seq"`
	Party string `json:"party"`
	// Kind: PAYOUT, COLLECT, REFUND, RETURN, CHARGEBACK (money), SMS, VERIFY4; OPEN and SET for what the control surface
	// did to a card.
	Kind        string `json:"kind"`
	RequestNo   string `json:"request_no"`
	ChannelNo   string `json:"channel_no"`
	MerchantID  string `json:"merchant_id"`
	CardNo      string `json:"card_no"`
	AmountMinor int64  `json:"amount_minor"`
	FeeMinor    int64  `json:"fee_minor"`
	// Status: SUCCESS or FAILED for money, the result for a check, SENT, DELIVERED or FAILED for a message.
	Status string `json:"status"`
	Code   string `json:"code"`
	// AtMS is the sandbox clock; SettledOn the party's settlement date, for most its date in Shanghai.
	AtMS      int64  `json:"at_ms"`
	SettledOn string `json:"settled_on"`
	// OriginalNo is the channel number of the order that a RETURN or CHARGEBACK undoes.
	OriginalNo string `json:"original_no"`
}

const entryColumns = `seq, party, kind, request_no, channel_no, merchant_id, card_no, amount_minor, fee_minor, status, code, at_ms, settled_on, original_no`

// Record appends an entry in the transaction of the effect it tells of. The store has one writer, so sequence numbers
// are dense and a reader's cursor misses nothing.
func (d *Desk) Record(ctx context.Context, tx *store.Tx, e Entry) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO journal (`+entryColumns+`)
		SELECT coalesce(max(seq), 0) + 1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ? FROM journal`,
		e.Party, e.Kind, e.RequestNo, e.ChannelNo, e.MerchantID, e.CardNo, e.AmountMinor, e.FeeMinor, e.Status, e.Code, e.AtMS, e.SettledOn, e.OriginalNo)
	return err
}

// Entries answers at most limit entries after a sequence number, of one party or (party empty) of all.
func (d *Desk) Entries(ctx context.Context, party string, after int64, limit int) ([]Entry, error) {
	return d.entries(ctx, d.DB.Read(), `seq > ? AND (? = '' OR party = ?) ORDER BY seq LIMIT ?`, after, party, party, limit)
}

// DayEntries answers what a party did for a merchant under one settlement date, in order.
func (d *Desk) DayEntries(ctx context.Context, q store.DBTX, party, merchantID, day string) ([]Entry, error) {
	return d.entries(ctx, q, `party = ? AND merchant_id = ? AND settled_on = ? ORDER BY seq`, party, merchantID, day)
}

// Numbered answers the entries under a party's own number: one for an order that is final, none otherwise.
func (d *Desk) Numbered(ctx context.Context, q store.DBTX, party, channelNo string) ([]Entry, error) {
	return d.entries(ctx, q, `party = ? AND channel_no = ? ORDER BY seq`, party, channelNo)
}

// FirstDay answers the first settlement date under which a party did anything for a merchant; empty if there is none.
func (d *Desk) FirstDay(ctx context.Context, q store.DBTX, party, merchantID string) (day string, err error) {
	err = q.QueryRowContext(ctx, `SELECT coalesce(min(settled_on), '') FROM journal WHERE party = ? AND merchant_id = ?`, party, merchantID).Scan(&day)
	return day, err
}

func (d *Desk) entries(ctx context.Context, q store.DBTX, where string, args ...any) ([]Entry, error) {
	rows, err := q.QueryContext(ctx, `SELECT `+entryColumns+` FROM journal WHERE `+where, args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	entries := []Entry{}
	for rows.Next() {
		var e Entry
		if err := rows.Scan(&e.Seq, &e.Party, &e.Kind, &e.RequestNo, &e.ChannelNo, &e.MerchantID, &e.CardNo, &e.AmountMinor,
			&e.FeeMinor, &e.Status, &e.Code, &e.AtMS, &e.SettledOn, &e.OriginalNo); err != nil {
			return nil, err
		}
		entries = append(entries, e)
	}
	return entries, rows.Err()
}
