package invariant

import (
	"context"
	"database/sql"
)

// cashEntry is an entry of payment's journal with the head it belongs to.
type cashEntry struct {
	bucket, transaction, sequence, amount, balance int64
	account                                        string
	headed                                         bool
	event, booked                                  string
	subject                                        int64
}

// cash is payment's journal: its entries by bucket, account and place.
func (l *look) cash(ctx context.Context) ([]cashEntry, error) {
	return once(&l.cashRead, func() ([]cashEntry, error) {
		return rows(ctx, l.books, "payment", `SELECT e.bucket, e.transaction_id, e.sequence, e.amount_minor, e.balance_minor, e.account,
			t.transaction_id IS NOT NULL, COALESCE(t.event, ''), COALESCE(t.booked_on, ''), COALESCE(t.subject_id, 0)
			FROM journal_entry e LEFT JOIN journal_transaction t ON t.bucket = e.bucket AND t.transaction_id = e.transaction_id
			ORDER BY e.bucket, e.account, e.sequence`, func(r *sql.Rows, e *cashEntry) error {
			return r.Scan(&e.bucket, &e.transaction, &e.sequence, &e.amount, &e.balance, &e.account, &e.headed, &e.event, &e.booked, &e.subject)
		})
	})
}

// head is a transaction of either journal.
type head struct {
	bucket, id int64
	event      string
	booked     string
	subject    int64
}

func (l *look) cashHeads(ctx context.Context) ([]head, error) {
	return rows(ctx, l.books, "payment", `SELECT bucket, transaction_id, event, booked_on, subject_id FROM journal_transaction`,
		func(r *sql.Rows, h *head) error { return r.Scan(&h.bucket, &h.id, &h.event, &h.booked, &h.subject) })
}

// cashBalanced: payment's transactions add up to zero inside their bucket.
func cashBalanced(ctx context.Context, l *look, f *finding) error {
	entries, err := l.cash(ctx)
	if err != nil {
		return err
	}
	heads, err := l.cashHeads(ctx)
	if err != nil {
		return err
	}
	type tally struct{ sum, entries int64 }
	of := map[int64]tally{}
	for _, e := range entries {
		t := of[e.transaction]
		t.sum += e.amount
		t.entries++
		of[e.transaction] = t
		switch {
		case !e.headed:
			f.wrong("payment: entry %d of %s in bucket %d belongs to no transaction of the bucket", e.sequence, e.account, e.bucket)
		case e.amount == 0:
			f.wrong("payment: transaction %d has an entry of zero on %s", e.transaction, e.account)
		}
	}
	for _, h := range heads {
		f.saw(1)
		t := of[h.id]
		switch {
		case h.bucket != bucketOf(h.id):
			f.wrong("payment: transaction %d stands in bucket %d", h.id, h.bucket)
		case t.entries < 2:
			f.wrong("payment: transaction %d has %d entries", h.id, t.entries)
		case t.sum != 0:
			f.wrong("payment: transaction %d adds up to %d", h.id, t.sum)
		}
	}
	return nil
}

// accountKey is one account in one bucket.
type accountKey struct {
	bucket  int64
	account string
}

// cashBalances: what payment stores of an account is what its entries say.
func cashBalances(ctx context.Context, l *look, f *finding) error {
	entries, err := l.cash(ctx)
	if err != nil {
		return err
	}
	type sums struct{ balance, entries, debit, credit int64 }
	of, last := map[accountKey]sums{}, map[accountKey]string{}
	for _, e := range entries {
		key := accountKey{e.bucket, e.account}
		s := of[key]
		s.balance += e.amount
		s.entries++
		if e.booked != last[key] {
			s.debit, s.credit = 0, 0
			last[key] = e.booked
		}
		s.debit += max(e.amount, 0)
		s.credit += max(-e.amount, 0)
		of[key] = s
		same(f, e.sequence, s.entries, "%s in bucket %d: place of entry", e.account, e.bucket)
		same(f, e.balance, s.balance, "%s in bucket %d: balance after entry %d", e.account, e.bucket, e.sequence)
	}
	err = l.books.each(ctx, "payment", `SELECT bucket, account, balance_minor, floor_minor, entries, sum_on, debit_minor, credit_minor FROM journal_balance`,
		func(r *sql.Rows) error {
			var key accountKey
			var stored sums
			var floor int64
			var on string
			if err := r.Scan(&key.bucket, &key.account, &stored.balance, &floor, &stored.entries, &on, &stored.debit, &stored.credit); err != nil {
				return err
			}
			same(f, stored, of[key], "%s in bucket %d: balance, entries, debit and credit of the last day", key.account, key.bucket)
			same(f, on, last[key], "%s in bucket %d: last day", key.account, key.bucket)
			if stored.balance < floor {
				f.wrong("%s in bucket %d stands at %d, below its floor of %d", key.account, key.bucket, stored.balance, floor)
			}
			delete(of, key)
			return nil
		})
	for key := range of {
		f.wrong("%s in bucket %d has entries and no stored balance", key.account, key.bucket)
	}
	return err
}

// cashDays: what payment told as the sums of a sealed day is what it booked under it.
func cashDays(ctx context.Context, l *look, f *finding) error {
	entries, err := l.cash(ctx)
	if err != nil {
		return err
	}
	sealed := map[int64]map[string]bool{}
	err = l.books.each(ctx, "payment", `SELECT bucket, sealed_on FROM payment_sealed`, func(r *sql.Rows) error {
		var part int64
		var on string
		if err := r.Scan(&part, &on); err != nil {
			return err
		}
		if sealed[part] == nil {
			sealed[part] = map[string]bool{}
		}
		sealed[part][on] = true
		return nil
	})
	if err != nil {
		return err
	}
	type dayKey struct {
		accountKey
		on string
	}
	type sums struct{ debit, credit int64 }
	of := map[dayKey]sums{}
	for _, e := range entries {
		if !sealed[partitionOf(e.bucket)][e.booked] {
			continue
		}
		key := dayKey{accountKey{e.bucket, e.account}, e.booked}
		of[key] = sums{of[key].debit + max(e.amount, 0), of[key].credit + max(-e.amount, 0)}
	}
	err = l.books.each(ctx, "payment", `SELECT bucket, account, booked_on, debit_minor, credit_minor FROM payment_day_sum`, func(r *sql.Rows) error {
		var key dayKey
		var stored sums
		if err := r.Scan(&key.bucket, &key.account, &key.on, &stored.debit, &stored.credit); err != nil {
			return err
		}
		same(f, stored, of[key], "%s in bucket %d on %s: debit and credit", key.account, key.bucket, key.on)
		delete(of, key)
		return nil
	})
	for key := range of {
		f.wrong("%s in bucket %d has entries of %s, which is sealed without their sum", key.account, key.bucket, key.on)
	}
	return err
}
