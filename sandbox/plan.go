package sandbox

import (
	"net/http"

	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/sandbox/channel/alpha"
	"github.com/hengdai/hengdai/sandbox/channel/beta"
	"github.com/hengdai/hengdai/sandbox/party"
)

// The named plans of faults at the payment channels.
const (
	planNone           = "none"
	planSameDay        = "same_day"
	planAcrossMidnight = "across_midnight"
)

// mishap is what befalls one order in a plan: the faults that come together, each with its call ("order" stands for the
// channel's own word for it).
type mishap []party.Rule

const anOrder = "order"

// always: the fault is met every time, not once.
const always = 1_000_000

// sameDay are mishaps that a query or a callback resolves at once. Their waits are short, in real time, so that a day
// of the calendar is not held up.
var sameDay = []mishap{
	{{Op: anOrder, Kind: party.LostRequest}},
	{{Op: anOrder, Kind: party.LostResponse}},
	{{Op: anOrder, Kind: party.Timeout, DelayMS: 20}},
	{{Op: anOrder, Kind: party.ServerError}},
	{{Op: anOrder, Kind: party.ServerErrorAfter}},
	{{Op: anOrder, Kind: party.UnknownCode}},
	{{Op: anOrder, Kind: party.Busy}},
	{{Op: "callback", Kind: party.TwiceCallback}},
	{{Op: "callback", Kind: party.LateCallback, DelayMS: 30}},
	{{Op: anOrder, Kind: party.EarlyCallback, DelayMS: 10}},
	{{Op: anOrder, Kind: party.LostResponse}, {Op: "callback", Kind: party.LostCallback}, {Op: "query", Kind: party.NotFound}},
}

// untilFile after its acceptance the statement has told of an order: all of the next day and a night.
const untilFile = 40 * 3_600_000

// acrossMidnight adds orders that are executed on the next day; orders executed at once of which nothing is heard before
// the next day, or before the statement tells; and callbacks that come days late.
var acrossMidnight = append([]mishap{
	{{Op: anOrder, Kind: party.NextDay}},
	{{Op: anOrder, Kind: party.LostResponse}, {Op: anOrder, Kind: party.NextDay}},
	{{Op: anOrder, Kind: party.LostResponse}, {Op: "callback", Kind: party.LostCallback}, {Op: "query", Kind: party.DarkQuery, Times: always}},
	{{Op: anOrder, Kind: party.UnknownCode}, {Op: "callback", Kind: party.LostCallback}, {Op: "query", Kind: party.DarkQuery, Times: always, DelayMS: untilFile}},
	{{Op: anOrder, Kind: party.LostResponse}, {Op: "callback", Kind: party.LateCallback, DelayMS: 1500}, {Op: "query", Kind: party.DarkQuery, Times: always}},
}, sameDay...)

// badFiles are the faults of statements that end well by themselves: with a later file or a right version.
var badFiles = []party.Rule{
	{Kind: party.FileLate, RatePPM: 20_000},
	{Kind: party.FileReissued, RatePPM: 20_000},
	{Kind: party.FileCut, RatePPM: 20_000, DelayMS: 3_600_000},
	{Kind: party.LineShifted, RatePPM: 10_000},
}

// usual share of orders that meet a fault.
const usualPPM = 250_000

var errPlan = errs.New(errs.Invalid, "sandbox.plan", "没有这个故障方案。", "There is no such plan.").On("name")

// controlPlan replaces all faults of the payment channels by a named plan: every order in the given share meets exactly
// one mishap, which one follows from the seed and the request number alone.
func (s *Sandbox) controlPlan(r *http.Request) (any, error) {
	var in struct {
		Name    string `json:"name"`
		Seed    int64  `json:"seed"`
		RatePPM int64  `json:"rate_ppm"`
		// Statements: faults of files, too; left out: across midnight only.
		Statements *bool `json:"statements"`
	}
	if err := read(r, &in); err != nil {
		return nil, err
	}
	if in.RatePPM == 0 {
		in.RatePPM = usualPPM
	}
	mishaps, known := map[string][]mishap{planNone: nil, planSameDay: sameDay, planAcrossMidnight: acrossMidnight}[in.Name]
	if !known || in.RatePPM < 0 || in.RatePPM > 1_000_000 {
		return nil, errPlan
	}
	files := in.Name == planAcrossMidnight
	if in.Statements != nil {
		files = *in.Statements && in.Name != planNone
	}
	for _, name := range []string{alpha.Name, beta.Name} {
		if err := s.desk.Faults.Clear(r.Context(), name); err != nil {
			return nil, err
		}
		rules := spread(mishaps, name, in.Seed, in.RatePPM)
		if files {
			rules = append(rules, fileRules(name, in.Seed)...)
		}
		for _, rule := range rules {
			if _, err := s.desk.Faults.Add(r.Context(), rule); err != nil {
				return nil, err
			}
		}
	}
	return map[string]any{"rules": s.desk.Faults.List()}, nil
}

// spread lays mishaps beside each other over a share of all orders. What the division leaves goes to the last one.
func spread(mishaps []mishap, name string, seed, ratePPM int64) (rules []party.Rule) {
	word := map[string]string{alpha.Name: "pay", beta.Name: "trans"}[name]
	for i, m := range mishaps {
		from, to := ratePPM*int64(i)/int64(len(mishaps)), ratePPM*int64(i+1)/int64(len(mishaps))
		if from == to {
			continue
		}
		for _, rule := range m {
			if rule.Op == anOrder {
				rule.Op = word
			}
			rule.Party, rule.Seed, rule.Group, rule.FromPPM, rule.RatePPM = name, seed, "plan", from, to-from
			rules = append(rules, rule)
		}
	}
	return rules
}

func fileRules(name string, seed int64) (rules []party.Rule) {
	for _, rule := range badFiles {
		rule.Party, rule.Seed = name, seed
		rules = append(rules, rule)
	}
	return rules
}
