package payment

import (
	"cmp"
	"slices"
	"time"
)

// Rule is what routing knows of one channel for one order: its settings, its terms for the order's kind, and how it does.
type Rule struct {
	Channel string
	// Priority: the lower is tried first.
	Priority int64
	Enabled  bool
	// Draining channels finish what they have and take nothing new.
	Draining bool
	Kinds    []Kind
	// MinMinor and MaxMinor bound a single order; a zero maximum is no bound.
	MinMinor int64
	MaxMinor int64
	// DailyMinor bounds the amounts of one day in China; zero is no bound. UsedMinor is what the day has used.
	DailyMinor int64
	UsedMinor  int64
	Terms      Terms
	// Shut says that the breaker lets nothing new through, and for how long; a zero ShutFor is until people change it.
	Shut    bool
	ShutFor time.Duration
	// Paced says that the calls that wait already fill what the contract allows in the next second.
	Paced  bool
	Health Health
}

// Ask is what routing is asked.
type Ask struct {
	Kind        Kind
	AmountMinor int64
	// Minute is the minute of the day in China.
	Minute int64
	// Tried are channels at which this order has failed for good.
	Tried []string
}

// Verdicts of routing on a channel. The first five never change by waiting.
const (
	RouteTried           = "tried"
	RouteKind            = "kind"
	RouteBelowMinimum    = "below_minimum"
	RouteAboveMaximum    = "above_maximum"
	RouteAboveDailyLimit = "above_daily_limit"
	RouteDisabled        = "disabled"
	RouteDraining        = "draining"
	RouteOutsideHours    = "outside_hours"
	RouteDailyLimit      = "daily_limit"
	RouteBreaker         = "breaker"
	RoutePaced           = "paced"
	RouteTaken           = "taken"
	RouteLater           = "later"
)

var forever = []string{RouteTried, RouteKind, RouteBelowMinimum, RouteAboveMaximum, RouteAboveDailyLimit}

// Considered is one channel with why it was taken or left and by what it was compared.
type Considered struct {
	Channel string `json:"channel"`
	// Verdict is one of the verdicts above: "taken", "later" (it fits, another stands before it), or why it is left.
	Verdict  string `json:"verdict"`
	Priority int64  `json:"priority"`
	FeeMinor int64  `json:"fee_minor"`
	GoodPPM  int64  `json:"good_ppm"`
	MeanMS   int64  `json:"mean_ms,omitempty"`
	// AgainS is in how many seconds the verdict may change by itself; zero: it does not.
	AgainS int64 `json:"again_s,omitempty"`
}

// Decision is a routing decision as it is stored with the attempt.
type Decision struct {
	// Channel is empty if none fits.
	Channel string `json:"channel"`
	// Permanent says that no channel takes such an order even if all were enabled: waiting does not help.
	Permanent bool `json:"permanent,omitempty"`
	// AgainS is in how many seconds a channel may take the order without anybody changing anything; zero: in none.
	AgainS int64 `json:"again_s,omitempty"`
	// Considered are all channels, the best first.
	Considered []Considered `json:"considered"`
}

// Waits says whether the order waits for something that passes in moments: a breaker or the pace.
func (d *Decision) Waits() bool {
	return d.Channel == "" && slices.ContainsFunc(d.Considered, func(c Considered) bool {
		return c.AgainS > 0 && (c.Verdict == RouteBreaker || c.Verdict == RoutePaced)
	})
}

// Route takes the best channel that fits. Channels are compared by priority, then by the fee of this order, then by
// health in classes (bad calls in steps of 5 %, then mean time), and at last by name, so that the same facts give the
// same decision in whatever order they are listed.
func Route(ask Ask, rules []Rule) Decision {
	ordered := slices.Clone(rules)
	slices.SortFunc(ordered, func(a, b Rule) int { return before(ask, &a, &b) })
	d := Decision{Permanent: true, Considered: make([]Considered, 0, len(ordered))}
	for i := range ordered {
		r := &ordered[i]
		verdict, again := fits(ask, r)
		switch {
		case verdict == "" && d.Channel == "":
			d.Channel, verdict = r.Channel, RouteTaken
		case verdict == "":
			verdict = RouteLater
		}
		c := Considered{
			Channel: r.Channel, Verdict: verdict, Priority: r.Priority, FeeMinor: r.Terms.Fee.Of(ask.AmountMinor),
			GoodPPM: r.Health.GoodPPM(), MeanMS: r.Health.Mean.Milliseconds(), AgainS: seconds(again),
		}
		d.Permanent = d.Permanent && slices.Contains(forever, verdict)
		if c.AgainS > 0 && (d.AgainS == 0 || c.AgainS < d.AgainS) {
			d.AgainS = c.AgainS
		}
		d.Considered = append(d.Considered, c)
	}
	if d.Channel != "" {
		d.AgainS = 0
	}
	return d
}

func before(ask Ask, a, b *Rule) int {
	badA, lateA := a.Health.class()
	badB, lateB := b.Health.class()
	return cmp.Or(
		cmp.Compare(a.Priority, b.Priority),
		cmp.Compare(a.Terms.Fee.Of(ask.AmountMinor), b.Terms.Fee.Of(ask.AmountMinor)),
		cmp.Compare(badA, badB), cmp.Compare(lateA, lateB), cmp.Compare(a.Channel, b.Channel),
	)
}

// fits answers why a channel is left and in how long that may change by itself, or nothing. What can change is looked at
// last, so that a decision says whether waiting could help.
func fits(ask Ask, r *Rule) (string, time.Duration) {
	switch {
	case slices.Contains(ask.Tried, r.Channel):
		return RouteTried, 0
	case !slices.Contains(r.Kinds, ask.Kind):
		return RouteKind, 0
	case ask.AmountMinor < r.MinMinor:
		return RouteBelowMinimum, 0
	case r.MaxMinor > 0 && ask.AmountMinor > r.MaxMinor:
		return RouteAboveMaximum, 0
	case r.DailyMinor > 0 && ask.AmountMinor > r.DailyMinor:
		return RouteAboveDailyLimit, 0
	case !r.Enabled:
		return RouteDisabled, 0
	case r.Draining:
		return RouteDraining, 0
	}
	return fitsNow(ask, r)
}

// fitsNow looks at what passes.
func fitsNow(ask Ask, r *Rule) (string, time.Duration) {
	switch {
	case r.Shut && r.ShutFor == 0:
		return RouteBreaker, 0
	case !r.Terms.Hours.Open(ask.Minute):
		return RouteOutsideHours, time.Duration(r.Terms.Hours.Until(ask.Minute)) * time.Minute
	case r.DailyMinor > 0 && r.UsedMinor > r.DailyMinor-ask.AmountMinor:
		return RouteDailyLimit, time.Duration(MinutesOfDay-ask.Minute) * time.Minute
	case r.Shut:
		return RouteBreaker, r.ShutFor
	case r.Paced:
		return RoutePaced, time.Second
	}
	return "", 0
}

// seconds rounds up, so that what passes is never asked for too early.
func seconds(d time.Duration) int64 { return int64((d + time.Second - 1) / time.Second) }

// Patience answers how long an order that failed for good at one channel waits for another that cannot take it at the
// moment, before its failure stands. A borrower who asked to pay is told soon; nobody is debited hours after he asked.
func Patience(k Kind) time.Duration {
	if k == Repayment {
		return 10 * time.Minute
	}
	return 24 * time.Hour
}
