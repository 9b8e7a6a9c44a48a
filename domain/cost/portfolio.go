package cost

import "github.com/hengdai/hengdai/domain/money"

// Weighted is a new loan of a quarter for the average cost of the portfolio (compliance.md R8).
type Weighted struct {
	Principal money.Amount
	Simple    float64
}

// Average is the volume-weighted cost of new loans; zero for none.
func Average(loans []Weighted) float64 {
	var volume, sum float64
	for _, l := range loans {
		volume += float64(l.Principal)
		sum += float64(l.Principal) * l.Simple
	}
	if volume == 0 {
		return 0
	}
	return sum / volume
}
