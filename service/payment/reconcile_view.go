package payment

import (
	"cmp"
	"context"
	"encoding/hex"
	"maps"
	"math"
	"slices"

	paymentv1 "github.com/hengdai/hengdai/api/payment/v1"
	"github.com/hengdai/hengdai/domain/calendar"
	"github.com/hengdai/hengdai/domain/reconcile"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/service/payment/rows"
)

var (
	errNoDay = errs.New(errs.NotFound, "payment.day_not_found", "没有该对账日。", "There is no such settlement date.")

	errDayOpen = errs.New(errs.Precondition, "payment.day_not_over", "该清算日尚未结束。", "That settlement date has not ended.").On("settledOn")
	errDayOld  = errs.New(errs.Precondition, "payment.day_before_first", "该清算日早于首个对账日。", "That settlement date is before the first that is reconciled.").On("settledOn")
)

// ListReconciliations answers the settlement dates, the newest first, and the files that are expected next.
func (a staffAPI) ListReconciliations(ctx context.Context, req *paymentv1.ListReconciliationsRequest) (*paymentv1.ListReconciliationsResponse, error) {
	p, err := readPage(req.GetPageSize(), req.GetPageToken())
	if err != nil {
		return nil, err
	}
	channels, states := a.channelNames(), req.GetStates()
	if req.GetChannel() != "" {
		channels = []string{req.GetChannel()}
	}
	if len(states) == 0 {
		states = dayStates
	}
	upTo, after := "9999-12-31", -1 // the date to go on with, and the last channel of it that was shown
	if p.at != math.MaxInt64 {
		upTo, after = calendar.Date(p.at).String(), int(p.then)
	}
	names := a.channelNames()
	q := rows.New(a.deps.DB.Primary())
	list, err := q.ListStatements(ctx, rows.ListStatementsParams{Channels: channels, States: states, UpTo: upTo, Limit: p.size + int32(len(names)) + 1})
	if err != nil {
		return nil, errs.Wrap(err, "listing settlement dates")
	}
	list = slices.DeleteFunc(list, func(r rows.PaymentStatement) bool {
		return p.at != math.MaxInt64 && r.SettledOn == upTo && slices.Index(names, r.Channel) <= after
	})
	list, next := cut(list, p, func(r rows.PaymentStatement) (int64, int64) {
		on, _ := calendar.Parse(r.SettledOn) // it was written as a date
		return int64(on), int64(slices.Index(names, r.Channel))
	})
	out := &paymentv1.ListReconciliationsResponse{NextPageToken: next}
	for i := range list {
		out.Days = append(out.Days, reconciliationOf(&list[i]))
	}
	for _, name := range channels {
		if l := a.channels[name]; l != nil {
			day, err := a.unseen(ctx, q, l)
			if err != nil {
				return nil, err
			}
			out.Expected = append(out.Expected, &paymentv1.ExpectedStatement{
				Channel: name, Account: l.cfg.MerchantID, SettledOn: day.String(), DueMs: dueAt(day).UnixMilli(),
			})
		}
	}
	return out, nil
}

// day finds the channel and the row of a settlement date.
func (s *Service) day(ctx context.Context, q *rows.Queries, channelName, on string) (*line, rows.PaymentStatement, error) {
	l := s.channels[channelName]
	if l == nil {
		return nil, rows.PaymentStatement{}, errNoDay
	}
	row, err := q.StatementOf(ctx, rows.StatementOfParams{Channel: channelName, Account: l.cfg.MerchantID, SettledOn: on})
	if noRow(err) {
		return l, row, errNoDay
	}
	return l, row, errs.Wrap(err, "reading a statement's day")
}

// GetReconciliation answers everything about one settlement date.
func (a staffAPI) GetReconciliation(ctx context.Context, req *paymentv1.GetReconciliationRequest) (*paymentv1.GetReconciliationResponse, error) {
	q := rows.New(a.deps.DB.Primary())
	_, row, err := a.day(ctx, q, req.GetChannel(), req.GetSettledOn())
	if err != nil {
		return nil, err
	}
	out := &paymentv1.GetReconciliationResponse{Day: reconciliationOf(&row)}
	closes, err := q.ClosesOfDay(ctx, rows.ClosesOfDayParams{Channel: row.Channel, Account: row.Account, SettledOn: row.SettledOn})
	if err != nil {
		return nil, errs.Wrap(err, "reading a day's figures")
	}
	for i := range closes {
		out.Figures = append(out.Figures, figuresOf(&closes[i]))
	}
	files, err := q.FilesOfDay(ctx, rows.FilesOfDayParams{Channel: row.Channel, Account: row.Account, SettledOn: row.SettledOn})
	if err != nil {
		return nil, errs.Wrap(err, "reading a day's files")
	}
	for _, f := range files {
		out.Files = append(out.Files, &paymentv1.StatementFile{
			Number: f.Number, Version: f.FileVersion, State: f.State, Reason: f.Reason, Note: f.Note, Name: f.Name, Digest: hex.EncodeToString(f.Digest),
			SizeBytes: f.SizeBytes, ReceivedMs: f.ReceivedMs,
		})
	}
	lines, err := q.LinesOfDay(ctx, rows.LinesOfDayParams{Channel: row.Channel, SettledOn: row.SettledOn})
	if err != nil {
		return nil, errs.Wrap(err, "reading the lines of a day")
	}
	count := map[string]int64{}
	for i := range lines {
		if lines[i].State == linePosted {
			count[lines[i].Class]++
		}
	}
	for _, class := range slices.Sorted(maps.Keys(count)) {
		out.Classes = append(out.Classes, &paymentv1.ClassCount{Class: class, Lines: count[class]})
	}
	out.Differences, err = a.differences(ctx, q, &row)
	return out, err
}

// differences answers what is open at a channel up to a day, and of the day also what has ended.
func (a staffAPI) differences(ctx context.Context, q *rows.Queries, row *rows.PaymentStatement) ([]*paymentv1.Difference, error) {
	own, err := q.DifferencesOfDay(ctx, rows.DifferencesOfDayParams{Channel: row.Channel, SettledOn: row.SettledOn})
	if err != nil {
		return nil, errs.Wrap(err, "reading a day's differences")
	}
	open, err := q.OpenDifferences(ctx, row.Channel)
	if err != nil {
		return nil, errs.Wrap(err, "reading open differences")
	}
	today := calendar.InShanghai(a.deps.Clock.Now())
	var list []*paymentv1.Difference
	for i := range open {
		if open[i].SettledOn < row.SettledOn && open[i].Account == row.Account {
			own = append(own, open[i])
		}
	}
	slices.SortStableFunc(own, func(x, y rows.PaymentDifference) int { return cmp.Compare(x.SettledOn, y.SettledOn) })
	for i := range own {
		d, err := differenceOf(ctx, q, &own[i], today)
		if err != nil {
			return nil, err
		}
		list = append(list, d)
	}
	return list, nil
}

func differenceOf(ctx context.Context, q *rows.Queries, d *rows.PaymentDifference, today calendar.Date) (*paymentv1.Difference, error) {
	out := &paymentv1.Difference{
		DifferenceId: d.DifferenceID, Class: d.Class, SettledOn: d.SettledOn, State: d.State, Outcome: d.Outcome, Kind: d.Kind, RequestNo: d.RequestNo,
		ChannelNo: d.ChannelNo, OrderId: d.OrderID, AttemptId: d.AttemptID, ExpectedMinor: d.ExpectedMinor, ActualMinor: d.ActualMinor,
		OpenMinor: d.OpenMinor, ParkedMinor: d.ParkedMinor, Note: d.Note, BreakId: d.BreakID,
	}
	if on, err := calendar.Parse(d.SettledOn); err == nil {
		out.AgeDays = int32(calendar.Days(on, today))
	}
	if d.State == differenceBreak || d.ParkedMinor > 0 {
		view, err := differenceFor(ctx, q, d)
		if err != nil {
			return nil, err
		}
		out.Remedies = names(reconcile.Allowed(view))
	}
	return out, nil
}

// ListStatementLines answers the lines of a day.
func (a staffAPI) ListStatementLines(ctx context.Context, req *paymentv1.ListStatementLinesRequest) (*paymentv1.ListStatementLinesResponse, error) {
	p, err := readPage(req.GetPageSize(), req.GetPageToken())
	if err != nil {
		return nil, err
	}
	if p.at == math.MaxInt64 {
		p.at, p.then = 0, 0
	}
	q := rows.New(a.deps.DB.Primary())
	_, row, err := a.day(ctx, q, req.GetChannel(), req.GetSettledOn())
	if err != nil {
		return nil, err
	}
	list, err := q.LinesOfDay(ctx, rows.LinesOfDayParams{Channel: row.Channel, SettledOn: row.SettledOn})
	if err != nil {
		return nil, errs.Wrap(err, "reading the lines of a day")
	}
	list = slices.DeleteFunc(list, func(l rows.PaymentLine) bool {
		return cmp.Or(cmp.Compare(l.FileVersion, p.at), cmp.Compare(l.Number, p.then)) <= 0 || (req.GetClass() != "" && l.Class != req.GetClass())
	})
	list, next := cut(list, p, func(l rows.PaymentLine) (int64, int64) { return l.FileVersion, l.Number })
	out := &paymentv1.ListStatementLinesResponse{NextPageToken: next}
	for i := range list {
		l := &list[i]
		out.Lines = append(out.Lines, &paymentv1.StatementLine{
			FileVersion: l.FileVersion, Number: l.Number, Kind: l.Kind, RequestNo: l.RequestNo, ChannelNo: l.ChannelNo, OriginalNo: l.OriginalNo,
			AmountMinor: l.AmountMinor, FeeMinor: l.FeeMinor, Status: l.Status, Class: l.Class, OrderId: l.OrderID, TransactionId: l.TransactionID,
			State: l.State,
		})
	}
	return out, nil
}

// FetchStatement asks for the newest file of a day now.
func (a staffAPI) FetchStatement(ctx context.Context, req *paymentv1.FetchStatementRequest) (*paymentv1.Reconciliation, error) {
	l := a.channels[req.GetChannel()]
	if l == nil {
		return nil, errNoDay
	}
	on, err := calendar.Parse(req.GetSettledOn())
	if err != nil {
		return nil, errs.New(errs.Invalid, "payment.day_invalid", "日期无效。", "The date does not exist.").On("settledOn")
	}
	pos, err := a.position(ctx, l)
	switch {
	case err != nil:
		return nil, err
	case on.String() >= a.today():
		return nil, errDayOpen
	case on.String() < pos.FirstOn:
		return nil, errDayOld
	}
	if err := a.settleDay(context.WithoutCancel(ctx), l, on); err != nil {
		return nil, err
	}
	_, row, err := a.day(ctx, rows.New(a.deps.DB.Primary()), req.GetChannel(), on.String())
	if err != nil {
		return nil, err
	}
	return reconciliationOf(&row), nil
}

func reconciliationOf(r *rows.PaymentStatement) *paymentv1.Reconciliation {
	return &paymentv1.Reconciliation{
		Channel: r.Channel, Account: r.Account, SettledOn: r.SettledOn, State: r.State, Reason: r.Reason, FileVersion: r.FileVersion, Lines: r.LineCount,
		InMinor: r.InMinor, OutMinor: r.OutMinor, FeeMinor: r.FeeMinor, BankOpeningMinor: r.OpeningMinor, BankClosingMinor: r.ClosingMinor, Asks: r.Asks,
		AskedMs: r.AskedMs, NextMs: r.NextMs, ReceivedMs: r.ReceivedMs, ClosedMs: r.ClosedMs,
	}
}

func figuresOf(c *rows.PaymentClose) *paymentv1.ReconciliationFigures {
	return &paymentv1.ReconciliationFigures{
		Run: c.Run, FileVersion: c.FileVersion, OpeningMinor: c.OpeningMinor, MovedMinor: c.MovedMinor, SettledMinor: c.SettledMinor,
		ClosingMinor: c.ClosingMinor, LaterMinor: c.LaterMinor, JournalMinor: c.JournalMinor, BankOpeningMinor: c.BankOpeningMinor,
		BankMovedMinor: c.BankMovedMinor, BankClosingMinor: c.BankClosingMinor, Items: c.Items, Breaks: c.Breaks, Ties: c.Ties != 0, Reason: c.Reason, AtMs: c.AtMs,
	}
}
