package loan_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/hengdai/hengdai/domain/calendar"
	"github.com/hengdai/hengdai/domain/ledger"
	"github.com/hengdai/hengdai/domain/legal"
	"github.com/hengdai/hengdai/domain/loan"
	"github.com/hengdai/hengdai/domain/money"
	"github.com/hengdai/hengdai/domain/schedule"
)

func randomTerms(t *rapid.T) loan.Terms {
	tm, err := loan.Defaults(legal.Bank, paidOut)
	if err != nil {
		t.Fatal(err)
	}
	tm.Plan = schedule.Terms{
		Principal: money.Amount(rapid.Int64Range(100, 20_000_000).Draw(t, "principal")), RatePPM: rapid.Int64Range(0, 240_000).Draw(t, "rate"),
		Method: rapid.SampledFrom(schedule.Methods).Draw(t, "method").Name, DayCount: rapid.SampledFrom(calendar.DayCounts).Draw(t, "count"),
		Instalments: rapid.IntRange(1, 12).Draw(t, "n"), Every: 1, FirstDueOn: calendar.None,
	}
	if rapid.IntRange(0, 3).Draw(t, "fee") == 0 {
		tm.Plan.FeeEach = min(tm.Plan.Principal, 300)
	}
	tm.Compound = rapid.Bool().Draw(t, "compound")
	tm.GraceDays = rapid.SampledFrom([]int{0, 0, 3}).Draw(t, "grace")
	return tm
}

// book is a journal of one loan: its own entries and its shares of the daily sums.
type book struct {
	t       *rapid.T
	life    *loan.Life
	events  []loan.Happening
	total   loan.Position
	through calendar.Date // booked by own entries
	closed  calendar.Date // the closes done: all days before it
	order   int64
}

func (b *book) booked() calendar.Date { return max(b.through, b.closed) }

func legsOf(h loan.Happening) []ledger.Entry {
	switch h.Kind {
	case loan.Receive:
		return ledger.Collected(int64(h.Amount))
	case loan.OrderRefund:
		return ledger.RefundOrdered(int64(h.Amount))
	case loan.RefundPaid:
		return ledger.Refunded(int64(h.Amount))
	case loan.RefundBack:
		return ledger.RefundCameBack(int64(h.Amount))
	case loan.ChargeBack, loan.TakenBack:
		return ledger.RepaymentChargedBack(int64(h.Amount))
	case loan.PayoutBack:
		return ledger.ReturnedToUs(0)
	default:
		return nil
	}
}

func (b *book) happen(h loan.Happening) bool {
	h.Seq = int64(len(b.events) + 1)
	after := b.life.Clone()
	var err error
	if h.On < after.At() || h.Kind == loan.ChargeBack {
		after, err = loan.Replay(*b.life.Terms(), append(b.events, h), false)
	} else {
		err = after.Do(h)
	}
	if err != nil {
		return false // an event out of its order; nothing changed
	}
	legs := legsOf(h)
	booking, err := loan.Book(b.life, after, b.booked(), legs)
	if err != nil {
		b.t.Fatal(err)
	}
	stated, err := loan.PositionOf(legs)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, p := range []loan.Position{booking.Accrued, booking.Moved, stated} {
		if entries := p.Entries(""); entries != nil {
			if err := (ledger.Transaction{Event: string(h.Kind), Entries: entries}).Validate(); err != nil {
				b.t.Fatal(err)
			}
		}
		b.total = b.total.Plus(p)
	}
	b.life, b.through, b.events = after, booking.Through, append(b.events, h)
	return true
}

func (b *book) close(day calendar.Date) loan.Standing {
	share, s, err := loan.Share(b.life, b.through, day)
	if err != nil {
		b.t.Fatal(err)
	}
	b.total, b.closed = b.total.Plus(share), day+1
	return s
}

func (b *book) check() {
	want, err := b.life.Position(b.booked())
	if err != nil {
		b.t.Fatal(err)
	}
	if want != b.total {
		b.t.Fatalf("on %s the journal holds %v, the loan is %v", b.booked(), b.total.Entries(""), want.Entries(""))
	}
	encoded, err := b.life.Encode()
	if err != nil {
		b.t.Fatal(err)
	}
	contract, err := loan.Prepare(*b.life.Terms(), b.life.Terms().Plan.DisbursedOn)
	if err != nil {
		b.t.Fatal(err)
	}
	back, err := contract.Decode(encoded)
	if err != nil {
		b.t.Fatal(err)
	}
	if p, err := back.Position(b.booked()); err != nil || p != want {
		b.t.Fatalf("a stored life came back as another: %v", err)
	}
	whole, err := loan.Replay(*b.life.Terms(), b.events, true)
	if err != nil {
		b.t.Fatal(err)
	}
	if p, err := whole.Position(b.booked()); err != nil || p != want {
		b.t.Fatalf("the replayed life is another: %v %v", err, p.Minus(want).Entries(""))
	}
}

// act draws something that happens on a day.
func (b *book) act(day calendar.Date, settled bool) {
	t := b.t
	on := day
	if rapid.IntRange(0, 9).Draw(t, "late") == 0 {
		on = max(b.life.Terms().Plan.DisbursedOn, day-calendar.Date(rapid.IntRange(1, 20).Draw(t, "days late")))
	}
	s, err := b.life.Standing(max(day, b.life.At()))
	if err != nil {
		t.Fatal(err)
	}
	lock := b.life.Locked()
	switch rapid.IntRange(0, 10).Draw(t, "act") {
	case 10:
		b.chargeBack(on)
	case 0, 1:
		if s.Due > 0 && lock.OrderID == 0 {
			b.happen(loan.Happening{Kind: loan.Receive, On: on, Amount: s.Due})
		}
	case 2:
		b.happen(loan.Happening{Kind: loan.Receive, On: on, Amount: money.Amount(rapid.Int64Range(1, 1_000_000).Draw(t, "amount"))})
	case 3:
		if rapid.IntRange(0, 4).Draw(t, "payoff") == 0 && lock.OrderID == 0 && s.Payoff > 0 {
			b.happen(loan.Happening{Kind: loan.Receive, On: on, Amount: s.Payoff, Payoff: true})
		}
	case 4:
		if s.Due > 0 && lock.OrderID == 0 && !settled {
			b.order++
			b.happen(loan.Happening{Kind: loan.LockMoney, On: day, Amount: s.Due, OrderID: b.order})
		}
	case 5:
		if lock.OrderID != 0 {
			b.happen(loan.Happening{Kind: loan.Receive, On: max(lock.On, b.life.At()), Amount: lock.Amount, OrderID: lock.OrderID})
		}
	case 6:
		if lock.OrderID != 0 {
			b.happen(loan.Happening{Kind: loan.UnlockMoney, On: day, OrderID: lock.OrderID})
		}
	case 7:
		b.happen(loan.Happening{Kind: loan.ApplyExcess, On: day})
	case 8:
		if s.DPD > 90 != b.life.Suspended() {
			kind := loan.Suspend
			if b.life.Suspended() {
				kind = loan.Resume
			}
			b.happen(loan.Happening{Kind: kind, On: day})
		}
	case 9:
		if s.Unapplied > 0 && settled {
			b.happen(loan.Happening{Kind: loan.OrderRefund, On: day, Amount: s.Unapplied})
			b.happen(loan.Happening{Kind: loan.RefundPaid, On: day, Amount: s.Unapplied})
			if rapid.IntRange(0, 2).Draw(t, "refund returned") == 0 {
				b.happen(loan.Happening{Kind: loan.RefundBack, On: day, Amount: s.Unapplied})
			}
		}
	}
}

// chargeBack takes a receipt back; if that cannot be replayed, the money alone goes.
func (b *book) chargeBack(on calendar.Date) {
	var receipts []loan.Happening
	for _, h := range b.events {
		if h.Kind == loan.Receive {
			receipts = append(receipts, h)
		}
	}
	if len(receipts) == 0 {
		return
	}
	r := rapid.SampledFrom(receipts).Draw(b.t, "charged back")
	back := loan.Happening{Kind: loan.ChargeBack, On: on, Amount: r.Amount, OrderID: r.OrderID}
	on = loan.Undoes(b.events, back)
	if on == calendar.None {
		return
	}
	back.On = max(back.On, on)
	if !b.happen(back) {
		b.happen(loan.Happening{Kind: loan.TakenBack, On: max(back.On, b.life.At()), Amount: r.Amount, OrderID: r.OrderID})
	}
}

func TestThroughAnyLifeTheJournalIsTheLoan(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tm := randomTerms(t)
		first, err := loan.Begin(tm, paidOut)
		if err != nil {
			return // terms without a plan
		}
		b := &book{t: t, life: first, closed: paidOut + calendar.Date(rapid.IntRange(0, 2).Draw(t, "told late"))}
		opening, err := loan.Opening(first, b.closed)
		if err != nil {
			t.Fatal(err)
		}
		legs, err := loan.PositionOf(ledger.Disbursed(int64(tm.Plan.Principal)))
		if err != nil {
			t.Fatal(err)
		}
		b.total, b.through = legs.Plus(opening.Accrued), opening.Through
		b.events = []loan.Happening{{Seq: 1, Kind: loan.Disbursal, On: paidOut, Amount: tm.Plan.Principal}}
		b.check()
		for day := b.closed; day < paidOut+420; {
			for range rapid.IntRange(0, 2).Draw(t, "before the close") {
				b.act(day, b.life.Settled())
			}
			b.close(day)
			if rapid.IntRange(0, 5).Draw(t, "after the close") == 0 {
				b.act(day, b.life.Settled()) // told late: valued on a closed day
			}
			if rapid.IntRange(0, 7).Draw(t, "in the gap") == 0 {
				b.act(day+1, b.life.Settled())
			}
			b.check()
			day++
			for range rapid.IntRange(0, 40).Draw(t, "quiet days") {
				b.close(day)
				day++
			}
		}
		b.check()
	})
}

func TestNoDayChargesMoreThanTheRunningCap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tm := randomTerms(t)
		tm.Plan.FeeEach, tm.GraceDays, tm.Plan.Method, tm.Plan.DayCount = 0, 0, schedule.InterestFirst, calendar.Actual365
		l, err := loan.Begin(tm, paidOut)
		if err != nil {
			return
		}
		var charged, room int64
		for day := paidOut; day < paidOut+600; day += 30 {
			share, _, err := loan.Share(l, day, day)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range share.Entries("") {
				if e.Account == ledger.ReceivableInterest || e.Account == ledger.ReceivablePenalty || e.Account == ledger.ReceivableCompound {
					charged += e.AmountMinor
				}
			}
			room += int64(tm.Plan.Principal)*240_000/1_000_000/365 + 4 // roundings of four sums
		}
		if charged > room {
			t.Fatalf("charged %d, the cap allows %d", charged, room)
		}
	})
}

func BenchmarkShareOfADay(b *testing.B) {
	tm := terms(b)
	contract, err := loan.Prepare(tm, paidOut)
	if err != nil {
		b.Fatal(err)
	}
	l := begin(b, tm)
	do(b, l, loan.Happening{Kind: loan.Receive, On: l.Plan().Rows[0].DueOn, Amount: l.Plan().Rows[0].Due()})
	stored, err := l.Encode()
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		life, err := contract.Decode(stored)
		if err != nil {
			b.Fatal(err)
		}
		if _, _, err := loan.Share(life, paidOut, l.At()+20); err != nil {
			b.Fatal(err)
		}
	}
}
