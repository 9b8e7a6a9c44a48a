package telemetry

import (
	"io"
	"log/slog"
)

func newLogger(out io.Writer, level slog.Level) *slog.Logger {
	return slog.New(slog.NewJSONHandler(Filter(out), &slog.HandlerOptions{Level: level}))
}

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
