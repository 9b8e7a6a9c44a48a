package channel

import (
	"context"
	"time"

	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/store"
)

// ErrNotMade is a file that cannot be reissued because it was never made.
var ErrNotMade = errs.New(errs.Precondition, "sandbox.statement_not_made", "对账单尚未生成。", "The statement was not made yet.")

// Reissue makes a right file of a day: the next version, or the first one if none is out. With lines it also tells every
// line as it was. Later days whose balances change with it are reissued, too.
func (c *Channel) Reissue(ctx context.Context, merchantID string, day time.Time, lines bool) ([]Made, error) {
	c.making.Lock()
	defer c.making.Unlock()
	ctx = context.WithoutCancel(ctx)
	var fresh []Made
	err := c.desk.DB.Write(ctx, func(tx *store.Tx) error {
		fresh = nil
		last, err := c.last(ctx, tx, merchantID, day.Format(time.DateOnly))
		if err != nil {
			return err
		}
		if last == nil {
			return ErrNotMade
		}
		if _, err := tx.ExecContext(ctx, `UPDATE break SET healed = 1 WHERE party = ? AND merchant_id = ? AND day = ?
			AND (kind LIKE 'file_%' OR (? AND kind LIKE 'line_%'))`, c.terms.Party, merchantID, last.Day, lines); err != nil {
			return err
		}
		again, err := c.again(ctx, tx, *last, last.OpeningMinor)
		if err != nil {
			return err
		}
		fresh = append(fresh, again)
		return c.goOn(ctx, tx, day, &fresh)
	})
	return fresh, err
}

// goOn reissues the days after a reissued one whose balances or lines it changed.
func (c *Channel) goOn(ctx context.Context, tx *store.Tx, day time.Time, fresh *[]Made) error {
	before := (*fresh)[0]
	for {
		day = day.AddDate(0, 0, 1)
		next, err := c.last(ctx, tx, before.MerchantID, day.Format(time.DateOnly))
		if err != nil || next == nil {
			return err
		}
		lines, err := c.lines(ctx, tx, before.MerchantID, day)
		if err != nil {
			return err
		}
		s := Statement{Lines: lines, OpeningMinor: before.ClosingMinor}
		s.add()
		if s.OpeningMinor == next.OpeningMinor && s.ClosingMinor == next.ClosingMinor && int64(len(lines)) == next.Lines {
			return nil
		}
		if before, err = c.again(ctx, tx, *next, before.ClosingMinor); err != nil {
			return err
		}
		*fresh = append(*fresh, before)
	}
}

// again makes the version after one that was made; one that never was out is replaced.
func (c *Channel) again(ctx context.Context, tx *store.Tx, last Made, opening int64) (Made, error) {
	now := c.desk.Clock.Now().UnixMilli()
	s := Statement{MerchantID: last.MerchantID, Day: dayOf(last.Day), Version: last.Version + 1, OpeningMinor: opening}
	if last.ReadyMS > now {
		s.Version = last.Version
		if _, err := tx.ExecContext(ctx, `DELETE FROM statement WHERE party = ? AND merchant_id = ? AND day = ? AND version = ?`,
			c.terms.Party, last.MerchantID, last.Day, last.Version); err != nil {
			return Made{}, err
		}
	}
	var err error
	if s.Lines, err = c.lines(ctx, tx, last.MerchantID, s.Day); err != nil {
		return Made{}, err
	}
	s.add()
	m, err := c.render(s, now)
	if err != nil {
		return Made{}, err
	}
	return m, c.keepMade(ctx, tx, m)
}
