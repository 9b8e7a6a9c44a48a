package loan

import (
	"context"

	loanv1 "github.com/hengdai/hengdai/api/loan/v1"
	userv1 "github.com/hengdai/hengdai/api/user/v1"
	"github.com/hengdai/hengdai/domain/allocate"
	"github.com/hengdai/hengdai/domain/calendar"
	domain "github.com/hengdai/hengdai/domain/loan"
	"github.com/hengdai/hengdai/domain/money"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/id"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/service/loan/rows"
)

// Kinds of repayments.
const (
	repayDue    = "due"
	repayPayoff = "payoff"
	repayAmount = "amount"
)

const scopeRepay = "loan.repay"

var (
	errNotRepaying = errs.New(errs.Precondition, "loan.state", "该贷款当前不能还款。", "The loan cannot be repaid as it stands.")
	errUnderWay    = errs.New(errs.Conflict, "repayment.under_way", "有一笔扣款正在处理，请稍后再试。", "A repayment is under way. Please try again when it is finished.")
	errNothingDue  = errs.New(errs.Precondition, "repayment.nothing_due", "当前没有待还款项。", "Nothing is to be paid now.")
	errAbovePayoff = errs.New(errs.Precondition, "repayment.above_payoff", "还款金额超过结清金额。", "The amount is above what settles the loan.").On("amountMinor")
	errNoAmount    = errs.New(errs.Invalid, "repayment.amount_missing", "请填写还款金额。", "Please state an amount.").On("amountMinor")
	errMoved       = errs.New(errs.Conflict, "repayment.amount_changed", "应还金额已变化，请重新确认。", "The amount has changed meanwhile. Please look at it again.").On("amountMinor")
	errNoExcess    = errs.New(errs.Precondition, "repayment.above_due", "还款金额超过当前应还金额。", "The amount is above what is due now.").On("amountMinor")
)

// collection is a repayment worked out: how much it comes to on a day.
type collection struct {
	amount money.Amount
	payoff bool
	on     calendar.Date
}

// claim works out what a repayment of a kind comes to today, or why it is refused. The trial and the act both ask it, so
// they cannot differ.
func claim(a *account, kind string, asked money.Amount) (collection, error) {
	if a.life == nil || !domain.State(a.row.State).Live() {
		return collection{}, errNotRepaying
	}
	st, err := a.standingToday()
	if err != nil {
		return collection{}, err
	}
	if st.Locked {
		return collection{}, errUnderWay
	}
	w := collection{on: st.On}
	switch kind {
	case repayPayoff:
		w.amount, w.payoff = st.Payoff, true
	case repayDue:
		w.amount = st.Due
		if w.amount == 0 && st.NextDueOn != calendar.None {
			w.amount = max(0, st.NextDue-st.Unapplied)
		}
	default:
		if asked <= 0 {
			return w, errNoAmount
		}
		w.amount, w.payoff = asked, asked == st.Payoff
	}
	switch {
	case w.amount > st.Payoff:
		if kind == repayAmount {
			return w, errAbovePayoff
		}
		w.amount, w.payoff = st.Payoff, true
	case w.amount > st.Due && !w.payoff && !a.life.Terms().KeepExcess && kind == repayAmount:
		return w, errNoExcess
	}
	if w.amount <= 0 {
		return w, errNothingDue
	}
	if kind != repayAmount && asked != 0 && asked != w.amount {
		return w, errMoved
	}
	return w, nil
}

// loanOf answers a loan of one borrower; that of another is NotFound too.
func (s *Service) loanOf(ctx context.Context, q store.DBTX, userID, loanID int64) (rows.Loan, error) {
	row, err := s.loan(ctx, q, loanID)
	if err == nil && row.UserID != userID {
		return rows.Loan{}, errs.Wrap(errNoLoan, "reading a loan")
	}
	return row, err
}

func (s *Service) loan(ctx context.Context, q store.DBTX, loanID int64) (rows.Loan, error) {
	row, err := rows.New(q).Loan(ctx, rows.LoanParams{Bucket: id.Bucket(loanID), ID: loanID})
	return row, errs.Wrap(notFound(err, errNoLoan), "reading a loan")
}

// look opens a loan for reading, outside of a unit.
func (s *Service) look(ctx context.Context, q store.DBTX, row rows.Loan) (*account, error) {
	part, err := rows.New(q).DayPart(ctx, int64(id.Partition(row.Bucket)))
	if err != nil {
		return nil, errs.Wrap(err, "reading a partition's day")
	}
	life, err := s.lifeOf(ctx, q, row)
	return &account{row: row, life: life, part: part}, err
}

// TrialRepayment answers what a repayment would do; Repay does the same.
func (p public) TrialRepayment(ctx context.Context, req *loanv1.TrialRepaymentRequest) (*loanv1.TrialRepaymentResponse, error) {
	who, err := borrower(ctx)
	if err != nil {
		return nil, err
	}
	row, err := p.loanOf(ctx, p.deps.DB.Primary(), who.ID, req.GetLoanId())
	if err != nil {
		return nil, err
	}
	a, err := p.look(ctx, p.deps.DB.Primary(), row)
	if err != nil {
		return nil, err
	}
	w, err := claim(a, req.GetKind(), money.Amount(req.GetAmountMinor()))
	if err != nil {
		return nil, err
	}
	return tryRepayment(a.life, w)
}

func tryRepayment(life *domain.Life, w collection) (*loanv1.TrialRepaymentResponse, error) {
	parts, _, settles, err := life.Try(domain.Happening{Kind: domain.Receive, On: w.on, Amount: w.amount, Payoff: w.payoff})
	if err != nil {
		return nil, errs.Wrap(err, "trying a repayment")
	}
	out := &loanv1.TrialRepaymentResponse{AmountMinor: int64(w.amount), Settles: settles, ValueOn: w.on.String()}
	var sum allocate.Amounts
	for _, part := range parts {
		sum = sum.Plus(part.Paid)
		for c, amount := range part.Paid {
			if amount != 0 {
				out.Parts = append(out.Parts, &loanv1.RepaymentPart{Number: int32(part.Number), Component: allocate.Component(c).String(), AmountMinor: int64(amount)})
			}
		}
	}
	out.PrincipalMinor, out.InterestMinor = int64(sum[allocate.Principal]), int64(sum[allocate.Interest])
	out.PenaltyMinor, out.FeeMinor = int64(sum[allocate.Penalty]+sum[allocate.Compound]), int64(sum[allocate.Fee]+sum[allocate.Cost])
	out.OutstandingPrincipalMinor = int64(life.Outstanding()) - out.PrincipalMinor
	if settles {
		return out, nil
	}
	plan := life.Plan()
	for i := plan.RowAt(w.on); i < len(plan.Rows); i++ {
		r := &plan.Rows[i]
		out.Rows = append(out.Rows, &loanv1.PlanRow{Number: int32(r.Number), DueOn: r.DueOn.String(), PrincipalMinor: int64(r.Principal),
			InterestMinor: int64(r.Interest), FeeMinor: int64(r.Fee)})
	}
	return out, nil
}

// Repay locks the amount and asks payment to collect it.
func (p public) Repay(ctx context.Context, req *loanv1.RepayRequest) (*loanv1.Repayment, error) {
	who, err := borrower(ctx)
	if err != nil {
		return nil, err
	}
	row, err := p.loanOf(ctx, p.deps.DB.Primary(), who.ID, req.GetLoanId())
	if err != nil {
		return nil, err
	}
	key, err := keyOf(row.Bucket, scopeRepay, who.ID, req)
	if err != nil {
		return nil, err
	}
	orderID, err := p.before(ctx, key)
	if err == nil && orderID == 0 {
		orderID, err = p.repay(ctx, row, req, key)
	}
	if err != nil {
		return nil, err
	}
	return p.repayment(ctx, who.ID, orderID)
}

func (s *Service) repay(ctx context.Context, row rows.Loan, req *loanv1.RepayRequest, key onceKey) (int64, error) {
	cardID := row.CardID
	if req.GetCardId() != 0 && req.GetCardId() != row.CardID {
		if err := s.ownCard(ctx, row.UserID, req.GetCardId()); err != nil {
			return 0, err
		}
		cardID = req.GetCardId()
	}
	orderID := s.deps.IDs.New(row.Bucket)
	return s.once(ctx, key, func(tx *store.Tx) (int64, error) {
		a, err := s.open(ctx, tx, row.Bucket, row.ID)
		if err != nil {
			return 0, err
		}
		w, err := claim(a, req.GetKind(), money.Amount(req.GetAmountMinor()))
		if err != nil {
			return 0, err
		}
		if err := s.collect(ctx, tx, a, orderRepayment, orderID, cardID, w); err != nil {
			return 0, err
		}
		return orderID, s.save(ctx, tx, a)
	})
}

// ownCard refuses a card that is not a verified one of the borrower.
func (s *Service) ownCard(ctx context.Context, userID, cardID int64) error {
	standing, err := s.deps.User.GetStanding(ctx, &userv1.GetStandingRequest{UserId: userID, On: calendar.InShanghai(s.deps.Clock.Now()).String()})
	if err != nil {
		return errs.Wrap(err, "asking user for the borrower's cards")
	}
	for _, c := range standing.GetCards() {
		if c.GetCardId() != cardID {
			continue
		}
		if c.GetVerified() {
			return nil
		}
		return errs.New(errs.Precondition, "card.not_verified", "这张银行卡尚未通过验证。", "This card is not verified yet.").On("cardId")
	}
	return errs.New(errs.Invalid, "card.unknown", "没有找到这张银行卡。", "There is no such card.").On("cardId")
}

// collect locks an amount and stores the order to collect it. From now until the order ends the amount bears no penalty.
func (s *Service) collect(ctx context.Context, tx *store.Tx, a *account, kind string, orderID, cardID int64, w collection) error {
	err := s.happen(ctx, tx, a, happening{Happening: domain.Happening{Kind: domain.LockMoney, On: w.on, Amount: w.amount, OrderID: orderID, Payoff: w.payoff},
		PostingOn: calendar.None, ValueOn: calendar.None})
	if err != nil {
		return err
	}
	order := rows.PaymentOrder{Bucket: a.row.Bucket, ID: orderID, LoanID: a.row.ID, UserID: a.row.UserID, Kind: kind, CardID: cardID,
		AmountMinor: int64(w.amount), Payoff: bit(w.payoff), LockedOn: w.on.String()}
	if kind == orderDebit {
		order.NotBefore = w.on.String()
	}
	return s.order(ctx, tx, order)
}

// GetRepayment answers a repayment of the caller.
func (p public) GetRepayment(ctx context.Context, req *loanv1.GetRepaymentRequest) (*loanv1.Repayment, error) {
	who, err := borrower(ctx)
	if err != nil {
		return nil, err
	}
	return p.repayment(ctx, who.ID, req.GetRepaymentId())
}

func (s *Service) repayment(ctx context.Context, userID, orderID int64) (*loanv1.Repayment, error) {
	o, err := rows.New(s.deps.DB.Primary()).PaymentOrder(ctx, rows.PaymentOrderParams{Bucket: id.Bucket(orderID), ID: orderID})
	if err == nil && (o.UserID != userID || (o.Kind != orderRepayment && o.Kind != orderDebit)) {
		return nil, errNoOrder
	}
	if err != nil {
		return nil, errs.Wrap(notFound(err, errNoOrder), "reading a repayment")
	}
	return toRepayment(o), nil
}
