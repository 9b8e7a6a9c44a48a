package payment

// Status is what a channel literally said, in one vocabulary for all channels. It proves nothing before the codes are
// looked at.
type Status string

// The statuses of an answer. The zero value is "nothing usable was said".
const (
	SaidNothing    Status = ""
	SaidSuccess    Status = "success"
	SaidProcessing Status = "processing"
	SaidFailed     Status = "failed"
	SaidNotFound   Status = "not_found"
	SaidReturned   Status = "returned"
)

// Answer is one answer of a channel, given to a submission or a query or told by itself, after its signature was
// checked. It holds no personal value.
type Answer struct {
	Status Status
	// Code is the channel's own code and Message its own words.
	Code    string
	Message string
	// RequestNo is our number at the channel, ChannelNo the channel's.
	RequestNo string
	ChannelNo string
	// AmountMinor is zero if the answer does not state an amount.
	AmountMinor int64
	FeeMinor    int64
	// SettledOn is the date of the channel's statement that will hold the line; MovedOn is the date on which the money
	// moved, if the channel says it. Both YYYY-MM-DD in China, or empty.
	SettledOn string
	MovedOn   string
}

// Verdict is what an answer means.
type Verdict string

// The verdicts.
const (
	// Succeeded: the money moved.
	Succeeded Verdict = "succeeded"
	// Failed: it did not move and never will.
	Failed Verdict = "failed"
	// InProgress: the channel has the order.
	InProgress Verdict = "in_progress"
	// Unclear: nothing is proven.
	Unclear Verdict = "unclear"
	// Missing: the channel does not know the number, which proves no failure.
	Missing Verdict = "missing"
	// Retry: the same number may be sent again to the same channel, for example when our own balance there was low.
	Retry Verdict = "retry"
	// CameBack: the money moved and came back.
	CameBack Verdict = "came_back"
)

// Verdicts lists every verdict.
var Verdicts = []Verdict{Succeeded, Failed, InProgress, Unclear, Missing, Retry, CameBack}

// Failure is one line of a channel's closed list of final failures.
type Failure struct {
	// Reason is our own word for it, as the borrower's side is told.
	Reason string
	// Elsewhere says that another channel could succeed where this one failed.
	Elsewhere bool
	// Kinds limits the line to these kinds of orders; empty: all.
	Kinds []Kind
}

// Codes is what a channel's codes mean: data, agreed with the channel, that closes the list of what is a failure.
type Codes struct {
	// Success are the codes with which a stated success is believed; empty means every code.
	Success []string
	// Failures is the closed list of final failures.
	Failures map[string]Failure
	// Retry are codes after which the same number is sent again.
	Retry []string
}

// Outcome is the verdict on an answer with our own words for a failure.
type Outcome struct {
	Verdict   Verdict
	Reason    string
	Elsewhere bool
}

// Classify answers what an answer proves. A failure is believed only if its code stands in the channel's closed list
// for the kind of order; everything that is not listed is unclear.
func Classify(codes Codes, kind Kind, a Answer) Outcome {
	switch a.Status {
	case SaidSuccess:
		if len(codes.Success) > 0 && !contains(codes.Success, a.Code) {
			return Outcome{Verdict: Unclear}
		}
		return Outcome{Verdict: Succeeded}
	case SaidProcessing:
		return Outcome{Verdict: InProgress}
	case SaidNotFound:
		return Outcome{Verdict: Missing}
	case SaidReturned:
		return Outcome{Verdict: CameBack, Reason: "returned"}
	case SaidFailed:
		return failure(codes, kind, a.Code)
	case SaidNothing:
		if contains(codes.Retry, a.Code) {
			return Outcome{Verdict: Retry}
		}
	}
	return Outcome{Verdict: Unclear}
}

func failure(codes Codes, kind Kind, code string) Outcome {
	if contains(codes.Retry, code) {
		return Outcome{Verdict: Retry}
	}
	f, listed := codes.Failures[code]
	if !listed || (len(f.Kinds) > 0 && !contains(f.Kinds, kind)) {
		return Outcome{Verdict: Unclear}
	}
	return Outcome{Verdict: Failed, Reason: f.Reason, Elsewhere: f.Elsewhere}
}

func contains[T comparable](list []T, x T) bool {
	for _, y := range list {
		if y == x {
			return true
		}
	}
	return false
}
