package invariant

import (
	"context"
	"database/sql"
)

// application is a row of application.
type application struct {
	bucket, id, user, approved, amount, termMonths, ratePPM, decision, score, decidedBy, contract, loan, version int64
	state, product, method, outcome, grade                                                                       string
}

func (l *look) applications(ctx context.Context) (map[int64]*application, error) {
	return once(&l.applicationsRead, func() (map[int64]*application, error) {
		of := map[int64]*application{}
		err := l.books.each(ctx, "loan", `SELECT bucket, id, user_id, approved_minor, amount_minor, term_months, rate_ppm, decision_id, score, decided_by,
			contract_id, loan_id, version, state, product, method, outcome, grade FROM application`, func(r *sql.Rows) error {
			a := &application{}
			err := r.Scan(&a.bucket, &a.id, &a.user, &a.approved, &a.amount, &a.termMonths, &a.ratePPM, &a.decision, &a.score, &a.decidedBy,
				&a.contract, &a.loan, &a.version, &a.state, &a.product, &a.method, &a.outcome, &a.grade)
			of[a.id] = a
			return err
		})
		return of, err
	})
}
