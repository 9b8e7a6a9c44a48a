package docs

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/hengdai/hengdai/domain/collection"
	"github.com/hengdai/hengdai/domain/loan"
	"github.com/hengdai/hengdai/domain/payment"
)

var update = flag.Bool("update", false, "write the generated parts of the pages anew")

func TestTheDiagramsAreThoseOfTheStateTables(t *testing.T) {
	want := read(t, "states.md")
	for name, rows := range machines() {
		var err error
		if want, err = replace(want, "states of "+name, "end of "+name, diagram(rows)); err != nil {
			t.Fatal(err)
		}
	}
	keep(t, "states.md", want)
}

// keep compares a page with what it should be, and writes it if it may.
func keep(t *testing.T, page, want string) {
	t.Helper()
	if want == read(t, page) {
		return
	}
	if !*update {
		t.Fatalf("%s is stale; run: go test ./docs -update", page)
	}
	if err := os.WriteFile(page, []byte(want), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestAPageThatIsStaleIsFound(t *testing.T) {
	rows := []loan.Row{{From: "A", Event: "go", To: "B"}}
	stale := "before\n<!-- states of x -->\nold\n<!-- end of x -->\nafter\n"
	got, err := replace(stale, "states of x", "end of x", diagram(rows))
	if err != nil || got == stale || !strings.HasPrefix(got, "before\n") || !strings.HasSuffix(got, "\nafter\n") {
		t.Errorf("the old diagram stays: %q, %v", got, err)
	}
	if again, err := replace(got, "states of x", "end of x", diagram(rows)); err != nil || again != got {
		t.Errorf("a fresh page is not left alone: %q, %v", again, err)
	}
	if _, err := replace("nothing\n", "states of x", "end of x", ""); err == nil {
		t.Error("a machine without a place on the page is not found")
	}
}

// machines are all state tables of the domain, by their name on the page.
func machines() map[string][]loan.Row {
	all := loan.Tables()
	all["order"] = rowsOf(payment.Orders)
	all["attempt"] = rowsOf(payment.Attempts)
	for _, from := range collection.States {
		for _, event := range collection.Events {
			if to, err := collection.Move(from, event); err == nil {
				all["case"] = append(all["case"], loan.Row{From: string(from), Event: string(event), To: string(to)})
			}
		}
	}
	return all
}

func rowsOf[S, E ~string](table []payment.Row[S, E]) []loan.Row {
	rows := make([]loan.Row, len(table))
	for i, r := range table {
		rows[i] = loan.Row{From: string(r.From), Event: string(r.Event), To: string(r.To)}
	}
	return rows
}

// diagram draws a table. Events that join the same two states share an arrow; an event that changes nothing is told below.
func diagram(rows []loan.Row) string {
	type arrow struct{ from, to string }
	var order []arrow
	events := map[arrow][]string{}
	stays := map[string][]string{}
	var staying []string
	from, to := map[string]bool{}, map[string]bool{}
	for _, r := range rows {
		if r.From == r.To {
			if !slices.Contains(staying, r.From) {
				staying = append(staying, r.From)
			}
			stays[r.From] = append(stays[r.From], r.Event)
			continue
		}
		a := arrow{r.From, r.To}
		if events[a] == nil {
			order = append(order, a)
		}
		events[a] = append(events[a], r.Event)
		from[r.From], to[r.To] = true, true
	}
	var out strings.Builder
	out.WriteString("```mermaid\nstateDiagram-v2\n")
	fmt.Fprintf(&out, "    [*] --> %s\n", rows[0].From)
	for _, a := range order {
		fmt.Fprintf(&out, "    %s --> %s: %s\n", a.from, a.to, strings.Join(events[a], ", "))
	}
	var ends []string
	for state := range to {
		if !from[state] {
			ends = append(ends, state)
		}
	}
	slices.Sort(ends)
	for _, state := range ends {
		fmt.Fprintf(&out, "    %s --> [*]\n", state)
	}
	out.WriteString("```\n")
	if len(staying) > 0 {
		out.WriteString("\nChanges nothing:")
		for i, state := range staying {
			if i > 0 {
				out.WriteString(";")
			}
			fmt.Fprintf(&out, " in `%s` %s", state, strings.Join(stays[state], ", "))
		}
		out.WriteString(".\n")
	}
	return out.String()
}

// replace puts text between two marks.
func replace(page, from, to, text string) (string, error) {
	before, rest, found := strings.Cut(page, "<!-- "+from+" -->\n")
	end := "<!-- " + to + " -->\n"
	at := strings.Index(rest, end)
	if !found || at < 0 {
		return "", fmt.Errorf("the page has no place for %q", from)
	}
	return before + "<!-- " + from + " -->\n" + text + rest[at:], nil
}
