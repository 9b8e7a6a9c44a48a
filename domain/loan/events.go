package loan

import (
	"fmt"
	"slices"

	"github.com/hengdai/hengdai/domain/allocate"
	"github.com/hengdai/hengdai/domain/calendar"
	"github.com/hengdai/hengdai/domain/money"
)

// Kind is what happened to a loan.
type Kind string

// Kinds of happenings, in the words of the event table.
const (
	// Disbursal is the first: the money left. On is the day.
	Disbursal Kind = "disburse"
	// LockMoney: an order to collect is under way; its amount bears no penalty.
	LockMoney Kind = "lock"
	// UnlockMoney: the order ended without money.
	UnlockMoney Kind = "unlock"
	// Receive: money arrived. With an order of ours it ends its lock.
	Receive Kind = "receive"
	// ApplyExcess: money received before serves what falls due now.
	ApplyExcess Kind = "apply"
	// Suspend and Resume: income is no longer booked, or again.
	Suspend Kind = "suspend"
	Resume  Kind = "resume"
	// OrderRefund: unapplied money is to go back; RefundPaid: it left; RefundFailed: it could not.
	OrderRefund  Kind = "refund_ordered"
	RefundPaid   Kind = "refund_paid"
	RefundFailed Kind = "refund_failed"
	// RefundBack: a refund that left came back and is payable again.
	RefundBack Kind = "refund_returned"
	// ChargeBack: what an order collected was taken back. Only a replay can count it.
	ChargeBack Kind = "charge_back"
	// TakenBack: money was taken back that no replay can take out again, because it was passed on since. What it paid
	// stays paid; the borrower owes it as unapplied money below zero, and a person decides.
	TakenBack Kind = "taken_back"
	// PayoutBack: the payout came back. Abandon: it will not be repeated.
	PayoutBack Kind = "payout_returned"
	Abandon    Kind = "abandon"
)

// Happening is one event of a loan's life.
type Happening struct {
	Seq  int64
	Kind Kind
	// On is the day from which it counts.
	On      calendar.Date
	Amount  money.Amount
	OrderID int64
	// Payoff: the money pays the whole loan off early.
	Payoff bool
}

// Replay lives a life anew from its events, in the order of their days. The first must be the disbursement. With
// history, Rows answers paid rows too.
func Replay(terms Terms, happenings []Happening, history bool) (*Life, error) {
	ordered := slices.Clone(happenings)
	slices.SortStableFunc(ordered, func(a, b Happening) int {
		if a.On != b.On {
			return int(a.On) - int(b.On)
		}
		return int(a.Seq - b.Seq)
	})
	if len(ordered) == 0 || ordered[0].Kind != Disbursal {
		return nil, fmt.Errorf("%w: a life begins with its disbursement", ErrNotNow)
	}
	l, err := Begin(terms, ordered[0].On)
	if err != nil {
		return nil, err
	}
	if history {
		l.history = new([]row)
	}
	undone, err := chargedBack(ordered)
	if err != nil {
		return nil, err
	}
	for _, h := range ordered[1:] {
		switch {
		case h.Kind == ChargeBack:
			err = l.endHeld(h)
		case undone[h.Seq]:
			err = l.doHeld(h)
		default:
			err = l.Do(h)
		}
		if err != nil {
			return nil, fmt.Errorf("replaying event %d: %w", h.Seq, err)
		}
	}
	return l, nil
}

// Do lets something happen. On an error the life is as it was, but for being advanced.
func (l *Life) Do(h Happening) error {
	if h.Amount < 0 || h.Amount > money.MaxAmount {
		return fmt.Errorf("%w: amount %d", ErrNotNow, h.Amount)
	}
	if err := l.Advance(h.On); err != nil {
		return err
	}
	switch h.Kind {
	case LockMoney:
		return l.doLock(h)
	case UnlockMoney:
		return l.doUnlock(h)
	case Receive:
		return l.doReceive(h)
	case ApplyExcess:
		return l.apply(l.Unapplied(), nil)
	case Suspend, Resume:
		l.suspended = h.Kind == Suspend
		return nil
	case OrderRefund:
		return l.moveRefund(&l.refundPayable, l.Unapplied(), h.Amount)
	case RefundPaid:
		if err := l.moveRefund(&l.refunded, l.refundPayable, h.Amount); err != nil {
			return err
		}
		l.refundPayable -= h.Amount
		return nil
	case RefundFailed:
		if h.Amount > l.refundPayable {
			return fmt.Errorf("%w: a refund of %d was not ordered", ErrNotNow, h.Amount)
		}
		l.refundPayable -= h.Amount
		return nil
	case RefundBack:
		if err := l.moveRefund(&l.refundPayable, l.refunded, h.Amount); err != nil {
			return err
		}
		l.refunded -= h.Amount
		return nil
	case ChargeBack:
		return fmt.Errorf("%w: a charge-back undoes what was counted", ErrLate)
	case TakenBack:
		l.received -= h.Amount
		return nil
	case PayoutBack:
		l.returned, l.suspended, l.lock = true, false, Lock{}
		return nil
	case Abandon:
		l.cancelled = true
		return nil
	case Disbursal:
		return fmt.Errorf("%w: paid out twice", ErrNotNow)
	default:
		return fmt.Errorf("%w: unknown event %q", ErrNotNow, h.Kind)
	}
}

func (l *Life) moveRefund(to *money.Amount, from, amount money.Amount) error {
	if amount > from {
		return fmt.Errorf("%w: %d of %d cannot go back", ErrNotNow, amount, from)
	}
	*to += amount
	return nil
}

// doLock covers what the money under way will pay.
func (l *Life) doLock(h Happening) error {
	if l.lock.OrderID != 0 {
		return fmt.Errorf("%w: order %d is still under way", ErrNotNow, l.lock.OrderID)
	}
	trial := l.Clone()
	if err := trial.take(h.Amount, h.Payoff); err != nil {
		return err
	}
	for i := range l.open {
		l.open[i].cover = trial.paidSince(&l.open[i])
	}
	l.lock = Lock{OrderID: h.OrderID, Amount: h.Amount, On: h.On, Payoff: h.Payoff}
	return nil
}

// paidSince is what a trial paid of a row; a row that is no longer open was paid in full.
func (l *Life) paidSince(before *row) allocate.Amounts {
	for i := range l.open {
		if l.open[i].number == before.number {
			return l.open[i].paid.Minus(before.paid)
		}
	}
	whole := allocate.Amounts{allocate.Fee: before.fee, allocate.Interest: before.interest, allocate.Principal: before.principal}
	return whole.Minus(before.paid)
}

func (l *Life) doUnlock(h Happening) error {
	if l.lock.OrderID != h.OrderID {
		return fmt.Errorf("%w: order %d holds no lock", ErrNotNow, h.OrderID)
	}
	l.unlock()
	return nil
}

func (l *Life) unlock() {
	l.lock = Lock{}
	for i := range l.open {
		l.open[i].cover = allocate.Amounts{}
	}
}

func (l *Life) doReceive(h Happening) error {
	if h.OrderID != 0 && l.lock.OrderID == h.OrderID {
		l.unlock()
	}
	if l.returned { // nothing is owed; it waits to go back
		l.received += h.Amount
		return nil
	}
	return l.take(h.Amount, h.Payoff)
}

// take books money in and applies what is unapplied.
func (l *Life) take(amount money.Amount, payoff bool) error {
	l.received += amount
	if payoff {
		whole, err := l.PayoffOn(l.at)
		if err != nil {
			return err
		}
		if l.Unapplied() >= whole {
			if err := l.callIn(); err != nil {
				return err
			}
		}
	}
	return l.apply(l.Unapplied(), nil)
}

// callIn makes everything due today: the current row with its interest to the day, and the principal of all later ones.
func (l *Life) callIn() error {
	if l.cut || l.next >= len(l.plan.Rows) {
		l.cut = true
		return nil
	}
	interest, fee, err := l.running(l.interestUntil())
	if err != nil {
		return err
	}
	r := &l.plan.Rows[l.next]
	unbilled := l.earned + interest - l.dueInterest // with what was deferred
	l.open = append(l.open, row{number: r.Number, due: l.at, principal: l.future, interest: unbilled, fee: fee, met: calendar.None})
	l.earned += interest
	l.dueInterest = l.earned
	l.earnedFee += fee
	l.future, l.cut = 0, true
	l.next++
	return nil
}

// interestUntil is the day to which interest runs if all is paid off now.
func (l *Life) interestUntil() calendar.Date {
	least := l.terms.Plan.DisbursedOn + calendar.Date(l.terms.MinimumDays)
	return max(l.at, min(least, l.plan.Rows[l.next].DueOn))
}

// apply pays open rows by the contract's order and closes those that owe nothing more. parts, if given, collects what
// each row got.
func (l *Life) apply(amount money.Amount, parts *[]Part) error {
	if len(l.open) == 0 {
		return nil
	}
	owed := make([]allocate.Amounts, len(l.open))
	paid := make([]allocate.Amounts, len(l.open))
	for i := range l.open {
		o, err := l.owed(&l.open[i], l.at)
		if err != nil {
			return err
		}
		owed[i] = o
	}
	l.terms.Allocation.For(l.dpd(l.at)).Apply(owed, max(0, amount), paid)
	kept := l.open[:0]
	for i := range l.open {
		r := l.open[i]
		r.paid = r.paid.Plus(paid[i])
		l.paid = l.paid.Plus(paid[i])
		if parts != nil && paid[i] != (allocate.Amounts{}) {
			*parts = append(*parts, Part{Number: r.number, DueOn: r.due, Paid: paid[i]})
		}
		if owed[i].Minus(paid[i]) != (allocate.Amounts{}) {
			kept = append(kept, r)
			continue
		}
		l.close(r)
	}
	l.open = kept
	return nil
}

// close folds a row that owes nothing into the sums.
func (l *Life) close(r row) {
	l.closed = l.closed.Plus(r.paid)
	if l.history != nil {
		r.met = l.at
		*l.history = append(*l.history, r)
	}
}

// Part is what one row got of a receipt.
type Part struct {
	Number int
	DueOn  calendar.Date
	Paid   allocate.Amounts
}

// Try answers what a receipt would do, without doing it: the parts per row, what would stay unapplied, and whether the
// loan would be settled.
func (l *Life) Try(h Happening) (parts []Part, unapplied money.Amount, settled bool, err error) {
	t := l.Clone()
	if err := t.Advance(h.On); err != nil {
		return nil, 0, false, err
	}
	t.unlock()
	t.received += h.Amount
	if h.Payoff {
		whole, err := t.PayoffOn(t.at)
		if err != nil {
			return nil, 0, false, err
		}
		if t.Unapplied() >= whole {
			if err := t.callIn(); err != nil {
				return nil, 0, false, err
			}
		}
	}
	if err := t.apply(t.Unapplied(), &parts); err != nil {
		return nil, 0, false, err
	}
	return parts, t.Unapplied(), t.Settled(), nil
}
