package money

import "math/bits"

// Sum adds products of 64-bit numbers exactly in 128 bits, to be divided once at the end: amounts x days over several
// stretches of time have one common divisor, so the whole is rounded once. All parts are non-negative. The zero value
// is an empty sum. An overflow is remembered and reported by Over.
type Sum struct {
	Hi, Lo uint64
	lost   bool
}

// Add adds a x b. A negative factor is reported by Over.
func (s *Sum) Add(a, b int64) {
	if a < 0 || b < 0 {
		s.lost = true
		return
	}
	hi, lo := bits.Mul64(uint64(a), uint64(b))
	s.add(hi, lo)
}

// Add3 adds a x b x c.
func (s *Sum) Add3(a, b, c int64) {
	if a < 0 || b < 0 || c < 0 {
		s.lost = true
		return
	}
	hi, lo := bits.Mul64(uint64(a), uint64(b))
	s.addTimes(hi, lo, uint64(c))
}

// AddSum adds another sum n times.
func (s *Sum) AddSum(o Sum, n int64) {
	if n < 0 || o.lost {
		s.lost = true
		return
	}
	s.addTimes(o.Hi, o.Lo, uint64(n))
}

func (s *Sum) addTimes(hi, lo, times uint64) {
	over, top := bits.Mul64(hi, times)
	carry, low := bits.Mul64(lo, times)
	top, c := bits.Add64(top, carry, 0)
	if over != 0 || c != 0 {
		s.lost = true
	}
	s.add(top, low)
}

func (s *Sum) add(hi, lo uint64) {
	var carry uint64
	s.Lo, carry = bits.Add64(s.Lo, lo, 0)
	s.Hi, carry = bits.Add64(s.Hi, hi, carry)
	if carry != 0 {
		s.lost = true
	}
}

// Less compares two sums.
func (s Sum) Less(o Sum) bool {
	return s.Hi < o.Hi || (s.Hi == o.Hi && s.Lo < o.Lo)
}

// Minus is the difference, zero if o is larger.
func (s Sum) Minus(o Sum) Sum {
	if s.Less(o) {
		return Sum{lost: s.lost || o.lost}
	}
	lo, borrow := bits.Sub64(s.Lo, o.Lo, 0)
	hi, _ := bits.Sub64(s.Hi, o.Hi, borrow)
	return Sum{Hi: hi, Lo: lo, lost: s.lost || o.lost}
}

// IsZero says that nothing was added.
func (s Sum) IsZero() bool { return s.Hi == 0 && s.Lo == 0 && !s.lost }

// Share is s x part / whole, rounded down, with part <= whole. Used to cut a total down to what is allowed, in
// proportion.
func (s Sum) Share(part, whole Sum) Sum {
	if !part.Less(whole) {
		return s
	}
	for whole.Hi != 0 || whole.Lo > 1<<62 { // keep the leading 62 bits of the ratio
		part, whole = part.half(), whole.half()
	}
	if whole.Lo == 0 {
		return Sum{}
	}
	top, rest := bits.Div64(0, s.Hi, whole.Lo)
	upper := Sum{}
	upper.addTimes(0, top, part.Lo)
	// (rest:Lo) x part / whole: the quotient first, then its own remainder.
	quotient, left := bits.Div64(rest, s.Lo, whole.Lo)
	low := Sum{}
	low.addTimes(0, quotient, part.Lo)
	hi, lo := bits.Mul64(left, part.Lo)
	small, _ := bits.Div64(hi%whole.Lo, lo, whole.Lo)
	low.add(0, small)
	result := Sum{Hi: upper.Lo}
	result.add(low.Hi, low.Lo)
	return result
}

func (s Sum) half() Sum { return Sum{Hi: s.Hi >> 1, Lo: s.Lo>>1 | s.Hi<<63} }

// Over divides by den and rounds. ErrOverflow if anything on the way did not fit.
func (s Sum) Over(den int64, mode Rounding) (Amount, error) {
	if s.lost || den <= 0 {
		return 0, ErrOverflow
	}
	return divide(s.Hi, s.Lo, uint64(den), false, mode)
}

// Whole is the sum with the flag of loss; it is for storing. Lost sums cannot be stored.
func (s Sum) Whole() (hi, lo uint64, err error) {
	if s.lost {
		return 0, 0, ErrOverflow
	}
	return s.Hi, s.Lo, nil
}
