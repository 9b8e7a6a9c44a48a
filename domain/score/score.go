package score

import (
	"math"
	"slices"
)

// Input is one characteristic that a card reads.
type Input struct {
	Name string
	// Number tells a number from a code.
	Number bool
	Reason Reason
	// Codes lists the codes that the card knows, in the order of its bins.
	Codes []string
}

// Value is what a person stated for one characteristic.
type Value struct {
	Code   string
	Number int64
	// Given is false when the person stated nothing.
	Given bool
}

// Result is the score of one person.
type Result struct {
	Points int
	// LogOdds of being good.
	LogOdds float64
	// Probability of default under the card's assumed base rate.
	Probability float64
	// Parts lists what each characteristic gave, in the card's order.
	Parts []Part
}

// Part is what one characteristic gave.
type Part struct {
	Name   string
	Points int
	// Lost is how many points the best bin would have given more.
	Lost int
	// Missing tells that nothing was stated, or a code that the card does not know.
	Missing bool
	Reason  Reason
}

// Name of the card.
func (c *Card) Name() string { return c.file.Name }

// Calibration of the card's probability.
func (c *Card) Calibration() Calibration { return c.file.Calibration }

// Inputs lists what the card reads; Score takes the values in this order.
func (c *Card) Inputs() []Input {
	inputs := make([]Input, len(c.file.Characteristics))
	for i, one := range c.file.Characteristics {
		inputs[i] = Input{Name: one.Name, Number: one.Kind == kindNumber, Reason: one.Reason}
		for _, b := range one.Bins {
			inputs[i].Codes = append(inputs[i].Codes, b.Codes...)
		}
	}
	return inputs
}

// Range tells the fewest and the most points the card can give to a person who states everything.
func (c *Card) Range() (least, most int) {
	for i, one := range c.file.Characteristics {
		worst := one.Bins[0].Points
		for _, b := range one.Bins {
			worst = min(worst, b.Points)
		}
		least += worst
		most += c.best[i]
	}
	return least, most
}

// PointsAt tells the points that stand for a probability of default, rounded to the nearest.
func (c *Card) PointsAt(probability float64) int {
	s := c.file.Scaling
	odds := (1 - probability) / probability
	return int(math.Round(float64(s.BaseScore) + float64(s.PDO)/math.Ln2*math.Log(odds/s.BaseOdds)))
}

// Score adds up the points of values given in the order of Inputs; a value too few is missing.
func (c *Card) Score(values []Value) Result {
	result := Result{LogOdds: c.file.Intercept, Parts: make([]Part, len(c.file.Characteristics))}
	for i := range c.file.Characteristics {
		one := &c.file.Characteristics[i]
		var value Value
		if i < len(values) {
			value = values[i]
		}
		b, missing := c.find(i, value)
		result.Points += b.Points
		// The conversion keeps the product from being fused into the sum, so every machine gives the same bits.
		result.LogOdds += float64(one.Weight * b.WOE)
		result.Parts[i] = Part{Name: one.Name, Points: b.Points, Lost: max(0, c.best[i]-b.Points), Missing: missing, Reason: one.Reason}
	}
	result.Probability = 1 / (1 + math.Exp(result.LogOdds))
	return result
}

func (c *Card) find(i int, value Value) (*bin, bool) {
	one := &c.file.Characteristics[i]
	if !value.Given {
		return &one.Missing, true
	}
	if one.Kind == kindCode {
		at, known := c.index[i][value.Code]
		if !known {
			return &one.Missing, true
		}
		return &one.Bins[at], false
	}
	for j := range one.Bins {
		if below := one.Bins[j].Below; below == nil || value.Number < *below {
			return &one.Bins[j], false
		}
	}
	return &one.Missing, true
}

// Lost lists the characteristics that cost points, the dearest first; equal ones keep the card's order.
func (r Result) Lost() []Part {
	var lost []Part
	for _, part := range r.Parts {
		if part.Lost > 0 {
			lost = append(lost, part)
		}
	}
	slices.SortStableFunc(lost, func(a, b Part) int { return b.Lost - a.Lost })
	return lost
}
