package telemetry

import (
	"context"
	"errors"
	"io"
	"log/slog"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"
)

// Scope is what work deep inside needs to tell of itself. The server of a service and the runner of its jobs put it into
// the context.
type Scope struct {
	// Service is the one whose work it is.
	Service string
	// Tracer starts spans whose parent came from outside: another process, a row of the log, a stored effect.
	Tracer trace.Tracer
	// Logger writes the service's lines.
	Logger *slog.Logger
}

type scopeKey struct{}

// Within answers a context of a scope.
func Within(ctx context.Context, s Scope) context.Context {
	return context.WithValue(ctx, scopeKey{}, s)
}

func scopeOf(ctx context.Context) Scope {
	s, _ := ctx.Value(scopeKey{}).(Scope)
	return s
}

// Logger answers the logger of the scope, one that discards without a scope.
func Logger(ctx context.Context) *slog.Logger {
	if l := scopeOf(ctx).Logger; l != nil {
		return l
	}
	return slog.New(slog.DiscardHandler)
}

// StartSpan starts a span inside the one of ctx; without one, or where it is not kept, it does nothing. end takes the error of the work, whose text
// stays out of the span.
func StartSpan(ctx context.Context, name string, attrs ...attribute.KeyValue) (inner context.Context, end func(error)) {
	return Start(ctx, name, trace.WithAttributes(attrs...))
}

// Start is StartSpan with everything that a span may have.
func Start(ctx context.Context, name string, options ...trace.SpanStartOption) (inner context.Context, end func(error)) {
	parent := trace.SpanFromContext(ctx)
	if !parent.SpanContext().IsSampled() {
		return ctx, func(error) {} // there is none, or it is not kept
	}
	scope := scopeOf(ctx)
	tracer := scope.Tracer
	if tracer == nil {
		tracer = parent.TracerProvider().Tracer("hengdai")
	}
	inner, span := tracer.Start(ctx, name, options...)
	if scope.Service != "" && span.IsRecording() {
		span.SetAttributes(attribute.String(ServiceKey, scope.Service))
	}
	return inner, func(err error) {
		if err != nil && !errors.Is(err, io.EOF) {
			span.SetAttributes(attribute.Bool("error", true))
		}
		span.End()
	}
}

// ServiceKey names the attribute of a span that says whose work it is: one process runs many services.
const ServiceKey = "hengdai.service"

// Becomes notes in the span of ctx that something moved to a state.
func Becomes(ctx context.Context, state string) {
	Annotate(ctx, attribute.String(BecomesKey, state))
}

// BecomesKey names the attribute that Becomes sets.
const BecomesKey = "hengdai.becomes"

// Annotate adds attributes to the span of ctx.
func Annotate(ctx context.Context, attrs ...attribute.KeyValue) {
	if span := trace.SpanFromContext(ctx); span.IsRecording() {
		span.SetAttributes(attrs...)
	}
}

// Continue answers a context whose trace is the one a traceparent names, and joins both: a span that is begun with it
// links to where ctx comes from, and the span of ctx links to that trace. Without a parent ctx stays as it is.
func Continue(ctx context.Context, parent string) (inner context.Context, link trace.SpanStartOption) {
	from := trace.SpanFromContext(ctx)
	inner = WithTraceParent(ctx, parent)
	to := trace.SpanContextFromContext(inner)
	if parent == "" || !to.IsValid() {
		return ctx, trace.WithLinks()
	}
	from.AddLink(trace.Link{SpanContext: to})
	return inner, trace.WithLinks(trace.Link{SpanContext: from.SpanContext()})
}
