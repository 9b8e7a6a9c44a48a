package demo

import (
	"context"
	"fmt"
	"time"

	"github.com/hengdai/hengdai/api/report/v1/reportv1connect"

	reportv1 "github.com/hengdai/hengdai/api/report/v1"
)

// writeBalance prints the trial balance that the report service keeps from the logs, once it has read them to the end.
func (r *Run) writeBalance(ctx context.Context, w *writer) error {
	desk := reportv1connect.NewStaffClient(r.finance.phone.http, r.Base)
	watch := reportv1connect.NewStaffClient(r.operator.phone.http, r.Base)
	err := until(ctx, "reports did not catch up with the logs", time.Minute, func() (bool, error) {
		caught := false
		err := r.operator.signedIn(ctx, func() error {
			sources, err := watch.GetSources(ctx, &reportv1.GetSourcesRequest{})
			caught = err == nil
			for _, source := range sources.GetSources() {
				caught = caught && source.GetLag() == 0
			}
			return err
		})
		return caught, err
	})
	if err != nil {
		return err
	}
	var balance *reportv1.TrialBalance
	err = r.finance.signedIn(ctx, func() error {
		balance, err = desk.GetTrialBalance(ctx, &reportv1.GetTrialBalanceRequest{})
		return err
	})
	if err != nil {
		return fmt.Errorf("read the trial balance: %w", err)
	}
	w.head("trial balance of both journals")
	for _, line := range balance.GetLines() {
		w.line("%-8s %-20s %20s %20s", line.GetJournal(), line.GetAccount(), yuan(max(line.GetBalanceMinor(), 0)), yuan(max(-line.GetBalanceMinor(), 0)))
	}
	w.line("%-29s %20s %20s", "sum", yuan(balance.GetDebitMinor()), yuan(balance.GetCreditMinor()))
	w.line("%-29s %20s", "clearing 2290 over both", yuan(balance.GetClearingMinor()))
	if !balance.GetBalanced() {
		return fmt.Errorf("the trial balance does not balance")
	}
	return nil
}
