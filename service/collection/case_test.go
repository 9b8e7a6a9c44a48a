package collection_test

import (
	"fmt"
	"slices"
	"testing"

	collectionv1 "github.com/hengdai/hengdai/api/collection/v1"
	loanv1 "github.com/hengdai/hengdai/api/loan/v1"
	domain "github.com/hengdai/hengdai/domain/collection"
	"github.com/hengdai/hengdai/kit/store/storetest"
	"github.com/hengdai/hengdai/service/collection"
)

const (
	anna  = int64(5<<10 | 17) // users; the last ten bits are the bucket
	boris = int64(6<<10 | 900)
)

func TestBothDialectsMakeTheSameTables(t *testing.T) { storetest.SameSchema(t, collection.Schema()) }

func TestACaseOpensGrowsAndCloses(t *testing.T) {
	onBoth(t, func(t *testing.T, r *rig) {
		r.begin(due + 1)
		r.happen(anna, r.overdue(anna, 100, due, 50_000))
		r.run()
		c := r.onlyCase(anna, "OPEN")
		want(t, c.GetDpd(), 1)
		want(t, c.GetOverdueSince(), (due + 1).String())
		want(t, c.GetNextContactOn(), (due + 3).String()) // the first step was done at once
		want(t, c.GetOverdueMinor(), 50_000)

		r.begin(due + 31)
		e := r.overdue(anna, 100, due, 60_000)
		e.Bucket, e.PreviousBucket = "M2", "M1"
		r.happen(anna, e, &loanv1.RepaymentApplied{LoanId: 100, AmountMinor: 10_000, OverdueMinor: 50_000})
		r.run()
		c = r.onlyCase(anna, "")
		want(t, c.GetBucket(), "M2")
		want(t, c.GetOverdueMinor(), 50_000)

		r.loan.set(100, func(o *owing) { o.minor = 0 })
		r.happen(anna, &loanv1.RepaymentApplied{LoanId: 100, AmountMinor: 50_000, OverdueMinor: 0, Settled: true}, &loanv1.LoanMoved{LoanId: 100, To: "SETTLED"})
		r.run()
		want(t, len(r.cases(anna, "")), 0)
		c = r.onlyCase(anna, "CLOSED")
		want(t, c.GetClosedReason(), "paid")
		want(t, c.GetNextContactOn()+c.GetUntil(), "")
		want(t, r.acts(c.GetCaseId()), "opened contact contact bucket paid_part closed")
		want(t, fmt.Sprint(r.contacts()), "[1 31]")
		told := r.told()
		want(t, told[0].(*collectionv1.CaseOpened).GetCaseId(), c.GetCaseId())
		want(t, told[len(told)-1].(*collectionv1.CaseMoved).GetTo(), "CLOSED")
	})
}

func TestTheSameWordTwiceMakesNoSecondCase(t *testing.T) {
	onBoth(t, func(t *testing.T, r *rig) {
		r.begin(due + 1)
		e := r.overdue(anna, 100, due, 50_000)
		r.happen(anna, e, e, e)
		r.happen(boris, r.overdue(boris, 200, due, 70_000))
		r.run()
		r.open() // a restart reads nothing again
		r.run()
		want(t, r.acts(r.onlyCase(anna, "").GetCaseId()), "opened contact")
		want(t, len(r.cases(0, "")), 2)
	})
}

func TestAWordThatComesLateIsPutRightByTheLoanItself(t *testing.T) {
	onBoth(t, func(t *testing.T, r *rig) {
		r.begin(due + 1)
		e := r.overdue(anna, 100, due, 50_000)
		r.loan.set(100, func(o *owing) { o.minor = 0 })
		// What was paid is told before what was owed.
		r.happen(anna, &loanv1.RepaymentApplied{LoanId: 100, AmountMinor: 50_000}, &loanv1.OverdueChanged{LoanId: 100, Dpd: 0, Bucket: "M0", On: (due + 1).String()}, e)
		r.run()
		c := r.onlyCase(anna, "CLOSED")
		want(t, c.GetClosedReason(), "paid")
		want(t, len(r.contacts()), 0)

		// The same after the loan has ended.
		e = r.overdue(boris, 200, due, 50_000)
		r.loan.set(200, func(o *owing) { o.minor, o.state = 0, "SETTLED" })
		r.happen(boris, &loanv1.LoanMoved{LoanId: 200, To: "SETTLED"}, e)
		r.run()
		want(t, r.onlyCase(boris, "CLOSED").GetClosedReason(), "settled")
		want(t, len(r.contacts()), 0)
	})
}

func TestArrearsThatComeBackGoOnInTheirCaseAndNewOnesBeginAnother(t *testing.T) {
	onBoth(t, func(t *testing.T, r *rig) {
		r.begin(due + 8)
		r.happen(anna, r.overdue(anna, 100, due, 50_000))
		r.run()
		first := r.onlyCase(anna, "OPEN")
		r.happen(anna, &loanv1.RepaymentApplied{LoanId: 100, AmountMinor: 50_000})
		r.run()
		r.begin(due + 9) // the repayment is charged back
		r.happen(anna, r.overdue(anna, 100, due, 50_000))
		r.run()
		again := r.onlyCase(anna, "OPEN")
		want(t, again.GetCaseId(), first.GetCaseId())
		want(t, again.GetNextContactOn(), (due + 15).String())
		want(t, fmt.Sprint(r.contacts()), "[8]") // its step was done

		r.happen(anna, &loanv1.RepaymentApplied{LoanId: 100, AmountMinor: 50_000})
		r.run()
		r.begin(due + 40)
		r.happen(anna, r.overdue(anna, 100, due+31, 50_000))
		r.run()
		if r.onlyCase(anna, "OPEN").GetCaseId() == first.GetCaseId() {
			t.Error("another debt went on in the case of the old one")
		}
		want(t, fmt.Sprint(r.contacts()), "[8 9]")
	})
}

func TestALoanThatIsNoClaimAnyMoreHasNoCaseButOneThatIsWrittenOffHas(t *testing.T) {
	r := start(t)
	r.begin(due + 1)
	for i, state := range []string{"SETTLED", "CANCELLED", "VOID", "PAYOUT_RETURNED", "TRANSFERRED", "COMPENSATED", "WRITTEN_OFF", "ACCELERATED"} {
		user := int64(i+1)<<10 | int64(i)
		r.happen(user, r.overdue(user, int64(300+i), due, 1000), &loanv1.LoanMoved{LoanId: int64(300 + i), To: state})
	}
	r.run()
	want(t, len(r.cases(0, "CLOSED")), 6)
	want(t, len(r.cases(0, "OPEN")), 2)
}

func TestEachStepIsPlannedOnItsDay(t *testing.T) {
	r := start(t)
	r.begin(due + 1)
	r.happen(anna, r.overdue(anna, 100, due, 50_000))
	days := []int32{}
	for day := due + 1; day <= due+200; day++ {
		r.begin(day)
	}
	for _, step := range domain.Default {
		days = append(days, int32(step.DPD))
	}
	if got := r.contacts(); !slices.Equal(got, days) {
		t.Errorf("contacts on days %v, want %v", got, days)
	}
	want(t, r.onlyCase(anna, "OPEN").GetNextContactOn(), "")
	want(t, r.withdrawn(), len(days)-1) // each gave way to the next
}

func TestAJumpOverManyDaysIsNoFlood(t *testing.T) {
	onBoth(t, func(t *testing.T, r *rig) {
		r.begin(due + 1)
		r.happen(anna, r.overdue(anna, 100, due, 50_000))
		r.run()
		// The clock is far ahead while loan still closes days: nothing is planned for days that it has not begun.
		r.clk.Set((due + 40).Midnight())
		r.run()
		want(t, fmt.Sprint(r.contacts()), "[1]")
		r.begin(due + 40)
		want(t, fmt.Sprint(r.contacts()), "[1 40]")
		want(t, r.onlyCase(anna, "OPEN").GetNextContactOn(), (due + 45).String())
		r.open()
		r.run()
		want(t, fmt.Sprint(r.contacts()), "[1 40]")
	})
}

func TestADayThatLoanIsClosingIsWaitedFor(t *testing.T) {
	r := start(t)
	r.begin(due + 1)
	r.happen(anna, r.overdue(anna, 100, due, 50_000))
	r.loan.mu.Lock()
	r.loan.day = due + 2 // cut off, but its debits are not ordered yet
	r.loan.mu.Unlock()
	r.run()
	want(t, len(r.contacts()), 0)
	r.begin(due + 2)
	want(t, fmt.Sprint(r.contacts()), "[2]")
}

func TestNobodyIsRemindedOfWhatHeIsPaying(t *testing.T) {
	onBoth(t, func(t *testing.T, r *rig) {
		r.begin(due + 1)
		e := r.overdue(anna, 100, due, 50_000)
		r.loan.set(100, func(o *owing) { o.locked = true })
		r.happen(anna, e)
		r.run()
		want(t, len(r.contacts()), 0)
		want(t, r.onlyCase(anna, "OPEN").GetNextContactOn(), (due + 2).String())
		r.loan.set(100, func(o *owing) { o.locked = false })
		r.begin(due + 2)
		want(t, fmt.Sprint(r.contacts()), "[2]")
	})
}

func TestWhenTheOldestDebtIsPaidTheStrategyGoesOnFromTheYoungerOne(t *testing.T) {
	r := start(t)
	r.begin(due + 36)
	r.happen(anna, r.overdue(anna, 100, due, 90_000))
	r.run()
	want(t, fmt.Sprint(r.contacts()), "[36]")
	r.happen(anna, &loanv1.RepaymentApplied{LoanId: 100, AmountMinor: 45_000, OverdueMinor: 45_000}, r.overdue(anna, 100, due+31, 45_000))
	r.run()
	c := r.onlyCase(anna, "OPEN")
	want(t, c.GetDpd(), 5)
	want(t, c.GetNextContactOn(), (due + 31 + 7).String())
	want(t, r.withdrawn(), 1) // the waiting message named more than is owed
	// Loan need not have told it: the planner sees it too.
	r.loan.set(100, func(o *owing) { o.since = due + 33 })
	r.begin(due + 38)
	want(t, fmt.Sprint(r.contacts()), "[36]")
	want(t, r.onlyCase(anna, "OPEN").GetNextContactOn(), (due + 33 + 7).String())
}

func TestALoanThatCannotBeLookedAtKeepsNoOtherWaiting(t *testing.T) {
	r := start(t)
	r.begin(due + 1)
	r.happen(anna, r.overdue(anna, 100, due, 50_000))
	r.happen(boris, &loanv1.OverdueChanged{LoanId: 404, Dpd: 1, Bucket: "M1", OverdueMinor: 1, On: (due + 1).String()})
	r.loan.mu.Lock()
	r.loan.down = true
	r.loan.mu.Unlock()
	if r.tryRun() == nil {
		t.Error("a silent loan was taken for an answer")
	}
	want(t, len(r.contacts()), 0)
	r.loan.mu.Lock()
	r.loan.down = false
	r.loan.mu.Unlock()
	r.run()
	want(t, len(r.contacts()), 1)
	want(t, r.onlyCase(boris, "OPEN").GetNextContactOn(), (due + 2).String())
}
