package telemetry

import (
	"context"
	"io"
	"log/slog"

	"go.opentelemetry.io/otel/trace"
)

func newLogger(out io.Writer, level slog.Level) *slog.Logger {
	return slog.New(traced{slog.NewJSONHandler(Filter(out), &slog.HandlerOptions{Level: level})})
}

// traced adds to each line the trace and the span in which it was written.
type traced struct{ slog.Handler }

// Handle writes a line.
func (t traced) Handle(ctx context.Context, r slog.Record) error {
	if sc := trace.SpanContextFromContext(ctx); sc.IsValid() {
		r = r.Clone()
		r.AddAttrs(slog.String("trace_id", sc.TraceID().String()), slog.String("span_id", sc.SpanID().String()))
	}
	return t.Handler.Handle(ctx, r)
}

// WithAttrs answers a handler whose lines have these attributes too.
func (t traced) WithAttrs(attrs []slog.Attr) slog.Handler { return traced{t.Handler.WithAttrs(attrs)} }

// WithGroup answers a handler whose further attributes stand in a group.
func (t traced) WithGroup(name string) slog.Handler { return traced{t.Handler.WithGroup(name)} }

// Filter answers a writer that masks personal number patterns in every line before it passes it on.
func Filter(out io.Writer) io.Writer { return filter{out} }

type filter struct{ out io.Writer }

// Write passes one line. It answers the length it was given, also if the masked line is shorter.
func (f filter) Write(line []byte) (int, error) {
	if _, err := f.out.Write(Mask(line)); err != nil {
		return 0, err
	}
	return len(line), nil
}
