package user

import (
	"context"
	"slices"
	"strings"

	userv1 "github.com/hengdai/hengdai/api/user/v1"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/id"
	"github.com/hengdai/hengdai/kit/rpc"
	"github.com/hengdai/hengdai/kit/secret"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/kit/vault"
	"github.com/hengdai/hengdai/service/user/rows"
)

// look is one act of taking values out.
type look struct {
	userID, cardID, subjectID int64
	fields                    []string
	purpose, reason           string
}

// Reveal answers personal values for one stated purpose. The row that says so is committed before the values leave.
func (i internalAPI) Reveal(ctx context.Context, req *userv1.RevealRequest) (*userv1.RevealResponse, error) {
	if err := mayReveal(rpc.From(ctx), req.GetPurpose(), req.GetFields()); err != nil {
		return nil, err
	}
	return i.reveal(ctx, look{userID: req.GetUserId(), cardID: req.GetCardId(), subjectID: req.GetSubjectId(), fields: req.GetFields(),
		purpose: req.GetPurpose()})
}

func (s *Service) reveal(ctx context.Context, l look) (*userv1.RevealResponse, error) {
	person, err := s.person(ctx, s.DB.Primary(), l.userID)
	if err != nil {
		return nil, err
	}
	res, err := s.openFields(ctx, person, l)
	if err != nil {
		return nil, errs.Wrap(err, "revealing")
	}
	if err := s.keepAccess(ctx, "reveal", l); err != nil {
		return nil, errs.Wrap(err, "recording a look")
	}
	return res, nil
}

func (s *Service) openFields(ctx context.Context, person rows.Person, l look) (*userv1.RevealResponse, error) {
	res := &userv1.RevealResponse{}
	key, err := s.readKey(ctx, s.DB.Primary(), person.ID, classIdentity)
	if err != nil {
		return nil, err
	}
	for _, f := range []struct {
		name   string
		sealed []byte
		into   *string
	}{
		{fieldName, person.NameSealed, &res.Name}, {fieldIDNo, person.IDNoSealed, &res.IdNo},
		{fieldMobile, person.MobileSealed, &res.Mobile}, {fieldAddress, person.AddressSealed, &res.Address},
	} {
		if !slices.Contains(l.fields, f.name) {
			continue
		}
		value, err := open(key, person.ID, f.name, f.sealed)
		if err != nil {
			return nil, err
		}
		*f.into = value.Reveal()
	}
	if slices.Contains(l.fields, "card_no") || slices.Contains(l.fields, "card_mobile") {
		return res, s.openCard(ctx, l, res)
	}
	return res, nil
}

func (s *Service) openCard(ctx context.Context, l look, res *userv1.RevealResponse) error {
	card, err := s.chosenCard(ctx, l)
	if err != nil {
		return err
	}
	if card.State != checkVerified {
		return errCardNotVerified
	}
	key, err := s.readKey(ctx, s.DB.Primary(), l.userID, classTransaction)
	if err != nil {
		return err
	}
	for _, f := range []struct {
		name   string
		sealed []byte
		into   *string
	}{{"card_no", card.NumberSealed, &res.CardNo}, {"card_mobile", card.MobileSealed, &res.CardMobile}} {
		if !slices.Contains(l.fields, f.name) {
			continue
		}
		value, err := open(key, l.userID, cardField(f.name, card.ID), f.sealed)
		if err != nil {
			return err
		}
		*f.into = value.Reveal()
	}
	return nil
}

// chosenCard is the named card, or the default one.
func (s *Service) chosenCard(ctx context.Context, l look) (rows.Card, error) {
	if l.cardID != 0 {
		return s.card(ctx, s.DB.Primary(), l.userID, l.cardID)
	}
	all, err := s.cards(ctx, l.userID)
	if err != nil {
		return rows.Card{}, err
	}
	for _, c := range all {
		if c.IsDefault == 1 {
			return c, nil
		}
	}
	return rows.Card{}, errNotFound.On("cardId")
}

// keepAccess stores who looked at what for what, and the audit row of it.
func (s *Service) keepAccess(ctx context.Context, act string, l look) error {
	bucket := id.Bucket(l.userID)
	accessID := s.IDs.New(bucket)
	who := rpc.From(ctx)
	var staffID int64
	if person, ok := who.Person(); ok && person.Kind == rpc.Staff {
		staffID = person.ID
	}
	fields := strings.Join(l.fields, ",")
	return s.write(ctx, func(tx *store.Tx) error {
		err := rows.New(tx).InsertAccess(tx.Context(), rows.InsertAccessParams{Bucket: bucket, ID: accessID, UserID: l.userID, AtMs: s.now(), Act: act,
			Service: who.Service, StaffID: staffID, Purpose: l.purpose, Fields: fields, SubjectID: l.subjectID})
		if err != nil {
			return err
		}
		return s.record(tx, "person."+act, "user", l.userID, l.reason, map[string]string{"purpose": l.purpose, "fields": fields})
	})
}

// ClassKey hands out a person's data key of one class, sealed to the calling process.
func (i internalAPI) ClassKey(ctx context.Context, req *userv1.ClassKeyRequest) (*userv1.ClassKeyResponse, error) {
	s, who := i.Service, rpc.From(ctx)
	if err := mayHaveKey(req.GetClass(), req.GetPurpose(), who.Service); err != nil {
		return nil, err
	}
	to := s.Ring.PublicSeal(who.Service)
	if to == nil {
		return nil, errPurpose.On("purpose")
	}
	key, err := s.classKey(ctx, req.GetUserId(), req.GetClass())
	if err != nil {
		return nil, err
	}
	sealed, err := vault.SealTo(to, key.Bytes())
	if err != nil {
		return nil, err
	}
	err = s.keepAccess(ctx, "key", look{userID: req.GetUserId(), fields: []string{req.GetClass()}, purpose: req.GetPurpose()})
	if err != nil {
		return nil, errs.Wrap(err, "recording a hand-out")
	}
	return &userv1.ClassKeyResponse{SealedKeyset: sealed}, nil
}

// classKey reads a key, and makes it for a person who has none of the class yet.
func (s *Service) classKey(ctx context.Context, userID int64, class string) (vault.Key, error) {
	key, err := s.readKey(ctx, s.DB.Primary(), userID, class)
	if errs.ReasonOf(err) != errNotFound.Reason {
		return key, err
	}
	if _, err := s.person(ctx, s.DB.Primary(), userID); err != nil {
		return vault.Key{}, err
	}
	fresh, err := vault.NewKey()
	if err != nil {
		return vault.Key{}, err
	}
	err = s.write(ctx, func(tx *store.Tx) error {
		key, err = s.keyOrNew(tx.Context(), tx, userID, class, fresh)
		return err
	})
	return key, errs.Wrap(err, "making a data key")
}

// tokenKinds are the values that get tokens.
var tokenKinds = []string{"mobile", "card", "device", "address", "ip"}

// Tokenise answers the random ids that stand for values, in the order asked.
func (i internalAPI) Tokenise(ctx context.Context, req *userv1.TokeniseRequest) (*userv1.TokeniseResponse, error) {
	s := i.Service
	for _, v := range req.GetValues() {
		if !slices.Contains(tokenKinds, v.GetKind()) {
			return nil, errField.On("values")
		}
	}
	var res *userv1.TokeniseResponse
	err := s.write(ctx, func(tx *store.Tx) error {
		res = &userv1.TokeniseResponse{}
		for _, v := range req.GetValues() {
			if _, err := s.person(tx.Context(), tx, v.GetUserId()); err != nil {
				return err
			}
			token, err := s.token(tx.Context(), tx, v.GetKind(), secret.New(v.GetValue()), v.GetUserId())
			if err != nil {
				return err
			}
			res.Tokens = append(res.Tokens, token)
		}
		return nil
	})
	if err != nil {
		return nil, errs.Wrap(err, "making tokens")
	}
	return res, nil
}

// Find answers the users whose value is exactly this. The search is recorded without the value.
func (i internalAPI) Find(ctx context.Context, req *userv1.FindRequest) (*userv1.FindResponse, error) {
	found, err := i.find(ctx, req.GetField(), secret.New(strings.TrimSpace(req.GetValue())), "internal search")
	if err != nil {
		return nil, err
	}
	return &userv1.FindResponse{UserIds: found}, nil
}

// find looks a value up by its blind index.
func (s *Service) find(ctx context.Context, field string, value secret.String, purposeName string) ([]int64, error) {
	if field == fieldIDNo {
		value = secret.New(strings.ToUpper(value.Reveal()))
	}
	held, err := s.holder(ctx, s.DB.Primary(), field, s.Index.Of(field, value))
	if err != nil {
		return nil, err
	}
	err = s.write(ctx, func(tx *store.Tx) error {
		return s.record(tx, "person.find", "user", held.UserID, "", map[string]string{"field": field, "purpose": purposeName})
	})
	if err != nil || held.UserID == 0 || held.State != "confirmed" {
		return nil, errs.Wrap(err, "recording a search")
	}
	return []int64{held.UserID}, nil
}
