package notify_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	notifyv1 "github.com/hengdai/hengdai/api/notify/v1"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/id"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/kit/store/storetest"
	"github.com/hengdai/hengdai/service/notify"
)

func schema() store.Schema { return notify.Schema() }

const debtor = 1003

func (r *rig) call(contact int64) *notifyv1.CheckContactResponse {
	r.t.Helper()
	res, err := r.collection().CheckContact(ctx, &notifyv1.CheckContactRequest{UserId: debtor, ContactId: contact, Medium: "call"})
	if err != nil {
		r.t.Fatal(err)
	}
	return res
}

func (r *rig) contact() int64 { return r.ids.New(id.Bucket(debtor)) }

func TestManyCallersAtOnceGetThreeCallsADay(t *testing.T) {
	storetest.EachConfig(t, []store.Schema{schema()}, func(t *testing.T, cfg store.Config) {
		r := startOn(t, cfg)
		var granted atomic.Int64
		var wg sync.WaitGroup
		for range 64 {
			wg.Go(func() {
				res, err := r.collection().CheckContact(ctx, &notifyv1.CheckContactRequest{UserId: debtor, ContactId: r.contact(), Medium: "call"})
				switch {
				case err != nil && errs.CodeOf(err) != errs.Conflict:
					t.Error(err)
				case err == nil && res.GetAllowed():
					granted.Add(1)
				}
			})
		}
		wg.Wait()
		if n := granted.Load(); n != 3 {
			t.Errorf("%d calls were granted", n)
		}
	})
}

func TestAGrantIsAnsweredAgainAndAnOutcomeHolds(t *testing.T) { onBoth(t, aGrantIsAnsweredAgain) }

func aGrantIsAnsweredAgain(t *testing.T, r *rig) {
	c := r.contact()
	want(t, r.call(c).GetAllowed(), true)
	want(t, r.call(c).GetAllowed(), true)
	for _, outcome := range []string{"UNANSWERED", "EFFECTIVE"} {
		if _, err := r.collection().RecordContact(ctx, &notifyv1.RecordContactRequest{UserId: debtor, ContactId: c, Outcome: outcome}); err != nil {
			t.Fatal(err)
		}
	}
	contacts, err := r.staff("collector").ListContacts(ctx, &notifyv1.ListContactsRequest{UserId: debtor})
	if err != nil {
		t.Fatal(err)
	}
	want(t, contacts.GetContacts()[0].GetOutcome(), "UNANSWERED")
	_, err = r.collection().RecordContact(ctx, &notifyv1.RecordContactRequest{UserId: debtor, ContactId: r.contact(), Outcome: "EFFECTIVE"})
	want(t, errs.CodeOf(err), errs.NotFound)
	_, err = r.collection().CheckContact(ctx, &notifyv1.CheckContactRequest{UserId: debtor, ContactId: r.ids.New(7), Medium: "call"})
	want(t, errs.ReasonOf(err), "notify.wrong_bucket")
}

func TestUnansweredCallsCountOnTheNumberAndAnsweredOnesOnTheDay(t *testing.T) {
	r := start(t)
	for range 6 {
		c := r.contact()
		want(t, r.call(c).GetAllowed(), true)
		if _, err := r.collection().RecordContact(ctx, &notifyv1.RecordContactRequest{UserId: debtor, ContactId: c, Outcome: "UNANSWERED"}); err != nil {
			t.Fatal(err)
		}
	}
	refused := r.call(r.contact())
	want(t, refused.GetReason(), "tries_on_number")
	morning := time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC) // 08:00 in Shanghai
	want(t, refused.GetNotBeforeMs(), morning.UnixMilli())
	r.clk.Set(morning.Add(-time.Millisecond))
	want(t, r.call(r.contact()).GetReason(), "outside_hours")
	r.clk.Set(morning)
	want(t, r.call(r.contact()).GetAllowed(), true)
	if _, err := r.collection().StopContact(ctx, &notifyv1.StopContactRequest{UserId: debtor, StopId: r.contact(), Reason: "complaint"}); err != nil {
		t.Fatal(err)
	}
	want(t, r.call(r.contact()).GetReason(), "stopped")
}
