package risk

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"time"

	"google.golang.org/protobuf/proto"

	riskv1 "github.com/hengdai/hengdai/api/risk/v1"
	"github.com/hengdai/hengdai/domain/flow"
	"github.com/hengdai/hengdai/kit/clock"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/id"
	eventlog "github.com/hengdai/hengdai/kit/log"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/kit/vault"
	"github.com/hengdai/hengdai/service/risk/rows"
)

// What is sealed of a decision, and under which class of the applicant's keys.
const (
	classApplication = "application"
	fieldProfile     = "risk.profile"
	fieldPath        = "risk.path"
)

// tries is how often a decision is made again because another one used one of its tokens in between.
const tries = 8

var errDiffers = errs.New(errs.Conflict, "decision.inputs_differ", "该申请已按不同的信息作出决定。",
	"This application was decided on other inputs.").On("applicationId")

// Decide answers the decision on an application: the stored one, or a new one.
func (a internalAPI) Decide(ctx context.Context, req *riskv1.DecideRequest) (*riskv1.Decision, error) {
	asked, err := inputHash(req)
	if err != nil {
		return nil, err
	}
	for range tries {
		row, found, err := a.decided(ctx, rows.New(a.deps.DB.Primary()), req)
		if err != nil {
			return nil, err
		}
		if found {
			if row.InputHash != asked {
				return nil, errDiffers
			}
			return toDecision(row)
		}
		row, err = a.decideOnce(ctx, req, asked)
		if errors.Is(err, errRaced) || store.IsDuplicate(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		return toDecision(row)
	}
	return nil, errRaced
}

// inputHash identifies what was asked. What the caller only observes when he asks (how much is owed, and when) may move between
// repeated calls and is not compared.
func inputHash(req *riskv1.DecideRequest) (string, error) {
	asked, ok := proto.Clone(req).(*riskv1.DecideRequest)
	if !ok {
		return "", errs.New(errs.Internal, "decision.request", "系统内部错误。", "Internal error.")
	}
	asked.OutstandingMinor, asked.AppliedMs = 0, 0
	encoded, err := proto.MarshalOptions{Deterministic: true}.Marshal(asked)
	if err != nil {
		return "", errs.Wrap(err, "encoding a request")
	}
	sum := sha256.Sum256(encoded)
	return hex.EncodeToString(sum[:]), nil
}

func (s *Service) decided(ctx context.Context, q *rows.Queries, req *riskv1.DecideRequest) (rows.Decision, bool, error) {
	row, err := q.DecisionByApplication(ctx, rows.DecisionByApplicationParams{Bucket: id.Bucket(req.GetUserId()), ApplicationID: req.GetApplicationId()})
	if errors.Is(err, sql.ErrNoRows) {
		return row, false, nil
	}
	return row, err == nil, errs.Wrap(store.Explain(err), "looking for the decision")
}

// decideOnce reads what is known, decides, seals and commits. errRaced means that what was read is stale.
func (s *Service) decideOnce(ctx context.Context, req *riskv1.DecideRequest, asked string) (rows.Decision, error) {
	now := s.deps.Clock.Now()
	at := now
	if applied := time.UnixMilli(req.GetAppliedMs()); req.GetAppliedMs() > 0 && applied.Before(now) {
		at = applied
	}
	line, lineHash, err := s.live(ctx, lineConsumer)
	if err != nil {
		return rows.Decision{}, err
	}
	profile, counts, err := s.gather(ctx, req, at)
	if err != nil {
		return rows.Decision{}, err
	}
	start := clock.Real()
	decision := line.Decide(&profile, req.GetAppliedOn(), func() time.Duration { return clock.Since(start) })
	micros := clock.Since(start).Microseconds()

	row, err := s.seal(ctx, req.GetUserId(), &profile, &decision)
	if err != nil {
		return rows.Decision{}, err
	}
	row.Bucket, row.ID = id.Bucket(req.GetUserId()), s.deps.IDs.New(id.Bucket(req.GetUserId()))
	row.ApplicationID, row.UserID, row.Product = req.GetApplicationId(), req.GetUserId(), req.GetProduct()
	row.PolicyHash, row.InputHash, row.AppliedOn = lineHash, asked, req.GetAppliedOn()
	row.DecidedMs, row.Micros, row.Version = now.UnixMilli(), micros, 1
	if err := ctx.Err(); err != nil {
		return rows.Decision{}, store.Explain(err) // the caller is gone: he will ask again
	}
	return row, s.commit(ctx, req, row, counts, at)
}

// gather makes the complete profile: what was stated, earlier applications with the same tokens, and the lists.
func (s *Service) gather(ctx context.Context, req *riskv1.DecideRequest, at time.Time) (flow.Profile, []counted, error) {
	q := rows.New(s.deps.DB.Primary())
	profile := toProfile(req)
	counts, err := count(ctx, q, req, at)
	if err != nil {
		return profile, nil, err
	}
	describe(&profile, counts)
	if err := s.lookUp(ctx, q, req, &profile); err != nil {
		return profile, nil, err
	}
	profile.Complete()
	var invalid *flow.Invalid
	if err := profile.Check(); errors.As(err, &invalid) {
		return profile, nil, errs.New(errs.Invalid, "decision.value_unknown", "该字段的取值不在申请表的代码表中。",
			"The field holds a value that the application form does not have.").On(ofRequest(invalid.Field))
	}
	return profile, counts, nil
}

// seal fills the columns that follow from the decision, inputs and path sealed under the applicant's key.
func (s *Service) seal(ctx context.Context, userID int64, profile *flow.Profile, decision *flow.Decision) (row rows.Decision, err error) {
	row = rows.Decision{Policy: decision.Policy, Card: decision.Card, Outcome: decision.Outcome, Grade: decision.Grade,
		LimitMinor: decision.LimitMinor, RatePpm: decision.RatePPM, Score: int64(decision.Score)}
	if row.ResultHash, err = decision.Hash(); err != nil {
		return row, err
	}
	if row.Reasons, err = json.Marshal(decision.Reasons); err != nil {
		return row, errs.Wrap(err, "encoding reasons")
	}
	if row.Outline, err = json.Marshal(outline(decision.Path)); err != nil {
		return row, errs.Wrap(err, "encoding the outline")
	}
	inputs, err := json.Marshal(profile)
	if err != nil {
		return row, errs.Wrap(err, "encoding the inputs")
	}
	path, err := json.Marshal(decision.Path)
	if err != nil {
		return row, errs.Wrap(err, "encoding the path")
	}
	key, err := s.deps.Vault.Key(ctx, userID, classApplication, vault.PurposeSeal)
	if err != nil {
		return row, errs.Wrap(err, "sealing the inputs")
	}
	if row.SealedProfile, err = key.SealBytes(userID, fieldProfile, inputs); err != nil {
		return row, errs.Wrap(err, "sealing the inputs")
	}
	row.SealedPath, err = key.SealBytes(userID, fieldPath, path)
	return row, errs.Wrap(err, "sealing the path")
}

// commit stores the decision, what it adds to the counts, and its event: all or nothing.
func (s *Service) commit(ctx context.Context, req *riskv1.DecideRequest, row rows.Decision, counts []counted, at time.Time) error {
	event, err := toDecision(row)
	if err != nil {
		return err
	}
	body := &riskv1.Decided{DecisionId: row.ID, ApplicationId: row.ApplicationID, Outcome: row.Outcome, Grade: row.Grade,
		LimitMinor: row.LimitMinor, RatePpm: event.GetRatePpm(), Score: event.GetScore(), Policy: row.Policy}
	for _, reason := range event.GetReasons() {
		body.ReasonCodes = append(body.ReasonCodes, reason.GetCode())
	}
	return s.deps.DB.Write(ctx, func(tx *store.Tx) error {
		q := rows.New(tx)
		if err := record(tx.Context(), q, req, counts, at); err != nil {
			return err
		}
		if err := q.InsertDecision(tx.Context(), rows.InsertDecisionParams(row)); err != nil {
			return err
		}
		return s.deps.Log.Append(tx, eventlog.Event{UserID: row.UserID, Bucket: row.Bucket, Body: body})
	})
}
