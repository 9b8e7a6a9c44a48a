package kill

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/hengdai/hengdai/sim/world"
)

// Page writes what campaigns saw as a page of the documentation. machine says where they ran.
func Page(machine string, results []*Result) string {
	p := &page{}
	p.line("# Kills")
	p.line("")
	p.line("Written by `make kill`: one process for each service and one for the outside parties, on loopback. Borrowers register,")
	p.line("are identified, quote, apply, read, confirm, sign, are paid and repay; a reviewer decides; the calendar moves, so that")
	p.line("day-end, debits, bills, notices and collection run. Meanwhile services are killed with SIGKILL and started again at once.")
	p.line("")
	p.line("- Machine: %s", machine)
	for _, r := range results {
		p.line("- %s: seed %d, %d kills, %d borrowers at once, %.0f s in all; command `make kill HENGDAI_KILL_SEED=%d HENGDAI_KILL_MOMENTS=%d`",
			engineName(r.Engine), r.Plan.Seed, len(r.Deaths), r.Plan.AtOnce, r.Took.Seconds(), r.Plan.Seed, len(r.Deaths))
	}
	p.how()
	for _, r := range results {
		p.result(r)
	}
	return strings.Join(p.lines, "\n") + "\n"
}

type page struct{ lines []string }

func (p *page) line(format string, args ...any) {
	p.lines = append(p.lines, fmt.Sprintf(format, args...))
}

func (p *page) how() {
	for _, line := range []string{
		"",
		"How it is known that a kill fell into a commit: every other kill of a service is hunted. The process is stopped (SIGSTOP)",
		"for a moment, again and again, until all its threads stand still and a transaction of it is open; then it is killed where it",
		"stands. On SQLite a transaction is open when the writer's lock of the log is held (asked of the kernel), and the log is read:",
		"nothing of the transaction in it yet, pages without their commit, or a whole commit that is not published and that nobody was",
		"told of. On MariaDB the server's own list shows a transaction of the service's user with changed rows; its client can not",
		"end it any more. Other kills fall where the seed says.",
		"",
		"What is proved at the end: every write that was answered yes is read back, and asked again with its key, which names the same",
		"thing; the parties' journal has each request carried out once and each borrower paid out once; no order, attempt, application",
		"or check is on its way; and the invariants of `demo/invariant` hold on the raw books: both journals balance, clearing is zero,",
		"logs have no gap, followers are at their heads.",
	} {
		p.line("%s", line)
	}
}

func engineName(engine string) string {
	if engine == "mysql" {
		return "MariaDB"
	}
	return "SQLite"
}

func (p *page) result(r *Result) {
	p.line("")
	p.line("## %s", engineName(r.Engine))
	p.line("")
	p.line("| service | kills | in a commit | while the calendar moved | ready again, median ms | longest ms |")
	p.line("|---|---:|---:|---:|---:|---:|")
	all := tally{}
	for _, service := range world.Services {
		t := tally{}
		for _, d := range r.Deaths {
			if d.Service == service {
				t.add(d)
				all.add(d)
			}
		}
		p.row(service, t)
	}
	p.row("all", all)
	p.line("")
	moments := map[string]int{}
	for _, d := range r.Deaths {
		moments[d.Moment]++
	}
	for _, moment := range slices.Sorted(maps.Keys(moments)) {
		p.line("- %s: %d", moment, moments[moment])
	}
	p.line("")
	twice := 0
	for _, d := range r.Deaths {
		if d.Twice {
			twice++
		}
	}
	p.line("After %d of the kills the service was killed once more 10 to 90 ms into its new start; these are not counted above.", twice)
	p.line("Ready again is from the new start of the process until its health address answers that it is.")
	p.line("")
	l, proof := r.Load, r.Proof
	p.line("%d borrowers came to the end of their way (%d refused), in %.1f s at the median, %.1f s at p99 and %.1f s at most, kills included; %d loans, %d days of the calendar. %d writes were acknowledged; %d calls had to be asked again, among them %d writes whose fate was unknown to the caller.",
		len(l.Ways), l.Refused, l.Ways.Of(50).Seconds(), l.Ways.Of(99).Seconds(), l.Ways.Of(100).Seconds(), l.PaidOut, l.Days, l.Acknowledged, l.Repeats, l.Lost)
	var read []string
	for _, kind := range slices.Sorted(maps.Keys(proof.Read)) {
		read = append(read, fmt.Sprintf("%s %d", kind, proof.Read[kind]))
	}
	p.line("")
	p.line("Read back: %s. Asked again with their keys: %d, all answered with the same thing. The parties paid out %d times and collected %d times, each request once. %d invariants hold.",
		strings.Join(read, ", "), proof.Again, proof.Payouts, proof.Collections, proof.Invariants)
	if len(r.Stalls) > 0 {
		p.stalls(r)
	}
}

func (p *page) stalls(r *Result) {
	p.line("")
	p.line("Repayments over HTTPS while a service stands still (SIGSTOP for %.0f s), asked once each, none failed; the first row is the same load with nothing stopped:", r.Plan.StopFor.Seconds())
	p.line("")
	p.line("| stands still | repayments | answered p50 / p99 / max ms | booked p50 / p99 / max ms | applications, answered p50 | undecided at the end | all decided, ms after SIGCONT |")
	p.line("|---|---:|---:|---:|---:|---:|---:|")
	for _, s := range append([]Stall{r.Quiet}, r.Stalls...) {
		name := s.Service
		if name == "" {
			name = "nothing"
		}
		p.line("| %s | %d | %s | %s | %d, %d ms | %d | %d |", name, len(s.Answer), three(s.Answer), three(s.Booked), s.Applied, s.Apply.Of(50).Milliseconds(), s.Waiting, s.Decided.Milliseconds())
	}
}

func three(t Times) string {
	return fmt.Sprintf("%d / %d / %d", t.Of(50).Milliseconds(), t.Of(99).Milliseconds(), t.Of(100).Milliseconds())
}

// tally counts the deaths of a service.
type tally struct {
	kills, inCommit, nights int
	back                    Times
}

func (t *tally) add(d Death) {
	t.kills++
	if slices.Contains(inCommit, d.Moment) {
		t.inCommit++
	}
	if d.Night {
		t.nights++
	}
	t.back = append(t.back, d.Back.Round(time.Millisecond))
}

func (p *page) row(name string, t tally) {
	p.line("| %s | %d | %d | %d | %d | %d |", name, t.kills, t.inCommit, t.nights, t.back.Of(50).Milliseconds(), t.back.Of(100).Milliseconds())
}
