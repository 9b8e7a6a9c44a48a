package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"github.com/hengdai/hengdai/demo"
	"github.com/hengdai/hengdai/kit/clock"
)

// comeAfter is how many days after the real date the applicants of a comparison come: its last run may begin on the next date.
const comeAfter = 2

// compareRuns makes the plain run and one with each kind of faults, each in an installation of its own, over the same
// calendar, and compares what came of them.
func (call demoCall) compareRuns(ctx context.Context, folder string, out io.Writer) error {
	from := clock.Real().In(clock.Shanghai).AddDate(0, 0, comeAfter).Format(time.DateOnly)
	want := demo.Options{From: from, Faults: demo.NoFaults}
	var plain *demo.Result
	var comparisons []*demo.Comparison
	var broken []string
	for _, plan := range demo.Plans {
		_, _ = fmt.Fprintf(out, "\n######## run: faults %s\n\n", plan)
		want.Faults = plan
		result, err := call.oneRun(ctx, filepath.Join(folder, plan), want, out)
		var invalid *invalidError
		if errors.As(err, &invalid) && result != nil {
			broken = append(broken, plan+": "+invalid.text)
		} else if err != nil {
			return fmt.Errorf("the run with faults %s: %w", plan, err)
		}
		if plain == nil {
			plain, want.Until = result, result.Until
			continue
		}
		comparisons = append(comparisons, demo.Compare(plain, result))
	}
	_, _ = fmt.Fprintf(out, "\n######## comparison\n")
	for _, c := range comparisons {
		if err := c.Write(out); err != nil {
			return err
		}
		if !c.Holds() {
			broken = append(broken, "the runs do not agree")
		}
	}
	if len(broken) > 0 {
		return &invalidError{strings.Join(broken, "; ")}
	}
	return nil
}
