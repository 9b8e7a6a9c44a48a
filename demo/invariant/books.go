package invariant

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"

	_ "github.com/go-sql-driver/mysql" // the driver of the MySQL family
	"github.com/ncruces/go-sqlite3/driver"
)

// Services are the books that are looked at: every service with a database, and the outside parties' own.
var services = []string{"user", "risk", "payment", "loan", "notify", "collection", "report", "sandbox"}

// ours are the books that the lender keeps himself.
var ours = services[:len(services)-1]

// Books are the databases of an installation, open for reading.
type Books struct {
	of map[string]*book
}

// book is one database. A book that could not be opened says why to everybody who wants to read in it.
type book struct {
	service, engine string
	db              *sql.DB
	tx              *sql.Tx // of the look under way
	err             error
}

// Open opens the databases. where answers for each service its engine and source: "sqlite" with the path of a file, or
// "mysql" with a DSN. A database that is not there is no error here: every invariant that needs it is found broken.
func Open(ctx context.Context, where func(service string) (engine, source string)) (*Books, error) {
	b := &Books{of: map[string]*book{}}
	for _, service := range services {
		engine, source := where(service)
		one := &book{service: service, engine: engine}
		b.of[service] = one
		switch engine {
		case "sqlite":
			one.db, one.err = openSQLite(ctx, source)
		case "mysql":
			one.db, one.err = sql.Open("mysql", source)
			if one.err == nil {
				one.err = one.db.PingContext(ctx)
			}
		default:
			return nil, errors.Join(fmt.Errorf("the books of %s are kept in %q, which is not known here", service, engine), b.Close())
		}
		if one.err != nil {
			one.err = fmt.Errorf("the books of %s: %w", service, one.err)
		}
	}
	return b, nil
}

func openSQLite(ctx context.Context, path string) (*sql.DB, error) {
	if _, err := os.Stat(path); err != nil {
		return nil, err
	}
	full, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	u := url.URL{Scheme: "file", OmitHost: true, Path: full}
	u.RawQuery = url.Values{"mode": {"ro"}, "_pragma": {"busy_timeout(5000)", "query_only(on)", "cache_size(-16000)"}}.Encode()
	db, err := driver.Open(u.String())
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	return db, db.PingContext(ctx)
}

// Close closes what Open opened.
func (b *Books) Close() error {
	var errs []error
	for _, one := range b.of {
		if one.db != nil {
			errs = append(errs, one.db.Close())
		}
	}
	return errors.Join(errs...)
}

// begin takes a look: from here to end each book stands still.
func (b *Books) begin(ctx context.Context) {
	for _, one := range b.of {
		if one.err == nil {
			one.tx, one.err = one.db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
		}
	}
}

func (b *Books) end() {
	for _, one := range b.of {
		if one.tx != nil {
			_ = one.tx.Rollback() // nothing was written
			one.tx = nil
		}
	}
}

// each calls take for every row that a query answers in a service's book.
func (b *Books) each(ctx context.Context, service, query string, take func(r *sql.Rows) error, args ...any) error {
	one := b.of[service]
	if one.err != nil {
		return one.err
	}
	rows, err := one.tx.QueryContext(ctx, query, args...)
	if err != nil {
		return fmt.Errorf("reading the books of %s: %w", service, err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		if err := take(rows); err != nil {
			return fmt.Errorf("reading the books of %s: %w", service, err)
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("reading the books of %s: %w", service, err)
	}
	return nil
}

// into scans a row into values; it saves each reader a closure.
func into(values ...any) func(r *sql.Rows) error {
	return func(r *sql.Rows) error { return r.Scan(values...) }
}

// rows reads a query of one book whole.
func rows[T any](ctx context.Context, b *Books, service, query string, scan func(r *sql.Rows, v *T) error) ([]T, error) {
	var list []T
	err := b.each(ctx, service, query, func(r *sql.Rows) error {
		var v T
		if err := scan(r, &v); err != nil {
			return err
		}
		list = append(list, v)
		return nil
	})
	return list, err
}
