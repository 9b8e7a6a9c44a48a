package payment

// AttemptState is the state of one attempt of an order at one channel.
type AttemptState string

// The states of an attempt.
const (
	Prepared     AttemptState = "PREPARED"
	Submitting   AttemptState = "SUBMITTING"
	Processing   AttemptState = "PROCESSING"
	Unknown      AttemptState = "UNKNOWN"
	Success      AttemptState = "SUCCESS"
	FailedFinal  AttemptState = "FAILED_FINAL"
	Returned     AttemptState = "RETURNED"
	Contradicted AttemptState = "CONTRADICTED"
)

// AttemptStates lists every state of an attempt.
var AttemptStates = []AttemptState{Prepared, Submitting, Processing, Unknown, Success, FailedFinal, Returned, Contradicted}

// Live says whether the end of an attempt is still open. An order has at most one live attempt.
func (s AttemptState) Live() bool {
	return s == Prepared || s == Submitting || s == Processing || s == Unknown
}

// AttemptEvent is what happens to an attempt.
type AttemptEvent string

// The events of an attempt.
const (
	// AttemptSubmit is committed before the call.
	AttemptSubmit AttemptEvent = "submit"
	// AttemptAccept is the channel's proven word that it has the order.
	AttemptAccept AttemptEvent = "accept"
	// AttemptDoubt is anything that proves nothing: a time-out, an unlisted code, a bad signature, a crash.
	AttemptDoubt AttemptEvent = "doubt"
	// AttemptSucceed is proven success.
	AttemptSucceed AttemptEvent = "succeed"
	// AttemptFail is a listed, final failure, or the decision of two people.
	AttemptFail AttemptEvent = "fail"
	// AttemptReturn is money that came back after success.
	AttemptReturn AttemptEvent = "return"
)

// AttemptEvents lists every event of an attempt.
var AttemptEvents = []AttemptEvent{AttemptSubmit, AttemptAccept, AttemptDoubt, AttemptSucceed, AttemptFail, AttemptReturn}

// Attempts is the table of an attempt's states. What has no row is a contradiction that a person must see, such as a
// failure after success.
var Attempts = []Row[AttemptState, AttemptEvent]{
	{Prepared, AttemptSubmit, Submitting},
	{Submitting, AttemptAccept, Processing},
	{Submitting, AttemptDoubt, Unknown},
	{Processing, AttemptAccept, Processing},
	{Processing, AttemptDoubt, Unknown},
	{Processing, AttemptSucceed, Success},
	{Processing, AttemptFail, FailedFinal},
	{Unknown, AttemptAccept, Processing},
	{Unknown, AttemptDoubt, Unknown},
	{Unknown, AttemptSucceed, Success},
	{Unknown, AttemptFail, FailedFinal},
	{Success, AttemptReturn, Returned},
	{FailedFinal, AttemptSucceed, Contradicted},
	// Repeats and older news.
	{Success, AttemptSucceed, Success},
	{Success, AttemptAccept, Success},
	{Success, AttemptDoubt, Success},
	{FailedFinal, AttemptFail, FailedFinal},
	{FailedFinal, AttemptAccept, FailedFinal},
	{FailedFinal, AttemptDoubt, FailedFinal},
	{Returned, AttemptReturn, Returned},
	{Returned, AttemptSucceed, Returned},
	{Returned, AttemptAccept, Returned},
	{Returned, AttemptDoubt, Returned},
	{Contradicted, AttemptSucceed, Contradicted},
	{Contradicted, AttemptFail, Contradicted},
	{Contradicted, AttemptAccept, Contradicted},
	{Contradicted, AttemptDoubt, Contradicted},
}

// Learn answers where a verdict leads an attempt. Out of SUBMITTING an end is reached by way of PROCESSING: a channel
// that knows the end has had the order. A *RefusedError is a contradiction that a person must see.
func Learn(from AttemptState, v Verdict) (AttemptState, error) {
	if from == Submitting && (v == Succeeded || v == Failed) {
		from = Processing
	}
	return Apply(Attempts, from, event(v))
}

func event(v Verdict) AttemptEvent {
	switch v {
	case Succeeded:
		return AttemptSucceed
	case Failed:
		return AttemptFail
	case InProgress:
		return AttemptAccept
	case CameBack:
		return AttemptReturn
	case Unclear, Missing, Retry:
		return AttemptDoubt
	}
	return AttemptDoubt
}

// Unfold answers the verdicts that a verdict stands for in a state: money that came back before we knew that it had
// moved has done both, and both are booked.
func Unfold(from AttemptState, v Verdict) []Verdict {
	if v == CameBack && (from.Live() || from == FailedFinal) {
		return []Verdict{Succeeded, CameBack}
	}
	return []Verdict{v}
}
