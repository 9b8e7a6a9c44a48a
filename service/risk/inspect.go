package risk

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"reflect"

	riskv1 "github.com/hengdai/hengdai/api/risk/v1"
	"github.com/hengdai/hengdai/domain/flow"
	"github.com/hengdai/hengdai/kit/audit"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/id"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/service/risk/rows"
)

// Why the inputs of a decision are opened, as user's vault is told.
const (
	purposeLook   = "risk.look"
	purposeReplay = "risk.replay"
)

var errNoDecision = errs.New(errs.NotFound, "decision.not_found", "没有找到该决定。", "There is no such decision.").On("decisionId")

// ListDecisions answers one page of decisions.
func (a staff) ListDecisions(ctx context.Context, req *riskv1.ListDecisionsRequest) (*riskv1.ListDecisionsResponse, error) {
	after, err := decodeCursor(req.GetPageToken())
	if err != nil {
		return nil, err
	}
	size := pageSize(req.GetPageSize())
	found, err := listDecisions(ctx, a.deps.DB.Read(), req, after, size)
	if err != nil {
		return nil, err
	}
	out := &riskv1.ListDecisionsResponse{}
	for _, r := range found {
		row, err := toDecisionRow(r)
		if err != nil {
			return nil, err
		}
		out.Decisions = append(out.Decisions, row)
	}
	if len(found) == size {
		last := found[size-1]
		out.NextPageToken = cursor{MS: last.DecidedMs, ID: last.ID}.encode()
	}
	return out, nil
}

func (s *Service) decision(ctx context.Context, decisionID int64) (rows.Decision, error) {
	row, err := rows.New(s.deps.DB.Primary()).DecisionByID(ctx, rows.DecisionByIDParams{Bucket: id.Bucket(decisionID), ID: decisionID})
	if errors.Is(err, sql.ErrNoRows) {
		return row, errNoDecision
	}
	return row, errs.Wrap(store.Explain(err), "reading a decision")
}

// GetDecision answers a decision with its way, without values.
func (a staff) GetDecision(ctx context.Context, req *riskv1.GetDecisionRequest) (*riskv1.DecisionFile, error) {
	row, err := a.decision(ctx, req.GetDecisionId())
	if err != nil {
		return nil, err
	}
	return toFile(row)
}

func toFile(row rows.Decision) (*riskv1.DecisionFile, error) {
	head, err := toDecisionRow(row)
	if err != nil {
		return nil, err
	}
	var steps []flow.Step
	if err := json.Unmarshal(row.Outline, &steps); err != nil {
		return nil, errs.Wrap(err, "reading the outline")
	}
	return &riskv1.DecisionFile{Row: head, Card: row.Card, ResultHash: row.ResultHash, Path: toPath(steps)}, nil
}

// OpenDecision answers a decision with all values. The look is recorded before anything is opened.
func (a staff) OpenDecision(ctx context.Context, req *riskv1.OpenDecisionRequest) (*riskv1.DecisionFile, error) {
	row, err := a.decision(ctx, req.GetDecisionId())
	if err != nil {
		return nil, err
	}
	file, err := toFile(row)
	if err != nil {
		return nil, err
	}
	if err := a.noteLook(ctx, row, "decision.open", req.GetReason()); err != nil {
		return nil, err
	}
	profile, path, err := a.open(ctx, row, purposeLook)
	if erased(err) {
		file.Erased = classApplication
		return file, nil
	}
	if err != nil {
		return nil, err
	}
	file.Path, file.Inputs = toPath(path), inputsOf(profile)
	return file, nil
}

func (s *Service) noteLook(ctx context.Context, row rows.Decision, act, reason string) error {
	entry := s.audited(ctx, act, "decision", row.ID, reason, map[string]string{"policy": row.Policy})
	return errs.Wrap(s.deps.DB.Write(ctx, func(tx *store.Tx) error { return audit.Write(tx, entry) }), "recording a look at a decision")
}

// open answers the inputs and the path of a decision, for a stated purpose.
func (s *Service) open(ctx context.Context, row rows.Decision, purpose string) (flow.Profile, []flow.Step, error) {
	var profile flow.Profile
	var path []flow.Step
	key, err := s.deps.Vault.Key(ctx, row.UserID, classApplication, purpose)
	if err != nil {
		return profile, nil, errs.Wrap(err, "opening the inputs")
	}
	for _, part := range []struct {
		field  string
		sealed []byte
		into   any
	}{{fieldProfile, row.SealedProfile, &profile}, {fieldPath, row.SealedPath, &path}} {
		plain, err := key.OpenBytes(row.UserID, part.field, part.sealed)
		if err != nil {
			return profile, nil, errs.Wrap(err, "opening the inputs")
		}
		if err := json.Unmarshal(plain, part.into); err != nil {
			return profile, nil, errs.Wrap(err, "reading the inputs")
		}
	}
	return profile, path, nil
}

// erased tells that the applicant's key of the class is gone.
func erased(err error) bool { return errs.CodeOf(err) == errs.NotFound }

func inputsOf(p flow.Profile) []*riskv1.InputValue {
	value := reflect.ValueOf(p)
	var out []*riskv1.InputValue
	for i := range value.NumField() {
		text, err := json.Marshal(value.Field(i).Interface())
		if err != nil {
			continue
		}
		out = append(out, &riskv1.InputValue{Name: value.Type().Field(i).Tag.Get("json"), Value: string(text)})
	}
	return out
}
