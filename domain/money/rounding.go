package money

import (
	"fmt"
	"math"
	"math/bits"
)

// Rounding says what a division does with its remainder.
type Rounding uint8

// The ways of rounding. The zero value is HalfUp.
const (
	HalfUp Rounding = iota
	HalfEven
	Down
	Up
)

var roundingNames = [...]string{HalfUp: "half_up", HalfEven: "half_even", Down: "down", Up: "up"}

// String is the name used in terms and configuration.
func (r Rounding) String() string {
	if int(r) < len(roundingNames) {
		return roundingNames[r]
	}
	return fmt.Sprintf("rounding(%d)", uint8(r))
}

// ParseRounding reads a name.
func ParseRounding(name string) (Rounding, error) {
	for i, n := range roundingNames {
		if n == name {
			return Rounding(i), nil
		}
	}
	return 0, fmt.Errorf("money: unknown rounding %q", name)
}

// MarshalText writes the name.
func (r Rounding) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText reads the name.
func (r *Rounding) UnmarshalText(text []byte) error {
	parsed, err := ParseRounding(string(text))
	if err != nil {
		return err
	}
	*r = parsed
	return nil
}

// MulDiv is a x num / den with a 128-bit product. den must be positive.
func MulDiv(a Amount, num, den int64, mode Rounding) (Amount, error) {
	if den <= 0 {
		return 0, ErrOverflow
	}
	negative := (a < 0) != (num < 0)
	hi, lo := bits.Mul64(magnitude(int64(a)), magnitude(num))
	return divide(hi, lo, uint64(den), negative, mode)
}

// magnitude is |n|, right also for the smallest int64.
func magnitude(n int64) uint64 {
	if n < 0 {
		return -uint64(n)
	}
	return uint64(n)
}

// divide rounds hi:lo / den and gives it its sign.
func divide(hi, lo, den uint64, negative bool, mode Rounding) (Amount, error) {
	if hi >= den {
		return 0, ErrOverflow
	}
	quotient, rest := bits.Div64(hi, lo, den)
	if roundsAway(quotient, rest, den, mode) {
		quotient++
	}
	if quotient > math.MaxInt64 {
		return 0, ErrOverflow
	}
	if negative {
		return -Amount(quotient), nil
	}
	return Amount(quotient), nil
}

// roundsAway says whether the quotient's magnitude grows by one.
func roundsAway(quotient, rest, den uint64, mode Rounding) bool {
	if rest == 0 {
		return false
	}
	twice := den - rest // compare rest with den-rest: no doubling that could overflow
	switch mode {
	case Down:
		return false
	case Up:
		return true
	case HalfEven:
		return rest > twice || (rest == twice && quotient&1 == 1)
	case HalfUp:
		return rest >= twice
	default:
		return rest >= twice
	}
}
