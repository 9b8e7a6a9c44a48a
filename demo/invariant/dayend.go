package invariant

import (
	"context"
	"database/sql"
)

// daysClosed: the business dates follow each other without a gap, all but the open one are closed, all partitions of both
// journals stand at the open one and agree on what lies before, and nothing is held or set aside.
func daysClosed(ctx context.Context, l *look, f *finding) error {
	b, err := l.lent(ctx)
	if err != nil {
		return err
	}
	var on []string
	var states []string
	err = l.books.each(ctx, "loan", `SELECT day_on, state FROM business_day ORDER BY day_on`, func(r *sql.Rows) error {
		var d, state string
		err := r.Scan(&d, &state)
		on, states = append(on, d), append(states, state)
		return err
	})
	if err != nil || len(on) == 0 {
		return err
	}
	last := noDay
	for i := range on {
		f.saw(1)
		d, err := dayOf(on[i])
		if err != nil || (i > 0 && d != last+1) {
			f.wrong("business date %s comes after %s", on[i], last)
		}
		last = d
		want := "CLOSED"
		if i == len(on)-1 {
			want = "OPEN"
		}
		same(f, states[i], want, "business date %s", on[i])
	}
	open := on[len(on)-1]
	same(f, len(b.parts), partitions, "partitions with a date")
	for part, d := range b.parts {
		same(f, d, days{open, open, open, open, ""}, "partition %d: open, closed through, agreed through, started, held", part)
	}
	if err := l.none(ctx, f, "loan", "loans set aside", `SELECT COUNT(*) FROM day_aside WHERE repaired_ms = 0`); err != nil {
		return err
	}
	return l.cashDaysSealed(ctx, f, on)
}

// cashDaysSealed: payment stands at the same date, with every date before it sealed in every partition.
func (l *look) cashDaysSealed(ctx context.Context, f *finding, on []string) error {
	open := map[int64]string{}
	err := l.books.each(ctx, "payment", `SELECT bucket, open_on FROM payment_day`, func(r *sql.Rows) error {
		var part int64
		var d string
		err := r.Scan(&part, &d)
		open[part] = d
		return err
	})
	if err != nil {
		return err
	}
	sealed := map[bucketDay]bool{}
	err = l.books.each(ctx, "payment", `SELECT bucket, sealed_on FROM payment_sealed`, func(r *sql.Rows) error {
		var key bucketDay
		err := r.Scan(&key.bucket, &key.on)
		sealed[key] = true
		return err
	})
	if err != nil {
		return err
	}
	for part := range int64(partitions) {
		same(f, open[part], on[len(on)-1], "payment, partition %d: open date", part)
		for _, d := range on[:len(on)-1] {
			same(f, sealed[bucketDay{part, d}], true, "payment, partition %d: %s sealed", part, d)
		}
		same(f, sealed[bucketDay{part, on[len(on)-1]}], false, "payment, partition %d: the open date sealed", part)
	}
	return nil
}

// dayTotals: what a business date says of itself is what was booked and ordered on it.
func dayTotals(ctx context.Context, l *look, f *finding) error {
	b, err := l.lent(ctx)
	if err != nil {
		return err
	}
	type totals struct{ accrued, late, debits int64 }
	of := map[string]totals{}
	for _, o := range b.orders {
		if o.kind == "debit" {
			t := of[o.lockedOn]
			t.debits++
			of[o.lockedOn] = t
		}
	}
	err = l.books.each(ctx, "loan", `SELECT day_on, account, SUM(amount_minor) FROM journal_sum GROUP BY day_on, account`, func(r *sql.Rows) error {
		var on, account string
		var sum int64
		err := r.Scan(&on, &account, &sum)
		t := of[on]
		switch account {
		case "1132.I", "1132.F":
			t.accrued += sum
		case "1132.Pen", "1132.Cmp":
			t.late += sum
		}
		of[on] = t
		return err
	})
	if err != nil {
		return err
	}
	return l.books.each(ctx, "loan", `SELECT day_on, accrued_minor, penalty_minor, debits FROM business_day`, func(r *sql.Rows) error {
		var on string
		var stored totals
		err := r.Scan(&on, &stored.accrued, &stored.late, &stored.debits)
		same(f, stored, of[on], "business date %s: accrued, penalty, debits", on)
		return err
	})
}

// daysAgree: on every date and in every bucket, what payment has on 2290 is what loan has, the other way round.
func daysAgree(ctx context.Context, l *look, f *finding) error {
	cash, lent, err := l.clearing(ctx)
	if err != nil {
		return err
	}
	for key, amount := range cash {
		same(f, lent[key], -amount, "bucket %d on %s: 2290 at loan", key.bucket, key.on)
		delete(lent, key)
	}
	for key, amount := range lent {
		same(f, amount, 0, "bucket %d on %s: 2290 at loan alone", key.bucket, key.on)
	}
	return nil
}
