package telemetry

import (
	"context"
	"errors"
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
	// OTLPEndpoint is the base URL of a collector that takes OTLP over HTTP; empty means that spans are not kept.
	OTLPEndpoint string
	// SamplePPM is how many of a million traces are kept; zero means all.
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
	if cfg.OTLPEndpoint == "" {
		return sdktrace.NewTracerProvider(sdktrace.WithSampler(sdktrace.NeverSample())), nil
	}
	exporter, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(cfg.OTLPEndpoint))
	if err != nil {
		return nil, fmt.Errorf("opening the trace exporter: %w", err)
	}
	sampler := sdktrace.AlwaysSample()
	if cfg.SamplePPM > 0 {
		sampler = sdktrace.TraceIDRatioBased(float64(cfg.SamplePPM) / 1e6)
	}
	return sdktrace.NewTracerProvider(
		sdktrace.WithBatcher(exporter),
		sdktrace.WithSampler(sdktrace.ParentBased(sampler)),
		sdktrace.WithResource(resource.NewSchemaless(
			attribute.String("service.name", "hengdai"), attribute.String("service.instance.id", cfg.Process))),
	), nil
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

// StartSpan starts a span inside the one of ctx, with the same provider; without one it does nothing. end takes the
// error of the work, whose text stays out of the span.
func StartSpan(ctx context.Context, name string, attrs ...attribute.KeyValue) (inner context.Context, end func(error)) {
	parent := trace.SpanFromContext(ctx)
	if !parent.SpanContext().IsValid() {
		return ctx, func(error) {}
	}
	inner, span := parent.TracerProvider().Tracer("hengdai").Start(ctx, name, trace.WithAttributes(attrs...))
	return inner, func(err error) {
		if err != nil && !errors.Is(err, io.EOF) {
			span.SetAttributes(attribute.Bool("error", true))
		}
		span.End()
	}
}
