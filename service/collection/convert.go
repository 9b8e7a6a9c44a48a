package collection

import (
	"context"

	collectionv1 "github.com/hengdai/hengdai/api/collection/v1"
	"github.com/hengdai/hengdai/domain/calendar"
	domain "github.com/hengdai/hengdai/domain/collection"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/service/collection/rows"
)

// class is the retention class of notes.
const class = "collection"

func (s *Service) caseOf(row rows.CollectionCase) *collectionv1.Case {
	out := &collectionv1.Case{
		CaseId: row.ID, LoanId: row.LoanID, UserId: row.UserID, State: row.State, Bucket: row.DpdBucket, OverdueMinor: row.OverdueMinor,
		AssignedTo: row.AssignedTo, Until: row.UntilOn, PromisedMinor: row.PromisedMinor, ClosedReason: row.ClosedReason,
		OpenedMs: row.OpenedMs, ClosedMs: row.ClosedMs, Version: row.Version,
	}
	if domain.State(row.State) == domain.Open {
		out.NextContactOn = row.NextOn
	}
	if due, err := calendar.Parse(row.DueOn); err == nil {
		out.OverdueSince = (due + 1).String()
		if row.ClosedMs == 0 {
			out.Dpd = int32(calendar.Days(due, s.today()))
		}
	}
	return out
}

// actOf opens the text of an act for the reader.
func (s *Service) actOf(ctx context.Context, row rows.CollectionCase, a rows.CollectionAct) (*collectionv1.Act, error) {
	out := &collectionv1.Act{Number: a.Number, Kind: a.Kind, StaffId: a.StaffID, Detail: a.Detail, AmountMinor: a.AmountMinor, AtMs: a.AtMs}
	if len(a.TextSealed) == 0 {
		return out, nil
	}
	text, err := s.deps.Vault.Open(ctx, row.UserID, class, class, "note", a.TextSealed)
	if errs.CodeOf(err) == errs.NotFound {
		out.Text = "(已删除 / erased)"
		return out, nil
	}
	if err != nil {
		return nil, errs.Wrap(err, "open a note")
	}
	out.Text = text.Reveal()
	return out, nil
}
