package payment

import "time"

// Action is what is done next for a live attempt.
type Action string

// The actions.
const (
	// Submit sends the attempt for the first time.
	Submit Action = "submit"
	// Query asks the channel what became of it.
	Query Action = "query"
	// Resend sends the same number to the same channel once more.
	Resend Action = "resend"
	// Nothing: the attempt is final.
	Nothing Action = "nothing"
)

// Next answers what is done for an attempt in a state when a worker takes it up. Whatever may have reached the channel
// is queried before anything else.
func Next(s AttemptState) Action {
	switch s {
	case Prepared:
		return Submit
	case Submitting, Processing, Unknown:
		return Query
	case Success, FailedFinal, Returned, Contradicted:
		return Nothing
	}
	return Nothing
}

// AfterQuery answers what follows a query's verdict on an attempt in a state. A number that the channel does not know,
// or that it would not take because our balance there was low, is sent again, unchanged and to the same channel, if
// that channel executes a number only once; else the statement is awaited.
func AfterQuery(s AttemptState, v Verdict, deduplicates bool) Action {
	if s == Unknown && deduplicates && (v == Missing || v == Retry) {
		return Resend
	}
	return Nothing
}

var waits = []time.Duration{
	300 * time.Millisecond, time.Second, 3 * time.Second, 10 * time.Second, 30 * time.Second,
	time.Minute, 2 * time.Minute, 5 * time.Minute, 15 * time.Minute, 30 * time.Minute,
}

// Wait answers how long to wait before the query after so many queries: short at first, at last an hour, for ever.
func Wait(queries int64) time.Duration {
	if queries < 0 {
		queries = 0
	}
	if queries >= int64(len(waits)) {
		return time.Hour
	}
	return waits[queries]
}

// Window says when an order that stays unknown is handed to people: both the time since it was sent and the number of
// queries must have been reached. It hands over; it never decides.
type Window struct {
	After   time.Duration
	Queries int64
}

// Closed says whether the window has passed.
func (w Window) Closed(since time.Duration, queries int64) bool {
	return since >= w.After && queries >= w.Queries
}
