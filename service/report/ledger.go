package report

import (
	"context"

	ledgerv1 "github.com/hengdai/hengdai/api/ledger/v1"
	"github.com/hengdai/hengdai/kit/id"
	eventlog "github.com/hengdai/hengdai/kit/log"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/service/report/rows"
)

// onPosted takes one transaction of a journal. The journal is the log's: what is wiped with it was made from it.
func (s *Service) onPosted(ctx context.Context, tx *store.Tx, m eventlog.Meta, e *ledgerv1.Posted) error {
	t := taking{q: rows.New(tx), journal: m.Source, partition: m.Partition, sums: map[day]amounts{}}
	for i, entry := range e.GetEntries() {
		t.add(e.GetBookedOn(), entry)
		if err := t.keep(ctx, e, int64(i+1), entry); err != nil {
			return err
		}
	}
	return t.save(ctx)
}

// onSums takes a day's accrual sums of one partition. They come as a transaction per product and bucket, hundreds of them, and
// are kept added up over the buckets, under the id of the first: what one bucket booked is in loan's own journal.
func (s *Service) onSums(ctx context.Context, tx *store.Tx, m eventlog.Meta, e *ledgerv1.PostedSums) error {
	t := taking{q: rows.New(tx), journal: m.Source, partition: m.Partition, sums: map[day]amounts{}}
	type line struct {
		event, bookedOn, valueOn, account, product string
		credit                                     bool
	}
	lines := map[line]*ledgerv1.Entry{}
	var order []line
	for _, posted := range e.GetPosted() {
		for _, entry := range posted.GetEntries() {
			t.add(posted.GetBookedOn(), entry)
			key := line{posted.GetEvent(), posted.GetBookedOn(), posted.GetValueOn(), entry.GetAccount(), entry.GetProduct(), entry.GetAmountMinor() < 0}
			if lines[key] == nil {
				lines[key] = &ledgerv1.Entry{Account: key.account, Product: key.product}
				order = append(order, key)
			}
			lines[key].AmountMinor += entry.GetAmountMinor()
		}
	}
	for i, key := range order {
		of := &ledgerv1.Posted{TransactionId: e.GetPosted()[0].GetTransactionId(), Event: key.event, BookedOn: key.bookedOn, ValueOn: key.valueOn}
		if err := t.keep(ctx, of, int64(i+1), lines[key]); err != nil {
			return err
		}
	}
	return t.save(ctx)
}

// day is a sum's key, amounts what is added to it.
type (
	day     struct{ account, bookedOn string }
	amounts struct{ debit, credit, entries int64 }
)

// taking collects what one event adds to the sums of days, so that each sum is written once.
type taking struct {
	q         *rows.Queries
	journal   string
	partition int32
	sums      map[day]amounts
	order     []day
}

func (t *taking) add(bookedOn string, entry *ledgerv1.Entry) {
	key := day{entry.GetAccount(), bookedOn}
	sum, known := t.sums[key]
	if !known {
		t.order = append(t.order, key)
	}
	sum.debit += max(entry.GetAmountMinor(), 0)
	sum.credit += max(-entry.GetAmountMinor(), 0)
	sum.entries++
	t.sums[key] = sum
}

func (t *taking) keep(ctx context.Context, of *ledgerv1.Posted, line int64, entry *ledgerv1.Entry) error {
	return t.q.InsertEntry(ctx, rows.InsertEntryParams{
		Bucket: id.Bucket(of.GetTransactionId()), Journal: t.journal, TransactionID: of.GetTransactionId(), Line: line, Event: of.GetEvent(),
		SubjectID: of.GetSubjectId(), Account: entry.GetAccount(), AmountMinor: entry.GetAmountMinor(), Product: entry.GetProduct(),
		BookedOn: of.GetBookedOn(), ValueOn: of.GetValueOn(),
	})
}

func (t *taking) save(ctx context.Context) error {
	for _, key := range t.order {
		sum := t.sums[key]
		n, err := t.q.AddSum(ctx, rows.AddSumParams{
			DebitMinor: sum.debit, CreditMinor: sum.credit, Entries: sum.entries,
			Bucket: int64(t.partition), Journal: t.journal, Account: key.account, BookedOn: key.bookedOn,
		})
		if err == nil && n == 0 {
			err = t.q.InsertSum(ctx, rows.InsertSumParams{
				Bucket: int64(t.partition), Journal: t.journal, Account: key.account, BookedOn: key.bookedOn,
				DebitMinor: sum.debit, CreditMinor: sum.credit, Entries: sum.entries,
			})
		}
		if err != nil {
			return err
		}
	}
	return nil
}
