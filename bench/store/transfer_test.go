package storebench

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/hengdai/hengdai/kit/clock"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/id"
	"github.com/hengdai/hengdai/kit/job"
	eventlog "github.com/hengdai/hengdai/kit/log"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/kit/store/storetest"
)

const (
	goroutines = 64
	users      = 10_000
	postingOn  = "2026-03-01"
)

// ledger is as much of a journal as a transfer needs.
type ledger struct {
	db  *store.DB
	ids *id.Generator
	log *eventlog.Log
}

func newLedger(b *testing.B, cfg store.Config) *ledger {
	b.Helper()
	db := storetest.Open(b, cfg, schema())
	clk := clock.New(nil)
	ids, err := id.NewGenerator(b.Context(), db, clk)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(ids.Close)
	return &ledger{db: db, ids: ids, log: eventlog.New(db, "bench", ids, clk)}
}

var (
	errStale = errs.New(errs.Conflict, "bench.stale", "已变更。", "Changed.")
	errShort = errs.New(errs.Precondition, "bench.short", "余额不足。", "Not enough.")
)

// user n's account, and the house's account in his bucket.
func accountsOf(n int64) (bucket, user, house int64) {
	bucket = n % id.Buckets
	return bucket, 1000 + n, 1
}

// transfer moves amount from the house to the user under the key.
func (l *ledger) transfer(ctx context.Context, n, amount int64, key string) error {
	bucket, to, from := accountsOf(n)
	var body [24]byte
	binary.BigEndian.PutUint64(body[:], uint64(from))
	binary.BigEndian.PutUint64(body[8:], uint64(to))
	binary.BigEndian.PutUint64(body[16:], uint64(amount))
	hash := sha256.Sum256(body[:])
	err := l.db.Write(ctx, func(tx *store.Tx) error {
		if _, found, err := store.Idempotent(tx, bucket, "bench.Post", key, hash[:]); err != nil || found {
			return err
		}
		transfer := l.ids.New(bucket)
		if _, err := tx.ExecContext(ctx, "INSERT INTO b_transfer (bucket, id, debit_id, credit_id, amount_minor, kind, posting_on, value_on, created_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
			bucket, transfer, from, to, amount, "payout", postingOn, postingOn, transfer>>22); err != nil {
			return err
		}
		if err := l.post(ctx, tx, bucket, from, transfer, -amount, -1<<50); err != nil {
			return err
		}
		if err := l.post(ctx, tx, bucket, to, transfer, amount, 0); err != nil {
			return err
		}
		if err := l.log.Append(tx, eventlog.Event{Bucket: bucket, Body: wrapperspb.Int64(transfer), PostingOn: postingOn, ValueOn: postingOn}); err != nil {
			return err
		}
		var answer [8]byte
		binary.BigEndian.PutUint64(answer[:], uint64(transfer))
		return store.Remember(tx, bucket, "bench.Post", key, hash[:], answer[:])
	})
	return err
}

func (l *ledger) post(ctx context.Context, tx *store.Tx, bucket, account, transfer, amount, least int64) error {
	var balance, version int64
	err := tx.QueryRowContext(ctx, "SELECT balance_minor, version FROM b_balance WHERE bucket = ? AND account_id = ?", bucket, account).Scan(&balance, &version)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		_, err = tx.ExecContext(ctx, "INSERT INTO b_balance (bucket, account_id, balance_minor, version) VALUES (?, ?, ?, 1)", bucket, account, amount)
	case err != nil:
	case balance+amount < least:
		err = errShort
	default:
		var res sql.Result
		if res, err = tx.ExecContext(ctx, "UPDATE b_balance SET balance_minor = ?, version = version + 1 WHERE bucket = ? AND account_id = ? AND version = ?",
			balance+amount, bucket, account, version); err == nil {
			n, nerr := res.RowsAffected()
			err = store.One(n, nerr, errStale)
		}
	}
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, "INSERT INTO b_entry (bucket, account_id, transfer_id, amount_minor, balance_minor, posting_on) VALUES (?, ?, ?, ?, ?, ?)",
		bucket, account, transfer, amount, balance+amount, postingOn)
	return err
}

// run spreads b.N transfers over the goroutines.
func (l *ledger) run(b *testing.B) {
	b.Helper()
	var next, stale atomic.Int64
	var all sync.WaitGroup
	for range goroutines {
		all.Go(func() {
			for {
				n := next.Add(1)
				if n > int64(b.N) {
					return
				}
				for {
					err := l.transfer(b.Context(), n*7919%users, 100, fmt.Sprintf("key-%016d", n))
					if err == nil {
						break
					}
					if !errors.Is(err, errStale) {
						b.Error(err)
						return
					}
					stale.Add(1)
				}
			}
		})
	}
	all.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "transfers/s")
}

// check proves that what was measured was right: every transfer is there once, and the books balance.
func (l *ledger) check(b *testing.B) {
	b.Helper()
	for _, q := range []struct {
		query string
		want  int64
	}{
		{"SELECT COUNT(*) FROM b_transfer", int64(b.N)},
		{"SELECT COUNT(*) FROM b_entry", 2 * int64(b.N)},
		{"SELECT COALESCE(CAST(SUM(balance_minor) AS SIGNED), 0) FROM b_balance", 0},
		{"SELECT (SELECT COUNT(*) FROM kit_log) + (SELECT COUNT(*) FROM kit_log_new)", int64(b.N)},
	} {
		query := q.query
		if l.db.Engine() == store.SQLite {
			query = "SELECT COALESCE(SUM(balance_minor), 0) FROM b_balance"
			if q.want != 0 {
				query = q.query
			}
		}
		var got int64
		if err := l.db.Primary().QueryRowContext(context.Background(), query).Scan(&got); err != nil || got != q.want {
			b.Fatalf("%s: %d, want %d (%v)", query, got, q.want, err)
		}
	}
}

// withNumberer also runs the log's numberer, as a service does.
func (l *ledger) withNumberer(b *testing.B) {
	b.Helper()
	ctx, stop := context.WithCancel(b.Context())
	r := job.NewRunner(l.db, "bench", slog.New(slog.NewTextHandler(io.Discard, nil)))
	r.Add(job.Job{Name: "log", Step: l.log.Step})
	var running sync.WaitGroup
	running.Go(func() { _ = r.Run(ctx) })
	b.ResetTimer()
	l.run(b)
	b.StopTimer()
	for idle := false; !idle; time.Sleep(time.Millisecond) {
		idle, _, _ = r.Idle(b.Context())
	}
	stop()
	running.Wait()
}

func BenchmarkTransfers(b *testing.B) {
	b.Run("sqlite", func(b *testing.B) {
		cfg := storetest.SQLite(b)
		cfg.Path = filepath.Join(dir(b), "bench.db")
		l := newLedger(b, cfg)
		l.withNumberer(b)
		stats := l.db.Stats()
		b.ReportMetric(float64(stats.Units)/float64(max(stats.Commits, 1)), "units/commit")
		l.reportSize(b)
		l.check(b)
	})
	b.Run("mysql", func(b *testing.B) {
		l := newLedger(b, storetest.MySQL(b, schema()))
		l.withNumberer(b)
		l.check(b)
	})
}

// dir is where the file is made: HENGDAI_BENCH_DIR if the temporary folder is not on the disk to be measured.
func dir(b *testing.B) string {
	b.Helper()
	base := os.Getenv("HENGDAI_BENCH_DIR")
	if base == "" {
		return b.TempDir()
	}
	d, err := os.MkdirTemp(base, "bench")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = os.RemoveAll(d) })
	return d
}

// reportSize is what the database has grown to, its empty tables included.
func (l *ledger) reportSize(b *testing.B) {
	b.Helper()
	var bytes int64
	if err := l.db.Primary().QueryRowContext(context.Background(), "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size").Scan(&bytes); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(bytes)/1e6/float64(b.N)*1000, "MB/1000")
}
