package loan_test

import (
	"errors"
	"fmt"
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/hengdai/hengdai/domain/allocate"
	"github.com/hengdai/hengdai/domain/calendar"
	"github.com/hengdai/hengdai/domain/ledger"
	"github.com/hengdai/hengdai/domain/legal"
	"github.com/hengdai/hengdai/domain/loan"
	"github.com/hengdai/hengdai/domain/money"
	"github.com/hengdai/hengdai/domain/schedule"
)

var paidOut = calendar.Of(2026, 1, 15)

func terms(t testing.TB) loan.Terms {
	t.Helper()
	terms, err := loan.Defaults(legal.Bank, paidOut)
	if err != nil {
		t.Fatal(err)
	}
	terms.Plan = schedule.Terms{Principal: 1_200_000, RatePPM: 180_000, Method: schedule.EqualInstalment, DayCount: calendar.Thirty360,
		Instalments: 12, Every: 1, FirstDueOn: calendar.None}
	return terms
}

func begin(t testing.TB, terms loan.Terms) *loan.Life {
	t.Helper()
	l, err := loan.Begin(terms, paidOut)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func do(t testing.TB, l *loan.Life, h loan.Happening) {
	t.Helper()
	if err := l.Do(h); err != nil {
		t.Fatal(err)
	}
}

func standing(t testing.TB, l *loan.Life, on calendar.Date) loan.Standing {
	t.Helper()
	s, err := l.Standing(on)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestALoanPaidOnItsDueDaysBearsItsScheduleAndNothingElse(t *testing.T) {
	l := begin(t, terms(t))
	var paid money.Amount
	for _, r := range l.Plan().Rows {
		s := standing(t, l, r.DueOn)
		if s.Due != r.Due() || s.DPD != 0 || s.Overdue != 0 {
			t.Fatalf("on %s: %+v, row %+v", r.DueOn, s, r)
		}
		do(t, l, loan.Happening{Kind: loan.Receive, On: r.DueOn, Amount: r.Due()})
		paid += r.Due()
	}
	if !l.Settled() || l.Outstanding() != 0 || l.Unapplied() != 0 {
		t.Error("the loan is not settled")
	}
	principal, interest, _ := l.Plan().Totals()
	if paid != principal+interest {
		t.Errorf("paid %d", paid)
	}
}

func TestPaidOneDayLateIsOneDayOfPenalty(t *testing.T) {
	l := begin(t, terms(t))
	row := l.Plan().Rows[0]
	s := standing(t, l, row.DueOn+1)
	// 920.16 overdue x 27 % / 360 = 0.69012; the cap leaves 12000 x 24 % / 365 - 11079.84 x 18 % / 360 = 7.8904 - 5.5399 = 2.3505
	if s.DPD != 1 || s.Due != row.Due()+69 || s.Overdue != row.Due()+69 || s.Bucket != "M1" || s.Class != loan.SpecialMention {
		t.Errorf("%+v", s)
	}
}

func TestTheRunningCapTrimsThePenalty(t *testing.T) {
	tm := terms(t)
	tm.Plan.RatePPM, tm.Plan.DayCount, tm.Plan.Method, tm.Plan.Instalments = 240_000, calendar.Actual365, schedule.InterestFirst, 1
	l := begin(t, tm)
	due := l.Plan().Rows[0].DueOn
	s := standing(t, l, due+100)
	// 36 % is trimmed to 24 %: 12000 x 24 % x 100 / 365 = 789.041...; trimmed 394.52...
	want := l.Plan().Rows[0].Due() + 78904
	if s.Due != want || s.Trimmed != 39452 {
		t.Errorf("due %d, want %d; trimmed %d", s.Due, want, s.Trimmed)
	}
}

func TestGraceForgivesThePenaltyIfItIsKeptAndElseItRunsFromTheDueDate(t *testing.T) {
	tm := terms(t)
	tm.GraceDays = 3
	l := begin(t, tm)
	row := l.Plan().Rows[0]
	in, after := standing(t, l, row.DueOn+3), standing(t, l, row.DueOn+4)
	if in.Due != row.Due() || in.DPD != 3 || in.DPDAfterGrace != 0 {
		t.Errorf("within grace: %+v", in)
	}
	if after.Due != row.Due()+276 || after.DPDAfterGrace != 4 { // 4 x 0.69012
		t.Errorf("after grace: %+v", after)
	}
}

func TestMoneyUnderWayBearsNoPenaltyAndNoDaysPastDue(t *testing.T) {
	l := begin(t, terms(t))
	row := l.Plan().Rows[0]
	do(t, l, loan.Happening{Kind: loan.LockMoney, On: row.DueOn, Amount: row.Due(), OrderID: 7})
	if s := standing(t, l, row.DueOn+5); s.DPD != 0 || s.Due != row.Due() || !s.Locked {
		t.Errorf("locked: %+v", s)
	}
	failed := l.Clone()
	do(t, failed, loan.Happening{Kind: loan.UnlockMoney, On: row.DueOn + 5, OrderID: 7})
	if s := standing(t, failed, row.DueOn+6); s.DPD != 6 || s.Due != row.Due()+69 {
		t.Errorf("after the order failed: %+v", s)
	}
	do(t, l, loan.Happening{Kind: loan.Receive, On: row.DueOn, Amount: row.Due(), OrderID: 7})
	if s := standing(t, l, row.DueOn+6); s.DPD != 0 || s.Due != 0 || s.Locked {
		t.Errorf("after the money came: %+v", s)
	}
	if err := l.Do(loan.Happening{Kind: loan.UnlockMoney, On: row.DueOn + 9, OrderID: 7}); !errors.Is(err, loan.ErrNotNow) {
		t.Errorf("unlocked twice: %v", err)
	}
}

func TestPayingOffCostsInterestToTheDay(t *testing.T) {
	l := begin(t, terms(t))
	row := l.Plan().Rows[0]
	do(t, l, loan.Happening{Kind: loan.Receive, On: row.DueOn, Amount: row.Due()})
	on := row.DueOn + 10
	payoff, err := l.PayoffOn(on)
	// 11079.84 + 11079.84 x 18 % x 10 / 360 = 11079.84 + 55.40
	if err != nil || payoff != 1_107_984+5540 {
		t.Fatalf("payoff %d, %v", payoff, err)
	}
	parts, left, settled, err := l.Try(loan.Happening{Kind: loan.Receive, On: on, Amount: payoff, Payoff: true})
	if err != nil || !settled || left != 0 || len(parts) != 1 || parts[0].Paid[allocate.Interest] != 5540 {
		t.Errorf("trial: %+v %d %v %v", parts, left, settled, err)
	}
	do(t, l, loan.Happening{Kind: loan.Receive, On: on, Amount: payoff, Payoff: true})
	if !l.Settled() || l.Unapplied() != 0 {
		t.Error("not settled")
	}
	sameDay := begin(t, terms(t))
	if p, err := sameDay.PayoffOn(paidOut); err != nil || p != 1_200_000 {
		t.Errorf("paid back on the same day: %d, %v", p, err)
	}
}

func TestAReturnedPayoutOwesNothing(t *testing.T) {
	l := begin(t, terms(t))
	do(t, l, loan.Happening{Kind: loan.Receive, On: paidOut + 31, Amount: 5000})
	do(t, l, loan.Happening{Kind: loan.PayoutBack, On: paidOut + 40})
	s := standing(t, l, paidOut+100)
	if s.Due != 0 || s.Payoff != 0 || s.DPD != 0 || l.Unapplied() != 5000 {
		t.Errorf("%+v", s)
	}
	p, err := l.Position(paidOut + 100)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]int64{ledger.Principal: 1_200_000, ledger.PayableReturned: -1_200_000, ledger.Unapplied: -5000, ledger.ClearingAccount: 5000}
	for _, e := range p.Entries("") {
		if want[e.Account] != e.AmountMinor {
			t.Errorf("%s: %d", e.Account, e.AmountMinor)
		}
		delete(want, e.Account)
	}
	if len(want) != 0 {
		t.Errorf("missing: %v", want)
	}
}

func TestMoneyChargedBackNeverPaidButBoreNoPenaltyWhileItWasWithUs(t *testing.T) {
	l := begin(t, terms(t))
	row := l.Plan().Rows[0]
	receipt := loan.Happening{Seq: 2, Kind: loan.Receive, On: row.DueOn, Amount: row.Due(), OrderID: 7}
	happened := []loan.Happening{{Seq: 1, Kind: loan.Disbursal, On: paidOut}, receipt}
	back := loan.Happening{Seq: 3, Kind: loan.ChargeBack, On: row.DueOn + 10, Amount: row.Due(), OrderID: 7}
	do(t, l, receipt)
	if err := l.Clone().Do(back); !errors.Is(err, loan.ErrLate) {
		t.Fatalf("counted without a replay: %v", err)
	}
	after, err := loan.Replay(terms(t), append(happened, back), true)
	if err != nil {
		t.Fatal(err)
	}
	if s := standing(t, after, back.On); s.DPD != 10 || s.Due != row.Due() || s.Overdue != row.Due() || s.Outstanding != 1_200_000 || s.Unapplied != 0 {
		t.Errorf("on the day of the charge-back: %+v", s)
	}
	if s := standing(t, after, back.On+1); s.DPD != 11 || s.Due != row.Due()+69 {
		t.Errorf("a day later: %+v", s)
	}
	for _, wrong := range []loan.Happening{{Seq: 3, Kind: loan.ChargeBack, On: back.On, Amount: row.Due(), OrderID: 8},
		{Seq: 3, Kind: loan.ChargeBack, On: row.DueOn - 1, Amount: row.Due(), OrderID: 7}, {Seq: 3, Kind: loan.ChargeBack, On: back.On, Amount: 1, OrderID: 7}} {
		if _, err := loan.Replay(terms(t), append(happened, wrong), false); !errors.Is(err, loan.ErrNotNow) {
			t.Errorf("%+v: %v", wrong, err)
		}
	}
	twice := []loan.Happening{back, {Seq: 4, Kind: loan.ChargeBack, On: back.On, Amount: row.Due(), OrderID: 7}}
	if _, err := loan.Replay(terms(t), append(happened, twice...), false); !errors.Is(err, loan.ErrNotNow) {
		t.Errorf("one receipt charged back twice: %v", err)
	}
}

func TestNonAccrualTakesUnpaidIncomeOffTheBooksAndCashBringsItBack(t *testing.T) {
	l := begin(t, terms(t))
	on := l.Plan().Rows[0].DueOn + 91
	do(t, l, loan.Happening{Kind: loan.Suspend, On: on})
	off, err := l.Position(on)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range off.Entries("") {
		switch e.Account {
		case ledger.InterestIncome, ledger.ReceivableInterest, ledger.ReceivablePenalty, ledger.TaxPending, ledger.TaxOutput:
			t.Errorf("%s still holds %d", e.Account, e.AmountMinor)
		}
	}
	do(t, l, loan.Happening{Kind: loan.Receive, On: on, Amount: 5300})
	cash, err := l.Position(on)
	if err != nil {
		t.Fatal(err)
	}
	booked := map[string]int64{}
	for _, e := range cash.Minus(off).Entries("") {
		booked[e.Account] = e.AmountMinor
	}
	if booked[ledger.InterestIncome] != -5000 || booked[ledger.TaxOutput] != -300 || booked[ledger.MemoInterest] != -5300 {
		t.Errorf("cash booked %v", booked)
	}
}

func TestAPlainLifeGoesAsItsGoldenFileSays(t *testing.T) {
	tm := terms(t)
	tm.Compound = true
	l := begin(t, tm)
	var out strings.Builder
	show := func(what string, on calendar.Date) {
		s := standing(t, l, on)
		p, err := l.Position(on)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&out, "%s %-28s dpd %3d %-3s %-15s overdue %9s due %9s payoff %9s unapplied %7s trimmed %7s\n", on, what, s.DPD, s.Bucket, s.Class,
			money.CNY.Format(s.Overdue), money.CNY.Format(s.Due), money.CNY.Format(s.Payoff), money.CNY.Format(s.Unapplied), money.CNY.Format(s.Trimmed))
		for _, e := range p.Entries("") {
			fmt.Fprintf(&out, "    %-14s %12s\n", e.Account, money.CNY.Format(money.Amount(e.AmountMinor)))
		}
	}
	rows := l.Plan().Rows
	show("paid out", paidOut)
	show("mid period", paidOut+10)
	do(t, l, loan.Happening{Kind: loan.Receive, On: rows[0].DueOn, Amount: rows[0].Due()})
	show("first row paid", rows[0].DueOn)
	show("second row 20 days late", rows[1].DueOn+20)
	do(t, l, loan.Happening{Kind: loan.Receive, On: rows[1].DueOn + 20, Amount: 50_000})
	show("a part came", rows[1].DueOn+20)
	show("two rows late", rows[2].DueOn+40)
	do(t, l, loan.Happening{Kind: loan.Suspend, On: rows[1].DueOn + 91})
	show("suspended", rows[1].DueOn+91)
	on := rows[1].DueOn + 120
	payoff := standing(t, l, on).Payoff
	do(t, l, loan.Happening{Kind: loan.Receive, On: on, Amount: payoff + 100, Payoff: true})
	show("paid off, one yuan too much", on)
	golden(t, "life.golden", out.String())
}

// The penalty of a loan without a cap, counted day by day with fractions, is what the life says.
func TestThePenaltyIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tm, err := loan.Defaults(legal.Bank, paidOut)
		if err != nil {
			t.Fatal(err)
		}
		count := rapid.SampledFrom(calendar.DayCounts).Draw(t, "day count")
		tm.Plan = schedule.Terms{Principal: money.Amount(rapid.Int64Range(1, 1e9).Draw(t, "principal")), RatePPM: rapid.Int64Range(0, 360_000).Draw(t, "rate"),
			Method: schedule.InterestFirst, DayCount: count, Instalments: 1, Every: 1, FirstDueOn: calendar.None}
		tm.PenaltyPermille = rapid.Int64Range(1000, 2000).Draw(t, "factor")
		on := calendar.Date(rapid.Int32Range(20000, 25000).Draw(t, "on"))
		l, err := loan.Begin(tm, on)
		if err != nil {
			t.Fatal(err)
		}
		row := l.Plan().Rows[0]
		late := rapid.IntRange(0, 800).Draw(t, "late")
		penalty, trimmed := new(big.Rat), new(big.Rat)
		for d := row.DueOn; d < row.DueOn+calendar.Date(late); d++ {
			part := big.NewRat(count.DayPart(d), count.Divisor(calendar.Month))
			raw := part.Mul(part, big.NewRat(int64(tm.Plan.Principal)*tm.Plan.RatePPM, 1_000_000))
			raw.Mul(raw, big.NewRat(tm.PenaltyPermille, 1000))
			year := int64(365)
			if calendar.Leap((d + 1).Year()) {
				year = 366
			}
			room := big.NewRat(int64(tm.Plan.Principal)*240_000, 1_000_000*year)
			if raw.Cmp(room) > 0 {
				trimmed.Add(trimmed, new(big.Rat).Sub(raw, room))
				raw = room
			}
			penalty.Add(penalty, raw)
		}
		s, err := l.Standing(row.DueOn + calendar.Date(late))
		if err != nil {
			t.Fatal(err)
		}
		want := new(big.Rat).Add(penalty, big.NewRat(1, 2))
		floor := new(big.Int).Div(want.Num(), want.Denom()).Int64()
		cut := new(big.Int).Div(trimmed.Num(), trimmed.Denom()).Int64()
		if int64(s.Due-row.Due()) != floor || int64(s.Trimmed) != cut {
			t.Fatalf("penalty %d, trimmed %d; by days %s, %s", s.Due-row.Due(), s.Trimmed, penalty.FloatString(4), trimmed.FloatString(4))
		}
	})
}

func FuzzDecodeAStoredLife(f *testing.F) {
	tm := terms(f)
	contract, err := loan.Prepare(tm, paidOut)
	if err != nil {
		f.Fatal(err)
	}
	l := begin(f, tm)
	do(f, l, loan.Happening{Kind: loan.LockMoney, On: l.Plan().Rows[0].DueOn + 9, Amount: 5000, OrderID: 3})
	stored, err := l.Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(stored)
	f.Fuzz(func(t *testing.T, b []byte) {
		life, err := contract.Decode(b)
		if err != nil {
			return
		}
		if life.At() > paidOut+5000 {
			return // a date that nobody wrote: only slow
		}
		_, _ = life.Standing(life.At() + 400)
		_, _ = life.Position(life.At() + 400)
	})
}
