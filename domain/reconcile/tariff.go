package reconcile

// Tariff is what a channel's contract says of fees.
type Tariff struct {
	// OutMinor is the fee of money out, an amount each.
	OutMinor int64
	// InPPM is the part of money in, in millionths, rounded half up to the fen; InMinMinor is its least.
	InPPM      int64
	InMinMinor int64
}

// Known says whether there is a tariff at all.
func (t Tariff) Known() bool { return t != Tariff{} }

// Fee is the fee of a transaction.
func (t Tariff) Fee(k Kind, amountMinor int64) int64 {
	const million = 1_000_000
	switch {
	case k.Back():
		return 0
	case !k.In():
		return t.OutMinor
	}
	whole, rest := amountMinor/million, amountMinor%million
	return max(t.InMinMinor, whole*t.InPPM+(rest*t.InPPM+million/2)/million)
}
