package loan

import (
	"context"
	"math"
	"slices"

	loanv1 "github.com/hengdai/hengdai/api/loan/v1"
	"github.com/hengdai/hengdai/domain/allocate"
	"github.com/hengdai/hengdai/domain/calendar"
	"github.com/hengdai/hengdai/domain/ledger"
	domain "github.com/hengdai/hengdai/domain/loan"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/id"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/service/loan/rows"
)

// toLoan is a loan with what is owed on the open date.
func toLoan(a *account) (*loanv1.Loan, error) {
	r := a.row
	out := &loanv1.Loan{
		LoanId: r.ID, ApplicationId: r.ApplicationID, ContractId: r.ContractID, State: r.State, Product: r.Product,
		ProductVersion: int32(r.ProductVersion), PrincipalMinor: r.PrincipalMinor, Method: r.Method, TermMonths: int32(r.TermMonths),
		RatePpm: int32(r.RatePpm), CardId: r.CardID, DisbursedOn: r.DisbursedOn, MaturesOn: r.MaturesOn, AsOf: a.part.OpenOn,
		CreatedMs: r.CreatedMs, SettledOn: r.SettledOn, Bucket: domain.Bucket(0), Class: string(domain.Normal),
	}
	if a.life == nil {
		return out, nil
	}
	st, err := a.standingToday()
	if err != nil {
		return nil, err
	}
	out.OutstandingPrincipalMinor, out.OverdueMinor, out.Dpd = int64(st.Outstanding), int64(st.Overdue), int32(st.DPD)
	out.Bucket, out.Class, out.PayoffMinor = st.Bucket, string(st.Class), int64(st.Payoff)
	out.UnappliedMinor, out.Locked = int64(st.Unapplied), st.Locked
	if !domain.State(r.State).Live() {
		out.PayoffMinor = 0
		return out, nil
	}
	switch {
	case st.Due > st.Overdue: // it falls due today
		out.NextDueOn, out.NextDueMinor = st.On.String(), int64(st.Due-st.Overdue)
	case st.NextDueOn != calendar.None:
		out.NextDueOn, out.NextDueMinor = st.NextDueOn.String(), max(0, int64(st.NextDue-st.Unapplied))
	}
	return out, nil
}

// toSchedule is the whole plan with what was paid of it.
func (s *Service) toSchedule(ctx context.Context, q store.DBTX, a *account) (*loanv1.Schedule, error) {
	out := &loanv1.Schedule{LoanId: a.row.ID, AsOf: a.part.OpenOn}
	if a.life == nil {
		return out, nil
	}
	happened, err := s.happenings(ctx, q, a.row.Bucket, a.row.ID)
	if err != nil {
		return nil, err
	}
	life, err := domain.Replay(*a.life.Terms(), happened, true)
	if err != nil {
		return nil, errs.Wrap(err, "replaying a loan")
	}
	open, err := dateOf(a.part.OpenOn)
	if err != nil {
		return nil, err
	}
	on := max(open, life.At())
	if err := life.Advance(on); err != nil {
		return nil, errs.Wrap(err, "bringing a loan to today")
	}
	list, err := life.Rows()
	if err != nil {
		return nil, errs.Wrap(err, "reading a loan's rows")
	}
	for _, r := range list {
		out.Rows = append(out.Rows, toScheduleRow(r, on))
	}
	return out, nil
}

func toScheduleRow(r domain.DueRow, on calendar.Date) *loanv1.ScheduleRow {
	row := &loanv1.ScheduleRow{
		Number: int32(r.Number), DueOn: r.DueOn.String(), State: "future", MetOn: r.MetOn.String(),
		PrincipalMinor: int64(r.Charged[allocate.Principal]), InterestMinor: int64(r.Charged[allocate.Interest]),
		FeeMinor: int64(r.Charged[allocate.Fee]), PenaltyMinor: int64(r.Charged[allocate.Penalty] + r.Charged[allocate.Compound]),
		PaidPrincipalMinor: int64(r.Paid[allocate.Principal]), PaidInterestMinor: int64(r.Paid[allocate.Interest]),
		PaidFeeMinor: int64(r.Paid[allocate.Fee]), PaidPenaltyMinor: int64(r.Paid[allocate.Penalty] + r.Paid[allocate.Compound]),
	}
	switch {
	case r.MetOn != calendar.None:
		row.State = "paid"
	case r.Fallen && r.DueOn < on:
		row.State, row.Dpd = "overdue", int32(calendar.Days(r.DueOn, on))
	case r.Fallen:
		row.State = "due"
	}
	return row
}

// sentences say why money could not be collected.
var collectSentences = map[string][2]string{
	"balance_too_low":      {"银行卡余额不足。", "The card's balance is too low."},
	"INSUFFICIENT_BALANCE": {"银行卡余额不足。", "The card's balance is too low."},
	"CARD_CLOSED":          {"银行卡已注销。", "The card is closed."},
	"LIMIT_EXCEEDED":       {"超过银行卡限额。", "The card's limit is exceeded."},
}

func toRepayment(o rows.PaymentOrder) *loanv1.Repayment {
	out := &loanv1.Repayment{
		RepaymentId: o.ID, LoanId: o.LoanID, Kind: o.Kind, AmountMinor: o.AmountMinor, State: o.State, Reason: o.Reason, PrincipalMinor: o.PrincipalMinor,
		InterestMinor: o.InterestMinor, PenaltyMinor: o.PenaltyMinor, FeeMinor: o.FeeMinor, UnappliedMinor: o.UnappliedMinor,
		CreatedMs: o.CreatedMs, Settled: o.Settles != 0,
	}
	if o.State == orderPaid {
		out.ValueOn = o.ValueOn
	}
	if o.State == orderFailed {
		sentence, known := collectSentences[o.Reason]
		if !known {
			sentence = [2]string{"扣款未成功，请稍后重试或更换银行卡。", "The money could not be collected. Please try again later or use another card."}
		}
		out.SentenceZh, out.SentenceEn = sentence[0], sentence[1]
	}
	return out
}

// GetLoan answers a loan of the caller.
func (p public) GetLoan(ctx context.Context, req *loanv1.GetLoanRequest) (*loanv1.Loan, error) {
	a, err := p.own(ctx, req.GetLoanId())
	if err != nil {
		return nil, err
	}
	return toLoan(a)
}

func (p public) own(ctx context.Context, loanID int64) (*account, error) {
	who, err := borrower(ctx)
	if err != nil {
		return nil, err
	}
	row, err := p.loanOf(ctx, p.deps.DB.Primary(), who.ID, loanID)
	if err != nil {
		return nil, err
	}
	return p.look(ctx, p.deps.DB.Primary(), row)
}

// ListLoans answers the caller's loans, newest first.
func (p public) ListLoans(ctx context.Context, req *loanv1.ListLoansRequest) (*loanv1.ListLoansResponse, error) {
	who, err := borrower(ctx)
	if err != nil {
		return nil, err
	}
	after, err := readCursor(req.GetPageToken())
	if err != nil {
		return nil, err
	}
	size := pageSize(req.GetPageSize(), 20)
	list, err := rows.New(p.deps.DB.Primary()).LoansOfUser(ctx, rows.LoansOfUserParams{Bucket: id.Bucket(who.ID), UserID: who.ID,
		BeforeMs: after.MS, BeforeID: after.ID, Limit: size + 1})
	if err != nil {
		return nil, errs.Wrap(err, "listing loans")
	}
	list, token := page(list, size, func(r rows.Loan) cursor { return cursor{MS: r.CreatedMs, ID: r.ID} })
	out := &loanv1.ListLoansResponse{NextPageToken: token}
	for _, r := range list {
		a, err := p.look(ctx, p.deps.DB.Primary(), r)
		if err != nil {
			return nil, err
		}
		view, err := toLoan(a)
		if err != nil {
			return nil, err
		}
		out.Loans = append(out.Loans, view)
	}
	return out, nil
}

// GetSchedule answers the plan of a loan of the caller.
func (p public) GetSchedule(ctx context.Context, req *loanv1.GetScheduleRequest) (*loanv1.Schedule, error) {
	a, err := p.own(ctx, req.GetLoanId())
	if err != nil {
		return nil, err
	}
	return p.toSchedule(ctx, p.deps.DB.Primary(), a)
}

// ListLoans answers loans for staff, newest first.
func (f staff) ListLoans(ctx context.Context, req *loanv1.StaffListLoansRequest) (*loanv1.StaffListLoansResponse, error) {
	after, err := readCursor(req.GetPageToken())
	if err != nil {
		return nil, err
	}
	q := f.deps.DB.Read()
	overdue := ""
	if req.GetMinDpd() > 0 {
		open, err := f.businessDate(ctx, q)
		if err != nil {
			return nil, err
		}
		overdue = (open - calendar.Date(req.GetMinDpd())).String()
	}
	size := pageSize(req.GetPageSize(), 50)
	list, err := rows.New(q).LoansPage(ctx, rows.LoansPageParams{OnlyState: req.GetState(), OnlyProduct: req.GetProduct(), OnlyUser: req.GetUserId(),
		UserBucket: id.Bucket(req.GetUserId()), OverdueBefore: overdue, FromOn: req.GetFrom(), ToOn: req.GetTo(), BeforeMs: after.MS, BeforeID: after.ID, Limit: size + 1})
	if err != nil {
		return nil, errs.Wrap(err, "listing loans")
	}
	list, token := page(list, size, func(r rows.Loan) cursor { return cursor{MS: r.CreatedMs, ID: r.ID} })
	out := &loanv1.StaffListLoansResponse{NextPageToken: token}
	for _, r := range list {
		a, err := f.look(ctx, q, r)
		if err != nil {
			return nil, err
		}
		view, err := toLoan(a)
		if err != nil {
			return nil, err
		}
		out.Loans = append(out.Loans, &loanv1.LoanLine{UserId: r.UserID, Loan: view})
	}
	return out, nil
}

// GetLoan answers a loan with its plan, repayments and steps.
func (f staff) GetLoan(ctx context.Context, req *loanv1.StaffGetLoanRequest) (*loanv1.LoanFile, error) {
	q := f.deps.DB.Primary()
	row, err := f.loan(ctx, q, req.GetLoanId())
	if err != nil {
		return nil, err
	}
	a, err := f.look(ctx, q, row)
	if err != nil {
		return nil, err
	}
	out := &loanv1.LoanFile{UserId: row.UserID, Grade: row.Grade, Purpose: row.Purpose, PayoutOrderId: row.PayoutOrderID,
		NonAccrual: a.life != nil && a.life.Suspended()}
	if a.life != nil {
		st, err := a.standingToday()
		if err != nil {
			return nil, err
		}
		out.BureauCode = domain.BureauCode(st.DPD)
	}
	if out.Loan, err = toLoan(a); err != nil {
		return nil, err
	}
	if out.Schedule, err = f.toSchedule(ctx, q, a); err != nil {
		return nil, err
	}
	orders, err := rows.New(q).PaymentOrdersOfLoan(ctx, rows.PaymentOrdersOfLoanParams{Bucket: row.Bucket, LoanID: row.ID})
	if err != nil {
		return nil, errs.Wrap(err, "listing a loan's orders")
	}
	slices.Reverse(orders)
	for _, o := range orders {
		if o.Kind == orderDebit || o.Kind == orderRepayment {
			out.Repayments = append(out.Repayments, toRepayment(o))
		}
	}
	steps, err := rows.New(q).LoanSteps(ctx, rows.LoanStepsParams{Bucket: row.Bucket, LoanID: row.ID})
	if err != nil {
		return nil, errs.Wrap(err, "listing a loan's steps")
	}
	for _, st := range steps {
		out.History = append(out.History, &loanv1.LoanStep{From: st.FromState, To: st.ToState, Reason: st.Reason, On: st.StepOn, AtMs: st.AtMs})
	}
	return out, nil
}

// GetJournal answers a loan's own transactions, oldest first, and its balances with its share of the sums.
func (f staff) GetJournal(ctx context.Context, req *loanv1.GetJournalRequest) (*loanv1.GetJournalResponse, error) {
	q := f.deps.DB.Primary()
	row, err := f.loan(ctx, q, req.GetLoanId())
	if err != nil {
		return nil, err
	}
	after := cursor{}
	if req.GetPageToken() != "" {
		if after, err = readCursor(req.GetPageToken()); err != nil {
			return nil, err
		}
	}
	size := pageSize(req.GetPageSize(), 100)
	heads, err := rows.New(q).JournalOfSubject(ctx, rows.JournalOfSubjectParams{Bucket: row.Bucket, SubjectID: row.ID, AfterID: after.ID, Limit: size + 1})
	if err != nil {
		return nil, errs.Wrap(err, "reading a loan's journal")
	}
	heads, token := page(heads, size, func(r rows.Journal) cursor { return cursor{MS: math.MaxInt64, ID: r.ID} })
	lines, err := rows.New(q).EntriesOfSubject(ctx, rows.EntriesOfSubjectParams{Bucket: row.Bucket, SubjectID: row.ID})
	if err != nil {
		return nil, errs.Wrap(err, "reading a loan's entries")
	}
	out := &loanv1.GetJournalResponse{NextPageToken: token}
	for _, h := range heads {
		t := ledger.Transaction{ID: h.ID, Event: h.Event, Subject: h.SubjectID, Bucket: h.Bucket, Reverses: h.ReversesID}
		if t.BookedOn, err = dateOf(h.BookedOn); err != nil {
			return nil, err
		}
		if t.ValueOn, err = dateOf(h.ValueOn); err != nil {
			return nil, err
		}
		for _, l := range lines {
			if l.TransactionID == h.ID {
				t.Entries = append(t.Entries, ledger.Entry{Account: l.Account, AmountMinor: l.AmountMinor, Product: l.Product})
			}
		}
		out.Transactions = append(out.Transactions, toPosted(&t))
	}
	return out, f.balances(ctx, q, row, out)
}

func (f staff) balances(ctx context.Context, q store.DBTX, row rows.Loan, out *loanv1.GetJournalResponse) error {
	a, err := f.look(ctx, q, row)
	if err != nil || a.life == nil {
		return err
	}
	through, err := a.bookedNow()
	if err != nil {
		return err
	}
	position, err := a.life.Position(through)
	if err != nil {
		return errs.Wrap(err, "computing a loan's balances")
	}
	for _, e := range position.Entries("") {
		out.Balances = append(out.Balances, &loanv1.AccountBalance{Account: e.Account, BalanceMinor: e.AmountMinor})
	}
	return nil
}

// bookedNow is the day up to which the journal holds the loan; a loan that is over takes no share of sums.
func (a *account) bookedNow() (calendar.Date, error) {
	if !domain.State(a.row.State).Live() {
		return dateOf(a.row.BookedOn)
	}
	return a.booked()
}

// GetPosition answers what a loan owes today, for collection.
func (i internalAPI) GetPosition(ctx context.Context, req *loanv1.GetPositionRequest) (*loanv1.Position, error) {
	row, err := i.loan(ctx, i.deps.DB.Primary(), req.GetLoanId())
	if err != nil {
		return nil, err
	}
	a, err := i.look(ctx, i.deps.DB.Primary(), row)
	if err != nil {
		return nil, err
	}
	view, err := toLoan(a)
	if err != nil {
		return nil, err
	}
	return &loanv1.Position{LoanId: row.ID, UserId: row.UserID, Product: row.Product, State: row.State, Dpd: view.GetDpd(), Bucket: view.GetBucket(),
		OverdueMinor: view.GetOverdueMinor(), PayoffMinor: view.GetPayoffMinor(), OutstandingPrincipalMinor: view.GetOutstandingPrincipalMinor(),
		BusinessDate: view.GetAsOf(), Locked: view.GetLocked()}, nil
}
