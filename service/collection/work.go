package collection

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"

	"google.golang.org/protobuf/proto"

	collectionv1 "github.com/hengdai/hengdai/api/collection/v1"
	"github.com/hengdai/hengdai/domain/calendar"
	domain "github.com/hengdai/hengdai/domain/collection"
	"github.com/hengdai/hengdai/kit/audit"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/id"
	"github.com/hengdai/hengdai/kit/rpc"
	"github.com/hengdai/hengdai/kit/secret"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/service/collection/rows"
)

const (
	promiseDays = 30 // a promise beyond a month is no plan
	pauseDays   = 90
)

var (
	errTaken  = errs.New(errs.Conflict, "case.taken", "该案件已由其他同事处理。", "A colleague has this case already.")
	errNotYet = errs.New(errs.Precondition, "case.not_yours", "请先领取该案件。", "Take the case first.")
	errClosed = errs.New(errs.Precondition, "case.state", "案件当前状态不允许此操作。", "The case's present state does not allow this.")
)

// errSame says that an act would change nothing: it is answered as done, and leaves no trace.
var errSame = errors.New("the case is so already")

// change reads a case, lets the act change it and saves it, with its audit row and (if its state moved) its event, in one commit.
func (s *Service) change(ctx context.Context, caseID int64, what, reason string, entry rows.InsertActParams,
	alter func(tx *store.Tx, row *rows.CollectionCase) error,
) (*collectionv1.Case, error) {
	var after rows.CollectionCase
	entry.Kind, entry.StaffID, entry.AtMs = what, rpc.From(ctx).ID, s.deps.Clock.Now().UnixMilli()
	err := s.write(ctx, func(tx *store.Tx) error {
		row, err := caseByID(ctx, tx, caseID)
		if err != nil {
			return err
		}
		from := row.State
		if err := alter(tx, &row); err != nil {
			after = row
			return err
		}
		if err := keep(ctx, tx, &row, entry); err != nil {
			return err
		}
		if err := audit.Write(tx, s.audited(ctx, "case."+what, "case", caseID, reason)); err != nil {
			return err
		}
		after = row
		if from == row.State {
			return nil
		}
		return s.told(tx, row, from, what)
	})
	if err != nil && !errors.Is(err, errSame) {
		return nil, errs.Wrap(err, "changing a case")
	}
	return s.caseOf(after), nil
}

func move(row *rows.CollectionCase, event domain.Event) error {
	to, err := domain.Move(domain.State(row.State), event)
	var illegal *domain.Illegal
	if errors.As(err, &illegal) {
		return errClosed.Because(err)
	}
	row.State = string(to)
	return err
}

// TakeCase makes the caller responsible; repeated, it changes nothing. Conflict if somebody else is.
func (f staff) TakeCase(ctx context.Context, req *collectionv1.TakeCaseRequest) (*collectionv1.Case, error) {
	me := rpc.From(ctx).ID
	return f.change(ctx, req.GetCaseId(), "take", "", rows.InsertActParams{}, func(tx *store.Tx, row *rows.CollectionCase) error {
		if row.AssignedTo != 0 && row.AssignedTo != me {
			return errTaken
		}
		if row.ClosedMs != 0 {
			return errClosed
		}
		if row.AssignedTo == me {
			return errSame
		}
		row.AssignedTo = me
		return nil
	})
}

// ReturnCase gives the caller's case back to the queue. Precondition if he does not have it.
func (f staff) ReturnCase(ctx context.Context, req *collectionv1.ReturnCaseRequest) (*collectionv1.Case, error) {
	sealed, err := f.sealed(ctx, req.GetCaseId(), req.GetReason())
	if err != nil {
		return nil, err
	}
	me := rpc.From(ctx).ID
	return f.change(ctx, req.GetCaseId(), "return", "", rows.InsertActParams{TextSealed: sealed}, func(tx *store.Tx, row *rows.CollectionCase) error {
		if row.AssignedTo != me {
			return errNotYet
		}
		row.AssignedTo = 0
		return nil
	})
}

// sealed seals a text under the key of the borrower of a case.
func (s *Service) sealed(ctx context.Context, caseID int64, text string) ([]byte, error) {
	row, err := caseByID(ctx, s.deps.DB.Primary(), caseID)
	if err != nil {
		return nil, err
	}
	sealed, err := s.deps.Vault.Seal(ctx, row.UserID, class, "note", secret.New(text))
	return sealed, errs.Wrap(err, "seal a note")
}

// AddNote writes a note down. Repeated with the same key it answers the same note.
func (f staff) AddNote(ctx context.Context, req *collectionv1.AddNoteRequest) (*collectionv1.Act, error) {
	sealed, err := f.sealed(ctx, req.GetCaseId(), req.GetText())
	if err != nil {
		return nil, err
	}
	hash := sha256.Sum256(fmt.Appendf(nil, "%d\x00%s", req.GetCaseId(), req.GetText()))
	out := &collectionv1.Act{}
	entry := rows.InsertActParams{Kind: "note", StaffID: rpc.From(ctx).ID, TextSealed: sealed, AtMs: f.deps.Clock.Now().UnixMilli()}
	scope := fmt.Sprintf("collection.note/%d", entry.StaffID)
	err = f.write(ctx, func(tx *store.Tx) error {
		before, found, err := store.Idempotent(tx, id.Bucket(req.GetCaseId()), scope, req.GetIdempotencyKey(), hash[:])
		if err != nil {
			return err
		}
		if found {
			return proto.Unmarshal(before, out)
		}
		row, err := caseByID(ctx, tx, req.GetCaseId())
		if err != nil {
			return err
		}
		if err := keep(ctx, tx, &row, entry); err != nil {
			return err
		}
		if err := audit.Write(tx, f.audited(ctx, "case.note", "case", row.ID, "")); err != nil {
			return err
		}
		proto.Reset(out)
		out.Number, out.Kind, out.StaffId, out.AtMs = row.Acts, entry.Kind, entry.StaffID, entry.AtMs
		answer, err := proto.Marshal(out)
		if err != nil {
			return err
		}
		return store.Remember(tx, row.Bucket, scope, req.GetIdempotencyKey(), hash[:], answer)
	})
	if err != nil {
		return nil, errs.Wrap(err, "writing a note down")
	}
	out.Text = req.GetText()
	return out, nil
}

// RecordPromise keeps reminders away until the promised day.
func (f staff) RecordPromise(ctx context.Context, req *collectionv1.RecordPromiseRequest) (*collectionv1.Case, error) {
	until, err := f.within(req.GetPayBy(), promiseDays, "payBy")
	if err != nil {
		return nil, err
	}
	entry := rows.InsertActParams{Detail: until.String(), AmountMinor: req.GetAmountMinor()}
	return f.change(ctx, req.GetCaseId(), "promise", "", entry, func(tx *store.Tx, row *rows.CollectionCase) error {
		if err := move(row, domain.Promise); err != nil {
			return err
		}
		row.UntilOn, row.PromisedMinor, row.NextOn = until.String(), req.GetAmountMinor(), (until + 1).String()
		return f.withdraw(tx, row)
	})
}

// PauseCase stops every contact until the day.
func (f staff) PauseCase(ctx context.Context, req *collectionv1.PauseCaseRequest) (*collectionv1.Case, error) {
	until, err := f.within(req.GetUntil(), pauseDays, "until")
	if err != nil {
		return nil, err
	}
	entry := rows.InsertActParams{Detail: req.GetReason()}
	return f.change(ctx, req.GetCaseId(), "pause", req.GetReason(), entry, func(tx *store.Tx, row *rows.CollectionCase) error {
		if err := move(row, domain.Pause); err != nil {
			return err
		}
		row.UntilOn, row.PromisedMinor, row.NextOn = until.String(), 0, (until + 1).String()
		return f.withdraw(tx, row)
	})
}

// ResumeCase ends a pause today.
func (f staff) ResumeCase(ctx context.Context, req *collectionv1.ResumeCaseRequest) (*collectionv1.Case, error) {
	sealed, err := f.sealed(ctx, req.GetCaseId(), req.GetReason())
	if err != nil {
		return nil, err
	}
	return f.change(ctx, req.GetCaseId(), "resume", "", rows.InsertActParams{TextSealed: sealed}, func(tx *store.Tx, row *rows.CollectionCase) error {
		if err := move(row, domain.Resume); err != nil {
			return err
		}
		due, err := calendar.Parse(row.DueOn)
		if err != nil {
			return err
		}
		row.UntilOn, row.NextOn = "", f.nextContact(*row, due)
		return nil
	})
}

// within reads a date that lies between today and so many days from now.
func (s *Service) within(text string, days int, field string) (calendar.Date, error) {
	on, err := calendar.Parse(text)
	if err != nil {
		return 0, errs.New(errs.Invalid, "date.unknown", "日期不存在。", "There is no such date.").On(field)
	}
	today := s.today()
	if on < today || on > today+calendar.Date(days) {
		return 0, errs.New(errs.Invalid, "date.out_of_range",
			fmt.Sprintf("日期应在今天起 %d 天之内。", days), fmt.Sprintf("The date must lie within %d days from today.", days)).On(field)
	}
	return on, nil
}
