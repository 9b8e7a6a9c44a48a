package money

// Rate is a fraction, for example 24 % a year = 240000/1000000. Den is positive.
type Rate struct {
	Num, Den int64
}

// Million is the denominator of rates in parts per million.
const Million = 1_000_000

// PPM is a rate in parts per million.
func PPM(n int64) Rate { return Rate{Num: n, Den: Million} }

// Within splits a price that includes a tax of this rate: the tax in it is a x rate / (1 + rate).
func (r Rate) Within(a Amount, mode Rounding) (Amount, error) {
	return MulDiv(a, r.Num, r.Den+r.Num, mode)
}
