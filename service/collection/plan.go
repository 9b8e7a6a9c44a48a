package collection

import (
	"context"
	"errors"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	collectionv1 "github.com/hengdai/hengdai/api/collection/v1"
	loanv1 "github.com/hengdai/hengdai/api/loan/v1"
	"github.com/hengdai/hengdai/domain/calendar"
	domain "github.com/hengdai/hengdai/domain/collection"
	"github.com/hengdai/hengdai/kit/errs"
	eventlog "github.com/hengdai/hengdai/kit/log"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/service/collection/rows"
)

// planBatch is how many cases one step looks at, planAtOnce how many of them side by side, so that they share commits.
const (
	planBatch  = 64
	planAtOnce = 8
)

// plan does what is due on loan's day: promises that were broken, pauses that ended, contacts of the strategy.
func (s *Service) plan(ctx context.Context) (bool, error) {
	today, err := s.loanDay(ctx)
	if err != nil || today == calendar.None {
		return false, errs.Wrap(err, "reading loan's day")
	}
	due, err := rows.New(s.deps.DB.Primary()).DueCases(ctx, rows.DueCasesParams{NextOn: today.String(), Limit: planBatch})
	if err != nil {
		return false, errs.Wrap(err, "reading the cases that are due")
	}
	var moved atomic.Bool
	var all errgroup.Group
	all.SetLimit(planAtOnce)
	for _, row := range due {
		all.Go(func() error {
			did, err := s.planCase(ctx, row, today)
			if did {
				moved.Store(true)
			}
			return err
		})
	}
	return moved.Load(), all.Wait()
}

// planCase asks loan how it stands, outside of any transaction, and commits what follows. did says that the case is not due
// any more as it was.
func (s *Service) planCase(ctx context.Context, row rows.CollectionCase, today calendar.Date) (did bool, err error) {
	position, err := s.deps.Loan.GetPosition(ctx, &loanv1.GetPositionRequest{LoanId: row.LoanID})
	switch code := errs.CodeOf(err); {
	case err == nil:
	case code == errs.Unavailable || code == errs.Exhausted || ctx.Err() != nil:
		return false, errs.Wrap(err, "asking what a loan owes")
	default: // one loan that cannot be looked at keeps no other case waiting
		s.deps.Logger.ErrorContext(ctx, "a case cannot be planned and is put off until tomorrow", "case", row.ID, "loan", row.LoanID, "error", err)
		position = &loanv1.Position{Locked: true}
	}
	if position.GetBusinessDate() > today.String() {
		return false, nil // loan closes the day at this moment, and tells when it has
	}
	err = s.deps.DB.Write(ctx, func(tx *store.Tx) error {
		now, err := caseByID(ctx, tx, row.ID)
		if err != nil {
			return err
		}
		if now.Version != row.Version {
			return errStale
		}
		return s.decide(ctx, tx, now, position, today)
	})
	if errors.Is(err, errStale) {
		return true, nil // something happened in it: look again
	}
	return err == nil, errs.Wrap(err, "planning a case")
}

// decide does one thing that is due.
func (s *Service) decide(ctx context.Context, tx *store.Tx, row rows.CollectionCase, position *loanv1.Position, today calendar.Date) error {
	atMS := s.deps.Clock.Now().UnixMilli()
	if position.GetLocked() { // money may be under way: nobody is reminded of what he is paying, and no promise counts as broken
		row.NextOn = (today + 1).String()
		return save(ctx, tx, row)
	}
	if position.GetOverdueMinor() <= 0 {
		reason := endings[position.GetState()]
		if reason == "" {
			reason = "paid"
		}
		return s.close(ctx, tx, row, reason, atMS)
	}
	due, err := calendar.Parse(row.DueOn)
	if err != nil {
		return err
	}
	if on, err := calendar.Parse(position.GetBusinessDate()); err == nil && position.GetDpd() > 0 {
		due = on - calendar.Date(position.GetDpd())
		since(&row, due, int64(position.GetDpd()))
	}
	switch domain.State(row.State) {
	case domain.Promised:
		return s.end(ctx, tx, row, domain.Break, "promise_broken", due)
	case domain.Paused:
		return s.end(ctx, tx, row, domain.Resume, "resume", due)
	case domain.Open, domain.Closed:
	}
	step, ok := s.deps.Strategy.Due(int(row.DoneDpd), calendar.Days(due, today))
	if !ok {
		row.NextOn = s.nextContact(row, due)
		return save(ctx, tx, row)
	}
	row.OverdueMinor = position.GetOverdueMinor()
	return s.contact(ctx, tx, row, step, due, today)
}

// end ends a promise or a pause whose last day is over.
func (s *Service) end(ctx context.Context, tx *store.Tx, row rows.CollectionCase, event domain.Event, kind string, due calendar.Date) error {
	from := row.State
	to, err := domain.Move(domain.State(from), event)
	if err != nil {
		return err
	}
	entry := rows.InsertActParams{Kind: kind, AmountMinor: row.PromisedMinor, AtMs: s.deps.Clock.Now().UnixMilli()}
	row.State, row.UntilOn, row.PromisedMinor, row.NextOn = string(to), "", 0, s.nextContact(row, due)
	if err := keep(ctx, tx, &row, entry); err != nil {
		return err
	}
	return s.told(tx, row, from, kind)
}

// contact plans a step. One that was planned before and still waits gives way to it.
func (s *Service) contact(ctx context.Context, tx *store.Tx, row rows.CollectionCase, step domain.Step, due, today calendar.Date) error {
	if err := s.withdraw(tx, &row); err != nil {
		return err
	}
	row.DoneDpd, row.ContactID = int64(step.DPD), s.deps.IDs.New(row.Bucket)
	row.NextOn = s.nextContact(row, due)
	entry := rows.InsertActParams{
		Kind: "contact", Detail: step.Channel + " " + step.Template, AmountMinor: row.OverdueMinor, AtMs: s.deps.Clock.Now().UnixMilli(),
	}
	if err := keep(ctx, tx, &row, entry); err != nil {
		return err
	}
	return s.deps.Log.Append(tx, eventlog.Event{UserID: row.UserID, Bucket: row.Bucket, Body: &collectionv1.ContactPlanned{
		CaseId: row.ID, LoanId: row.LoanID, ContactId: row.ContactID, Channel: step.Channel, Template: step.Template,
		Dpd: int32(calendar.Days(due, today)), OverdueMinor: row.OverdueMinor,
	}})
}
