package invariant

import (
	"fmt"
	"math/big"
)

// rounding is what a division does with its rest.
type rounding string

// round makes a whole number of a fraction.
func (r rounding) round(x *big.Rat) int64 {
	quotient, rest := new(big.Int).DivMod(x.Num(), x.Denom(), new(big.Int)) // the rest is never negative
	up := false
	switch half := rest.Lsh(rest, 1).Cmp(x.Denom()); r {
	case "down":
	case "up":
		up = rest.Sign() > 0
	case "half_even":
		up = half > 0 || (half == 0 && quotient.Bit(0) == 1)
	default:
		up = half >= 0
	}
	n := quotient.Int64()
	if up {
		n++
	}
	return n
}

func (r rounding) check() error {
	switch r {
	case "half_up", "half_even", "down", "up":
		return nil
	}
	return fmt.Errorf("this audit does not know the rounding %q", string(r))
}

// share is amount x num / den, rounded.
func (r rounding) share(amount, num, den int64) int64 {
	return r.round(new(big.Rat).SetFrac(new(big.Int).Mul(big.NewInt(amount), big.NewInt(num)), big.NewInt(den)))
}
