package loan

import (
	"context"

	loanv1 "github.com/hengdai/hengdai/api/loan/v1"
	"github.com/hengdai/hengdai/domain/calendar"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/id"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/service/loan/rows"
)

var (
	errNoDay    = errs.New(errs.NotFound, "day_end.not_found", "没有该业务日期。", "There is no such business date.").On("date")
	errDayRuns  = errs.New(errs.Precondition, "day_end.too_early", "该业务日期尚未结束，不能日终。", "The date is not over yet; its day-end cannot begin.").On("date")
	errNotADate = errs.New(errs.Invalid, "date.invalid", "日期不存在。", "There is no such date.").On("date")
)

// GetBusinessDate answers the open date and how far the closing is.
func (f staff) GetBusinessDate(ctx context.Context, _ *loanv1.GetBusinessDateRequest) (*loanv1.BusinessDate, error) {
	q := f.deps.DB.Primary()
	open, err := f.businessDate(ctx, q)
	if err != nil {
		return nil, err
	}
	out := &loanv1.BusinessDate{OpenOn: open.String(), CalendarOn: calendar.InShanghai(f.deps.Clock.Now()).String()}
	closed, err := rows.New(q).LastBusinessDay(ctx, dayClosed)
	if err != nil && !isNoRows(err) {
		return nil, errs.Wrap(err, "reading the last closed date")
	}
	out.ClosedOn = closed.DayOn
	closing, err := rows.New(q).OldestUnclosedDay(ctx)
	if err != nil && !isNoRows(err) {
		return nil, errs.Wrap(err, "reading the date that is being closed")
	}
	out.ClosingOn = closing.DayOn
	return out, nil
}

// RunDayEnd takes up the day-end of a date that is over: partitions that were held are compared again. Day-ends begin by
// themselves when the clock passes midnight.
func (f staff) RunDayEnd(ctx context.Context, req *loanv1.RunDayEndRequest) (*loanv1.DayEnd, error) {
	if _, err := member(ctx); err != nil {
		return nil, err
	}
	day, err := f.businessDate(ctx, f.deps.DB.Primary())
	if err != nil {
		return nil, err
	}
	if req.GetDate() != "" {
		if day, err = calendar.Parse(req.GetDate()); err != nil {
			return nil, errNotADate.Because(err)
		}
	}
	if day >= calendar.InShanghai(f.deps.Clock.Now()) {
		return nil, errDayRuns
	}
	if err := f.recheck(ctx, day); err != nil {
		return nil, err
	}
	if err := f.repairAsides(ctx); err != nil {
		return nil, err
	}
	if _, err := f.dayEnd(ctx); err != nil {
		return nil, err
	}
	return f.GetDayEnd(ctx, &loanv1.GetDayEndRequest{Date: day.String()})
}

// GetDayEnd answers how far the day-end of a date is.
func (f staff) GetDayEnd(ctx context.Context, req *loanv1.GetDayEndRequest) (*loanv1.DayEnd, error) {
	if _, err := calendar.Parse(req.GetDate()); err != nil {
		return nil, errNotADate.Because(err)
	}
	q := f.deps.DB.Primary()
	d, err := rows.New(q).BusinessDay(ctx, req.GetDate())
	if err != nil {
		return nil, errs.Wrap(notFound(err, errNoDay), "reading a business day")
	}
	parts, err := rows.New(q).DayParts(ctx)
	if err != nil {
		return nil, errs.Wrap(err, "reading the partitions' days")
	}
	return f.toDayEnd(ctx, q, d, parts)
}

// ListDayEnds answers day-ends, newest first.
func (f staff) ListDayEnds(ctx context.Context, req *loanv1.ListDayEndsRequest) (*loanv1.ListDayEndsResponse, error) {
	after, err := readCursor(req.GetPageToken())
	if err != nil {
		return nil, err
	}
	if after.Code == "" {
		after.Code = far
	}
	q := f.deps.DB.Primary()
	size := pageSize(req.GetPageSize(), 50)
	list, err := rows.New(q).BusinessDaysPage(ctx, rows.BusinessDaysPageParams{BeforeOn: after.Code, Limit: size + 1})
	if err != nil {
		return nil, errs.Wrap(err, "listing business days")
	}
	parts, err := rows.New(q).DayParts(ctx)
	if err != nil {
		return nil, errs.Wrap(err, "reading the partitions' days")
	}
	list, token := page(list, size, func(d rows.BusinessDay) cursor { return cursor{Code: d.DayOn} })
	out := &loanv1.ListDayEndsResponse{NextPageToken: token}
	for _, d := range list {
		view, err := f.toDayEnd(ctx, q, d, parts)
		if err != nil {
			return nil, err
		}
		out.DayEnds = append(out.DayEnds, view)
	}
	return out, nil
}

// toDayEnd tells a day's state from its own row and from how far the partitions are.
func (s *Service) toDayEnd(ctx context.Context, q store.DBTX, d rows.BusinessDay, parts []rows.DayPart) (*loanv1.DayEnd, error) {
	day, err := dateOf(d.DayOn)
	if err != nil {
		return nil, err
	}
	next := (day + 1).String()
	var closed, agreed, started, held int32
	for _, p := range parts {
		closed += count(p.ClosedThrough >= next)
		agreed += count(p.AgreedThrough >= next)
		started += count(p.StartedOn >= next)
		held += count(p.Held != "" && p.AgreedThrough == d.DayOn)
	}
	cut := count(d.State != dayOpen) * id.Partitions
	out := &loanv1.DayEnd{Date: d.DayOn, State: d.State, LoansDone: d.Loans, AccruedMinor: d.AccruedMinor, PenaltyMinor: d.PenaltyMinor,
		PartitionsAgreed: agreed, StartedMs: d.CutMs, EndedMs: d.EndedMs}
	out.Steps = []*loanv1.DayEndStep{
		step("cut_off", cut, 0, d.CutMs, d.CutMs), step("close", closed, 0, d.CutMs, d.CloseMs),
		step("barrier", agreed, held, d.CloseMs, d.AgreedMs), step("start", started, held, d.CloseMs, d.EndedMs),
	}
	if d.State == dayClosing {
		switch {
		case closed == 0:
			out.State = "CUT_OFF"
		case closed < id.Partitions:
			out.State = "CLOSING"
		case agreed < id.Partitions:
			out.State = "BARRIER"
		default:
			out.State = "STARTING"
		}
	}
	if following, err := rows.New(q).BusinessDay(ctx, next); err == nil {
		out.Bills, out.Debits = following.Bills, following.Debits
	} else if !isNoRows(err) {
		return nil, errs.Wrap(err, "reading the day after")
	}
	if out.LoansSetAside, err = rows.New(q).CountAsidesOn(ctx, d.DayOn); err != nil {
		return nil, errs.Wrap(err, "counting loans set aside")
	}
	listed, err := rows.New(q).DayDifferences(ctx, d.DayOn)
	if err != nil {
		return nil, errs.Wrap(err, "reading differences of the journals")
	}
	for _, l := range listed {
		out.Disagreements = append(out.Disagreements, &loanv1.Disagreement{Bucket: l.Bucket, Account: l.Account, LoanMinor: l.LoanMinor, PaymentMinor: l.PaymentMinor})
	}
	return out, nil
}

func count(yes bool) int32 {
	if yes {
		return 1
	}
	return 0
}

func step(name string, done, held int32, started, ended int64) *loanv1.DayEndStep {
	st := &loanv1.DayEndStep{Name: name, PartitionsDone: done, State: "waiting", StartedMs: started}
	switch {
	case done == id.Partitions:
		st.State, st.EndedMs = "done", ended
	case held > 0:
		st.State = "held"
	case started > 0:
		st.State = "running"
	}
	return st
}

// ListSetAside answers loans that wait for a repair, oldest first.
func (f staff) ListSetAside(ctx context.Context, req *loanv1.ListSetAsideRequest) (*loanv1.ListSetAsideResponse, error) {
	after := cursor{}
	var err error
	if req.GetPageToken() != "" {
		if after, err = readCursor(req.GetPageToken()); err != nil {
			return nil, err
		}
	}
	size := pageSize(req.GetPageSize(), 50)
	list, err := rows.New(f.deps.DB.Primary()).DayAsides(ctx, rows.DayAsidesParams{AfterMs: after.MS, AfterID: after.ID, Limit: size + 1})
	if err != nil {
		return nil, errs.Wrap(err, "listing loans set aside")
	}
	list, token := page(list, size, func(r rows.DayAside) cursor { return cursor{MS: r.AtMs, ID: r.LoanID} })
	out := &loanv1.ListSetAsideResponse{NextPageToken: token}
	for _, r := range list {
		out.Loans = append(out.Loans, &loanv1.SetAside{LoanId: r.LoanID, UserId: r.UserID, Date: r.DayOn, Reason: r.Reason, AtMs: r.AtMs})
	}
	return out, nil
}
