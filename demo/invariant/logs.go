package invariant

import (
	"context"
	"database/sql"
	"fmt"
)

// heads reads how far each partition of a service's log is.
func (l *look) heads(ctx context.Context, service string) (map[int64]int64, error) {
	of := map[int64]int64{}
	err := l.books.each(ctx, service, `SELECT part, position FROM kit_log_head`, func(r *sql.Rows) error {
		var part, position int64
		err := r.Scan(&part, &position)
		of[part] = position
		return err
	})
	return of, err
}

// logsDense: in each partition of each log the positions are 1, 2, 3 to its head, each event once and in its person's
// partition, and nothing waits for its place.
func logsDense(ctx context.Context, l *look, f *finding) error {
	for _, service := range ours {
		heads, err := l.heads(ctx, service)
		if err != nil {
			return err
		}
		same(f, len(heads), partitions, "%s: partitions of its log", service)
		at := map[int64]int64{}
		err = l.books.each(ctx, service, `SELECT part, position, user_id, bucket FROM kit_log ORDER BY part, position`, func(r *sql.Rows) error {
			var part, position, user, bucket int64
			if err := r.Scan(&part, &position, &user, &bucket); err != nil {
				return err
			}
			same(f, position, at[part]+1, "%s, partition %d: position", service, part)
			at[part] = position
			if partitionOf(bucket) != part || (user != 0 && bucketOf(user) != bucket) {
				f.wrong("%s, partition %d: event %d is of bucket %d", service, part, position, bucket)
			}
			return nil
		})
		if err != nil {
			return err
		}
		for part, head := range heads {
			same(f, at[part], head, "%s, partition %d: last event and head", service, part)
		}
		for what, query := range map[string]string{
			"events without a place":  `SELECT COUNT(*) FROM kit_log_new`,
			"events that stand twice": `SELECT COUNT(*) - COUNT(DISTINCT id) FROM kit_log`,
		} {
			if err := l.none(ctx, f, service, what, query); err != nil {
				return err
			}
		}
	}
	return nil
}

// none examines that a query counts zero.
func (l *look) none(ctx context.Context, f *finding, service, what, query string) error {
	var n int64
	err := l.books.each(ctx, service, query, into(&n))
	same(f, n, 0, "%s: %s", service, what)
	return err
}

// followed is whose logs each service must have taken in.
var followed = map[string][]string{
	"loan": {"payment"}, "payment": {"loan"}, "collection": {"loan"}, "notify": {"user", "loan", "payment", "collection"},
	"report": {"loan", "payment", "risk"},
}

// followers: every service has taken in the logs it follows, to their heads.
func followers(ctx context.Context, l *look, f *finding) error {
	for _, service := range ours {
		at := map[string]map[int64]int64{}
		err := l.books.each(ctx, service, `SELECT source, part, position FROM kit_cursor`, func(r *sql.Rows) error {
			var source string
			var part, position int64
			err := r.Scan(&source, &part, &position)
			if at[source] == nil {
				at[source] = map[int64]int64{}
			}
			at[source][part] = position
			return err
		})
		if err != nil {
			return err
		}
		for _, source := range followed[service] {
			if at[source] == nil {
				f.wrong("%s has taken in nothing of %s", service, source)
			}
		}
		for source, parts := range at {
			if l.books.of[source] == nil {
				f.wrong("%s follows %s, which keeps no log", service, source)
				continue
			}
			heads, err := l.heads(ctx, source)
			if err != nil {
				return fmt.Errorf("the heads of %s: %w", source, err)
			}
			for part, head := range heads {
				same(f, parts[part], head, "%s, log of %s, partition %d: taken in", service, source, part)
			}
		}
	}
	return nil
}

// nothingParked: no event lies aside, in any service.
func nothingParked(ctx context.Context, l *look, f *finding) error {
	for _, service := range ours {
		f.saw(1)
		err := l.books.each(ctx, service, `SELECT source, part, position, kind FROM kit_parked ORDER BY source, part, position`, func(r *sql.Rows) error {
			var source, kind string
			var part, position int64
			if err := r.Scan(&source, &part, &position, &kind); err != nil {
				return err
			}
			f.wrong("%s has parked %s of %s, partition %d, position %d", service, kind, source, part, position)
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// effectsDone: no stored effect on the outside has failed for good.
func effectsDone(ctx context.Context, l *look, f *finding) error {
	for _, service := range ours {
		err := l.books.each(ctx, service, `SELECT kind, id, state FROM kit_effect`, func(r *sql.Rows) error {
			var kind string
			var id, state int64
			if err := r.Scan(&kind, &id, &state); err != nil {
				return err
			}
			f.saw(1)
			if state != 0 && state != 1 {
				f.wrong("%s: effect %s of %d has failed (state %d)", service, kind, id, state)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}
