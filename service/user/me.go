package user

import (
	"context"
	"strings"
	"unicode"

	userv1 "github.com/hengdai/hengdai/api/user/v1"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/rpc"
	"github.com/hengdai/hengdai/kit/secret"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/service/user/rows"
)

// GetMe answers what is known of the person, masked.
func (p public) GetMe(ctx context.Context, _ *userv1.GetMeRequest) (*userv1.Me, error) {
	return p.me(ctx, rpc.From(ctx).ID)
}

func (s *Service) me(ctx context.Context, userID int64) (*userv1.Me, error) {
	person, err := s.person(ctx, s.DB.Primary(), userID)
	if err != nil {
		return nil, err
	}
	masked, err := s.masked(ctx, person)
	if err != nil {
		return nil, err
	}
	consents, err := s.purposes(ctx, s.DB.Primary(), userID)
	if err != nil {
		return nil, err
	}
	return &userv1.Me{
		UserId: person.ID, State: person.State, MobileMasked: masked.mobile, NameMasked: masked.name, IdNoMasked: masked.idNo,
		HasAddress: len(person.AddressSealed) > 0, RegisteredMs: person.RegisteredMs, IdentifiedMs: person.IdentifiedMs,
		Identity: checkOut(person.IdentityState), Consents: consents,
	}, nil
}

type maskedValues struct{ mobile, name, idNo string }

// masked opens the values and shows what may be shown of them. Erased ones are empty.
func (s *Service) masked(ctx context.Context, person rows.Person) (maskedValues, error) {
	key, err := s.readKey(ctx, s.DB.Primary(), person.ID, classIdentity)
	if errs.CodeOf(err) == errs.NotFound {
		return maskedValues{}, nil
	}
	if err != nil {
		return maskedValues{}, err
	}
	mobile, err := open(key, person.ID, fieldMobile, person.MobileSealed)
	if err != nil {
		return maskedValues{}, err
	}
	name, err := open(key, person.ID, fieldName, person.NameSealed)
	if err != nil {
		return maskedValues{}, err
	}
	idNo, err := open(key, person.ID, fieldIDNo, person.IDNoSealed)
	if err != nil {
		return maskedValues{}, err
	}
	return maskedValues{mobile: secret.MaskMobile(mobile), name: secret.MaskName(name), idNo: secret.MaskID(idNo)}, nil
}

// GetIdentity answers how far the person's identity is established.
func (p public) GetIdentity(ctx context.Context, _ *userv1.GetIdentityRequest) (*userv1.Identity, error) {
	person, err := p.person(ctx, p.DB.Primary(), rpc.From(ctx).ID)
	if err != nil {
		return nil, err
	}
	masked, err := p.masked(ctx, person)
	if err != nil {
		return nil, err
	}
	return &userv1.Identity{State: checkOut(person.IdentityState), Reason: person.IdentityReason, NameMasked: masked.name,
		IdNoMasked: masked.idNo, VerifiedMs: person.IdentifiedMs}, nil
}

// SetAddress states the home address.
func (p public) SetAddress(ctx context.Context, req *userv1.SetAddressRequest) (*userv1.SetAddressResponse, error) {
	s, userID := p.Service, rpc.From(ctx).ID
	address, err := readAddress(req.GetAddress())
	if err != nil {
		return nil, err
	}
	err = s.write(ctx, func(tx *store.Tx) error {
		ctx := tx.Context()
		person, err := s.person(ctx, tx, userID)
		if err != nil {
			return err
		}
		key, err := s.readKey(ctx, tx, userID, classIdentity)
		if err != nil {
			return err
		}
		if person.AddressSealed, err = key.Seal(userID, fieldAddress, address); err != nil {
			return err
		}
		if person.AddressToken, err = s.token(ctx, tx, "address", address, userID); err != nil {
			return err
		}
		if err := putPerson(ctx, tx, person); err != nil {
			return err
		}
		return s.record(tx, "address.state", "user", userID, "", nil)
	})
	return &userv1.SetAddressResponse{}, errs.Wrap(err, "keeping an address")
}

// readAddress brings an address into one line with single blanks.
func readAddress(text string) (secret.String, error) {
	line := strings.Join(strings.Fields(text), " ")
	if len([]rune(line)) < 5 || strings.ContainsFunc(line, unicode.IsControl) {
		return secret.String{}, errAddress
	}
	return secret.New(line), nil
}
