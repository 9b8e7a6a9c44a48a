package risk

import (
	"context"
	"database/sql"
	"strings"

	riskv1 "github.com/hengdai/hengdai/api/risk/v1"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/service/risk/rows"
)

// Lists for staff: the only statements that name no bucket. They read the replica.

const decisionColumns = `bucket, id, application_id, user_id, product, policy, policy_hash, card, outcome, grade, limit_minor, rate_ppm,
 score, reasons, applied_on, decided_ms, micros, version`

// where collects the conditions of a list.
type where struct {
	text []string
	args []any
}

func (w *where) and(condition string, args ...any) {
	w.text = append(w.text, condition)
	w.args = append(w.args, args...)
}

func (w *where) String() string {
	if len(w.text) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(w.text, " AND ")
}

func decisionFilter(req *riskv1.ListDecisionsRequest, after *cursor) *where {
	w := &where{}
	for _, f := range []struct{ column, value string }{
		{"outcome", req.GetOutcome()}, {"grade", req.GetGrade()}, {"policy", req.GetPolicy()}, {"product", req.GetProduct()},
	} {
		if f.value != "" {
			w.and(f.column+" = ?", f.value)
		}
	}
	if req.GetUserId() != 0 {
		w.and("user_id = ?", req.GetUserId())
	}
	if req.GetApplicationId() != 0 {
		w.and("application_id = ?", req.GetApplicationId())
	}
	if req.GetAppliedFrom() != "" {
		w.and("applied_on >= ?", req.GetAppliedFrom())
	}
	if req.GetAppliedTo() != "" {
		w.and("applied_on <= ?", req.GetAppliedTo())
	}
	if after != nil {
		w.and("(decided_ms < ? OR (decided_ms = ? AND id < ?))", after.MS, after.MS, after.ID)
	}
	return w
}

// listDecisions answers decisions by filter, newest first, without what is sealed.
func listDecisions(ctx context.Context, q store.DBTX, req *riskv1.ListDecisionsRequest, after *cursor, limit int) ([]rows.Decision, error) {
	w := decisionFilter(req, after)
	return collect(ctx, q, "SELECT "+decisionColumns+" FROM decision"+w.String()+" ORDER BY decided_ms DESC, id DESC LIMIT ?", append(w.args, limit),
		func(r *sql.Rows) (d rows.Decision, err error) {
			err = r.Scan(&d.Bucket, &d.ID, &d.ApplicationID, &d.UserID, &d.Product, &d.Policy, &d.PolicyHash, &d.Card, &d.Outcome, &d.Grade,
				&d.LimitMinor, &d.RatePpm, &d.Score, &d.Reasons, &d.AppliedOn, &d.DecidedMs, &d.Micros, &d.Version)
			return d, err
		})
}

// listPolicies answers versions without their documents, newest first.
func listPolicies(ctx context.Context, q store.DBTX, line string, after *cursor, limit int) ([]rows.PolicyVersion, error) {
	w := &where{}
	if line != "" {
		w.and("line = ?", line)
	}
	if after != nil {
		w.and("(saved_ms < ? OR (saved_ms = ? AND name < ?))", after.MS, after.MS, after.Token)
	}
	query := "SELECT name, line, number, state, card_name, hash, rule_count, saved_by, saved_ms, proposal_id, approved_by, approved_ms FROM policy_version"
	return collect(ctx, q, query+w.String()+" ORDER BY saved_ms DESC, name DESC LIMIT ?", append(w.args, limit),
		func(r *sql.Rows) (p rows.PolicyVersion, err error) {
			err = r.Scan(&p.Name, &p.Line, &p.Number, &p.State, &p.CardName, &p.Hash, &p.RuleCount, &p.SavedBy, &p.SavedMs, &p.ProposalID,
				&p.ApprovedBy, &p.ApprovedMs)
			return p, err
		})
}

// listEntries answers what stands on the blacklist, by kind and token.
func listEntries(ctx context.Context, q store.DBTX, kind string, after *cursor, limit int) ([]rows.ListEntry, error) {
	w := &where{}
	w.and("state = 'active'")
	if kind != "" {
		w.and("kind = ?", kind)
	}
	if after != nil {
		w.and("(kind > ? OR (kind = ? AND token > ?))", after.Kind, after.Kind, after.Token)
	}
	query := "SELECT kind, token, reason, expires_on, proposed_by, approved_by, added_ms FROM list_entry"
	return collect(ctx, q, query+w.String()+" ORDER BY kind, token LIMIT ?", append(w.args, limit),
		func(r *sql.Rows) (e rows.ListEntry, err error) {
			err = r.Scan(&e.Kind, &e.Token, &e.Reason, &e.ExpiresOn, &e.ProposedBy, &e.ApprovedBy, &e.AddedMs)
			return e, err
		})
}

// collect runs a query and reads its rows.
func collect[T any](ctx context.Context, q store.DBTX, query string, args []any, scan func(*sql.Rows) (T, error)) ([]T, error) {
	found, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, errs.Wrap(store.Explain(err), "listing")
	}
	defer func() { _ = found.Close() }()
	var out []T
	for found.Next() {
		one, err := scan(found)
		if err != nil {
			return nil, errs.Wrap(store.Explain(err), "listing")
		}
		out = append(out, one)
	}
	return out, errs.Wrap(store.Explain(found.Err()), "listing")
}
