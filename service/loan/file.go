package loan

import (
	"context"

	"google.golang.org/protobuf/proto"

	loanv1 "github.com/hengdai/hengdai/api/loan/v1"
	riskv1 "github.com/hengdai/hengdai/api/risk/v1"
	userv1 "github.com/hengdai/hengdai/api/user/v1"
	domain "github.com/hengdai/hengdai/domain/loan"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/id"
	"github.com/hengdai/hengdai/kit/rpc"
	"github.com/hengdai/hengdai/kit/secret"
	"github.com/hengdai/hengdai/service/loan/rows"
)

// ListApplications answers applications by filter, newest first, from the read source.
func (f staff) ListApplications(ctx context.Context, req *loanv1.StaffListApplicationsRequest) (*loanv1.StaffListApplicationsResponse, error) {
	at, err := readCursor(req.GetPageToken())
	if err != nil {
		return nil, err
	}
	size := pageSize(req.GetPageSize(), 50)
	list, err := f.selectApplications(ctx, req, at, size+1)
	if err != nil {
		return nil, errs.Wrap(err, "listing applications")
	}
	list, token := page(list, size, func(r rows.Application) cursor { return cursor{MS: r.CreatedMs, ID: r.ID} })
	out := &loanv1.StaffListApplicationsResponse{NextPageToken: token}
	for _, r := range list {
		file, err := toFile(r)
		if err != nil {
			return nil, err
		}
		out.Applications = append(out.Applications, file)
	}
	return out, nil
}

// selectApplications takes the index that narrows most: the person, then the state, then time.
func (s *Service) selectApplications(ctx context.Context, req *loanv1.StaffListApplicationsRequest, at cursor, limit int32) ([]rows.Application, error) {
	q := rows.New(s.deps.DB.Read())
	to := req.GetTo()
	if to == "" {
		to = "9999-12-31"
	}
	switch {
	case req.GetUserId() != 0:
		return q.ApplicationsOfUser(ctx, rows.ApplicationsOfUserParams{Bucket: id.Bucket(req.GetUserId()), UserID: req.GetUserId(),
			BeforeMs: at.MS, BeforeID: at.ID, OnlyState: req.GetState(), OnlyProduct: req.GetProduct(), FromOn: req.GetFrom(), ToOn: to, Limit: limit})
	case req.GetState() != "":
		return q.ApplicationsInState(ctx, rows.ApplicationsInStateParams{State: req.GetState(), BeforeMs: at.MS, BeforeID: at.ID,
			OnlyProduct: req.GetProduct(), FromOn: req.GetFrom(), ToOn: to, Limit: limit})
	}
	return q.Applications(ctx, rows.ApplicationsParams{BeforeMs: at.MS, BeforeID: at.ID, OnlyProduct: req.GetProduct(),
		FromOn: req.GetFrom(), ToOn: to, Limit: limit})
}

// GetApplication answers an application with decision, reasons, note and history.
func (f staff) GetApplication(ctx context.Context, req *loanv1.StaffGetApplicationRequest) (*loanv1.ApplicationFile, error) {
	return f.file(ctx, req.GetApplicationId(), true)
}

// file is an application as staff sees it. The reviewer's note is opened only when wanted.
func (s *Service) file(ctx context.Context, applicationID int64, note bool) (*loanv1.ApplicationFile, error) {
	row, err := s.application(ctx, s.deps.DB.Primary(), applicationID)
	if err != nil {
		return nil, err
	}
	out, err := toFile(row)
	if err != nil {
		return nil, err
	}
	steps, err := rows.New(s.deps.DB.Primary()).ApplicationSteps(ctx, rows.ApplicationStepsParams{Bucket: row.Bucket, ApplicationID: row.ID})
	if err != nil {
		return nil, errs.Wrap(err, "reading the history of an application")
	}
	out.History = toSteps(steps)
	if note && len(row.NoteSealed) > 0 {
		text, err := s.deps.Vault.Open(ctx, row.UserID, classApplication, "review", fieldNote, row.NoteSealed)
		switch {
		case errs.CodeOf(err) == errs.NotFound: // erased with the person
		case err != nil:
			return nil, errs.Wrap(err, "opening the note")
		default:
			out.ReviewNote = text.Reveal()
		}
	}
	return out, nil
}

func toFile(r rows.Application) (*loanv1.ApplicationFile, error) {
	view, err := toApplication(r)
	if err != nil {
		return nil, err
	}
	reasons, err := reasonsOf(r.Reasons)
	if err != nil {
		return nil, err
	}
	view.Grade, view.RatePpm = r.Grade, int32(r.RatePpm)
	out := &loanv1.ApplicationFile{
		Application: view, UserId: r.UserID, DecisionId: r.DecisionID, Outcome: r.Outcome, Policy: r.Policy, Score: int32(r.Score),
		LimitMinor: r.LimitMinor, RatePpm: int32(r.RatePpm), DecidedBy: r.DecidedBy, AgeYears: int32(r.AgeYears), AppliedOn: r.AppliedOn,
		Version: r.Version,
	}
	for _, x := range reasons {
		out.Reasons = append(out.Reasons, &loanv1.DecisionReason{Code: x.Code, SentenceZh: x.ZH, SentenceEn: x.EN, Internal: x.Internal})
	}
	return out, nil
}

// review is what a reviewer needs on one screen. What the applicant said of himself is shown only to who holds the claim.
func (s *Service) review(ctx context.Context, who rpc.Principal, applicationID int64) (*loanv1.Review, error) {
	row, err := s.application(ctx, s.deps.DB.Primary(), applicationID)
	if err != nil {
		return nil, err
	}
	t, err := s.reviewTask(ctx, s.deps.DB.Primary(), applicationID)
	if err != nil {
		return nil, err
	}
	out := &loanv1.Review{Item: toReviewItem(t, row)}
	if out.File, err = s.file(ctx, applicationID, true); err != nil {
		return nil, err
	}
	if out.Customer, err = s.masked(ctx, row); err != nil {
		return nil, err
	}
	if out.GetItem().GetClaimedBy() == who.ID {
		if out.Stated, err = s.stated(ctx, row); err != nil {
			return nil, err
		}
	}
	limit, err := s.limitOf(ctx, s.deps.DB.Primary(), row.UserID)
	if err != nil {
		return nil, err
	}
	out.Limit = toLimit(limit)
	if out.Others, err = s.others(ctx, row); err != nil {
		return nil, err
	}
	if row.State == string(domain.ManualReview) && row.RatePpm > 0 {
		out.Quote, err = s.quoteOf(ctx, row, row.AmountMinor)
	}
	return out, err
}

// masked asks user for the person and masks him at once. Every such look is kept by user.
func (s *Service) masked(ctx context.Context, row rows.Application) (*loanv1.MaskedCustomer, error) {
	standing, err := s.deps.User.GetStanding(ctx, &userv1.GetStandingRequest{UserId: row.UserID, On: row.AppliedOn})
	if err != nil {
		return nil, errs.Wrap(err, "asking user for a standing")
	}
	v, err := s.deps.User.Reveal(ctx, &userv1.RevealRequest{UserId: row.UserID, Fields: []string{"name", "mobile", "id_no"}, Purpose: "support", SubjectId: row.ID})
	if err != nil {
		return nil, errs.Wrap(err, "asking user for the customer's values")
	}
	return &loanv1.MaskedCustomer{
		UserId: row.UserID, NameMasked: secret.MaskName(secret.New(v.GetName())), MobileMasked: secret.MaskMobile(secret.New(v.GetMobile())),
		IdNoMasked: secret.MaskID(secret.New(v.GetIdNo())), AgeYears: standing.GetAgeYears(), State: standing.GetState(), Consents: standing.GetConsents(),
	}, nil
}

// stated opens what the applicant said of himself.
func (s *Service) stated(ctx context.Context, row rows.Application) (*loanv1.StatedFacts, error) {
	raw, err := s.deps.Vault.OpenBytes(ctx, row.UserID, classApplication, "review", fieldStated, row.StatedSealed)
	if err != nil {
		return nil, errs.Wrap(err, "opening the stated facts")
	}
	in := &riskv1.Stated{}
	if err := proto.Unmarshal(raw, in); err != nil {
		return nil, errs.Wrap(err, "reading the stated facts")
	}
	return toStated(in), nil
}

// others are the customer's other applications.
func (s *Service) others(ctx context.Context, row rows.Application) ([]*loanv1.Application, error) {
	list, err := rows.New(s.deps.DB.Primary()).ApplicationsOfUser(ctx, rows.ApplicationsOfUserParams{Bucket: row.Bucket, UserID: row.UserID,
		BeforeMs: newest.MS, BeforeID: newest.ID, ToOn: "9999-12-31", Limit: 21})
	if err != nil {
		return nil, errs.Wrap(err, "listing other applications")
	}
	var out []*loanv1.Application
	for _, r := range list {
		if r.ID == row.ID {
			continue
		}
		a, err := toApplication(r)
		if err != nil {
			return nil, err
		}
		out = append(out, a)
	}
	return out, nil
}
