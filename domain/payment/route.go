package payment

import "sort"

// Rule is what routing knows of one channel.
type Rule struct {
	Channel string
	// Priority: the lower is tried first; the name breaks ties, so that the same facts give the same decision.
	Priority int64
	Enabled  bool
	// Draining channels finish what they have and take nothing new.
	Draining bool
	Kinds    []Kind
	// MinMinor and MaxMinor bound a single order; a zero maximum is no bound.
	MinMinor int64
	MaxMinor int64
}

// Ask is what routing is asked.
type Ask struct {
	Kind        Kind
	AmountMinor int64
	// Tried are channels at which this order has failed for good.
	Tried []string
}

// Considered is one channel with why it was taken or left.
type Considered struct {
	Channel string `json:"channel"`
	// Verdict: "taken", "later", "tried", "disabled", "draining", "kind", "below_minimum", "above_maximum".
	Verdict string `json:"verdict"`
}

// Decision is a routing decision as it is stored with the attempt.
type Decision struct {
	// Channel is empty if none fits.
	Channel string `json:"channel"`
	// Permanent says that no channel takes such an order even if all were enabled: waiting does not help.
	Permanent  bool         `json:"permanent,omitempty"`
	Considered []Considered `json:"considered"`
}

// Route takes the fitting channel of the best priority.
func Route(ask Ask, rules []Rule) Decision {
	ordered := append([]Rule(nil), rules...)
	sort.Slice(ordered, func(i, j int) bool {
		if ordered[i].Priority != ordered[j].Priority {
			return ordered[i].Priority < ordered[j].Priority
		}
		return ordered[i].Channel < ordered[j].Channel
	})
	d := Decision{Permanent: true, Considered: make([]Considered, 0, len(ordered))}
	for i := range ordered {
		verdict := fits(ask, &ordered[i])
		switch {
		case verdict == "" && d.Channel == "":
			d.Channel, verdict = ordered[i].Channel, "taken"
		case verdict == "":
			verdict = "later"
		}
		if verdict == "taken" || verdict == "disabled" || verdict == "draining" {
			d.Permanent = false
		}
		d.Considered = append(d.Considered, Considered{Channel: ordered[i].Channel, Verdict: verdict})
	}
	return d
}

// fits answers why a channel is left, or nothing. What can change by itself is looked at last, so that a decision says
// whether waiting could help.
func fits(ask Ask, r *Rule) string {
	switch {
	case contains(ask.Tried, r.Channel):
		return "tried"
	case !contains(r.Kinds, ask.Kind):
		return "kind"
	case ask.AmountMinor < r.MinMinor:
		return "below_minimum"
	case r.MaxMinor > 0 && ask.AmountMinor > r.MaxMinor:
		return "above_maximum"
	case !r.Enabled:
		return "disabled"
	case r.Draining:
		return "draining"
	}
	return ""
}
