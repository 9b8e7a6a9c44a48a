package collection

import (
	"context"
	"encoding/base64"
	"fmt"

	collectionv1 "github.com/hengdai/hengdai/api/collection/v1"
	loanv1 "github.com/hengdai/hengdai/api/loan/v1"
	userv1 "github.com/hengdai/hengdai/api/user/v1"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/id"
	"github.com/hengdai/hengdai/kit/rpc"
	"github.com/hengdai/hengdai/kit/secret"
	"github.com/hengdai/hengdai/service/collection/rows"
)

const usualPage = 50

var errPageToken = errs.New(errs.Invalid, "page_token.invalid", "分页标记无效。", "The page token is not valid.").On("pageToken")

// ListCases answers cases from the replica, the oldest debt first.
func (f staff) ListCases(ctx context.Context, req *collectionv1.ListCasesRequest) (*collectionv1.ListCasesResponse, error) {
	size := req.GetPageSize()
	if size <= 0 {
		size = usualPage
	}
	where := filter{state: req.GetState(), bucket: req.GetBucket(), userID: req.GetUserId(), limit: size + 1}
	if req.GetMine() {
		where.assignedTo = rpc.From(ctx).ID
	}
	if token := req.GetPageToken(); token != "" {
		text, err := base64.RawURLEncoding.DecodeString(token)
		if err != nil {
			return nil, errPageToken.Because(err)
		}
		if _, err := fmt.Sscanf(string(text), "%10s %d", &where.afterDue, &where.afterID); err != nil {
			return nil, errPageToken.Because(err)
		}
	}
	list, err := cases(ctx, f.deps.DB.Read(), where)
	if err != nil {
		return nil, errs.Wrap(err, "list cases")
	}
	out := &collectionv1.ListCasesResponse{}
	if len(list) > int(size) {
		list = list[:size]
		last := list[size-1]
		out.NextPageToken = base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "%s %d", last.DueOn, last.ID))
	}
	for _, row := range list {
		out.Cases = append(out.Cases, f.caseOf(row))
	}
	return out, nil
}

// GetCase answers a case with what loan says is owed now and everything that was done. Not_found if there is none.
func (f staff) GetCase(ctx context.Context, req *collectionv1.GetCaseRequest) (*collectionv1.CaseFile, error) {
	row, err := caseByID(ctx, f.deps.DB.Primary(), req.GetCaseId())
	if err != nil {
		return nil, err
	}
	position, err := f.deps.Loan.GetPosition(ctx, &loanv1.GetPositionRequest{LoanId: row.LoanID})
	if err != nil {
		return nil, errs.Wrap(err, "ask what the loan owes")
	}
	person, err := f.deps.User.Reveal(ctx, &userv1.RevealRequest{UserId: row.UserID, Fields: []string{"name"}, Purpose: "collection", SubjectId: row.ID})
	if err != nil && errs.CodeOf(err) != errs.NotFound { // who was erased has no name; his case is still to be read
		return nil, errs.Wrap(err, "ask for the name")
	}
	done, err := rows.New(f.deps.DB.Primary()).ActsOfCase(ctx, rows.ActsOfCaseParams{Bucket: id.Bucket(row.ID), CaseID: row.ID})
	if err != nil {
		return nil, errs.Wrap(err, "read the acts")
	}
	out := &collectionv1.CaseFile{
		Case: f.caseOf(row), OverdueMinor: position.GetOverdueMinor(), PayoffMinor: position.GetPayoffMinor(),
		OutstandingPrincipalMinor: position.GetOutstandingPrincipalMinor(), Locked: position.GetLocked(),
		NameMasked: secret.MaskName(secret.New(person.GetName())),
	}
	for _, a := range done {
		one, err := f.actOf(ctx, row, a)
		if err != nil {
			return nil, err
		}
		out.Acts = append(out.Acts, one)
	}
	return out, nil
}
