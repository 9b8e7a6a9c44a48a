package loan

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/hengdai/hengdai/domain/allocate"
	"github.com/hengdai/hengdai/domain/calendar"
	"github.com/hengdai/hengdai/domain/money"
	"github.com/hengdai/hengdai/domain/schedule"
)

// ErrSnapshot says that stored bytes are no life.
var ErrSnapshot = errors.New("loan: not a stored life")

// snapshotVersion is the first byte of a stored life.
const snapshotVersion = 1

// Encode writes the life as it stands after its last event, as variable-length integers. The plan is not in it: it
// follows from the terms.
func (l *Life) Encode() ([]byte, error) {
	if err := l.errHeld(); err != nil {
		return nil, err
	}
	b := make([]byte, 0, 64+len(l.open)*32)
	b = append(b, snapshotVersion)
	flags := uint64(0)
	for i, on := range []bool{l.cut, l.suspended, l.returned, l.cancelled, l.lock.Payoff} {
		if on {
			flags |= 1 << i
		}
	}
	b = binary.AppendUvarint(b, flags)
	for _, n := range []int64{int64(l.at), int64(l.next), int64(l.future), int64(l.earned), int64(l.dueInterest), int64(l.earnedFee),
		int64(l.received), int64(l.refundPayable), int64(l.refunded), l.lock.OrderID, int64(l.lock.Amount), int64(l.lock.On)} {
		b = binary.AppendVarint(b, n)
	}
	b = appendAmounts(b, l.closed)
	b = appendAmounts(b, l.paid)
	var err error
	if b, err = appendSum(b, l.trimmed); err != nil {
		return nil, err
	}
	b = binary.AppendUvarint(b, uint64(len(l.open)))
	for i := range l.open {
		r := &l.open[i]
		for _, n := range []int64{int64(r.number), int64(r.due), int64(r.principal), int64(r.interest), int64(r.fee)} {
			b = binary.AppendVarint(b, n)
		}
		b = appendAmounts(b, r.paid)
		b = appendAmounts(b, r.cover)
		for _, s := range []money.Sum{r.penalty, r.compound} {
			if b, err = appendSum(b, s); err != nil {
				return nil, err
			}
		}
	}
	return b, nil
}

func appendAmounts(b []byte, a allocate.Amounts) []byte {
	for _, v := range a {
		b = binary.AppendVarint(b, int64(v))
	}
	return b
}

func appendSum(b []byte, s money.Sum) ([]byte, error) {
	hi, lo, err := s.Whole()
	if err != nil {
		return nil, fmt.Errorf("loan: storing a life: %w", err)
	}
	return binary.AppendUvarint(binary.AppendUvarint(b, hi), lo), nil
}

// Contract is a loan's terms with their plan, ready for many lives. It is never changed and may be shared.
type Contract struct {
	terms *Terms
	plan  *schedule.Plan
}

// Prepare makes the contract of a paid-out loan.
func Prepare(terms Terms, on calendar.Date) (*Contract, error) {
	l, err := Begin(terms, on)
	if err != nil {
		return nil, err
	}
	return &Contract{terms: l.terms, plan: l.plan}, nil
}

// Begin starts a life of the contract.
func (c *Contract) Begin() *Life { return start(c.terms, c.plan) }

// Decode reads a stored life.
func (c *Contract) Decode(b []byte) (*Life, error) {
	if len(b) == 0 || b[0] != snapshotVersion {
		return nil, ErrSnapshot
	}
	d := reader{rest: b[1:]}
	l := start(c.terms, c.plan)
	flags := d.uvarint()
	for i, on := range []*bool{&l.cut, &l.suspended, &l.returned, &l.cancelled, &l.lock.Payoff} {
		*on = flags&(1<<i) != 0
	}
	l.at, l.next, l.future = calendar.Date(d.varint()), int(d.varint()), money.Amount(d.varint())
	for _, into := range []*money.Amount{&l.earned, &l.dueInterest, &l.earnedFee, &l.received, &l.refundPayable, &l.refunded} {
		*into = money.Amount(d.varint())
	}
	l.lock.OrderID, l.lock.Amount = d.varint(), money.Amount(d.varint())
	l.lock.On = calendar.Date(d.varint())
	d.amounts(&l.closed)
	d.amounts(&l.paid)
	d.sum(&l.trimmed)
	n := d.uvarint()
	if n > schedule.MaxInstalments+1 {
		return nil, ErrSnapshot
	}
	l.open = make([]row, n)
	for i := range l.open {
		r := &l.open[i]
		r.number, r.due = int(d.varint()), calendar.Date(d.varint())
		r.principal, r.interest, r.fee = money.Amount(d.varint()), money.Amount(d.varint()), money.Amount(d.varint())
		d.amounts(&r.paid)
		d.amounts(&r.cover)
		d.sum(&r.penalty)
		d.sum(&r.compound)
		r.met = calendar.None
	}
	if d.bad || len(d.rest) != 0 || l.next < 0 || (!l.cut && l.next > len(c.plan.Rows)) || l.at < c.terms.Plan.DisbursedOn {
		return nil, ErrSnapshot
	}
	return l, nil
}

// reader takes integers from the front; bad if they run out.
type reader struct {
	rest []byte
	bad  bool
}

func (d *reader) varint() int64 {
	v, n := binary.Varint(d.rest)
	return take(d, v, n)
}

func (d *reader) uvarint() uint64 {
	v, n := binary.Uvarint(d.rest)
	return take(d, v, n)
}

func take[T int64 | uint64](d *reader, v T, n int) T {
	if n <= 0 {
		d.bad, d.rest = true, nil
		return 0
	}
	d.rest = d.rest[n:]
	return v
}

func (d *reader) amounts(a *allocate.Amounts) {
	for i := range a {
		a[i] = money.Amount(d.varint())
	}
}

func (d *reader) sum(s *money.Sum) {
	s.Hi, s.Lo = d.uvarint(), d.uvarint()
}
