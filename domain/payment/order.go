package payment

// Kind says what an order is for.
type Kind string

// The kinds of orders.
const (
	// Disbursement pays a loan out to the borrower's card.
	Disbursement Kind = "disbursement"
	// Debit collects what is due, without the borrower asking.
	Debit Kind = "debit"
	// Repayment collects because the borrower asked for it.
	Repayment Kind = "repayment"
	// Refund gives money back to its source.
	Refund Kind = "refund"
)

// Kinds lists every kind.
var Kinds = []Kind{Disbursement, Debit, Repayment, Refund}

// Out says whether money of the kind leaves us.
func (k Kind) Out() bool { return k == Disbursement || k == Refund }

// OrderState is the state of an order.
type OrderState string

// The states of an order.
const (
	Created   OrderState = "CREATED"
	Reserved  OrderState = "RESERVED"
	Sending   OrderState = "SENDING"
	Paid      OrderState = "PAID"
	Rejected  OrderState = "REJECTED"
	Manual    OrderState = "MANUAL"
	Cancelled OrderState = "CANCELLED"
	Sentback  OrderState = "RETURNED"
)

// OrderStates lists every state of an order.
var OrderStates = []OrderState{Created, Reserved, Sending, Paid, Rejected, Manual, Cancelled, Sentback}

// Final says whether nothing more is done for an order by itself. A payment that was made can still come back.
func (s OrderState) Final() bool {
	return s == Paid || s == Rejected || s == Cancelled || s == Sentback
}

// OrderEvent is what happens to an order.
type OrderEvent string

// The events of an order.
const (
	// OrderReserve holds the amount.
	OrderReserve OrderEvent = "reserve"
	// OrderSend begins an attempt.
	OrderSend OrderEvent = "send"
	// OrderSucceed is the channel's word, with evidence, that the money moved.
	OrderSucceed OrderEvent = "succeed"
	// OrderFail is a listed, final failure after which no other channel can help.
	OrderFail OrderEvent = "fail"
	// OrderGiveUp hands the order to people.
	OrderGiveUp OrderEvent = "give_up"
	// OrderResolvePaid and OrderResolveRejected are the decisions of two people with evidence.
	OrderResolvePaid     OrderEvent = "resolve_paid"
	OrderResolveRejected OrderEvent = "resolve_rejected"
	// OrderCancel ends an order of which nothing was sent.
	OrderCancel OrderEvent = "cancel"
	// OrderReturn is money that came back after success.
	OrderReturn OrderEvent = "return"
)

// OrderEvents lists every event of an order.
var OrderEvents = []OrderEvent{
	OrderReserve, OrderSend, OrderSucceed, OrderFail, OrderGiveUp, OrderResolvePaid, OrderResolveRejected, OrderCancel, OrderReturn,
}

// Orders is the table of an order's states. An order that waits for people still becomes PAID by the channel's own
// proven success, because the money has moved; only a refusal needs the two people there.
var Orders = []Row[OrderState, OrderEvent]{
	{Created, OrderReserve, Reserved},
	{Created, OrderCancel, Cancelled},
	{Reserved, OrderCancel, Cancelled},
	{Reserved, OrderSend, Sending},
	{Sending, OrderSend, Sending}, // the next attempt, after one that failed for good
	{Sending, OrderSucceed, Paid},
	{Sending, OrderFail, Rejected},
	{Sending, OrderGiveUp, Manual},
	{Manual, OrderSucceed, Paid},
	{Manual, OrderResolvePaid, Paid},
	{Manual, OrderResolveRejected, Rejected},
	{Paid, OrderReturn, Sentback},
}
