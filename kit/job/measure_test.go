package job_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/hengdai/hengdai/kit/clock"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/job"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/kit/store/storetest"
	"github.com/hengdai/hengdai/kit/telemetry"
)

func TestTheGaugesOfAQueueSayWhatIsDueLateAndFailed(t *testing.T) {
	storetest.Each(t, work(), func(t *testing.T, db *store.DB) {
		clk := clock.NewManual(start2026)
		q := job.NewQueue(db, clk)
		q.Handle("pay", func(_ context.Context, e job.Effect) error {
			if e.ID == 1 {
				return errs.New(errs.Invalid, "test.never", "", "")
			}
			return nil
		})
		q.Handle("idle", func(context.Context, job.Effect) error { return nil })
		survey := q.Survey("loan")
		registry := prometheus.NewRegistry()
		for _, g := range survey.Gauges {
			registry.MustRegister(g)
		}
		enqueue(t, db, q, job.Effect{Kind: "pay", Bucket: 1, ID: 1})
		for step(t, q) {
		}
		enqueue(t, db, q, job.Effect{Kind: "pay", Bucket: 1, ID: 2})
		enqueue(t, db, q, job.Effect{Kind: "pay", Bucket: 1, ID: 3, NotBefore: start2026.Add(40 * time.Second)})
		enqueue(t, db, q, job.Effect{Kind: "pay", Bucket: 1, ID: 4, NotBefore: start2026.Add(time.Hour)})
		clk.Add(time.Minute)
		want(t, registry, survey, map[string]float64{
			"due idle": 0, "later idle": 0, "failed idle": 0, "oldest idle": 0, "due pay": 2, "later pay": 1, "failed pay": 1, "oldest pay": 60,
		})
		for step(t, q) {
		}
		want(t, registry, survey, map[string]float64{
			"due idle": 0, "later idle": 0, "failed idle": 0, "oldest idle": 0, "due pay": 0, "later pay": 1, "failed pay": 1, "oldest pay": 0,
		})
	})
}

func want(t *testing.T, registry *prometheus.Registry, survey telemetry.Survey, wanted map[string]float64) {
	t.Helper()
	if err := survey.Read(t.Context()); err != nil {
		t.Fatal(err)
	}
	rec := httptest.NewRecorder()
	promhttp.HandlerFor(registry, promhttp.HandlerOpts{}).ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/", http.NoBody))
	for key, value := range wanted {
		state, kind, _ := strings.Cut(key, " ")
		line := fmt.Sprintf("hengdai_effects{kind=%q,service=\"loan\",state=%q} %v\n", kind, state, value)
		if state == "oldest" {
			line = fmt.Sprintf("hengdai_effects_oldest_seconds{kind=%q,service=\"loan\"} %v\n", kind, value)
		}
		if !strings.Contains(rec.Body.String(), line) {
			t.Errorf("%s is not in\n%s", line, rec.Body)
		}
	}
}

func TestAnEffectGoesOnInTheTraceThatDecidedIt(t *testing.T) {
	storetest.Each(t, work(), func(t *testing.T, db *store.DB) {
		tel, err := telemetry.New(t.Context(), telemetry.Config{TracesFile: filepath.Join(t.TempDir(), "t.jsonl"), SamplePPM: 1_000_000})
		if err != nil {
			t.Fatal(err)
		}
		ctx := telemetry.Within(t.Context(), telemetry.Scope{Service: "loan", Tracer: tel.Tracer, Logger: tel.Logger})
		q := job.NewQueue(db, clock.NewManual(start2026))
		var carried, further string
		q.Handle("pay", func(ctx context.Context, _ job.Effect) error {
			carried = telemetry.TraceID(ctx)
			return db.Write(ctx, func(tx *store.Tx) error { return q.Add(tx, job.Effect{Kind: "then", Bucket: 1, ID: 1}) })
		})
		q.Handle("then", func(ctx context.Context, _ job.Effect) error { further = telemetry.TraceID(ctx); return nil })
		request, span := tel.Tracer.Start(ctx, "request")
		if err := db.Write(request, func(tx *store.Tx) error { return q.Add(tx, job.Effect{Kind: "pay", Bucket: 1, ID: 1}) }); err != nil {
			t.Fatal(err)
		}
		span.End()
		for more := true; more; {
			if more, err = q.Step(ctx); err != nil {
				t.Fatal(err)
			}
		}
		if carried == "" || carried != telemetry.TraceID(request) || further != carried {
			t.Errorf("decided in %s, carried out in %q, the next in %q", telemetry.TraceID(request), carried, further)
		}
		parent, err := q.TraceParent(t.Context(), db.Primary(), 1, "pay", 1)
		if err != nil || !strings.Contains(parent, carried) {
			t.Errorf("it says of itself %q %v", parent, err)
		}
		if none, err := q.TraceParent(t.Context(), db.Primary(), 1, "pay", 2); err != nil || none != "" {
			t.Errorf("an effect that is not there: %q %v", none, err)
		}
	})
}
