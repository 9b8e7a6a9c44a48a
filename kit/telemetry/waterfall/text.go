package waterfall

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/hengdai/hengdai/kit/telemetry"
)

// Text writes a trace as a tree: when each span began, how long it took, whose it is.
func Text(out io.Writer, rows []Row) error {
	from, _ := bounds(rows)
	for _, r := range rows {
		mark := " "
		switch {
		case r.Failed:
			mark = "!"
		case r.Linked:
			mark = "~"
		}
		_, err := fmt.Fprintf(out, "%9s %9s %s %-10s %s%s%s\n", "+"+short(r.Start.Sub(from)), short(r.End.Sub(r.Start)), mark, r.Service,
			strings.Repeat("  ", r.Depth), nameOf(r.Span), details(r))
		if err != nil {
			return fmt.Errorf("writing a trace: %w", err)
		}
	}
	return nil
}

// details are the attributes that are not in the name.
func details(r Row) string {
	var words []string
	for _, key := range slices.Sorted(maps.Keys(r.Attributes)) {
		if key == "hengdai.method" || key == "hengdai.party" || key == telemetry.BecomesKey {
			continue
		}
		words = append(words, fmt.Sprintf("%s=%v", key[strings.LastIndexByte(key, '.')+1:], r.Attributes[key]))
	}
	if len(words) == 0 {
		return ""
	}
	return "  (" + strings.Join(words, " ") + ")"
}

// short writes a time with three digits that matter.
func short(d time.Duration) string {
	switch {
	case d < time.Millisecond:
		return fmt.Sprintf("%dus", d.Microseconds())
	case d < time.Second:
		return fmt.Sprintf("%.1fms", d.Seconds()*1000)
	}
	return fmt.Sprintf("%.2fs", d.Seconds())
}
