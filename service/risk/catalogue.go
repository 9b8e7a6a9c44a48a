package risk

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"

	"github.com/hengdai/hengdai/domain/flow"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/service/risk/policy"
	"github.com/hengdai/hengdai/service/risk/rows"
)

// lineConsumer is the line of policies that decides consumer loans; all products use it so far.
const lineConsumer = "consumer"

// The states of a version.
const (
	stateDraft    = "draft"
	stateProposed = "proposed"
	stateLive     = "live"
	stateRetired  = "retired"
)

// Why a version became live.
const (
	causeInstall  = "install"
	causeApproval = "approval"
	causeRollback = "rollback"
)

var (
	errNoneLive = errs.New(errs.Precondition, "policy.none_live", "尚无生效的风控策略，请先提交并审批。",
		"No policy is live yet: propose one and have it approved.")
	errNoPolicy = errs.New(errs.NotFound, "policy.not_found", "没有找到该策略版本。", "There is no such version of a policy.").On("name")
)

// hashOf identifies a version: its document and its card, byte for byte.
func hashOf(document, card []byte) string {
	h := sha256.New()
	_, _ = h.Write(document)
	_, _ = h.Write([]byte{0})
	_, _ = h.Write(card)
	return hex.EncodeToString(h.Sum(nil))
}

// live answers the policy that decides now and its hash. What is live is read each time, so a change takes effect with the
// next decision in every process; only compiled versions are kept.
func (s *Service) live(ctx context.Context, line string) (*flow.Policy, string, error) {
	q := rows.New(s.deps.DB.Primary())
	head, err := q.LiveHead(ctx, line)
	if errors.Is(err, sql.ErrNoRows) && s.deps.Sandbox {
		if _, err := s.install(ctx); err != nil {
			return nil, "", err
		}
		head, err = q.LiveHead(ctx, line)
	}
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil, "", errNoneLive
	case err != nil:
		return nil, "", errs.Wrap(store.Explain(err), "reading which policy is live")
	}
	compiled, err := s.compiled(ctx, head.Name, head.Hash)
	return compiled, head.Hash, err
}

// compiled answers a stored version, loading it the first time.
func (s *Service) compiled(ctx context.Context, name, hash string) (*flow.Policy, error) {
	s.mu.Lock()
	known := s.policies[hash]
	s.mu.Unlock()
	if known != nil {
		return known, nil
	}
	row, err := rows.New(s.deps.DB.Primary()).PolicyByName(ctx, name)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, errNoPolicy
	}
	if err != nil {
		return nil, errs.Wrap(store.Explain(err), "reading policy "+name)
	}
	if hashOf(row.Document, row.Card) != hash {
		return nil, errs.New(errs.Internal, "policy.damaged", "策略内容与其摘要不符。", "A stored policy does not match its hash.")
	}
	loaded, err := policy.Load(row.Document, row.Card)
	if err != nil {
		return nil, errs.New(errs.Internal, "policy.unreadable", "策略无法加载。", "A stored policy cannot be loaded.").Because(err)
	}
	s.mu.Lock()
	s.policies[hash] = loaded
	s.mu.Unlock()
	return loaded, nil
}

// install stores the shipped policy if it is not there: live in the sandbox, else as a draft. It commits nothing when all is done.
func (s *Service) install(ctx context.Context) (more bool, err error) {
	_, err = rows.New(s.deps.DB.Primary()).PolicyHead(ctx, policy.Shipped)
	if err == nil {
		return false, nil
	}
	if !errors.Is(err, sql.ErrNoRows) {
		return false, errs.Wrap(store.Explain(err), "looking for the shipped policy")
	}
	document, err := policy.Source(policy.Shipped)
	if err != nil {
		return false, errs.Wrap(err, "reading the shipped policy")
	}
	head, err := policy.HeadOf(document)
	if err != nil {
		return false, err
	}
	card, err := policy.CardSource(head.Card)
	if err != nil {
		return false, errs.Wrap(err, "reading the shipped card")
	}
	loaded, err := policy.Load(document, card)
	if err != nil {
		return false, err
	}
	err = s.deps.DB.Write(ctx, func(tx *store.Tx) error { return s.installIn(tx, loaded, document, card) })
	if store.IsDuplicate(err) {
		return false, nil // another process was faster
	}
	return false, errs.Wrap(err, "installing the shipped policy")
}

func (s *Service) installIn(tx *store.Tx, loaded *flow.Policy, document, card []byte) error {
	ctx, q, doc, now := tx.Context(), rows.New(tx), loaded.Document(), s.deps.Clock.Now().UnixMilli()
	_, err := q.LivePolicy(ctx, doc.Line)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	first := errors.Is(err, sql.ErrNoRows) && s.deps.Sandbox
	state := stateDraft
	if first {
		state = stateLive
	}
	if err := q.InsertPolicy(ctx, rows.InsertPolicyParams{Name: loaded.Name(), Line: doc.Line, Number: int64(doc.Version), State: state,
		CardName: doc.Card, Hash: hashOf(document, card), Document: document, Card: card, RuleCount: int64(len(doc.Rules)), SavedMs: now}); err != nil {
		return err
	}
	if !first {
		return nil
	}
	if err := q.InsertLive(ctx, rows.InsertLiveParams{Line: doc.Line, Name: loaded.Name()}); err != nil {
		return err
	}
	return q.InsertTurn(ctx, rows.InsertTurnParams{Line: doc.Line, Turn: 1, Name: loaded.Name(), Cause: causeInstall,
		Reason: "shipped with the program, sandbox profile", AtMs: now})
}
