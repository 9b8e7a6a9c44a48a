package main

import (
	"context"
	"io"
	"path/filepath"
	"testing"

	"github.com/hengdai/hengdai/demo"
	"github.com/hengdai/hengdai/kit/config"
	"github.com/hengdai/hengdai/node"
)

// What a day may cost. It was 20 commits, 620 statements and 60 steps when this was written, and 116, 1575 and 150 before;
// whoever needs more should know why.
const (
	commitsMost    = 40
	statementsMost = 1000
	stepsMost      = 100
)

// TestADayOnWhichLittleHappensIsCheap counts what the whole program does for a calendar day on which a few loans earn
// interest and nothing falls due. It looks at no clock, so a slow machine does not fail it.
func TestADayOnWhichLittleHappensIsCheap(t *testing.T) {
	rows, err := demo.ReadRows("../../testdata/credit/south_german_credit.csv", "../../testdata/credit/mapping.json", 4)
	if err != nil {
		t.Fatal(err)
	}
	const days = 12
	err = withDemoNode(t.Context(), filepath.Join(t.TempDir(), "data"), func(cfg *config.Config, n *node.Node) error {
		options, err := optionsOf(cfg, n, rows, 1, io.Discard)
		if err != nil {
			return err
		}
		options.Days = 3
		run, err := demo.Do(context.Background(), options)
		if err != nil {
			return err
		}
		before := n.Work()
		if err := run.Pass(t.Context(), days); err != nil {
			return err
		}
		var commits, statements, steps int64
		for _, w := range node.Since(before, n.Work()) {
			commits, statements = commits+w.Commits, statements+w.Statements
			var of int64
			for _, n := range w.Steps {
				of += n
			}
			steps += of
			t.Logf("%-11s a day: %5.1f commits, %5.1f units, %6.1f statements, %5.1f steps %v", w.Service, float64(w.Commits)/days, float64(w.Units)/days,
				float64(w.Statements)/days, float64(of)/days, w.Steps)
		}
		t.Logf("in all a day: %d commits, %d statements, %d steps", commits/days, statements/days, steps/days)
		if commits > days*commitsMost || statements > days*statementsMost || steps > days*stepsMost {
			t.Errorf("a day costs more than %d commits, %d statements or %d steps of jobs", commitsMost, statementsMost, stepsMost)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
