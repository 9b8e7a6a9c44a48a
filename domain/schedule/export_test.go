package schedule

import "math/big"

// ExactInstalment is the instalment as a fraction, for tests.
func ExactInstalment(p *Plan) *big.Rat {
	v, sum := big.NewRat(1, 1), new(big.Rat)
	for k := range p.Rows {
		v.Mul(v, big.NewRat(p.divisor, p.divisor+p.rowFactor(k)))
		sum.Add(sum, v)
	}
	return sum.Quo(big.NewRat(int64(p.Terms.Principal), 1), sum)
}
