package user

import (
	"context"

	userv1 "github.com/hengdai/hengdai/api/user/v1"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/id"
	"github.com/hengdai/hengdai/kit/rpc"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/service/user/rows"
)

// GetCard answers one card of the person.
func (p public) GetCard(ctx context.Context, req *userv1.GetCardRequest) (*userv1.BankCard, error) {
	c, err := p.card(ctx, p.DB.Primary(), rpc.From(ctx).ID, req.GetCardId())
	if err != nil {
		return nil, err
	}
	return cardOut(c), nil
}

// ListCards lists the bound cards of the person.
func (p public) ListCards(ctx context.Context, _ *userv1.ListCardsRequest) (*userv1.ListCardsResponse, error) {
	list, err := p.cards(ctx, rpc.From(ctx).ID)
	if err != nil {
		return nil, err
	}
	res := &userv1.ListCardsResponse{}
	for _, c := range list {
		if c.State != checkRefused {
			res.Cards = append(res.Cards, cardOut(c))
		}
	}
	return res, nil
}

func (s *Service) cards(ctx context.Context, userID int64) ([]rows.Card, error) {
	list, err := rows.New(s.DB.Primary()).ListCards(ctx, rows.ListCardsParams{Bucket: id.Bucket(userID), UserID: userID})
	return list, errs.Wrap(err, "listing cards")
}

// SetDefaultCard chooses the card that is used first.
func (p public) SetDefaultCard(ctx context.Context, req *userv1.SetDefaultCardRequest) (*userv1.BankCard, error) {
	s, userID := p.Service, rpc.From(ctx).ID
	var chosen rows.Card
	err := s.write(ctx, func(tx *store.Tx) error {
		ctx := tx.Context()
		var err error
		if chosen, err = s.card(ctx, tx, userID, req.GetCardId()); err != nil {
			return err
		}
		if chosen.State != checkVerified {
			return errCardNotVerified
		}
		if chosen.IsDefault == 1 {
			return nil
		}
		if err := s.touch(ctx, tx, userID); err != nil {
			return err
		}
		all, err := rows.New(tx).ListCards(ctx, rows.ListCardsParams{Bucket: chosen.Bucket, UserID: userID})
		if err != nil {
			return err
		}
		for _, c := range all {
			if c.IsDefault == 1 {
				c.IsDefault = 0
				if err := putCard(ctx, tx, c); err != nil {
					return err
				}
			}
		}
		chosen.IsDefault = 1
		if err := putCard(ctx, tx, chosen); err != nil {
			return err
		}
		return s.record(tx, "card.default", "card", chosen.ID, "", nil)
	})
	if err != nil {
		return nil, errs.Wrap(err, "choosing a card")
	}
	return cardOut(chosen), nil
}

// UnbindCard takes a card away and forgets its number.
func (p public) UnbindCard(ctx context.Context, req *userv1.UnbindCardRequest) (*userv1.UnbindCardResponse, error) {
	s, userID := p.Service, rpc.From(ctx).ID
	err := s.write(ctx, func(tx *store.Tx) error {
		ctx := tx.Context()
		card, err := s.card(ctx, tx, userID, req.GetCardId())
		if err != nil {
			return err
		}
		switch card.State {
		case cardUnbound:
			return nil
		case checkChecking:
			return errChecking
		}
		return s.unbind(tx, card)
	})
	return &userv1.UnbindCardResponse{}, errs.Wrap(err, "unbinding a card")
}

// touch raises the version of a person, by which all changes of his cards meet.
func (s *Service) touch(ctx context.Context, tx *store.Tx, userID int64) error {
	person, err := s.person(ctx, tx, userID)
	if err != nil {
		return err
	}
	return putPerson(ctx, tx, person)
}

func (s *Service) unbind(tx *store.Tx, card rows.Card) error {
	ctx := tx.Context()
	if err := s.touch(ctx, tx, card.UserID); err != nil {
		return err
	}
	all, err := rows.New(tx).ListCards(ctx, rows.ListCardsParams{Bucket: card.Bucket, UserID: card.UserID})
	if err != nil {
		return err
	}
	for _, c := range all {
		if card.IsDefault == 1 && c.ID != card.ID && c.State == checkVerified {
			return errCardDefault
		}
	}
	if len(card.NumberSealed) > 0 {
		key, err := s.readKey(ctx, tx, card.UserID, classTransaction)
		if err != nil {
			return err
		}
		number, err := key.Open(card.UserID, cardField("card_no", card.ID), card.NumberSealed)
		if err != nil {
			return errs.Wrap(err, "opening a card number")
		}
		if err := releaseValue(ctx, tx, "card_no", s.Index.Of("card_no", number), card.UserID, card.ID); err != nil {
			return err
		}
	}
	was := card.State
	card.State, card.IsDefault, card.NumberSealed, card.MobileSealed = cardUnbound, 0, []byte{}, []byte{}
	if err := putCard(ctx, tx, card); err != nil {
		return err
	}
	if err := s.record(tx, "card.unbind", "card", card.ID, "", nil); err != nil || was != checkVerified {
		return err
	}
	return s.tell(tx, card.UserID, card.Bucket, &userv1.CardUnbound{CardId: card.ID, CardToken: card.Token})
}
