package invariant

import (
	"context"
	"database/sql"
)

// lenders' own reasons to refuse what risk did not.
var ownRefusals = map[string]bool{"product.grade_not_served": true, "limit.below_minimum": true}

// decisions: every decision of risk belongs to one application of the same person, which took it as it was given, and no
// application was approved against it or without it.
func decisions(ctx context.Context, l *look, f *finding) error {
	applications, err := l.applications(ctx)
	if err != nil {
		return err
	}
	lastReason, err := l.lastReasons(ctx)
	if err != nil {
		return err
	}
	type facts struct {
		user, id, score int64
		outcome, grade  string
	}
	seen := map[int64]bool{}
	err = l.books.each(ctx, "risk", `SELECT application_id, user_id, id, score, outcome, grade FROM decision`, func(r *sql.Rows) error {
		var application int64
		var d facts
		if err := r.Scan(&application, &d.user, &d.id, &d.score, &d.outcome, &d.grade); err != nil {
			return err
		}
		seen[application] = true
		a := applications[application]
		if a == nil {
			f.wrong("decision %d is for application %d, which is not there", d.id, application)
			return nil
		}
		if a.decision == 0 && (a.state == "DECIDING" || a.state == "CANCELLED" || a.state == "EXPIRED") {
			f.saw(1) // it ended, or waits, before it heard
			return nil
		}
		same(f, facts{a.user, a.decision, a.score, a.outcome, a.grade}, d, "application %d and its decision", application)
		return nil
	})
	if err != nil {
		return err
	}
	for id, a := range applications {
		switch a.state {
		case "APPROVED", "AWAITING_SIGNATURE", "SIGNED", "DISBURSED":
			f.saw(1)
			if !seen[id] || a.outcome == "reject" || (a.outcome == "manual" && a.decidedBy == 0) {
				f.wrong("application %d is %s; decided: %v, outcome %q, by %d", id, a.state, seen[id], a.outcome, a.decidedBy)
			}
		case "REJECTED":
			f.saw(1)
			if a.outcome == "approve" && !ownRefusals[lastReason[id]] {
				f.wrong("application %d was approved by risk and is rejected for %q", id, lastReason[id])
			}
			if a.outcome == "manual" && a.decidedBy == 0 && !ownRefusals[lastReason[id]] {
				f.wrong("application %d was to be decided by a person and was rejected by none", id)
			}
		}
	}
	return nil
}

// lastReasons are the reasons of the applications' last moves.
func (l *look) lastReasons(ctx context.Context) (map[int64]string, error) {
	of := map[int64]string{}
	err := l.books.each(ctx, "loan", `SELECT application_id, reason FROM application_step ORDER BY bucket, application_id, version`, func(r *sql.Rows) error {
		var id int64
		var reason string
		err := r.Scan(&id, &reason)
		of[id] = reason
		return err
	})
	return of, err
}
