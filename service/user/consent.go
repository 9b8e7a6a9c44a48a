package user

import (
	"context"
	"slices"

	userv1 "github.com/hengdai/hengdai/api/user/v1"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/id"
	"github.com/hengdai/hengdai/kit/rpc"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/service/user/document"
	"github.com/hengdai/hengdai/service/user/rows"
)

// ListDocuments lists the documents in force.
func (p public) ListDocuments(_ context.Context, req *userv1.ListDocumentsRequest) (*userv1.ListDocumentsResponse, error) {
	res := &userv1.ListDocumentsResponse{}
	for _, d := range p.documents.All() {
		text := d.In(req.GetLanguage())
		res.Documents = append(res.Documents, &userv1.Document{
			Document: d.Name, Purpose: d.Purpose, Version: d.Version, Language: text.Language, Title: text.Title, Text: text.Body,
			Hash: text.Hash, Required: d.Required, EffectiveOn: d.EffectiveOn,
		})
	}
	return res, nil
}

// GiveConsent keeps that the person agrees to one document.
func (p public) GiveConsent(ctx context.Context, req *userv1.GiveConsentRequest) (*userv1.Consent, error) {
	s, who, ref := p.Service, rpc.From(ctx), req.GetConsent()
	d, ok := s.documents.Named(ref.GetDocument())
	if !ok || !d.Fits(ref.GetVersion(), ref.GetHash()) {
		return nil, errDocumentUnknown.On("consent")
	}
	consentID := s.IDs.New(id.Bucket(who.ID))
	var given rows.Consent
	err := s.write(ctx, func(tx *store.Tx) (err error) {
		given, err = s.keepConsent(tx, who.ID, consentID, d, ref.GetHash(), req.GetChannel(), who.SessionID)
		return err
	})
	if err != nil {
		return nil, errs.Wrap(err, "keeping a consent")
	}
	return consentOut(given), nil
}

// keepConsent stores a consent. The same one again changes nothing; one to an earlier version ends.
func (s *Service) keepConsent(tx *store.Tx, userID, consentID int64, d document.Document, hash, channel string, sessionID int64) (rows.Consent, error) {
	ctx, q, bucket := tx.Context(), rows.New(tx), id.Bucket(userID)
	live, err := q.LiveConsent(ctx, rows.LiveConsentParams{Bucket: bucket, UserID: userID, Document: d.Name})
	switch {
	case err == nil && live.DocVersion == d.Version:
		return live, nil
	case err == nil:
		if _, err := q.EndConsent(ctx, rows.EndConsentParams{WithdrawnMs: s.now(), Bucket: bucket, ID: live.ID}); err != nil {
			return rows.Consent{}, errs.Wrap(err, "ending an earlier consent")
		}
	case !none(err):
		return rows.Consent{}, errs.Wrap(err, "reading a consent")
	}
	row := rows.Consent{Bucket: bucket, ID: consentID, UserID: userID, Document: d.Name, DocVersion: d.Version, Purpose: d.Purpose,
		Hash: hash, Channel: channel, SessionID: sessionID, GivenMs: s.now()}
	err = q.InsertConsent(ctx, rows.InsertConsentParams{Bucket: row.Bucket, ID: row.ID, UserID: row.UserID, Document: row.Document,
		DocVersion: row.DocVersion, Purpose: row.Purpose, Hash: row.Hash, Channel: row.Channel, SessionID: row.SessionID, GivenMs: row.GivenMs})
	if err != nil {
		return row, errs.Wrap(err, "storing a consent")
	}
	details := map[string]string{"document": d.Name, "version": d.Version, "hash": hash, "channel": channel}
	if err := s.record(tx, "consent.give", "user", userID, "", details); err != nil {
		return row, err
	}
	return row, s.tell(tx, userID, bucket, &userv1.ConsentGiven{ConsentId: row.ID, Purpose: d.Purpose, Document: d.Name, Version: d.Version})
}

// WithdrawConsent ends a consent and says what stops.
func (p public) WithdrawConsent(ctx context.Context, req *userv1.WithdrawConsentRequest) (*userv1.WithdrawConsentResponse, error) {
	s, userID := p.Service, rpc.From(ctx).ID
	d, ok := s.documents.Named(req.GetDocument())
	if !ok {
		return nil, errDocumentUnknown.On("document")
	}
	err := s.write(ctx, func(tx *store.Tx) error {
		ctx, q, bucket := tx.Context(), rows.New(tx), id.Bucket(userID)
		live, err := q.LiveConsent(ctx, rows.LiveConsentParams{Bucket: bucket, UserID: userID, Document: d.Name})
		if none(err) {
			return errConsentNone
		}
		if err != nil {
			return err
		}
		n, err := q.EndConsent(ctx, rows.EndConsentParams{WithdrawnMs: s.now(), Bucket: bucket, ID: live.ID})
		if err := store.One(n, err, errStale); err != nil {
			return err
		}
		if err := s.record(tx, "consent.withdraw", "user", userID, "", map[string]string{"document": d.Name, "version": live.DocVersion}); err != nil {
			return err
		}
		return s.tell(tx, userID, bucket, &userv1.ConsentWithdrawn{ConsentId: live.ID, Purpose: d.Purpose})
	})
	if err != nil {
		return nil, errs.Wrap(err, "withdrawing a consent")
	}
	if rpc.Language(ctx) == rpc.English {
		return &userv1.WithdrawConsentResponse{Consequence: d.StopsEN}, nil
	}
	return &userv1.WithdrawConsentResponse{Consequence: d.StopsZH}, nil
}

// ListConsents lists every consent of the person.
func (p public) ListConsents(ctx context.Context, _ *userv1.ListConsentsRequest) (*userv1.ListConsentsResponse, error) {
	return p.consents(ctx, rpc.From(ctx).ID)
}

func (s *Service) consents(ctx context.Context, userID int64) (*userv1.ListConsentsResponse, error) {
	list, err := rows.New(s.DB.Primary()).ListConsents(ctx, rows.ListConsentsParams{Bucket: id.Bucket(userID), UserID: userID})
	if err != nil {
		return nil, errs.Wrap(err, "listing consents")
	}
	res := &userv1.ListConsentsResponse{}
	for _, c := range list {
		res.Consents = append(res.Consents, consentOut(c))
	}
	return res, nil
}

// purposes answers the purposes with a live consent.
func (s *Service) purposes(ctx context.Context, q store.DBTX, userID int64) ([]string, error) {
	list, err := rows.New(q).LivePurposes(ctx, rows.LivePurposesParams{Bucket: id.Bucket(userID), UserID: userID})
	return list, errs.Wrap(err, "reading consents")
}

// needConsent refuses what lacks a live consent and names the document.
func (s *Service) needConsent(ctx context.Context, q store.DBTX, userID int64, purposes ...string) error {
	live, err := s.purposes(ctx, q, userID)
	if err != nil {
		return err
	}
	for _, purpose := range purposes {
		if !slices.Contains(live, purpose) {
			d, _ := s.documents.For(purpose)
			return errConsent(d)
		}
	}
	return nil
}
