package invariant

import (
	"errors"
	"fmt"
	"slices"
)

// happening is a row of loan_event.
type happening struct {
	seq, amount, order   int64
	kind                 string
	on, posting          day
	payoff               bool
	bookedFrom, bookedTo day
	// What was due and what settled the loan just before, and what of each component it paid, found by living it first.
	lived                   bool
	dueBefore, payoffBefore int64
	served                  amounts
}

// after lives one more happening. One that counts from a day already lived makes the whole life be lived again.
func after(l *life, t *terms, past []*happening, h *happening) (*life, error) {
	if l == nil {
		if h.kind != "disburse" {
			return nil, errors.New("a life that does not begin with its payout")
		}
		return begin(t)
	}
	if h.on >= l.at {
		next := l.clone()
		return next, next.do(h)
	}
	all := append(slices.Clone(past), h)
	slices.SortStableFunc(all, func(a, b *happening) int {
		if a.on != b.on {
			return int(a.on - b.on)
		}
		return int(a.seq - b.seq)
	})
	next, err := begin(t)
	if err != nil {
		return nil, err
	}
	for _, one := range all[1:] {
		if err := next.do(one); err != nil {
			return nil, err
		}
	}
	return next, nil
}

func (l *life) do(h *happening) error {
	l.advance(h.on)
	if !h.lived {
		h.lived, h.dueBefore, h.payoffBefore = true, l.due(), l.payoff()
	}
	switch h.kind {
	case "lock":
		return l.lock(h)
	case "unlock":
		l.unlock()
	case "receive":
		return l.receive(h)
	case "apply":
		return l.apply(l.unapplied())
	case "suspend":
		l.suspended = true
	case "resume":
		l.suspended = false
	case "refund_ordered":
		l.refundable += h.amount
	case "refund_paid":
		l.refundable -= h.amount
		l.refunded += h.amount
	case "refund_failed":
		l.refundable -= h.amount
	case "payout_returned":
		l.returned, l.suspended, l.lockOrder = true, false, 0
	case "abandon":
		l.abandoned = true
	default:
		return fmt.Errorf("this audit does not know a loan's %q", h.kind)
	}
	if l.refundable < 0 || (!l.returned && l.unapplied() < 0) {
		return fmt.Errorf("event %d gives back more than there is", h.seq)
	}
	return nil
}

// lock covers what the money under way will pay, as if it were here.
func (l *life) lock(h *happening) error {
	if l.lockOrder != 0 {
		return fmt.Errorf("event %d locks a loan that order %d has locked", h.seq, l.lockOrder)
	}
	trial := l.clone()
	if err := trial.take(h.amount, h.payoff); err != nil {
		return err
	}
	for i := range l.open {
		r := &l.open[i]
		r.cover = r.scheduled.minus(r.paid) // a row that the trial closed is covered whole
		for k := range trial.open {
			if trial.open[k].number == r.number {
				r.cover = trial.open[k].paid.minus(r.paid)
			}
		}
	}
	l.lockOrder, l.lockAmount, l.lockOn, l.lockPayoff = h.order, h.amount, h.on, h.payoff
	return nil
}

func (l *life) unlock() {
	l.lockOrder, l.lockAmount, l.lockOn, l.lockPayoff = 0, 0, noDay, false
	for i := range l.open {
		l.open[i].cover = amounts{}
	}
}

func (l *life) receive(h *happening) error {
	if h.order != 0 && h.order == l.lockOrder {
		l.unlock()
	}
	if l.returned {
		l.received += h.amount
		return nil
	}
	return l.take(h.amount, h.payoff)
}

// take books money in and applies it; money that pays everything off calls the rest in first.
func (l *life) take(amount int64, payoff bool) error {
	l.received += amount
	if payoff && l.unapplied() >= l.whole() {
		l.callIn()
	}
	return l.apply(l.unapplied())
}

func (l *life) callIn() {
	if !l.cut && l.next < len(l.plan.rows) {
		earned, feeSum := l.running(l.interestUntil())
		last := openRow{number: l.plan.rows[l.next].number, due: l.at, penalty: ratio(0, 1), growth: ratio(0, 1),
			scheduled: amounts{fee: feeSum, interest: l.earned + earned - l.dueInterest, principal: l.future}}
		l.open = append(l.open, last)
		l.earned += earned
		l.dueInterest = l.earned
		l.earnedFee += feeSum
		l.future = 0
		l.next++
	}
	l.cut = true
}

// apply pays open rows in the contract's order. Rows that owe nothing more are closed.
func (l *life) apply(left int64) error {
	byComponent, order := l.terms.Allocation.at(l.overdueDays())
	owed, paid := make([]amounts, len(l.open)), make([]amounts, len(l.open))
	for i := range l.open {
		owed[i] = l.owed(&l.open[i])
	}
	pay := func(i, c int) {
		part := max(0, min(owed[i][c], left))
		paid[i][c] += part
		left -= part
	}
	turn := make([]int, len(order))
	for i, name := range order {
		c, err := componentOf(name)
		if err != nil {
			return err
		}
		turn[i] = c
	}
	if byComponent {
		for _, c := range turn {
			for i := range l.open {
				pay(i, c)
			}
		}
	} else {
		for i := range l.open {
			for _, c := range turn {
				pay(i, c)
			}
		}
	}
	var still []openRow
	for i := range l.open {
		r := l.open[i]
		r.paid = r.paid.plus(paid[i])
		l.paid = l.paid.plus(paid[i])
		if owed[i] != paid[i] {
			still = append(still, r)
			continue
		}
		l.latePaid[penalty] += r.paid[penalty]
		l.latePaid[compound] += r.paid[compound]
	}
	l.open = still
	return nil
}
