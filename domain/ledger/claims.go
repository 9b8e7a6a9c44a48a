package ledger

// The postings of loan's journal (L) whose amounts an order states. What a loan's own arithmetic moves (accrual,
// allocation, tax, memo) is booked as the difference of two positions, see domain/loan.

// Disbursed posts that the payout succeeded, the borrower owes the principal.
func Disbursed(amountMinor int64) []Entry { return Move(Principal, ClearingAccount, amountMinor) }

// ReturnedToUs posts that the payout came back; what was paid out is payable again, the claim stays until it is cancelled.
func ReturnedToUs(amountMinor int64) []Entry {
	return Move(ClearingAccount, PayableReturned, amountMinor)
}

// PaidAgain posts that a returned payout was sent once more.
func PaidAgain(amountMinor int64) []Entry { return Move(PayableReturned, ClearingAccount, amountMinor) }

// ReturnCancelled posts that a returned loan is cancelled, claim and payable end together.
func ReturnCancelled(amountMinor int64) []Entry { return Move(PayableReturned, Principal, amountMinor) }

// Collected posts that money of the borrower arrived; it is unapplied until allocated.
func Collected(amountMinor int64) []Entry { return Move(ClearingAccount, Unapplied, amountMinor) }

// RefundOrdered posts that unapplied money is to go back to its source.
func RefundOrdered(amountMinor int64) []Entry { return Move(Unapplied, RefundPayable, amountMinor) }

// RefundRefused posts that a refund order ended without money leaving.
func RefundRefused(amountMinor int64) []Entry { return Move(RefundPayable, Unapplied, amountMinor) }

// Refunded posts that the refund left.
func Refunded(amountMinor int64) []Entry { return Move(RefundPayable, ClearingAccount, amountMinor) }

// RefundCameBack posts that a refund came back and is payable again.
func RefundCameBack(amountMinor int64) []Entry {
	return Move(ClearingAccount, RefundPayable, amountMinor)
}

// RepaymentChargedBack posts that money once collected was taken back, after its allocation was reversed.
func RepaymentChargedBack(amountMinor int64) []Entry {
	return Move(Unapplied, ClearingAccount, amountMinor)
}

// PayeeSettled posts that a payee or funder received his share.
func PayeeSettled(amountMinor int64) []Entry { return Move(PayeeShares, ClearingAccount, amountMinor) }

// CostsAdvanced posts that court costs were paid for the borrower's account.
func CostsAdvanced(amountMinor int64) []Entry {
	return Move(ReceivableCost, ClearingAccount, amountMinor)
}
