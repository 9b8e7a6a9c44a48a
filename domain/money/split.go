package money

// Remainder says who gets what is left when an amount is split by weights and each share is rounded down.
type Remainder uint8

// First gives the remainder to the first share (the lead lender), Last to the last (the last instalment).
const (
	First Remainder = iota
	Last
)

// Split divides a non-negative amount by weights. The shares add up to the amount exactly. Weights are not negative
// and not all zero, else ErrOverflow.
func Split(a Amount, weights []int64, rest Remainder) ([]Amount, error) {
	var total int64
	for _, w := range weights {
		if w < 0 || total+w < total {
			return nil, ErrOverflow
		}
		total += w
	}
	if total == 0 || a < 0 {
		return nil, ErrOverflow
	}
	shares := make([]Amount, len(weights))
	left := a
	for i, w := range weights {
		share, err := MulDiv(a, w, total, Down)
		if err != nil {
			return nil, err
		}
		shares[i] = share
		left -= share
	}
	at := 0
	if rest == Last {
		at = len(shares) - 1
	}
	shares[at] += left
	return shares, nil
}
