package loan

import (
	"context"
	"testing"

	loanv1 "github.com/hengdai/hengdai/api/loan/v1"
	paymentv1 "github.com/hengdai/hengdai/api/payment/v1"
	"github.com/hengdai/hengdai/kit/errs"
	eventlog "github.com/hengdai/hengdai/kit/log"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/kit/store/storetest"
)

func TestAnEventThatCannotBeTakenInIsListedAndTriedAgainByAPerson(t *testing.T) {
	w := newTown(t, storetest.Open(t, inMemory, Schema()))
	user, order := w.ids.New(5), w.ids.New(5)
	on := dayOne.Format("2006-01-02")
	err := w.pay.db.Write(t.Context(), func(tx *store.Tx) error { // an order that loan never made
		return w.pay.log.Append(tx, eventlog.Event{UserID: user, Bucket: 5, PostingOn: on, ValueOn: on, Body: &paymentv1.OrderSettled{
			OrderId: order, Kind: "debit", LoanId: 1, AmountMinor: 100, Outcome: "REJECTED", PostingOn: on, ValueOn: on,
		}})
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []func(context.Context) (bool, error){w.pay.log.Step, w.svc.payments.Step} {
		for more := true; more; {
			if more, err = step(t.Context()); err != nil {
				more = true // a poison event is tried some times before it is parked
			}
		}
	}
	desk := w.staff("operator")
	parked, err := desk.ListParked(t.Context(), &loanv1.ListParkedRequest{})
	if err != nil || len(parked.GetEvents()) != 1 || parked.GetEvents()[0].GetUserId() != user {
		t.Fatalf("parked: %v, %v", parked, err)
	}
	retried, err := desk.RetryParked(t.Context(), &loanv1.RetryParkedRequest{UserId: user})
	if err != nil || retried.GetTaken() != 0 || retried.GetLeft() != 1 {
		t.Errorf("tried again: %v, %v", retried, err)
	}
	if _, err := w.staff("reviewer").RetryParked(t.Context(), &loanv1.RetryParkedRequest{UserId: user}); errs.CodeOf(err) != errs.Denied {
		t.Errorf("a reviewer may not: %v", err)
	}
}
