package report_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	loanv1 "github.com/hengdai/hengdai/api/loan/v1"
	paymentv1 "github.com/hengdai/hengdai/api/payment/v1"
	reportv1 "github.com/hengdai/hengdai/api/report/v1"
	riskv1 "github.com/hengdai/hengdai/api/risk/v1"
	"github.com/hengdai/hengdai/kit/audit"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/id"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/kit/store/storetest"
	"github.com/hengdai/hengdai/service/report"
)

const (
	anna  = int64(5<<10 | 17)
	boris = int64(6<<10 | 900)
	carla = int64(7<<10 | 17)
)

func TestBothDialectsMakeTheSameTables(t *testing.T) { storetest.SameSchema(t, report.Schema()) }

// aBusiness tells a small lending business: two who are lent to, one who is refused, a payout that comes back.
func (r *rig) aBusiness() {
	r.t.Helper()
	app := func(user, appID int64, to, reason string, loan int64) proto.Message {
		return &loanv1.ApplicationMoved{ApplicationId: appID, To: to, Product: "consumer", AmountMinor: 600_000, TermMonths: 6, Purpose: "travel", Reason: reason, LoanId: loan}
	}
	for i, user := range []int64{anna, boris, carla} {
		n := int64(i + 1)
		r.happen("loan", user, user&1023, app(user, n, "SUBMITTED", "", 0), app(user, n, "DECIDING", "", 0))
		outcome := []string{"approve", "approve", "reject"}[i]
		r.happen("risk", user, user&1023, &riskv1.Decided{ApplicationId: n, Outcome: outcome, Grade: "B", Score: 600 + int32(i)})
	}
	r.happen("loan", carla, carla&1023, app(carla, 3, "REJECTED", "score_too_low", 0))
	for i, user := range []int64{anna, boris} {
		n, b := int64(i+1), user&1023
		loan, order := 100+n, 200+n
		r.happen("loan", user, b, app(user, n, "SIGNED", "", loan), &loanv1.LoanMoved{LoanId: loan, To: "DISBURSING", Product: "consumer", PrincipalMinor: 600_000})
		r.happen("payment", user, b, &paymentv1.OrderAccepted{OrderId: order, LoanId: loan, Kind: "disbursement", AmountMinor: 600_000},
			r.posted("payment", "payout", b, order, "2026-03-10", "2290", 600_000, "1002", -600_000),
			&paymentv1.OrderSettled{OrderId: order, LoanId: loan, Kind: "disbursement", AmountMinor: 600_000, Outcome: "PAID", Channel: "alpha", PostingOn: "2026-03-10", ValueOn: "2026-03-10"})
		r.happen("loan", user, b, &loanv1.LoanMoved{LoanId: loan, To: "REPAYING", Product: "consumer", PrincipalMinor: 600_000},
			&loanv1.ScheduleFixed{LoanId: loan, Product: "consumer", PrincipalMinor: 600_000, DisbursedOn: "2026-03-10", RatePpm: 126_000, Method: "equal_instalment"},
			r.posted("loan", "payout", b, loan, "2026-03-10", "1301", 600_000, "2290", -600_000))
	}
	for part := range int64(id.Partitions) {
		r.happen("loan", 0, part, r.sums(part, "2026-03-11", "consumer", "car"))
	}
	// boris's payout comes back on the second day.
	b := boris & 1023
	r.happen("payment", boris, b, r.posted("payment", "payout.returned", b, 202, "2026-03-11", "1002", 600_000, "2290", -600_000),
		&paymentv1.OrderSettled{OrderId: 202, LoanId: 102, Kind: "disbursement", AmountMinor: 600_000, Outcome: "RETURNED", Channel: "alpha", PostingOn: "2026-03-11", ValueOn: "2026-03-11"})
	r.happen("loan", boris, b, r.posted("loan", "payout.returned", b, 102, "2026-03-11", "2290", 600_000, "1301", -600_000),
		&loanv1.LoanMoved{LoanId: 102, To: "PAYOUT_RETURNED", Product: "consumer", PrincipalMinor: 600_000})
	r.happen("loan", anna, anna&1023, &loanv1.OverdueChanged{LoanId: 101, Dpd: 1, Bucket: "M1", OverdueMinor: 103_000, OutstandingPrincipalMinor: 600_000, Class: "normal"},
		&loanv1.RepaymentApplied{LoanId: 101, AmountMinor: 3_000, OutstandingPrincipalMinor: 600_000, OverdueMinor: 100_000})
	r.run()
}

func TestTheFiguresOfASmallBusiness(t *testing.T) {
	onBoth(t, func(t *testing.T, r *rig) {
		r.aBusiness()
		desk := r.desk("finance", "en")
		balance, err := desk.GetTrialBalance(ctx, &reportv1.GetTrialBalanceRequest{})
		must(t, err)
		const accrued = int64(id.Buckets) * (10 + 11)
		lines := ""
		for _, l := range balance.GetLines() {
			lines += fmt.Sprintf("%s %s %d %d %d %d\n", l.GetAccount(), l.GetJournal(), l.GetDebitMinor(), l.GetCreditMinor(), l.GetBalanceMinor(), l.GetEntries())
		}
		want(t, lines, fmt.Sprintf("1002 payment 600000 1200000 -600000 3\n1301 loan 1200000 600000 600000 3\n1303 loan %d 0 %d 2048\n"+
			"2290 loan 600000 1200000 -600000 3\n2290 payment 1200000 600000 600000 3\n6011 loan 0 %d %d 2048\n", accrued, accrued, accrued, -accrued))
		want(t, balance.GetBalanced(), true)
		want(t, balance.GetDebitMinor(), 1_200_000+accrued)
		want(t, balance.GetDebitMinor(), balance.GetCreditMinor())

		early, err := desk.GetTrialBalance(ctx, &reportv1.GetTrialBalanceRequest{AsOf: "2026-03-10"})
		must(t, err)
		want(t, len(early.GetLines()), 4)
		want(t, early.GetBalanced(), true)
		want(t, early.GetDebitMinor(), 2_400_000)
		before, err := desk.GetTrialBalance(ctx, &reportv1.GetTrialBalanceRequest{AsOf: "2026-03-09"})
		must(t, err)
		want(t, len(before.GetLines()), 0)
		want(t, before.GetBalanced(), true)

		funnel, err := desk.GetFunnel(ctx, &reportv1.GetFunnelRequest{From: "2026-03-10", To: "2026-03-10"})
		must(t, err)
		want(t, funnel.GetApplications(), 3)
		want(t, fmt.Sprint(funnel.GetStates()), fmt.Sprint([]*reportv1.Count{{Name: "REJECTED", Count: 1, AmountMinor: 600_000}, {Name: "SIGNED", Count: 2, AmountMinor: 1_200_000}}))
		want(t, fmt.Sprint(funnel.GetOutcomes()), fmt.Sprint([]*reportv1.Count{{Name: "approve", Count: 2, AmountMinor: 1_200_000}, {Name: "reject", Count: 1, AmountMinor: 600_000}}))
		want(t, fmt.Sprint(funnel.GetReasons()), fmt.Sprint([]*reportv1.Count{{Name: "score_too_low", Count: 1, AmountMinor: 600_000}}))
		other, err := desk.GetFunnel(ctx, &reportv1.GetFunnelRequest{To: "2026-03-09"})
		must(t, err)
		want(t, other.GetApplications(), 0)

		book, err := desk.GetPortfolio(ctx, &reportv1.GetPortfolioRequest{})
		must(t, err)
		want(t, book.GetLentMinor(), 600_000) // what came back was not lent
		want(t, book.GetOutstandingPrincipalMinor(), 600_000)
		want(t, book.GetOverdueMinor(), 100_000)
		want(t, fmt.Sprint(book.GetBuckets()), fmt.Sprint([]*reportv1.Count{{Name: "M1", Count: 1, AmountMinor: 600_000}}))
	})
}

func TestADayThatStandsOnOneLegIsNotBalanced(t *testing.T) {
	r := start(t)
	r.aBusiness()
	r.happen("payment", anna, anna&1023, r.posted("payment", "collected", anna&1023, 201, "2026-03-12", "1002", 5, "2290", -5))
	r.run()
	balance, err := r.admin().GetTrialBalance(ctx, &reportv1.GetTrialBalanceRequest{})
	must(t, err)
	want(t, balance.GetBalanced(), false)
	want(t, balance.GetClearingMinor(), -5)
	r.happen("loan", anna, anna&1023, r.posted("loan", "broken", anna&1023, 1, "2026-03-13", "1301", 7))
	r.happen("loan", anna, anna&1023, r.posted("loan", "repaid", anna&1023, 1, "2026-03-13", "2290", 5, "1301", -5))
	r.run()
	balance, err = r.admin().GetTrialBalance(ctx, &reportv1.GetTrialBalanceRequest{})
	must(t, err)
	want(t, balance.GetClearingMinor(), 0)
	want(t, balance.GetBalanced(), false) // an entry without its counterpart
	early, err := r.admin().GetTrialBalance(ctx, &reportv1.GetTrialBalanceRequest{AsOf: "2026-03-11"})
	must(t, err)
	want(t, early.GetBalanced(), true)
}

func TestWhatIsRebuiltIsWhatWasThere(t *testing.T) {
	onBoth(t, func(t *testing.T, r *rig) {
		r.aBusiness()
		before := r.figures()
		for _, name := range []string{"loan", "payment", "risk", "loan"} {
			_, err := r.admin().Rebuild(ctx, &reportv1.RebuildRequest{Source: name})
			must(t, err)
			sources, err := r.admin().GetSources(ctx, &reportv1.GetSourcesRequest{})
			must(t, err)
			for _, s := range sources.GetSources() {
				if (s.GetLag() > 0) != (s.GetName() == name) {
					t.Errorf("after a rebuild of %s, %s is %d behind", name, s.GetName(), s.GetLag())
				}
			}
			r.run()
			if after := r.figures(); after != before {
				t.Errorf("after a rebuild of %s:\n%s\nbefore:\n%s", name, after, before)
			}
		}
		r.open()
		r.run()
		want(t, r.figures(), before)
		list, err := audit.List(ctx, r.db.Primary(), audit.Filter{Limit: 10})
		must(t, err)
		want(t, len(list), 4)
		want(t, list[0].Act, "report.rebuild")
	})
}

func TestRebuildsAndReadersAndNewEventsMeet(t *testing.T) {
	r := start(t)
	r.aBusiness()
	want(t, strings.Contains(r.figures(), "payout"), true)
	var all sync.WaitGroup
	stop := make(chan struct{})
	for range 4 {
		all.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if _, err := r.admin().GetTrialBalance(ctx, &reportv1.GetTrialBalanceRequest{}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for range 4 {
		all.Go(func() {
			for range 5 {
				if _, err := r.admin().Rebuild(ctx, &reportv1.RebuildRequest{Source: "loan"}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for i := range 20 {
		r.happen("loan", anna, anna&1023, r.posted("loan", "x", anna&1023, 1, "2026-03-12", "1301", i, "6011", -i))
		r.run()
	}
	close(stop)
	all.Wait()
	r.run()
	before := r.figures()
	_, err := r.admin().Rebuild(ctx, &reportv1.RebuildRequest{Source: "loan"})
	must(t, err)
	r.run()
	want(t, r.figures(), before)
}

func TestASourceThatIsSilentIsNamedAndTheOthersAreStillTold(t *testing.T) {
	r := start(t)
	r.aBusiness()
	r.sources["payment"].silent = true
	sources, err := r.desk("operator", "zh").GetSources(ctx, &reportv1.GetSourcesRequest{})
	must(t, err)
	for _, s := range sources.GetSources() {
		want(t, s.GetSilent(), s.GetName() == "payment")
		want(t, s.GetLag() == 0, s.GetName() != "payment")
	}
}

func TestAnEventThatCannotBeKeptWaitsForAPersonAndHoldsUpNobodyElse(t *testing.T) {
	r := start(t)
	r.happen("loan", anna, anna&1023, &loanv1.LoanMoved{LoanId: 1, To: strings.Repeat("X", 40)}, &loanv1.LoanMoved{LoanId: 1, To: "REPAYING"})
	r.happen("loan", carla, carla&1023, &loanv1.LoanMoved{LoanId: 2, To: "REPAYING"})
	r.run()
	sources, err := r.admin().GetSources(ctx, &reportv1.GetSourcesRequest{})
	must(t, err)
	parked := sources.GetSources()[0].GetParked()
	want(t, len(parked), 2)
	want(t, parked[0].GetUserId(), anna)
	loans, err := r.admin().ListLoans(ctx, &reportv1.ListLoansRequest{})
	must(t, err)
	want(t, len(loans.GetLoans()), 1)
}

func TestWhatWaitsIsTriedAgainByAPerson(t *testing.T) {
	onBoth(t, func(t *testing.T, r *rig) {
		exec := func(statement string) {
			must(t, r.db.Write(ctx, func(tx *store.Tx) error {
				_, err := tx.ExecContext(tx.Context(), statement)
				return err
			}))
		}
		exec("ALTER TABLE report_loan RENAME TO report_loan_away")
		r.happen("loan", anna, anna&1023, &loanv1.LoanMoved{LoanId: 1, To: "DISBURSING"}, &loanv1.LoanMoved{LoanId: 1, To: "REPAYING"})
		r.run()
		desk := r.desk("operator", "en")
		list, err := desk.ListParked(ctx, &reportv1.ListParkedRequest{})
		must(t, err)
		want(t, len(list.GetEvents()), 2)
		want(t, list.GetEvents()[0].GetSource(), "loan")
		retry := func(taken, left int32) {
			t.Helper()
			got, err := desk.RetryParked(ctx, &reportv1.RetryParkedRequest{UserId: anna})
			must(t, err)
			want(t, got.GetTaken(), taken)
			want(t, got.GetLeft(), left)
		}
		retry(0, 2)
		exec("ALTER TABLE report_loan_away RENAME TO report_loan")
		_, err = r.desk("auditor", "en").RetryParked(ctx, &reportv1.RetryParkedRequest{UserId: anna})
		want(t, errs.CodeOf(err), errs.Denied)
		retry(2, 0)
		loans, err := r.admin().ListLoans(ctx, &reportv1.ListLoansRequest{State: "REPAYING"})
		must(t, err)
		want(t, len(loans.GetLoans()), 1)
	})
}

func TestWordsThatComeInAnotherOrder(t *testing.T) {
	onBoth(t, func(t *testing.T, r *rig) {
		b := anna & 1023
		// The outcome before the acceptance; what is owed before the loan; a decision before the application.
		r.happen("payment", anna, b, &paymentv1.OrderSettled{OrderId: 9, LoanId: 1, Kind: "debit", AmountMinor: 5, Outcome: "PAID"},
			&paymentv1.OrderAccepted{OrderId: 9, LoanId: 1, Kind: "debit", AmountMinor: 5})
		r.happen("loan", anna, b, &loanv1.OverdueChanged{LoanId: 1, Dpd: 40, Bucket: "M2", OverdueMinor: 5}, &loanv1.LoanMoved{LoanId: 1, To: "REPAYING", Product: "p"})
		r.happen("risk", anna, b, &riskv1.Decided{ApplicationId: 3, Outcome: "manual"}, &riskv1.Decided{ApplicationId: 3, Outcome: "manual"})
		r.run()
		r.happen("loan", anna, b, &loanv1.ApplicationMoved{ApplicationId: 3, To: "MANUAL_REVIEW"})
		r.run()
		orders, err := r.admin().ListOrders(ctx, &reportv1.ListOrdersRequest{Outcome: "PAID"})
		must(t, err)
		want(t, len(orders.GetOrders()), 1)
		loans, err := r.admin().ListLoans(ctx, &reportv1.ListLoansRequest{State: "REPAYING", Bucket: "M2"})
		must(t, err)
		want(t, len(loans.GetLoans()), 1)
		apps, err := r.admin().ListApplications(ctx, &reportv1.ListApplicationsRequest{UserId: anna})
		must(t, err)
		want(t, apps.GetApplications()[0].GetOutcome(), "manual")
	})
}

func TestPagesNeitherRepeatNorLoseARow(t *testing.T) {
	onBoth(t, func(t *testing.T, r *rig) {
		frozen := r.clk.Now()
		for i := range int64(23) {
			user := (i+10)<<10 | i%7
			r.clk.Set(frozen) // many at one instant
			r.happen("loan", user, user&1023, &loanv1.LoanMoved{LoanId: 1000 + i, To: []string{"REPAYING", "SETTLED"}[i%2]}, &loanv1.ApplicationMoved{ApplicationId: 2000 + i, To: "SUBMITTED"})
			r.happen("payment", user, user&1023, &paymentv1.OrderAccepted{OrderId: 3000 + i, LoanId: 5, Kind: "debit", AmountMinor: 1})
		}
		b := int64(17)
		// Both journals use the same transaction id, as two id generators may.
		for range 9 {
			same := r.posted("loan", "x", b, 77, "2026-03-10", "2290", 5, "1301", -5)
			cash := proto.CloneOf(same)
			cash.Journal = "payment"
			r.happen("loan", anna, b, same)
			r.happen("payment", anna, b, cash)
		}
		r.run()
		desk := r.admin()
		pages := map[string]func(token string) (ids []string, next string, err error){
			"loans": func(token string) (ids []string, next string, err error) {
				res, err := desk.ListLoans(ctx, &reportv1.ListLoansRequest{PageSize: 5, PageToken: token})
				for _, l := range res.GetLoans() {
					ids = append(ids, fmt.Sprint(l.GetLoanId()))
				}
				return ids, res.GetNextPageToken(), err
			},
			"applications": func(token string) (ids []string, next string, err error) {
				res, err := desk.ListApplications(ctx, &reportv1.ListApplicationsRequest{PageSize: 5, PageToken: token})
				for _, l := range res.GetApplications() {
					ids = append(ids, fmt.Sprint(l.GetApplicationId()))
				}
				return ids, res.GetNextPageToken(), err
			},
			"orders": func(token string) (ids []string, next string, err error) {
				res, err := desk.ListOrders(ctx, &reportv1.ListOrdersRequest{PageSize: 5, PageToken: token, LoanId: 5})
				for _, l := range res.GetOrders() {
					ids = append(ids, fmt.Sprint(l.GetOrderId()))
				}
				return ids, res.GetNextPageToken(), err
			},
			"entries": func(token string) (ids []string, next string, err error) {
				res, err := desk.ListEntries(ctx, &reportv1.ListEntriesRequest{PageSize: 5, PageToken: token, SubjectId: 77, From: "2026-03-10", To: "2026-03-10"})
				for _, l := range res.GetEntries() {
					ids = append(ids, fmt.Sprint(l.GetJournal(), l.GetTransactionId(), l.GetLine()))
				}
				return ids, res.GetNextPageToken(), err
			},
		}
		for name, read := range pages {
			seen, token := map[string]bool{}, ""
			for {
				ids, next, err := read(token)
				must(t, err)
				for _, id := range ids {
					if seen[id] {
						t.Errorf("%s: %s comes twice", name, id)
					}
					seen[id] = true
				}
				if token = next; token == "" {
					break
				}
			}
			want(t, len(seen), map[string]int{"loans": 23, "applications": 23, "orders": 23, "entries": 36}[name])
		}
		settled, err := desk.ListLoans(ctx, &reportv1.ListLoansRequest{State: "SETTLED", PageSize: 200})
		must(t, err)
		want(t, len(settled.GetLoans()), 11)
	})
}

func TestWhoMayReadWhat(t *testing.T) {
	r := start(t)
	all := []string{"collector", "operator", "service_desk", "auditor", "admin", "finance", "reviewer", "risk_analyst", "product_manager"}
	for _, test := range []struct {
		what, may string
		call      func(role string) error
	}{
		{"balance", "finance operator auditor admin", func(role string) error {
			_, err := r.desk(role, "en").GetTrialBalance(ctx, &reportv1.GetTrialBalanceRequest{})
			return err
		}},
		{"entries", "finance operator auditor admin", func(role string) error {
			_, err := r.desk(role, "en").ListEntries(ctx, &reportv1.ListEntriesRequest{Account: "2290"})
			return err
		}},
		{"loans", "finance operator risk_analyst collector auditor admin", func(role string) error {
			_, err := r.desk(role, "en").ListLoans(ctx, &reportv1.ListLoansRequest{})
			return err
		}},
		{"funnel", "finance operator risk_analyst product_manager auditor admin", func(role string) error {
			_, err := r.desk(role, "en").GetFunnel(ctx, &reportv1.GetFunnelRequest{})
			return err
		}},
		{"rebuild", "admin", func(role string) error {
			_, err := r.desk(role, "en").Rebuild(ctx, &reportv1.RebuildRequest{Source: "risk"})
			return err
		}},
	} {
		for _, role := range all {
			err := test.call(role)
			if may := strings.Contains(" "+test.may+" ", " "+role+" "); may && err != nil {
				t.Errorf("%s may not read %s: %v", role, test.what, err)
			} else if !may && errs.CodeOf(err) != errs.Denied {
				t.Errorf("%s may read %s: %v", role, test.what, err)
			}
		}
	}
}

func TestWrongQuestionsNameTheirField(t *testing.T) {
	r := start(t)
	for _, language := range []string{"zh", "en"} {
		desk := r.desk("admin", language)
		_, err := desk.ListEntries(ctx, &reportv1.ListEntriesRequest{})
		refused(t, err, errs.Invalid, "entries.filter_missing", "account", "")
		for _, token := range []string{"?", "AAAA", "bm90IGpzb24"} {
			_, err = desk.ListLoans(ctx, &reportv1.ListLoansRequest{PageToken: token})
			refused(t, err, errs.Invalid, "page_token.invalid", "pageToken", "")
		}
		_, err = desk.GetTrialBalance(ctx, &reportv1.GetTrialBalanceRequest{AsOf: "2026-02-30"})
		want(t, errs.CodeOf(err), errs.Invalid)
		_, err = desk.Rebuild(ctx, &reportv1.RebuildRequest{Source: "gateway"})
		want(t, errs.CodeOf(err), errs.Invalid)
		_, err = desk.ListOrders(ctx, &reportv1.ListOrdersRequest{PageSize: 201})
		want(t, errs.CodeOf(err), errs.Invalid)
	}
}

// BenchmarkADaysClose takes in the sums of a day: 16 events for 1,024 buckets and two products.
func BenchmarkADaysClose(b *testing.B) {
	r := startOn(&testing.T{}, storetest.Open(b, storetest.SQLite(b), report.Schema()))
	day := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for b.Loop() {
		b.StopTimer()
		day = day.AddDate(0, 0, 1)
		for part := range int64(id.Partitions) {
			r.happen("loan", 0, part, r.sums(part, day.Format(time.DateOnly), "consumer", "car"))
		}
		for {
			if more, err := r.sources["loan"].Step(ctx); err != nil || !more {
				break
			}
		}
		b.StartTimer()
		r.run()
	}
}
