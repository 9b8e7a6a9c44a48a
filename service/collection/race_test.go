package collection_test

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	collectionv1 "github.com/hengdai/hengdai/api/collection/v1"
	loanv1 "github.com/hengdai/hengdai/api/loan/v1"
	"github.com/hengdai/hengdai/kit/errs"
)

func fieldOf(err error) string {
	var e *errs.Error
	if errors.As(err, &e) {
		return e.Field
	}
	return ""
}

// TestPeopleEventsAndThePlannerMeetInOneCase: 32 people write notes into it while loan tells of it and the planner works. All of
// it takes effect, in some order; no event is blamed, nobody is refused.
func TestPeopleEventsAndThePlannerMeetInOneCase(t *testing.T) {
	onBoth(t, func(t *testing.T, r *rig) {
		c := r.aCase()
		const people, notes = 32, 3
		var all sync.WaitGroup
		var failed atomic.Int64
		for p := range people {
			desk := r.desk(int64(100+p), "collector", "en")
			all.Go(func() {
				for n := range notes {
					_, err := desk.AddNote(ctx, &collectionv1.AddNoteRequest{CaseId: c.GetCaseId(), Text: "x", IdempotencyKey: fmt.Sprintf("key-%d-%d-x", p, n)})
					if err != nil {
						failed.Add(1)
						t.Errorf("a note was refused: %v", err)
					}
				}
			})
		}
		const events = 20
		for i := range events {
			r.happen(anna, &loanv1.RepaymentApplied{LoanId: 100, AmountMinor: 1, OverdueMinor: int64(50_000 - i)})
		}
		for range 1000 { // an event that meets a person comes back by itself
			err := r.tryRun()
			if err == nil {
				break
			}
			if errs.CodeOf(err) != errs.Unavailable {
				t.Fatal(err)
			}
		}
		all.Wait()
		r.run()
		parked, err := r.desk(1, "operator", "en").ListParked(ctx, &collectionv1.ListParkedRequest{})
		must(t, err)
		want(t, len(parked.GetEvents()), 0)
		after := r.onlyCase(anna, "OPEN")
		want(t, after.GetOverdueMinor(), 50_000-events+1)
		var count, last int64
		must(t, r.db.Primary().QueryRowContext(ctx, "SELECT COUNT(*), MAX(number) FROM collection_act WHERE case_id = ?", c.GetCaseId()).Scan(&count, &last))
		want(t, count, 2+people*notes+events)
		want(t, last, count)
	})
}

func TestOneKeyFromManyHandsIsOneNote(t *testing.T) {
	onBoth(t, func(t *testing.T, r *rig) {
		c := r.aCase()
		var all sync.WaitGroup
		numbers := make([]int64, 32)
		for i := range numbers {
			all.Go(func() {
				a, err := r.collector().AddNote(ctx, &collectionv1.AddNoteRequest{CaseId: c.GetCaseId(), Text: "x", IdempotencyKey: "the-same-key"})
				if err != nil {
					t.Errorf("refused: %v", err)
				}
				numbers[i] = a.GetNumber()
			})
		}
		all.Wait()
		for _, n := range numbers {
			want(t, n, numbers[0])
		}
		want(t, r.acts(c.GetCaseId()), "opened contact note")
	})
}

func TestOfManyWhoTakeACaseOneGetsIt(t *testing.T) {
	onBoth(t, func(t *testing.T, r *rig) {
		c := r.aCase()
		var all sync.WaitGroup
		var got atomic.Int64
		for p := range 32 {
			desk := r.desk(int64(100+p), "collector", "en")
			all.Go(func() {
				_, err := desk.TakeCase(ctx, &collectionv1.TakeCaseRequest{CaseId: c.GetCaseId()})
				if err == nil {
					got.Add(1)
				} else if errs.ReasonOf(err) != "case.taken" {
					t.Errorf("refused: %v", err)
				}
			})
		}
		all.Wait()
		want(t, got.Load(), 1)
		want(t, r.acts(c.GetCaseId()), "opened contact take")
	})
}

func TestAPromiseMadeWhileThePlannerLooksIsRespected(t *testing.T) {
	r := start(t)
	r.begin(due + 1)
	e := r.overdue(anna, 100, due, 50_000)
	r.happen(anna, e)
	var once sync.Once
	r.loan.mu.Lock()
	r.loan.before = func() {
		once.Do(func() {
			_, err := r.collector().RecordPromise(ctx, &collectionv1.RecordPromiseRequest{CaseId: r.onlyCase(anna, "OPEN").GetCaseId(), PayBy: day(due + 5), AmountMinor: 1})
			must(t, err)
		})
	}
	r.loan.mu.Unlock()
	r.run()
	want(t, len(r.contacts()), 0)
	want(t, r.onlyCase(anna, "").GetState(), "PROMISED")
}

func TestAnEventThatCannotBeTakenInParksItsBorrowerUntilAPersonRetries(t *testing.T) {
	onBoth(t, func(t *testing.T, r *rig) {
		r.begin(due + 1)
		r.happen(anna, &loanv1.OverdueChanged{LoanId: 100, Dpd: 1, Bucket: "M1", OverdueMinor: 1, On: "the day after"}, r.overdue(anna, 100, due, 50_000))
		other := boris&^1023 | anna&1023 // of the same bucket
		r.happen(other, r.overdue(other, 200, due, 50_000))
		r.run()
		want(t, len(r.cases(anna, "")), 0)
		want(t, len(r.cases(other, "")), 1)
		desk := r.desk(1, "operator", "en")
		parked, err := desk.ListParked(ctx, &collectionv1.ListParkedRequest{})
		must(t, err)
		want(t, len(parked.GetEvents()), 2)
		want(t, parked.GetEvents()[0].GetUserId(), anna)
		want(t, parked.GetEvents()[1].GetReason(), "behind")
		res, err := desk.RetryParked(ctx, &collectionv1.RetryParkedRequest{UserId: anna})
		must(t, err)
		want(t, res.GetTaken(), 0)
		want(t, res.GetLeft(), 2)
		res, err = desk.RetryParked(ctx, &collectionv1.RetryParkedRequest{UserId: other})
		must(t, err)
		want(t, res.GetTaken()+res.GetLeft(), 0)
	})
}

func TestAListIsReadPageByPage(t *testing.T) {
	onBoth(t, func(t *testing.T, r *rig) {
		r.begin(due + 40)
		for i := range int64(25) {
			user := (i+10)<<10 | i
			e := r.overdue(user, 1000+i, due+5-2*1, 1000)
			e.Bucket = []string{"M1", "M2"}[i%2]
			e.Dpd = int32(37 + i%3)
			r.happen(user, e)
		}
		r.run()
		read := func(size int32, bucket string, between func()) (seen []*collectionv1.Case) {
			req := &collectionv1.ListCasesRequest{PageSize: size, Bucket: bucket}
			for {
				page, err := r.collector().ListCases(ctx, req)
				must(t, err)
				if len(page.GetCases()) > int(size) {
					t.Fatalf("a page of %d", len(page.GetCases()))
				}
				seen = append(seen, page.GetCases()...)
				if page.GetNextPageToken() == "" {
					return seen
				}
				req.PageToken = page.GetNextPageToken()
				between()
			}
		}
		whole := read(200, "", func() {})
		want(t, len(whole), 25)
		for i := 1; i < len(whole); i++ {
			a, b := whole[i-1], whole[i]
			if a.GetOverdueSince() > b.GetOverdueSince() || a.GetOverdueSince() == b.GetOverdueSince() && a.GetCaseId() >= b.GetCaseId() {
				t.Error("the oldest debt does not come first")
			}
		}
		first := read(10, "", func() { // one that was read is closed meanwhile
			r.happen(whole[0].GetUserId(), &loanv1.LoanMoved{LoanId: whole[0].GetLoanId(), To: "VOID"})
			r.run()
		})
		want(t, len(first), 25)
		for i := range first {
			want(t, first[i].GetCaseId(), whole[i].GetCaseId())
		}
		for _, bucket := range []string{"M1", "M2"} {
			for _, c := range read(5, bucket, func() {}) {
				want(t, c.GetBucket(), bucket)
			}
		}
		want(t, len(read(5, "M1", func() {}))+len(read(5, "M2", func() {})), 24)
	})
}
