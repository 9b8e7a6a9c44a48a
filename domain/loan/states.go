package loan

import "fmt"

// State is where a loan is in its life. Being overdue is no state: it is derived from days past due.
type State string

// States of a loan.
const (
	// AwaitingDisbursement: signed; the payout order is not stored at payment yet.
	AwaitingDisbursement State = "AWAITING_DISBURSEMENT"
	// Disbursing: payment has the order; whether money left is not known.
	Disbursing State = "DISBURSING"
	// Repaying: the borrower has the money.
	Repaying State = "REPAYING"
	// Settled: everything is paid.
	Settled State = "SETTLED"
	// Cancelled: no money left, or a returned payout was given up.
	Cancelled State = "CANCELLED"
	// PayoutReturned: the payout came back after success; nothing accrues.
	PayoutReturned State = "PAYOUT_RETURNED"
	// Accelerated: all is due at once, by notice.
	Accelerated State = "ACCELERATED"
	// WrittenOff: taken from the books; the claim lives on (账销案存).
	WrittenOff State = "WRITTEN_OFF"
	// Compensated: the guarantor paid; the claim is his.
	Compensated State = "COMPENSATED"
	// Transferred: the claim was sold.
	Transferred State = "TRANSFERRED"
	// Void: never a loan of this person (impersonation); entries reversed.
	Void State = "VOID"
)

// Event moves a loan.
type Event string

// Events of a loan.
const (
	Send         Event = "send"          // the payout order is accepted by payment
	PayOut       Event = "pay_out"       // the payout succeeded
	FailPayout   Event = "fail_payout"   // the payout ended without money leaving
	Withdraw     Event = "withdraw"      // given up before the payout was ordered
	ReturnPayout Event = "return_payout" // the payout came back
	PayAgain     Event = "pay_again"     // a returned payout is ordered once more
	GiveUp       Event = "give_up"       // a returned payout is not repeated
	Settle       Event = "settle"        // the last cent was paid
	Reopen       Event = "reopen"        // money that settled it was charged back
	Accelerate   Event = "accelerate"    // all falls due
	WriteOff     Event = "write_off"
	Compensate   Event = "compensate"
	BuyBack      Event = "buy_back" // from the guarantor or the buyer
	Transfer     Event = "transfer"
	Impersonated Event = "impersonated" // proven: the borrower never took it
)

// move is a row of a state table.
type move[S ~string, E ~string] struct {
	from  S
	event E
	to    S
}

// loanMoves is the whole life of a loan. What is not here cannot happen.
var loanMoves = []move[State, Event]{
	{AwaitingDisbursement, Send, Disbursing},
	{AwaitingDisbursement, PayOut, Repaying}, // the outcome was told before the acceptance was seen
	{AwaitingDisbursement, FailPayout, Cancelled},
	{AwaitingDisbursement, Withdraw, Cancelled},
	{Disbursing, PayOut, Repaying},
	{Disbursing, FailPayout, Cancelled},
	{Repaying, ReturnPayout, PayoutReturned},
	{Settled, ReturnPayout, PayoutReturned},
	{PayoutReturned, PayAgain, Disbursing},
	{PayoutReturned, GiveUp, Cancelled},
	{Repaying, Settle, Settled},
	{Accelerated, Settle, Settled},
	{Settled, Reopen, Repaying},
	{Repaying, Accelerate, Accelerated},
	{Repaying, WriteOff, WrittenOff},
	{Accelerated, WriteOff, WrittenOff},
	{Repaying, Compensate, Compensated},
	{Accelerated, Compensate, Compensated},
	{Compensated, BuyBack, Repaying},
	{Compensated, Settle, Settled},
	{Repaying, Transfer, Transferred},
	{Accelerated, Transfer, Transferred},
	{WrittenOff, Transfer, Transferred},
	{Transferred, BuyBack, Repaying},
	{Disbursing, Impersonated, Void},
	{Repaying, Impersonated, Void},
	{Settled, Impersonated, Void},
	{Accelerated, Impersonated, Void},
	{PayoutReturned, Impersonated, Void},
	{WrittenOff, Impersonated, Void},
	{Compensated, Impersonated, Void},
}

// ApplicationState is where an application is.
type ApplicationState string

// States of an application.
const (
	Submitted         ApplicationState = "SUBMITTED"
	Deciding          ApplicationState = "DECIDING"
	ManualReview      ApplicationState = "MANUAL_REVIEW"
	Approved          ApplicationState = "APPROVED"
	AwaitingSignature ApplicationState = "AWAITING_SIGNATURE"
	Signed            ApplicationState = "SIGNED"
	Disbursed         ApplicationState = "DISBURSED"
	Rejected          ApplicationState = "REJECTED"
	AppCancelled      ApplicationState = "CANCELLED"
	Expired           ApplicationState = "EXPIRED"
)

// ApplicationEvent moves an application.
type ApplicationEvent string

// Events of an application.
const (
	Ask       ApplicationEvent = "ask"         // risk is asked
	Approve   ApplicationEvent = "approve"     // by risk or a reviewer
	Refer     ApplicationEvent = "refer"       // risk wants a person
	Reject    ApplicationEvent = "reject"      // by risk, a rule of law or a reviewer
	Confirm   ApplicationEvent = "confirm"     // the disclosed cost was read and confirmed; the contract is made
	Sign      ApplicationEvent = "sign"        // all signatures are there
	Disburse  ApplicationEvent = "disburse"    // the money left
	FailToPay ApplicationEvent = "fail_payout" // the payout ended without money leaving
	Cancel    ApplicationEvent = "cancel"      // by the applicant
	Expire    ApplicationEvent = "expire"      // he waited too long
)

// applicationMoves is the whole life of an application.
var applicationMoves = []move[ApplicationState, ApplicationEvent]{
	{Submitted, Ask, Deciding},
	{Submitted, Reject, Rejected},
	{Deciding, Approve, Approved},
	{Deciding, Refer, ManualReview},
	{Deciding, Reject, Rejected},
	{ManualReview, Approve, Approved},
	{ManualReview, Reject, Rejected},
	{Approved, Confirm, AwaitingSignature},
	{AwaitingSignature, Sign, Signed},
	{Signed, Disburse, Disbursed},
	{Signed, FailToPay, AppCancelled},
	{Submitted, Cancel, AppCancelled},
	{Deciding, Cancel, AppCancelled},
	{ManualReview, Cancel, AppCancelled},
	{Approved, Cancel, AppCancelled},
	{AwaitingSignature, Cancel, AppCancelled},
	{Submitted, Expire, Expired},
	{Deciding, Expire, Expired},
	{ManualReview, Expire, Expired},
	{Approved, Expire, Expired},
	{AwaitingSignature, Expire, Expired},
}

// ContractState is where a contract is.
type ContractState string

// States of a contract.
const (
	ContractDrafted ContractState = "DRAFTED"
	ContractSigned  ContractState = "SIGNED"
	ContractInForce ContractState = "IN_FORCE"
	ContractEnded   ContractState = "ENDED"
	ContractVoid    ContractState = "VOID"
)

// ContractEvent moves a contract.
type ContractEvent string

// Events of a contract.
const (
	SignContract ContractEvent = "sign"
	BringToForce ContractEvent = "pay_out"
	EndContract  ContractEvent = "settle"
	VoidContract ContractEvent = "void"
	Revive       ContractEvent = "reopen" // the money that ended it was charged back
)

var contractMoves = []move[ContractState, ContractEvent]{
	{ContractDrafted, SignContract, ContractSigned},
	{ContractDrafted, VoidContract, ContractVoid},
	{ContractSigned, BringToForce, ContractInForce},
	{ContractSigned, VoidContract, ContractVoid},
	{ContractInForce, EndContract, ContractEnded},
	{ContractInForce, VoidContract, ContractVoid},
	{ContractEnded, Revive, ContractInForce},
}

// Illegal says that an event cannot happen in a state.
type Illegal struct {
	Machine     string
	From, Event string
}

// Error names state and event.
func (e *Illegal) Error() string {
	return fmt.Sprintf("loan: %s in state %s cannot %s", e.Machine, e.From, e.Event)
}

// Move applies an event to a loan's state. The error is *Illegal.
func Move(from State, event Event) (State, error) {
	return apply("loan", loanMoves, from, event)
}

// MoveApplication applies an event to an application's state. The error is *Illegal.
func MoveApplication(from ApplicationState, event ApplicationEvent) (ApplicationState, error) {
	return apply("application", applicationMoves, from, event)
}

// MoveContract applies an event to a contract's state. The error is *Illegal.
func MoveContract(from ContractState, event ContractEvent) (ContractState, error) {
	return apply("contract", contractMoves, from, event)
}

// apply is the one place where a state changes.
func apply[S ~string, E ~string](machine string, table []move[S, E], from S, event E) (S, error) {
	for _, m := range table {
		if m.from == from && m.event == event {
			return m.to, nil
		}
	}
	return from, &Illegal{Machine: machine, From: string(from), Event: string(event)}
}

// Row is one line of a state table, for diagrams and tests.
type Row struct{ From, Event, To string }

// Tables answers the state tables by machine.
func Tables() map[string][]Row {
	return map[string][]Row{"loan": rowsOf(loanMoves), "application": rowsOf(applicationMoves), "contract": rowsOf(contractMoves)}
}

func rowsOf[S ~string, E ~string](table []move[S, E]) []Row {
	rows := make([]Row, len(table))
	for i, m := range table {
		rows[i] = Row{From: string(m.from), Event: string(m.event), To: string(m.to)}
	}
	return rows
}

// Live says that the loan accrues and is looked at by day-end.
func (s State) Live() bool { return s == Repaying || s == Accelerated }
