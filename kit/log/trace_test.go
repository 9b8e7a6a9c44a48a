package log_test

import (
	"context"
	"path/filepath"
	"testing"

	"google.golang.org/protobuf/types/known/wrapperspb"

	eventlog "github.com/hengdai/hengdai/kit/log"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/kit/store/storetest"
	"github.com/hengdai/hengdai/kit/telemetry"
)

func TestWhatAHandlerDoesBelongsToTheTraceOfItsEvent(t *testing.T) {
	tel, err := telemetry.New(t.Context(), telemetry.Config{TracesFile: filepath.Join(t.TempDir(), "t.jsonl"), SamplePPM: 1_000_000})
	if err != nil {
		t.Fatal(err)
	}
	source := storetest.Open(t, storetest.SQLite(t))
	l := newLog(source)
	told := 0
	l.Observe(func(eventlog.Event) { told++ })
	wrote := map[int64]string{}
	for n := range int64(3) { // the last one outside of any trace
		ctx, end := t.Context(), func() {}
		if n < 2 {
			inner, span := tel.Tracer.Start(ctx, "request")
			ctx, end = inner, func() { span.End() }
		}
		wrote[n] = telemetry.TraceID(ctx)
		if err := source.Write(ctx, func(tx *store.Tx) error {
			return l.Append(tx, eventlog.Event{Bucket: 5, Body: wrapperspb.Int64(n)})
		}); err != nil {
			t.Fatal(err)
		}
		end()
	}
	for {
		more, err := l.Step(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if !more {
			break
		}
	}
	got := map[int64][2]string{}
	f := eventlog.Follow(newTaken(t).db, "source", l, eventlog.On(func(ctx context.Context, tx *store.Tx, _ eventlog.Meta, body *wrapperspb.Int64Value) error {
		got[body.GetValue()] = [2]string{telemetry.TraceID(ctx), telemetry.TraceID(tx.Context())}
		return nil
	}))
	ctx := telemetry.Within(t.Context(), telemetry.Scope{Service: "reader", Tracer: tel.Tracer, Logger: tel.Logger})
	if _, err := f.Step(ctx); err != nil {
		t.Fatal(err)
	}
	for n, trace := range wrote {
		if got[n] != [2]string{trace, trace} {
			t.Errorf("event %d was written in %q and taken in in %q", n, trace, got[n])
		}
	}
	if wrote[0] == wrote[1] || told != 3 {
		t.Errorf("%v, %d told", wrote, told)
	}
}
