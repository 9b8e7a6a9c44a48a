package loan

import (
	"context"
	"slices"

	loanv1 "github.com/hengdai/hengdai/api/loan/v1"
	"github.com/hengdai/hengdai/domain/calendar"
	domain "github.com/hengdai/hengdai/domain/loan"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/id"
	eventlog "github.com/hengdai/hengdai/kit/log"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/service/loan/rows"
)

// startMany is how many loans one unit of a start of day writes at most.
const startMany = 500

// startDay begins a day for partitions that agreed on the day before: bills for what falls due on it, and orders to
// debit. A loan that was looked at says when it wants to be looked at next, so a restart goes on where it stopped.
func (s *Service) startDay(ctx context.Context, work portion) error {
	wanted, err := rows.New(s.deps.DB.Primary()).LoansToActOn(ctx, rows.LoansToActOnParams{FromBucket: 0, ToBucket: id.Buckets - 1, DayOn: work.day.String()})
	if err != nil {
		return errs.Wrap(err, "reading the loans of a start of day")
	}
	wanted = slices.DeleteFunc(wanted, func(r rows.LoansToActOnRow) bool {
		return !slices.ContainsFunc(work.parts, func(p rows.DayPart) bool { return p.Part == int64(id.Partition(r.Bucket)) })
	})
	for {
		chunk := wanted[:min(len(wanted), startMany)]
		wanted = wanted[len(chunk):]
		last := len(wanted) == 0
		err := s.startChunk(ctx, work, chunk, last)
		if err != nil && ctx.Err() == nil && errs.CodeOf(err) != errs.Unavailable && len(chunk) > 0 {
			err = s.startOneByOne(ctx, work, chunk, last)
		}
		if err != nil || last {
			return errs.Wrap(err, "starting "+work.day.String())
		}
	}
}

// startChunk starts some loans in one unit, and with the last of them the partitions' day.
func (s *Service) startChunk(ctx context.Context, work portion, chunk []rows.LoansToActOnRow, last bool) error {
	return s.write(ctx, func(tx *store.Tx) error {
		if err := s.startLoans(ctx, tx, work.day, chunk); err != nil || !last {
			return err
		}
		if err := s.startParts(ctx, tx, work); err != nil {
			return err
		}
		return s.closeBooks(ctx, tx)
	})
}

// startOneByOne starts loans each by itself after a unit of many failed: the one at fault is set aside.
func (s *Service) startOneByOne(ctx context.Context, work portion, chunk []rows.LoansToActOnRow, last bool) error {
	for i := range chunk {
		err := s.startChunk(ctx, work, chunk[i:i+1], false)
		if err == nil {
			continue
		}
		if ctx.Err() != nil || errs.CodeOf(err) == errs.Unavailable {
			return err
		}
		bad := failed{bucket: chunk[i].Bucket, id: chunk[i].ID, userID: chunk[i].UserID, why: err}
		if err := s.write(ctx, func(tx *store.Tx) error { return s.setAside(ctx, tx, work.day, bad) }); err != nil {
			return err
		}
	}
	return s.startChunk(ctx, work, nil, last)
}

func (s *Service) startLoans(ctx context.Context, tx *store.Tx, day calendar.Date, chunk []rows.LoansToActOnRow) error {
	var bills, debits int64
	for _, r := range chunk {
		a, err := s.open(ctx, tx, r.Bucket, r.ID)
		if err != nil {
			return err
		}
		billed, debited, err := s.startLoan(ctx, tx, day, a)
		if err != nil {
			return errs.Wrap(err, "starting a loan's day")
		}
		bills, debits = bills+billed, debits+debited
	}
	if bills+debits == 0 {
		return nil
	}
	q := rows.New(tx)
	d, err := q.BusinessDay(ctx, day.String())
	if err != nil {
		return errs.Wrap(err, "reading a business day")
	}
	d.Bills, d.Debits = d.Bills+bills, d.Debits+debits
	return s.changeDay(ctx, q, d)
}

// startParts notes that the day has begun; if a unit touched a partition meanwhile, that changes nothing about it.
func (s *Service) startParts(ctx context.Context, tx *store.Tx, work portion) error {
	q := rows.New(tx)
	for _, p := range work.parts {
		now, err := q.DayPart(ctx, p.Part)
		if err != nil {
			return errs.Wrap(err, "reading a partition's day")
		}
		if now.StartedOn >= work.day.String() {
			continue
		}
		n, err := q.StartPart(ctx, rows.StartPartParams{StartedOn: work.day.String(), Part: p.Part, Version: now.Version})
		if err := store.One(n, err, errStale); err != nil {
			return errs.Wrap(err, "starting a partition's day")
		}
	}
	return nil
}

// startLoan bills what falls due on the day, applies what was kept for it, and orders a debit of what is left.
func (s *Service) startLoan(ctx context.Context, tx *store.Tx, day calendar.Date, a *account) (bills, debits int64, err error) {
	if a.life == nil || !domain.State(a.row.State).Live() || a.row.ActOn > day.String() {
		return 0, 0, nil
	}
	on := max(day, a.life.At())
	if err := s.applyKept(ctx, tx, a, on); err != nil {
		return 0, 0, err
	}
	st, err := a.life.Standing(on)
	if err != nil {
		return 0, 0, errs.Wrap(err, "computing a loan's standing")
	}
	var issue []domain.DueRow
	plan := a.life.Plan()
	for i := int(a.row.BilledRow); i < len(plan.Rows) && plan.Rows[i].DueOn <= day; i++ {
		r := &plan.Rows[i]
		issue = append(issue, domain.DueRow{Number: r.Number, DueOn: r.DueOn})
	}
	var orderID int64
	if st.Due > 0 && !st.Locked && (len(issue) > 0 || a.retriesOn(day)) {
		orderID, debits = s.deps.IDs.New(a.row.Bucket), 1
		if err := s.collect(ctx, tx, a, orderDebit, orderID, a.row.CardID, collection{amount: st.Due, on: on}); err != nil {
			return 0, 0, err
		}
	}
	for _, r := range issue {
		err := s.deps.Log.Append(tx, eventlog.Event{UserID: a.row.UserID, Bucket: a.row.Bucket, Body: &loanv1.BillIssued{
			LoanId: a.row.ID, Number: int32(r.Number), DueOn: r.DueOn.String(), AmountMinor: int64(plan.Rows[r.Number-1].Due()), OrderId: orderID}})
		if err != nil {
			return 0, 0, errs.Wrap(err, "issuing a bill")
		}
		a.row.BilledRow = int64(r.Number)
	}
	a.planAct(day)
	if st.Settled { // what was kept paid the rest
		_, err := s.afterReceipt(ctx, tx, a)
		return int64(len(issue)), debits, err
	}
	return int64(len(issue)), debits, s.save(ctx, tx, a)
}

// applyKept lets money that was kept serve what falls due.
func (s *Service) applyKept(ctx context.Context, tx *store.Tx, a *account, on calendar.Date) error {
	if a.life.Unapplied() <= 0 || a.life.Locked().OrderID != 0 {
		return nil
	}
	before := a.life.Paid()
	err := s.happen(ctx, tx, a, happening{Happening: domain.Happening{Kind: domain.ApplyExcess, On: on}, PostingOn: calendar.None, ValueOn: calendar.None})
	if err != nil {
		return err
	}
	paid := a.life.Paid().Minus(before)
	if paid.Total() == 0 {
		return nil
	}
	if err := s.freeLimit(ctx, tx, a); err != nil {
		return err
	}
	return s.tellRepayment(tx, a, rows.PaymentOrder{}, outcome{posting: calendar.None, value: on}, paid, a.life.Settled())
}

// retriesOn says whether a debit is tried again on a day.
func (a *account) retriesOn(day calendar.Date) bool {
	oldest := a.life.OldestDue()
	return oldest != calendar.None && slices.Contains(a.life.Terms().DebitRetries, calendar.Days(oldest, day))
}
