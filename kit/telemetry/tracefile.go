package telemetry

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

const (
	fileEvery = time.Second
	fileQueue = 16 << 10
	// fileMax is when a traces file is put aside as FILE.1 and begun anew.
	fileMax = 64 << 20
	lineMax = 1 << 20
)

// Span is one line of a traces file.
type Span struct {
	Trace   string    `json:"trace_id"`
	ID      string    `json:"span_id"`
	Parent  string    `json:"parent_id,omitempty"`
	Name    string    `json:"name"`
	Kind    string    `json:"kind"`
	Service string    `json:"service,omitempty"`
	Process string    `json:"process,omitempty"`
	Start   time.Time `json:"start"`
	End     time.Time `json:"end"`
	Failed  bool      `json:"failed,omitempty"`
	// Attributes are what the span says besides.
	Attributes map[string]any `json:"attributes,omitempty"`
	// Links are the traces it belongs to as well.
	Links []string `json:"links,omitempty"`
}

// tracesFile appends spans to a file.
type tracesFile struct {
	path, process string

	mu   sync.Mutex
	file *os.File
	size int64
}

func openTracesFile(path, process string) (*tracesFile, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("make the folder of the traces: %w", err)
	}
	t := &tracesFile{path: path, process: process}
	if err := t.open(); err != nil {
		return nil, err
	}
	return t, nil
}

func (t *tracesFile) open() error {
	file, err := os.OpenFile(t.path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("open the traces file: %w", err)
	}
	at, err := file.Stat()
	if err != nil {
		_ = file.Close()
		return fmt.Errorf("look at the traces file: %w", err)
	}
	t.file, t.size = file, at.Size()
	return nil
}

// ExportSpans appends spans, a line each, in one write: several processes may share the file.
func (t *tracesFile) ExportSpans(_ context.Context, spans []sdktrace.ReadOnlySpan) error {
	var text bytes.Buffer
	lines := json.NewEncoder(&text)
	lines.SetEscapeHTML(false)
	for _, s := range spans {
		if err := lines.Encode(t.line(s)); err != nil {
			return fmt.Errorf("encoding a span: %w", err)
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.file == nil {
		return os.ErrClosed
	}
	if t.size > fileMax {
		if err := t.turn(); err != nil {
			return err
		}
	}
	n, err := t.file.Write(text.Bytes())
	t.size += int64(n)
	return err
}

// turn puts a full file aside.
func (t *tracesFile) turn() error {
	_ = t.file.Close()
	t.file = nil
	if err := os.Rename(t.path, t.path+".1"); err != nil {
		return fmt.Errorf("put the traces file aside: %w", err)
	}
	return t.open()
}

func (t *tracesFile) line(s sdktrace.ReadOnlySpan) Span {
	out := Span{
		Trace: s.SpanContext().TraceID().String(), ID: s.SpanContext().SpanID().String(), Name: s.Name(), Kind: s.SpanKind().String(),
		Process: t.process, Start: s.StartTime().UTC(), End: s.EndTime().UTC(),
	}
	if s.Parent().HasSpanID() {
		out.Parent = s.Parent().SpanID().String()
	}
	for _, a := range s.Attributes() {
		switch a.Key {
		case ServiceKey:
			out.Service = a.Value.AsString()
		case "error":
			out.Failed = a.Value.AsBool()
		default:
			if out.Attributes == nil {
				out.Attributes = map[string]any{}
			}
			out.Attributes[string(a.Key)] = a.Value.AsInterface()
		}
	}
	for _, l := range s.Links() {
		if id := l.SpanContext.TraceID().String(); id != out.Trace {
			out.Links = append(out.Links, id)
		}
	}
	return out
}

// Shutdown closes the file.
func (t *tracesFile) Shutdown(context.Context) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.file == nil {
		return nil
	}
	err := t.file.Close()
	t.file = nil
	return err
}

// ReadSpans reads a traces file. A last line that is cut off is passed over: the process may still write it.
func ReadSpans(from io.Reader) ([]Span, error) {
	var spans []Span
	lines := bufio.NewScanner(from)
	lines.Buffer(nil, lineMax)
	var bad error
	for n := 1; lines.Scan(); n++ {
		if bad != nil {
			return nil, bad
		}
		var s Span
		if err := json.Unmarshal(lines.Bytes(), &s); err != nil {
			bad = fmt.Errorf("line %d is no span: %w", n, err)
			continue
		}
		spans = append(spans, s)
	}
	return spans, lines.Err()
}
