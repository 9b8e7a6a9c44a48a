package collection

import (
	"context"
	"errors"

	collectionv1 "github.com/hengdai/hengdai/api/collection/v1"
	loanv1 "github.com/hengdai/hengdai/api/loan/v1"
	"github.com/hengdai/hengdai/domain/calendar"
	domain "github.com/hengdai/hengdai/domain/collection"
	eventlog "github.com/hengdai/hengdai/kit/log"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/service/collection/rows"
)

// planBatch is how many cases one step looks at.
const planBatch = 64

// plan does what is due today: promises that were broken, pauses that ended, contacts of the strategy.
func (s *Service) plan(ctx context.Context) (bool, error) {
	today := s.today()
	due, err := rows.New(s.deps.DB.Primary()).DueCases(ctx, rows.DueCasesParams{NextOn: today.String(), Limit: planBatch})
	if err != nil || len(due) == 0 {
		return false, err
	}
	for _, row := range due {
		if err := s.planCase(ctx, row, today); err != nil && !errors.Is(err, errStale) {
			return false, err
		}
	}
	return true, nil
}

// planCase asks loan how it stands, outside of any transaction, and commits what follows.
func (s *Service) planCase(ctx context.Context, row rows.CollectionCase, today calendar.Date) error {
	position, err := s.deps.Loan.GetPosition(ctx, &loanv1.GetPositionRequest{LoanId: row.LoanID})
	if err != nil {
		return err
	}
	return s.deps.DB.Write(ctx, func(tx *store.Tx) error {
		now, err := caseByID(ctx, tx, row.ID)
		if err != nil {
			return err
		}
		if now.Version != row.Version {
			return errStale
		}
		return s.decide(ctx, tx, now, position, today)
	})
}

func (s *Service) decide(ctx context.Context, tx *store.Tx, row rows.CollectionCase, position *loanv1.Position, today calendar.Date) error {
	atMS := s.deps.Clock.Now().UnixMilli()
	due, err := calendar.Parse(row.DueOn)
	if err != nil {
		return err
	}
	if from := domain.State(row.State); from != domain.Open {
		event, kind := domain.Break, "promise_broken"
		if from == domain.Paused {
			event, kind = domain.Resume, "resume"
		}
		to, err := domain.Move(from, event)
		if err != nil {
			return err
		}
		row.State, row.UntilOn, row.PromisedMinor = string(to), "", 0
		row.NextOn = s.nextContact(row, due, today)
		if err := act(ctx, tx, &row, rows.InsertActParams{Kind: kind, AtMs: atMS}); err != nil {
			return err
		}
		if err := save(ctx, tx, row); err != nil {
			return err
		}
		return s.told(tx, row, string(from), kind)
	}
	if position.GetLocked() || position.GetOverdueMinor() <= 0 {
		row.NextOn = (today + 1).String() // money may be under way: nobody is reminded of what he is paying
		return save(ctx, tx, row)
	}
	dpd := calendar.Days(due, today)
	step, ok := s.deps.Strategy.Due(int(row.DoneDpd), dpd)
	if !ok {
		row.NextOn = s.nextContact(row, due, today)
		return save(ctx, tx, row)
	}
	row.DoneDpd, row.OverdueMinor = int64(step.DPD), position.GetOverdueMinor()
	row.NextOn = s.nextContact(row, due, today)
	entry := rows.InsertActParams{Kind: "contact", Detail: step.Channel + " " + step.Template, AmountMinor: row.OverdueMinor, AtMs: atMS}
	if err := act(ctx, tx, &row, entry); err != nil {
		return err
	}
	if err := save(ctx, tx, row); err != nil {
		return err
	}
	return s.deps.Log.Append(tx, eventlog.Event{UserID: row.UserID, Bucket: row.Bucket, Body: &collectionv1.ContactPlanned{
		CaseId: row.ID, LoanId: row.LoanID, ContactId: s.deps.IDs.New(row.Bucket), Channel: step.Channel, Template: step.Template,
		Dpd: int32(dpd), OverdueMinor: row.OverdueMinor,
	}})
}
