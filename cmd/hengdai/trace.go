package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/hengdai/hengdai/kit/telemetry"
	"github.com/hengdai/hengdai/kit/telemetry/waterfall"
)

func runTrace(_ context.Context, args []string, out io.Writer) error {
	set := flags("trace", out)
	id := set.String("id", "", "the trace whose id begins so: from a log line's trace_id or an answer's traceId")
	method := set.String("method", "", "the newest trace in which a span's name or method contains this")
	picture := set.String("svg", "", "write a picture into this file instead of text")
	last := set.Int("last", 20, "without --id and --method: list so many traces, the newest last")
	file := ""
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		file, args = args[0], args[1:]
	}
	if err := parse(set, args); err != nil {
		return err
	}
	if file == "" {
		return &usageError{"the traces file is missing (telemetry.traces_file)"}
	}
	spans, err := readTraces(file)
	if err != nil {
		return err
	}
	traces := waterfall.List(spans)
	if *id == "" && *method == "" {
		return listTraces(out, traces[max(len(traces)-*last, 0):])
	}
	chosen, err := choose(spans, traces, *id, *method)
	if err != nil {
		return err
	}
	rows := waterfall.Rows(spans, chosen.ID)
	title := fmt.Sprintf("%s · %s · %d spans of %s", chosen.Name, chosen.ID, len(rows), strings.Join(waterfall.Services(rows), ", "))
	if *picture == "" {
		_, _ = fmt.Fprintln(out, title)
		return waterfall.Text(out, rows)
	}
	to, err := os.Create(*picture)
	if err != nil {
		return fmt.Errorf("make the picture: %w", err)
	}
	if err := waterfall.SVG(to, title, rows); err != nil {
		_ = to.Close()
		return fmt.Errorf("write the picture: %w", err)
	}
	return to.Close()
}

func readTraces(file string) ([]telemetry.Span, error) {
	from, err := os.Open(file) //nolint:gosec // the operator names the file
	if err != nil {
		return nil, fmt.Errorf("open the traces: %w", err)
	}
	defer func() { _ = from.Close() }()
	spans, err := telemetry.ReadSpans(from)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return spans, nil
}

func choose(spans []telemetry.Span, traces []waterfall.Trace, id, method string) (waterfall.Trace, error) {
	with := map[string]bool{}
	for _, s := range spans {
		called, _ := s.Attributes["hengdai.method"].(string)
		if strings.HasPrefix(s.Trace, id) && (method == "" || strings.Contains(s.Name, method) || strings.Contains(called, method)) {
			with[s.Trace] = true
		}
	}
	for i := len(traces) - 1; i >= 0; i-- {
		if with[traces[i].ID] {
			return traces[i], nil
		}
	}
	return waterfall.Trace{}, fmt.Errorf("there is no such trace in the file; it is kept only if it was sampled")
}

func listTraces(out io.Writer, traces []waterfall.Trace) error {
	for _, t := range traces {
		mark := " "
		if t.Failed {
			mark = "!"
		}
		_, err := fmt.Fprintf(out, "%s  %s %s %9.1f ms %4d spans  %-36s %s\n", t.ID, t.Start.Format("2006-01-02 15:04:05.000"), mark,
			t.Took.Seconds()*1000, t.Spans, t.Name, strings.Join(t.Services, " "))
		if err != nil {
			return err
		}
	}
	_, err := fmt.Fprintln(out, "\nhengdai trace FILE --id ID (its first digits are enough) shows one; --svg FILE draws it.")
	return err
}
