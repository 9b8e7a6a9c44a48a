package payment

import "github.com/hengdai/hengdai/domain/ledger"

// Entries answers what the cash journal books for an order, and under which name. Nothing is booked for BookNothing.
func Entries(k Kind, b Booking, channel string, amountMinor int64) (event string, entries []ledger.Entry) {
	switch b {
	case BookMove:
		return move(k, channel, amountMinor)
	case BookBack:
		return back(k, channel, amountMinor)
	case BookRecoverable:
		return "recoverable", ledger.MoneyOutChannelOnly(channel, amountMinor)
	case BookFromRecoverable:
		return "recoverable.paid", ledger.RecoverableNeverPaid(amountMinor)
	case BookNothing:
	}
	return "", nil
}

func move(k Kind, channel string, amountMinor int64) (string, []ledger.Entry) {
	switch k {
	case Disbursement:
		return "payout", ledger.PayoutSent(channel, amountMinor)
	case Refund:
		return "refund", ledger.RefundSent(channel, amountMinor)
	case Debit, Repayment:
		return "collected", ledger.CollectionReceived(channel, amountMinor)
	}
	return "", nil
}

func back(k Kind, channel string, amountMinor int64) (string, []ledger.Entry) {
	switch k {
	case Disbursement:
		return "payout.returned", ledger.PayoutReturned(channel, amountMinor)
	case Refund:
		return "refund.returned", ledger.RefundReturned(channel, amountMinor)
	case Debit, Repayment:
		return "charged_back", ledger.ChargedBack(channel, amountMinor)
	}
	return "", nil
}
