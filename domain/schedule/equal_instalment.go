package schedule

import (
	"math/big"
	"math/bits"

	"github.com/hengdai/hengdai/domain/money"
)

// fillEqualInstalment: one instalment for every row after the grace.
func fillEqualInstalment(p *Plan) error {
	grace := p.Terms.GracePrincipal
	balance := p.Terms.Principal
	instalment, err := p.instalment(grace)
	if err != nil {
		return err
	}
	last := len(p.Rows) - 1
	for k := range p.Rows {
		r := &p.Rows[k]
		r.Interest, err = p.interest(k, balance)
		if err != nil {
			return err
		}
		regular := r.Interest
		if k == 0 && p.extra() {
			regular, err = money.MulDiv(balance, p.regularFirst(), p.divisor, p.Terms.Rounding)
			if err != nil {
				return err
			}
		}
		switch {
		case k < grace:
		case k == last:
			r.Principal = balance
		case instalment < regular:
			return refuse("rate", "the interest of row %d (%d) is above the instalment (%d): the debt would grow", k+1, regular, instalment)
		default:
			r.Principal = min(instalment-regular, balance)
		}
		balance -= r.Principal
		r.Balance = balance
	}
	return nil
}

// extra says that the odd days of the first period are charged above the regular instalment.
func (p *Plan) extra() bool { return p.odd && p.Terms.FirstPeriod == Extra }

// regularFirst is the first row's factor as if its period had the regular length.
func (p *Plan) regularFirst() int64 {
	s := p.span(0)
	s.Odd = false
	t := p.Terms
	back := t
	back.FirstDueOn, back.DueDay = s.End, t.day()
	s.Start = back.dueOn(0)
	return t.RatePPM * t.DayCount.Part(t.Unit, s, s.End)
}

// rowFactor is the factor used for the instalment.
func (p *Plan) rowFactor(k int) int64 {
	if k == 0 && p.extra() {
		return p.regularFirst()
	}
	return p.factor(k)
}

// fixed is an unsigned number with pointBits bits after the point.
type fixed struct{ hi, lo uint64 }

// pointBits leaves 12 bits before the point: room for the sum of 1200 discount factors.
const pointBits = 116

// instalment is P / sum of the discount factors of the rows after the grace, rounded.
func (p *Plan) instalment(grace int) (money.Amount, error) {
	n := len(p.Rows)
	v := fixed{hi: 1 << (pointBits - 64)}
	var sum fixed
	for k := grace; k < n; k++ {
		f := uint64(p.rowFactor(k))
		v = v.minus(v.share(f, uint64(p.divisor)+f)) // v / (1 + f)
		sum = sum.plus(v)
	}
	unit := uint64(1)
	if p.Terms.MultipleOf > 0 {
		unit = uint64(p.Terms.MultipleOf)
	}
	// quotient and rest of P x 2^116 / (sum x unit); unit is divided into P's side by a larger divisor.
	quotient, rest, divisor, ok := divideFixed(uint64(p.Terms.Principal), sum, unit)
	if !ok {
		return 0, money.ErrOverflow
	}
	up, sure := roundsUp(rest, divisor, n)
	if !sure {
		up = p.exactRoundsUp(grace, quotient, unit)
	}
	if up {
		quotient++
	}
	return money.Amount(quotient * unit), nil
}

func (a fixed) plus(b fixed) fixed {
	lo, c := bits.Add64(a.lo, b.lo, 0)
	hi, _ := bits.Add64(a.hi, b.hi, c)
	return fixed{hi, lo}
}

func (a fixed) minus(b fixed) fixed {
	lo, c := bits.Sub64(a.lo, b.lo, 0)
	hi, _ := bits.Sub64(a.hi, b.hi, c)
	return fixed{hi, lo}
}

func (a fixed) less(b fixed) bool { return a.hi < b.hi || (a.hi == b.hi && a.lo < b.lo) }

// share is a x num / den rounded down, for num < den: a product of 192 bits, divided limb by limb.
func (a fixed) share(num, den uint64) fixed {
	lowHi, low := bits.Mul64(a.lo, num)
	top, middle := bits.Mul64(a.hi, num)
	middle, carry := bits.Add64(middle, lowHi, 0)
	top += carry
	hi, rest := bits.Div64(top%den, middle, den)
	lo, _ := bits.Div64(rest, low, den)
	return fixed{hi, lo}
}

// divideFixed is principal x 2^116 / (sum x unit) with its rest. A unit above one is used up by dividing sum's side:
// the divisor must fit 128 bits.
func divideFixed(principal uint64, sum fixed, unit uint64) (quotient uint64, rest, divisor fixed, ok bool) {
	over, hi := bits.Mul64(sum.hi, unit)
	carry, lo := bits.Mul64(sum.lo, unit)
	hi, c := bits.Add64(hi, carry, 0)
	if over != 0 || c != 0 || (hi == 0 && lo == 0) {
		return 0, fixed{}, fixed{}, false
	}
	divisor = fixed{hi, lo}
	// numerator: principal << 116, in three limbs n2 n1 n0.
	n2, n1, n0 := principal>>(128-pointBits), principal<<(pointBits-64), uint64(0)
	rest = fixed{}
	for bit := 191; bit >= 0; bit-- { // plain long division: at most 192 short steps, once a plan
		top := rest.hi >> 63
		rest = fixed{rest.hi<<1 | rest.lo>>63, rest.lo << 1}
		rest.lo |= limbBit(n2, n1, n0, bit)
		if quotient>>63 != 0 {
			return 0, fixed{}, fixed{}, false
		}
		quotient <<= 1
		if top != 0 || !rest.less(divisor) {
			rest = rest.minus(divisor)
			quotient |= 1
		}
	}
	return quotient, rest, divisor, true
}

func limbBit(n2, n1, n0 uint64, bit int) uint64 {
	switch {
	case bit >= 128:
		return n2 >> (bit - 128) & 1
	case bit >= 64:
		return n1 >> (bit - 64) & 1
	default:
		return n0 >> bit & 1
	}
}

// roundsUp compares twice the rest with the divisor (half up). It is not sure when the difference is within what the
// truncated discount factors may be wrong by.
func roundsUp(rest, divisor fixed, rows int) (up, sure bool) {
	other := divisor.minus(rest)
	gap := rest.minus(other)
	up = !rest.less(other)
	if !up {
		gap = other.minus(rest)
	}
	// Each factor is wrong by less than 2 x its number of divisions; times a quotient below 2^50.
	return up, gap.hi>>8 != 0 || uint64(rows) > MaxInstalments
}

// exactRoundsUp decides a near tie by whole numbers: is P x prod(D+f) x 2 >= (2q+1) x unit x sum of products?
func (p *Plan) exactRoundsUp(grace int, quotient, unit uint64) bool {
	d := big.NewInt(p.divisor)
	product := big.NewInt(1)                      // prod (D + f) over the rows done
	discount, power := new(big.Int), new(big.Int) // sum_k D^k prod_{j>k} (D + f_j)
	power.SetInt64(1)
	for k := grace; k < len(p.Rows); k++ {
		growth := new(big.Int).Add(d, big.NewInt(p.rowFactor(k)))
		discount.Mul(discount, growth)
		power.Mul(power, d)
		discount.Add(discount, power)
		product.Mul(product, growth)
	}
	left := new(big.Int).Mul(product, big.NewInt(2*int64(p.Terms.Principal)))
	right := new(big.Int).SetUint64(2*quotient + 1)
	right.Mul(right, new(big.Int).SetUint64(unit)).Mul(right, discount)
	order := left.Cmp(right)
	if order == 0 && p.Terms.Rounding == money.HalfEven {
		return quotient&1 == 1
	}
	return order >= 0
}
