package demo

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/hengdai/hengdai/kit/clock"
)

// WriteReport tells what came of the run: funnel with reasons, money, how the loans stand, where the time went.
func (r *Run) WriteReport(ctx context.Context, out io.Writer) error {
	if _, err := r.stillOpen(ctx); err != nil {
		return err
	}
	w := &writer{out: out}
	r.writeFunnel(w)
	r.writeLoans(w)
	if err := r.writeBalance(ctx, w); err != nil {
		return err
	}
	w.head("time")
	for _, p := range r.phases {
		w.line("%-56s %8.1f s", p.name, p.took.Seconds())
	}
	if days := daysBetween(r.from, r.today); days > 0 {
		var calendar time.Duration
		for _, p := range r.phases {
			if p.name == calendarRuns {
				calendar = p.took
			}
		}
		w.line("%-56s %8.1f ms", fmt.Sprintf("a day of the calendar, mean of %d", days), float64(calendar.Milliseconds())/float64(days))
	}
	w.line("%-56s %8.1f s", "in all", clock.Since(r.started).Seconds())
	return w.err
}

func (r *Run) writeFunnel(w *writer) {
	refused := map[string]int{}
	manual, manualPaid, paid := 0, 0, 0
	for _, a := range r.applicants {
		if a.manual {
			manual++
		}
		if a.refusal != "" {
			refused[a.refusal]++
			continue
		}
		paid++
		if a.manual {
			manualPaid++
		}
	}
	w.head("applicants")
	w.line("%-56s %8d", "came", len(r.applicants))
	for _, reason := range slices.SortedFunc(maps.Keys(refused), func(a, b string) int {
		return cmp.Or(refused[b]-refused[a], strings.Compare(a, b))
	}) {
		w.line("  %-54s %8d", "refused: "+reason, refused[reason])
	}
	for _, a := range r.applicants {
		if a.row.TermMonths > legalMonths {
			w.line("    applicant %d asked for %d months: %s", a.row.Number, a.row.TermMonths, a.refusal)
		}
	}
	w.line("  %-54s %8d", "looked at by a reviewer", manual)
	w.line("  %-54s %8d", "  of these approved and paid out", manualPaid)
	w.line("%-56s %8d", "signed and paid out", paid)
}

func (r *Run) writeLoans(w *writer) {
	states, buckets, kinds := map[string]int{}, map[string]int{}, map[string]int{}
	var principal, outstanding, overdue int64
	for _, a := range r.applicants {
		if a.loan == nil {
			continue
		}
		states[a.loan.GetState()]++
		kinds[a.behaviour.Kind+" -> "+a.loan.GetState()]++
		principal += a.loan.GetPrincipalMinor()
		if a.loan.GetState() != "PAYOUT_RETURNED" {
			outstanding += a.loan.GetOutstandingPrincipalMinor()
		}
		overdue += a.loan.GetOverdueMinor()
		if a.loan.GetState() == "REPAYING" {
			buckets[a.loan.GetBucket()]++
		}
	}
	w.head("loans on " + r.today)
	w.counts("", states)
	w.counts("running, bucket ", buckets)
	w.counts("", kinds)
	w.line("%-56s %16s", "lent", yuan(principal))
	w.line("%-56s %16s", "principal not repaid", yuan(outstanding))
	w.line("%-56s %16s", "due and not paid, penalty included", yuan(overdue))
}

// writer writes lines until one fails.
type writer struct {
	out io.Writer
	err error
}

func (w *writer) line(format string, args ...any) {
	if w.err == nil {
		_, w.err = fmt.Fprintf(w.out, format+"\n", args...)
	}
}

func (w *writer) head(text string) { w.line("\n== %s", text) }

func (w *writer) counts(prefix string, counts map[string]int) {
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		w.line("%-56s %8d", prefix+name, counts[name])
	}
}

// yuan writes minor units with separators: 1,234,567.89.
func yuan(minor int64) string {
	sign := ""
	if minor < 0 {
		sign, minor = "-", -minor
	}
	digits := fmt.Sprintf("%d", minor/100)
	for at := len(digits) - 3; at > 0; at -= 3 {
		digits = digits[:at] + "," + digits[at:]
	}
	return fmt.Sprintf("%s%s.%02d", sign, digits, minor%100)
}
