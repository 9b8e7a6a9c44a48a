package user

import (
	"context"
	"encoding/binary"
	"strconv"
	"strings"
	"time"

	userv1 "github.com/hengdai/hengdai/api/user/v1"
	"github.com/hengdai/hengdai/kit/clock"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/id"
	"github.com/hengdai/hengdai/kit/job"
	"github.com/hengdai/hengdai/kit/rpc"
	"github.com/hengdai/hengdai/kit/secret"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/kit/vault"
	"github.com/hengdai/hengdai/service/user/document"
	"github.com/hengdai/hengdai/service/user/element"
	"github.com/hengdai/hengdai/service/user/rows"
)

// States of a card and of an identity check.
const (
	checkChecking = "CHECKING"
	checkVerified = "VERIFIED"
	checkRefused  = "REFUSED"
	cardUnbound   = "UNBOUND"
)

const adultYears = 18

// stated is a card as its holder states it, checked in form, with all that its unit needs.
type stated struct {
	userID, bucket            int64
	name, idNo, cardNo, bankM secret.String
	cardIdx, idIdx, bank      string
	cardID, checkID           int64
	freshKey                  vault.Key
	idempotencyKey            string
	hash                      []byte
}

// BindCard states the four elements. It decides and commits, leaves the question to a job, and waits a moment for the
// answer: what it answers then may still be CHECKING.
func (p public) BindCard(ctx context.Context, req *userv1.BindCardRequest) (*userv1.BankCard, error) {
	s := p.Service
	in, err := s.readCard(ctx, req)
	if err != nil {
		return nil, err
	}
	var cardID int64
	err = s.write(ctx, func(tx *store.Tx) error {
		scope := "user.BindCard/" + strconv.FormatInt(in.userID, 10)
		before, found, err := store.Idempotent(tx, in.bucket, scope, in.idempotencyKey, in.hash)
		if err != nil {
			return err
		}
		if found {
			cardID = int64(binary.BigEndian.Uint64(before))
			return nil
		}
		cardID = in.cardID
		answer := binary.BigEndian.AppendUint64(nil, uint64(cardID))
		// Kept first, so that of two equal requests at once the second one meets this row and nothing else.
		if err := store.Remember(tx, in.bucket, scope, in.idempotencyKey, in.hash, answer); err != nil {
			return err
		}
		return s.bind(tx, in)
	})
	if err != nil {
		return nil, errs.Wrap(err, "binding a card")
	}
	return s.awaitCheck(ctx, in.userID, cardID)
}

// readCard checks the form of what was stated.
func (s *Service) readCard(ctx context.Context, req *userv1.BindCardRequest) (stated, error) {
	userID := rpc.From(ctx).ID
	in := stated{
		userID: userID, bucket: id.Bucket(userID), cardNo: secret.New(req.GetCardNo()), bankM: secret.New(req.GetBankMobile()),
		idempotencyKey: req.GetIdempotencyKey(),
	}
	var err error
	if in.bank, err = s.rules.CardNo(in.cardNo); err != nil {
		return in, element.ErrCardNo.On("cardNo")
	}
	if s.rules.Mobile(in.bankM) != nil {
		return in, element.ErrMobile.On("bankMobile")
	}
	if req.GetName() != "" {
		if in.name, err = element.Name(secret.New(req.GetName())); err != nil {
			return in, element.ErrName.On("name")
		}
	}
	if req.GetIdNo() != "" {
		var born time.Time
		today := s.Clock.Now().In(clock.Shanghai)
		if in.idNo, born, err = s.rules.IDNo(secret.New(req.GetIdNo()), today); err != nil {
			return in, element.ErrIDNo.On("idNo")
		}
		if element.Age(born, today) < adultYears {
			return in, errUnderAge
		}
		in.idIdx = s.Index.Of(fieldIDNo, in.idNo)
	}
	in.cardIdx = s.Index.Of("card_no", in.cardNo)
	in.cardID, in.checkID = s.IDs.New(in.bucket), s.IDs.New(in.bucket)
	if in.freshKey, err = vault.NewKey(); err != nil {
		return in, err
	}
	in.hash, err = s.bodyHash(req)
	return in, err
}

// bind commits the card, the identity that is stated with the first one, and the question.
func (s *Service) bind(tx *store.Tx, in stated) error {
	ctx := tx.Context()
	person, err := s.person(ctx, tx, in.userID)
	if err != nil {
		return err
	}
	if person.State == stateClosed {
		return errClosed
	}
	first := person.State == stateRegistered
	needed := []string{document.Card}
	if first {
		needed = []string{document.Identity, document.Card}
	}
	if err := s.needConsent(ctx, tx, in.userID, needed...); err != nil {
		return err
	}
	if err := s.withinLimits(ctx, tx, in); err != nil {
		return err
	}
	if first {
		err = s.stateIdentity(tx, person, in)
	} else if err = s.sameIdentity(ctx, tx, person, in); err == nil {
		err = putPerson(ctx, tx, person) // raises the version, by which all changes of a person's cards meet
	}
	if err != nil {
		return err
	}
	return s.storeCard(tx, in, first)
}

func (s *Service) withinLimits(ctx context.Context, tx *store.Tx, in stated) error {
	perDay := limit{name: "card.user", key: strconv.FormatInt(in.userID, 10), window: 24 * time.Hour, most: s.limits.ChecksPerDay}
	if over, err := reached(ctx, tx, perDay); err != nil || over {
		return firstOf(err, errTooMany)
	}
	cards, err := rows.New(tx).ListCards(ctx, rows.ListCardsParams{Bucket: in.bucket, UserID: in.userID})
	if err != nil {
		return errs.Wrap(err, "reading cards")
	}
	held := 0
	for _, c := range cards {
		if c.State != checkRefused {
			held++
		}
	}
	if held >= s.limits.CardsMost {
		return errCardMany
	}
	return use(ctx, tx, perDay)
}

// stateIdentity keeps name and ID number, sealed, until the channel has confirmed or denied them.
func (s *Service) stateIdentity(tx *store.Tx, person rows.Person, in stated) error {
	ctx := tx.Context()
	switch {
	case person.IdentityState == checkChecking:
		return errChecking
	case in.name.Empty():
		return errNameMissing
	case in.idNo.Empty():
		return errIDMissing
	}
	err := s.reserve(ctx, tx, fieldIDNo, in.idIdx, in.userID, 0, "held", func(r rows.Reservation) error {
		if r.UserID == in.userID {
			return errChecking
		}
		return errIDTaken
	})
	if err != nil {
		return err
	}
	key, err := s.readKey(ctx, tx, in.userID, classIdentity)
	if err != nil {
		return err
	}
	if person.NameSealed, err = key.Seal(in.userID, fieldName, in.name); err != nil {
		return err
	}
	if person.IDNoSealed, err = key.Seal(in.userID, fieldIDNo, in.idNo); err != nil {
		return err
	}
	person.IdentityState, person.IdentityReason = checkChecking, ""
	return putPerson(ctx, tx, person)
}

// sameIdentity refuses another name or ID number than the verified one.
func (s *Service) sameIdentity(ctx context.Context, q store.DBTX, person rows.Person, in stated) error {
	if in.name.Empty() && in.idNo.Empty() {
		return nil
	}
	key, err := s.readKey(ctx, q, in.userID, classIdentity)
	if err != nil {
		return err
	}
	name, err := open(key, in.userID, fieldName, person.NameSealed)
	if err != nil {
		return err
	}
	idNo, err := open(key, in.userID, fieldIDNo, person.IDNoSealed)
	if err != nil {
		return err
	}
	if (!in.name.Empty() && !in.name.Equal(name)) || (!in.idNo.Empty() && !in.idNo.Equal(idNo)) {
		return errIdentityDiffers
	}
	return nil
}

func (s *Service) storeCard(tx *store.Tx, in stated, first bool) error {
	ctx, q := tx.Context(), rows.New(tx)
	err := s.reserve(ctx, tx, "card_no", in.cardIdx, in.userID, in.cardID, "held", func(r rows.Reservation) error {
		if r.UserID == in.userID {
			return errCardBound
		}
		return errCardTaken
	})
	if err != nil {
		return err
	}
	key, err := s.keyOrNew(ctx, tx, in.userID, classTransaction, in.freshKey)
	if err != nil {
		return err
	}
	number, err := key.Seal(in.userID, cardField("card_no", in.cardID), in.cardNo)
	if err != nil {
		return err
	}
	mobile, err := key.Seal(in.userID, cardField("card_mobile", in.cardID), in.bankM)
	if err != nil {
		return err
	}
	token, err := s.token(ctx, tx, "card", in.cardNo, in.userID)
	if err != nil {
		return err
	}
	v := in.cardNo.Reveal()
	err = q.InsertCard(ctx, rows.InsertCardParams{Bucket: in.bucket, ID: in.cardID, UserID: in.userID, NumberSealed: number, MobileSealed: mobile,
		Bank: in.bank, Last4: v[len(v)-4:], Token: token, CreatedMs: s.now()})
	if err != nil {
		return errs.Wrap(err, "storing a card")
	}
	err = q.InsertCheck(ctx, rows.InsertCheckParams{Bucket: in.bucket, ID: in.checkID, UserID: in.userID, CardID: in.cardID,
		First: number01(first), Channel: s.Identity.Name(), AskedMs: s.now()})
	if err != nil {
		return errs.Wrap(err, "storing a check")
	}
	if err := s.record(tx, "card.state", "card", in.cardID, "", map[string]string{"bank": in.bank, "first": yesNo(first)}); err != nil {
		return err
	}
	return s.queue.Add(tx, job.Effect{Kind: checkKind, Bucket: in.bucket, ID: in.checkID})
}

// awaitCheck waits a moment until the check of a card is answered, woken by commits, and answers the card as it is.
func (s *Service) awaitCheck(ctx context.Context, userID, cardID int64) (*userv1.BankCard, error) {
	var enough <-chan time.Time
	if s.limits.CheckWait > 0 {
		timer := clock.NewTimer(s.limits.CheckWait)
		defer timer.Stop()
		enough = timer.C
	}
	for {
		rung := s.bell.wait()
		card, err := s.card(ctx, s.DB.Primary(), userID, cardID)
		if err != nil {
			return nil, err
		}
		if card.State != checkChecking || enough == nil {
			return cardOut(card), nil
		}
		select {
		case <-rung:
		case <-enough:
			enough = nil
		case <-ctx.Done():
			return cardOut(card), nil
		}
	}
}

// card reads a card of a person; another's is not found.
func (s *Service) card(ctx context.Context, q store.DBTX, userID, cardID int64) (rows.Card, error) {
	c, err := rows.New(q).GetCard(ctx, rows.GetCardParams{Bucket: id.Bucket(userID), ID: cardID})
	if none(err) || (err == nil && c.UserID != userID) {
		return rows.Card{}, errNotFound
	}
	return c, errs.Wrap(err, "reading a card")
}

func putCard(ctx context.Context, tx *store.Tx, c rows.Card) error {
	n, err := rows.New(tx).UpdateCard(ctx, rows.UpdateCardParams{NumberSealed: c.NumberSealed, MobileSealed: c.MobileSealed, Bank: c.Bank,
		State: c.State, Reason: c.Reason, IsDefault: c.IsDefault, VerifiedMs: c.VerifiedMs, Bucket: c.Bucket, ID: c.ID, Version: c.Version})
	return store.One(n, err, errStale)
}

// cardField names a card's field in the associated data: a number moved to another card does not open.
func cardField(field string, cardID int64) string {
	return strings.Join([]string{field, strconv.FormatInt(cardID, 10)}, " ")
}

func firstOf(err, other error) error {
	if err != nil {
		return err
	}
	return other
}

func number01(b bool) int64 {
	if b {
		return 1
	}
	return 0
}
