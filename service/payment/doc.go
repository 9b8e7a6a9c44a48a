// Package payment moves money and keeps the cash journal.
//
// It owns channels, orders with their attempts, journal P (domain/ledger) and the channels' statements. It calls user, to
// reveal card, name and mobile right before a channel is called; they exist in memory only. It reads loan's log for
// DayMarker. It tells OrderAccepted, OrderSettled, DaySealed and, for every booking, ledger.v1.Posted.
//
// It promises:
//
//   - An order is stored before anything is sent, under the id of its caller; the same id with another body is refused.
//   - An attempt, its number at the channel and the hash of what is asked are committed before the call. An order has one
//     live attempt; a unique index holds that.
//   - What is not known is UNKNOWN. It is queried before anything else is done, and no passing of time makes a failure
//     of it. The same number is sent again only to a channel that executes a number once.
//   - Another channel is tried only after a failure from the closed list of the first.
//   - No order fails by a breaker: what was sent stays with its channel and is queried, what was not sent waits or goes on.
//   - A state, the journal's entries it causes, its hold and its events are one commit.
//   - A date that is sealed takes no more entries.
//   - A statement is believed whole or not at all; what it says of the bank is booked line by line, and what does not fit is
//     a difference with a class until it explains itself or two people correct it (docs/reconciliation.md).
//   - A forged, altered, replayed or misaddressed callback changes nothing and is counted.
//
// Decisions are in domain/payment, domain/ledger and domain/reconcile. The files: order.go takes orders; route.go and
// drive.go carry them to a channel, lobby.go holds those that no channel takes now, watch.go keeps the breakers; learn.go is
// the one place where an attempt moves; callback.go hears the channels; journal.go books; day.go seals; staff*.go,
// propose.go and decide.go serve people; unit.go and store.go hold what touches the rows of orders; statement*.go fetch the
// channels' files and reconcile*.go compare them.
package payment
