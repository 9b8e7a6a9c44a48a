package loan

import (
	"fmt"

	"github.com/hengdai/hengdai/domain/allocate"
	"github.com/hengdai/hengdai/domain/calendar"
	"github.com/hengdai/hengdai/domain/money"
)

// Money that was charged back never paid anything: a replay leaves its receipt out, days past due count from the due date
// again and interest runs on. But from the receipt to the charge-back the money was with us, so, like money under way,
// what it would have paid bears no penalty and no compound interest for those days.

// chargedBack answers the receipts that charge-backs undo, by their number: each undoes the last receipt of its order, of
// its amount, that was learned before it and is not undone yet.
func chargedBack(happenings []Happening) (map[int64]bool, error) {
	var undone map[int64]bool
	for _, back := range happenings {
		if back.Kind != ChargeBack {
			continue
		}
		r, found := lastReceipt(happenings, back, undone)
		if !found || r.On > back.On {
			return nil, fmt.Errorf("%w: order %d brought no %d before %s", ErrNotNow, back.OrderID, back.Amount, back.On)
		}
		if undone == nil {
			undone = map[int64]bool{}
		}
		undone[r.Seq] = true
	}
	return undone, nil
}

func lastReceipt(happenings []Happening, back Happening, undone map[int64]bool) (last Happening, found bool) {
	for _, h := range happenings {
		if h.Kind == Receive && h.OrderID == back.OrderID && h.Amount == back.Amount && h.Seq < back.Seq && !undone[h.Seq] && h.Seq > last.Seq {
			last, found = h, true
		}
	}
	return last, found
}

// Undoes answers the day of the receipt that a charge-back would undo; None if there is none.
func Undoes(happenings []Happening, back Happening) calendar.Date {
	undone := map[int64]bool{}
	for _, h := range happenings {
		if h.Kind == ChargeBack {
			if r, found := lastReceipt(happenings, h, undone); found {
				undone[r.Seq] = true
			}
		}
	}
	r, found := lastReceipt(happenings, back, undone)
	if !found {
		return calendar.None
	}
	return r.On
}

// doHeld is the receipt of money that will be taken back: it ends its order's lock and shields, but pays nothing.
func (l *Life) doHeld(h Happening) error {
	if err := l.Advance(h.On); err != nil {
		return err
	}
	if h.OrderID != 0 && l.lock.OrderID == h.OrderID {
		l.unlock()
	}
	l.held += h.Amount
	return nil
}

// endHeld is the charge-back: the money is gone, and what else is unapplied serves in its place.
func (l *Life) endHeld(h Happening) error {
	if err := l.Advance(h.On); err != nil {
		return err
	}
	l.held -= h.Amount
	l.shield()
	if l.returned || l.lock.OrderID != 0 {
		return nil
	}
	return l.apply(l.Unapplied(), nil)
}

// shield spreads held money over what is due, oldest first.
func (l *Life) shield() {
	left := l.held
	for i := range l.open {
		r := &l.open[i]
		r.shield = allocate.Amounts{}
		for _, c := range [...]allocate.Component{allocate.Interest, allocate.Principal} {
			part := min(left, r.exposed(c))
			r.shield[c] = part
			left -= part
		}
	}
}

// errHeld: a life in the midst of a replay is not stored.
func (l *Life) errHeld() error {
	if l.held == money.Amount(0) {
		return nil
	}
	return fmt.Errorf("%w: %d is held", ErrNotNow, l.held)
}
