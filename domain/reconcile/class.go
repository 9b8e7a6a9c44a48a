package reconcile

import "github.com/hengdai/hengdai/domain/calendar"

// Class is what the comparison of a line with our item came to.
type Class string

// The classes.
const (
	// Match: both sides say the same.
	Match Class = "MATCH"
	// ChannelOnly: the channel has a line for which we hold nothing.
	ChannelOnly Class = "CHANNEL_ONLY"
	// OursOnly: we hold that money moved, and the channel has no line.
	OursOnly Class = "OURS_ONLY"
	// Amount: another amount than we hold.
	Amount Class = "AMOUNT"
	// Standing: the channel says it moved where we hold a final failure, or the other way round, or under another number.
	Standing Class = "STATUS"
	// Fee: the channel took another fee than agreed.
	Fee Class = "FEE"
	// Duplicate: the same line once more.
	Duplicate Class = "DUPLICATE"
	// DoubleEffect: one order of ours moved money twice.
	DoubleEffect Class = "DOUBLE_EFFECT"
	// LateReturn: something came back that we did not know of.
	LateReturn Class = "LATE_RETURN"
)

// Classes lists every class.
var Classes = []Class{Match, ChannelOnly, OursOnly, Amount, Standing, Fee, Duplicate, DoubleEffect, LateReturn}

// Waits says whether a difference of the class waits one more file before it is a break: the other side may stand on
// the other side of the cut-off.
func (c Class) Waits() bool { return c == ChannelOnly || c == OursOnly }

// State is how our own books hold an item.
type State uint8

// The states of an item.
const (
	// Unsent: it never left for the channel.
	Unsent State = iota + 1
	// Open: sent, and its end is not known.
	Open
	// Moved: the money moved, and it is booked.
	Moved
	// Gone: it failed for good.
	Gone
)

// Item is one attempt of ours, as far as a statement can speak of it.
type Item struct {
	ID          int64
	OrderID     int64
	Kind        Kind // Payout, Refund or Collect
	OurNo       string
	ChannelNo   string
	AmountMinor int64
	// FeeMinor is the fee that was agreed or told; looked at only if FeeKnown.
	FeeMinor  int64
	FeeKnown  bool
	SettledOn calendar.Date
	State     State
	// Stated says that a line has settled it already.
	Stated bool
	// Returned says that it came back and that this is booked, ReturnStated that a line has settled that too.
	Returned     bool
	ReturnStated bool
	// OthersMoved says that another attempt of the same order moved money.
	OthersMoved bool
}

// booked is what the item put into transit: positive if it came in.
func (i *Item) booked() int64 { return i.Kind.signed(i.AmountMinor) }

// Result is one line or item with its class. Every line has one result, and every item without a line one.
type Result struct {
	Class Class
	// Line is nil for OursOnly; Item is nil if nothing of ours belongs to it.
	Line *Line
	Item *Item
	// Learn says that the line proves the success of what was unknown here, and that it is to be taken in.
	Learn bool
	// Takes says that the item, or its return, is settled by this line and is not looked for any more.
	Takes bool
	// OpenMinor is what stays in transit because of this result: positive if we hold more than the channel.
	OpenMinor int64
	// Note says it for a person.
	Note string
}
