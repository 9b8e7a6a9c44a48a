package transferbench

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	logv1 "github.com/hengdai/hengdai/api/log/v1"
	"github.com/hengdai/hengdai/api/log/v1/logv1connect"
	"github.com/hengdai/hengdai/api/user/v1/userv1connect"
	"github.com/hengdai/hengdai/domain/calendar"
	"github.com/hengdai/hengdai/domain/ledger"
	"github.com/hengdai/hengdai/kit/clock"
	"github.com/hengdai/hengdai/kit/id"
	"github.com/hengdai/hengdai/kit/job"
	eventlog "github.com/hengdai/hengdai/kit/log"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/kit/store/storetest"
	"github.com/hengdai/hengdai/service/payment"
	"github.com/hengdai/hengdai/service/payment/channel"
)

const callers = 64

func BenchmarkTransfersOnSQLite(b *testing.B) {
	measure(b, storetest.SQLite(b))
}

func BenchmarkTransfersOnMariaDB(b *testing.B) {
	measure(b, storetest.MySQL(b, payment.Schema()))
}

// house is a journal in use, its numberer and a reader of its log.
type house struct {
	b       *testing.B
	cfg     store.Config
	db      *store.DB
	ids     *id.Generator
	log     *eventlog.Log
	service *payment.Service
	value   calendar.Date

	commits atomic.Int64
	read    atomic.Int64
	stop    func()
}

func open(b *testing.B, cfg store.Config) *house {
	b.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	h := &house{b: b, cfg: cfg, value: calendar.InShanghai(time.Now())}
	var err error
	if h.db, err = store.Open(ctx, cfg, payment.Schema()); err != nil {
		b.Fatal(err)
	}
	clk := clock.New(nil)
	if h.ids, err = id.NewGenerator(ctx, h.db, clk); err != nil {
		b.Fatal(err)
	}
	h.log = eventlog.New(h.db, "payment", h.ids, clk)
	h.db.OnCommit(func() { h.commits.Add(1) })
	h.service, err = payment.New(payment.Deps{
		DB: h.db, Log: h.log, Clock: clk, IDs: h.ids, Logger: slog.New(slog.DiscardHandler), Metrics: prometheus.NewRegistry(),
		User: userv1connect.UnimplementedInternalHandler{}, LoanLog: logv1connect.UnimplementedLogHandler{},
		Channels: []channel.Config{{Channel: "alpha", BaseURL: "http://127.0.0.1:1", KeysDir: filepath.Join(b.TempDir(), "keys"), MakeKeys: true}},
	})
	if err != nil {
		b.Fatal(err)
	}
	runner := job.NewRunner(h.db, "bench", slog.New(slog.DiscardHandler))
	runner.Add(job.Job{Name: "log", Step: h.log.Step})
	var beside sync.WaitGroup
	beside.Go(func() { _ = runner.Run(ctx) })
	beside.Go(func() { h.follow(ctx) })
	h.stop = sync.OnceFunc(func() {
		cancel()
		beside.Wait()
		_ = h.db.Close()
	})
	b.Cleanup(h.stop)
	return h
}

// follow reads the log as another service does.
func (h *house) follow(ctx context.Context) {
	var at [id.Partitions]int64
	for ctx.Err() == nil {
		req := &logv1.ReadRequest{Limit: 512, WaitMs: 1000}
		for p, position := range at {
			req.After = append(req.After, &logv1.Cursor{Partition: int32(p), Position: position})
		}
		res, err := h.log.Read(ctx, req)
		if err != nil {
			continue
		}
		for _, e := range res.GetEvents() {
			at[e.GetPartition()] = e.GetPosition()
		}
		h.read.Add(int64(len(res.GetEvents())))
	}
}

var pairs = [...][2]string{
	{ledger.ClearingAccount, ledger.InTransit("alpha")}, {ledger.InTransit("alpha"), ledger.ClearingAccount}, {ledger.Bank, ledger.InTransit("alpha")},
}

func (h *house) post(bucket int64, pair [2]string, amount int64) error {
	return h.service.Post(context.Background(), ledger.Transaction{
		ID: h.ids.New(bucket), Event: "transfer", Bucket: bucket, ValueOn: h.value, Entries: ledger.Move(pair[0], pair[1], amount),
	})
}

// all calls work from many goroutines, n times in all.
func (h *house) all(n int, work func(i int, r *rand.Rand) error) {
	h.b.Helper()
	var next atomic.Int64
	var failed atomic.Pointer[error]
	var group sync.WaitGroup
	for w := range callers {
		group.Go(func() {
			r := rand.New(rand.NewPCG(1, uint64(w)))
			for i := next.Add(1); i <= int64(n) && failed.Load() == nil; i = next.Add(1) {
				if err := work(int(i-1), r); err != nil {
					failed.Store(&err)
				}
			}
		})
	}
	group.Wait()
	if err := failed.Load(); err != nil {
		h.b.Fatal(*err)
	}
}

func measure(b *testing.B, cfg store.Config) {
	h := open(b, cfg)
	const warm = 2 * id.Buckets // makes every account's row
	h.all(warm, func(i int, _ *rand.Rand) error { return h.post(int64(i/2), pairs[i%2*2], 1) })
	waits := make([]time.Duration, b.N)
	h.drain(warm)
	before := h.size()
	h.commits.Store(0)
	b.ResetTimer()
	h.all(b.N, func(i int, r *rand.Rand) error {
		at := time.Now()
		err := h.post(r.Int64N(id.Buckets), pairs[r.IntN(len(pairs))], 1+r.Int64N(1_000_000))
		waits[i] = time.Since(at)
		return err
	})
	b.StopTimer()
	commits := h.commits.Load()
	behind := h.drain(warm + b.N)
	slices.Sort(waits)
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "transfers/s")
	b.ReportMetric(float64(b.N)/float64(max(commits, 1)), "transfers/commit")
	b.ReportMetric(float64(waits[len(waits)/2].Microseconds())/1000, "ms-median")
	b.ReportMetric(float64(waits[len(waits)*99/100].Microseconds())/1000, "ms-99%")
	b.ReportMetric(float64(behind.Milliseconds()), "ms-reader-behind")
	if size := h.size(); size > 0 {
		b.ReportMetric(float64(size-before)/1e6/float64(b.N)*1000, "MB/1000")
	}
}

// drain waits until the reader has seen every transfer.
func (h *house) drain(n int) time.Duration {
	h.b.Helper()
	began := time.Now()
	for h.read.Load() < int64(n) {
		if time.Since(began) > time.Minute {
			h.b.Fatal("the reader does not keep up")
		}
		time.Sleep(time.Millisecond)
	}
	return time.Since(began)
}

// size is that of the database file; what still lies in the write-ahead log is written into it when it is cut.
func (h *house) size() int64 {
	st, err := os.Stat(h.cfg.Path)
	if err != nil {
		return 0
	}
	return st.Size()
}
