package payment

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync/atomic"

	ledgerv1 "github.com/hengdai/hengdai/api/ledger/v1"
	"github.com/hengdai/hengdai/domain/calendar"
	"github.com/hengdai/hengdai/domain/ledger"
	"github.com/hengdai/hengdai/kit/clock"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/id"
	eventlog "github.com/hengdai/hengdai/kit/log"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/service/payment/rows"
)

const (
	currency = "CNY"
	// noFloor lets an account go as low as its number can.
	noFloor = math.MinInt64
)

var (
	errDateMoved = errors.New("payment: the date was sealed while a transaction was booked under it")

	errBelowFloor = errs.New(errs.Precondition, "journal.balance_too_low", "账户余额不足。", "The account's balance does not suffice.")
	errWrongEntry = errs.New(errs.Invalid, "journal.wrong_entry", "分录有误。", "The transaction's entries are wrong.")
)

// journal is the cash journal. It keeps the open date of each partition in memory; a booking under a date that was
// sealed meanwhile, by this process or another, is stopped by the account's own row and run again.
type journal struct {
	log   *eventlog.Log
	clock clock.Clock
	dates [id.Partitions]atomic.Pointer[string]
}

// Post books one transaction under the open date of its bucket: the journal's own function. It is idempotent by the
// transaction's id; the same id with another body answers Conflict "idempotency.body_differs". Unbalanced or unknown
// entries answer Invalid, an account that would fall below its floor Precondition. BookedOn is not looked at.
func (s *Service) Post(ctx context.Context, t ledger.Transaction) error {
	if t.Bucket != id.Bucket(t.ID) {
		return errWrongEntry.Because(errors.New("the transaction's id is of another bucket"))
	}
	return s.commit(ctx, func(tx *store.Tx) error {
		_, err := s.journal.book(tx, 0, t)
		return err
	})
}

// SetFloor forbids an account to fall below an amount; Precondition if it lies below it now.
func (s *Service) SetFloor(ctx context.Context, bucket int64, account string, floorMinor int64) error {
	return s.commit(ctx, func(tx *store.Tx) error {
		q := rows.New(tx)
		if _, err := q.BalanceOf(tx.Context(), rows.BalanceOfParams{Bucket: bucket, Account: account}); noRow(err) {
			date, err := s.journal.openDate(tx, q, bucket)
			if err != nil {
				return err
			}
			if err := s.journal.openAccount(tx, q, bucket, account, date); err != nil {
				return err
			}
		}
		n, err := q.SetFloor(tx.Context(), rows.SetFloorParams{FloorMinor: floorMinor, Bucket: bucket, Account: account})
		return store.One(n, err, errBelowFloor)
	})
}

// book writes a transaction, its entries, the balances and the event into the unit and answers the date it is booked
// under. A transaction that was booked before changes nothing.
func (j *journal) book(tx *store.Tx, userID int64, t ledger.Transaction) (string, error) {
	if err := t.Validate(); err != nil {
		return "", errWrongEntry.Because(err)
	}
	q := rows.New(tx)
	date, err := j.openDate(tx, q, t.Bucket)
	if err != nil {
		return "", err
	}
	hash := bodyHash(t)
	err = q.InsertTransaction(tx.Context(), rows.InsertTransactionParams{
		Bucket: t.Bucket, TransactionID: t.ID, Event: t.Event, SubjectID: t.Subject, BookedOn: date, ValueOn: t.ValueOn.String(),
		ReversesID: t.Reverses, Currency: currency, BodyHash: hash, AtMs: j.clock.Now().UnixMilli(),
	})
	if store.IsDuplicate(err) {
		return bookedBefore(tx, q, t, hash)
	}
	if err != nil {
		return "", errs.Wrap(err, "storing a transaction")
	}
	for _, e := range inOrder(t.Entries) {
		if err := j.enter(tx, q, &t, e, date); err != nil {
			return "", err
		}
	}
	return date, errs.Wrap(j.tell(tx, userID, t, date), "telling a transaction")
}

// enter moves one account and appends its entry.
func (j *journal) enter(tx *store.Tx, q *rows.Queries, t *ledger.Transaction, e ledger.Entry, date string) error {
	move := rows.MoveBalanceParams{
		AmountMinor: e.AmountMinor, BookedOn: date, DebitMinor: max(e.AmountMinor, 0), CreditMinor: max(-e.AmountMinor, 0),
		Bucket: t.Bucket, Account: e.Account,
	}
	n, err := q.MoveBalance(tx.Context(), move)
	if err == nil && n == 0 {
		if err = j.whyNot(tx, q, t.Bucket, e.Account, date); err == nil {
			n, err = q.MoveBalance(tx.Context(), move)
		}
	}
	if err := store.One(n, err, errDateMoved); err != nil {
		return errs.Wrap(err, "moving a balance")
	}
	n, err = q.InsertEntry(tx.Context(), rows.InsertEntryParams{
		TransactionID: t.ID, AmountMinor: e.AmountMinor, Bucket: t.Bucket, Account: e.Account,
	})
	if err := store.One(n, err, errDateMoved); err != nil || t.Subject == 0 {
		return errs.Wrap(err, "storing an entry")
	}
	n, err = q.InsertSubject(tx.Context(), rows.InsertSubjectParams{
		SubjectID: t.Subject, TransactionID: t.ID, Bucket: t.Bucket, Account: e.Account,
	})
	return errs.Wrap(store.One(n, err, errDateMoved), "storing where an entry stands")
}

// whyNot finds out why an account did not move. If it did not exist it does afterwards, and nil says to try again.
func (j *journal) whyNot(tx *store.Tx, q *rows.Queries, bucket int64, account, date string) error {
	b, err := q.BalanceOf(tx.Context(), rows.BalanceOfParams{Bucket: bucket, Account: account})
	switch {
	case noRow(err):
		return j.openAccount(tx, q, bucket, account, date)
	case err != nil:
		return err
	case b.OpenOn != date:
		return errDateMoved
	}
	return errBelowFloor
}

// openAccount makes an account's row. It touches the partition's day, so that a day that is being sealed at this moment
// either sees the row or stops it.
func (j *journal) openAccount(tx *store.Tx, q *rows.Queries, bucket int64, account, date string) error {
	n, err := q.TouchDay(tx.Context(), rows.TouchDayParams{Bucket: int64(id.Partition(bucket)), OpenOn: date})
	if err := store.One(n, err, errDateMoved); err != nil {
		return err
	}
	return q.InsertBalance(tx.Context(), rows.InsertBalanceParams{Bucket: bucket, Account: account, FloorMinor: noFloor, OpenOn: date})
}

// openDate answers the date under which a bucket books. The first one of all is today in China.
func (j *journal) openDate(tx *store.Tx, q *rows.Queries, bucket int64) (string, error) {
	part := id.Partition(bucket)
	if p := j.dates[part].Load(); p != nil {
		return *p, nil
	}
	date, err := q.DayOf(tx.Context(), int64(part))
	if noRow(err) {
		date = calendar.InShanghai(j.clock.Now()).String()
		err = q.InsertDay(tx.Context(), rows.InsertDayParams{Bucket: int64(part), OpenOn: date})
	}
	if err != nil {
		return "", errs.Wrap(err, "reading the open date")
	}
	tx.AfterCommit(func() { j.dates[part].CompareAndSwap(nil, &date) })
	return date, nil
}

// forget makes the next bookings read the open dates again.
func (j *journal) forget() {
	for i := range j.dates {
		j.dates[i].Store(nil)
	}
}

func (j *journal) tell(tx *store.Tx, userID int64, t ledger.Transaction, date string) error {
	posted := &ledgerv1.Posted{
		Journal: "payment", TransactionId: t.ID, Event: t.Event, SubjectId: t.Subject, BookedOn: date, ValueOn: t.ValueOn.String(),
		ReversesId: t.Reverses, Currency: currency, Entries: make([]*ledgerv1.Entry, len(t.Entries)),
	}
	for i, e := range t.Entries {
		posted.Entries[i] = &ledgerv1.Entry{Account: e.Account, AmountMinor: e.AmountMinor, Product: e.Product}
	}
	return j.log.Append(tx, eventlog.Event{UserID: userID, Bucket: t.Bucket, Body: posted, PostingOn: date, ValueOn: posted.GetValueOn()})
}

// bookedBefore answers under which date the same transaction was booked, or that it was another one.
func bookedBefore(tx *store.Tx, q *rows.Queries, t ledger.Transaction, hash []byte) (string, error) {
	had, err := q.TransactionByID(tx.Context(), rows.TransactionByIDParams{Bucket: t.Bucket, TransactionID: t.ID})
	switch {
	case noRow(err):
		return "", errStale
	case err != nil:
		return "", errs.Wrap(err, "reading a transaction")
	case string(had.BodyHash) != string(hash):
		return "", store.ErrBodyDiffers
	}
	return had.BookedOn, nil
}

// bodyHash covers everything that the caller states.
func bodyHash(t ledger.Transaction) []byte {
	buf := make([]byte, 0, 256)
	buf = fmt.Appendf(buf, "%s|%d|%s|%d", t.Event, t.Subject, t.ValueOn, t.Reverses)
	for _, e := range t.Entries {
		buf = append(buf, '|')
		buf = append(buf, e.Account...)
		buf = binary.BigEndian.AppendUint64(buf, uint64(e.AmountMinor))
		buf = append(buf, e.Product...)
	}
	sum := sha256.Sum256(buf)
	return sum[:16]
}

// inOrder answers the entries by account, so that two transactions lock accounts in the same order.
func inOrder(entries []ledger.Entry) []ledger.Entry {
	return slices.SortedStableFunc(slices.Values(entries), func(a, b ledger.Entry) int { return strings.Compare(a.Account, b.Account) })
}
