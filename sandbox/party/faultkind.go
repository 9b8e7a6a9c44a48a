package party

import (
	"slices"

	"github.com/hengdai/hengdai/kit/errs"
)

// Kind is a way in which a party lets its caller down.
type Kind string

// The faults. Those "before" leave no effect; those "after" come when the effect is stored.
const (
	LostRequest      Kind = "lost_request"       // before: the connection ends, nothing was done
	ServerError      Kind = "server_error"       // before: 500 without signature
	Busy             Kind = "busy"               // before: the party's busy code, or Code
	Slow             Kind = "slow"               // before: DelayMS more
	LostResponse     Kind = "lost_response"      // after: the connection ends (held DelayMS): a time-out after success
	ServerErrorAfter Kind = "server_error_after" // after: 500 without signature
	UnknownCode      Kind = "unknown_code"       // after: Code, or one that no list knows
	BadSignature     Kind = "bad_signature"      // after: the answer's signature is wrong
	Garbage          Kind = "garbage"            // after: a signed answer that cannot be read

	NotFound       Kind = "not_found"       // query: an order that exists is said not to
	Processing     Kind = "processing"      // order: answered as accepted, finished later
	LateFinish     Kind = "late_finish"     // order: finished DelayMS later on the sandbox clock
	LowBalance     Kind = "low_balance"     // order: the merchant's account is said to be too low; nothing done
	LateCallback   Kind = "late_callback"   // callback: DelayMS later in real time
	TwiceCallback  Kind = "twice_callback"  // callback: comes twice
	LostCallback   Kind = "lost_callback"   // callback: never comes; a query tells
	ForgedCallback Kind = "forged_callback" // callback: one with a wrong signature comes first
	WrongAmount    Kind = "wrong_amount"    // callback: one with another amount, rightly signed, comes first
	Refused        Kind = "refused"         // order: refused for good as above its limit, where another channel would carry it out
	EarlyCallback  Kind = "early_callback"  // order: the answer waits DelayMS (default 50), so the callback overtakes it

	Timeout   Kind = "timeout"    // after: nothing comes for DelayMS (default 1000), then the connection ends
	NextDay   Kind = "next_day"   // order: accepted, and finished within the next settlement day
	DarkQuery Kind = "dark_query" // query: still in progress on the day of acceptance, and for DelayMS after it on the sandbox clock
)

// The faults of statements: of a whole file, by its day, and of its lines, by the channel's number.
const (
	FileLate     Kind = "file_late"     // not ready until DelayMS after it should be (default 25 hours)
	FileMissing  Kind = "file_missing"  // never ready, until it is reissued
	FileHash     Kind = "file_hash"     // the stated hash is not the file's
	FileCut      Kind = "file_cut"      // the file ends in the middle of a line
	FileTotals   Kind = "file_totals"   // the totals are not those of the lines
	FileWidth    Kind = "file_width"    // one line is too short
	FileReissued Kind = "file_reissued" // version 1 lacks a line, version 2 comes DelayMS later (default one hour) and is right

	LineMissing Kind = "line_missing" // stands in no file
	LineTwice   Kind = "line_twice"   // stands there twice
	LineAmount  Kind = "line_amount"  // with another amount
	LineFee     Kind = "line_fee"     // with another fee
	LineShifted Kind = "line_shifted" // stands in the next day's file
	LineUnknown Kind = "line_unknown" // one more line, of an order that nobody sent (chosen by day)
	LineStatus  Kind = "line_status"  // a failed order stands as paid
	LineFailed  Kind = "line_failed"  // a paid order stands as failed (alpha only: beta lists successes alone)
)

// FileFaults and LineFaults are the kinds that only statements know.
var (
	FileFaults = []Kind{FileLate, FileMissing, FileHash, FileCut, FileTotals, FileWidth, FileReissued}
	LineFaults = []Kind{LineMissing, LineTwice, LineAmount, LineFee, LineShifted, LineUnknown, LineStatus, LineFailed}
)

// Statement is the Op of a statement's call, and of the faults in it.
const Statement = "statement"

func (k Kind) ofStatement() bool {
	return slices.Contains(FileFaults, k) || slices.Contains(LineFaults, k)
}

var kinds = []Kind{LostRequest, ServerError, Busy, Slow, LostResponse, ServerErrorAfter, UnknownCode, BadSignature, Garbage, NotFound,
	Processing, LateFinish, LowBalance, LateCallback, TwiceCallback, LostCallback, ForgedCallback, WrongAmount, EarlyCallback, Refused,
	Timeout, NextDay, DarkQuery}

// Rule is one line of a party's fault plan. Exactly one of RatePPM and Count says whom it meets.
type Rule struct {
	ID    int64  `json:"id"`
	Party string `json:"party"`
	// Op is the call it applies to (verify4, send, pay, trans, query, statement, callback); empty: every one.
	Op   string `json:"op"`
	Kind Kind   `json:"kind"`
	// RatePPM of all request numbers meet it: which ones follows from Seed and the number alone.
	RatePPM int64 `json:"rate_ppm"`
	// Count: the next so many requests meet it.
	Count int64 `json:"count"`
	// Times a chosen request number meets it; then the same request goes through. Default 1.
	Times   int64  `json:"times"`
	DelayMS int64  `json:"delay_ms"`
	Code    string `json:"code"`
	Seed    int64  `json:"seed"`
	// FromPPM moves the range that RatePPM spans, and Group names it: rules of one group with ranges beside each other
	// never meet the same request number, and rules with one range all meet the same ones.
	FromPPM int64  `json:"from_ppm,omitempty"`
	Group   string `json:"group,omitempty"`
	// Day narrows a statement's fault to one day's file, Number any fault to one request number (of a line: the
	// channel's number).
	Day    string `json:"day,omitempty"`
	Number string `json:"number,omitempty"`
	// Met counts the hits so far.
	Met int64 `json:"met"`
}

func (r Rule) valid() bool {
	known := slices.Contains(kinds, r.Kind) || (r.Kind.ofStatement() && r.Op == Statement)
	return known && r.RatePPM >= 0 && r.FromPPM >= 0 && r.FromPPM+r.RatePPM <= 1_000_000 && (r.RatePPM > 0) != (r.Count > 0) &&
		r.Count >= 0 && r.DelayMS >= 0 && r.Party != "" && len(r.Code) <= 64 && len(r.Group) <= 64 && len(r.Number) <= 64 && len(r.Day) <= 10
}

// ErrRule is a rule that says nothing.
var ErrRule = errs.New(errs.Invalid, "sandbox.fault_rule", "故障规则无效。", "The fault rule is not valid.")
