package loan

import (
	"context"
	"errors"
	"fmt"
	"slices"

	ledgerv1 "github.com/hengdai/hengdai/api/ledger/v1"
	loanv1 "github.com/hengdai/hengdai/api/loan/v1"
	"github.com/hengdai/hengdai/domain/calendar"
	"github.com/hengdai/hengdai/domain/ledger"
	domain "github.com/hengdai/hengdai/domain/loan"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/id"
	eventlog "github.com/hengdai/hengdai/kit/log"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/service/loan/rows"
)

// sumKey is what a day's close adds up by.
type sumKey struct {
	bucket  int64
	product string
}

// changed is a loan that the close must write: its bucket or class changed, or its income is suspended or booked again.
type changed struct {
	bucket, id, version int64
	standing            domain.Standing
	kind                domain.Kind // Suspend, Resume or empty
}

// failed is a loan that could not be passed.
type failed struct {
	bucket, id, userID int64
	why                error
}

// tally is what the close of a day found in some partitions.
type tally struct {
	sums    map[sumKey]domain.Position
	changed []changed
	failed  []failed
	loans   int64
}

// groupLoans bounds how many loans one commit of a close covers: above it, partitions commit one by one.
const groupLoans = 50_000

// closeDay closes a day for partitions that stand at it. Nothing is locked while it computes: it reads the live loans,
// decides, and commits only if no unit has touched the partitions since; else it does it again.
func (s *Service) closeDay(ctx context.Context, work portion) error {
	groups := [][]rows.DayPart{work.parts}
	if s.metrics.loans.Load() > groupLoans {
		groups = groups[:0]
		for i := range work.parts {
			groups = append(groups, work.parts[i:i+1])
		}
	}
	for _, parts := range groups {
		if err := s.closeParts(ctx, work.day, parts); err != nil {
			return errs.Wrap(err, "closing "+work.day.String())
		}
	}
	return nil
}

// closeTries is how often a close is computed outside of a unit; after that units keep coming in between, and it is
// computed inside of one.
const closeTries = 3

func (s *Service) closeParts(ctx context.Context, day calendar.Date, parts []rows.DayPart) error {
	for range closeTries {
		t, err := s.count(ctx, s.deps.DB.Primary(), day, parts)
		if err != nil {
			return err
		}
		err = s.deps.DB.Write(ctx, func(tx *store.Tx) error { return s.commitClose(ctx, tx, day, parts, t) })
		if !errors.Is(err, errStale) {
			return err
		}
		if parts, err = s.reread(ctx, s.deps.DB.Primary(), day, parts); err != nil || len(parts) == 0 {
			return err
		}
	}
	return s.write(ctx, func(tx *store.Tx) error {
		now, err := s.reread(ctx, tx, day, parts)
		if err != nil || len(now) == 0 {
			return err
		}
		t, err := s.count(ctx, tx, day, now)
		if err != nil {
			return err
		}
		return s.commitClose(ctx, tx, day, now, t)
	})
}

// reread answers the rows of partitions as they are now, without those that were closed meanwhile.
func (s *Service) reread(ctx context.Context, q store.DBTX, day calendar.Date, parts []rows.DayPart) ([]rows.DayPart, error) {
	var now []rows.DayPart
	for _, p := range parts {
		r, err := rows.New(q).DayPart(ctx, p.Part)
		if err != nil {
			return nil, errs.Wrap(err, "reading a partition's day")
		}
		if r.ClosedThrough == day.String() {
			now = append(now, r)
		}
	}
	return now, nil
}

// count passes every live loan of the partitions once.
func (s *Service) count(ctx context.Context, q store.DBTX, day calendar.Date, parts []rows.DayPart) (*tally, error) {
	live, err := s.liveLoans(ctx, q, parts)
	if err != nil {
		return nil, err
	}
	t := &tally{sums: make(map[sumKey]domain.Position, len(live)), loans: int64(len(live))}
	for i := range live {
		if err := s.pass(ctx, q, day, &live[i], t); err != nil {
			if ctx.Err() != nil || errs.CodeOf(err) == errs.Unavailable {
				return nil, err
			}
			t.failed = append(t.failed, failed{bucket: live[i].Bucket, id: live[i].ID, userID: live[i].UserID, why: err})
		}
	}
	s.metrics.loans.Store(t.loans)
	return t, nil
}

func (s *Service) liveLoans(ctx context.Context, q store.DBTX, parts []rows.DayPart) ([]rows.LiveLoansRow, error) {
	if len(parts) == id.Partitions {
		live, err := rows.New(q).LiveLoans(ctx, rows.LiveLoansParams{FromBucket: 0, ToBucket: id.Buckets - 1})
		return live, errs.Wrap(err, "reading the live loans")
	}
	var buckets []int64
	for _, p := range parts {
		buckets = append(buckets, partitionBuckets(p.Part)...)
	}
	of, err := rows.New(q).LiveLoansOf(ctx, buckets)
	live := make([]rows.LiveLoansRow, len(of))
	for i := range of {
		live[i] = rows.LiveLoansRow(of[i])
	}
	return live, errs.Wrap(err, "reading the live loans of a partition")
}

// pass closes the day for one loan: its share of the sums, and whether anything about it changed.
func (s *Service) pass(ctx context.Context, q store.DBTX, day calendar.Date, r *rows.LiveLoansRow, t *tally) error {
	contract, err := s.contractOf(ctx, q, r.Bucket, r.ID)
	if err != nil {
		return err
	}
	life, err := contract.Decode(r.Life)
	if err != nil {
		return err
	}
	booked, err := dateOf(r.BookedOn)
	if err != nil {
		return err
	}
	share, st, err := domain.Share(life, booked, day)
	if err != nil {
		return err
	}
	if !share.IsZero() {
		key := sumKey{r.Bucket, r.Product}
		t.sums[key] = t.sums[key].Plus(share)
	}
	if st.Locked || booked > day+1 { // under way, or known further than this day: its own events speak
		return nil
	}
	c := changed{bucket: r.Bucket, id: r.ID, version: r.Version, standing: st}
	switch late := st.DPD > life.Terms().NonAccrualAfter; {
	case late && !life.Suspended():
		c.kind = domain.Suspend
	case life.Suspended() && st.DPD == 0:
		c.kind = domain.Resume
	}
	if c.kind != "" || st.Bucket != r.OverdueBucket || string(st.Class) != r.Class || st.OverdueSince.String() != r.OverdueSince {
		t.changed = append(t.changed, c)
	}
	return nil
}

// commitClose writes a close: sums, changed loans, loans set aside, markers and the partitions' progress, all in one
// unit.
func (s *Service) commitClose(ctx context.Context, tx *store.Tx, day calendar.Date, parts []rows.DayPart, t *tally) error {
	q := rows.New(tx)
	for _, p := range parts {
		n, err := q.ClosePart(ctx, rows.ClosePartParams{ClosedThrough: (day + 1).String(), Part: p.Part, Version: p.Version})
		if err := store.One(n, err, errStale); err != nil {
			return err
		}
	}
	accrued, penalty, err := s.postSums(ctx, tx, day, parts, t)
	if err != nil {
		return err
	}
	for _, c := range t.changed {
		if err := s.writeChanged(ctx, tx, day, c); err != nil {
			return errs.Wrap(err, fmt.Sprintf("writing loan %d", c.id))
		}
	}
	for _, f := range t.failed {
		if err := s.setAside(ctx, tx, day, f); err != nil {
			return err
		}
	}
	for _, p := range parts {
		err := s.deps.Log.Append(tx, eventlog.Event{Bucket: p.Part, PostingOn: day.String(),
			Body: &loanv1.DayMarker{Date: day.String(), Partition: int32(p.Part)}})
		if err != nil {
			return errs.Wrap(err, "writing a day marker")
		}
	}
	d, err := q.BusinessDay(ctx, day.String())
	if err != nil {
		return errs.Wrap(err, "reading a business day")
	}
	d.CloseMs, d.Loans = s.deps.Clock.Now().UnixMilli(), d.Loans+t.loans
	d.AccruedMinor, d.PenaltyMinor = d.AccruedMinor+accrued, d.PenaltyMinor+penalty
	s.metrics.changed.Add(int64(len(t.changed)))
	return s.changeDay(ctx, q, d)
}

// postSums books one sum per product and bucket and tells them, a partition in one event.
func (s *Service) postSums(ctx context.Context, tx *store.Tx, day calendar.Date, parts []rows.DayPart, t *tally) (accrued, penalty int64, err error) {
	keys := make([]sumKey, 0, len(t.sums))
	for k := range t.sums {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b sumKey) int {
		if a.bucket != b.bucket {
			return int(a.bucket - b.bucket)
		}
		return cmpText(a.product, b.product)
	})
	list := make([]ledger.Transaction, 0, len(keys))
	told := map[int32]*ledgerv1.PostedSums{}
	for _, k := range keys {
		tx := ledger.Transaction{ID: s.deps.IDs.New(k.bucket), Event: bookSum, Bucket: k.bucket, BookedOn: day, ValueOn: day, Entries: t.sums[k].Entries(k.product)}
		if len(tx.Entries) == 0 {
			continue
		}
		list = append(list, tx)
		accrued += tx.On(ledger.ReceivableInterest) + tx.On(ledger.ReceivableFee)
		penalty += tx.On(ledger.ReceivablePenalty) + tx.On(ledger.ReceivableCompound)
		part := id.Partition(k.bucket)
		if told[part] == nil {
			told[part] = &ledgerv1.PostedSums{BookedOn: day.String(), Partition: part}
		}
		told[part].Posted = append(told[part].Posted, toPosted(&tx))
	}
	if err := s.storeSums(ctx, tx, list); err != nil {
		return 0, 0, err
	}
	for _, p := range parts {
		if sums := told[int32(p.Part)]; sums != nil {
			if err := s.deps.Log.Append(tx, eventlog.Event{Bucket: p.Part, Body: sums, PostingOn: day.String(), ValueOn: day.String()}); err != nil {
				return 0, 0, errs.Wrap(err, "telling the sums of a day")
			}
		}
	}
	return accrued, penalty, nil
}

func cmpText(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// writeChanged writes what the close found out about a loan. Its own entries book to the closed day.
func (s *Service) writeChanged(ctx context.Context, tx *store.Tx, day calendar.Date, c changed) error {
	a, err := s.open(ctx, tx, c.bucket, c.id)
	if err != nil {
		return err
	}
	if a.row.Version != c.version {
		return errStale
	}
	if c.kind != "" {
		move := bookSuspend
		if c.kind == domain.Resume {
			move = bookResume
		}
		err := s.happen(ctx, tx, a, happening{Happening: domain.Happening{Kind: c.kind, On: c.standing.On}, MoveEvent: move, PostingOn: day, ValueOn: calendar.None})
		if err != nil {
			return err
		}
	}
	if err := s.judge(ctx, tx, a, c.standing); err != nil {
		return err
	}
	return s.save(ctx, tx, a)
}

// setAside takes a loan out of the closes until it is repaired. The day stays unclosed until then.
func (s *Service) setAside(ctx context.Context, tx *store.Tx, day calendar.Date, f failed) error {
	q := rows.New(tx)
	row, err := q.Loan(ctx, rows.LoanParams{Bucket: f.bucket, ID: f.id})
	if err != nil {
		return errs.Wrap(err, "reading a loan that is set aside")
	}
	s.deps.Logger.ErrorContext(ctx, "a loan could not be passed by the day's close and is set aside", "loan", f.id, "date", day.String(), "error", f.why)
	n, err := q.PutAside(ctx, rows.PutAsideParams{Aside: 1, BookedOn: max(row.BookedOn, day.String()), Bucket: f.bucket, ID: f.id, Version: row.Version})
	if err := store.One(n, err, errStale); err != nil {
		return errs.Wrap(err, "setting a loan aside")
	}
	return errs.Wrap(q.InsertDayAside(ctx, rows.InsertDayAsideParams{Bucket: f.bucket, LoanID: f.id, DayOn: day.String(), UserID: f.userID,
		Reason: cutTo(f.why.Error(), 200), AtMs: s.deps.Clock.Now().UnixMilli()}), "listing a loan that is set aside")
}
