package risk

import (
	"context"
	"database/sql"
	"errors"
	"strings"

	riskv1 "github.com/hengdai/hengdai/api/risk/v1"
	"github.com/hengdai/hengdai/domain/flow"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/service/risk/policy"
	"github.com/hengdai/hengdai/service/risk/rows"
)

// liveSuffix in place of a number names the version that is live: "consumer-live".
const liveSuffix = "-live"

const maxTurns = 100

// ListPolicies answers one page of versions.
func (a staff) ListPolicies(ctx context.Context, req *riskv1.ListPoliciesRequest) (*riskv1.ListPoliciesResponse, error) {
	after, err := decodeCursor(req.GetPageToken())
	if err != nil {
		return nil, err
	}
	size := pageSize(req.GetPageSize())
	found, err := listPolicies(ctx, a.deps.DB.Read(), req.GetLine(), after, size)
	if err != nil {
		return nil, err
	}
	out := &riskv1.ListPoliciesResponse{}
	for _, p := range found {
		out.Policies = append(out.Policies, toPolicyVersion(p))
	}
	if len(found) == size {
		last := found[size-1]
		out.NextPageToken = cursor{MS: last.SavedMs, Token: last.Name}.encode()
	}
	return out, nil
}

func toPolicyVersion(p rows.PolicyVersion) *riskv1.PolicyVersion {
	return &riskv1.PolicyVersion{Name: p.Name, Line: p.Line, Number: int32(p.Number), State: p.State, Card: p.CardName, Hash: p.Hash,
		SavedBy: p.SavedBy, SavedMs: p.SavedMs, ProposalId: p.ProposalID, ApprovedBy: p.ApprovedBy, ApprovedMs: p.ApprovedMs,
		Rules: int32(p.RuleCount)}
}

// version answers a stored version by name, or the live one of a line.
func (s *Service) version(ctx context.Context, q *rows.Queries, name string) (rows.PolicyVersion, error) {
	if line, live := strings.CutSuffix(name, liveSuffix); live {
		head, err := q.LiveHead(ctx, line)
		if errors.Is(err, sql.ErrNoRows) {
			return rows.PolicyVersion{}, errNoneLive
		}
		if err != nil {
			return rows.PolicyVersion{}, errs.Wrap(store.Explain(err), "reading which policy is live")
		}
		name = head.Name
	}
	row, err := q.PolicyByName(ctx, name)
	if errors.Is(err, sql.ErrNoRows) {
		return row, errNoPolicy
	}
	return row, errs.Wrap(store.Explain(err), "reading a policy")
}

// GetPolicy answers a version with its document and the line's history.
func (a staff) GetPolicy(ctx context.Context, req *riskv1.GetPolicyRequest) (*riskv1.PolicyFile, error) {
	q := rows.New(a.deps.DB.Primary())
	row, err := a.version(ctx, q, req.GetName())
	if err != nil {
		return nil, err
	}
	turns, err := q.Turns(ctx, rows.TurnsParams{Line: row.Line, Limit: maxTurns})
	if err != nil {
		return nil, errs.Wrap(store.Explain(err), "reading the history of a policy")
	}
	out := &riskv1.PolicyFile{Version: toPolicyVersion(row), Document: string(row.Document), Card: string(row.Card)}
	for _, t := range turns {
		out.History = append(out.History, &riskv1.PolicyTurn{Name: t.Name, Cause: t.Cause, By: t.ChangedBy, Reason: t.Reason, AtMs: t.AtMs})
	}
	return out, nil
}

// ListRules answers the rules of a version with what they read.
func (a staff) ListRules(ctx context.Context, req *riskv1.ListRulesRequest) (*riskv1.ListRulesResponse, error) {
	row, err := a.version(ctx, rows.New(a.deps.DB.Primary()), req.GetPolicy())
	if err != nil {
		return nil, err
	}
	loaded, err := a.compiled(ctx, row.Name, row.Hash)
	if err != nil {
		return nil, err
	}
	out := &riskv1.ListRulesResponse{}
	for _, r := range loaded.Document().Rules {
		out.Rules = append(out.Rules, &riskv1.RuleEntry{Id: r.ID, Group: r.Group, Condition: r.When, Outcome: string(r.Outcome),
			Reason: toReason(r.Reason), Severity: int32(r.Severity), EffectiveFrom: r.Effective.From, EffectiveTo: r.Effective.To,
			Owner: r.Owner, Reads: loaded.Reads(r.ID), Tests: int32(len(r.Tests))})
	}
	return out, nil
}

// CheckPolicy says whether a document would be taken.
func (a staff) CheckPolicy(ctx context.Context, req *riskv1.CheckPolicyRequest) (*riskv1.CheckPolicyResponse, error) {
	loaded, _, err := a.load(ctx, []byte(req.GetDocument()), []byte(req.GetCard()))
	if errs.CodeOf(err) == errs.Invalid {
		return &riskv1.CheckPolicyResponse{Fault: faultOf(err)}, nil
	}
	if err != nil {
		return nil, err
	}
	document, tests := loaded.Document(), 0
	for _, r := range document.Rules {
		tests += len(r.Tests)
	}
	return &riskv1.CheckPolicyResponse{Sound: true, Tests: int32(tests + len(document.Cases))}, nil
}

// fault is why a document was not taken.
type fault struct{ why error }

func (f *fault) Error() string { return f.why.Error() }

func faultOf(err error) string {
	var f *fault
	if errors.As(err, &f) {
		return f.Error()
	}
	return err.Error()
}

// load reads a document with its card: the one given, else the one that is stored or shipped under the name it states.
func (s *Service) load(ctx context.Context, document, card []byte) (*flow.Policy, []byte, error) {
	unsound := func(why error) error {
		return errs.New(errs.Invalid, "policy.unsound", "策略未通过检查："+why.Error(), "The policy is not in order: "+why.Error()).
			On("document").Because(&fault{why})
	}
	head, err := policy.HeadOf(document)
	if err != nil {
		return nil, nil, unsound(err)
	}
	if len(card) == 0 {
		if card, err = s.storedCard(ctx, head.Card); err != nil {
			return nil, nil, err
		}
	}
	loaded, err := policy.Load(document, card)
	if err != nil {
		return nil, nil, unsound(err)
	}
	return loaded, card, nil
}

func (s *Service) storedCard(ctx context.Context, name string) ([]byte, error) {
	card, err := rows.New(s.deps.DB.Primary()).CardOfPolicies(ctx, name)
	if err == nil {
		return card, nil
	}
	if !errors.Is(err, sql.ErrNoRows) {
		return nil, errs.Wrap(store.Explain(err), "reading a card")
	}
	if card, err = policy.CardSource(name); err == nil {
		return card, nil
	}
	return nil, errs.New(errs.Invalid, "policy.unsound", "策略使用的评分卡不存在。", "The scorecard that the policy names does not exist.").On("card")
}
