package log

import (
	"context"
	"slices"
	"strings"

	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/id"
	"github.com/hengdai/hengdai/kit/store"
)

// Reader is how far one source's log has been taken into a database.
type Reader struct {
	Source    string
	Positions [id.Partitions]int64
	// Parked is how many of its events wait for a person.
	Parked int
}

// Readers answers all logs that are followed into a database, for whoever watches over it.
func Readers(ctx context.Context, db *store.DB) ([]Reader, error) {
	found := map[string]*Reader{}
	of := func(source string) *Reader {
		if found[source] == nil {
			found[source] = &Reader{Source: source}
		}
		return found[source]
	}
	err := each(ctx, db, "SELECT source, part, position FROM kit_cursor", func(source string, part, position int64) {
		if part >= 0 && part < id.Partitions {
			of(source).Positions[part] = position
		}
	})
	if err != nil {
		return nil, err
	}
	err = each(ctx, db, "SELECT source, part, COUNT(*) FROM kit_parked GROUP BY source, part", func(source string, _, n int64) {
		of(source).Parked += int(n)
	})
	list := make([]Reader, 0, len(found))
	for _, r := range found {
		list = append(list, *r)
	}
	slices.SortFunc(list, func(a, b Reader) int { return strings.Compare(a.Source, b.Source) })
	return list, err
}

func each(ctx context.Context, db *store.DB, query string, take func(source string, part, n int64)) error {
	rows, err := db.Primary().QueryContext(ctx, query)
	if err != nil {
		return errs.Wrap(store.Explain(err), "reading what is followed")
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var source string
		var part, n int64
		if err := rows.Scan(&source, &part, &n); err != nil {
			return errs.Wrap(err, "reading what is followed")
		}
		take(source, part, n)
	}
	return errs.Wrap(store.Explain(rows.Err()), "reading what is followed")
}
