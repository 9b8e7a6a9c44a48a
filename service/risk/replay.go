package risk

import (
	"context"

	riskv1 "github.com/hengdai/hengdai/api/risk/v1"
	"github.com/hengdai/hengdai/domain/flow"
	"github.com/hengdai/hengdai/service/risk/rows"
)

// The results of a replay.
const (
	replayEqual     = "equal"
	replayDifferent = "different"
	replayErased    = "erased"
)

// ReplayDecision decides again from what is stored and compares.
func (a staff) ReplayDecision(ctx context.Context, req *riskv1.ReplayDecisionRequest) (*riskv1.ReplayDecisionResponse, error) {
	row, err := a.decision(ctx, req.GetDecisionId())
	if err != nil {
		return nil, err
	}
	if err := a.noteLook(ctx, row, "decision.replay", req.GetReason()); err != nil {
		return nil, err
	}
	head, err := toDecisionRow(row)
	if err != nil {
		return nil, err
	}
	out := &riskv1.ReplayDecisionResponse{Stored: head, StoredHash: row.ResultHash, Card: row.Card}
	again, err := a.replay(ctx, row)
	if erased(err) {
		out.Result, out.Erased = replayErased, classApplication
		return out, nil
	}
	if err != nil {
		return nil, err
	}
	if out.ReplayedHash, err = again.Hash(); err != nil {
		return nil, err
	}
	out.ReplayedOutcome = again.Outcome
	out.Result = replayDifferent
	if out.ReplayedHash == row.ResultHash {
		out.Result = replayEqual
	}
	return out, nil
}

// replay decides from the stored inputs by the stored versions. It looks nothing up: counts and lists are inputs too.
func (s *Service) replay(ctx context.Context, row rows.Decision) (flow.Decision, error) {
	profile, _, err := s.open(ctx, row, purposeReplay)
	if err != nil {
		return flow.Decision{}, err
	}
	line, err := s.compiled(ctx, row.Policy, row.PolicyHash)
	if err != nil {
		return flow.Decision{}, err
	}
	return line.Decide(&profile, row.AppliedOn, nil), nil
}
