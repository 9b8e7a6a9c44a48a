package ledger

// The postings of payment's journal (P). Each answers the entries of one event; amounts are positive.

// PayoutSent posts that money left through a channel to the borrower (a disbursement or one paid again).
func PayoutSent(channel string, amountMinor int64) []Entry {
	return Move(ClearingAccount, InTransit(channel), amountMinor)
}

// PayoutReturned posts that a payout came back after success (退票).
func PayoutReturned(channel string, amountMinor int64) []Entry {
	return Move(InTransit(channel), ClearingAccount, amountMinor)
}

// CollectionReceived posts that money of a borrower arrived at a channel; gross, before the channel's fee.
func CollectionReceived(channel string, grossMinor int64) []Entry {
	return Move(InTransit(channel), ClearingAccount, grossMinor)
}

// RefundSent posts that a refund left through a channel.
func RefundSent(channel string, amountMinor int64) []Entry {
	return Move(ClearingAccount, InTransit(channel), amountMinor)
}

// RefundReturned posts that a refund came back.
func RefundReturned(channel string, amountMinor int64) []Entry {
	return Move(InTransit(channel), ClearingAccount, amountMinor)
}

// ChargedBack posts that a collection was taken back by the payer's bank.
func ChargedBack(channel string, amountMinor int64) []Entry {
	return Move(ClearingAccount, InTransit(channel), amountMinor)
}

// MoneyOutSettled posts that the channel's file settles money that left: it was taken from bank or custody (account), its fee
// from the bank.
func MoneyOutSettled(channel, account string, amountMinor, feeMinor int64) []Entry {
	return Join(Move(InTransit(channel), account, amountMinor), Move(ChannelFees, Bank, feeMinor))
}

// MoneyInSettled posts that the channel's file settles money that came in: net to bank or custody, the fee to expense.
func MoneyInSettled(channel, account string, grossMinor, feeMinor int64) []Entry {
	return Join(Move(account, InTransit(channel), grossMinor-feeMinor), Move(ChannelFees, InTransit(channel), feeMinor))
}

// MoneyInUnidentified posts that the channel's file shows money that nobody is known for.
func MoneyInUnidentified(channel string, amountMinor int64) []Entry {
	return Move(InTransit(channel), Unidentified, amountMinor)
}

// MoneyInOursOnly posts that we booked a collection that the channel does not have.
func MoneyInOursOnly(channel string, amountMinor int64) []Entry {
	return Move(Recoverable, InTransit(channel), amountMinor)
}

// MoneyOutChannelOnly posts that the channel paid out what we did not order, or ordered once: possible double payment.
func MoneyOutChannelOnly(channel string, amountMinor int64) []Entry {
	return Move(Recoverable, InTransit(channel), amountMinor)
}

// RecoverableCame posts that money for a recoverable arrived at a channel.
func RecoverableCame(channel string, amountMinor int64) []Entry {
	return Move(InTransit(channel), Recoverable, amountMinor)
}

// RecoverableNeverPaid posts that the borrower never paid what was booked; the claim goes back through clearing.
func RecoverableNeverPaid(amountMinor int64) []Entry {
	return Move(ClearingAccount, Recoverable, amountMinor)
}

// RecoverableLost posts that a recoverable is given up, by approval of two.
func RecoverableLost(amountMinor int64) []Entry {
	return Move(RecoverableLoss, Recoverable, amountMinor)
}

// UnidentifiedSentBack posts that money nobody claimed goes back through its channel.
func UnidentifiedSentBack(channel string, amountMinor int64) []Entry {
	return Move(Unidentified, InTransit(channel), amountMinor)
}
