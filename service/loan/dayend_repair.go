package loan

import (
	"context"

	"github.com/hengdai/hengdai/domain/calendar"
	"github.com/hengdai/hengdai/domain/ledger"
	domain "github.com/hengdai/hengdai/domain/loan"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/service/loan/rows"
)

// asidesMax bounds one round of repairs.
const asidesMax = 200

// repairAsides tries the loans again that a close set aside. One that passes now is caught up by its own entries and takes
// part in the next close; one that still fails stays aside.
func (s *Service) repairAsides(ctx context.Context) error {
	list, err := rows.New(s.deps.DB.Primary()).DayAsides(ctx, rows.DayAsidesParams{Limit: asidesMax})
	if err != nil {
		return errs.Wrap(err, "listing loans set aside")
	}
	for _, r := range list {
		s.contracts.drop(r.LoanID) // what was wrong may have been in what is kept of it
		err := s.write(ctx, func(tx *store.Tx) error { return s.catchUp(ctx, tx, r.Bucket, r.LoanID) })
		if err != nil {
			s.deps.Logger.WarnContext(ctx, "a loan stays set aside", "loan", r.LoanID, "error", err)
		}
	}
	return nil
}

func (c *contracts) drop(loanID int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.ready, loanID)
}

// catchUp books what a loan accrued while it was aside, as its own entries.
func (s *Service) catchUp(ctx context.Context, tx *store.Tx, bucket, loanID int64) error {
	a, err := s.open(ctx, tx, bucket, loanID)
	if err != nil || a.row.Aside == 0 {
		return err
	}
	from, err := a.booked()
	if err != nil {
		return err
	}
	closed, err := dateOf(a.part.ClosedThrough)
	if err != nil {
		return err
	}
	if a.life != nil {
		if err := s.bookGap(ctx, tx, a, from, closed); err != nil {
			return err
		}
	}
	a.row.Aside = 0
	if err := s.save(ctx, tx, a); err != nil {
		return err
	}
	_, err = rows.New(tx).RepairDayAside(ctx, rows.RepairDayAsideParams{RepairedMs: s.deps.Clock.Now().UnixMilli(), Bucket: bucket, LoanID: loanID})
	return errs.Wrap(err, "noting a repair")
}

// eventCaughtUp is kept among a loan's events so that its shares can be recomputed; it changes nothing about the loan.
const eventCaughtUp = "caught_up"

func (s *Service) bookGap(ctx context.Context, tx *store.Tx, a *account, from, to calendar.Date) error {
	if to <= from {
		return nil
	}
	before, after, _, err := a.life.Span(max(from, a.life.At()), max(to, a.life.At()))
	if err != nil {
		return errs.Wrap(err, "catching a loan up")
	}
	posting, value, err := a.dates(happening{Happening: domain.Happening{On: from}, PostingOn: calendar.None, ValueOn: calendar.None})
	if err != nil {
		return err
	}
	if entries := after.Minus(before).Entries(""); entries != nil {
		err := s.postOwn(ctx, tx, a.row.UserID, []booked{{Transaction: ledger.Transaction{ID: s.deps.IDs.New(a.row.Bucket), Event: bookAccrue,
			Subject: a.row.ID, Bucket: a.row.Bucket, BookedOn: posting, ValueOn: value, Entries: entries}}})
		if err != nil {
			return err
		}
	}
	a.row.Events++
	a.row.BookedOn = to.String()
	return errs.Wrap(rows.New(tx).InsertLoanEvent(ctx, rows.InsertLoanEventParams{
		Bucket: a.row.Bucket, LoanID: a.row.ID, Seq: a.row.Events, Kind: eventCaughtUp, CountsOn: from.String(), PostingOn: posting.String(),
		ValueOn: value.String(), BookedFrom: from.String(), BookedTo: to.String(), AtMs: s.deps.Clock.Now().UnixMilli(),
	}), "keeping an event of a loan")
}
