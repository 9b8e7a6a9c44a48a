package loan_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hengdai/hengdai/domain/loan"
)

var update = flag.Bool("update", false, "write the golden files")

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs; run with -update and read the difference\n%s", name, got)
	}
}

func TestEveryStateMeetsEveryEventAsTheGoldenMatrixSays(t *testing.T) {
	move := map[string]func(from, event string) (string, error){
		"loan": func(f, e string) (string, error) {
			s, err := loan.Move(loan.State(f), loan.Event(e))
			return string(s), err
		},
		"application": func(f, e string) (string, error) {
			s, err := loan.MoveApplication(loan.ApplicationState(f), loan.ApplicationEvent(e))
			return string(s), err
		},
		"contract": func(f, e string) (string, error) {
			s, err := loan.MoveContract(loan.ContractState(f), loan.ContractEvent(e))
			return string(s), err
		},
	}
	for machine, rows := range loan.Tables() {
		var states, events []string
		for _, r := range rows {
			states = append(states, r.From, r.To)
			events = append(events, r.Event)
		}
		slices.Sort(states)
		slices.Sort(events)
		states, events = slices.Compact(states), slices.Compact(events)
		var out strings.Builder
		for _, s := range states {
			for _, e := range events {
				to, err := move[machine](s, e)
				if err != nil {
					var illegal *loan.Illegal
					if !errors.As(err, &illegal) || to != s {
						t.Errorf("%s %s %s: %v", machine, s, e, err)
					}
					to = "-"
				}
				fmt.Fprintf(&out, "%-22s %-14s %s\n", s, e, to)
			}
		}
		golden(t, "states_"+machine+".golden", out.String())
	}
}

func TestAStateTableNamesEachPairOnce(t *testing.T) {
	for machine, rows := range loan.Tables() {
		seen := map[[2]string]bool{}
		for _, r := range rows {
			key := [2]string{r.From, r.Event}
			if seen[key] {
				t.Errorf("%s has two rows for %v", machine, key)
			}
			seen[key] = true
		}
	}
}
