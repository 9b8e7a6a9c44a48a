package payment

// Booking names what the cash journal books.
type Booking string

// The bookings of an order.
const (
	BookNothing Booking = ""
	// BookMove books the order's own movement: a payout, a collection, a refund.
	BookMove Booking = "move"
	// BookBack books money that came back after success.
	BookBack Booking = "back"
	// BookRecoverable books money out that must not have gone out twice: it is to be got back.
	BookRecoverable Booking = "recoverable"
	// BookFromRecoverable books an order as paid by money that lay among the recoverables.
	BookFromRecoverable Booking = "from_recoverable"
)

// Case names what a person must look at.
type Case string

// The cases.
const (
	NoCase Case = ""
	// CaseContradicted: success after a failure that was final.
	CaseContradicted Case = "CONTRADICTED"
	// CaseAmount: the channel states another amount.
	CaseAmount Case = "AMOUNT"
	// CaseStatus: the channel says what cannot be, such as a failure after success.
	CaseStatus Case = "STATUS"
)

// News is what is known when an attempt of an order has moved.
type News struct {
	Kind  Kind
	Order OrderState
	From  AttemptState
	To    AttemptState
	// OthersSubmitted says that another attempt of the order ever left for a channel.
	OthersSubmitted bool
	// Elsewhere says that another channel could help after this failure.
	Elsewhere bool
	// Stopped says that no further attempt may be submitted for the order.
	Stopped bool
}

// Consequence is what follows for the order.
type Consequence struct {
	// Event moves the order; empty leaves its state.
	Event OrderEvent
	Book  Booking
	Case  Case
	// TryElsewhere asks for another channel; if there is none, the order fails.
	TryElsewhere bool
	// Stop forbids every further attempt.
	Stop bool
	// Tell says that the log tells an outcome, "PAID" or "RETURNED"; a refusal is told with the order's state.
	Tell OrderState
}

// Follow answers what follows for an order when one of its attempts has moved.
func Follow(n News) Consequence {
	if n.From == n.To {
		return Consequence{}
	}
	switch n.To {
	case Success:
		return succeeded(n)
	case Contradicted:
		c := succeeded(n)
		c.Case = CaseContradicted
		return c
	case FailedFinal:
		return failed(n)
	case Returned:
		return cameBack(n)
	case Prepared, Submitting, Processing, Unknown:
		return Consequence{}
	}
	return Consequence{}
}

// succeeded: the order becomes PAID if it still can. For money that reaches us once too often the amount is booked as
// collected and told, so that the excess goes back; for money that leaves us once too often it is a recoverable, and
// nothing more is sent.
func succeeded(n News) Consequence {
	open := n.Order == Sending || n.Order == Manual
	if open && (n.To == Success || !n.OthersSubmitted) {
		return Consequence{Event: OrderSucceed, Book: BookMove, Tell: Paid}
	}
	if n.Kind.Out() {
		return Consequence{Book: BookRecoverable, Case: CaseContradicted, Stop: true}
	}
	return Consequence{Book: BookMove, Case: CaseContradicted, Tell: Paid}
}

func failed(n News) Consequence {
	switch {
	case n.Order != Sending:
		return Consequence{} // people have it, or it ended: the evidence is kept
	case n.Stopped:
		return Consequence{Event: OrderGiveUp} // some of its money is among the recoverables
	case n.Elsewhere:
		return Consequence{TryElsewhere: true}
	}
	return Consequence{Event: OrderFail, Tell: Rejected}
}

// cameBack books money that came back.
func cameBack(n News) Consequence {
	if n.Order == Paid {
		return Consequence{Event: OrderReturn, Book: BookBack, Tell: Sentback}
	}
	return Consequence{Case: CaseStatus}
}
