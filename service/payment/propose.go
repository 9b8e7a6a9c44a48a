package payment

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"

	"google.golang.org/protobuf/proto"

	paymentv1 "github.com/hengdai/hengdai/api/payment/v1"
	"github.com/hengdai/hengdai/domain/payment"
	"github.com/hengdai/hengdai/kit/approve"
	"github.com/hengdai/hengdai/kit/audit"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/id"
	"github.com/hengdai/hengdai/kit/rpc"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/service/payment/rows"
)

// What two people may decide.
const (
	proposeChannel    = "payment.channel"
	proposeResolution = "payment.resolution"
	proposeBreak      = "payment.break"
)

var (
	errNotManual = errs.New(errs.Precondition, "payment.order_not_manual",
		"该支付订单不在人工处理状态。", "The order does not wait for people.")
	errNeverSent = errs.New(errs.Precondition, "payment.never_sent",
		"该支付订单从未发往任何渠道，不能认定为已支付。", "Nothing was ever sent for the order; it cannot have been paid.")
	errNoValueOn = errs.New(errs.Invalid, "payment.value_on_missing",
		"请填写资金实际到账日期，且不得晚于今天。", "Please state when the money moved; it cannot be later than today.").On("valueOn")
	errLimits = errs.New(errs.Invalid, "payment.limits_crossed",
		"单笔上限不得小于下限。", "The largest amount cannot be below the smallest.").On("maxMinor")
	errDaily = errs.New(errs.Invalid, "payment.daily_limit_too_low",
		"单日限额不得小于单笔限额。", "The daily limit cannot be below the limits of a single order.").On("dailyMinor")
	errTerms = errs.New(errs.Invalid, "payment.terms_refused",
		"渠道费率或营业时间有误：每种业务只能出现一次，最高费用不得低于最低费用。", "The fees or hours do not fit: each kind once, and the largest fee not below the smallest.").On("terms")
	errNoBreak = errs.New(errs.NotFound, "payment.break_not_found", "没有找到该差异。", "There is no such break.")
	errClosed  = errs.New(errs.Precondition, "payment.break_closed", "该差异已关闭。", "The break is closed already.")
	errMoved   = errs.New(errs.Conflict, "payment.settings_changed",
		"渠道设置已被他人修改，请刷新后重新提交。", "The channel's settings were changed meanwhile; please look again.")
	errNobody = errs.New(errs.Denied, "payment.staff_only", "仅限员工操作。", "Only staff may do this.")
)

// channelChange, resolution and closure are what the proposals hold.
type channelChange struct {
	Channel  string `json:"channel"`
	Enabled  bool   `json:"enabled"`
	Draining bool   `json:"draining"`
	Priority int64  `json:"priority"`
	MinMinor int64  `json:"min_minor,string"`
	MaxMinor int64  `json:"max_minor,string"`
	Version  int64  `json:"version"`

	DailyMinor int64                          `json:"daily_minor,string"`
	Terms      map[payment.Kind]payment.Terms `json:"terms"`
	Breaker    string                         `json:"breaker"`
}

type resolution struct {
	OrderID   int64  `json:"order_id,string"`
	Outcome   string `json:"outcome"`
	ChannelNo string `json:"channel_no"`
	ValueOn   string `json:"value_on"`
	Evidence  string `json:"evidence"`
}

type closure struct {
	BreakID int64  `json:"break_id,string"`
	Finding string `json:"finding"`
	Remedy  string `json:"remedy,omitempty"`
}

// ProposeChannel asks a second person to change a channel's settings.
func (a staffAPI) ProposeChannel(ctx context.Context, req *paymentv1.ProposeChannelRequest) (*paymentv1.Proposal, error) {
	if a.channels[req.GetChannel()] == nil {
		return nil, errs.New(errs.NotFound, "payment.no_such_channel", "没有该支付渠道。", "There is no such channel.").On("channel")
	}
	if req.GetMaxMinor() > 0 && req.GetMaxMinor() < req.GetMinMinor() {
		return nil, errLimits
	}
	if daily := req.GetDailyMinor(); daily > 0 && daily < max(req.GetMinMinor(), req.GetMaxMinor()) {
		return nil, errDaily
	}
	terms, err := termsFrom(req.GetTerms())
	if err != nil {
		return nil, err
	}
	return a.propose(ctx, req, req.GetIdempotencyKey(), proposeChannel, 0, req.GetReason(), channelChange{
		Channel: req.GetChannel(), Enabled: req.GetEnabled(), Draining: req.GetDraining(), Priority: req.GetPriority(),
		MinMinor: req.GetMinMinor(), MaxMinor: req.GetMaxMinor(), Version: req.GetVersion(),
		DailyMinor: req.GetDailyMinor(), Terms: terms, Breaker: cmp.Or(req.GetBreaker(), breakerAuto),
	}, nil)
}

// ProposeResolution asks a second person to end an order that waits for people.
func (a staffAPI) ProposeResolution(ctx context.Context, req *paymentv1.ProposeResolutionRequest) (*paymentv1.Proposal, error) {
	today := a.today()
	if req.GetOutcome() == string(payment.Paid) && (req.GetValueOn() == "" || req.GetValueOn() > today) {
		return nil, errNoValueOn
	}
	return a.propose(ctx, req, req.GetIdempotencyKey(), proposeResolution, req.GetOrderId(), req.GetEvidence(), resolution{
		OrderID: req.GetOrderId(), Outcome: req.GetOutcome(), ChannelNo: req.GetChannelNo(), ValueOn: req.GetValueOn(), Evidence: req.GetEvidence(),
	}, func(tx *store.Tx) error {
		o, err := order(tx.Context(), rows.New(tx), req.GetOrderId())
		if err == nil && payment.OrderState(o.State) != payment.Manual {
			return errNotManual
		}
		return err
	})
}

// ProposeBreakClosure asks a second person to close a break.
func (a staffAPI) ProposeBreakClosure(ctx context.Context, req *paymentv1.ProposeBreakClosureRequest) (*paymentv1.Proposal, error) {
	return a.propose(ctx, req, req.GetIdempotencyKey(), proposeBreak, req.GetBreakId(), req.GetFinding(), closure{
		BreakID: req.GetBreakId(), Finding: req.GetFinding(), Remedy: req.GetRemedy(),
	}, func(tx *store.Tx) error {
		b, err := rows.New(tx).BreakByID(tx.Context(), rows.BreakByIDParams{Bucket: id.Bucket(req.GetBreakId()), BreakID: req.GetBreakId()})
		if noRow(err) {
			return errNoBreak
		}
		if err != nil {
			return errs.Wrap(err, "reading a break")
		}
		return closable(tx, &b, req.GetRemedy())
	})
}

// propose keeps a proposal once per idempotency key, with its audit row.
func (s *Service) propose(ctx context.Context, req proto.Message, key, kind string, subject int64, reason string, body any,
	check func(tx *store.Tx) error,
) (*paymentv1.Proposal, error) {
	who, ok := rpc.From(ctx).Person()
	if !ok {
		return nil, errNobody
	}
	text, err := json.Marshal(body)
	if err != nil {
		return nil, errs.Wrap(err, "writing a proposal")
	}
	hash, err := requestDigest(req)
	if err != nil {
		return nil, err
	}
	var proposalID int64
	err = s.commit(ctx, func(tx *store.Tx) error {
		had, found, err := store.Idempotent(tx, id.Bucket(who.ID), kind+"/"+fmt.Sprint(who.ID), key, hash)
		if err != nil {
			return err
		}
		if found {
			proposalID = int64(binary.BigEndian.Uint64(had))
			return nil
		}
		if check != nil {
			if err := check(tx); err != nil {
				return err
			}
		}
		proposalID, err = approve.Propose(tx, approve.Proposal{
			Kind: kind, SubjectID: subject, Summary: string(text), Body: text, Reason: cutReason(reason), ProposedBy: who.ID, ProposedAt: s.deps.Clock.Now(),
		})
		if err != nil {
			return err
		}
		if err := s.audit(tx, who, kind+".propose", subject, reason, proposalID); err != nil {
			return err
		}
		return store.Remember(tx, id.Bucket(who.ID), kind+"/"+fmt.Sprint(who.ID), key, hash, binary.BigEndian.AppendUint64(nil, uint64(proposalID)))
	})
	if err != nil {
		return nil, errs.Wrap(err, "proposing")
	}
	return s.proposal(ctx, proposalID)
}

func (s *Service) audit(tx *store.Tx, who rpc.Principal, act string, subject int64, reason string, proposalID int64) error {
	return audit.Write(tx, audit.Entry{
		ActorKind: who.Kind.String(), ActorID: who.ID, ActorSession: who.SessionID, ActorService: "payment", Act: act,
		SubjectKind: "payment", SubjectID: subject, Reason: reason, Details: map[string]string{"proposal": fmt.Sprint(proposalID)}, At: s.deps.Clock.Now(),
	})
}

func (s *Service) proposal(ctx context.Context, proposalID int64) (*paymentv1.Proposal, error) {
	p, err := approve.Get(ctx, s.deps.DB.Primary(), proposalID)
	if err != nil {
		return nil, err
	}
	return proposalOf(&p), nil
}

// ListProposals answers proposals of payment, the newest first.
func (a staffAPI) ListProposals(ctx context.Context, req *paymentv1.ListProposalsRequest) (*paymentv1.ListProposalsResponse, error) {
	p, err := readPage(req.GetPageSize(), req.GetPageToken())
	if err != nil {
		return nil, err
	}
	f := approve.Filter{Limit: int(p.size) + 1}
	if p.at != maxID {
		f.BeforeMS, f.BeforeID = p.at, p.then
	}
	if !req.GetDecidedToo() {
		f.State = approve.Proposed
	}
	list, err := approve.List(ctx, a.deps.DB.Primary(), f)
	if err != nil {
		return nil, err
	}
	list, next := cut(list, p, func(x approve.Proposal) (int64, int64) { return x.ProposedAt.UnixMilli(), x.ID })
	out := &paymentv1.ListProposalsResponse{NextPageToken: next}
	for i := range list {
		out.Proposals = append(out.Proposals, proposalOf(&list[i]))
	}
	return out, nil
}

func requestDigest(req proto.Message) ([]byte, error) {
	raw, err := proto.MarshalOptions{Deterministic: true}.Marshal(req)
	if err != nil {
		return nil, errs.Wrap(err, "reading a request")
	}
	sum := sha256.Sum256(raw)
	return sum[:], nil
}

func cutReason(reason string) string {
	if r := []rune(reason); len(r) > 500 {
		return string(r[:500])
	}
	return reason
}
