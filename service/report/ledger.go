package report

import (
	"context"

	ledgerv1 "github.com/hengdai/hengdai/api/ledger/v1"
	"github.com/hengdai/hengdai/kit/id"
	eventlog "github.com/hengdai/hengdai/kit/log"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/service/report/rows"
)

// onPosted takes one transaction of a journal.
func (s *Service) onPosted(ctx context.Context, tx *store.Tx, m eventlog.Meta, e *ledgerv1.Posted) error {
	return take(ctx, rows.New(tx), m.Partition, e)
}

// onSums takes a day's accrual sums of one partition.
func (s *Service) onSums(ctx context.Context, tx *store.Tx, m eventlog.Meta, e *ledgerv1.PostedSums) error {
	return take(ctx, rows.New(tx), m.Partition, e.GetPosted()...)
}

// day is a sum's key, amounts what is added to it.
type (
	day     struct{ journal, account, bookedOn string }
	amounts struct{ debit, credit, entries int64 }
)

// take keeps the entries and adds them to the sums of their days, each sum once.
func take(ctx context.Context, q *rows.Queries, partition int32, posted ...*ledgerv1.Posted) error {
	sums := map[day]amounts{}
	var order []day
	for _, e := range posted {
		for i, entry := range e.GetEntries() {
			err := q.InsertEntry(ctx, rows.InsertEntryParams{
				Bucket: id.Bucket(e.GetTransactionId()), Journal: e.GetJournal(), TransactionID: e.GetTransactionId(), Line: int64(i + 1), Event: e.GetEvent(),
				SubjectID: e.GetSubjectId(), Account: entry.GetAccount(), AmountMinor: entry.GetAmountMinor(), Product: entry.GetProduct(),
				BookedOn: e.GetBookedOn(), ValueOn: e.GetValueOn(),
			})
			if err != nil {
				return err
			}
			key := day{e.GetJournal(), entry.GetAccount(), e.GetBookedOn()}
			sum, known := sums[key]
			if !known {
				order = append(order, key)
			}
			sum.debit += max(entry.GetAmountMinor(), 0)
			sum.credit += max(-entry.GetAmountMinor(), 0)
			sum.entries++
			sums[key] = sum
		}
	}
	for _, key := range order {
		if err := add(ctx, q, partition, key, sums[key]); err != nil {
			return err
		}
	}
	return nil
}

func add(ctx context.Context, q *rows.Queries, partition int32, key day, sum amounts) error {
	n, err := q.AddSum(ctx, rows.AddSumParams{
		DebitMinor: sum.debit, CreditMinor: sum.credit, Entries: sum.entries,
		Bucket: int64(partition), Journal: key.journal, Account: key.account, BookedOn: key.bookedOn,
	})
	if err != nil || n > 0 {
		return err
	}
	return q.InsertSum(ctx, rows.InsertSumParams{
		Bucket: int64(partition), Journal: key.journal, Account: key.account, BookedOn: key.bookedOn,
		DebitMinor: sum.debit, CreditMinor: sum.credit, Entries: sum.entries,
	})
}
