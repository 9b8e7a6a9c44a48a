package storebench

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"testing"

	"github.com/hengdai/hengdai/kit/clock"
	"github.com/hengdai/hengdai/kit/id"
	eventlog "github.com/hengdai/hengdai/kit/log"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/kit/store/storetest"
)

// services is how many databases one process with all services opens.
const services = 8

func openAll(b *testing.B, folder string) {
	b.Helper()
	for n := range services {
		db, err := store.Open(b.Context(), store.Config{Engine: store.SQLite, Path: filepath.Join(folder, fmt.Sprintf("%d.db", n))}, schema())
		if err != nil {
			b.Fatal(err)
		}
		if err := db.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

// Opening all databases one after another and closing them: the first time with migrations, then without.
func BenchmarkOpenEight(b *testing.B) {
	b.Run("first", func(b *testing.B) {
		for b.Loop() {
			openAll(b, b.TempDir())
		}
	})
	b.Run("again", func(b *testing.B) {
		folder := b.TempDir()
		openAll(b, folder)
		for b.Loop() {
			openAll(b, folder)
		}
	})
}

// TestMemoryOfEightStores prints what eight databases take after transfers and reads in each of them.
func TestMemoryOfEightStores(t *testing.T) {
	if testing.Short() {
		t.Skip("it measures")
	}
	const transfers = 2000
	t.Logf("before: %s", resident(t))
	clk := clock.New(nil)
	ids := id.NewLocal(1, clk)
	for range services {
		db := storetest.Open(t, storetest.SQLite(t), schema())
		l := &ledger{db: db, ids: ids, log: eventlog.New(db, "bench", ids, clk)}
		var all sync.WaitGroup
		for g := range int64(goroutines) {
			all.Go(func() {
				for n := g; n < transfers; n += goroutines {
					if err := l.transfer(context.Background(), n, 100, fmt.Sprintf("key-%016d", n)); err != nil {
						t.Error(err)
					}
					var sum int64
					if err := db.Read().QueryRowContext(t.Context(), "SELECT COALESCE(SUM(amount_minor), 0) FROM b_entry WHERE bucket = ?", n%1024).Scan(&sum); err != nil {
						t.Error(err)
					}
				}
			})
		}
		all.Wait()
	}
	t.Logf("with %d databases of %d transfers: %s", services, transfers, resident(t))
}
