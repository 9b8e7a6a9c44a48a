package money

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Amount is a sum in the currency's minor unit. It may be negative.
type Amount int64

// MaxAmount bounds every amount that enters from outside, so that sums of many stay far from the end of int64.
const MaxAmount Amount = 1_000_000_000_000_000

// Currency is an ISO 4217 code with the number of its decimals.
type Currency struct {
	Code     string
	Decimals int
}

// CNY is the renminbi yuan; its minor unit is the fen.
var CNY = Currency{Code: "CNY", Decimals: 2}

// ErrOverflow says that a result does not fit 64 bits or that a divisor is not positive.
var ErrOverflow = errors.New("money: result out of range")

// ErrSyntax says that a text is not a decimal amount of the currency.
var ErrSyntax = errors.New("money: not an amount")

// Format writes the amount as a decimal with the currency's decimals: 123456 fen is "1234.56".
func (c Currency) Format(a Amount) string {
	if c.Decimals == 0 {
		return strconv.FormatInt(int64(a), 10)
	}
	sign := ""
	n := uint64(a)
	if a < 0 {
		sign, n = "-", -n
	}
	digits := strconv.FormatUint(n, 10)
	for len(digits) <= c.Decimals {
		digits = "0" + digits
	}
	cut := len(digits) - c.Decimals
	return sign + digits[:cut] + "." + digits[cut:]
}

// Parse reads a decimal amount. A fraction of a minor unit is refused, not rounded.
func (c Currency) Parse(text string) (Amount, error) {
	body, negative := strings.CutPrefix(text, "-")
	whole, fraction, _ := strings.Cut(body, ".")
	if whole == "" || len(fraction) > c.Decimals || strings.HasSuffix(body, ".") {
		return 0, fmt.Errorf("%w: %q", ErrSyntax, text)
	}
	digits := whole + fraction + strings.Repeat("0", c.Decimals-len(fraction))
	for _, d := range digits {
		if d < '0' || d > '9' {
			return 0, fmt.Errorf("%w: %q", ErrSyntax, text)
		}
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || n == math.MaxInt64 {
		return 0, fmt.Errorf("%w: %q is too large", ErrSyntax, text)
	}
	if negative {
		n = -n
	}
	return Amount(n), nil
}
