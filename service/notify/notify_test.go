package notify_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	collectionv1 "github.com/hengdai/hengdai/api/collection/v1"
	loanv1 "github.com/hengdai/hengdai/api/loan/v1"
	notifyv1 "github.com/hengdai/hengdai/api/notify/v1"
	"github.com/hengdai/hengdai/api/notify/v1/notifyv1connect"
	paymentv1 "github.com/hengdai/hengdai/api/payment/v1"
	userv1 "github.com/hengdai/hengdai/api/user/v1"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/id"
	"github.com/hengdai/hengdai/kit/rpc"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/kit/store/storetest"
	"github.com/hengdai/hengdai/sandbox/party"
)

var ctx = context.Background()

func TestAOneTimeCodeArrivesAndItsValueIsWiped(t *testing.T) {
	storetest.EachConfig(t, []store.Schema{schema()}, func(t *testing.T, cfg store.Config) {
		r := startOn(t, cfg)
		r.happen("user", 0, r.code("482913", "zh", 5*time.Minute), r.code("771204", "en", 5*time.Minute))
		r.run(0)
		r.reports()
		texts := strings.Join(r.sent(), "\n")
		for _, part := range []string{"【衡贷】验证码 482913", "5 分钟", "[Hengdai] 771204 is your sign-in code"} {
			if !strings.Contains(texts, part) {
				t.Errorf("no message says %q", part)
			}
		}
		want(t, r.states(), "DELIVERED DELIVERED")
		want(t, len(r.user.asks), 0)
		var left int64
		if err := r.db.Primary().QueryRowContext(ctx, `SELECT COALESCE(SUM(length(sealed_code) + length(sealed_mobile)), 0) FROM notify_message`).Scan(&left); err != nil {
			t.Fatal(err)
		}
		want(t, left, 0)
	})
}

func TestWhateverTheProviderDoesAMessageGoesOutOnce(t *testing.T) {
	for _, kind := range []party.Kind{party.LostRequest, party.LostResponse, party.ServerError, party.ServerErrorAfter, party.Busy,
		party.UnknownCode, party.BadSignature, party.Garbage} {
		t.Run(string(kind), func(t *testing.T) {
			r := start(t)
			r.fault(kind, "send", 1)
			r.happen("loan", 1003, &loanv1.DebitFailed{LoanId: 9, AmountMinor: 12345})
			r.run(3 * time.Second)
			r.reports()
			want(t, len(r.sent()), 1)
			want(t, r.states(), "DELIVERED")
		})
	}
}

func TestAProviderThatIsDownIsAskedAgainUntilItIsUp(t *testing.T) {
	onBoth(t, aProviderThatIsDownIsAskedAgainUntilItIsUp)
}

func aProviderThatIsDownIsAskedAgainUntilItIsUp(t *testing.T, r *rig) {
	r.restart("http://127.0.0.1:1/sms")
	r.happen("loan", 1003, &loanv1.DebitFailed{LoanId: 9, AmountMinor: 100})
	r.run(300 * time.Millisecond)
	want(t, r.states(), "SENDING")
	// The process ends while the message may or may not have gone out; the next one asks first.
	r.restart(r.boxURL + "/sms")
	r.run(3 * time.Second)
	r.reports()
	want(t, r.states(), "DELIVERED")
	want(t, len(r.sent()), 1)
}

func TestACodeIsNeverSentAfterItsTime(t *testing.T) {
	r := start(t)
	r.restart("http://127.0.0.1:1/sms")
	r.happen("user", 0, r.code("482913", "zh", time.Second))
	r.run(100 * time.Millisecond)
	r.happen("user", 0, r.code("771204", "zh", -time.Second))
	r.run(0)
	time.Sleep(time.Second)
	r.restart(r.boxURL + "/sms")
	r.run(3 * time.Second)
	want(t, r.states(), "EXPIRED EXPIRED")
	want(t, len(r.sent()), 0)
}

func TestACodeArrivesWhereverTheCalendarStands(t *testing.T) {
	r := start(t)
	r.clk.Add(60 * 24 * time.Hour)
	r.happen("user", 0, r.code("482913", "zh", 5*time.Minute))
	r.run(0)
	r.reports()
	want(t, r.states(), "DELIVERED")
	if texts := strings.Join(r.sent(), "\n"); !strings.Contains(texts, "验证码 482913") || !strings.Contains(texts, "5 分钟") {
		t.Errorf("it says %s", strings.ReplaceAll(texts, "482913", "******"))
	}
}

func TestAMessageThatWentOutBeforeItsTimeEndedIsNotCalledExpired(t *testing.T) {
	r := start(t)
	r.fault(party.LostResponse, "send", 1)
	r.fault(party.LostCallback, "callback", 1)
	r.happen("user", 0, r.code("482913", "zh", time.Second))
	for range 3 { // the answer is lost; the retry comes later than the code's end
		for _, s := range r.sources {
			_, _ = s.log.Step(ctx)
		}
		for _, j := range r.service.Jobs() {
			_, _ = j.Step(ctx)
		}
	}
	want(t, r.states(), "SENDING")
	time.Sleep(time.Second)
	r.run(3 * time.Second)
	want(t, r.states(), "DELIVERED")
	want(t, len(r.sent()), 1)
}

func TestReportsAreBelievedOnlyWhenSignedAndChangeNothingTwice(t *testing.T) {
	r := start(t)
	r.fault(party.ForgedCallback, "callback", 1)
	r.fault(party.TwiceCallback, "callback", 1)
	r.happen("loan", 1003, &loanv1.DebitFailed{LoanId: 9, AmountMinor: 100})
	r.run(0)
	r.reports()
	want(t, r.states(), "DELIVERED")
	w := httptest.NewRecorder()
	r.forward(w, httptest.NewRequest(http.MethodPost, "/callbacks/notify/sms", strings.NewReader(`{"request_id":"1","message_no":"1","status":"FAILED"}`)))
	want(t, w.Code, http.StatusUnauthorized)
	var moves int
	if err := r.db.Primary().QueryRowContext(ctx, `SELECT COUNT(*) FROM notify_move`).Scan(&moves); err != nil {
		t.Fatal(err)
	}
	if moves < 2 || moves > 3 { // begun, accepted unless the report came first, delivered
		t.Errorf("%d moves", moves)
	}
}

func TestSomebodyWhoIsGoneIsNotWrittenTo(t *testing.T) {
	r := start(t)
	r.user.gone = true
	r.happen("loan", 1003, &loanv1.DebitFailed{LoanId: 9, AmountMinor: 100})
	r.run(0)
	want(t, r.states(), "FAILED")
	want(t, len(r.sent()), 0)
}

func TestAMobileIsRevealedForOneMessageAndOnePurpose(t *testing.T) {
	r := start(t)
	r.happen("loan", 1003, &loanv1.DebitFailed{LoanId: 9, AmountMinor: 100})
	r.run(0)
	if len(r.user.asks) != 1 || r.user.asks[0].GetPurpose() != "notify" || r.user.asks[0].GetUserId() != 1003 || r.user.asks[0].GetSubjectId() == 0 {
		t.Errorf("user was asked %v", r.user.asks)
	}
}

func planned(contact int64, template string) *collectionv1.ContactPlanned {
	return &collectionv1.ContactPlanned{CaseId: 1, LoanId: 9, ContactId: contact, Channel: "sms", Template: template, Dpd: 3, OverdueMinor: 1000}
}

func TestCollectionMessagesKeepToTheHours(t *testing.T) {
	r := start(t)
	night := time.Date(2026, 11, 20, 22, 0, 0, 0, time.FixedZone("", 8*3600))
	r.clk.Set(night.Add(-time.Millisecond))
	r.happen("collection", 1003, planned(1, "collection.reminder"))
	r.run(0)
	want(t, len(r.sent()), 1)
	r.clk.Set(night)
	r.happen("collection", 1003, planned(2, "collection.reminder"))
	r.run(0)
	want(t, len(r.sent()), 1)
	r.clk.Set(night.Add(10*time.Hour - time.Millisecond))
	r.run(0)
	want(t, len(r.sent()), 1)
	r.clk.Set(night.Add(10 * time.Hour))
	r.run(0)
	want(t, len(r.sent()), 2)
}

func TestAContactThatIsWithdrawnAtNightDoesNotLeaveInTheMorning(t *testing.T) {
	onBoth(t, func(t *testing.T, r *rig) {
		night := time.Date(2026, 11, 20, 23, 0, 0, 0, time.FixedZone("", 8*3600))
		r.clk.Set(night)
		r.happen("collection", 1003, planned(1, "collection.reminder"), planned(2, "collection.reminder"))
		r.run(0)
		r.happen("collection", 1003, &collectionv1.ContactWithdrawn{CaseId: 1, ContactId: 1}, &collectionv1.ContactWithdrawn{CaseId: 1, ContactId: 99})
		r.run(0)
		r.clk.Set(night.Add(9 * time.Hour))
		r.run(0)
		r.happen("collection", 1003, &collectionv1.ContactWithdrawn{CaseId: 1, ContactId: 2}) // too late: it has left
		r.run(0)
		r.reports()
		want(t, len(r.sent()), 1)
		want(t, r.states(), "REFUSED_BY_GUARD DELIVERED")
	})
}

func TestADebtorGetsTwoMessagesADayAndAContactIsOneMessage(t *testing.T) {
	onBoth(t, aDebtorGetsTwoMessagesADayAndAContactIsOneMessage)
}

func aDebtorGetsTwoMessagesADayAndAContactIsOneMessage(t *testing.T, r *rig) {
	r.happen("collection", 1003, planned(1, "collection.reminder"), planned(1, "collection.reminder"), planned(2, "collection.firm"), planned(3, "nonsense"))
	r.happen("collection", 2027, planned(4, "collection.reminder"))
	r.run(0)
	want(t, len(r.sent()), 3)
	r.clk.Set(noon.Add(24 * time.Hour)) // the one that waited since the morning is a day old: too late
	r.run(0)
	want(t, len(r.sent()), 3)
	r.happen("collection", 1003, planned(5, "collection.reminder"))
	r.run(0)
	want(t, len(r.sent()), 4)
	if s := r.states(); !strings.Contains(s, "EXPIRED") {
		t.Errorf("the states are %s", s)
	}
}

func TestNobodyIsWrittenToWhileAStopHolds(t *testing.T) { onBoth(t, nobodyIsWrittenToWhileAStopHolds) }

func nobodyIsWrittenToWhileAStopHolds(t *testing.T, r *rig) {
	stop, err := r.staff("service_desk").StopContact(ctx, &notifyv1.StaffStopContactRequest{UserId: 1003, Reason: "complaint", IdempotencyKey: "stop-0001"})
	if err != nil {
		t.Fatal(err)
	}
	again, err := r.staff("service_desk").StopContact(ctx, &notifyv1.StaffStopContactRequest{UserId: 1003, Reason: "complaint", IdempotencyKey: "stop-0001"})
	if err != nil || again.GetStopId() != stop.GetStopId() {
		t.Errorf("the same stop again: %v %v", again, err)
	}
	_, err = r.staff("service_desk").StopContact(ctx, &notifyv1.StaffStopContactRequest{UserId: 1003, Reason: "another", IdempotencyKey: "stop-0001"})
	want(t, errs.ReasonOf(err), "idempotency.body_differs")
	p := r.net.Person(rpc.Principal{Kind: rpc.Staff, ID: 78, Roles: []string{"service_desk"}}, "notify", "en")
	colleague := notifyv1connect.NewStaffClient(p.HTTP, p.URL, p.Options...)
	other, err := colleague.StopContact(ctx, &notifyv1.StaffStopContactRequest{UserId: 1003 + 1024, Reason: "another", IdempotencyKey: "stop-0001"})
	if err != nil || other.GetStopId() == stop.GetStopId() {
		t.Errorf("a colleague's key: %v %v", other, err)
	}
	shown := planned(2, "collection.reminder")
	shown.Channel = "in_app"
	r.happen("collection", 1003, planned(1, "collection.reminder"), shown)
	r.run(0)
	want(t, r.states(), "REFUSED_BY_GUARD")
	inbox, _ := r.borrower(1003).ListMessages(ctx, &notifyv1.ListMessagesRequest{})
	want(t, len(inbox.GetMessages()), 0)
	if _, err := r.staff("collector").LiftStop(ctx, &notifyv1.LiftStopRequest{StopId: stop.GetStopId(), Reason: "settled"}); errs.CodeOf(err) != errs.Denied {
		t.Errorf("a collector lifts a stop: %v", err)
	}
	if _, err := r.staff("service_desk").LiftStop(ctx, &notifyv1.LiftStopRequest{StopId: stop.GetStopId(), Reason: "settled"}); err != nil {
		t.Fatal(err)
	}
	r.happen("collection", 1003, planned(3, "collection.reminder"))
	r.run(0)
	want(t, len(r.sent()), 1)
	contacts, err := r.staff("collector").ListContacts(ctx, &notifyv1.ListContactsRequest{UserId: 1003})
	if err != nil || len(contacts.GetStops()) != 1 || contacts.GetStops()[0].GetLiftedBy() != 77 || len(contacts.GetContacts()) != 1 {
		t.Errorf("%v %v", contacts, err)
	}
}

func TestNoticesWaitForTheMorningAndUrgentOnesDoNot(t *testing.T) {
	r := start(t)
	r.clk.Set(noon.Add(15 * time.Hour)) // 03:00 in Shanghai
	r.happen("loan", 1003, &loanv1.DebitFailed{LoanId: 9, AmountMinor: 100},
		&loanv1.ScheduleFixed{LoanId: 9, PrincipalMinor: 100000, DisbursedOn: "2026-11-21", Rows: []*loanv1.Row{{Number: 1, DueOn: "2026-12-21", PrincipalMinor: 8000, InterestMinor: 500}}})
	r.run(0)
	texts := r.sent()
	if len(texts) != 1 || !strings.Contains(texts[0], "¥1,000.00") || !strings.Contains(texts[0], "¥85.00") {
		t.Errorf("at night there went out %q", texts)
	}
	r.clk.Add(5 * time.Hour)
	r.run(0)
	want(t, len(r.sent()), 2)
}

func TestManyDaysAtOnceMakeRowsAndNoTraffic(t *testing.T) {
	r := start(t)
	for day := range 40 {
		for user := range 25 {
			r.happen("loan", int64(user)*1024+int64(user), &loanv1.BillIssued{LoanId: int64(user + 1), Number: int32(day + 1), DueOn: "2026-12-01", AmountMinor: 5000})
		}
	}
	began := time.Now()
	r.run(0)
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("a thousand bills took %v", took)
	}
	want(t, len(r.sent()), 0)
	res, err := r.borrower(24*1024+24).CountUnread(ctx, &notifyv1.CountUnreadRequest{})
	if err != nil {
		t.Fatal(err)
	}
	want(t, res.GetUnread(), 40)
}

func TestEveryEventThatConcernsAPersonReachesTheInbox(t *testing.T) {
	onBoth(t, everyEventThatConcernsAPersonReachesTheInbox)
}

func everyEventThatConcernsAPersonReachesTheInbox(t *testing.T, r *rig) {
	r.happen("user", 1003, &userv1.IdentityVerified{}, &userv1.IdentityRefused{}, &userv1.CardBound{CardId: 5}, &userv1.CardUnbound{CardId: 5})
	r.happen("loan", 1003, &loanv1.ApplicationMoved{ApplicationId: 1, To: "APPROVED", AmountMinor: 100}, &loanv1.ApplicationMoved{ApplicationId: 1, To: "DECIDING"},
		&loanv1.ApplicationMoved{ApplicationId: 1, To: "REJECTED"}, &loanv1.ContractSigned{LoanId: 9}, &loanv1.LoanMoved{LoanId: 9, To: "PAYOUT_RETURNED"},
		&loanv1.LoanMoved{LoanId: 9, To: "REPAYING"}, &loanv1.RepaymentApplied{LoanId: 9, AmountMinor: 100}, &loanv1.RepaymentApplied{LoanId: 9, AmountMinor: 100, Settled: true},
		&loanv1.OverdueChanged{LoanId: 9, Dpd: 1, Bucket: "M1", PreviousBucket: "M0", OverdueMinor: 100}, &loanv1.OverdueChanged{LoanId: 9, Dpd: 31, Bucket: "M2", PreviousBucket: "M1"})
	r.happen("payment", 1003, &paymentv1.OrderSettled{OrderId: 3, Kind: "refund", Outcome: "PAID", AmountMinor: 100}, &paymentv1.OrderSettled{OrderId: 4, Kind: "debit", Outcome: "PAID"})
	r.run(0)
	res, err := r.borrower(1003).ListMessages(ctx, &notifyv1.ListMessagesRequest{PageSize: 100})
	if err != nil {
		t.Fatal(err)
	}
	want(t, len(res.GetMessages()), 12)
	for _, m := range res.GetMessages() {
		if m.GetTitleZh() == "" || m.GetTextEn() == "" || strings.ContainsAny(m.GetTextZh(), "{}") {
			t.Errorf("%s is not whole", m.GetTemplate())
		}
	}
}

func TestTheInboxIsPagedAndOnlyItsOwnersToSee(t *testing.T) {
	onBoth(t, theInboxIsPagedAndOnlyItsOwnersToSee)
}

func theInboxIsPagedAndOnlyItsOwnersToSee(t *testing.T, r *rig) {
	const me, other = 1003, 1003 + 1024
	for i := range 7 {
		r.happen("loan", me, &loanv1.BillIssued{LoanId: 9, Number: int32(i + 1), DueOn: "2026-12-01", AmountMinor: 100})
		r.clk.Add(time.Second)
		r.run(0)
	}
	var numbers []string
	token := ""
	for {
		res, err := r.borrower(me).ListMessages(ctx, &notifyv1.ListMessagesRequest{PageSize: 3, PageToken: token})
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range res.GetMessages() {
			numbers = append(numbers, m.GetTextZh()[:len("第 1")])
		}
		if token = res.GetNextPageToken(); token == "" {
			break
		}
	}
	want(t, strings.Join(numbers, ","), "第 7,第 6,第 5,第 4,第 3,第 2,第 1")
	list, _ := r.borrower(me).ListMessages(ctx, &notifyv1.ListMessagesRequest{})
	first := list.GetMessages()[0].GetMessageId()
	if _, err := r.borrower(other).MarkRead(ctx, &notifyv1.MarkReadRequest{MessageId: first}); errs.ReasonOf(err) != "notify.message_not_found" {
		t.Errorf("somebody else marks it: %v", err)
	}
	for range 2 {
		res, err := r.borrower(me).MarkRead(ctx, &notifyv1.MarkReadRequest{MessageId: first})
		if err != nil || res.GetUnread() != 6 {
			t.Errorf("%v %v", res, err)
		}
	}
	all, err := r.borrower(me).MarkAllRead(ctx, &notifyv1.MarkAllReadRequest{})
	if err != nil || all.GetMarked() != 6 {
		t.Errorf("%v %v", all, err)
	}
	_, err = r.borrower(me).ListMessages(ctx, &notifyv1.ListMessagesRequest{PageToken: "?"})
	want(t, errs.CodeOf(err), errs.Invalid)
	_, err = r.borrower(me).MarkRead(ctx, &notifyv1.MarkReadRequest{MessageId: -1})
	want(t, errs.CodeOf(err), errs.Invalid)
}

func TestStaffSeeMessagesWithoutAddressesAndCodes(t *testing.T) {
	onBoth(t, staffSeeMessagesWithoutAddressesAndCodes)
}

func staffSeeMessagesWithoutAddressesAndCodes(t *testing.T, r *rig) {
	r.happen("user", 1003, r.code("482913", "zh", time.Minute))
	r.happen("loan", 1003, &loanv1.DebitFailed{LoanId: 9, AmountMinor: 100})
	r.run(0)
	r.reports()
	list, err := r.staff("auditor").ListMessages(ctx, &notifyv1.StaffListMessagesRequest{UserId: 1003, Channel: "sms"})
	if err != nil || len(list.GetMessages()) != 2 {
		t.Fatalf("%v %v", list, err)
	}
	for _, m := range list.GetMessages() {
		one, err := r.staff("service_desk").GetMessage(ctx, &notifyv1.GetMessageRequest{MessageId: m.GetMessageId()})
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(one.String(), "482913") || strings.Contains(one.String(), mobile) {
			t.Error("staff see a code or an address")
		}
		want(t, one.GetMaskedAddress(), "120****7766")
		if n := len(one.GetMoves()); n < 2 || n > 3 { // a report may overtake the answer
			t.Errorf("%d moves", n)
		}
	}
	templates, err := r.staff("collector").ListTemplates(ctx, &notifyv1.ListTemplatesRequest{})
	if err != nil || len(templates.GetTemplates()) < 20 {
		t.Errorf("%v", err)
	}
	_, err = r.staff("risk_analyst").ListMessages(ctx, &notifyv1.StaffListMessagesRequest{})
	want(t, errs.CodeOf(err), errs.Denied)
	_, err = r.staff("auditor").GetMessage(ctx, &notifyv1.GetMessageRequest{MessageId: r.ids.New(id.Bucket(1003))})
	want(t, errs.CodeOf(err), errs.NotFound)
}
