// Package money holds amounts and rates exactly.
//
// An Amount is a whole number of the currency's minor unit (fen, cent). There is no float. A rate is a fraction of two
// whole numbers. Products are formed in 128 bits (math/bits), so that amount x rate x days never overflows before it
// is divided, and every division names its rounding:
//
//	half_up    ties away from zero, the habit of Chinese lenders (compliance.md R60)
//	half_even  ties to the even neighbour
//	down       towards zero
//	up         away from zero
//
// A division whose answer does not fit 64 bits is ErrOverflow, never a wrong number.
package money
