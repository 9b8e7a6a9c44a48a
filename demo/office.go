package demo

import (
	"context"
	"fmt"

	"github.com/hengdai/hengdai/api/gateway/v1/gatewayv1connect"
	"github.com/hengdai/hengdai/api/loan/v1/loanv1connect"

	gatewayv1 "github.com/hengdai/hengdai/api/gateway/v1"
	loanv1 "github.com/hengdai/hengdai/api/loan/v1"
)

// agedDays: a loan this long overdue has shown all that it can show in a run.
const agedDays = 180

// businessDate asks which date is open.
func (r *Run) businessDate(ctx context.Context) (string, error) {
	var open string
	err := r.operator.signedIn(ctx, func() error {
		answer, err := loanv1connect.NewStaffClient(r.operator.phone.http, r.Base, r.Over...).GetBusinessDate(ctx, &loanv1.GetBusinessDateRequest{})
		open = answer.GetOpenOn()
		return err
	})
	return open, err
}

// travelWithin is how long, in milliseconds, one call may go from day to day. What the last day takes beyond it must end before the
// gateway gives the request up.
const travelWithin = 5_000

// travel moves the sandbox calendar to a date: the operator's act, through the Staff API.
func (r *Run) travel(ctx context.Context, to string) error {
	desk := gatewayv1connect.NewStaffClient(r.operator.phone.http, r.Base, r.Over...)
	for {
		var at *gatewayv1.Travelled
		err := r.operator.signedIn(ctx, func() error {
			var err error
			at, err = desk.Travel(ctx, &gatewayv1.TravelRequest{ToDate: to, WithinMs: travelWithin})
			return err
		})
		if err != nil {
			return err
		}
		if at.GetArrived() {
			return nil
		}
	}
}

// settle lets all work of the present day end.
func (r *Run) settle(ctx context.Context) error {
	if err := r.travel(ctx, r.today); err != nil {
		return fmt.Errorf("let the work of %s end: %w", r.today, err)
	}
	return nil
}

// stillOpen counts the loans that have neither ended nor aged, and takes down how each stands.
func (r *Run) stillOpen(ctx context.Context) (int, error) {
	standing := map[int64]*loanv1.Loan{}
	loans := loanv1connect.NewStaffClient(r.operator.phone.http, r.Base)
	for token := ""; ; {
		var page *loanv1.StaffListLoansResponse
		err := r.operator.signedIn(ctx, func() error {
			var err error
			page, err = loans.ListLoans(ctx, &loanv1.StaffListLoansRequest{PageSize: 200, PageToken: token})
			return err
		})
		if err != nil {
			return 0, fmt.Errorf("list the loans: %w", err)
		}
		for _, line := range page.GetLoans() {
			standing[line.GetLoan().GetLoanId()] = line.GetLoan()
		}
		if token = page.GetNextPageToken(); token == "" {
			break
		}
	}
	open := 0
	for _, a := range r.applicants {
		loan := standing[a.loanID]
		if loan == nil {
			continue
		}
		a.loan = loan
		if loan.GetState() == "REPAYING" && loan.GetDpd() <= agedDays {
			open++
		}
	}
	return open, nil
}
