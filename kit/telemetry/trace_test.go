package telemetry_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/hengdai/hengdai/kit/telemetry"
)

// filed makes a telemetry that keeps its spans in a file; spans closes it and reads them.
func filed(t *testing.T, ppm int64) (tel *telemetry.Telemetry, file string, spans func() map[string]telemetry.Span) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "traces", "t.jsonl")
	tel, err := telemetry.New(t.Context(), telemetry.Config{Process: "p", TracesFile: file, SamplePPM: ppm, Out: &bytes.Buffer{}})
	if err != nil {
		t.Fatal(err)
	}
	return tel, file, func() map[string]telemetry.Span {
		if err := tel.Close(context.Background()); err != nil {
			t.Fatal(err)
		}
		from, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		defer from.Close()
		list, err := telemetry.ReadSpans(from)
		if err != nil {
			t.Fatal(err)
		}
		byName := map[string]telemetry.Span{}
		for _, s := range list {
			byName[s.Name] = s
		}
		return byName
	}
}

func TestSpansInAFileTellWhoseTheyAreAndWhatTheyBelongTo(t *testing.T) {
	tel, _, spans := filed(t, 1_000_000)
	ctx := telemetry.Within(t.Context(), telemetry.Scope{Service: "loan", Tracer: tel.Tracer, Logger: tel.Logger})
	request, outer := tel.Tracer.Start(ctx, "request")
	inner, end := telemetry.StartSpan(request, "commit", attribute.Int("units", 3))
	telemetry.Becomes(inner, "PAID")
	end(errors.New("no"))
	outer.End()
	// Another process goes on from a row, with nothing but the traceparent, and joins its own trace with that one.
	message, own := tel.Tracer.Start(ctx, "message")
	joined, link := telemetry.Continue(message, telemetry.TraceParent(request))
	_, end = telemetry.Start(joined, "goes on", link)
	end(nil)
	own.End()

	got := spans()
	commit, on, msg := got["commit"], got["goes on"], got["message"]
	if commit.Parent != got["request"].ID || commit.Service != "loan" || !commit.Failed || commit.Attributes["units"] != 3.0 ||
		commit.Attributes[telemetry.BecomesKey] != "PAID" || commit.Process != "p" || commit.End.Before(commit.Start) {
		t.Errorf("commit is %+v", commit)
	}
	if on.Trace != commit.Trace || on.Parent != got["request"].ID || len(on.Links) != 1 || on.Links[0] != msg.Trace {
		t.Errorf("what goes on is %+v", on)
	}
	if msg.Trace == commit.Trace || len(msg.Links) != 1 || msg.Links[0] != commit.Trace {
		t.Errorf("the message is %+v", msg)
	}
}

func TestACallThatAJobMakesOfItselfBeginsNoTrace(t *testing.T) {
	tel, _, spans := filed(t, 1_000_000)
	_, call := tel.Tracer.Start(t.Context(), "poll", trace.WithSpanKind(trace.SpanKindClient))
	call.End()
	_, request := tel.Tracer.Start(t.Context(), "request", trace.WithSpanKind(trace.SpanKindServer))
	request.End()
	if got := spans(); len(got) != 1 || got["request"].ID == "" {
		t.Errorf("kept %v", got)
	}
}

func TestNothingIsKeptOfTracesThatAreNotSampled(t *testing.T) {
	tel, _, spans := filed(t, 0)
	ctx, request := tel.Tracer.Start(t.Context(), "request")
	if telemetry.TraceID(ctx) == "" {
		t.Error("a trace that is not kept has no id for the log")
	}
	request.End()
	if got := spans(); len(got) != 0 {
		t.Errorf("kept %v", got)
	}
}

func TestAFileWhoseLastLineIsCutOffCanBeRead(t *testing.T) {
	whole := `{"trace_id":"a","span_id":"b","name":"c","kind":"server"}` + "\n"
	if got, err := telemetry.ReadSpans(strings.NewReader(whole + whole[:20])); err != nil || len(got) != 1 {
		t.Errorf("%v %v", got, err)
	}
	if _, err := telemetry.ReadSpans(strings.NewReader("no\n" + whole)); err == nil || !strings.Contains(err.Error(), "line 1") {
		t.Errorf("a wrong line in the middle: %v", err)
	}
}

func FuzzReadSpans(f *testing.F) {
	f.Add(`{"trace_id":"a","links":["b"],"attributes":{"x":1}}` + "\n{")
	f.Fuzz(func(_ *testing.T, text string) { _, _ = telemetry.ReadSpans(strings.NewReader(text)) })
}

func TestALineSaysInWhichTraceItWasWritten(t *testing.T) {
	var out bytes.Buffer
	tel, err := telemetry.New(t.Context(), telemetry.Config{Process: "test", Out: &out})
	if err != nil {
		t.Fatal(err)
	}
	ctx, span := tel.Tracer.Start(t.Context(), "request")
	defer span.End()
	tel.Logger.With("service", "loan").InfoContext(ctx, "hello")
	tel.Logger.Info("nowhere")
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	var first, second map[string]any
	if json.Unmarshal([]byte(lines[0]), &first) != nil || json.Unmarshal([]byte(lines[1]), &second) != nil {
		t.Fatal(out.String())
	}
	if first["trace_id"] != telemetry.TraceID(ctx) || first["span_id"] != span.SpanContext().SpanID().String() || first["service"] != "loan" {
		t.Errorf("the line is %s", lines[0])
	}
	if _, there := second["trace_id"]; there {
		t.Errorf("the line is %s", lines[1])
	}
}

func TestAPartyIsToldTheTraceAndItsCallsAreCounted(t *testing.T) {
	tel, _, spans := filed(t, 1_000_000)
	var told string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		told = r.Header.Get("Traceparent")
		w.WriteHeader(http.StatusTeapot)
	}))
	defer srv.Close()
	client := &http.Client{Transport: tel.Party("alpha", http.DefaultTransport)}
	ctx, request := tel.Tracer.Start(t.Context(), "request")
	for _, url := range []string{srv.URL + "/v1/pay", srv.URL + "/orders/1234567", "http://127.0.0.1:1/v1/pay"} {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		if res, err := client.Do(req); err == nil {
			res.Body.Close()
		}
		if req.Header.Get("Traceparent") != "" {
			t.Error("the caller's own request was changed")
		}
	}
	request.End()
	if !strings.Contains(told, telemetry.TraceID(ctx)) {
		t.Errorf("the party was told %q", told)
	}
	text := scrape(t, tel.Metrics)
	for _, want := range []string{
		`hengdai_party_call_seconds_count{call="pay",party="alpha",status="418"} 1`,
		`hengdai_party_call_seconds_count{call="other",party="alpha",status="418"} 1`,
		`hengdai_party_call_seconds_count{call="pay",party="alpha",status="none"} 1`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("not measured: %s", want)
		}
	}
	if pay := spans()["alpha pay"]; pay.Kind != "client" || pay.Attributes["hengdai.party"] != "alpha" {
		t.Errorf("the span is %+v", pay)
	}
}

func scrape(t *testing.T, m *telemetry.Metrics) string {
	t.Helper()
	rec := httptest.NewRecorder()
	telemetry.Ops(m, func(context.Context) error { return nil }).ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/metrics", http.NoBody))
	return rec.Body.String()
}

func TestASurveyIsReadOnceInAWhileAndAFaultLeavesWhatItHad(t *testing.T) {
	m := telemetry.NewMetrics()
	gauge := telemetry.Gauge("test", "things", "Things that are there.", "state")
	reads := 0
	err := m.Survey(t.Context(), telemetry.Survey{Name: "test.things", Gauges: []*prometheus.GaugeVec{gauge}, Read: func(ctx context.Context) error {
		if _, bounded := ctx.Deadline(); !bounded {
			t.Error("a survey may take for ever")
		}
		reads++
		gauge.WithLabelValues("OPEN").Set(float64(reads))
		return errors.New("no database")
	}}, slog.New(slog.DiscardHandler))
	if err != nil || reads != 0 {
		t.Fatalf("%v, %d reads before anybody asked", err, reads)
	}
	for range 3 {
		if text := scrape(t, m); !strings.Contains(text, `hengdai_test_things{state="OPEN"} 1`) {
			t.Fatal(text)
		}
	}
	if reads != 1 || !strings.Contains(scrape(t, m), `hengdai_survey_failures_total{survey="test.things"} 1`) {
		t.Errorf("read %d times", reads)
	}
	described := ""
	for _, d := range m.Registry.Described() {
		described += d.String()
	}
	if !strings.Contains(described, `"hengdai_test_things"`) || !strings.Contains(described, `"hengdai_refused_total"`) {
		t.Error("what was registered is not remembered")
	}
}

func BenchmarkASpanOfATraceThatIsNotKept(b *testing.B) {
	tel := telemetry.Discard()
	ctx, span := tel.Tracer.Start(telemetry.Within(b.Context(), telemetry.Scope{Service: "loan", Tracer: tel.Tracer}), "request")
	defer span.End()
	b.ReportAllocs()
	for b.Loop() {
		_, end := telemetry.StartSpan(ctx, "commit")
		end(nil)
	}
}
