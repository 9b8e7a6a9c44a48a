package collection_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	collectionv1 "github.com/hengdai/hengdai/api/collection/v1"
	loanv1 "github.com/hengdai/hengdai/api/loan/v1"
	"github.com/hengdai/hengdai/domain/calendar"
	"github.com/hengdai/hengdai/kit/audit"
	"github.com/hengdai/hengdai/kit/errs"
)

// aCase makes one open case of anna, on its first day.
func (r *rig) aCase() *collectionv1.Case {
	r.t.Helper()
	r.begin(due + 1)
	r.happen(anna, r.overdue(anna, 100, due, 50_000))
	r.run()
	return r.onlyCase(anna, "OPEN")
}

func day(d calendar.Date) string { return d.String() }

func TestAPromiseKeepsRemindersAwayUntilItIsBroken(t *testing.T) {
	onBoth(t, func(t *testing.T, r *rig) {
		c := r.aCase()
		promised, err := r.collector().RecordPromise(ctx, &collectionv1.RecordPromiseRequest{CaseId: c.GetCaseId(), PayBy: day(due + 10), AmountMinor: 50_000})
		must(t, err)
		want(t, promised.GetState(), "PROMISED")
		want(t, promised.GetUntil(), day(due+10))
		want(t, promised.GetNextContactOn(), "")
		want(t, promised.GetVersion(), c.GetVersion()+1)
		want(t, r.withdrawn(), 1)
		for d := due + 2; d <= due+10; d++ {
			r.begin(d)
		}
		want(t, len(r.contacts()), 1)
		// On the day after, money is under way: the promise is not broken yet.
		r.loan.set(100, func(o *owing) { o.locked = true })
		r.begin(due + 11)
		want(t, r.onlyCase(anna, "").GetState(), "PROMISED")
		r.loan.set(100, func(o *owing) { o.locked = false })
		r.begin(due + 12)
		want(t, fmt.Sprint(r.contacts()), "[1 12]")
		want(t, r.acts(c.GetCaseId()), "opened contact promise promise_broken contact")
		after := r.onlyCase(anna, "OPEN")
		want(t, after.GetPromisedMinor(), 0)
		want(t, after.GetUntil(), "")
	})
}

func TestAPromiseThatIsKeptClosesTheCase(t *testing.T) {
	r := start(t)
	c := r.aCase()
	_, err := r.desk(9, "service_desk", "zh").RecordPromise(ctx, &collectionv1.RecordPromiseRequest{CaseId: c.GetCaseId(), PayBy: day(due + 1), AmountMinor: 1})
	must(t, err)
	r.happen(anna, &loanv1.RepaymentApplied{LoanId: 100, AmountMinor: 50_000})
	r.run()
	closed := r.onlyCase(anna, "CLOSED")
	want(t, closed.GetPromisedMinor(), 0)
	want(t, closed.GetUntil(), "")
}

func TestAPauseStopsEveryContactUntilItEndsOrIsEnded(t *testing.T) {
	onBoth(t, func(t *testing.T, r *rig) {
		c := r.aCase()
		_, err := r.desk(9, "service_desk", "zh").PauseCase(ctx, &collectionv1.PauseCaseRequest{CaseId: c.GetCaseId(), Until: day(due + 20), Reason: "complaint"})
		must(t, err)
		want(t, r.withdrawn(), 1)
		_, err = r.collector().RecordPromise(ctx, &collectionv1.RecordPromiseRequest{CaseId: c.GetCaseId(), PayBy: day(due + 2), AmountMinor: 1})
		refused(t, err, errs.Precondition, "case.state", "", "state does not allow")
		r.begin(due + 5)
		e := r.overdue(anna, 100, due, 51_000) // an event does not wake it
		e.Bucket = "M2"
		r.happen(anna, e)
		r.run()
		want(t, len(r.contacts()), 1)
		resumed, err := r.collector().ResumeCase(ctx, &collectionv1.ResumeCaseRequest{CaseId: c.GetCaseId(), Reason: "settled with him"})
		must(t, err)
		want(t, resumed.GetState(), "OPEN")
		r.run()
		want(t, fmt.Sprint(r.contacts()), "[1 5]")

		_, err = r.desk(8, "operator", "en").PauseCase(ctx, &collectionv1.PauseCaseRequest{CaseId: c.GetCaseId(), Until: day(due + 8), Reason: "dispute"})
		must(t, err)
		r.begin(due + 8)
		want(t, len(r.contacts()), 2)
		r.begin(due + 9)
		want(t, fmt.Sprint(r.contacts()), "[1 5 9]")
		want(t, r.acts(c.GetCaseId()), "opened contact pause bucket resume contact pause resume contact")
	})
}

func TestACaseHasOneCollector(t *testing.T) {
	r := start(t)
	c := r.aCase()
	id := &collectionv1.TakeCaseRequest{CaseId: c.GetCaseId()}
	taken, err := r.collector().TakeCase(ctx, id)
	must(t, err)
	want(t, taken.GetAssignedTo(), 7)
	again, err := r.collector().TakeCase(ctx, id)
	must(t, err)
	want(t, again.GetVersion(), taken.GetVersion()) // repeated, it leaves no trace
	other := r.desk(8, "collector", "zh")
	_, err = other.TakeCase(ctx, id)
	refused(t, err, errs.Conflict, "case.taken", "", "其他同事")
	_, err = other.ReturnCase(ctx, &collectionv1.ReturnCaseRequest{CaseId: c.GetCaseId(), Reason: "not mine"})
	refused(t, err, errs.Precondition, "case.not_yours", "", "请先领取")
	mine, err := r.collector().ListCases(ctx, &collectionv1.ListCasesRequest{Mine: true})
	must(t, err)
	want(t, len(mine.GetCases()), 1)
	mine, err = other.ListCases(ctx, &collectionv1.ListCasesRequest{Mine: true})
	must(t, err)
	want(t, len(mine.GetCases()), 0)
	_, err = r.collector().ReturnCase(ctx, &collectionv1.ReturnCaseRequest{CaseId: c.GetCaseId(), Reason: "on holiday"})
	must(t, err)
	_, err = other.TakeCase(ctx, id)
	must(t, err)
	r.happen(anna, &loanv1.RepaymentApplied{LoanId: 100, AmountMinor: 50_000})
	r.run()
	_, err = r.collector().TakeCase(ctx, id)
	refused(t, err, errs.Conflict, "case.taken", "", "colleague")
	_, err = r.desk(8, "collector", "en").TakeCase(ctx, id)
	refused(t, err, errs.Precondition, "case.state", "", "does not allow")
}

func TestTwoCollectorsMayUseTheSameKey(t *testing.T) {
	r := start(t)
	note := &collectionv1.AddNoteRequest{CaseId: r.aCase().GetCaseId(), Text: "said one thing", IdempotencyKey: "note-0001"}
	first, err := r.collector().AddNote(ctx, note)
	must(t, err)
	note.Text = "said another"
	second, err := r.desk(8, "collector", "en").AddNote(ctx, note)
	must(t, err)
	want(t, second.GetNumber(), first.GetNumber()+1)
}

func TestNotesRestSealedAndAreReadByStaff(t *testing.T) {
	onBoth(t, func(t *testing.T, r *rig) {
		c := r.aCase()
		const said = "他说下周发工资 / paid next week"
		note := &collectionv1.AddNoteRequest{CaseId: c.GetCaseId(), Text: said, IdempotencyKey: "note-0001"}
		first, err := r.collector().AddNote(ctx, note)
		must(t, err)
		second, err := r.collector().AddNote(ctx, note)
		must(t, err)
		want(t, second.GetNumber(), first.GetNumber())
		want(t, second.GetText(), said)
		note.Text = "something else"
		_, err = r.collector().AddNote(ctx, note)
		refused(t, err, errs.Conflict, "idempotency.body_differs", "idempotencyKey", "different request")

		var sealed []byte
		must(t, r.db.Primary().QueryRowContext(ctx, "SELECT text_sealed FROM collection_act WHERE case_id = ? AND kind = 'note'", c.GetCaseId()).Scan(&sealed))
		if len(sealed) == 0 || bytes.Contains(sealed, []byte("next week")) {
			t.Errorf("the note rests as %q", sealed)
		}
		file, err := r.desk(3, "auditor", "zh").GetCase(ctx, &collectionv1.GetCaseRequest{CaseId: c.GetCaseId()})
		must(t, err)
		want(t, file.GetActs()[0].GetText(), said)
		want(t, file.GetNameMasked(), "欧***")
		want(t, file.GetOverdueMinor(), 50_000)
		want(t, file.GetPayoffMinor(), 50_100)
		ask := r.user.asked[len(r.user.asked)-1]
		want(t, fmt.Sprint(ask.GetPurpose(), ask.GetFields(), ask.GetSubjectId(), ask.GetUserId()), fmt.Sprint("collection", []string{"name"}, c.GetCaseId(), anna))

		// Who was erased has no name and no notes, but his case can still be read.
		r.user.mu.Lock()
		r.user.erased = true
		r.user.mu.Unlock()
		r.open()
		file, err = r.collector().GetCase(ctx, &collectionv1.GetCaseRequest{CaseId: c.GetCaseId()})
		must(t, err)
		want(t, file.GetNameMasked(), "")
		if strings.Contains(file.GetActs()[0].GetText(), "week") || !strings.Contains(file.GetActs()[0].GetText(), "erased") {
			t.Errorf("after the erasure the note reads %q", file.GetActs()[0].GetText())
		}
	})
}

func TestEveryActOfAPersonIsAudited(t *testing.T) {
	r := start(t)
	c := r.aCase()
	desk := r.collector()
	_, err := desk.TakeCase(ctx, &collectionv1.TakeCaseRequest{CaseId: c.GetCaseId()})
	must(t, err)
	_, err = desk.AddNote(ctx, &collectionv1.AddNoteRequest{CaseId: c.GetCaseId(), Text: "x", IdempotencyKey: "note-0001"})
	must(t, err)
	_, err = desk.RecordPromise(ctx, &collectionv1.RecordPromiseRequest{CaseId: c.GetCaseId(), PayBy: day(due + 2), AmountMinor: 1})
	must(t, err)
	_, err = desk.PauseCase(ctx, &collectionv1.PauseCaseRequest{CaseId: c.GetCaseId(), Until: day(due + 2), Reason: "hardship"})
	must(t, err)
	_, err = desk.ResumeCase(ctx, &collectionv1.ResumeCaseRequest{CaseId: c.GetCaseId(), Reason: "is well"})
	must(t, err)
	_, err = desk.ReturnCase(ctx, &collectionv1.ReturnCaseRequest{CaseId: c.GetCaseId(), Reason: "is done"})
	must(t, err)
	r.run()
	list, err := audit.List(ctx, r.db.Primary(), audit.Filter{Limit: 50})
	must(t, err)
	acts := map[string]int{}
	for _, row := range list {
		if row.ActorID != 7 || row.SubjectID != c.GetCaseId() {
			t.Errorf("%+v", row)
		}
		acts[row.Act]++
	}
	want(t, len(acts), 6)
	result, err := audit.Verify(ctx, r.db.Primary())
	must(t, err)
	want(t, result.Intact, true)
}

func TestWhoMayDoWhat(t *testing.T) {
	r := start(t)
	c := r.aCase()
	id := c.GetCaseId()
	all := []string{"collector", "operator", "service_desk", "auditor", "admin", "finance", "reviewer", "risk_analyst", "product_manager"}
	for _, test := range []struct {
		what string
		may  string
		call func(role string) error
	}{
		{"list", "collector operator service_desk auditor admin", func(role string) error {
			_, err := r.desk(7, role, "en").ListCases(ctx, &collectionv1.ListCasesRequest{})
			return err
		}},
		{"read", "collector operator service_desk auditor admin", func(role string) error {
			_, err := r.desk(7, role, "en").GetCase(ctx, &collectionv1.GetCaseRequest{CaseId: id})
			return err
		}},
		{"take", "collector", func(role string) error {
			_, err := r.desk(7, role, "en").TakeCase(ctx, &collectionv1.TakeCaseRequest{CaseId: id})
			return err
		}},
		{"note", "collector service_desk", func(role string) error {
			_, err := r.desk(7, role, "en").AddNote(ctx, &collectionv1.AddNoteRequest{CaseId: id, Text: "x", IdempotencyKey: "key-" + role})
			return err
		}},
		{"promise", "collector service_desk", func(role string) error {
			_, err := r.desk(7, role, "en").RecordPromise(ctx, &collectionv1.RecordPromiseRequest{CaseId: id, PayBy: day(due + 2), AmountMinor: 1})
			return err
		}},
		{"pause", "collector service_desk operator", func(role string) error {
			_, err := r.desk(7, role, "en").PauseCase(ctx, &collectionv1.PauseCaseRequest{CaseId: id, Until: day(due + 2), Reason: "other"})
			return err
		}},
		{"parked", "operator auditor admin", func(role string) error {
			_, err := r.desk(7, role, "en").ListParked(ctx, &collectionv1.ListParkedRequest{})
			return err
		}},
		{"retry", "operator admin", func(role string) error {
			_, err := r.desk(7, role, "en").RetryParked(ctx, &collectionv1.RetryParkedRequest{UserId: anna})
			return err
		}},
	} {
		for _, role := range all {
			err := test.call(role)
			if may := strings.Contains(" "+test.may+" ", " "+role+" "); may && err != nil {
				t.Errorf("%s may not %s: %v", role, test.what, err)
			} else if !may && errs.CodeOf(err) != errs.Denied {
				t.Errorf("%s may %s: %v", role, test.what, err)
			}
		}
	}
}

func TestWrongInputNamesItsFieldInBothLanguages(t *testing.T) {
	r := start(t)
	c := r.aCase()
	id := c.GetCaseId()
	for _, test := range []struct {
		what                  string
		code                  errs.Code
		reason, field, zh, en string
		call                  func(language string) error
	}{
		{"an unknown case", errs.NotFound, "case.not_found", "", "没有找到", "no such case", func(l string) error {
			_, err := r.desk(7, "collector", l).GetCase(ctx, &collectionv1.GetCaseRequest{CaseId: id + 1<<20})
			return err
		}},
		{"a note in an unknown case", errs.NotFound, "case.not_found", "", "没有找到", "no such case", func(l string) error {
			_, err := r.desk(7, "collector", l).AddNote(ctx, &collectionv1.AddNoteRequest{CaseId: id + 1<<20, Text: "x", IdempotencyKey: "12345678"})
			return err
		}},
		{"a promise of yesterday", errs.Invalid, "date.out_of_range", "payBy", "30 天", "30 days", func(l string) error {
			_, err := r.desk(7, "collector", l).RecordPromise(ctx, &collectionv1.RecordPromiseRequest{CaseId: id, PayBy: day(due), AmountMinor: 1})
			return err
		}},
		{"a promise of next year", errs.Invalid, "date.out_of_range", "payBy", "30 天", "30 days", func(l string) error {
			_, err := r.desk(7, "collector", l).RecordPromise(ctx, &collectionv1.RecordPromiseRequest{CaseId: id, PayBy: day(due + 32), AmountMinor: 1})
			return err
		}},
		{"a pause of half a year", errs.Invalid, "date.out_of_range", "until", "90 天", "90 days", func(l string) error {
			_, err := r.desk(7, "collector", l).PauseCase(ctx, &collectionv1.PauseCaseRequest{CaseId: id, Until: day(due + 92), Reason: "other"})
			return err
		}},
		{"a resumption of what runs", errs.Precondition, "case.state", "", "不允许", "does not allow", func(l string) error {
			_, err := r.desk(7, "collector", l).ResumeCase(ctx, &collectionv1.ResumeCaseRequest{CaseId: id, Reason: "why not"})
			return err
		}},
		{"a forged page token", errs.Invalid, "page_token.invalid", "pageToken", "分页标记", "page token", func(l string) error {
			_, err := r.desk(7, "collector", l).ListCases(ctx, &collectionv1.ListCasesRequest{PageToken: "AAAA"})
			return err
		}},
		{"a page token of no alphabet", errs.Invalid, "page_token.invalid", "pageToken", "分页标记", "page token", func(l string) error {
			_, err := r.desk(7, "collector", l).ListCases(ctx, &collectionv1.ListCasesRequest{PageToken: "?!"})
			return err
		}},
	} {
		refused(t, test.call("zh"), test.code, test.reason, test.field, test.zh)
		refused(t, test.call("en"), test.code, test.reason, test.field, test.en)
	}
	for field, call := range map[string]func() error{
		"payBy": func() error {
			_, err := r.collector().RecordPromise(ctx, &collectionv1.RecordPromiseRequest{CaseId: id, PayBy: "2026-02-30", AmountMinor: 1})
			return err
		},
		"amountMinor": func() error {
			_, err := r.collector().RecordPromise(ctx, &collectionv1.RecordPromiseRequest{CaseId: id, PayBy: day(due + 2)})
			return err
		},
		"reason": func() error {
			_, err := r.collector().PauseCase(ctx, &collectionv1.PauseCaseRequest{CaseId: id, Until: day(due + 2), Reason: "bad mood"})
			return err
		},
		"state": func() error {
			_, err := r.collector().ListCases(ctx, &collectionv1.ListCasesRequest{State: "LOST"})
			return err
		},
		"pageSize": func() error {
			_, err := r.collector().ListCases(ctx, &collectionv1.ListCasesRequest{PageSize: 201})
			return err
		},
		"caseId": func() error {
			_, err := r.collector().TakeCase(ctx, &collectionv1.TakeCaseRequest{})
			return err
		},
		"text": func() error {
			_, err := r.collector().AddNote(ctx, &collectionv1.AddNoteRequest{CaseId: id, Text: strings.Repeat("x", 2001), IdempotencyKey: "12345678"})
			return err
		},
	} {
		err := call()
		if errs.CodeOf(err) != errs.Invalid || !strings.Contains(fmt.Sprintf("%+v", fieldOf(err)), field) {
			t.Errorf("%s: got %v on %q", field, err, fieldOf(err))
		}
	}
	want(t, r.acts(id), "opened contact") // nothing of all this left a trace
}
