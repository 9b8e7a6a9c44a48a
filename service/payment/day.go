package payment

import (
	"context"
	"fmt"

	loanv1 "github.com/hengdai/hengdai/api/loan/v1"
	paymentv1 "github.com/hengdai/hengdai/api/payment/v1"
	"github.com/hengdai/hengdai/domain/calendar"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/id"
	eventlog "github.com/hengdai/hengdai/kit/log"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/service/payment/rows"
)

// daysMax bounds how many dates one marker may seal: more than ten years is no lender's gap but a fault.
const daysMax = 4000

// sealDay follows loan's DayMarker: it seals the date for the partition and opens the next one, with the sums of
// everything booked under it, in one unit. Earlier dates that were left open are sealed with it, in order. A date before
// the first open one is told as sealed and empty. A repeat changes nothing.
func (s *Service) sealDay(ctx context.Context, tx *store.Tx, m eventlog.Meta, marker *loanv1.DayMarker) error {
	asked, err := calendar.Parse(marker.GetDate())
	if err != nil {
		return errs.New(errs.Invalid, "payment.day_marker", "日切标记的日期无效。", "The day marker's date does not exist.").Because(err)
	}
	part := marker.GetPartition()
	if part != m.Partition || part < 0 || part >= id.Partitions {
		return errs.New(errs.Invalid, "payment.day_marker", "日切标记的分区有误。", "The day marker stands in another partition.")
	}
	q := rows.New(tx)
	text, err := q.DayOf(ctx, int64(part)) // not from memory: an earlier marker may have moved it in this same unit
	if noRow(err) {
		text, err = s.journal.openDate(tx, q, int64(part))
	}
	if err != nil {
		return errs.Wrap(err, "reading the open date")
	}
	open, err := calendar.Parse(text)
	if err != nil {
		return fmt.Errorf("the open date of partition %d: %w", part, err)
	}
	if asked < open {
		return s.sealEmpty(ctx, tx, q, part, asked)
	}
	if calendar.Days(open, asked) > daysMax {
		return errs.New(errs.Invalid, "payment.day_marker", "日切日期相差过大。", "The day marker is too far ahead.")
	}
	for ; open <= asked; open++ {
		if err := s.seal(ctx, tx, q, part, open); err != nil {
			return errs.Wrap(err, "sealing "+open.String())
		}
	}
	return nil
}

// seal seals one date. The order matters where many write at once: the day's row stops new accounts, turning the
// accounts' own date stops every booking under the old one and waits for those under way, and the sums are read last.
func (s *Service) seal(ctx context.Context, tx *store.Tx, q *rows.Queries, part int32, d calendar.Date) error {
	date, next := d.String(), (d + 1).String()
	n, err := q.OpenDay(ctx, rows.OpenDayParams{NextOn: next, Bucket: int64(part), SealedOn: date})
	if err := store.One(n, err, errStale); err != nil {
		return err
	}
	if _, err := q.TurnBalances(ctx, rows.TurnBalancesParams{NextOn: next, Buckets: bucketsOf(part), SealedOn: date}); err != nil {
		return err
	}
	sums, err := q.SumsOfDay(ctx, rows.SumsOfDayParams{Buckets: bucketsOf(part), SealedOn: date})
	if err != nil {
		return err
	}
	sealed := &paymentv1.DaySealed{Date: date, Partition: part, Sums: make([]*paymentv1.BucketSum, len(sums))}
	for i, sum := range sums {
		sealed.Sums[i] = &paymentv1.BucketSum{
			Bucket: sum.Bucket, Account: sum.Account, DebitMinor: sum.DebitMinor, CreditMinor: sum.CreditMinor,
		}
		err := q.InsertDaySum(ctx, rows.InsertDaySumParams{
			Bucket: sum.Bucket, BookedOn: date, Account: sum.Account, DebitMinor: sum.DebitMinor, CreditMinor: sum.CreditMinor,
		})
		if err != nil {
			return err
		}
	}
	tx.AfterCommit(func() { s.journal.dates[part].Store(&next) })
	return s.tellSealed(ctx, tx, q, sealed)
}

// bucketsOf lists the buckets of a partition.
func bucketsOf(part int32) []int64 {
	list := make([]int64, 0, id.Buckets/id.Partitions)
	for bucket := int64(part); bucket < id.Buckets; bucket += id.Partitions {
		list = append(list, bucket)
	}
	return list
}

// sealEmpty answers a marker for a date before payment's first: nothing was ever booked under it.
func (s *Service) sealEmpty(ctx context.Context, tx *store.Tx, q *rows.Queries, part int32, d calendar.Date) error {
	n, err := q.CountSealed(ctx, rows.CountSealedParams{Bucket: int64(part), SealedOn: d.String()})
	if err != nil || n > 0 {
		return err
	}
	return s.tellSealed(ctx, tx, q, &paymentv1.DaySealed{Date: d.String(), Partition: part})
}

func (s *Service) tellSealed(ctx context.Context, tx *store.Tx, q *rows.Queries, sealed *paymentv1.DaySealed) error {
	err := q.InsertSealed(ctx, rows.InsertSealedParams{
		Bucket: int64(sealed.GetPartition()), SealedOn: sealed.GetDate(), SealedMs: s.deps.Clock.Now().UnixMilli(),
	})
	if err != nil {
		return err
	}
	return s.deps.Log.Append(tx, eventlog.Event{Bucket: int64(sealed.GetPartition()), Body: sealed, PostingOn: sealed.GetDate()})
}

// openDates makes the open date of every partition of a new database, so that it is the day on which the service was
// first started and not that of the first booking.
func (s *Service) openDates(ctx context.Context) (bool, error) {
	have, err := rows.New(s.deps.DB.Primary()).Days(ctx)
	if err != nil || len(have) == id.Partitions {
		return false, errs.Wrap(err, "reading open dates")
	}
	return false, s.commit(ctx, func(tx *store.Tx) error {
		q := rows.New(tx)
		for part := range int64(id.Partitions) {
			if _, err := s.journal.openDate(tx, q, part); err != nil {
				return err
			}
		}
		return nil
	})
}
