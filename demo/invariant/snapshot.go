package invariant

import (
	"context"
	"encoding/binary"
	"errors"
)

// figures are the sums in a stored life that this audit compares: how it is laid out is said in domain/loan.
type figures struct {
	at                                       day
	next                                     int
	future, earned, dueInterest              int64
	received, refundable, refunded           int64
	lockOrder, lockAmount                    int64
	paidPenalty, paidInterest, paidPrincipal int64
	open                                     int
	cut, suspended, returned                 bool
}

// readSnapshot reads the integers of a stored life.
func readSnapshot(text []byte) (figures, error) {
	var f figures
	if len(text) == 0 || text[0] != 1 {
		return f, errors.New("its stored life is of no known form")
	}
	rest, bad := text[1:], false
	next := func() int64 {
		v, n := binary.Varint(rest)
		if n <= 0 {
			bad = true
			return 0
		}
		rest = rest[n:]
		return v
	}
	count := func() uint64 {
		v, n := binary.Uvarint(rest)
		if n <= 0 {
			bad = true
			return 0
		}
		rest = rest[n:]
		return v
	}
	flags := count()
	f.cut, f.suspended, f.returned = flags&1 != 0, flags&2 != 0, flags&4 != 0
	f.at, f.next = day(next()), int(next())
	f.future, f.earned, f.dueInterest = next(), next(), next()
	_ = next() // fees
	f.received, f.refundable, f.refunded = next(), next(), next()
	f.lockOrder, f.lockAmount = next(), next()
	_ = next() // day of the lock
	var paid amounts
	for range paid {
		next() // of closed rows
	}
	for i := range paid {
		paid[i] = next()
	}
	f.paidPenalty, f.paidInterest, f.paidPrincipal = paid[penalty]+paid[compound], paid[interest], paid[principal]
	count()
	count() // what was cut to the cap
	f.open = int(count())
	if bad {
		return f, errors.New("its stored life ends too early")
	}
	return f, nil
}

// figures are the same of a life that was lived here.
func (l *life) figures() figures {
	return figures{
		at: l.at, next: l.next, future: l.future, earned: l.earned, dueInterest: l.dueInterest, received: l.received, refundable: l.refundable,
		refunded: l.refunded, lockOrder: l.lockOrder, lockAmount: l.lockAmount, paidPenalty: l.paid[penalty] + l.paid[compound],
		paidInterest: l.paid[interest], paidPrincipal: l.paid[principal], open: len(l.open), cut: l.cut, suspended: l.suspended, returned: l.returned,
	}
}

// snapshots: the life that is stored with a loan, from which its bills and payoffs are computed, is the one its events give.
func snapshots(ctx context.Context, l *look, f *finding) error {
	b, err := l.lent(ctx)
	if err != nil {
		return err
	}
	b.paidOut(f, func(v *lived) {
		stored, err := readSnapshot(v.snapshot)
		if err != nil {
			f.wrong("loan %d: %v", v.id, err)
			return
		}
		same(f, stored, v.life.figures(), "loan %d: its stored life", v.id)
	})
	return nil
}
