package loan

import (
	"flag"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	loanv1 "github.com/hengdai/hengdai/api/loan/v1"
	paymentv1 "github.com/hengdai/hengdai/api/payment/v1"
	"github.com/hengdai/hengdai/domain/calendar"
	"github.com/hengdai/hengdai/domain/money"
	"github.com/hengdai/hengdai/domain/schedule"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/id"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/kit/store/storetest"
	"github.com/hengdai/hengdai/service/loan/rows"
)

// ledgerText is everything the days booked, without ids and instants.
func (w *town) ledgerText() string {
	w.t.Helper()
	var out strings.Builder
	for _, q := range []string{
		"SELECT j.bucket || ' ' || j.event || ' ' || j.booked_on || ' ' || j.value_on || ' ' || e.account || ' ' || e.amount_minor FROM journal j JOIN journal_entry e ON e.bucket = j.bucket AND e.transaction_id = j.id ORDER BY 1",
		"SELECT day_on || ' ' || bucket || ' ' || product || ' ' || account || ' ' || amount_minor FROM journal_sum ORDER BY 1",
		"SELECT bucket || ' ' || state || ' ' || outstanding_minor || ' ' || overdue_bucket || ' ' || booked_on || ' ' || act_on || ' ' || events FROM loan ORDER BY 1",
		"SELECT day_on || ' ' || state || ' ' || loans || ' ' || accrued_minor || ' ' || penalty_minor || ' ' || bills || ' ' || debits FROM business_day ORDER BY 1",
		"SELECT kind || ' ' || amount_minor || ' ' || state || ' ' || locked_on FROM payment_order ORDER BY 1",
	} {
		w.lines(&out, q)
	}
	return out.String()
}

func (w *town) lines(out *strings.Builder, query string) {
	w.t.Helper()
	list, err := w.db.Primary().QueryContext(w.t.Context(), query)
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = list.Close() }()
	for list.Next() {
		var line string
		if err := list.Scan(&line); err != nil {
			w.t.Fatal(err)
		}
		fmt.Fprintln(out, line)
	}
	if err := list.Err(); err != nil {
		w.t.Fatal(err)
	}
}

// village is a few loans of every kind: some pay, some never, one pays late by hand.
func village(t *testing.T, restart bool) *town {
	w := newTown(t, storetest.Open(t, inMemory, Schema()))
	w.restart = restart
	w.pay.decide = func(o *paymentv1.CreateOrderRequest) (string, string) {
		if o.GetKind() == orderDebit && id.Bucket(o.GetUserId())%3 == 0 {
			return "REJECTED", "INSUFFICIENT_BALANCE"
		}
		return "PAID", ""
	}
	for i, method := range []string{schedule.EqualInstalment, schedule.EqualPrincipal, schedule.InterestFirst, schedule.AtMaturity, schedule.Flat, schedule.EqualInstalment} {
		terms := someTerms(t, int64(100_000*(i+1)+7))
		terms.Plan.Method, terms.Plan.Instalments = method, 3
		w.signed(int64(100+i), terms)
	}
	w.settle()
	return w
}

func TestADayEndThatIsKilledBetweenAnyTwoCommitsEndsTheSame(t *testing.T) {
	whole, broken := village(t, false), village(t, true)
	for _, w := range []*town{whole, broken} {
		w.pass(110)
		w.agrees()
	}
	if a, b := whole.ledgerText(), broken.ledgerText(); a != b {
		t.Errorf("the books differ:\n%s", firstDifference(a, b))
	}
}

func firstDifference(a, b string) string {
	x, y := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range min(len(x), len(y)) {
		if x[i] != y[i] {
			return x[i] + "\n" + y[i]
		}
	}
	return fmt.Sprintf("%d and %d lines", len(x), len(y))
}

func TestMissedDaysRunOneByOne(t *testing.T) {
	daily, missed := village(t, false), village(t, false)
	daily.pass(95)
	missed.clk.Add(95 * 24 * time.Hour)
	missed.settle()
	if daily.closedOn() != missed.closedOn() {
		t.Fatalf("closed on %s and %s", daily.closedOn(), missed.closedOn())
	}
	missed.agrees()
	n, err := rows.New(missed.db.Primary()).BusinessDaysPage(t.Context(), rows.BusinessDaysPageParams{BeforeOn: far, Limit: 200})
	if err != nil || len(n) != 96 {
		t.Fatalf("%d days, %v", len(n), err)
	}
	// Debits of missed days are ordered late but count from their own day: nobody is charged for our absence.
	for _, r := range []int64{100, 101, 103} {
		a, b := daily.oneLoan(r), missed.oneLoan(r)
		if a.OutstandingMinor != b.OutstandingMinor || a.OverdueBucket != b.OverdueBucket {
			t.Errorf("bucket %d: %d %s and %d %s", r, a.OutstandingMinor, a.OverdueBucket, b.OutstandingMinor, b.OverdueBucket)
		}
	}
}

func (w *town) oneLoan(bucket int64) rows.Loan {
	w.t.Helper()
	list, err := rows.New(w.db.Primary()).LoansOfBucket(w.t.Context(), bucket)
	if err != nil || len(list) != 1 {
		w.t.Fatalf("%d loans, %v", len(list), err)
	}
	return list[0]
}

func TestAPartitionWhoseJournalsDifferIsHeldAlone(t *testing.T) {
	eachTown(t, func(t *testing.T, w *town) {
		_, liar := w.signed(3, someTerms(t, 500_000))
		w.settle()
		_, honest := w.signed(4, someTerms(t, 600_000))
		w.settle()
		w.pay.lie = 1
		w.pay.sums["2026-11-02"][4].DebitMinor-- // only bucket 3 is told wrongly
		w.pass(1)
		w.pay.lie = 0
		w.pay.sums["2026-11-02"][4].DebitMinor++
		d, err := w.staff("finance").GetDayEnd(t.Context(), &loanv1.GetDayEndRequest{Date: "2026-11-02"})
		if err != nil || d.GetState() != "BARRIER" || d.GetPartitionsAgreed() != 15 || len(d.GetDisagreements()) != 1 || d.GetDisagreements()[0].GetBucket() != 3 {
			t.Fatalf("%v, %v", d, err)
		}
		w.pass(3)
		held, free := w.oneLoan(3), w.oneLoan(4)
		if held.ID != liar || free.ID != honest {
			t.Fatal("the loans are mixed up")
		}
		parts, err := rows.New(w.db.Primary()).DayParts(t.Context())
		if err != nil || parts[3].ClosedThrough != "2026-11-03" || parts[4].ClosedThrough != "2026-11-06" || w.closedOn() != "" {
			t.Fatalf("%v %v, closed on %s, %v", parts[3], parts[4], w.closedOn(), err)
		}
		// Payment finds its error and books it; what it told is corrected, and the partition catches up day by day.
		w.correct(3, "2026-11-02")
		if _, err := w.staff("operator").RunDayEnd(t.Context(), &loanv1.RunDayEndRequest{Date: "2026-11-02"}); err != nil {
			t.Fatal(err)
		}
		w.settle()
		if w.closedOn() != "2026-11-05" {
			t.Errorf("closed on %s", w.closedOn())
		}
		w.agrees()
	})
}

// correct writes what payment's corrected seal would say.
func (w *town) correct(bucket int64, day string) {
	w.t.Helper()
	err := w.db.Write(w.t.Context(), func(tx *store.Tx) error {
		_, err := tx.ExecContext(tx.Context(), "UPDATE day_difference SET payment_minor = payment_minor - 1 WHERE bucket = ? AND day_on = ?", bucket, day)
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

func TestALoanThatFailsIsSetAsideAndTheDayStaysUnclosedUntilItIsRepaired(t *testing.T) {
	eachTown(t, func(t *testing.T, w *town) {
		_, broken := w.signed(20, someTerms(t, 500_000))
		_, other := w.signed(36, someTerms(t, 500_000)) // the same partition
		w.settle()
		w.pass(3)
		row := w.oneLoan(20)
		good := row.Life
		w.spoil(row, []byte("not a life"))
		w.pass(4)
		if w.closedOn() != "2026-11-04" {
			t.Fatalf("closed on %s", w.closedOn())
		}
		list, err := w.staff("operator").ListSetAside(t.Context(), &loanv1.ListSetAsideRequest{})
		if err != nil || len(list.GetLoans()) != 1 || list.GetLoans()[0].GetLoanId() != broken || list.GetLoans()[0].GetDate() != "2026-11-05" {
			t.Fatalf("%v, %v", list, err)
		}
		if after := w.oneLoan(36); after.ID != other || after.Aside != 0 {
			t.Fatal("the other loan suffered")
		}
		w.spoil(w.oneLoan(20), good)
		if _, err := w.staff("operator").RunDayEnd(t.Context(), &loanv1.RunDayEndRequest{Date: "2026-11-05"}); err != nil {
			t.Fatal(err)
		}
		w.settle()
		if w.closedOn() != "2026-11-08" {
			t.Errorf("closed on %s", w.closedOn())
		}
		w.pass(2)
		w.agrees()
	})
}

func (w *town) spoil(row rows.Loan, life []byte) {
	w.t.Helper()
	err := w.db.Write(w.t.Context(), func(tx *store.Tx) error {
		_, err := tx.ExecContext(tx.Context(), "UPDATE loan SET life = ?, version = version + 1 WHERE bucket = ? AND id = ?", life, row.Bucket, row.ID)
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

func TestADayThatIsNotOverCannotBeEnded(t *testing.T) {
	eachTown(t, func(t *testing.T, w *town) {
		_, err := w.staff("operator").RunDayEnd(t.Context(), &loanv1.RunDayEndRequest{})
		refusedWith(t, err, errs.Precondition, "day_end.too_early")
		_, err = w.staff("operator").RunDayEnd(t.Context(), &loanv1.RunDayEndRequest{Date: "2026-02-30"})
		refusedWith(t, err, errs.Invalid, "request.no_such_date")
		_, err = w.staff("operator").GetDayEnd(t.Context(), &loanv1.GetDayEndRequest{Date: "2031-01-01"})
		refusedWith(t, err, errs.NotFound, "day_end.not_found")
		d, err := w.staff("auditor").GetBusinessDate(t.Context(), &loanv1.GetBusinessDateRequest{})
		if err != nil || d.GetOpenOn() != "2026-11-02" || d.GetCalendarOn() != "2026-11-02" {
			t.Errorf("%v, %v", d, err)
		}
	})
}

func TestACorruptedJournalIsFound(t *testing.T) {
	w := village(t, false)
	w.pass(40)
	w.agrees()
	for _, spoil := range []string{
		"UPDATE journal_entry SET amount_minor = amount_minor + 1 WHERE bucket = 101 AND account = '1303'",
		"UPDATE journal_sum SET amount_minor = amount_minor + 1 WHERE bucket = 102 AND account = '1132.I' AND day_on = '2026-11-20'",
		"DELETE FROM loan_event WHERE bucket = 104 AND kind = 'receive'",
	} {
		err := w.db.Write(t.Context(), func(tx *store.Tx) error {
			_, err := tx.ExecContext(tx.Context(), spoil)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	faults, err := w.svc.CheckAgreement(t.Context(), 10)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for _, f := range faults {
		found[fmt.Sprint(f.Rule, " ", f.Bucket)] = true
	}
	for _, want := range []string{"loan_is_its_entries 101", "sums_are_shares 102", "loan_is_its_entries 104"} {
		if !found[want] {
			t.Errorf("%s was not found among %v", want, found)
		}
	}
}

// Random lives through the whole service: debits that come, fail or hang, repayments by hand, midnights in between.
func TestThroughRandomLivesLoansAndJournalsAgree(t *testing.T) {
	fewer(t, "20")
	rapid.Check(t, func(rt *rapid.T) {
		w := newTown(t, storetest.Open(t, inMemory, Schema()))
		var hanging []*paymentv1.CreateOrderRequest
		w.pay.decide = func(o *paymentv1.CreateOrderRequest) (string, string) {
			if o.GetKind() == orderDisbursement {
				return "PAID", ""
			}
			switch rapid.IntRange(0, 5).Draw(rt, "outcome") {
			case 0:
				return "REJECTED", "INSUFFICIENT_BALANCE"
			case 1:
				hanging = append(hanging, o)
				return "", ""
			}
			return "PAID", ""
		}
		type debtor struct{ user, loan int64 }
		var people []debtor
		for i := range 3 {
			terms := someTerms(t, rapid.Int64Range(1000, 5_000_000).Draw(rt, "amount"))
			terms.Plan.Method = rapid.SampledFrom(schedule.Methods).Draw(rt, "method").Name
			terms.Plan.DayCount = rapid.SampledFrom(calendar.DayCounts).Draw(rt, "count")
			terms.Plan.Instalments = rapid.IntRange(1, 6).Draw(rt, "n")
			terms.GraceDays = rapid.SampledFrom([]int{0, 3}).Draw(rt, "grace")
			user, loan := w.signed(int64(i*7), terms)
			people = append(people, debtor{user, loan})
		}
		w.settle()
		for range rapid.IntRange(5, 25).Draw(rt, "stretches") {
			w.pass(rapid.IntRange(0, 9).Draw(rt, "days"))
			switch p := rapid.SampledFrom(people).Draw(rt, "who"); rapid.IntRange(0, 4).Draw(rt, "act") {
			case 0, 1:
				w.next++
				kind := rapid.SampledFrom([]string{repayDue, repayPayoff, repayAmount}).Draw(rt, "kind")
				req := &loanv1.RepayRequest{LoanId: p.loan, Kind: kind, IdempotencyKey: fmt.Sprintf("random-%d", w.next)}
				if kind == repayAmount {
					req.AmountMinor = rapid.Int64Range(1, 300_000).Draw(rt, "how much")
				}
				if _, err := w.borrower(p.user).Repay(t.Context(), req); errs.CodeOf(err) == errs.Internal {
					rt.Fatal(err)
				}
			case 2, 3:
				if len(hanging) > 0 {
					w.pay.settle(t.Context(), hanging[0], rapid.SampledFrom([]string{"PAID", "REJECTED"}).Draw(rt, "late"), "")
					hanging = hanging[1:]
				}
			}
			if rapid.Bool().Draw(rt, "midnight") { // the day ends before anything of it was taken in
				w.clk.Add(24 * time.Hour)
			}
			w.settle()
		}
		w.agrees()
		for _, p := range people {
			row := w.oneLoan(id.Bucket(p.user))
			paid, err := w.principalRepaid(row)
			if err != nil || row.PrincipalMinor != row.OutstandingMinor+int64(paid) {
				rt.Fatalf("principal %d, outstanding %d, repaid %d, %v", row.PrincipalMinor, row.OutstandingMinor, paid, err)
			}
			limit, err := w.borrower(p.user).GetLimit(t.Context(), &loanv1.GetLimitRequest{})
			if err != nil || limit.GetUsedMinor() != row.OutstandingMinor {
				rt.Fatalf("limit %v, outstanding %d, %v", limit, row.OutstandingMinor, err)
			}
		}
		if t.Failed() {
			rt.FailNow()
		}
	})
}

// fewer lowers rapid's usual hundred checks for a test that lives through a whole service each time; a number given on
// the command line stands.
func fewer(t *testing.T, checks string) {
	t.Helper()
	f := flag.Lookup("rapid.checks")
	if f == nil || f.Value.String() != f.DefValue {
		return
	}
	if err := f.Value.Set(checks); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Value.Set(f.DefValue) })
}

func (w *town) principalRepaid(row rows.Loan) (money.Amount, error) {
	life, err := w.svc.lifeOf(w.t.Context(), w.db.Primary(), row)
	if err != nil || life == nil {
		return 0, err
	}
	return money.Amount(row.PrincipalMinor) - life.Outstanding(), nil
}
