package cost

import (
	"errors"
	"math"
)

// Flow is a sum at a time, in periods or years.
type Flow struct {
	At     float64
	Amount float64
}

// ErrNoRate says that the flows have no rate: all of one sign, none, or not finite.
var ErrNoRate = errors.New("cost: the flows have no rate of return")

// ErrManyRates says that several rates solve the flows, so that none means anything.
var ErrManyRates = errors.New("cost: several rates solve these flows")

// Rate is the r with sum of flow / (1+r)^t = 0. Flows are in order of time.
func Rate(flows []Flow) (float64, error) {
	changes, err := signChanges(flows)
	if err != nil {
		return 0, err
	}
	if changes == 1 {
		x, err := root(flows, 0)
		if err != nil {
			return 0, err
		}
		return math.Expm1(x), nil
	}
	return onlyRoot(flows)
}

// signChanges counts them in order of time.
func signChanges(flows []Flow) (int, error) {
	changes, last := 0, 0.0
	for i, f := range flows {
		if math.IsNaN(f.Amount) || math.IsInf(f.Amount, 0) || math.IsNaN(f.At) || math.IsInf(f.At, 0) {
			return 0, ErrNoRate
		}
		if i > 0 && f.At < flows[i-1].At {
			return 0, ErrNoRate
		}
		if f.Amount == 0 {
			continue
		}
		if last != 0 && (f.Amount > 0) != (last > 0) {
			changes++
		}
		last = f.Amount
	}
	if changes == 0 {
		return 0, ErrNoRate
	}
	return changes, nil
}

// present is the value of the flows at the growth rate x = ln(1+r), and its slope. The first flow's time is the origin.
func present(flows []Flow, x float64) (value, slope float64) {
	origin := flows[0].At
	for _, f := range flows {
		t := f.At - origin
		v := f.Amount * math.Exp(-x*t)
		value += v
		slope -= t * v
	}
	return value, slope
}

// Bounds of the growth rate that is looked for, per period or year: e^-30 to e^30.
const bound = 30.0

// root finds the zero near a start: Newton's steps, kept inside a bracket.
func root(flows []Flow, start float64) (float64, error) {
	low, high, err := bracket(flows, start)
	if err != nil {
		return 0, err
	}
	x := start
	atLow, _ := present(flows, low)
	for range 200 {
		if x <= low || x >= high {
			x = (low + high) / 2
		}
		value, slope := present(flows, x)
		if value == 0 || high-low < 1e-16 {
			return x, nil
		}
		if (value > 0) == (atLow > 0) {
			low = x
		} else {
			high = x
		}
		next := x - value/slope
		if math.Abs(next-x) <= 1e-16*math.Max(1, math.Abs(x)) {
			return next, nil
		}
		x = next
	}
	return x, nil
}

// bracket finds two points with values of different sign around a start.
func bracket(flows []Flow, start float64) (low, high float64, err error) {
	for width := 1e-3; width <= bound; width *= 4 {
		low, high = start-width, start+width
		a, _ := present(flows, low)
		b, _ := present(flows, high)
		if (a > 0) != (b > 0) {
			return low, high, nil
		}
	}
	return 0, 0, ErrNoRate
}

// onlyRoot looks for all zeros on a fine grid and answers the one, if there is one only.
func onlyRoot(flows []Flow) (float64, error) {
	const steps = 6000
	var found []float64
	before, _ := present(flows, -5)
	for i := 1; i <= steps; i++ {
		x := -5 + 10*float64(i)/steps
		value, _ := present(flows, x)
		if (value > 0) != (before > 0) {
			r, err := bisect(flows, x-10.0/steps, x)
			if err != nil {
				return 0, err
			}
			found = append(found, r)
		}
		before = value
	}
	switch len(found) {
	case 0:
		return 0, ErrNoRate
	case 1:
		return math.Expm1(found[0]), nil
	default:
		return 0, ErrManyRates
	}
}

func bisect(flows []Flow, low, high float64) (float64, error) {
	atLow, _ := present(flows, low)
	for range 200 {
		middle := (low + high) / 2
		value, _ := present(flows, middle)
		if (value > 0) == (atLow > 0) {
			low = middle
		} else {
			high = middle
		}
	}
	return (low + high) / 2, nil
}
