package invariant

import (
	"context"
	"database/sql"

	"google.golang.org/protobuf/proto"

	loanv1 "github.com/hengdai/hengdai/api/loan/v1"
)

// schedules: the plan that loan told when the money left is the one that the terms give, row by row, and it repays the
// principal.
func schedules(ctx context.Context, l *look, f *finding) error {
	b, err := l.lent(ctx)
	if err != nil {
		return err
	}
	told := map[int64]*loanv1.ScheduleFixed{}
	err = l.books.each(ctx, "loan", `SELECT body FROM kit_log WHERE kind = 'loan.v1.ScheduleFixed' ORDER BY part, position`, func(r *sql.Rows) error {
		var body []byte
		if err := r.Scan(&body); err != nil {
			return err
		}
		e := &loanv1.ScheduleFixed{}
		if unread := proto.Unmarshal(body, e); unread != nil {
			f.wrong("a plan in loan's log cannot be read")
		}
		told[e.GetLoanId()] = e
		return nil
	})
	if err != nil {
		return err
	}
	b.paidOut(f, func(v *lived) {
		e := told[v.id]
		delete(told, v.id)
		if e == nil {
			f.wrong("loan %d was paid out and its plan was never told", v.id)
			return
		}
		p := v.life.plan
		same(f, e.GetDisbursedOn(), v.disbursedOn, "loan %d: plan from", v.id)
		same(f, p.rows[len(p.rows)-1].due.String(), v.maturesOn, "loan %d: last due date", v.id)
		same(f, len(e.GetRows()), len(p.rows), "loan %d: rows of its plan", v.id)
		var sum int64
		for k, r := range e.GetRows() {
			sum += r.GetPrincipalMinor()
			if k >= len(p.rows) {
				break
			}
			want := p.rows[k]
			same(f, [3]int64{r.GetPrincipalMinor(), r.GetInterestMinor(), r.GetFeeMinor()}, [3]int64{want.principal, want.interest, want.fee},
				"loan %d, row %d: principal, interest, fee", v.id, k+1)
			same(f, r.GetDueOn(), want.due.String(), "loan %d, row %d: due", v.id, k+1)
		}
		same(f, sum, v.principal, "loan %d: principal of the plan's rows", v.id)
	})
	for id := range told {
		f.wrong("a plan was told for loan %d, which was never paid out", id)
	}
	return nil
}
