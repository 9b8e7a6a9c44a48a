package report

import (
	"context"

	reportv1 "github.com/hengdai/hengdai/api/report/v1"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/service/report/rows"
)

// ListApplications answers applications, newest first.
func (f staff) ListApplications(ctx context.Context, req *reportv1.ListApplicationsRequest) (*reportv1.ListApplicationsResponse, error) {
	after, err := readCursor(req.GetPageToken(), newest)
	if err != nil {
		return nil, err
	}
	w := &where{}
	w.equal("a.state", req.GetState())
	w.is("a.user_id", req.GetUserId())
	w.and("a.created_ms <= ? AND (a.created_ms < ? OR a.application_id < ?)", after.MS, after.MS, after.ID)
	size := pageSize(req.GetPageSize())
	list, err := query(ctx, f.deps.DB.Read(), applicationSelect, w, "a.created_ms DESC, a.application_id DESC", size+1, scanApplication)
	if err != nil {
		return nil, errs.Wrap(err, "list applications")
	}
	out := &reportv1.ListApplicationsResponse{}
	list, out.NextPageToken = page(list, size, func(a applicationLine) cursor { return cursor{MS: a.CreatedMs, ID: a.ApplicationID} })
	for _, a := range list {
		out.Applications = append(out.Applications, &reportv1.ApplicationLine{
			ApplicationId: a.ApplicationID, UserId: a.UserID, State: a.State, Product: a.Product, AmountMinor: a.AmountMinor, TermMonths: int32(a.TermMonths),
			Purpose: a.Purpose, Outcome: a.outcome.String, Grade: a.grade.String, Score: int32(a.score.Int64), Reason: a.Reason, LoanId: a.LoanID,
			CreatedMs: a.CreatedMs, MovedMs: a.MovedMs,
		})
	}
	return out, nil
}

// ListLoans answers loans, newest first.
func (f staff) ListLoans(ctx context.Context, req *reportv1.ListLoansRequest) (*reportv1.ListLoansResponse, error) {
	after, err := readCursor(req.GetPageToken(), newest)
	if err != nil {
		return nil, err
	}
	w := &where{}
	w.equal("state", req.GetState())
	w.equal("dpd_bucket", req.GetBucket())
	w.is("user_id", req.GetUserId())
	w.and("created_ms <= ? AND (created_ms < ? OR loan_id < ?)", after.MS, after.MS, after.ID)
	size := pageSize(req.GetPageSize())
	list, err := query(ctx, f.deps.DB.Read(), loanSelect, w, "created_ms DESC, loan_id DESC", size+1, scanLoan)
	if err != nil {
		return nil, errs.Wrap(err, "list loans")
	}
	out := &reportv1.ListLoansResponse{}
	list, out.NextPageToken = page(list, size, func(l rows.ReportLoan) cursor { return cursor{MS: l.CreatedMs, ID: l.LoanID} })
	for _, l := range list {
		out.Loans = append(out.Loans, &reportv1.LoanLine{
			LoanId: l.LoanID, UserId: l.UserID, State: l.State, Product: l.Product, PrincipalMinor: l.PrincipalMinor,
			OutstandingPrincipalMinor: l.OutstandingMinor, OverdueMinor: l.OverdueMinor, Bucket: l.DpdBucket, Class: l.Class, DisbursedOn: l.DisbursedOn,
			RatePpm: int32(l.RatePpm), Method: l.Method, CreatedMs: l.CreatedMs, MovedMs: l.MovedMs,
		})
	}
	return out, nil
}

// ListOrders answers payment orders, newest first.
func (f staff) ListOrders(ctx context.Context, req *reportv1.ListOrdersRequest) (*reportv1.ListOrdersResponse, error) {
	after, err := readCursor(req.GetPageToken(), newest)
	if err != nil {
		return nil, err
	}
	w := &where{}
	w.equal("outcome", req.GetOutcome())
	w.equal("kind", req.GetKind())
	w.is("loan_id", req.GetLoanId())
	w.and("created_ms <= ? AND (created_ms < ? OR order_id < ?)", after.MS, after.MS, after.ID)
	size := pageSize(req.GetPageSize())
	list, err := query(ctx, f.deps.DB.Read(), orderSelect, w, "created_ms DESC, order_id DESC", size+1, scanOrder)
	if err != nil {
		return nil, errs.Wrap(err, "list orders")
	}
	out := &reportv1.ListOrdersResponse{}
	list, out.NextPageToken = page(list, size, func(o rows.ReportOrder) cursor { return cursor{MS: o.CreatedMs, ID: o.OrderID} })
	for _, o := range list {
		out.Orders = append(out.Orders, &reportv1.OrderLine{
			OrderId: o.OrderID, UserId: o.UserID, LoanId: o.LoanID, Kind: o.Kind, AmountMinor: o.AmountMinor, Outcome: o.Outcome, Reason: o.Reason,
			Channel: o.Channel, PostingOn: o.PostingOn, ValueOn: o.ValueOn, CreatedMs: o.CreatedMs, SettledMs: o.SettledMs,
		})
	}
	return out, nil
}
