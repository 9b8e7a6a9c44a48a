package storebench

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	_ "github.com/ncruces/go-sqlite3/driver" // one of the two that are compared
	_ "modernc.org/sqlite"                   // the other
)

// The two pure-Go drivers, with the same statements, pragmas and batches, without kit/store around them.
var drivers = []string{"sqlite3", "sqlite"} // ncruces, modernc

var driverNames = map[string]string{"sqlite3": "ncruces", "sqlite": "modernc"}

const batch = 64

var ledgerSQL = []string{
	"SELECT 1 FROM b_transfer WHERE bucket = ? AND id = ?",
	"INSERT INTO b_transfer (bucket, id, debit_id, credit_id, amount_minor, kind, posting_on, value_on, created_ms) VALUES (?, ?, 1, ?, 100, 'payout', '2026-03-01', '2026-03-01', 0)",
	"INSERT INTO b_balance (bucket, account_id, balance_minor, version) VALUES (?, ?, 100, 1)",
	"UPDATE b_balance SET balance_minor = balance_minor + 100, version = version + 1 WHERE bucket = ? AND account_id = ?",
	"INSERT INTO b_entry (bucket, account_id, transfer_id, amount_minor, balance_minor, posting_on) VALUES (?, ?, ?, 100, 0, '2026-03-01')",
	"INSERT INTO b_log (part, id, body) VALUES (?, ?, ?)",
	"INSERT INTO b_idem (bucket, k, hash, response) VALUES (?, ?, ?, ?)",
}

func openRaw(b testing.TB, driver, path string, pragmas ...string) *sql.DB {
	b.Helper()
	q := []string{"_pragma=busy_timeout(5000)"}
	for _, p := range append([]string{"journal_mode(wal)", "synchronous(full)"}, pragmas...) {
		q = append(q, "_pragma="+p)
	}
	db, err := sql.Open(driver, "file:"+path+"?"+strings.Join(q, "&"))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = db.Close() })
	return db
}

type rawLedger struct {
	conn  *sql.Conn
	stmts []*sql.Stmt
	begin func(q string) error
	n     int64
}

func newRawLedger(b testing.TB, db *sql.DB) *rawLedger {
	b.Helper()
	ctx := context.Background()
	conn, err := db.Conn(ctx)
	if err != nil {
		b.Fatal(err)
	}
	extra := "CREATE TABLE b_log (part INTEGER NOT NULL, id INTEGER NOT NULL, body BLOB NOT NULL, PRIMARY KEY (part, id)) STRICT, WITHOUT ROWID;" +
		"CREATE TABLE b_idem (bucket INTEGER NOT NULL, k TEXT NOT NULL, hash BLOB NOT NULL, response BLOB NOT NULL, PRIMARY KEY (bucket, k)) STRICT, WITHOUT ROWID;"
	for _, q := range strings.SplitAfter(strings.TrimPrefix(tables, "-- +goose Up\n")+extra, ";") {
		if strings.TrimSpace(q) == "" {
			continue
		}
		if _, err := conn.ExecContext(ctx, q); err != nil {
			b.Fatal(err)
		}
	}
	l := &rawLedger{conn: conn, begin: func(q string) error { _, err := conn.ExecContext(ctx, q); return err }}
	for _, q := range ledgerSQL {
		s, err := conn.PrepareContext(ctx, q)
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = s.Close() })
		l.stmts = append(l.stmts, s)
	}
	b.Cleanup(func() { _ = conn.Close() })
	return l
}

func (l *rawLedger) batch(size int) error {
	ctx := context.Background()
	if err := l.begin("BEGIN IMMEDIATE"); err != nil {
		return err
	}
	for range size {
		l.n++
		user := l.n * 7919 % users
		bucket := user % 1024
		if err := l.begin("SAVEPOINT u"); err != nil {
			return err
		}
		var one int
		_ = l.stmts[0].QueryRowContext(ctx, bucket, l.n).Scan(&one)
		if _, err := l.stmts[1].ExecContext(ctx, bucket, l.n, user); err != nil {
			return err
		}
		for _, account := range []int64{1, 1000 + user} {
			res, err := l.stmts[3].ExecContext(ctx, bucket, account)
			if err != nil {
				return err
			}
			if n, _ := res.RowsAffected(); n == 0 {
				if _, err := l.stmts[2].ExecContext(ctx, bucket, account); err != nil {
					return err
				}
			}
			if _, err := l.stmts[4].ExecContext(ctx, bucket, account, l.n); err != nil {
				return err
			}
		}
		if _, err := l.stmts[5].ExecContext(ctx, bucket%16, l.n, make([]byte, 120)); err != nil {
			return err
		}
		if _, err := l.stmts[6].ExecContext(ctx, bucket, fmt.Sprintf("key-%016d", l.n), make([]byte, 32), make([]byte, 8)); err != nil {
			return err
		}
		if err := l.begin("RELEASE u"); err != nil {
			return err
		}
	}
	return l.begin("COMMIT")
}

func BenchmarkDriver(b *testing.B) {
	for _, driver := range drivers {
		for _, readers := range []int{0, 4} {
			b.Run(fmt.Sprintf("%s/readers=%d", driverNames[driver], readers), func(b *testing.B) {
				path := filepath.Join(dir(b), "raw.db")
				l := newRawLedger(b, openRaw(b, driver, path))
				ctx, stop := context.WithCancel(context.Background())
				reads := read(b, ctx, driver, path, readers)
				b.ResetTimer()
				for range b.N {
					if err := l.batch(batch); err != nil {
						b.Fatal(err)
					}
				}
				b.StopTimer()
				stop()
				b.ReportMetric(float64(b.N*batch)/b.Elapsed().Seconds(), "transfers/s")
				b.ReportMetric(float64(reads())/b.Elapsed().Seconds(), "reads/s")
			})
		}
	}
}

// read lets goroutines read statements of accounts until ctx ends.
func read(b testing.TB, ctx context.Context, driver, path string, readers int) func() int64 {
	b.Helper()
	var reads atomic.Int64
	var all sync.WaitGroup
	db := openRaw(b, driver, path, "query_only(on)")
	for r := range readers {
		all.Go(func() {
			for n := int64(r); ctx.Err() == nil; n++ {
				if readStatement(ctx, db, n%1024) == nil {
					reads.Add(1)
				}
			}
		})
	}
	return func() int64 { all.Wait(); return reads.Load() }
}

func readStatement(ctx context.Context, db *sql.DB, bucket int64) error {
	rows, err := db.QueryContext(ctx, "SELECT transfer_id, amount_minor, balance_minor FROM b_entry WHERE bucket = ? AND account_id = 1 ORDER BY transfer_id DESC LIMIT 20", bucket)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
	}
	return rows.Err()
}

// TestMemoryOfEightDatabases prints the resident memory of eight databases with a writer and two readers each, which is
// what one process with all services holds. It is run by hand: go test ./bench/store -run Memory -v -driver is in the name.
func TestMemoryOfEightDatabases(t *testing.T) {
	driver := os.Getenv("HENGDAI_BENCH_DRIVER")
	if driver == "" {
		t.Skip("measured by hand: set HENGDAI_BENCH_DRIVER to sqlite3 (ncruces) or sqlite (modernc)")
	}
	t.Logf("before: %s", resident(t))
	began := time.Now()
	for n := range 8 {
		path := filepath.Join(t.TempDir(), fmt.Sprintf("m%d.db", n))
		l := newRawLedger(t, openRaw(t, driver, path, "cache_size(-8000)"))
		for range 100 {
			if err := l.batch(batch); err != nil {
				t.Fatal(err)
			}
		}
		readers := openRaw(t, driver, path, "query_only(on)", "cache_size(-2000)")
		for range 2 {
			c, err := readers.Conn(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			var sum int64
			if err := c.QueryRowContext(t.Context(), "SELECT SUM(amount_minor) FROM b_entry").Scan(&sum); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = c.Close() })
		}
	}
	t.Logf("with 8 databases of 6,400 transfers, 24 connections: %s (%v)", resident(t), time.Since(began))
}

func resident(t testing.TB) string {
	t.Helper()
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Skip("no /proc here")
	}
	var rss, hwm string
	for line := range strings.Lines(string(b)) {
		if v, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			rss = strings.TrimSpace(v)
		}
		if v, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			hwm = strings.TrimSpace(v)
		}
	}
	return "resident " + rss + ", peak " + hwm
}
