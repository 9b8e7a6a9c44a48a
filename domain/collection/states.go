package collection

import "fmt"

// State is where a case is.
type State string

// States of a case.
const (
	// Open: the strategy runs.
	Open State = "OPEN"
	// Promised: the borrower said he will pay by a day; nothing is sent until then.
	Promised State = "PROMISED"
	// Paused: complaint, dispute or hardship; nothing is sent until the pause ends.
	Paused State = "PAUSED"
	// Closed: nothing is overdue any more.
	Closed State = "CLOSED"
)

// Event moves a case.
type Event string

// Events of a case.
const (
	Promise Event = "promise" // he will pay by a day
	Break   Event = "break"   // the day passed without the money
	Pause   Event = "pause"   // a person stops every contact
	Resume  Event = "resume"  // the pause is over
	Cure    Event = "cure"    // nothing is overdue any more
	Relapse Event = "relapse" // a repayment was charged back within the same arrears
)

type move struct {
	from  State
	event Event
	to    State
}

// moves is the whole life of a case. What is not here cannot happen.
var moves = []move{
	{Open, Promise, Promised},
	{Promised, Promise, Promised},
	{Promised, Break, Open},
	{Open, Pause, Paused},
	{Promised, Pause, Paused},
	{Paused, Pause, Paused},
	{Paused, Resume, Open},
	{Open, Cure, Closed},
	{Promised, Cure, Closed},
	{Paused, Cure, Closed},
	{Closed, Relapse, Open},
}

// States lists all states, Events all events, for those who check the whole table.
var (
	States = []State{Open, Promised, Paused, Closed}
	Events = []Event{Promise, Break, Pause, Resume, Cure, Relapse}
)

// Illegal says that a state does not know an event.
type Illegal struct {
	From  State
	Event Event
}

// Error says it.
func (e *Illegal) Error() string {
	return fmt.Sprintf("a case that is %s knows no %s", e.From, e.Event)
}

// Move answers the state after an event, or *Illegal.
func Move(from State, event Event) (State, error) {
	for _, m := range moves {
		if m.from == from && m.event == event {
			return m.to, nil
		}
	}
	return from, &Illegal{From: from, Event: event}
}
