package loan

import (
	"context"
	"time"

	loanv1 "github.com/hengdai/hengdai/api/loan/v1"
	domain "github.com/hengdai/hengdai/domain/loan"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/id"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/service/loan/rows"
)

// next says in a sentence what happens next.
func next(r rows.Application) (zh, en string) {
	switch domain.ApplicationState(r.State) {
	case domain.Submitted, domain.Deciding:
		return "正在审批，通常几秒内有结果。", "We are deciding; this usually takes seconds."
	case domain.ManualReview:
		return "需要人工审核，一般一个工作日内有结果。", "A person looks at it; usually within one working day."
	case domain.Approved:
		if r.ApprovedMinor < r.AmountMinor {
			return "已批准较低的金额，请阅读并确认费用明示表。", "A lower amount was approved. Please read and confirm the table of costs."
		}
		return "已批准，请阅读并确认费用明示表。", "Approved. Please read and confirm the table of costs."
	case domain.AwaitingSignature:
		return "请阅读并签署合同。", "Please read and sign the contract."
	case domain.Signed:
		return "合同已签署，正在放款。", "Signed. The money is on its way."
	case domain.Disbursed:
		return "已放款。", "Paid out."
	case domain.Rejected:
		return "本次申请未通过。如对结果有异议，可申请人工复核。", "The application was refused. You may ask a person to look at it again."
	case domain.AppCancelled:
		return "申请已取消，占用的额度已释放。", "Cancelled; the limit it held is free again."
	case domain.Expired:
		return "申请已过期，可重新申请。", "Expired; you may apply again."
	}
	return "", ""
}

// GetApplication answers one of the caller's applications. With wait_ms it waits for a decision that is under way.
func (p public) GetApplication(ctx context.Context, req *loanv1.GetApplicationRequest) (*loanv1.Application, error) {
	who, err := borrower(ctx)
	if err != nil {
		return nil, err
	}
	row, err := p.settled(ctx, who.ID, req.GetApplicationId(), time.Duration(req.GetWaitMs())*time.Millisecond)
	if err != nil {
		return nil, err
	}
	return toApplication(row)
}

// settled answers a row, waiting a while for the decision if it is still under way.
func (s *Service) settled(ctx context.Context, userID, applicationID int64, wait time.Duration) (rows.Application, error) {
	var row rows.Application
	err := s.waiters.until(ctx, applicationID, wait, func() (bool, error) {
		var err error
		row, err = s.applicationOf(ctx, s.deps.DB.Primary(), userID, applicationID)
		st := domain.ApplicationState(row.State)
		return st != domain.Submitted && st != domain.Deciding, err
	})
	return row, err
}

// ListApplications answers the caller's applications, newest first.
func (p public) ListApplications(ctx context.Context, req *loanv1.ListApplicationsRequest) (*loanv1.ListApplicationsResponse, error) {
	who, err := borrower(ctx)
	if err != nil {
		return nil, err
	}
	at, err := readCursor(req.GetPageToken())
	if err != nil {
		return nil, err
	}
	size := pageSize(req.GetPageSize(), 20)
	list, err := rows.New(p.deps.DB.Primary()).ApplicationsOfUser(ctx, rows.ApplicationsOfUserParams{
		Bucket: id.Bucket(who.ID), UserID: who.ID, BeforeMs: at.MS, BeforeID: at.ID, FromOn: "", ToOn: "9999-12-31", Limit: size + 1,
	})
	if err != nil {
		return nil, errs.Wrap(err, "listing applications")
	}
	list, token := page(list, size, func(r rows.Application) cursor { return cursor{MS: r.CreatedMs, ID: r.ID} })
	out := &loanv1.ListApplicationsResponse{NextPageToken: token}
	for _, r := range list {
		a, err := toApplication(r)
		if err != nil {
			return nil, err
		}
		out.Applications = append(out.Applications, a)
	}
	return out, nil
}

// CancelApplication ends an application before it is signed. One that is cancelled already is answered as it is.
func (p public) CancelApplication(ctx context.Context, req *loanv1.CancelApplicationRequest) (*loanv1.Application, error) {
	who, err := borrower(ctx)
	if err != nil {
		return nil, err
	}
	var row rows.Application
	err = p.write(ctx, func(tx *store.Tx) error {
		var err error
		if row, err = p.applicationOf(ctx, tx, who.ID, req.GetApplicationId()); err != nil {
			return err
		}
		if row.State == string(domain.AppCancelled) {
			return nil
		}
		return p.end(ctx, tx, &row, domain.Cancel, "borrower.cancelled", 0)
	})
	if err != nil {
		return nil, err
	}
	return toApplication(row)
}
