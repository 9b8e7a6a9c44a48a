package report

import (
	"context"

	reportv1 "github.com/hengdai/hengdai/api/report/v1"
	"github.com/hengdai/hengdai/domain/ledger"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/service/report/rows"
)

// everyDay is later than every accounting date.
const everyDay = "9999-12-31"

var errNoSubject = errs.New(errs.Invalid, "entries.filter_missing", "请指定科目或业务编号。", "Name an account or a subject.").On("account")

// GetTrialBalance adds up the sums of every day up to the date.
func (f staff) GetTrialBalance(ctx context.Context, req *reportv1.GetTrialBalanceRequest) (*reportv1.TrialBalance, error) {
	until := req.GetAsOf()
	if until == "" {
		until = everyDay
	}
	list, err := rows.New(f.deps.DB.Read()).TrialBalance(ctx, until)
	if err != nil {
		return nil, errs.Wrap(err, "add up the accounts")
	}
	out := &reportv1.TrialBalance{AsOf: req.GetAsOf()}
	journals := map[string]int64{}
	for _, row := range list {
		balance := row.DebitMinor - row.CreditMinor
		out.Lines = append(out.Lines, &reportv1.AccountLine{
			Account: row.Account, Journal: row.Journal, DebitMinor: row.DebitMinor, CreditMinor: row.CreditMinor, BalanceMinor: balance, Entries: row.Entries,
		})
		out.DebitMinor += max(balance, 0)
		out.CreditMinor += max(-balance, 0)
		journals[row.Journal] += balance
		if row.Account == ledger.ClearingAccount {
			out.ClearingMinor += balance
		}
	}
	out.Balanced = out.GetClearingMinor() == 0
	for _, difference := range journals {
		out.Balanced = out.Balanced && difference == 0
	}
	return out, nil
}

// ListEntries answers the entries behind a figure, the oldest first. Invalid if neither account nor subject is named.
func (f staff) ListEntries(ctx context.Context, req *reportv1.ListEntriesRequest) (*reportv1.ListEntriesResponse, error) {
	if req.GetAccount() == "" && req.GetSubjectId() == 0 {
		return nil, errNoSubject
	}
	after, err := readCursor(req.GetPageToken(), cursor{})
	if err != nil {
		return nil, err
	}
	w := &where{}
	w.equal("account", req.GetAccount())
	w.is("subject_id", req.GetSubjectId())
	if req.GetFrom() != "" {
		w.and("booked_on >= ?", req.GetFrom())
	}
	if req.GetTo() != "" {
		w.and("booked_on <= ?", req.GetTo())
	}
	// Both journals number their transactions by themselves, so the journal is part of the order.
	w.and("booked_on >= ? AND (booked_on > ? OR transaction_id > ? OR (transaction_id = ? AND (journal > ? OR (journal = ? AND line > ?))))",
		after.On, after.On, after.ID, after.ID, after.Journal, after.Journal, after.Line)
	size := pageSize(req.GetPageSize())
	list, err := query(ctx, f.deps.DB.Read(), entrySelect, w, "booked_on, transaction_id, journal, line", size+1, scanEntry)
	if err != nil {
		return nil, errs.Wrap(err, "list entries")
	}
	out := &reportv1.ListEntriesResponse{}
	list, out.NextPageToken = page(list, size, func(e rows.ReportEntry) cursor {
		return cursor{On: e.BookedOn, ID: e.TransactionID, Journal: e.Journal, Line: e.Line}
	})
	for _, e := range list {
		out.Entries = append(out.Entries, &reportv1.EntryLine{
			Journal: e.Journal, TransactionId: e.TransactionID, Line: int32(e.Line), Event: e.Event, SubjectId: e.SubjectID, Account: e.Account,
			AmountMinor: e.AmountMinor, Product: e.Product, BookedOn: e.BookedOn, ValueOn: e.ValueOn,
		})
	}
	return out, nil
}
