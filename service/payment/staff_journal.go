package payment

import (
	"context"
	"math"
	"strings"

	paymentv1 "github.com/hengdai/hengdai/api/payment/v1"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/id"
	"github.com/hengdai/hengdai/service/payment/rows"
)

const maxID = math.MaxInt64

// GetBalances answers the journal's accounts, summed over all buckets.
func (a staffAPI) GetBalances(ctx context.Context, req *paymentv1.GetBalancesRequest) (*paymentv1.GetBalancesResponse, error) {
	q := rows.New(a.deps.DB.Primary())
	sums, err := q.SumBalances(ctx)
	if err != nil {
		return nil, errs.Wrap(err, "summing balances")
	}
	out := &paymentv1.GetBalancesResponse{}
	for _, b := range sums {
		out.TotalMinor += b.BalanceMinor
		if strings.HasPrefix(b.Account, req.GetAccountPrefix()) {
			out.Balances = append(out.Balances, &paymentv1.AccountBalance{Account: b.Account, BalanceMinor: b.BalanceMinor, Entries: b.Entries})
		}
	}
	days, err := q.Days(ctx)
	if err != nil {
		return nil, errs.Wrap(err, "reading open dates")
	}
	for _, d := range days {
		out.OpenDates = append(out.OpenDates, d.OpenOn)
	}
	holds, err := q.SumPending(ctx)
	for _, h := range holds {
		if h.Direction == "out" {
			out.PendingOutMinor = h.AmountMinor
		} else {
			out.PendingInMinor = h.AmountMinor
		}
	}
	return out, errs.Wrap(err, "summing holds")
}

// ListEntries answers the entries of one account in one bucket, the newest first, or of one order.
func (a staffAPI) ListEntries(ctx context.Context, req *paymentv1.ListEntriesRequest) (*paymentv1.ListEntriesResponse, error) {
	q := rows.New(a.deps.DB.Read())
	if req.GetOrderId() != 0 {
		list, err := a.entriesOfOrder(ctx, q, req.GetOrderId())
		return &paymentv1.ListEntriesResponse{Entries: list}, err
	}
	p, err := readPage(req.GetPageSize(), req.GetPageToken())
	if err != nil {
		return nil, err
	}
	list, err := q.EntriesOfAccount(ctx, rows.EntriesOfAccountParams{
		Bucket: req.GetBucket(), Account: req.GetAccount(), BeforeSequence: p.at, Limit: p.size + 1,
	})
	if err != nil {
		return nil, errs.Wrap(err, "reading entries")
	}
	list, next := cut(list, p, func(e rows.JournalEntry) (int64, int64) { return e.Sequence, 0 })
	booked, err := transactions(ctx, q, req.GetBucket(), transactionIDs(list))
	if err != nil {
		return nil, err
	}
	out := &paymentv1.ListEntriesResponse{NextPageToken: next}
	for i := range list {
		out.Entries = append(out.Entries, entryOf(&list[i], booked[list[i].TransactionID]))
	}
	return out, nil
}

func transactions(ctx context.Context, q *rows.Queries, bucket int64, ids []int64) (map[int64]rows.JournalTransaction, error) {
	found := make(map[int64]rows.JournalTransaction, len(ids))
	if len(ids) == 0 {
		return found, nil
	}
	list, err := q.TransactionsByID(ctx, rows.TransactionsByIDParams{Bucket: bucket, Ids: ids})
	for _, t := range list {
		found[t.TransactionID] = t
	}
	return found, errs.Wrap(err, "reading transactions")
}

// entriesOfOrder answers what the journal holds for an order.
func (s *Service) entriesOfOrder(ctx context.Context, q *rows.Queries, orderID int64) ([]*paymentv1.Entry, error) {
	bucket := id.Bucket(orderID)
	list, err := q.EntriesOfSubject(ctx, rows.EntriesOfSubjectParams{Bucket: bucket, SubjectID: orderID})
	if err != nil {
		return nil, errs.Wrap(err, "reading an order's entries")
	}
	booked, err := transactions(ctx, q, bucket, transactionIDs(list))
	if err != nil {
		return nil, err
	}
	out := make([]*paymentv1.Entry, len(list))
	for i := range list {
		out[i] = entryOf(&list[i], booked[list[i].TransactionID])
	}
	return out, nil
}

func transactionIDs(list []rows.JournalEntry) []int64 {
	ids := make([]int64, len(list))
	for i := range list {
		ids[i] = list[i].TransactionID
	}
	return ids
}
