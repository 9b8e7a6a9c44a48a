package loan

import (
	"context"

	ledgerv1 "github.com/hengdai/hengdai/api/ledger/v1"
	"github.com/hengdai/hengdai/domain/ledger"
	"github.com/hengdai/hengdai/domain/money"
	"github.com/hengdai/hengdai/kit/errs"
	eventlog "github.com/hengdai/hengdai/kit/log"
	"github.com/hengdai/hengdai/kit/store"
)

// journalName is what report knows this journal by.
const journalName = "loan"

// Events of the journal.
const (
	bookPayout   = "payout"
	bookReturn   = "payout_returned"
	bookAbandon  = "payout_abandoned"
	bookCollect  = "collect"
	bookAccrue   = "accrue"   // one loan's own accrual, where it takes no share of a sum
	bookAllocate = "allocate" // money received meets what is owed; corrections of what was accrued too much
	bookSuspend  = "suspend"
	bookResume   = "resume"
	bookRefund   = "refund_ordered"
	bookRefunded = "refunded"
	bookUnrefund = "refund_refused"
	bookReturned = "refund_returned"
	bookTaken    = "charge_back"
	bookSum      = "accrual" // the sum of a day's close
)

// booked is a transaction with what the journal keeps beside it.
type booked struct {
	ledger.Transaction
	OrderID int64
}

// post writes transactions to the journal, all in one unit. They are checked first: nothing unbalanced is ever stored.
func (s *Service) post(ctx context.Context, tx *store.Tx, list []booked) error {
	if len(list) == 0 {
		return nil
	}
	now := s.deps.Clock.Now().UnixMilli()
	heads, lines := newBatch(journalInsert, 12), newBatch(entryInsert, 6)
	for i := range list {
		t := &list[i]
		if err := t.Validate(); err != nil {
			return errUnbalanced.Because(err)
		}
		debit, credit := clearingOf(t.Entries)
		bookedOn, clearingOn := t.BookedOn.String(), ""
		if debit != 0 || credit != 0 {
			clearingOn = bookedOn
		}
		heads.row(t.Bucket, t.ID, t.Event, t.Subject, t.OrderID, bookedOn, t.ValueOn.String(), t.Reverses, clearingOn, debit, credit, now)
		for line, e := range t.Entries {
			lines.row(t.Bucket, t.ID, line+1, e.Account, e.Product, e.AmountMinor)
		}
	}
	if err := heads.run(ctx, tx); err != nil {
		return errs.Wrap(err, "storing a transaction of the journal")
	}
	return errs.Wrap(lines.run(ctx, tx), "storing entries of the journal")
}

var errUnbalanced = errs.New(errs.Internal, "loan.journal_unbalanced", "账务不平，已停止处理。", "The booking does not balance; nothing was changed.")

// storeSums writes the sums of a close, in order of their key.
func (s *Service) storeSums(ctx context.Context, tx *store.Tx, list []ledger.Transaction) error {
	lines := newBatch(sumInsert, 6)
	for i := range list {
		t := &list[i]
		if err := t.Validate(); err != nil {
			return errUnbalanced.Because(err)
		}
		day := t.BookedOn.String()
		for _, e := range t.Entries {
			lines.row(day, t.Bucket, e.Product, e.Account, e.AmountMinor, t.ID)
		}
	}
	return errs.Wrap(lines.run(ctx, tx), "storing the sums of a day")
}

// clearingOf is what a transaction debits and credits on clearing, for the agreement with payment.
func clearingOf(entries []ledger.Entry) (debit, credit int64) {
	for _, e := range entries {
		if e.Account != ledger.ClearingAccount {
			continue
		}
		if e.AmountMinor > 0 {
			debit += e.AmountMinor
		} else {
			credit -= e.AmountMinor
		}
	}
	return debit, credit
}

// postOwn posts a loan's own transactions and tells each.
func (s *Service) postOwn(ctx context.Context, tx *store.Tx, userID int64, list []booked) error {
	if err := s.post(ctx, tx, list); err != nil {
		return err
	}
	for i := range list {
		t := &list[i].Transaction
		err := s.deps.Log.Append(tx, eventlog.Event{UserID: userID, Bucket: t.Bucket, Body: toPosted(t), PostingOn: t.BookedOn.String(), ValueOn: t.ValueOn.String()})
		if err != nil {
			return errs.Wrap(err, "telling a transaction of the journal")
		}
	}
	return nil
}

func toPosted(t *ledger.Transaction) *ledgerv1.Posted {
	p := &ledgerv1.Posted{
		Journal: journalName, TransactionId: t.ID, Event: t.Event, SubjectId: t.Subject, BookedOn: t.BookedOn.String(),
		ValueOn: t.ValueOn.String(), ReversesId: t.Reverses, Currency: money.CNY.Code, Entries: make([]*ledgerv1.Entry, len(t.Entries)),
	}
	for i, e := range t.Entries {
		p.Entries[i] = &ledgerv1.Entry{Account: e.Account, AmountMinor: e.AmountMinor, Product: e.Product}
	}
	return p
}
