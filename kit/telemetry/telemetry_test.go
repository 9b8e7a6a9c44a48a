package telemetry_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/hengdai/hengdai/kit/telemetry"
)

// None of these numbers can be a person's: area 99, ranges that are not assigned.
func TestPersonalNumbersAreMasked(t *testing.T) {
	for in, want := range map[string]string{
		`{"m":"call 12900000001 now"}`:                 `{"m":"call [masked] now"}`,
		`{"m":"+8612900000001"}`:                       `{"m":"+[masked]"}`,
		`{"m":"tel12900000001x"}`:                      `{"m":"tel[masked]x"}`,
		`{"m":"id 990101199001010014"}`:                `{"m":"id [masked]"}`,
		`{"m":"id 99010119900101001X"}`:                `{"m":"id [masked]"}`,
		`{"m":"card 6200000000000005"}`:                `{"m":"card [masked]"}`,
		`{"m":"card 6200 0000 0000 0005 end"}`:         `{"m":"card [masked] end"}`,
		`{"m":"129-0000-0001"}`:                        `{"m":"[masked]"}`,
		`{"user_id":6200000000000005,"x":1}`:           `{"user_id":6200000000000005,"x":1}`,
		`{"m":"{\"mobile\":12900000001}"}`:             `{"m":"{\"mobile\":[masked]}"}`,
		`{"trace":"4bf92f3577b34da612900000001aa0e6"}`: `{"trace":"4bf92f3577b34da612900000001aa0e6"}`,
		`{"time":"2026-11-22T04:22:00.123456789Z"}`:    `{"time":"2026-11-22T04:22:00.123456789Z"}`,
		`{"m":"at 1795000000000 ms"}`:                  `{"m":"at 1795000000000 ms"}`,
	} {
		if got := string(telemetry.Mask([]byte(in))); got != want {
			t.Errorf("%s\n got %s\nwant %s", in, got, want)
		}
	}
}

func TestALoggerMasksAttributesErrorsAndGroups(t *testing.T) {
	var out bytes.Buffer
	tel, err := telemetry.New(t.Context(), telemetry.Config{Process: "test", Out: &out})
	if err != nil {
		t.Fatal(err)
	}
	tel.Logger.With("who", "12900000001").WithGroup("g").Info("12900000002",
		"err", errors.New("bad 12900000003"), "any", map[string]string{"12900000004": "x"})
	if strings.Contains(out.String(), "1290000000") || strings.Count(out.String(), "[masked]") != 4 {
		t.Fatalf("a number passed: %s", out.String())
	}
	var line map[string]any
	if err := json.Unmarshal(out.Bytes(), &line); err != nil || line["process"] != "test" {
		t.Fatalf("not a JSON line: %v %s", err, out.String())
	}
}

func TestAWrongLevelIsRefusedByName(t *testing.T) {
	if _, err := telemetry.New(t.Context(), telemetry.Config{Level: "loud"}); err == nil || !strings.Contains(err.Error(), `"loud"`) {
		t.Fatalf("got %v", err)
	}
}

func TestATraceGoesOnAcrossAHopAndIntoStartSpan(t *testing.T) {
	tel, _, _ := filed(t, 1_000_000)
	ctx, span := tel.Tracer.Start(t.Context(), "edge")
	defer span.End()
	parent := telemetry.TraceParent(ctx)
	there := telemetry.WithTraceParent(context.Background(), parent)
	if telemetry.TraceID(there) == "" || telemetry.TraceID(there) != telemetry.TraceID(ctx) {
		t.Fatalf("trace lost: %q", parent)
	}
	inner, end := telemetry.StartSpan(ctx, "store.write")
	end(io.ErrClosedPipe)
	if telemetry.TraceID(inner) != telemetry.TraceID(ctx) || telemetry.TraceParent(inner) == parent {
		t.Fatal("StartSpan did not start a span of the same trace")
	}
	if outside, end := telemetry.StartSpan(context.Background(), "x"); telemetry.TraceID(outside) != "" {
		end(nil)
		t.Fatal("a span without a parent")
	}
}

func TestOpsShowsMeasuresHealthAndReadiness(t *testing.T) {
	m := telemetry.NewMetrics()
	m.Served("loan", "loan.v1.Public/Quote", "ok", time.Millisecond)
	m.Called("loan", "user", "GetStanding", "ok", time.Millisecond)
	m.Committed("loan", 3, time.Millisecond, time.Millisecond)
	m.Lag("loan", "payment", 3, 7)
	m.Parked("loan", "payment", 1)
	m.Stepped("loan", "log", time.Millisecond)
	m.JobFailed("loan", "log")
	m.Refused("address")
	ready := errors.New("loan: database is locked for 12900000001")
	srv := httptest.NewServer(telemetry.Ops(m, func(context.Context) error { return ready }))
	defer srv.Close()
	get := func(path string) (int, string) {
		resp, err := http.Get(srv.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, _ := io.ReadAll(resp.Body)
		return resp.StatusCode, string(body)
	}
	if code, body := get("/metrics"); code != 200 || !strings.Contains(body, `hengdai_log_lag_events{partition="3",service="loan",source="payment"} 7`) {
		t.Fatalf("%d %s", code, body)
	}
	if code, body := get("/readyz"); code != 503 || !strings.Contains(body, "locked for [masked]") {
		t.Fatalf("%d %s", code, body)
	}
	ready = nil
	for _, path := range []string{"/healthz", "/readyz", "/debug/pprof/"} {
		if code, body := get(path); code != 200 {
			t.Fatalf("%s: %d %s", path, code, body)
		}
	}
}

func BenchmarkMaskOfAnOrdinaryLine(b *testing.B) {
	line := []byte(`{"time":"2026-11-22T04:22:00.123456789Z","level":"INFO","msg":"served","method":"loan.v1.Public/Quote","code":"ok","ms":3,"user_id":262144000000000001}`)
	b.ReportAllocs()
	for b.Loop() {
		telemetry.Mask(line)
	}
}
