package kill

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"

	"github.com/hengdai/hengdai/sim/world"
)

func TestEveryServiceDiesFiveTimesInFiftyKillsAndTheSeedSaysWhen(t *testing.T) {
	order := Order(1, 50)
	count := map[string]int{}
	for _, service := range order {
		count[service]++
	}
	if len(order) != 50 || len(count) != len(world.Services) {
		t.Errorf("%d kills of %d services", len(order), len(count))
	}
	for service, n := range count {
		if n < 5 {
			t.Errorf("%s dies %d times", service, n)
		}
	}
	if !slices.Equal(order, Order(1, 50)) || slices.Equal(order, Order(2, 50)) {
		t.Error("the order does not follow from the seed")
	}
}

func TestAPercentileIsATimeThatWasMet(t *testing.T) {
	var times Times
	for i := range 200 {
		times = append(times, time.Duration(200-i))
	}
	for percent, want := range map[int]time.Duration{50: 100, 99: 198, 100: 200} {
		if got := times.Of(percent); got != want {
			t.Errorf("p%d is %d, want %d", percent, got, want)
		}
	}
	if (Times{7}).Of(99) != 7 || Times(nil).Of(99) != 0 {
		t.Error("of one time it is that, of none zero")
	}
}

func TestOnlyWhatIsOfTheMomentIsAskedAgain(t *testing.T) {
	for err, want := range map[error]bool{
		errors.New("connection refused"): true, context.DeadlineExceeded: true, context.Canceled: false,
	} {
		if passing(err) != want {
			t.Errorf("%v: %v", err, !want)
		}
	}
	// An error that was made here is not from the wire: no answer came.
	if !passing(connect.NewError(connect.CodeUnavailable, errors.New("eof"))) {
		t.Error("a lost answer is given up")
	}
}

func TestThePageCountsWhatHappened(t *testing.T) {
	r := &Result{Engine: "sqlite", Plan: Plan{Seed: 3, AtOnce: 4, StopFor: time.Second}, Deaths: []Death{
		{Service: "loan", Moment: someFrames, Night: true, Back: 90 * time.Millisecond}, {Service: "loan", Moment: atAnyMoment, Back: 110 * time.Millisecond},
		{Service: "user", Moment: noTransaction, Back: 70 * time.Millisecond},
	}, Stalls: []Stall{{Service: "risk", Answer: Times{time.Millisecond}, Booked: Times{2 * time.Millisecond}, Applied: 6, Waiting: 6}}}
	page := Page("a machine", []*Result{r})
	for _, want := range []string{"a machine", "| loan | 2 | 1 | 1 | 90 | 110 |", "| user | 1 | 0 | 0 | 70 | 70 |", "| all | 3 | 1 | 1 | 90 | 110 |", "| risk | 1 | 1 / 1 / 1 | 2 / 2 / 2 | 6, 0 ms | 6 |"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q:\n%s", want, page)
		}
	}
}
