package docs

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/hengdai/hengdai/domain/calendar"
	"github.com/hengdai/hengdai/domain/legal"
)

const ruleBook = "compliance.md"

func TestTheRuleBookShowsTheNumbersThatAreApplied(t *testing.T) {
	want := read(t, ruleBook)
	for name, rows := range map[string][]legal.Row{"legal": legal.Table, "pending": legal.Pending} {
		var err error
		if want, err = replace(want, "table of "+name, "end of "+name, legalTable(rows)); err != nil {
			t.Fatal(err)
		}
	}
	keep(t, ruleBook, want)
}

func legalTable(rows []legal.Row) string {
	var out strings.Builder
	out.WriteString("| number | lender | value | from | to | source |\n|---|---|---|---|---|---|\n")
	for _, r := range rows {
		lender := string(r.Lender)
		if r.Lender == legal.Any {
			lender = "any"
		}
		source := r.Source
		if r.ConfirmedBy != "" {
			source += "; confirmed by " + r.ConfirmedBy
		}
		fmt.Fprintf(&out, "| `%s` | %s | %d %s | %s | %s | %s |\n", r.Parameter, lender, r.Value, r.Unit, day(r.From), day(r.To), source)
	}
	return out.String()
}

// day shows a date; an open end and "always" stay empty.
func day(d calendar.Date) string {
	if d == calendar.None || d == calendar.Of(1900, 1, 1) {
		return ""
	}
	return d.String()
}

var ruleID = regexp.MustCompile(`\bR([1-9][0-9]?)\b`)

// TestEveryRuleThatTheCodeNamesIsInTheRuleBook: an id in a comment or a source leads somewhere.
func TestEveryRuleThatTheCodeNamesIsInTheRuleBook(t *testing.T) {
	known := map[string]bool{}
	for line := range strings.Lines(read(t, ruleBook)) {
		if cells := strings.Split(line, "|"); len(cells) > 2 {
			for _, id := range ruleID.FindAllString(cells[1], -1) {
				known[id] = true
			}
		}
	}
	if len(known) < 30 {
		t.Fatalf("only %d rules were found in the rule book", len(known))
	}
	for _, root := range []string{"../domain", "../service", "../kit"} {
		err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || filepath.Ext(path) != ".go" && filepath.Ext(path) != ".yaml" {
				return err
			}
			text, err := os.ReadFile(path)
			for _, id := range ruleID.FindAllString(string(text), -1) {
				if !known[id] {
					t.Errorf("%s names %s, which the rule book does not have", path, id)
				}
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}
