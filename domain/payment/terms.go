package payment

import (
	"fmt"

	"github.com/hengdai/hengdai/domain/money"
)

// MinutesOfDay is how many minutes a day of the lender's calendar has; there is no summer time.
const MinutesOfDay = 24 * 60

// Fee is what a channel takes for one order: a fixed part and a share of the amount, within bounds.
type Fee struct {
	FixedMinor int64 `json:"fixed_minor,omitempty"`
	// PPM is the share of the amount in millionths.
	PPM int64 `json:"ppm,omitempty"`
	// LeastMinor and MostMinor bound the whole fee; a zero most is no bound.
	LeastMinor int64 `json:"least_minor,omitempty"`
	MostMinor  int64 `json:"most_minor,omitempty"`
}

// Of answers the fee of an amount. The share is rounded half up to the cent. What cannot be computed is the dearest.
func (f Fee) Of(amountMinor int64) int64 {
	share, err := money.MulDiv(money.Amount(amountMinor), f.PPM, money.Million, money.HalfUp)
	fee := int64(share) + f.FixedMinor
	if err != nil || fee < int64(share) {
		return 1<<63 - 1
	}
	fee = max(fee, f.LeastMinor)
	if f.MostMinor > 0 {
		fee = min(fee, f.MostMinor)
	}
	return fee
}

// Hours are when a channel takes orders, as minutes of the day in China: from Opens on, until before Closes. Two equal
// values are the whole day; Closes before Opens spans midnight.
type Hours struct {
	Opens  int64 `json:"opens,omitempty"`
	Closes int64 `json:"closes,omitempty"`
}

// Open says whether orders are taken at a minute of the day.
func (h Hours) Open(minute int64) bool {
	switch {
	case h.Opens == h.Closes:
		return true
	case h.Opens < h.Closes:
		return h.Opens <= minute && minute < h.Closes
	}
	return minute >= h.Opens || minute < h.Closes
}

// Until answers in how many minutes they open; zero if they are open.
func (h Hours) Until(minute int64) int64 {
	if h.Open(minute) {
		return 0
	}
	return (h.Opens - minute + MinutesOfDay) % MinutesOfDay
}

// Terms are what a channel asks of one kind of order.
type Terms struct {
	Fee   Fee   `json:"fee"`
	Hours Hours `json:"hours"`
}

// Check refuses terms that contradict themselves.
func (t Terms) Check() error {
	f, h := t.Fee, t.Hours
	switch {
	case f.FixedMinor < 0 || f.PPM < 0 || f.PPM > money.Million || f.LeastMinor < 0 || f.MostMinor < 0:
		return fmt.Errorf("payment: a part of the fee is negative or above the whole amount")
	case f.MostMinor > 0 && f.MostMinor < f.LeastMinor:
		return fmt.Errorf("payment: the largest fee is below the smallest")
	case h.Opens < 0 || h.Opens >= MinutesOfDay || h.Closes < 0 || h.Closes > MinutesOfDay:
		return fmt.Errorf("payment: the hours are not minutes of a day")
	}
	return nil
}
