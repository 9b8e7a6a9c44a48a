package loan

import (
	"fmt"

	"github.com/hengdai/hengdai/domain/allocate"
	"github.com/hengdai/hengdai/domain/calendar"
	"github.com/hengdai/hengdai/domain/ledger"
	"github.com/hengdai/hengdai/domain/money"
)

// accounts are those a loan's position has, in the order of Position.
var accounts = [...]string{
	ledger.Principal, ledger.ReceivableInterest, ledger.ReceivableCompound, ledger.ReceivablePenalty, ledger.ReceivableFee,
	ledger.Unapplied, ledger.PayableReturned, ledger.RefundPayable, ledger.InterestIncome, ledger.FeeIncome,
	ledger.TaxPending, ledger.TaxOutput, ledger.MemoInterest, ledger.MemoInterestX, ledger.ClearingAccount,
}

// Indexes into Position.
const (
	posPrincipal = iota
	posInterest
	posCompound
	posPenalty
	posFee
	posUnapplied
	posPayable
	posRefund
	posIncome
	posFeeIncome
	posTaxPending
	posTaxOutput
	posMemo
	posMemoX
	posClearing
	positions
)

// Position is the balance of each of the loan's accounts: debits positive. It adds up to zero.
type Position [positions]int64

// Plus and Minus work account by account.
func (p Position) Plus(o Position) Position {
	for i := range p {
		p[i] += o[i]
	}
	return p
}

// Minus takes one position from another.
func (p Position) Minus(o Position) Position {
	for i := range p {
		p[i] -= o[i]
	}
	return p
}

// IsZero says that nothing is on any account.
func (p Position) IsZero() bool { return p == Position{} }

// Entries are the position's balances as entries; none for zero.
func (p Position) Entries(product string) []ledger.Entry {
	n := 0
	for _, v := range p {
		if v != 0 {
			n++
		}
	}
	if n == 0 {
		return nil
	}
	entries := make([]ledger.Entry, 0, n)
	for i, v := range p {
		if v != 0 {
			entries = append(entries, ledger.Entry{Account: accounts[i], AmountMinor: v, Product: product})
		}
	}
	return entries
}

// PositionOf adds entries up as a position. An account that no loan has is an error.
func PositionOf(entries []ledger.Entry) (Position, error) {
	var p Position
next:
	for _, e := range entries {
		for i, a := range accounts {
			if a == e.Account {
				p[i] += e.AmountMinor
				continue next
			}
		}
		return p, fmt.Errorf("loan: %s is no account of a loan", e.Account)
	}
	return p, nil
}

// Position is the balance of the loan's accounts with everything accrued for the days before `through`, which is not
// before At.
func (l *Life) Position(through calendar.Date) (Position, error) {
	t := l
	if through != l.at {
		t = l.Clone()
		if err := t.Advance(through); err != nil {
			return Position{}, err
		}
	}
	return t.positionNow()
}

// Span answers the positions through two days, and the standing at the second: what a day's close needs, in one pass.
func (l *Life) Span(from, to calendar.Date) (a, b Position, standing Standing, err error) {
	t := l.Clone()
	if err = t.Advance(from); err != nil {
		return a, b, standing, err
	}
	if a, err = t.positionNow(); err != nil {
		return a, b, standing, err
	}
	if err = t.Advance(to); err != nil {
		return a, b, standing, err
	}
	if b, err = t.positionNow(); err != nil {
		return a, b, standing, err
	}
	standing, err = t.standingNow()
	return a, b, standing, err
}

// accruals is what the loan was charged in all, and what of interest and fee fell due or was paid.
type accruals struct {
	charged          allocate.Amounts
	dueInterest, fee money.Amount
}

func (l *Life) accrualsNow() (accruals, error) {
	a := accruals{charged: l.closed}
	a.charged[allocate.Interest], a.charged[allocate.Fee] = l.earned, l.earnedFee
	a.dueInterest, a.fee = l.dueInterest, l.earnedFee
	for i := range l.open {
		r := &l.open[i]
		charged, err := l.charged(r, l.at)
		if err != nil {
			return a, err
		}
		a.charged[allocate.Penalty] += charged[allocate.Penalty]
		a.charged[allocate.Compound] += charged[allocate.Compound]
		if r.due >= l.at { // falls due on the day that begins: taxed at its close, or when it is paid
			if r.paid[allocate.Interest] < r.interest {
				a.dueInterest -= r.interest - r.paid[allocate.Interest]
			}
			if r.paid[allocate.Fee] < r.fee {
				a.fee -= r.fee - r.paid[allocate.Fee]
			}
		}
	}
	interest, fee, err := l.running(l.at)
	if err != nil {
		return a, err
	}
	a.charged[allocate.Interest] += interest
	a.charged[allocate.Fee] += fee
	return a, nil
}

// positionNow is the position through the day the life was brought to.
func (l *Life) positionNow() (Position, error) {
	var p Position
	disbursed := l.terms.Plan.Principal
	p[posUnapplied] = -int64(l.Unapplied())
	p[posRefund] = -int64(l.refundPayable)
	p[posClearing] = int64(l.received - l.refunded)
	if l.returned {
		// Accruals and allocations are reversed whole; the claim stays against the payable until it is paid again or
		// given up.
		if !l.cancelled {
			p[posPrincipal], p[posPayable] = int64(disbursed), -int64(disbursed)
		}
		return p, nil
	}
	p[posClearing] -= int64(disbursed)
	a, err := l.accrualsNow()
	if err != nil {
		return p, err
	}
	p[posPrincipal] = int64(disbursed - l.paid[allocate.Principal])
	booked := a.charged
	if l.suspended { // cash basis: what was paid is income, the rest is memo
		booked = l.paid
		a.dueInterest, a.fee = booked[allocate.Interest], booked[allocate.Fee]
		memo := earnings(a.charged) - earnings(l.paid)
		p[posMemo], p[posMemoX] = int64(memo), -int64(memo)
	}
	p[posInterest] = int64(booked[allocate.Interest] - l.paid[allocate.Interest])
	p[posCompound] = int64(booked[allocate.Compound] - l.paid[allocate.Compound])
	p[posPenalty] = int64(booked[allocate.Penalty] - l.paid[allocate.Penalty])
	p[posFee] = int64(booked[allocate.Fee] - l.paid[allocate.Fee])
	return p, l.income(&p, booked, a)
}

// earnings is what of the components is income when it is booked.
func earnings(a allocate.Amounts) money.Amount {
	return a[allocate.Interest] + a[allocate.Compound] + a[allocate.Penalty] + a[allocate.Fee]
}

// income splits what is booked into net income and tax: the tax on interest and fees not yet due waits.
func (l *Life) income(p *Position, booked allocate.Amounts, a accruals) error {
	late := booked[allocate.Penalty] + booked[allocate.Compound]
	taxes := [4]money.Amount{}
	for i, gross := range [4]money.Amount{booked[allocate.Interest], booked[allocate.Fee], a.dueInterest, a.fee} {
		tax, err := l.tax(gross)
		if err != nil {
			return err
		}
		taxes[i] = tax
	}
	lateTax, err := l.tax(late)
	if err != nil {
		return err
	}
	p[posIncome] = -int64(booked[allocate.Interest] + late - taxes[0] - lateTax)
	p[posFeeIncome] = -int64(booked[allocate.Fee] - taxes[1])
	p[posTaxOutput] = -int64(taxes[2] + taxes[3] + lateTax)
	p[posTaxPending] = -int64(taxes[0] + taxes[1] - taxes[2] - taxes[3])
	return nil
}

// tax is the value added tax in a sum that includes it, rounded half up on the cumulative sum.
func (l *Life) tax(gross money.Amount) (money.Amount, error) {
	return money.PPM(l.terms.VATPPM).Within(gross, money.HalfUp)
}
