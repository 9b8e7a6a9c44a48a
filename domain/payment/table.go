package payment

import "fmt"

// Row is one line of a table of states: in From, Event leads to To. A row whose To is its From says that the event is
// old news there and changes nothing.
type Row[S, E ~string] struct {
	From  S
	Event E
	To    S
}

// RefusedError says that a table has no row for an event in a state.
type RefusedError struct {
	From  string
	Event string
}

// Error names the state and the event.
func (e *RefusedError) Error() string {
	return fmt.Sprintf("no way from %s by %s", e.From, e.Event)
}

// Apply answers where an event leads, or a *RefusedError if the table has no such row.
func Apply[S, E ~string](table []Row[S, E], from S, event E) (S, error) {
	for i := range table {
		if table[i].From == from && table[i].Event == event {
			return table[i].To, nil
		}
	}
	return from, &RefusedError{From: string(from), Event: string(event)}
}
