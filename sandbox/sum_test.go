package sandbox_test

import (
	"context"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"testing/fstest"
	"time"

	"github.com/hengdai/hengdai/kit/clock"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/sandbox"
	"github.com/hengdai/hengdai/sandbox/channel"
)

// merchant answers our balance at a channel.
func (r *rig) merchant(name string) int64 {
	r.t.Helper()
	var list struct{ Merchants []channel.Merchant }
	r.control("GET", "/control/merchants", nil, &list)
	for _, m := range list.Merchants {
		if m.Party == name && m.MerchantID == "M1" {
			return m.BalanceMinor
		}
	}
	r.t.Fatalf("no account at %s", name)
	return 0
}

func TestAllFilesTogetherAreTheJournalAndTheAccount(t *testing.T) {
	each(t, func(t *testing.T, name string) {
		const days = 12
		rnd := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 1))
		r := start(t)
		r.control("POST", "/control/plan", map[string]any{"name": "same_day", "seed": 5, "rate_ppm": 300_000}, nil)
		var dates []string
		no := 0
		for d := range days {
			dates = append(dates, r.standAt(d+1, 8+rnd.IntN(2), 0))
			for range rnd.IntN(6) {
				no++
				p := r.person(uint64(rnd.IntN(5)), 500_00)
				kind, amount := []string{"PAYOUT", "COLLECT"}[rnd.IntN(2)], 1+rnd.Int64N(300_00)
				if name == "alpha" {
					r.pay(fmt.Sprint("n", no), kind, p, amount)
				} else {
					r.trans(fmt.Sprint("n", no), map[string]string{"PAYOUT": "12", "COLLECT": "11"}[kind], p, amount)
				}
				if rnd.IntN(5) == 0 {
					what := map[string]string{"PAYOUT": "return", "COLLECT": "chargeback"}[kind]
					r.settle()
					r.control("POST", "/control/"+what, map[string]any{"party": name, "merchant_id": "M1", "request_no": fmt.Sprint("n", no)}, nil)
				}
			}
			r.settle()
			if rnd.IntN(4) == 0 {
				r.restart()
			}
			if rnd.IntN(3) == 0 && d > 1 {
				r.statement(name, dates[d-2], 0)
			}
			r.standAt(d+1, 23, 10)
			no++
			r.send(name, fmt.Sprint("n", no), "PAYOUT", rnd.IntN(5), 1+rnd.Int64N(300_00))
		}
		r.standAt(days+3, 9, 0)
		dates = append(dates, time.Now().In(clock.Shanghai).AddDate(0, 0, days+1).Format(time.DateOnly))
		var files []*paper
		balance, total := int64(10_000_000_000_00), 0
		for _, day := range dates {
			f := r.good(name, day)
			want(t, f.opening, balance)
			balance = f.closing
			total += len(f.lines)
			files = append(files, f)
		}
		want(t, balance, r.merchant(name))
		want(t, reconcile(r.journal(name), files), []string{})
		if total < days {
			t.Errorf("only %d lines in %d days", total, days)
		}
	})
}

func TestASandboxOfTheFirstReleaseTellsItsStatements(t *testing.T) {
	r := start(t)
	r.stop()
	r.dir = t.TempDir()
	r.copyKeys()
	first, err := fs.ReadFile(sandbox.Schema().Files, "sqlite/0001_init.sql")
	if err != nil {
		t.Fatal(err)
	}
	old := store.Schema{Name: sandbox.Schema().Name, Files: fstest.MapFS{"sqlite/0001_init.sql": {Data: first}}}
	db, err := store.Open(context.Background(), store.Config{Engine: store.SQLite, Path: filepath.Join(r.dir, "sandbox.db")}, old)
	if err != nil {
		t.Fatal(err)
	}
	yesterday := time.Now().In(clock.Shanghai).Format(time.DateOnly)
	row := `INSERT INTO journal VALUES (?, 'alpha', ?, ?, ?, 'M1', '9901', ?, ?, ?, '', 1, '` + yesterday + `')`
	if err := db.Write(context.Background(), func(tx *store.Tx) error {
		for _, args := range [][]any{{1, "PAYOUT", "n1", "A1", 500_00, 100, "SUCCESS"}, {2, "COLLECT", "n2", "A2", 100_00, 30, "SUCCESS"},
			{3, "COLLECT", "n3", "A3", 100_00, 0, "FAILED"}} {
			if _, err := tx.ExecContext(context.Background(), row, args...); err != nil {
				return err
			}
		}
		_, err := tx.ExecContext(context.Background(), `INSERT INTO merchant VALUES ('alpha', 'M1', ?)`, int64(10_000_000_000_00-400_00))
		return err
	}); err != nil {
		t.Fatal(err)
	}
	_ = db.Close()
	r.open()
	r.standAt(1, 9, 0)
	f := r.good("alpha", yesterday)
	want(t, len(f.lines), 2)
	want(t, f.closing, 10_000_000_000_00-400_00-130)
	want(t, r.merchant("alpha"), f.closing)
}

// BenchmarkStatement is one file over HTTP in a calendar of 1,500 days: each day has five orders, and its file is made when
// the next day has begun.
func BenchmarkStatement(b *testing.B) {
	r := start(b)
	p := r.person(1, 0)
	var days []string
	for b.Loop() {
		d := len(days)
		days = append(days, r.standAt(d+1, 10, 0))
		b.StopTimer()
		for i := range 5 {
			r.pay(fmt.Sprint("n", d, "-", i), "PAYOUT", p, 1)
		}
		b.StartTimer()
		if d > 0 {
			r.good("alpha", days[d-1])
		}
	}
}

// BenchmarkFirstStatement makes the files of 1,500 days at once, because nobody asked for them before.
func BenchmarkFirstStatement(b *testing.B) {
	for b.Loop() {
		b.StopTimer()
		r := start(b)
		r.standAt(1, 10, 0)
		r.pay("n1", "PAYOUT", r.person(1, 0), 1)
		r.standAt(1502, 10, 0)
		day := time.Now().In(clock.Shanghai).AddDate(0, 0, 1500).Format(time.DateOnly)
		b.StartTimer()
		r.good("alpha", day)
	}
}
