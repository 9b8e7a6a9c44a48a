package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/ncruces/go-sqlite3/driver"

	"github.com/hengdai/hengdai/kit/errs"
)

// Inspection is what can be seen of a database from outside, while its owner works or while nobody does.
type Inspection struct {
	// Behind names schemas with older tables than this program's, Ahead those with newer ones: "loan 2 of 3".
	Behind, Ahead []string
	// Heads are the last positions of the own log by partition; Cursors how far the logs of others were taken in.
	Heads   map[int64]int64
	Cursors map[string]map[int64]int64
	// Gaps counts partitions of the own log whose positions are not 1, 2, 3 to the head.
	Gaps int64
	// Parked counts events that wait for a person, Failed the effects that have failed for good.
	Parked, Failed int64
	// OldestDueMS is the business time at which the oldest effect that still waits was due; zero if none waits.
	OldestDueMS int64
}

// Inspect looks at a database without changing or migrating it.
func Inspect(ctx context.Context, cfg Config, schemas ...Schema) (*Inspection, error) {
	db, err := openToLook(cfg)
	if err != nil {
		return nil, errs.Wrap(Explain(err), "opening the database")
	}
	defer func() { _ = db.Close() }()
	seen := &Inspection{Heads: map[int64]int64{}, Cursors: map[string]map[int64]int64{}}
	all, err := standings(ctx, db, cfg.Engine, withKit(schemas))
	if err != nil {
		return nil, err
	}
	for _, s := range all {
		text := fmt.Sprintf("%s %d of %d", s.name, s.have, s.want)
		switch {
		case s.have < s.want:
			seen.Behind = append(seen.Behind, text)
		case s.have > s.want:
			seen.Ahead = append(seen.Ahead, text)
		}
	}
	if all[0].have == 0 {
		return seen, nil // there are no tables yet
	}
	return seen, seen.fill(ctx, db)
}

func openToLook(cfg Config) (*sql.DB, error) {
	if cfg.Engine == MySQL {
		return mysqlPool(cfg.DSN)
	}
	name, err := fileURI(cfg.Path, "rw") // read-only could not follow the log of a writer that has just ended
	if err != nil {
		return nil, err
	}
	db, err := driver.Open(name + "&_pragma=query_only(on)")
	if err == nil {
		db.SetMaxOpenConns(1)
	}
	return db, err
}

func (i *Inspection) fill(ctx context.Context, db *sql.DB) error {
	err := eachRow(ctx, db, "SELECT '', part, position FROM kit_log_head", func(_ string, part, position int64) { i.Heads[part] = position })
	err = errors.Join(err, eachRow(ctx, db, "SELECT source, part, position FROM kit_cursor", func(source string, part, position int64) {
		if i.Cursors[source] == nil {
			i.Cursors[source] = map[int64]int64{}
		}
		i.Cursors[source][part] = position
	}))
	counted := map[int64]int64{}
	err = errors.Join(err, eachRow(ctx, db, "SELECT '', part, COUNT(*) FROM kit_log GROUP BY part", func(_ string, part, n int64) { counted[part] = n }))
	for part, head := range i.Heads {
		if counted[part] != head {
			i.Gaps++
		}
	}
	for query, into := range map[string]*int64{
		"SELECT COUNT(*) FROM kit_parked":                                        &i.Parked,
		"SELECT COUNT(*) FROM kit_effect WHERE state = 2":                        &i.Failed,
		"SELECT COALESCE(MIN(not_before_ms), 0) FROM kit_effect WHERE state = 0": &i.OldestDueMS,
	} {
		err = errors.Join(err, db.QueryRowContext(ctx, query).Scan(into))
	}
	return Explain(err)
}

func eachRow(ctx context.Context, db *sql.DB, query string, take func(name string, key, value int64)) error {
	rows, err := db.QueryContext(ctx, query)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var name string
		var key, value int64
		if err := rows.Scan(&name, &key, &value); err != nil {
			return err
		}
		take(name, key, value)
	}
	return rows.Err()
}

// Room answers how many bytes the disk of a folder has free; false where that cannot be told.
func Room(folder string) (int64, bool) { return room(folder) }
