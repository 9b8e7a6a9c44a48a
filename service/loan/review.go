package loan

import (
	"context"
	"strconv"
	"time"

	loanv1 "github.com/hengdai/hengdai/api/loan/v1"
	"github.com/hengdai/hengdai/domain/calendar"
	domain "github.com/hengdai/hengdai/domain/loan"
	"github.com/hengdai/hengdai/kit/audit"
	"github.com/hengdai/hengdai/kit/clock"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/id"
	"github.com/hengdai/hengdai/kit/rpc"
	"github.com/hengdai/hengdai/kit/secret"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/kit/task"
	"github.com/hengdai/hengdai/service/loan/rows"
)

// reviewLease is how long a claimed review is kept for its reviewer.
const reviewLease = 30 * time.Minute

var errNoReview = errs.New(errs.NotFound, "review.not_found", "没有找到该审核任务。", "There is no such review.")

// Sentences that a borrower reads when a reviewer refuses.
var reviewReasons = map[string]reason{
	"review.affordability": {Code: "review.affordability", ZH: "按您的收入与负债情况，暂不适合承担这笔贷款。", EN: "With your income and debts this loan would be too much at present."},
	"review.documents":     {Code: "review.documents", ZH: "提供的信息不完整或无法核实。", EN: "What was stated is incomplete or could not be verified."},
	"review.fraud":         {Code: "review.fraud", ZH: "综合评估未通过。", EN: "The overall assessment did not allow an approval.", Internal: true},
	"review.identity":      {Code: "review.identity", ZH: "身份信息无法核实。", EN: "The identity could not be verified."},
	"review.policy":        {Code: "review.policy", ZH: "不符合当前的贷款政策。", EN: "The application does not fit the present lending policy."},
}

// act records what a member of staff did, in the same commit.
func (s *Service) act(tx *store.Tx, who rpc.Principal, what, kind string, subject int64, why string, details map[string]string) error {
	return errs.Wrap(audit.Write(tx, audit.Entry{
		ActorKind: who.Kind.String(), ActorID: who.ID, ActorSession: who.SessionID, Act: what, SubjectKind: kind, SubjectID: subject,
		Reason: why, Details: details, At: s.deps.Clock.Now(),
	}), "recording "+what)
}

// ListReviews answers the queue.
func (f staff) ListReviews(ctx context.Context, req *loanv1.ListReviewsRequest) (*loanv1.ListReviewsResponse, error) {
	who, err := member(ctx)
	if err != nil {
		return nil, err
	}
	at, err := readCursor(req.GetPageToken())
	if err != nil {
		return nil, err
	}
	size := pageSize(req.GetPageSize(), 50)
	out := &loanv1.ListReviewsResponse{}
	filter := task.Filter{Queue: queueReview, Limit: int(size) + 1}
	if req.GetMine() {
		filter.ClaimedBy = who.ID
	}
	if at != newest {
		filter.AfterMS, filter.AfterID = at.MS, at.ID
	}
	for len(out.Reviews) <= int(size) {
		list, err := task.List(ctx, f.deps.DB.Primary(), filter)
		if err != nil {
			return nil, err
		}
		for _, t := range list {
			filter.AfterMS, filter.AfterID = t.Created.UnixMilli(), t.ID
			if t.State == task.Finished || t.State == task.Cancelled {
				continue
			}
			if len(out.Reviews) == int(size) {
				return out, nil
			}
			row, err := f.application(ctx, f.deps.DB.Primary(), t.SubjectID)
			if err != nil {
				return nil, err
			}
			out.Reviews = append(out.Reviews, toReviewItem(t, row))
			out.NextPageToken = cursor{MS: t.Created.UnixMilli(), ID: t.ID}.token()
		}
		if len(list) < filter.Limit {
			out.NextPageToken = ""
			return out, nil
		}
	}
	return out, nil
}

func toReviewItem(t task.Task, row rows.Application) *loanv1.ReviewItem {
	item := &loanv1.ReviewItem{ApplicationId: row.ID, Product: row.Product, AmountMinor: row.AmountMinor, TermMonths: int32(row.TermMonths),
		Grade: row.Grade, DueMs: t.Due.UnixMilli(), OpenedMs: t.Created.UnixMilli()}
	if t.State == task.Claimed && t.LeaseUntil.After(clock.Real()) {
		item.ClaimedBy, item.ClaimedUntilMs = t.ClaimedBy, t.LeaseUntil.UnixMilli()
	}
	return item
}

// ClaimReview takes a review, or the next one.
func (f staff) ClaimReview(ctx context.Context, req *loanv1.ClaimReviewRequest) (*loanv1.Review, error) {
	who, err := member(ctx)
	if err != nil {
		return nil, err
	}
	var claimed task.Task
	err = f.write(ctx, func(tx *store.Tx) error {
		var err error
		if req.GetApplicationId() == 0 {
			claimed, err = task.Claim(tx, queueReview, who.ID, reviewLease)
		} else {
			if claimed, err = f.reviewTask(ctx, tx, req.GetApplicationId()); err != nil {
				return err
			}
			claimed, err = task.ClaimOne(tx, claimed.ID, who.ID, reviewLease)
		}
		if err != nil {
			return err
		}
		return f.act(tx, who, "review.claim", "application", claimed.SubjectID, "", nil)
	})
	if err != nil {
		return nil, err
	}
	return f.review(ctx, who, claimed.SubjectID)
}

func (s *Service) reviewTask(ctx context.Context, q store.DBTX, applicationID int64) (task.Task, error) {
	t, err := task.Find(ctx, q, queueReview, applicationID, 0)
	if errs.CodeOf(err) == errs.NotFound {
		return t, errNoReview
	}
	return t, err
}

// GetReview answers what a reviewer needs.
func (f staff) GetReview(ctx context.Context, req *loanv1.GetReviewRequest) (*loanv1.Review, error) {
	who, err := member(ctx)
	if err != nil {
		return nil, err
	}
	return f.review(ctx, who, req.GetApplicationId())
}

// DecideReview decides what was given to a person. Only who holds the claim may; a repeated request is answered as before.
func (f staff) DecideReview(ctx context.Context, req *loanv1.DecideReviewRequest) (*loanv1.ApplicationFile, error) {
	who, err := member(ctx)
	if err != nil {
		return nil, err
	}
	if err := checkReview(req); err != nil {
		return nil, err
	}
	key, err := keyOf(id.Bucket(req.GetApplicationId()), scopeReview, who.ID, req)
	if err != nil {
		return nil, err
	}
	row, err := f.application(ctx, f.deps.DB.Primary(), req.GetApplicationId())
	if err != nil {
		return nil, err
	}
	v, err := f.versionOf(ctx, row.Product, int32(row.ProductVersion))
	if err != nil {
		return nil, err
	}
	on, err := f.businessDate(ctx, f.deps.DB.Primary())
	if err != nil {
		return nil, err
	}
	note, err := f.deps.Vault.Seal(ctx, row.UserID, classApplication, fieldNote, secret.New(req.GetNote()))
	if err != nil {
		return nil, errs.Wrap(err, "sealing the note")
	}
	_, err = f.once(ctx, key, func(tx *store.Tx) (int64, error) {
		now, err := f.application(ctx, tx, row.ID)
		if err != nil {
			return 0, err
		}
		now.NoteSealed = note
		return row.ID, f.decideReview(ctx, tx, who, &now, v, req, on)
	})
	if err != nil {
		return nil, err
	}
	return f.file(ctx, row.ID, true)
}

func checkReview(req *loanv1.DecideReviewRequest) error {
	approve := req.GetOutcome() == outcomeApprove
	switch {
	case approve && req.GetAmountMinor() <= 0:
		return errs.New(errs.Invalid, "review.amount_missing", "批准时请填写金额。", "An approval needs an amount.").On("amountMinor")
	case approve && req.GetReason() != "":
		return errs.New(errs.Invalid, "review.reason_not_for_approval", "批准时不填拒绝原因。", "An approval carries no reason of refusal.").On("reason")
	case !approve && req.GetReason() == "":
		return errs.New(errs.Invalid, "review.reason_missing", "拒绝时请选择原因。", "A refusal needs a reason.").On("reason")
	case !approve && req.GetAmountMinor() != 0:
		return errs.New(errs.Invalid, "review.amount_not_for_refusal", "拒绝时不填金额。", "A refusal carries no amount.").On("amountMinor")
	}
	return nil
}

// decideReview commits a reviewer's decision: task done, state moved, limit and audit in one commit.
func (s *Service) decideReview(ctx context.Context, tx *store.Tx, who rpc.Principal, row *rows.Application, v *version, req *loanv1.DecideReviewRequest, on calendar.Date) error {
	if row.State != string(domain.ManualReview) {
		return illegal(domain.ApplicationState(row.State), nil)
	}
	t, err := s.reviewTask(ctx, tx, row.ID)
	if err != nil {
		return err
	}
	if err := task.Done(tx, t.ID, who.ID, s.deps.Clock.Now()); err != nil {
		return err
	}
	details := map[string]string{"outcome": req.GetOutcome(), "amount_minor": strconv.FormatInt(req.GetAmountMinor(), 10)}
	if err := s.act(tx, who, "review.decide", "application", row.ID, req.GetReason(), details); err != nil {
		return err
	}
	reasons, err := reasonsOf(row.Reasons)
	if err != nil {
		return err
	}
	if req.GetOutcome() == outcomeReject {
		// What made risk ask for a person is no reason of the refusal: only the reviewer's is shown.
		for i := range reasons {
			reasons[i].Internal = true
		}
		return s.reject(ctx, tx, row, v, on, append(reasons, reviewReasons[req.GetReason()]), req.GetReason(), who.ID)
	}
	amount := req.GetAmountMinor()
	if err := refusedByReview(row, v, amount); err != nil {
		return err
	}
	if err := s.approve(ctx, tx, row, v, on, reasons, amount, who.ID); err != nil {
		return err
	}
	if row.ApprovedMinor != amount {
		return errLimitShort // a reviewer is told instead of given less
	}
	return nil
}

func refusedByReview(row *rows.Application, v *version, amount int64) error {
	switch {
	case amount > row.AmountMinor:
		return errs.New(errs.Invalid, "review.above_asked", "批准金额不能超过申请金额。", "More than was asked for cannot be approved.").On("amountMinor")
	case amount > row.LimitMinor:
		return errs.New(errs.Invalid, "review.above_limit", "批准金额不能超过风控给出的额度。", "More than the limit that risk allows cannot be approved.").On("amountMinor")
	}
	return refusedByProduct(&v.product, wish{AmountMinor: amount, TermMonths: int32(row.TermMonths), Method: row.Method})
}

// ReturnReview puts a claimed review back into the queue.
func (f staff) ReturnReview(ctx context.Context, req *loanv1.ReturnReviewRequest) (*loanv1.ReturnReviewResponse, error) {
	who, err := member(ctx)
	if err != nil {
		return nil, err
	}
	out := &loanv1.ReturnReviewResponse{}
	err = f.write(ctx, func(tx *store.Tx) error {
		row, err := f.application(ctx, tx, req.GetApplicationId())
		if err != nil {
			return err
		}
		t, err := f.reviewTask(ctx, tx, row.ID)
		if err != nil {
			return err
		}
		if err := task.Skip(tx, t.ID, who.ID, req.GetReason()); err != nil {
			return err
		}
		if t, err = f.reviewTask(ctx, tx, row.ID); err != nil {
			return err
		}
		out.Item = toReviewItem(t, row)
		return f.act(tx, who, "review.return", "application", row.ID, req.GetReason(), nil)
	})
	return out, err
}
