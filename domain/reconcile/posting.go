package reconcile

import "github.com/hengdai/hengdai/domain/ledger"

// Settled answers what a line books when the file is believed, and under which name: the bank did it, whatever we hold
// against it. A failed line books nothing.
func Settled(channel string, l Line) (event string, entries []ledger.Entry) {
	switch {
	case l.Status != Success:
		return "", nil
	case l.Kind.In():
		return "settled.in", ledger.MoneyInSettled(channel, ledger.Bank, l.AmountMinor, l.FeeMinor)
	}
	return "settled.out", ledger.MoneyOutSettled(channel, ledger.Bank, l.AmountMinor, l.FeeMinor)
}

// Remedy is what two people may decide about a difference.
type Remedy string

// The remedies.
const (
	// Explain closes a difference that holds nothing in transit.
	Explain Remedy = "EXPLAIN"
	// TakeIn lets the order learn that it succeeded after all, against a failure that we held to be final.
	TakeIn Remedy = "TAKE_IN"
	// TakeBack lets the order learn that its money came back: it is stated so, or the channel does not have it at all.
	TakeBack Remedy = "TAKE_BACK"
	// Recover books money that is to be got back: out that we did not order, or in that never came.
	Recover Remedy = "RECOVER"
	// Unidentify books money that came and belongs to nobody yet.
	Unidentify Remedy = "UNIDENTIFY"
	// Recovered ends a recoverable by a line that brought its money.
	Recovered Remedy = "RECOVERED"
	// GiveUp books a recoverable as lost. It follows Recover.
	GiveUp Remedy = "GIVE_UP"
	// SendBack books that unidentified money went back through the channel: a line out that nobody ordered.
	SendBack Remedy = "SEND_BACK"
)

// Remedies lists every remedy.
var Remedies = []Remedy{Explain, TakeIn, TakeBack, Recover, Unidentify, Recovered, GiveUp, SendBack}

// Difference is what a remedy looks at.
type Difference struct {
	Class Class
	// Kind is the line's kind, or the item's if there is no line.
	Kind Kind
	// OpenMinor is what stands in transit because of it.
	OpenMinor int64
	// Whole says that a successful attempt of ours lies behind it whole, so that its order can learn that the money came
	// back, and what stands in transit is gone by that.
	Whole bool
	// Denied says that our attempt behind it is a final failure, of the amount that the channel states.
	Denied bool
	// ParkedMinor is what Recover put on the recoverables.
	ParkedMinor int64
}

// Allowed lists the remedies for a difference. What holds money in transit must be booked away from there: money of
// which we hold more than the channel is to be recovered, money of which the channel shows more belongs to somebody.
func Allowed(d Difference) []Remedy {
	switch {
	case d.ParkedMinor > 0:
		return []Remedy{GiveUp}
	case d.OpenMinor == 0:
		return []Remedy{Explain}
	case d.Denied && d.OpenMinor < 0:
		return []Remedy{TakeIn, Unidentify}
	case d.Denied:
		return []Remedy{TakeIn, Recover}
	case d.Whole && d.OpenMinor < 0:
		return []Remedy{TakeBack, Unidentify}
	case d.Whole:
		return []Remedy{TakeBack, Recover}
	case d.OpenMinor < 0:
		return []Remedy{Unidentify, Recovered}
	case d.Class == ChannelOnly:
		return []Remedy{Recover, SendBack}
	}
	return []Remedy{Recover}
}

// Corrected answers what a remedy books in the cash journal, and under which name. TakeIn, TakeBack and
// Explain book nothing here: the first two are events of the order, which books them, the last has nothing to book.
func Corrected(r Remedy, channel string, d Difference) (event string, entries []ledger.Entry) {
	switch r {
	case Recover:
		if d.Kind.In() {
			return "recoverable.in", ledger.MoneyInOursOnly(channel, d.OpenMinor)
		}
		return "recoverable", ledger.MoneyOutChannelOnly(channel, d.OpenMinor)
	case Unidentify:
		return "unidentified", ledger.MoneyInUnidentified(channel, -d.OpenMinor)
	case Recovered:
		return "recoverable.came", ledger.RecoverableCame(channel, -d.OpenMinor)
	case SendBack:
		return "unidentified.back", ledger.UnidentifiedSentBack(channel, d.OpenMinor)
	case GiveUp:
		return "recoverable.lost", ledger.RecoverableLost(d.ParkedMinor)
	case Explain, TakeIn, TakeBack:
	}
	return "", nil
}
