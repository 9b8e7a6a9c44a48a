package waterfall

import (
	"slices"
	"strings"
	"time"

	"github.com/hengdai/hengdai/kit/telemetry"
)

// Trace is one trace as it can be listed.
type Trace struct {
	ID string
	// Name is the method of its first span, if that says one, else its name.
	Name     string
	Start    time.Time
	Took     time.Duration
	Spans    int
	Services []string
	Failed   bool
}

// List answers the traces of a file, oldest first.
func List(spans []telemetry.Span) []Trace {
	var list []Trace
	for id, own := range byTrace(spans) {
		t := Trace{ID: id, Spans: len(own)}
		var first telemetry.Span
		var end time.Time
		for _, s := range own {
			if first.ID == "" || s.Start.Before(first.Start) {
				first = s
			}
			if s.End.After(end) {
				end = s.End
			}
			t.Failed = t.Failed || s.Failed
			if s.Service != "" && !slices.Contains(t.Services, s.Service) {
				t.Services = append(t.Services, s.Service)
			}
		}
		slices.Sort(t.Services)
		t.Name, t.Start, t.Took = nameOf(first), first.Start, end.Sub(first.Start)
		list = append(list, t)
	}
	slices.SortFunc(list, func(a, b Trace) int {
		if c := a.Start.Compare(b.Start); c != 0 {
			return c
		}
		return strings.Compare(a.ID, b.ID)
	})
	return list
}

func byTrace(spans []telemetry.Span) map[string][]telemetry.Span {
	found := map[string][]telemetry.Span{}
	for _, s := range spans {
		found[s.Trace] = append(found[s.Trace], s)
	}
	return found
}

func nameOf(s telemetry.Span) string {
	name := s.Name
	if method, ok := s.Attributes["hengdai.method"].(string); ok && method != "" {
		name = method
	}
	if state, ok := s.Attributes[telemetry.BecomesKey].(string); ok {
		name += " → " + state
	}
	return name
}

// Row is one span in the order in which it is drawn.
type Row struct {
	telemetry.Span
	Depth int
	// Linked says that the span is of another trace, which this one links to.
	Linked bool
}

// Title is what the span did: the method it called, its name, and the state to which it brought something.
func (r Row) Title() string { return nameOf(r.Span) }

// Rows answers the spans of one trace, parents before children, children by time, with the traces that it links to.
func Rows(spans []telemetry.Span, id string) []Row {
	d := &drawing{all: byTrace(spans), drawn: map[string]bool{}}
	d.trace(id, 0, false)
	return d.rows
}

type drawing struct {
	all   map[string][]telemetry.Span
	drawn map[string]bool
	rows  []Row
}

func (d *drawing) trace(id string, depth int, linked bool) {
	if d.drawn[id] {
		return
	}
	d.drawn[id] = true
	there := map[string]bool{}
	for _, s := range d.all[id] {
		there[s.ID] = true
	}
	children := map[string][]telemetry.Span{}
	for _, s := range d.all[id] {
		parent := s.Parent
		if !there[parent] {
			parent = "" // the first, or one whose parent was not kept
		}
		children[parent] = append(children[parent], s)
	}
	for _, list := range children {
		slices.SortFunc(list, func(a, b telemetry.Span) int {
			if c := a.Start.Compare(b.Start); c != 0 {
				return c
			}
			return strings.Compare(a.ID, b.ID)
		})
	}
	d.below(children, "", depth, linked)
}

func (d *drawing) below(children map[string][]telemetry.Span, parent string, depth int, linked bool) {
	list := children[parent]
	delete(children, parent) // a circle ends
	for _, s := range list {
		for _, other := range s.Links {
			d.trace(other, depth, true)
		}
		d.rows = append(d.rows, Row{Span: s, Depth: depth, Linked: linked})
		d.below(children, s.ID, depth+1, linked)
	}
}

// bounds are the first start and the last end.
func bounds(rows []Row) (from, to time.Time) {
	for i, r := range rows {
		if i == 0 || r.Start.Before(from) {
			from = r.Start
		}
		if r.End.After(to) {
			to = r.End
		}
	}
	return from, to
}
