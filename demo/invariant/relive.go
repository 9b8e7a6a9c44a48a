package invariant

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// sumKey is what a day's close adds up by, inside one bucket.
type sumKey struct {
	product string
	on      day
}

// relive lives every loan again, bucket by bucket, and compares the shares of each bucket's loans with the sums that the
// journal holds for the bucket.
func (b *loanBook) relive(ctx context.Context, l *look) error {
	for from := 0; from < len(b.loans); {
		to := from
		for to < len(b.loans) && b.loans[to].bucket == b.loans[from].bucket {
			to++
		}
		bucket := b.loans[from].bucket
		shares := map[sumKey]position{}
		sound := true
		for _, v := range b.loans[from:to] {
			if v.why == nil {
				v.why = v.relive(b.parts[partitionOf(bucket)], shares)
			}
			sound = sound && v.why == nil
		}
		if err := b.compareSums(ctx, l, bucket, shares, sound); err != nil {
			return err
		}
		from = to
	}
	return b.strangeSums(ctx, l)
}

// relive lives one loan through its happenings. Between two of them the closes of days took its share, day by day, as
// it then stood: from the day up to which the first booked it to the day from which the next booked it.
func (v *lived) relive(part days, shares map[sumKey]position) error {
	if len(v.happened) == 0 {
		return nil // never paid out
	}
	disbursed, err := dayOf(v.disbursedOn)
	if err != nil {
		return err
	}
	closed, err := dayOf(part.closed)
	if err != nil {
		return err
	}
	t, err := readTerms(v.terms, disbursed)
	if err != nil {
		return err
	}
	if disbursed == noDay || v.happened[0].on != disbursed {
		return errors.New("it happened before it was paid out")
	}
	for k, h := range v.happened {
		before := v.life
		if v.life, err = after(v.life, t, v.happened[:k], h); err != nil {
			return fmt.Errorf("event %d: %w", h.seq, err)
		}
		if h.bookedTo < v.life.at {
			return fmt.Errorf("event %d is booked to %s, before the day from which it counts", h.seq, h.bookedTo)
		}
		if before != nil {
			h.served = v.life.paid.minus(before.paid)
		}
		until := closed
		if k+1 < len(v.happened) {
			until = v.happened[k+1].bookedFrom
		}
		v.now = v.life.clone()
		v.now.advance(h.bookedTo)
		v.takeShares(until, shares)
	}
	return nil
}

// takeShares closes the days up to one, taking the loan's share in each.
func (v *lived) takeShares(until day, shares map[sumKey]position) {
	before := v.now.position()
	for v.now.at < until {
		on := v.now.at
		v.now.advance(on + 1)
		share := v.now.position().minus(before)
		before = before.plus(share)
		if share == (position{}) {
			continue
		}
		key := sumKey{v.product, on}
		shares[key] = shares[key].plus(share)
		v.shares = v.shares.plus(share)
	}
}

// compareSums compares a bucket's sums with the shares of its loans.
func (b *loanBook) compareSums(ctx context.Context, l *look, bucket int64, shares map[sumKey]position, sound bool) error {
	booked := map[sumKey]position{}
	err := l.books.each(ctx, "loan", `SELECT day_on, product, account, amount_minor FROM journal_sum WHERE bucket = ?`, func(r *sql.Rows) error {
		var on, product, account string
		var amount int64
		if err := r.Scan(&on, &product, &account, &amount); err != nil {
			return err
		}
		d, unread := dayOf(on)
		if unread != nil || accountAt(account) < 0 {
			b.sums.wrong("bucket %d: a sum of %q on %s", bucket, on, account)
			d = noDay
		}
		if accountAt(account) < 0 {
			return nil
		}
		p := booked[sumKey{product, d}]
		p.put(account, amount)
		booked[sumKey{product, d}] = p
		return nil
	}, bucket)
	if err != nil {
		return err
	}
	if !sound {
		b.sums.wrong("bucket %d: a loan of it could not be lived again, so its sums stay unproven", bucket)
		return nil
	}
	for key, p := range booked {
		b.compareSum(bucket, key, p, shares[key])
		delete(shares, key)
	}
	for key, p := range shares {
		b.compareSum(bucket, key, position{}, p)
	}
	return nil
}

func (b *loanBook) compareSum(bucket int64, key sumKey, booked, shares position) {
	b.sums.saw(1)
	for i, account := range loanAccounts {
		if booked[i] != shares[i] {
			b.sums.wrong("bucket %d, %s, %s: %s is booked with %d, the loans' shares are %d", bucket, key.product, key.on, account, booked[i], shares[i])
			return
		}
	}
}

// strangeSums finds sums in buckets that have no loan, and transactions that are neither a loan's nor a day's sums.
func (b *loanBook) strangeSums(ctx context.Context, l *look) error {
	has := map[int64]bool{}
	for _, v := range b.loans {
		has[v.bucket] = true
	}
	err := l.books.each(ctx, "loan", `SELECT DISTINCT bucket FROM journal_sum`, func(r *sql.Rows) error {
		var bucket int64
		err := r.Scan(&bucket)
		if !has[bucket] {
			b.sums.wrong("bucket %d has sums and no loan", bucket)
		}
		return err
	})
	if err != nil {
		return err
	}
	return l.books.each(ctx, "loan", `SELECT id, event FROM journal WHERE subject_id = 0`, func(r *sql.Rows) error {
		var id int64
		var event string
		err := r.Scan(&id, &event)
		b.sums.wrong("transaction %d (%s) is no loan's", id, event)
		return err
	})
}
