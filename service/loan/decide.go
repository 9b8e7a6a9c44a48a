package loan

import (
	"context"
	"encoding/json"
	"fmt"

	"google.golang.org/protobuf/proto"

	riskv1 "github.com/hengdai/hengdai/api/risk/v1"
	"github.com/hengdai/hengdai/domain/calendar"
	domain "github.com/hengdai/hengdai/domain/loan"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/job"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/kit/task"
	"github.com/hengdai/hengdai/service/loan/rows"
)

// queueReview is the queue of manual reviews.
const queueReview = "manual_review"

// What risk answers.
const (
	outcomeApprove = "approve"
	outcomeReject  = "reject"
	outcomeManual  = "manual"
)

// Reasons that loan itself adds to a decision.
var (
	reasonGrade = reason{Code: "product.grade_not_served", ZH: "该产品暂不适合您的信用状况。", EN: "This product is not offered for your credit standing."}
	reasonLimit = reason{Code: "limit.below_minimum", ZH: "可批准的额度低于产品最低金额。", EN: "The limit that can be granted is below the least amount of the product."}
)

// decide is the effect behind Apply: it asks risk and commits what follows. Every input is kept with the application, so that
// a repeated question is the same one. It may run any number of times.
func (s *Service) decide(ctx context.Context, e job.Effect) error {
	row, err := s.application(ctx, s.deps.DB.Primary(), e.ID)
	if err != nil {
		return err
	}
	if row.State != string(domain.Deciding) {
		return nil // decided before, or cancelled meanwhile
	}
	req, err := s.question(ctx, row)
	if errs.CodeOf(err) == errs.NotFound {
		return s.abandon(ctx, row.ID) // the person was erased: there is nothing left to decide
	}
	if err != nil {
		return err
	}
	answer, err := s.deps.Risk.Decide(ctx, req)
	switch errs.CodeOf(err) {
	case 0:
	case errs.Invalid, errs.Precondition, errs.Conflict, errs.NotFound:
		// Risk will never decide this one: a person sees it instead of an application that waits for ever.
		s.deps.Logger.ErrorContext(ctx, "risk cannot decide an application", "application_id", row.ID, "error", err)
		answer = &riskv1.Decision{Outcome: outcomeManual, Reasons: []*riskv1.Reason{unableReason()}}
	default:
		return errs.Wrap(err, "asking risk")
	}
	v, err := s.versionOf(ctx, row.Product, int32(row.ProductVersion))
	if err != nil {
		return err
	}
	on, err := s.businessDate(ctx, s.deps.DB.Primary())
	if err != nil {
		return err
	}
	return s.write(ctx, func(tx *store.Tx) error {
		row, err := s.application(ctx, tx, e.ID)
		if err != nil {
			return err
		}
		if row.State != string(domain.Deciding) {
			return nil
		}
		return s.settle(ctx, tx, &row, v, answer, on)
	})
}

func unableReason() *riskv1.Reason {
	return &riskv1.Reason{Code: "risk.unable", SentenceZh: "风控无法给出结论，需人工核实。", SentenceEn: "Risk could not decide; a person has to look at it.", Internal: true}
}

// question is what risk is asked: states, tokens and what the applicant says of himself.
func (s *Service) question(ctx context.Context, row rows.Application) (*riskv1.DecideRequest, error) {
	raw, err := s.deps.Vault.OpenBytes(ctx, row.UserID, classApplication, "decision", fieldStated, row.StatedSealed)
	if err != nil {
		return nil, errs.Wrap(err, "opening the stated facts")
	}
	stated := &riskv1.Stated{}
	if err := proto.Unmarshal(raw, stated); err != nil {
		return nil, fmt.Errorf("reading the stated facts: %w", err)
	}
	return &riskv1.DecideRequest{
		ApplicationId: row.ID, UserId: row.UserID, Product: row.Product, AmountMinor: row.AmountMinor, TermMonths: int32(row.TermMonths),
		Purpose: row.Purpose, AppliedOn: row.AppliedOn, AppliedMs: row.CreatedMs, Stated: stated, AgeYears: int32(row.AgeYears),
		DeviceToken: row.DeviceToken, IpToken: row.IpToken, MobileToken: row.MobileToken, CardToken: row.CardToken,
		AddressToken: row.AddressToken, OutstandingMinor: row.OutstandingMinor,
		Device: &riskv1.DeviceSigns{Emulator: row.Emulator != 0, Rooted: row.Rooted != 0, Proxy: row.Proxy != 0},
	}, nil
}

// abandon ends an application whose applicant is gone.
func (s *Service) abandon(ctx context.Context, applicationID int64) error {
	return s.write(ctx, func(tx *store.Tx) error {
		row, err := s.application(ctx, tx, applicationID)
		if err != nil || closed(domain.ApplicationState(row.State)) {
			return err
		}
		return s.end(ctx, tx, &row, domain.Cancel, "applicant.gone", 0)
	})
}

// settle commits a decision: limit, amount frozen, state and events stand in one commit.
func (s *Service) settle(ctx context.Context, tx *store.Tx, row *rows.Application, v *version, answer *riskv1.Decision, on calendar.Date) error {
	row.DecisionID, row.Outcome, row.Grade, row.Score, row.Policy = answer.GetDecisionId(), answer.GetOutcome(), answer.GetGrade(), int64(answer.GetScore()), answer.GetPolicy()
	reasons := fromReasons(answer.GetReasons())
	switch answer.GetOutcome() {
	case outcomeReject:
		return s.reject(ctx, tx, row, v, on, reasons, firstCode(reasons, "risk.rejected"), 0)
	case outcomeApprove, outcomeManual:
	default:
		return errs.New(errs.Internal, "risk.unknown_outcome", "风控结果无法识别。", "The outcome of the decision is not known.")
	}
	price, served := v.price(answer.GetGrade())
	if !served && answer.GetOutcome() == outcomeManual && answer.GetGrade() == "" {
		return s.refer(ctx, tx, row, reasons) // without a grade there is no price: a reviewer can only refuse
	}
	if !served {
		return s.reject(ctx, tx, row, v, on, append(reasons, reasonGrade), reasonGrade.Code, 0)
	}
	row.RatePpm = int64(priceOf(price, answer.GetRatePpm()))
	row.LimitMinor = min(answer.GetLimitMinor(), price.MaxLimitMinor, legalLine(&v.product, on))
	if answer.GetOutcome() == outcomeManual {
		return s.refer(ctx, tx, row, reasons)
	}
	return s.approve(ctx, tx, row, v, on, reasons, row.AmountMinor, 0)
}

// priceOf is the contract rate: the product's rate of the grade, or a lower one that risk sets. Risk can never set a rate
// that the product's check did not pass.
func priceOf(g grade, byRisk int32) int32 {
	if byRisk > 0 {
		return min(g.RatePPM, byRisk)
	}
	return g.RatePPM
}

func firstCode(reasons []reason, otherwise string) string {
	for _, r := range reasons {
		if !r.Internal {
			return r.Code
		}
	}
	return otherwise
}

// reject ends an application with reasons and the day when a new one may be worth while.
func (s *Service) reject(ctx context.Context, tx *store.Tx, row *rows.Application, v *version, on calendar.Date, reasons []reason, code string, by int64) error {
	raw, err := json.Marshal(reasons)
	if err != nil {
		return fmt.Errorf("writing reasons: %w", err)
	}
	row.Reasons, row.DecidedBy = raw, by
	row.RetryOn = (on + calendar.Date(v.RetryDays)).String()
	return s.end(ctx, tx, row, domain.Reject, code, by)
}

// refer gives an application to a person.
func (s *Service) refer(ctx context.Context, tx *store.Tx, row *rows.Application, reasons []reason) error {
	raw, err := json.Marshal(reasons)
	if err != nil {
		return fmt.Errorf("writing reasons: %w", err)
	}
	row.Reasons = raw
	now := s.deps.Clock.Now()
	if _, err := task.Open(tx, task.Task{Queue: queueReview, SubjectID: row.ID, Due: now.Add(s.deps.ReviewWithin), Created: now}); err != nil {
		return err
	}
	return s.move(ctx, tx, row, domain.Refer, firstCode(reasons, "risk.manual"), 0)
}

// approve grants the limit and freezes the amount, at most what is free of it: a lower amount than asked is approved if the
// product lends it, else the application is refused.
func (s *Service) approve(ctx context.Context, tx *store.Tx, row *rows.Application, v *version, on calendar.Date, reasons []reason, amount, by int64) error {
	before, err := s.limitOf(ctx, tx, row.UserID)
	if err != nil {
		return err
	}
	after, err := creditOf(before).grant(row.LimitMinor)
	if err != nil {
		return err
	}
	granted := min(amount, after.available())
	granted -= granted % v.AmountStepMinor
	if granted < v.MinAmountMinor {
		return s.reject(ctx, tx, row, v, on, append(reasons, reasonLimit), reasonLimit.Code, by)
	}
	price := heldPrice{Grade: row.Grade, RatePPM: row.RatePpm, DecisionID: row.DecisionID}
	if err := s.limitGrant(ctx, tx, row.Bucket, row.UserID, row.LimitMinor, row.ID, price); err != nil {
		return err
	}
	if err := s.limitFreeze(ctx, tx, row.Bucket, row.UserID, granted, row.ID); err != nil {
		return err
	}
	raw, err := json.Marshal(reasons)
	if err != nil {
		return fmt.Errorf("writing reasons: %w", err)
	}
	row.Reasons, row.DecidedBy, row.ApprovedMinor = raw, by, granted
	row.ExpiresOn = (on + calendar.Date(v.ApprovalValidDays)).String()
	code := ""
	if granted < row.AmountMinor {
		code = "approved.lower_amount"
	}
	return s.move(ctx, tx, row, domain.Approve, code, by)
}
