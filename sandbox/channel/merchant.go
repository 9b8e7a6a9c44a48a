package channel

import (
	"context"

	"github.com/hengdai/hengdai/kit/store"
)

// Merchant is an account of ours at a channel: what the settlement account has, less what unfinished payouts hold.
type Merchant struct {
	Party        string `json:"party"`
	MerchantID   string `json:"merchant_id"`
	BalanceMinor int64  `json:"balance_minor"`
}

// Merchants answers the accounts at all channels.
func Merchants(ctx context.Context, q store.DBTX) ([]Merchant, error) {
	rows, err := q.QueryContext(ctx, `SELECT party, merchant_id, balance_minor FROM merchant ORDER BY party, merchant_id`)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	list := []Merchant{}
	for rows.Next() {
		var m Merchant
		if err := rows.Scan(&m.Party, &m.MerchantID, &m.BalanceMinor); err != nil {
			return nil, err
		}
		list = append(list, m)
	}
	return list, rows.Err()
}

func (c *Channel) moveMerchant(ctx context.Context, tx *store.Tx, merchantID string, by int64) error {
	var have int64
	err := tx.QueryRowContext(ctx, `SELECT count(*) FROM merchant WHERE party = ? AND merchant_id = ?`, c.terms.Party, merchantID).Scan(&have)
	if err != nil {
		return err
	}
	if have == 0 {
		if _, err := tx.ExecContext(ctx, `INSERT INTO merchant (party, merchant_id, balance_minor) VALUES (?, ?, ?)`,
			c.terms.Party, merchantID, c.terms.MerchantMinor); err != nil {
			return err
		}
	}
	res, err := tx.ExecContext(ctx, `UPDATE merchant SET balance_minor = balance_minor + ?
		WHERE party = ? AND merchant_id = ? AND balance_minor + ? >= 0`, by, c.terms.Party, merchantID, by)
	if err != nil {
		return err
	}
	n, err := res.RowsAffected()
	return store.One(n, err, ErrLowBalance)
}
