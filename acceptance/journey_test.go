package acceptance

import (
	"slices"
	"testing"
	"time"

	loanv1 "github.com/hengdai/hengdai/api/loan/v1"
	notifyv1 "github.com/hengdai/hengdai/api/notify/v1"
	userv1 "github.com/hengdai/hengdai/api/user/v1"
)

// ample covers every instalment of this suite.
const ample = int64(50_000_000)

// theJourney is one loan from the first SMS to the last cent: decided by the machine, paid out, debited on its due day, settled early.
func theJourney(t *testing.T, w *world) {
	late := w.lateBorrower(t) // whose chapter comes later, but whose due day is the same
	b := w.borrower(t)
	knownButMasked(t, b)
	quoted := b.quote(t, 1_200_000, 12)
	app := b.apply(t, b.wish(1_200_000, 12))
	if app.GetState() != "APPROVED" || app.GetApprovedMinor() != 1_200_000 {
		t.Fatalf("the application is %s over %d", app.GetState(), app.GetApprovedMinor())
	}
	if app.GetRatePpm() > quoted.GetRatePpm() {
		t.Errorf("approved at %d ppm, above the highest price that was quoted, %d", app.GetRatePpm(), quoted.GetRatePpm())
	}
	limit := b.limit(t)
	if limit.GetFrozenMinor() != 1_200_000 || limit.GetUsedMinor() != 0 {
		t.Errorf("after the approval the limit has %d frozen and %d used", limit.GetFrozenMinor(), limit.GetUsedMinor())
	}
	b.sign(t)
	loan := b.loanIn(t, "REPAYING")
	plan := paidOutOnItsRealDay(t, b, loan)

	w.sandbox.setBalance(t, b.card(), ample)
	due := plan[0].GetDueOn()
	w.travelTo(t, due)
	debitedOnItsDay(t, b, plan[0])

	w.travelTo(t, later(t, due, 1))
	settledEarly(t, b)
	limit = b.limit(t)
	if limit.GetUsedMinor() != 0 || limit.GetFrozenMinor() != 0 || limit.GetAvailableMinor() != limit.GetTotalMinor() {
		t.Errorf("after settlement the limit is not free: %v", limit)
	}
	b.hasMessages(t, "application.approved", "contract.signed", "loan.paid_out", "bill.issued", "repayment.received", "loan.settled")
	if first := late.plan(t)[0]; first.GetDueOn() != due || first.GetState() != "overdue" {
		t.Errorf("the instalment of an empty account is %q on the day after %s", first.GetState(), first.GetDueOn())
	}
}

// knownButMasked: the person sees of himself what he needs to recognise himself, no more.
func knownButMasked(t *testing.T, b *borrower) {
	t.Helper()
	me, err := b.users.GetMe(t.Context(), &userv1.GetMeRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if me.GetState() != "identified" || me.GetIdentity() != userv1.CheckState_CHECK_STATE_VERIFIED {
		t.Errorf("after the check the person is %s, %s", me.GetState(), me.GetIdentity())
	}
	if me.GetMobileMasked() != b.Mobile[:3]+"****"+b.Mobile[7:] {
		t.Error("the mobile is not masked as it should be")
	}
	if name := []rune(b.Name); me.GetNameMasked() == b.Name || []rune(me.GetNameMasked())[0] != name[0] {
		t.Error("the name is not masked as it should be")
	}
	for _, purpose := range []string{"privacy", "identity", "card", "credit_query"} {
		if !slices.Contains(me.GetConsents(), purpose) {
			t.Errorf("the consent to %s is not there: %v", purpose, me.GetConsents())
		}
	}
}

func (b *borrower) quote(t testing.TB, amountMinor int64, months int32) *loanv1.QuoteResponse {
	t.Helper()
	q, err := b.loans.Quote(t.Context(), &loanv1.QuoteRequest{Product: "consumer-cash", AmountMinor: amountMinor, TermMonths: months, Method: "equal_instalment"})
	if err != nil {
		t.Fatalf("quote: %v", err)
	}
	return q
}

func (b *borrower) limit(t testing.TB) *loanv1.Limit {
	t.Helper()
	limit, err := b.loans.GetLimit(t.Context(), &loanv1.GetLimitRequest{})
	if err != nil {
		t.Fatalf("read the limit: %v", err)
	}
	return limit
}

func (b *borrower) plan(t testing.TB) []*loanv1.ScheduleRow {
	t.Helper()
	plan, err := b.loans.GetSchedule(t.Context(), &loanv1.GetScheduleRequest{LoanId: b.loanID})
	if err != nil {
		t.Fatalf("read the plan: %v", err)
	}
	return plan.GetRows()
}

// paidOutOnItsRealDay: the plan runs from the day on which the channel moved the money, once, and the sums fit.
func paidOutOnItsRealDay(t *testing.T, b *borrower, loan *loanv1.Loan) []*loanv1.ScheduleRow {
	t.Helper()
	sent := b.w.sandbox.moved(t, b.card(), "PAYOUT")
	if len(sent) != 1 || sent[0].AmountMinor != loan.GetPrincipalMinor() {
		t.Fatalf("the channels paid out %d times: %v", len(sent), sent)
	}
	if loan.GetDisbursedOn() != sent[0].SettledOn {
		t.Errorf("the loan runs from %s, the money moved on %s", loan.GetDisbursedOn(), sent[0].SettledOn)
	}
	plan := b.plan(t)
	var principal int64
	for _, row := range plan {
		principal += row.GetPrincipalMinor()
	}
	if len(plan) != int(loan.GetTermMonths()) || principal != loan.GetPrincipalMinor() {
		t.Errorf("the plan has %d rows and %d of principal", len(plan), principal)
	}
	from := dateOf(t, loan.GetDisbursedOn())
	want := from.AddDate(0, 1, 0)
	if want.Day() != from.Day() {
		want = want.AddDate(0, 0, -want.Day()) // the last day of a shorter month
	}
	if got := plan[0].GetDueOn(); got != want.Format(time.DateOnly) {
		t.Errorf("paid out on %s, first due on %s", loan.GetDisbursedOn(), got)
	}
	if limit := b.limit(t); limit.GetUsedMinor() != loan.GetPrincipalMinor() || limit.GetFrozenMinor() != 0 {
		t.Errorf("after the payout the limit has %d frozen and %d used", limit.GetFrozenMinor(), limit.GetUsedMinor())
	}
	return plan
}

// debitedOnItsDay: the instalment was taken from the card once, to the cent, and is met on its due day.
func debitedOnItsDay(t *testing.T, b *borrower, was *loanv1.ScheduleRow) {
	t.Helper()
	row := b.plan(t)[0]
	if row.GetState() != "paid" || row.GetMetOn() != was.GetDueOn() || row.GetPenaltyMinor() != 0 {
		t.Errorf("on its due day the instalment is %s, met on %q, with %d of penalty", row.GetState(), row.GetMetOn(), row.GetPenaltyMinor())
	}
	taken := b.w.sandbox.moved(t, b.card(), "COLLECT")
	if len(taken) != 1 || taken[0].AmountMinor != was.GetPrincipalMinor()+was.GetInterestMinor()+was.GetFeeMinor() {
		t.Errorf("the channels took %v for an instalment of %d + %d", taken, was.GetPrincipalMinor(), was.GetInterestMinor())
	}
}

// settledEarly: what the trial said is what was booked, and the loan ends.
func settledEarly(t *testing.T, b *borrower) {
	t.Helper()
	paid := b.repayAsTried(t, "payoff")
	if !paid.GetSettled() {
		t.Error("the payoff did not settle the loan")
	}
	loan := b.loanIn(t, "SETTLED")
	if loan.GetOutstandingPrincipalMinor() != 0 || loan.GetSettledOn() != paid.GetValueOn() {
		t.Errorf("settled on %q with %d left; the money moved on %s", loan.GetSettledOn(), loan.GetOutstandingPrincipalMinor(), paid.GetValueOn())
	}
	for _, row := range b.plan(t) {
		if row.GetState() != "paid" && row.GetPrincipalMinor() > 0 {
			t.Errorf("instalment %d of a settled loan is %s", row.GetNumber(), row.GetState())
		}
	}
}

// repayAsTried tries a repayment, does it and compares the two to the cent.
func (b *borrower) repayAsTried(t testing.TB, kind string) *loanv1.Repayment {
	t.Helper()
	trial, err := b.loans.TrialRepayment(t.Context(), &loanv1.TrialRepaymentRequest{LoanId: b.loanID, Kind: kind})
	if err != nil {
		t.Fatalf("try to repay: %v", err)
	}
	asked, err := b.loans.Repay(t.Context(), &loanv1.RepayRequest{
		LoanId: b.loanID, Kind: kind, AmountMinor: trial.GetAmountMinor(), IdempotencyKey: b.key("repay-" + kind),
	})
	if err != nil {
		t.Fatalf("repay: %v", err)
	}
	paid := b.ended(t, asked.GetRepaymentId())
	if paid.GetState() != "PAID" {
		t.Fatalf("the repayment is %s: %s", paid.GetState(), paid.GetReason())
	}
	tried := []int64{trial.GetAmountMinor(), trial.GetPrincipalMinor(), trial.GetInterestMinor(), trial.GetPenaltyMinor(), trial.GetFeeMinor()}
	booked := []int64{paid.GetAmountMinor(), paid.GetPrincipalMinor(), paid.GetInterestMinor(), paid.GetPenaltyMinor(), paid.GetFeeMinor()}
	if !slices.Equal(tried, booked) {
		t.Errorf("tried %v, booked %v (amount, principal, interest, penalty, fee)", tried, booked)
	}
	return paid
}

// hasMessages waits until the inbox holds a message of each template, with text in both languages and no gap left open.
func (b *borrower) hasMessages(t testing.TB, templates ...string) {
	t.Helper()
	var list []*notifyv1.InAppMessage
	for _, template := range templates {
		eventually(t, "no message "+template, 30*time.Second, func() (bool, error) {
			got, err := b.inbox.ListMessages(t.Context(), &notifyv1.ListMessagesRequest{PageSize: 100})
			list = got.GetMessages()
			return slices.ContainsFunc(list, func(m *notifyv1.InAppMessage) bool { return m.GetTemplate() == template }), err
		})
	}
	for _, m := range list {
		if !chinese(m.GetTextZh()) || m.GetTextEn() == "" || chinese(m.GetTextEn()) {
			t.Errorf("the message %s does not read in both languages: %q %q", m.GetTemplate(), m.GetTextZh(), m.GetTextEn())
		}
	}
}

// messageID answers the newest message of the inbox.
func (b *borrower) messageID(t testing.TB) int64 {
	t.Helper()
	got, err := b.inbox.ListMessages(t.Context(), &notifyv1.ListMessagesRequest{PageSize: 1})
	if err != nil || len(got.GetMessages()) == 0 {
		t.Fatalf("the inbox is empty: %v", err)
	}
	return got.GetMessages()[0].GetMessageId()
}
