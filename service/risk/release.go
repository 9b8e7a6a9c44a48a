package risk

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"

	riskv1 "github.com/hengdai/hengdai/api/risk/v1"
	"github.com/hengdai/hengdai/kit/approve"
	"github.com/hengdai/hengdai/kit/audit"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/rpc"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/service/risk/rows"
)

// kindPolicy is the kind of a proposal that makes a version live.
const kindPolicy = "risk.policy"

var (
	errPolicyState = errs.New(errs.Conflict, "policy.wrong_state", "该策略版本当前状态不允许此操作。",
		"The state of this version does not allow that.").On("name")
	errPolicyChanged = errs.New(errs.Conflict, "policy.changed", "策略内容或生效版本已变化，请刷新后重试。",
		"The policy or what is live has changed; look again.").On("hash")
)

// proposedPolicy is what a proposal holds: a version by name and hash.
type proposedPolicy struct {
	Name string `json:"name"`
	Hash string `json:"hash"`
}

// SavePolicy keeps a sound document as a draft.
func (a staff) SavePolicy(ctx context.Context, req *riskv1.SavePolicyRequest) (*riskv1.PolicyVersion, error) {
	document := []byte(req.GetDocument())
	loaded, card, err := a.load(ctx, document, []byte(req.GetCard()))
	if err != nil {
		return nil, err
	}
	doc, by, now := loaded.Document(), rpc.From(ctx).ID, a.deps.Clock.Now().UnixMilli()
	hash := hashOf(document, card)
	return a.change(ctx, loaded.Name(), func(tx *store.Tx, q *rows.Queries) error {
		known, err := q.PolicyHead(tx.Context(), loaded.Name())
		switch {
		case errors.Is(err, sql.ErrNoRows):
			err = q.InsertPolicy(tx.Context(), rows.InsertPolicyParams{Name: loaded.Name(), Line: doc.Line, Number: int64(doc.Version),
				State: stateDraft, CardName: doc.Card, Hash: hash, Document: document, Card: card, RuleCount: int64(len(doc.Rules)),
				SavedBy: by, SavedMs: now})
		case err == nil:
			var n int64
			n, err = q.RewritePolicy(tx.Context(), rows.RewritePolicyParams{CardName: doc.Card, Hash: hash, Document: document, Card: card,
				RuleCount: int64(len(doc.Rules)), SavedBy: by, SavedMs: now, Name: loaded.Name(), Version: known.Version})
			err = store.One(n, err, errPolicyState)
		}
		if err != nil {
			return err
		}
		return audit.Write(tx, a.audited(ctx, "policy.save", "policy", 0, "", map[string]string{"name": loaded.Name(), "hash": hash}))
	})
}

// change runs a unit of work on a version and answers the version as it is then.
func (a staff) change(ctx context.Context, name string, work func(tx *store.Tx, q *rows.Queries) error) (*riskv1.PolicyVersion, error) {
	var after rows.PolicyVersion
	err := a.deps.DB.Write(ctx, func(tx *store.Tx) error {
		q := rows.New(tx)
		if err := work(tx, q); err != nil {
			return err
		}
		var err error
		after, err = q.PolicyByName(tx.Context(), name)
		return err
	})
	if err != nil {
		return nil, errs.Wrap(err, "changing policy "+name)
	}
	return toPolicyVersion(after), nil
}

// inState answers a version, which must be in a state.
func inState(ctx context.Context, q *rows.Queries, name, state string) (rows.PolicyVersion, error) {
	row, err := q.PolicyByName(ctx, name)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return row, errNoPolicy
	case err == nil && row.State != state:
		return row, errPolicyState
	}
	return row, err
}

func move(ctx context.Context, q *rows.Queries, row rows.PolicyVersion, to string, proposal, approvedBy, approvedMS int64) error {
	n, err := q.MovePolicy(ctx, rows.MovePolicyParams{State: to, ProposalID: proposal, ApprovedBy: approvedBy, ApprovedMs: approvedMS,
		Name: row.Name, Version: row.Version, State_2: row.State})
	return store.One(n, err, errPolicyState)
}

// ProposePolicy asks for a draft to become live.
func (a staff) ProposePolicy(ctx context.Context, req *riskv1.ProposePolicyRequest) (*riskv1.PolicyVersion, error) {
	return a.change(ctx, req.GetName(), func(tx *store.Tx, q *rows.Queries) error {
		row, err := inState(tx.Context(), q, req.GetName(), stateDraft)
		if err != nil {
			return err
		}
		body, err := json.Marshal(proposedPolicy{row.Name, row.Hash})
		if err != nil {
			return err
		}
		proposal, err := approve.Propose(tx, approve.Proposal{Kind: kindPolicy, Summary: "policy " + row.Name + " becomes live", Body: body,
			Reason: req.GetReason(), ProposedBy: rpc.From(ctx).ID, ProposedAt: a.deps.Clock.Now()})
		if err != nil {
			return err
		}
		if err := move(tx.Context(), q, row, stateProposed, proposal, 0, 0); err != nil {
			return err
		}
		return audit.Write(tx, a.audited(ctx, "policy.propose", "policy", proposal, req.GetReason(), map[string]string{"name": row.Name, "hash": row.Hash}))
	})
}

// ApprovePolicy makes a proposed version live. It is loaded again first: what the present program cannot load cannot go live.
func (a staff) ApprovePolicy(ctx context.Context, req *riskv1.ApprovePolicyRequest) (*riskv1.PolicyVersion, error) {
	seen, err := a.version(ctx, rows.New(a.deps.DB.Primary()), req.GetName())
	if err != nil {
		return nil, err
	}
	if seen.Hash != req.GetHash() {
		return nil, errPolicyChanged
	}
	if _, err := a.compiled(ctx, seen.Name, seen.Hash); err != nil {
		return nil, err
	}
	by := approve.By{Staff: rpc.From(ctx).ID, At: a.deps.Clock.Now(), Reason: req.GetReason()}
	return a.change(ctx, seen.Name, func(tx *store.Tx, q *rows.Queries) error {
		row, err := inState(tx.Context(), q, seen.Name, stateProposed)
		if err != nil {
			return err
		}
		err = approve.Approve(tx, row.ProposalID, by, func(tx *store.Tx, body []byte) error {
			var what proposedPolicy
			if err := json.Unmarshal(body, &what); err != nil {
				return err
			}
			if what.Name != row.Name || what.Hash != row.Hash || row.Hash != req.GetHash() {
				return errPolicyChanged
			}
			if err := move(tx.Context(), q, row, stateLive, row.ProposalID, by.Staff, by.At.UnixMilli()); err != nil {
				return err
			}
			return a.turn(tx, q, row.Line, row.Name, "", causeApproval, by)
		})
		if err != nil {
			return err
		}
		return audit.Write(tx, a.audited(ctx, "policy.approve", "policy", row.ProposalID, by.Reason, map[string]string{"name": row.Name, "hash": row.Hash}))
	})
}

// turn makes a version live in its line and retires the one before. from, if stated, must be the one before.
func (s *Service) turn(tx *store.Tx, q *rows.Queries, line, name, from, cause string, by approve.By) error {
	ctx, next := tx.Context(), int64(1)
	live, err := q.LivePolicy(ctx, line)
	switch {
	case errors.Is(err, sql.ErrNoRows) && from == "":
		if err := q.InsertLive(ctx, rows.InsertLiveParams{Line: line, Name: name}); err != nil {
			return err
		}
	case err != nil:
		return err
	case from != "" && live.Name != from:
		return errPolicyChanged
	default:
		next = live.Turn + 1
		before, err := inState(ctx, q, live.Name, stateLive)
		if err != nil {
			return err
		}
		if err := move(ctx, q, before, stateRetired, before.ProposalID, before.ApprovedBy, before.ApprovedMs); err != nil {
			return err
		}
		n, err := q.MoveLive(ctx, rows.MoveLiveParams{Name: name, Turn: next, Line: line, Version: live.Version})
		if err := store.One(n, err, errPolicyChanged); err != nil {
			return err
		}
	}
	return q.InsertTurn(ctx, rows.InsertTurnParams{Line: line, Turn: next, Name: name, Cause: cause, ChangedBy: by.Staff,
		Reason: by.Reason, AtMs: by.At.UnixMilli()})
}

// RejectPolicy turns a proposal down.
func (a staff) RejectPolicy(ctx context.Context, req *riskv1.RejectPolicyRequest) (*riskv1.PolicyVersion, error) {
	by := approve.By{Staff: rpc.From(ctx).ID, At: a.deps.Clock.Now(), Reason: req.GetReason()}
	return a.change(ctx, req.GetName(), func(tx *store.Tx, q *rows.Queries) error {
		row, err := inState(tx.Context(), q, req.GetName(), stateProposed)
		if err != nil {
			return err
		}
		if err := approve.Reject(tx, row.ProposalID, by); err != nil {
			return err
		}
		if err := move(tx.Context(), q, row, stateDraft, row.ProposalID, 0, 0); err != nil {
			return err
		}
		return audit.Write(tx, a.audited(ctx, "policy.reject", "policy", row.ProposalID, by.Reason, map[string]string{"name": row.Name}))
	})
}

// RollbackPolicy makes a version live again that was live before.
func (a staff) RollbackPolicy(ctx context.Context, req *riskv1.RollbackPolicyRequest) (*riskv1.PolicyVersion, error) {
	to, err := a.rollbackTarget(ctx, req)
	if err != nil {
		return nil, err
	}
	by := approve.By{Staff: rpc.From(ctx).ID, At: a.deps.Clock.Now(), Reason: req.GetReason()}
	return a.change(ctx, to, func(tx *store.Tx, q *rows.Queries) error {
		row, err := inState(tx.Context(), q, to, stateRetired)
		if err != nil {
			return err
		}
		if row.Line != req.GetLine() {
			return errNoPolicy
		}
		if err := move(tx.Context(), q, row, stateLive, row.ProposalID, row.ApprovedBy, row.ApprovedMs); err != nil {
			return err
		}
		if err := a.turn(tx, q, row.Line, to, req.GetFrom(), causeRollback, by); err != nil {
			return err
		}
		return audit.Write(tx, a.audited(ctx, "policy.rollback", "policy", row.ProposalID, by.Reason, map[string]string{"from": req.GetFrom(), "to": to}))
	})
}

// rollbackTarget is the version asked for, else the last one that was live besides the present one; it must still load.
func (a staff) rollbackTarget(ctx context.Context, req *riskv1.RollbackPolicyRequest) (string, error) {
	q := rows.New(a.deps.DB.Primary())
	to := req.GetTo()
	if to == "" {
		before, err := q.TurnBefore(ctx, rows.TurnBeforeParams{Line: req.GetLine(), Name: req.GetFrom()})
		if errors.Is(err, sql.ErrNoRows) {
			return "", errNoPolicy
		}
		if err != nil {
			return "", errs.Wrap(store.Explain(err), "reading the history of a policy")
		}
		to = before
	}
	row, err := a.version(ctx, q, to)
	if err != nil {
		return "", err
	}
	_, err = a.compiled(ctx, row.Name, row.Hash)
	return row.Name, err
}
