package user

import (
	"context"
	"encoding/hex"
	"strings"

	userv1 "github.com/hengdai/hengdai/api/user/v1"
	"github.com/hengdai/hengdai/kit/audit"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/secret"
	"github.com/hengdai/hengdai/kit/store"
)

// GetCustomer answers what is known of a customer, masked.
func (t staff) GetCustomer(ctx context.Context, req *userv1.GetCustomerRequest) (*userv1.Customer, error) {
	me, err := t.me(ctx, req.GetUserId())
	if err != nil {
		return nil, err
	}
	cards, err := t.cards(ctx, req.GetUserId())
	if err != nil {
		return nil, err
	}
	sessions, err := t.sessions(ctx, req.GetUserId(), 0)
	if err != nil {
		return nil, err
	}
	res := &userv1.Customer{Me: me, Sessions: sessions}
	for _, c := range cards {
		res.Cards = append(res.Cards, cardOut(c))
	}
	return res, nil
}

// FindCustomer answers the customers with exactly this value, masked.
func (t staff) FindCustomer(ctx context.Context, req *userv1.FindCustomerRequest) (*userv1.FindCustomerResponse, error) {
	found, err := t.find(ctx, req.GetField(), secret.New(strings.TrimSpace(req.GetValue())), "staff search")
	if err != nil {
		return nil, err
	}
	res := &userv1.FindCustomerResponse{}
	for _, userID := range found {
		me, err := t.me(ctx, userID)
		if err != nil {
			return nil, err
		}
		res.Customers = append(res.Customers, me)
	}
	return res, nil
}

// RevealCustomer answers values in clear. The act and its reason are on record before the values leave.
func (t staff) RevealCustomer(ctx context.Context, req *userv1.RevealCustomerRequest) (*userv1.RevealResponse, error) {
	return t.reveal(ctx, look{userID: req.GetUserId(), cardID: req.GetCardId(), fields: req.GetFields(), purpose: purposeSupport,
		reason: req.GetReason()})
}

// RevokeCustomerSessions ends all sessions of a customer.
func (t staff) RevokeCustomerSessions(ctx context.Context, req *userv1.RevokeCustomerSessionsRequest) (*userv1.RevokeCustomerSessionsResponse, error) {
	s := t.Service
	var ended int32
	err := s.write(ctx, func(tx *store.Tx) error {
		if _, err := s.person(tx.Context(), tx, req.GetUserId()); err != nil {
			return err
		}
		var err error
		if ended, err = s.endSessions(tx, req.GetUserId(), 0, "staff"); err != nil {
			return err
		}
		return s.record(tx, "customer.revoke_sessions", "user", req.GetUserId(), req.GetReason(), nil)
	})
	if err != nil {
		return nil, errs.Wrap(err, "revoking sessions")
	}
	return &userv1.RevokeCustomerSessionsResponse{Revoked: ended}, nil
}

// ListCustomerConsents lists every consent a customer ever gave.
func (t staff) ListCustomerConsents(ctx context.Context, req *userv1.ListCustomerConsentsRequest) (*userv1.ListConsentsResponse, error) {
	if _, err := t.person(ctx, t.DB.Primary(), req.GetUserId()); err != nil {
		return nil, err
	}
	return t.consents(ctx, req.GetUserId())
}

// ListAudit lists recorded acts.
func (t staff) ListAudit(ctx context.Context, req *userv1.ListAuditRequest) (*userv1.ListAuditResponse, error) {
	f := audit.Filter{SubjectID: req.GetSubjectId(), ActorID: req.GetActorId()}
	if err := readPageToken(req.GetPageToken(), &f.BeforeMS, &f.BeforeID); err != nil {
		return nil, err
	}
	size := pageSize(req.GetPageSize())
	f.Limit = size + 1
	list, err := audit.List(ctx, t.DB.Read(), f)
	if err != nil {
		return nil, err
	}
	res := &userv1.ListAuditResponse{}
	for i, r := range list {
		if i == size {
			last := list[i-1]
			res.NextPageToken = pageToken(last.At.UnixMilli(), last.ID)
			break
		}
		res.Rows = append(res.Rows, auditOut(r))
	}
	return res, nil
}

// VerifyAudit recomputes the chain.
func (t staff) VerifyAudit(ctx context.Context, _ *userv1.VerifyAuditRequest) (*userv1.VerifyAuditResponse, error) {
	r, err := audit.Verify(ctx, t.DB.Primary())
	if err != nil {
		return nil, err
	}
	return &userv1.VerifyAuditResponse{Intact: r.Intact, Rows: r.Rows, BrokenAt: r.BrokenAt, Head: hex.EncodeToString(r.Head)}, nil
}
