package invariant

import (
	"context"
	"database/sql"
)

// limit is a person's credit limit.
type limit struct{ granted, total, frozen, used, version int64 }

func (l *look) limits(ctx context.Context) (map[int64]limit, error) {
	return once(&l.limitsRead, func() (map[int64]limit, error) {
		of := map[int64]limit{}
		err := l.books.each(ctx, "loan", `SELECT user_id, granted_minor, total_minor, frozen_minor, used_minor, version FROM credit_limit`, func(r *sql.Rows) error {
			var user int64
			var v limit
			err := r.Scan(&user, &v.granted, &v.total, &v.frozen, &v.used, &v.version)
			of[user] = v
			return err
		})
		return of, err
	})
}

// limitsHeld: what is used is the principal of the person's loans that is not repaid, what is frozen is what was approved
// to him and not paid out, and both together are never above the total.
func limitsHeld(ctx context.Context, l *look, f *finding) error {
	limits, err := l.limits(ctx)
	if err != nil {
		return err
	}
	applications, err := l.applications(ctx)
	if err != nil {
		return err
	}
	b, err := l.lent(ctx)
	if err != nil {
		return err
	}
	used, frozen := map[int64]int64{}, map[int64]int64{}
	for _, v := range b.loans {
		if v.disbursedOn != "" && v.state != "CANCELLED" {
			used[v.user] += v.principal + v.by("allocate", "1303")
		}
	}
	for _, a := range applications {
		switch a.state {
		case "APPROVED", "AWAITING_SIGNATURE", "SIGNED":
			frozen[a.user] += a.approved
		}
	}
	for user, v := range limits {
		same(f, v.used, used[user], "user %d: used", user)
		same(f, v.frozen, frozen[user], "user %d: frozen", user)
		same(f, v.total, max(v.granted, v.frozen+v.used), "user %d: total", user)
	}
	for _, held := range []map[int64]int64{used, frozen} {
		for user, amount := range held {
			if _, known := limits[user]; amount != 0 && !known {
				f.wrong("user %d has %d used or frozen and no limit", user, amount)
			}
		}
	}
	return nil
}

// limitsHistory: the changes of a limit lead, one by one, to what it is.
func limitsHistory(ctx context.Context, l *look, f *finding) error {
	limits, err := l.limits(ctx)
	if err != nil {
		return err
	}
	at := map[int64]limit{}
	err = l.books.each(ctx, "loan", `SELECT user_id, version, cause, total_minor, frozen_minor, used_minor FROM credit_limit_change
		ORDER BY bucket, user_id, version`, func(r *sql.Rows) error {
		var user int64
		var cause string
		var next limit
		if err := r.Scan(&user, &next.version, &cause, &next.total, &next.frozen, &next.used); err != nil {
			return err
		}
		f.saw(1)
		if before := at[user]; !follows(before, next, cause) {
			f.wrong("user %d, change %d (%s): total, frozen, used %d, %d, %d after %d, %d, %d", user, next.version, cause,
				next.total, next.frozen, next.used, before.total, before.frozen, before.used)
		}
		at[user] = next
		return nil
	})
	if err != nil {
		return err
	}
	for user, v := range limits {
		v.granted = 0 // the history does not tell it apart from the total
		same(f, v, at[user], "user %d: limit and its last change", user)
		delete(at, user)
	}
	for user := range at {
		f.wrong("user %d has changes of a limit and no limit", user)
	}
	return nil
}

// follows says whether a change does what its cause says and nothing else.
func follows(from, to limit, cause string) bool {
	frozen, used := to.frozen-from.frozen, to.used-from.used
	fits := to.version == from.version+1 && to.frozen >= 0 && to.used >= 0 && to.total >= to.frozen+to.used
	switch cause {
	case "granted":
		return fits && frozen == 0 && used == 0
	case "frozen":
		return fits && frozen > 0 && used == 0 && to.total == from.total
	case "used":
		return fits && used > 0 && frozen == -used && to.total == from.total
	case "released":
		return fits && to.total <= from.total && (frozen < 0) != (used < 0) && frozen*used == 0
	}
	return false
}
