package notify

import (
	"fmt"

	"github.com/hengdai/hengdai/kit/errs"
)

// State is where a message is.
type State string

// The states. PENDING waits for its time; SENDING may or may not have reached the provider; the last four are ends.
const (
	Pending        State = "PENDING"
	Sending        State = "SENDING"
	Sent           State = "SENT"
	Delivered      State = "DELIVERED"
	Failed         State = "FAILED"
	RefusedByGuard State = "REFUSED_BY_GUARD"
	Expired        State = "EXPIRED"
)

// States lists all states.
var States = []State{Pending, Sending, Sent, Delivered, Failed, RefusedByGuard, Expired}

// Event is what moves a message.
type Event string

// The events.
const (
	Begin   Event = "begin"   // committed before the first call
	Accept  Event = "accept"  // the provider has it
	Deliver Event = "deliver" // the person has it
	Fail    Event = "fail"    // it was not and will not be delivered
	Refuse  Event = "refuse"  // the guard does not let it out
	Expire  Event = "expire"  // its time is over and it did not go out
)

// Events lists all events.
var Events = []Event{Begin, Accept, Deliver, Fail, Refuse, Expire}

// Row is one line of the table.
type Row struct {
	From  State
	Event Event
	To    State
}

// Table is every move there is. A message that may have gone out expires only after the provider said that it did not.
var Table = []Row{
	{Pending, Begin, Sending},
	{Pending, Fail, Failed},
	{Pending, Refuse, RefusedByGuard},
	{Pending, Expire, Expired},
	{Sending, Accept, Sent},
	{Sending, Deliver, Delivered},
	{Sending, Fail, Failed},
	{Sending, Expire, Expired},
	{Sent, Deliver, Delivered},
	{Sent, Fail, Failed},
}

var errMove = errs.New(errs.Precondition, "notify.illegal_move", "消息当前状态不允许此操作。", "The message's state does not allow this.")

// Next answers the state that an event leads to.
func Next(from State, e Event) (State, error) {
	for _, r := range Table {
		if r.From == from && r.Event == e {
			return r.To, nil
		}
	}
	return from, errMove.Because(fmt.Errorf("%s in %s", e, from))
}

// Ended reports whether nothing moves a message in this state any more.
func (s State) Ended() bool {
	for _, r := range Table {
		if r.From == s {
			return false
		}
	}
	return true
}
