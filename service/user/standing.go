package user

import (
	"context"
	"time"

	userv1 "github.com/hengdai/hengdai/api/user/v1"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/service/user/element"
	"github.com/hengdai/hengdai/service/user/rows"
)

var errDate = errs.New(errs.Invalid, "user.date_invalid", "日期不存在。", "There is no such date.").On("on")

// GetStanding answers what others may know of a borrower without personal values.
func (i internalAPI) GetStanding(ctx context.Context, req *userv1.GetStandingRequest) (*userv1.Standing, error) {
	s := i.Service
	on, err := time.Parse(time.DateOnly, req.GetOn())
	if err != nil {
		return nil, errDate
	}
	person, err := s.person(ctx, s.DB.Primary(), req.GetUserId())
	if err != nil {
		return nil, err
	}
	consents, err := s.purposes(ctx, s.DB.Primary(), person.ID)
	if err != nil {
		return nil, err
	}
	cards, err := s.cards(ctx, person.ID)
	if err != nil {
		return nil, err
	}
	age, err := s.age(ctx, person, on)
	if err != nil {
		return nil, err
	}
	out := &userv1.Standing{
		UserId: person.ID, State: person.State, RegisteredMs: person.RegisteredMs, IdentifiedMs: person.IdentifiedMs, AgeYears: age,
		Consents: consents, MobileToken: person.MobileToken, DeviceToken: person.DeviceToken, AddressToken: person.AddressToken,
	}
	for _, c := range cards {
		if c.State == checkRefused {
			continue
		}
		out.Cards = append(out.Cards, &userv1.Card{CardId: c.ID, Bank: c.Bank, Last4: c.Last4, Token: c.Token,
			Verified: c.State == checkVerified, IsDefault: c.IsDefault == 1})
	}
	return out, nil
}

// age is whole years on a date; zero until the person is identified, or after erasure.
func (s *Service) age(ctx context.Context, person rows.Person, on time.Time) (int32, error) {
	if person.IdentifiedMs == 0 {
		return 0, nil
	}
	key, err := s.readKey(ctx, s.DB.Primary(), person.ID, classIdentity)
	if errs.CodeOf(err) == errs.NotFound {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	idNo, err := open(key, person.ID, fieldIDNo, person.IDNoSealed)
	if err != nil {
		return 0, err
	}
	born, err := element.BirthDate(idNo)
	if err != nil {
		return 0, err
	}
	return int32(element.Age(born, on)), nil
}
