package waterfall

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"slices"
	"time"
)

// Sizes of the picture, in pixels.
const (
	width   = 1320
	names   = 470 // the column of names
	right   = 70  // room for the last bar's time
	rowHigh = 19
	head    = 74
	indent  = 11
	ticks   = 8
	wordMax = 66
)

// colours of services, in the order in which they first work.
var colours = []string{"#2b6cb0", "#2f855a", "#b7791f", "#805ad5", "#c05621", "#319795", "#97266d", "#4a5568", "#718096"}

// SVG writes a trace as a picture.
func SVG(out io.Writer, title string, rows []Row) error {
	from, to := bounds(rows)
	p := &picture{from: from, whole: max(to.Sub(from), time.Microsecond), colour: map[string]string{}}
	for _, r := range rows {
		p.service(r.Service)
	}
	high := head + rowHigh*len(rows) + 16
	p.line(`<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" font-family="ui-sans-serif, system-ui, sans-serif" font-size="11">`, width, high, width, high)
	p.line(`<rect width="100%%" height="100%%" fill="#ffffff"/>`)
	p.line(`<text x="14" y="22" font-size="15" font-weight="600" fill="#1a202c">%s</text>`, escape(title))
	p.legend()
	p.grid(high)
	for i, r := range rows {
		p.row(head+rowHigh*i, i, r)
	}
	p.line(`</svg>`)
	_, err := out.Write(p.text.Bytes())
	return err
}

type picture struct {
	text    bytes.Buffer
	from    time.Time
	whole   time.Duration
	colour  map[string]string
	ordered []string
}

func (p *picture) line(format string, args ...any) {
	_, _ = fmt.Fprintf(&p.text, format+"\n", args...) // a buffer takes everything
}

func (p *picture) service(name string) {
	if p.colour[name] == "" {
		p.colour[name] = colours[len(p.colour)%len(colours)]
		p.ordered = append(p.ordered, name)
	}
}

func (p *picture) legend() {
	x := 14
	for _, name := range p.ordered {
		shown := name
		if shown == "" {
			shown = "other"
		}
		p.line(`<rect x="%d" y="33" width="11" height="11" rx="2" fill="%s"/><text x="%d" y="43" fill="#4a5568">%s</text>`, x, p.colour[name], x+15, escape(shown))
		x += 32 + 7*len(shown)
	}
	p.line(`<rect x="%d" y="33" width="11" height="11" rx="2" fill="#fff" stroke="#718096" stroke-dasharray="3 2"/><text x="%d" y="43" fill="#4a5568">linked trace</text>`, x, x+15)
}

func (p *picture) grid(high int) {
	for i := range ticks + 1 {
		x := names + (width-names-right)*i/ticks
		p.line(`<line x1="%d" y1="%d" x2="%d" y2="%d" stroke="#e2e8f0"/><text x="%d" y="%d" fill="#718096" text-anchor="middle">%s</text>`,
			x, head-8, x, high-8, x, head-13, short(p.whole*time.Duration(i)/ticks))
	}
}

func (p *picture) row(y, number int, r Row) {
	if number%2 == 1 {
		p.line(`<rect x="0" y="%d" width="%d" height="%d" fill="#f7fafc" opacity="0.7"/>`, y, width, rowHigh)
	}
	name := nameOf(r.Span)
	if letters := []rune(name); len(letters) > wordMax {
		name = string(letters[:wordMax]) + "…"
	}
	dx := 14 + indent*min(r.Depth, 18)
	p.line(`<text x="%d" y="%d" fill="#1a202c">%s</text>`, dx, y+13, escape(name))
	wide := float64(width - names - right)
	x := float64(names) + wide*float64(r.Start.Sub(p.from))/float64(p.whole)
	w := max(wide*float64(r.End.Sub(r.Start))/float64(p.whole), 1.5)
	style := fmt.Sprintf(`fill="%s"`, p.colour[r.Service])
	if r.Linked {
		style = fmt.Sprintf(`fill="#fff" stroke="%s" stroke-dasharray="3 2"`, p.colour[r.Service])
	}
	if r.Failed {
		style += ` stroke="#e53e3e" stroke-width="2"`
	}
	p.line(`<rect x="%.1f" y="%d" width="%.1f" height="11" rx="2" %s><title>%s</title></rect>`, x, y+4, w, style, escape(r.Service+" "+nameOf(r.Span)+details(r)))
	p.line(`<text x="%.1f" y="%d" fill="#4a5568" font-size="10">%s</text>`, x+w+4, y+13, short(r.End.Sub(r.Start)))
}

func escape(text string) string {
	var out bytes.Buffer
	_ = xml.EscapeText(&out, []byte(text)) // a buffer takes everything
	return out.String()
}

// Services answers whose work a trace is, in the order in which they begin.
func Services(rows []Row) []string {
	var names []string
	for _, r := range rows {
		if r.Service != "" && !slices.Contains(names, r.Service) {
			names = append(names, r.Service)
		}
	}
	return names
}
