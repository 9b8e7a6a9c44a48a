package loan

import (
	"context"
	"fmt"

	paymentv1 "github.com/hengdai/hengdai/api/payment/v1"
	"github.com/hengdai/hengdai/domain/calendar"
	"github.com/hengdai/hengdai/domain/ledger"
	"github.com/hengdai/hengdai/kit/errs"
	eventlog "github.com/hengdai/hengdai/kit/log"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/service/loan/rows"
)

// daySealed follows payment's log: payment books nothing more under the date for the partition, and by the order of its
// log everything it did book has been taken in here. So both journals' clearing must now be equal, bucket by bucket.
func (s *Service) daySealed(ctx context.Context, tx *store.Tx, m eventlog.Meta, sealed *paymentv1.DaySealed) error {
	day, err := dateOf(sealed.GetDate())
	if err != nil {
		return err
	}
	part, err := rows.New(tx).DayPart(ctx, int64(m.Partition))
	if isNoRows(err) {
		return nil // payment's calendar began before ours
	}
	if err != nil {
		return errs.Wrap(err, "reading a partition's day")
	}
	agreed, err := dateOf(part.AgreedThrough)
	if err != nil {
		return err
	}
	if day < agreed {
		return nil // a repeat, or a day before our first
	}
	if closed, err := dateOf(part.ClosedThrough); err != nil || day >= closed || day > agreed {
		return errs.New(errs.Internal, "loan.sealed_too_early", "支付侧日切早于贷款侧。", "Payment sealed a date that loan has not closed.").
			Because(fmt.Errorf("%s for partition %d, closed through %s: %w", day, m.Partition, part.ClosedThrough, err))
	}
	differences, err := s.compare(ctx, tx, day, part.Part, sealed.GetSums())
	if err != nil {
		return err
	}
	return s.agree(ctx, tx, day, part, differences)
}

// difference is a bucket in which the journals differ on clearing.
type difference struct {
	bucket, ours, theirs int64
}

// compare looks at clearing bucket by bucket: what payment debited, loan must have credited.
func (s *Service) compare(ctx context.Context, tx *store.Tx, day calendar.Date, part int64, sums []*paymentv1.BucketSum) ([]difference, error) {
	ours, err := rows.New(tx).ClearingOfDay(ctx, rows.ClearingOfDayParams{ClearingOn: day.String(), Part: part})
	if err != nil {
		return nil, errs.Wrap(err, "adding up clearing")
	}
	net := map[int64]*difference{}
	at := func(bucket int64) *difference {
		if net[bucket] == nil {
			net[bucket] = &difference{bucket: bucket}
		}
		return net[bucket]
	}
	for _, o := range ours {
		at(o.Bucket).ours = o.DebitMinor - o.CreditMinor
	}
	for _, t := range sums {
		if t.GetAccount() == ledger.ClearingAccount {
			at(t.GetBucket()).theirs += t.GetDebitMinor() - t.GetCreditMinor()
		}
	}
	var out []difference
	for _, bucket := range partitionBuckets(part) {
		if d := net[bucket]; d != nil && d.ours+d.theirs != 0 {
			out = append(out, *d)
		}
	}
	return out, nil
}

// agree notes that a partition agrees on a day, or lists where it does not and holds it alone.
func (s *Service) agree(ctx context.Context, tx *store.Tx, day calendar.Date, part rows.DayPart, differences []difference) error {
	q := rows.New(tx)
	through, held := (day + 1).String(), ""
	now := s.deps.Clock.Now().UnixMilli()
	if len(differences) > 0 {
		through, held = part.AgreedThrough, "journals_differ"
		s.deps.Logger.ErrorContext(ctx, "the journals differ; the partition is held", "date", day.String(), "partition", part.Part, "buckets", len(differences))
	}
	for _, d := range differences {
		err := q.InsertDayDifference(ctx, rows.InsertDayDifferenceParams{Bucket: d.bucket, DayOn: day.String(), Account: ledger.ClearingAccount,
			LoanMinor: d.ours, PaymentMinor: d.theirs, AtMs: now})
		if err != nil {
			return errs.Wrap(err, "listing a difference of the journals")
		}
	}
	n, err := q.AgreePart(ctx, rows.AgreePartParams{AgreedThrough: through, Held: held, Part: part.Part, Version: part.Version})
	return errs.Wrap(store.One(n, err, errStale), "agreeing a partition's day")
}

// recheck looks again at partitions that are held: a difference that has been repaired by entries on either side frees
// its partition. What payment said at its seal is kept with the difference.
func (s *Service) recheck(ctx context.Context, day calendar.Date) error {
	return s.write(ctx, func(tx *store.Tx) error {
		q := rows.New(tx)
		parts, err := q.DayParts(ctx)
		if err != nil {
			return errs.Wrap(err, "reading the partitions' days")
		}
		listed, err := q.DayDifferences(ctx, day.String())
		if err != nil {
			return errs.Wrap(err, "reading differences of the journals")
		}
		for _, p := range parts {
			if p.Held == "" || p.AgreedThrough != day.String() {
				continue
			}
			var sums []*paymentv1.BucketSum
			for _, d := range listed {
				if d.Bucket%int64(len(parts)) == p.Part {
					sums = append(sums, &paymentv1.BucketSum{Bucket: d.Bucket, Account: d.Account, DebitMinor: d.PaymentMinor})
				}
			}
			if err := s.recheckPart(ctx, tx, day, p, sums); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *Service) recheckPart(ctx context.Context, tx *store.Tx, day calendar.Date, part rows.DayPart, sums []*paymentv1.BucketSum) error {
	all, err := s.compare(ctx, tx, day, part.Part, sums)
	if err != nil {
		return err
	}
	for _, d := range all {
		for _, sum := range sums {
			if sum.GetBucket() == d.bucket {
				return nil // still differs
			}
		}
	}
	n, err := rows.New(tx).AgreePart(ctx, rows.AgreePartParams{AgreedThrough: (day + 1).String(), Part: part.Part, Version: part.Version})
	return errs.Wrap(store.One(n, err, errStale), "freeing a partition")
}
