package collection

import (
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// golden is the whole table: rows are states, columns are the events in their order.
const golden = `
OPEN     PROMISED -        PAUSED -    CLOSED -
PROMISED PROMISED OPEN     PAUSED -    CLOSED -
PAUSED   -        -        PAUSED OPEN CLOSED -
CLOSED   -        -        -      -    -      OPEN
`

func TestEveryStateTimesEveryEvent(t *testing.T) {
	lines := strings.Split(strings.TrimSpace(golden), "\n")
	for i, state := range States {
		cells := strings.Fields(lines[i])
		if cells[0] != string(state) {
			t.Fatalf("line %d of the golden table is %s, want %s", i, cells[0], state)
		}
		for j, event := range Events {
			got, err := Move(state, event)
			want := cells[j+1]
			if want == "-" {
				var illegal *Illegal
				if !errors.As(err, &illegal) || got != state {
					t.Errorf("%s in %s: got %s, %v; want a refusal that changes nothing", event, state, got, err)
				}
				continue
			}
			if err != nil || string(got) != want {
				t.Errorf("%s in %s: got %s, %v; want %s", event, state, got, err, want)
			}
		}
	}
}

func TestTheStrategyPlansEachStepOnceAndNeverTwoOnADay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		done, contacts := 0, 0
		for dpd := 1; dpd <= 400; dpd++ {
			if rapid.IntRange(0, 9).Draw(t, "the machine stood still") == 0 {
				continue
			}
			step, ok := Default.Due(done, dpd)
			if !ok {
				continue
			}
			if step.DPD <= done || step.DPD > dpd {
				t.Fatalf("at %d days, done until %d: planned %d", dpd, done, step.DPD)
			}
			done, contacts = step.DPD, contacts+1
		}
		if contacts == 0 || contacts > len(Default) {
			t.Fatalf("%d contacts by a strategy of %d steps", contacts, len(Default))
		}
	})
}

func TestTheNextStepFollowsTheLastOneDone(t *testing.T) {
	for _, test := range []struct{ done, want int }{{0, 1}, {1, 3}, {2, 3}, {7, 15}, {151, 181}, {181, 0}, {400, 0}} {
		step, ok := Default.Next(test.done)
		if ok != (test.want > 0) || step.DPD != test.want {
			t.Errorf("after %d: got %d, want %d", test.done, step.DPD, test.want)
		}
	}
}

func TestOfMissedStepsOnlyTheLatestIsDue(t *testing.T) {
	for _, test := range []struct{ done, dpd, want int }{{0, 0, 0}, {0, 1, 1}, {1, 2, 0}, {0, 40, 31}, {31, 40, 0}, {31, 1000, 181}, {181, 1000, 0}} {
		step, ok := Default.Due(test.done, test.dpd)
		if ok != (test.want > 0) || step.DPD != test.want {
			t.Errorf("done until %d, at %d days: got %d, want %d", test.done, test.dpd, step.DPD, test.want)
		}
	}
}
