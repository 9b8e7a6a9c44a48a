package telemetry

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// Config says what a process tells and to whom.
type Config struct {
	// Process names the process in every line, measure and span.
	Process string
	// Level is "debug", "info", "warn" or "error"; empty means info.
	Level string
	// OTLPEndpoint is the base URL of a collector that takes OTLP over HTTP, and TracesFile a file to which spans are
	// appended as JSON lines. Without either spans are not kept; they still carry ids, which stand in the log.
	OTLPEndpoint string
	TracesFile   string
	// SamplePPM is how many of a million traces are kept.
	SamplePPM int64
	// Out is where log lines go; nil means standard error.
	Out io.Writer
}

// Telemetry is the whole of it for one process.
type Telemetry struct {
	// Logger writes filtered JSON lines.
	Logger *slog.Logger
	// Metrics holds the registry and the measures of every process.
	Metrics *Metrics
	// Tracer starts spans at the edge of the process; inside, use StartSpan.
	Tracer trace.Tracer

	provider *sdktrace.TracerProvider
}

// New makes the telemetry of a process. It fails only if the level or the endpoint is wrong; a collector that does
// not answer costs nothing but its spans.
func New(ctx context.Context, cfg Config) (*Telemetry, error) {
	var level slog.Level
	if cfg.Level != "" {
		if err := level.UnmarshalText([]byte(cfg.Level)); err != nil {
			return nil, fmt.Errorf("log level %q: want debug, info, warn or error", cfg.Level)
		}
	}
	out := cfg.Out
	if out == nil {
		out = os.Stderr
	}
	provider, err := tracing(ctx, cfg)
	if err != nil {
		return nil, err
	}
	return &Telemetry{
		Logger:   newLogger(out, level).With("process", cfg.Process),
		Metrics:  NewMetrics(),
		Tracer:   provider.Tracer("hengdai"),
		provider: provider,
	}, nil
}

// Discard answers a Telemetry whose lines go nowhere.
func Discard() *Telemetry {
	provider := sdktrace.NewTracerProvider(sdktrace.WithSampler(sdktrace.NeverSample()))
	return &Telemetry{
		Logger: slog.New(slog.DiscardHandler), Metrics: NewMetrics(), Tracer: provider.Tracer("hengdai"), provider: provider,
	}
}

// Close sends what is still held.
func (t *Telemetry) Close(ctx context.Context) error { return t.provider.Shutdown(ctx) }

func tracing(ctx context.Context, cfg Config) (*sdktrace.TracerProvider, error) {
	var options []sdktrace.TracerProviderOption
	if cfg.OTLPEndpoint != "" {
		exporter, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(cfg.OTLPEndpoint))
		if err != nil {
			return nil, fmt.Errorf("opening the trace exporter: %w", err)
		}
		options = append(options, sdktrace.WithBatcher(exporter))
	}
	if cfg.TracesFile != "" {
		exporter, err := openTracesFile(cfg.TracesFile, cfg.Process)
		if err != nil {
			return nil, err
		}
		options = append(options, sdktrace.WithBatcher(exporter, sdktrace.WithBatchTimeout(fileEvery), sdktrace.WithMaxQueueSize(fileQueue)))
	}
	if len(options) == 0 {
		return sdktrace.NewTracerProvider(sdktrace.WithSampler(sdktrace.NeverSample())), nil
	}
	return sdktrace.NewTracerProvider(append(options,
		sdktrace.WithSampler(sdktrace.ParentBased(roots{sdktrace.TraceIDRatioBased(float64(cfg.SamplePPM) / 1e6)})),
		sdktrace.WithResource(resource.NewSchemaless(
			attribute.String("service.name", "hengdai"), attribute.String("service.instance.id", cfg.Process))),
	)...), nil
}

// roots samples where a trace begins. A call that a job makes of itself, such as asking a log for news, begins none: there
// are many, and they say nothing.
type roots struct{ sdktrace.Sampler }

// ShouldSample decides for a span without a parent.
func (r roots) ShouldSample(p sdktrace.SamplingParameters) sdktrace.SamplingResult {
	if p.Kind == trace.SpanKindClient {
		return sdktrace.NeverSample().ShouldSample(p)
	}
	return r.Sampler.ShouldSample(p)
}

// Propagation carries a trace from hop to hop, as W3C traceparent.
var Propagation propagation.TextMapPropagator = propagation.TraceContext{}

// TraceParent answers the W3C traceparent of the span in ctx, empty if there is none. It is what a log row keeps.
func TraceParent(ctx context.Context) string {
	carrier := propagation.MapCarrier{}
	Propagation.Inject(ctx, carrier)
	return carrier["traceparent"]
}

// WithTraceParent answers a context that continues the trace a traceparent names.
func WithTraceParent(ctx context.Context, parent string) context.Context {
	if parent == "" {
		return ctx
	}
	return Propagation.Extract(ctx, propagation.MapCarrier{"traceparent": parent})
}

// TraceID answers the id of the trace in ctx, empty if there is none.
func TraceID(ctx context.Context) string {
	sc := trace.SpanContextFromContext(ctx)
	if !sc.HasTraceID() {
		return ""
	}
	return sc.TraceID().String()
}
