package user

import (
	"context"
	"errors"
	"strconv"
	"strings"

	userv1 "github.com/hengdai/hengdai/api/user/v1"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/job"
	"github.com/hengdai/hengdai/kit/secret"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/service/user/channel"
	"github.com/hengdai/hengdai/service/user/rows"
)

// checkKind is the stored effect that puts one question to the identity channel. The effect's id is the question's.
const checkKind = "user.check"

// carryOutCheck asks the channel and commits the answer. The request id is the stored id of the question, so a crash at
// any point ends in the same answer.
func (s *Service) carryOutCheck(ctx context.Context, e job.Effect) error {
	check, err := rows.New(s.DB.Primary()).GetCheck(ctx, rows.GetCheckParams{Bucket: e.Bucket, ID: e.ID})
	if err != nil {
		return errs.Wrap(err, "reading a check")
	}
	if check.State != checkChecking {
		return nil
	}
	q, err := s.question(ctx, check)
	if err != nil {
		return err
	}
	answer, err := s.Identity.Verify(ctx, q)
	if errors.Is(err, channel.ErrReused) {
		s.Logger.ErrorContext(ctx, "the identity channel saw a request id twice with different bodies", "check", e.ID)
		answer, err = channel.Answer{Code: "reused"}, nil
	}
	if err != nil {
		return errs.Wrap(err, "asking "+check.Channel)
	}
	err = s.write(ctx, func(tx *store.Tx) error {
		if err := s.queue.Hold(tx, e); err != nil {
			return err
		}
		return s.settleCheck(tx, check, answer, q)
	})
	return errs.Wrap(err, "keeping the answer of "+check.Channel)
}

// question opens the four elements. It is the only place from which they leave for a channel.
func (s *Service) question(ctx context.Context, check rows.IdentityCheck) (channel.Question, error) {
	q := channel.Question{RequestID: strconv.FormatInt(check.ID, 10)}
	person, err := s.person(ctx, s.DB.Primary(), check.UserID)
	if err != nil {
		return q, err
	}
	card, err := s.card(ctx, s.DB.Primary(), check.UserID, check.CardID)
	if err != nil {
		return q, err
	}
	identity, err := s.readKey(ctx, s.DB.Primary(), check.UserID, classIdentity)
	if err != nil {
		return q, err
	}
	transaction, err := s.readKey(ctx, s.DB.Primary(), check.UserID, classTransaction)
	if err != nil {
		return q, err
	}
	for _, f := range []struct {
		into   *secret.String
		open   func(int64, string, []byte) (secret.String, error)
		field  string
		sealed []byte
	}{
		{&q.Name, identity.Open, fieldName, person.NameSealed},
		{&q.IDNo, identity.Open, fieldIDNo, person.IDNoSealed},
		{&q.CardNo, transaction.Open, cardField("card_no", card.ID), card.NumberSealed},
		{&q.Mobile, transaction.Open, cardField("card_mobile", card.ID), card.MobileSealed},
	} {
		if *f.into, err = f.open(check.UserID, f.field, f.sealed); err != nil {
			return q, errs.Wrap(err, "opening an element")
		}
	}
	return q, nil
}

// settleCheck commits what the channel said: the check, the card, and with the first card the identity.
func (s *Service) settleCheck(tx *store.Tx, check rows.IdentityCheck, answer channel.Answer, q channel.Question) error {
	ctx := tx.Context()
	state, reason := checkVerified, ""
	if answer.Result != channel.Match {
		state, reason = checkRefused, refusal(answer.Result)
	}
	n, err := rows.New(tx).AnswerCheck(ctx, rows.AnswerCheckParams{State: state, Code: answer.Code, Reason: reason, AnsweredMs: s.now(),
		Bucket: check.Bucket, ID: check.ID, Version: check.Version})
	if err := store.One(n, err, errStale); err != nil {
		return err
	}
	card, err := s.card(ctx, tx, check.UserID, check.CardID)
	if err != nil {
		return err
	}
	person, err := s.person(ctx, tx, check.UserID)
	if err != nil {
		return err
	}
	if state == checkVerified {
		err = s.acceptCard(tx, check, person, card, answer, q)
	} else {
		err = s.refuseCard(tx, check, person, card, reason, q)
	}
	if err != nil {
		return err
	}
	details := map[string]string{"channel": check.Channel, "request": q.RequestID, "state": strings.ToLower(state), "code": answer.Code, "reason": reason}
	return s.record(tx, "identity.answer", "user", check.UserID, "", details)
}

func (s *Service) acceptCard(tx *store.Tx, check rows.IdentityCheck, person rows.Person, card rows.Card, answer channel.Answer, q channel.Question) error {
	ctx := tx.Context()
	others, err := rows.New(tx).ListCards(ctx, rows.ListCardsParams{Bucket: card.Bucket, UserID: card.UserID})
	if err != nil {
		return errs.Wrap(err, "reading cards")
	}
	hasDefault := false
	for _, c := range others {
		hasDefault = hasDefault || c.IsDefault == 1
	}
	card.State, card.VerifiedMs, card.IsDefault = checkVerified, s.now(), number01(!hasDefault)
	if answer.Bank != "" && len(answer.Bank) <= 16 {
		card.Bank = answer.Bank
	}
	if err := putCard(ctx, tx, card); err != nil {
		return err
	}
	if err := confirmValue(ctx, tx, "card_no", s.Index.Of("card_no", q.CardNo), card.UserID, card.ID); err != nil {
		return err
	}
	if check.First == 1 {
		person.State, person.IdentityState, person.IdentifiedMs = stateIdentified, checkVerified, s.now()
	}
	if err := putPerson(ctx, tx, person); err != nil { // also for its version: two cards do not both become the default
		return err
	}
	if check.First == 1 {
		if err := confirmValue(ctx, tx, fieldIDNo, s.Index.Of(fieldIDNo, q.IDNo), card.UserID, 0); err != nil {
			return err
		}
		event := &userv1.IdentityVerified{Channel: check.Channel, RequestId: q.RequestID}
		if err := s.tell(tx, card.UserID, card.Bucket, event); err != nil {
			return err
		}
	}
	return s.tell(tx, card.UserID, card.Bucket, &userv1.CardBound{CardId: card.ID, Bank: card.Bank, CardToken: card.Token})
}

// refuseCard gives the reserved values free and forgets what was stated: nobody keeps a number out of use by stating it.
func (s *Service) refuseCard(tx *store.Tx, check rows.IdentityCheck, person rows.Person, card rows.Card, reason string, q channel.Question) error {
	ctx := tx.Context()
	card.State, card.Reason, card.NumberSealed, card.MobileSealed = checkRefused, reason, []byte{}, []byte{}
	if err := putCard(ctx, tx, card); err != nil {
		return err
	}
	if err := releaseValue(ctx, tx, "card_no", s.Index.Of("card_no", q.CardNo), card.UserID, card.ID); err != nil {
		return err
	}
	if check.First != 1 {
		return nil
	}
	person.IdentityState, person.IdentityReason, person.NameSealed, person.IDNoSealed = checkRefused, reason, []byte{}, []byte{}
	if err := putPerson(ctx, tx, person); err != nil {
		return err
	}
	if err := releaseValue(ctx, tx, fieldIDNo, s.Index.Of(fieldIDNo, q.IDNo), card.UserID, 0); err != nil {
		return err
	}
	return s.tell(tx, card.UserID, card.Bucket, &userv1.IdentityRefused{Channel: check.Channel, Reason: reason})
}

func refusal(r channel.Result) string {
	switch r {
	case channel.Mismatch:
		return "mismatch"
	case channel.NoRecord:
		return "no_record"
	case channel.BadIDNo:
		return "bad_id_no"
	case channel.BadCardNo:
		return "bad_card_no"
	case channel.Match:
	}
	return "failed"
}
