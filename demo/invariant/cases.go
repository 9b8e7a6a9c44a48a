package invariant

import (
	"context"
	"database/sql"
)

// cases: a loan has one live case at most; one that is overdue has it, one that is not has none.
func cases(ctx context.Context, l *look, f *finding) error {
	b, err := l.lent(ctx)
	if err != nil {
		return err
	}
	live := map[int64]int{}
	err = l.books.each(ctx, "collection", `SELECT id, loan_id, user_id, state, open_key, due_on, dpd_bucket FROM collection_case`, func(r *sql.Rows) error {
		var id, loan, user, key int64
		var state, due, bucket string
		if err := r.Scan(&id, &loan, &user, &state, &key, &due, &bucket); err != nil {
			return err
		}
		f.saw(1)
		v := b.byID[loan]
		if v == nil || v.user != user {
			f.wrong("case %d is of loan %d, which is not that person's", id, loan)
			return nil
		}
		if (state == "CLOSED") != (key != 0) {
			f.wrong("case %d is %s with the key %d", id, state, key)
		}
		if state == "CLOSED" {
			return nil
		}
		live[loan]++
		if v.overdueSince != "" && (due != v.overdueSince || bucket != v.overdueBucket) {
			f.wrong("case %d: due on %s, %s; loan %d is overdue since %s, %s", id, due, bucket, loan, v.overdueSince, v.overdueBucket)
		}
		return nil
	})
	if err != nil {
		return err
	}
	b.paidOut(f, func(v *lived) {
		n := live[v.id]
		if n > 1 {
			f.wrong("loan %d has %d live cases", v.id, n)
		}
		f.saw(1)
		if v.life.lockOrder != 0 {
			return // its money is under way: the case stays as it was
		}
		overdue := v.live != 0 && v.now.overdueDays() > 0
		if overdue != (n > 0) {
			f.wrong("loan %d on %s: overdue %d days, live cases %d", v.id, v.now.at, v.now.overdueDays(), n)
		}
	})
	return nil
}
