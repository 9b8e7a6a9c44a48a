package reconcile

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/bits"

	"github.com/hengdai/hengdai/domain/calendar"
)

// Kind is what a line says that happened.
type Kind string

// The kinds of lines.
const (
	Payout  Kind = "PAYOUT"
	Refund  Kind = "REFUND"
	Collect Kind = "COLLECT"
	// Return is a payout or refund that came back (退票).
	Return Kind = "RETURN"
	// Chargeback is a collection that the payer's bank took back.
	Chargeback Kind = "CHARGEBACK"
)

// Kinds lists every kind.
var Kinds = []Kind{Payout, Refund, Collect, Return, Chargeback}

// In says whether money of the kind comes to us.
func (k Kind) In() bool { return k == Collect || k == Return }

// Back says whether the kind takes an earlier line back.
func (k Kind) Back() bool { return k == Return || k == Chargeback }

// signed is an amount as it comes to us (positive) or leaves us.
func (k Kind) signed(amountMinor int64) int64 {
	if k.In() {
		return amountMinor
	}
	return -amountMinor
}

// Status is what became of a line. A failed line moved no money.
type Status string

// The statuses of a line.
const (
	Success Status = "SUCCESS"
	Failed  Status = "FAILED"
)

// Line is one transaction as the channel states it.
type Line struct {
	// Number is its place in the file, from 1.
	Number int64 `json:"number"`
	Kind   Kind  `json:"kind"`
	// OurNo is our number at the channel; empty if the channel names none. ChannelNo is the channel's own.
	OurNo     string `json:"our_no"`
	ChannelNo string `json:"channel_no"`
	// OriginalNo is the channel's number of what a Return or Chargeback takes back.
	OriginalNo string `json:"original_no,omitempty"`
	// AmountMinor is gross and positive; FeeMinor is what the channel takes, negative if it gives.
	AmountMinor int64  `json:"amount_minor,string"`
	FeeMinor    int64  `json:"fee_minor,string"`
	Status      Status `json:"status"`
	// SettledOn is the settlement date, MovedOn the date on which it happened in China.
	SettledOn calendar.Date `json:"settled_on"`
	MovedOn   calendar.Date `json:"moved_on"`
}

// Moved is what the line did to the money in transit there: positive if it came in.
func (l Line) Moved() int64 {
	if l.Status != Success {
		return 0
	}
	return l.Kind.signed(l.AmountMinor)
}

// Net is what the line did to our account at the bank.
func (l Line) Net() int64 {
	if l.Status != Success {
		return 0
	}
	return l.Kind.signed(l.AmountMinor) - l.FeeMinor
}

// Totals is what a file says of itself.
type Totals struct {
	Count        int64 `json:"count"`
	InMinor      int64 `json:"in_minor,string"`
	OutMinor     int64 `json:"out_minor,string"`
	FeeMinor     int64 `json:"fee_minor,string"`
	OpeningMinor int64 `json:"opening_minor,string"`
	ClosingMinor int64 `json:"closing_minor,string"`
}

// Statement is one file, read.
type Statement struct {
	Channel   string        `json:"channel"`
	Merchant  string        `json:"merchant"`
	SettledOn calendar.Date `json:"settled_on"`
	Version   int64         `json:"version"`
	Totals    Totals        `json:"totals"`
	Lines     []Line        `json:"lines"`
}

// Why a file is refused.
const (
	FaultHash    = "hash"
	FaultLayout  = "layout"
	FaultDay     = "day"
	FaultCount   = "count"
	FaultTotals  = "totals"
	FaultBalance = "balance"
)

// Refusal says why a whole file is refused.
type Refusal struct {
	Reason string
	Detail string
}

// Error names the reason with its detail.
func (r *Refusal) Error() string { return "the statement is refused (" + r.Reason + "): " + r.Detail }

// Refuse makes a refusal.
func Refuse(reason, format string, args ...any) *Refusal {
	return &Refusal{Reason: reason, Detail: fmt.Sprintf(format, args...)}
}

// CheckHash compares a file with the SHA-256 that was stated for it, in hex.
func CheckHash(content []byte, stated string) error {
	sum := sha256.Sum256(content)
	if is := hex.EncodeToString(sum[:]); is != stated {
		return Refuse(FaultHash, "the file hashes to %s, stated is %.64q", is, stated)
	}
	return nil
}

const (
	numberMax = 64
	ourNoMax  = 40
)

// Validate checks a statement against itself: every line is of its day and possible, the lines are as many and add up
// as the totals say, and the account's closing balance follows from its opening. The error is a *Refusal.
func (s Statement) Validate() error {
	if int64(len(s.Lines)) != s.Totals.Count {
		return Refuse(FaultCount, "%d lines, stated are %d", len(s.Lines), s.Totals.Count)
	}
	var sums Totals
	for i := range s.Lines {
		l := &s.Lines[i]
		if err := s.validLine(l, int64(i+1)); err != nil {
			return err
		}
		if l.Status != Success {
			continue
		}
		side := &sums.OutMinor
		if l.Kind.In() {
			side = &sums.InMinor
		}
		if !add(side, l.AmountMinor) || !add(&sums.FeeMinor, l.FeeMinor) {
			return Refuse(FaultTotals, "the sums overflow at line %d", l.Number)
		}
	}
	t := s.Totals
	if sums.InMinor != t.InMinor || sums.OutMinor != t.OutMinor || sums.FeeMinor != t.FeeMinor {
		return Refuse(FaultTotals, "in, out and fees add up to %d, %d, %d; stated are %d, %d, %d",
			sums.InMinor, sums.OutMinor, sums.FeeMinor, t.InMinor, t.OutMinor, t.FeeMinor)
	}
	closing := t.OpeningMinor
	if !add(&closing, t.InMinor) || !add(&closing, -t.OutMinor) || !add(&closing, -t.FeeMinor) || closing != t.ClosingMinor {
		return Refuse(FaultBalance, "opening %d leads to %d, stated is a closing of %d", t.OpeningMinor, closing, t.ClosingMinor)
	}
	return nil
}

func (s Statement) validLine(l *Line, number int64) error {
	switch {
	case l.Number != number:
		return Refuse(FaultLayout, "line %d says it is line %d", number, l.Number)
	case l.SettledOn != s.SettledOn:
		return Refuse(FaultDay, "line %d is of %s in a file of %s", number, l.SettledOn, s.SettledOn)
	case l.AmountMinor <= 0:
		return Refuse(FaultLayout, "line %d has an amount of %d", number, l.AmountMinor)
	case l.Status != Success && l.Status != Failed:
		return Refuse(FaultLayout, "line %d has the unknown status %.16q", number, l.Status)
	case l.ChannelNo == "" || len(l.ChannelNo) > numberMax || len(l.OriginalNo) > numberMax || len(l.OurNo) > ourNoMax:
		return Refuse(FaultLayout, "line %d has a number that is missing or too long", number)
	case l.Kind.Back() && l.OriginalNo == "" && l.OurNo == "":
		return Refuse(FaultLayout, "line %d takes something back and does not say what", number)
	}
	for _, k := range Kinds {
		if l.Kind == k {
			return nil
		}
	}
	return Refuse(FaultLayout, "line %d is of the unknown kind %.16q", number, l.Kind)
}

// add adds to a sum and says whether it still fits.
func add(sum *int64, by int64) bool {
	s, _ := bits.Add64(uint64(*sum), uint64(by), 0)
	if next := int64(s); (next > *sum) == (by > 0) || by == 0 {
		*sum = next
		return true
	}
	return false
}
