package loan

import (
	"context"
	"time"

	loanv1 "github.com/hengdai/hengdai/api/loan/v1"
	domain "github.com/hengdai/hengdai/domain/loan"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/id"
	"github.com/hengdai/hengdai/kit/rpc"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/service/loan/rows"
)

// clockSlack is how far a client's clock may be ahead of ours.
const clockSlack = 5 * time.Minute

// ConfirmDisclosure keeps what was shown and read, and drafts the contract.
func (p public) ConfirmDisclosure(ctx context.Context, req *loanv1.ConfirmDisclosureRequest) (*loanv1.Contract, error) {
	who, err := borrower(ctx)
	if err != nil {
		return nil, err
	}
	key, err := keyOf(id.Bucket(who.ID), scopeConfirm, who.ID, req)
	if err != nil {
		return nil, err
	}
	row, err := p.applicationOf(ctx, p.deps.DB.Primary(), who.ID, req.GetApplicationId())
	if err != nil {
		return nil, err
	}
	done, err := p.before(ctx, key)
	if err != nil {
		return nil, err
	}
	if done == 0 {
		if err := p.confirm(ctx, who, row, req, key); err != nil {
			return nil, err
		}
	}
	return p.contract(ctx, row)
}

func (s *Service) confirm(ctx context.Context, who rpc.Principal, row rows.Application, req *loanv1.ConfirmDisclosureRequest, key onceKey) error {
	if row.State != string(domain.Approved) {
		return illegal(domain.ApplicationState(row.State), nil)
	}
	table, record, err := s.table(ctx, row)
	if err != nil {
		return err
	}
	if err := s.refusedReading(table, fingerprint(record), req); err != nil {
		return err
	}
	device, ip, err := s.tokens(ctx, who)
	if err != nil {
		return err
	}
	draft, err := s.draft(ctx, row, table, fingerprint(record))
	if err != nil {
		return err
	}
	kept := rows.InsertDisclosureParams{Bucket: row.Bucket, ApplicationID: row.ID, Template: table.Template, Hash: fingerprint(record), Record: record,
		ShownMs: req.GetShownAtMs(), ReadSeconds: int64(req.GetReadSeconds()), ConfirmedMs: s.deps.Clock.Now().UnixMilli(), DeviceToken: device, IpToken: ip}
	_, err = s.once(ctx, key, func(tx *store.Tx) (int64, error) {
		now, err := s.application(ctx, tx, row.ID)
		if err != nil {
			return 0, err
		}
		now.ContractID = draft.ID
		if err := s.move(ctx, tx, &now, domain.Confirm, "", 0); err != nil {
			return 0, err
		}
		if err := rows.New(tx).InsertDisclosure(ctx, kept); err != nil {
			return 0, errs.Wrap(staleIfDuplicate(err), "keeping the confirmed table of costs")
		}
		if err := rows.New(tx).InsertContract(ctx, draft); err != nil {
			return 0, errs.Wrap(staleIfDuplicate(err), "keeping the draft of a contract")
		}
		return row.ID, nil
	})
	return err
}

// refusedReading answers why a confirmation does not count: another table, or not read long enough (R9).
func (s *Service) refusedReading(table costTable, hash string, req *loanv1.ConfirmDisclosureRequest) error {
	end := time.UnixMilli(req.GetShownAtMs()).Add(time.Duration(req.GetReadSeconds()) * time.Second)
	switch {
	case req.GetHash() != hash:
		return errs.New(errs.Precondition, "disclosure.changed", "费用明示表已更新，请重新阅读后确认。", "The table of costs has changed. Please read it again and confirm.").On("hash")
	case req.GetReadSeconds() < table.MinReadSeconds:
		return errs.New(errs.Precondition, "disclosure.read_too_short", "请完整阅读费用明示表后再确认。", "Please read the whole table of costs before you confirm.").On("readSeconds")
	case end.After(s.deps.Clock.Now().Add(clockSlack)):
		return errs.New(errs.Invalid, "disclosure.shown_in_future", "展示时间晚于当前时间。", "The time it was shown lies in the future.").On("shownAtMs")
	}
	return nil
}
