package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/hengdai/hengdai/demo"
)

// fewRows picks some applicants from all over the file, and the one who asks for more months than the law allows.
func fewRows(t *testing.T, n int) []demo.Row {
	t.Helper()
	file := filepath.Join("..", "..", "testdata", "credit", "south_german_credit.csv")
	all, err := demo.ReadRows(file, filepath.Join(filepath.Dir(file), "mapping.json"), 0)
	if err != nil {
		t.Fatal(err)
	}
	var rows []demo.Row
	for i, row := range all {
		if i%(len(all)/n) == 0 || row.TermMonths > 60 {
			rows = append(rows, row)
		}
	}
	return rows
}

func TestFaultsLeaveNoTraceOnTheSameDayAndAnExplainedOneAcrossMidnight(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED: three runs take a minute; leave -short away")
	}
	var out strings.Builder
	call := demoCall{rows: fewRows(t, 12), seed: 1, days: 40, atOnce: 8, faults: demo.NoFaults}
	err := call.compareRuns(t.Context(), t.TempDir(), &out)
	if err != nil {
		t.Errorf("%v\n%s", err, out.String())
	}
	if !strings.Contains(out.String(), "asked for 72 months: term.above_legal_maximum.R34") {
		t.Errorf("who asked for 72 months was not refused by the rule's name:\n%s", out.String())
	}
	if n := strings.Count(out.String(), "\nthe runs agree\n"); n != 2 {
		t.Errorf("%d comparisons hold, want 2:\n%s", n, out.String())
	}
	_, told, found := strings.Cut(out.String(), "######## comparison")
	if !found || !strings.Contains(told, "distinct orders that met a fault") || !strings.Contains(told, "loans whose money moved on other dates") {
		t.Errorf("the comparison does not tell what it is to tell:\n%s", told)
	}
	t.Log(told)
}
