package user_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	userv1 "github.com/hengdai/hengdai/api/user/v1"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/kit/store/storetest"
	"github.com/hengdai/hengdai/sandbox/party"
	"github.com/hengdai/hengdai/sandbox/people"
	"github.com/hengdai/hengdai/service/user"
)

func TestFromAMobileToAnIdentifiedPerson(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		ctx := context.Background()
		who, me, card := r.identified(1)
		if card.GetBank() != who.Cards[0].Bank || !card.GetIsDefault() || !strings.HasSuffix(who.Cards[0].CardNo, card.GetLast4()) {
			t.Fatalf("%v", card)
		}
		got, err := r.public(me).GetMe(ctx, &userv1.GetMeRequest{})
		must(t, err)
		if got.GetState() != "identified" || got.GetIdentity() != userv1.CheckState_CHECK_STATE_VERIFIED ||
			[]rune(got.GetNameMasked())[0] != []rune(who.Name)[0] || strings.Contains(got.GetIdNoMasked(), who.IDNo[6:14]) {
			t.Fatalf("%v", got)
		}
		standing, err := r.internal("loan").GetStanding(ctx, &userv1.GetStandingRequest{UserId: me.ID, On: "2026-06-01"})
		must(t, err)
		if standing.GetState() != "identified" || standing.GetAgeYears() < 18 || len(standing.GetCards()) != 1 || !standing.GetCards()[0].GetVerified() ||
			standing.GetMobileToken() == "" || standing.GetDeviceToken() == "" || strings.Join(standing.GetConsents(), " ") != "card identity privacy" {
			t.Fatalf("%v", standing)
		}
		if len(r.events("user.v1.IdentityVerified")) != 1 || len(r.events("user.v1.CardBound")) != 1 {
			t.Fatal("it is not told")
		}
	})
}

func TestWithoutItsConsentNothingIsChecked(t *testing.T) {
	r := start(t, storetest.SQLite(t))
	ctx := context.Background()
	who := r.someone(2)
	me, _ := r.register(who.Mobile)
	bind := func() error {
		_, err := r.public(me).BindCard(ctx, bindRequest(who, r.key()))
		return err
	}
	wants(t, bind(), errs.Precondition, "user.consent_missing")
	r.consent(me, "identity_authorisation")
	wants(t, bind(), errs.Precondition, "user.consent_missing")
	r.consent(me, "card_authorisation")
	res, err := r.public(me).WithdrawConsent(ctx, &userv1.WithdrawConsentRequest{Document: "identity_authorisation"})
	must(t, err)
	if res.GetConsequence() == "" {
		t.Fatal("it is not said what stops")
	}
	wants(t, bind(), errs.Precondition, "user.consent_missing")
	r.consent(me, "identity_authorisation")
	must(t, bind())
	list, err := r.public(me).ListConsents(ctx, &userv1.ListConsentsRequest{})
	must(t, err)
	withdrawn := 0
	for _, c := range list.GetConsents() {
		if c.GetWithdrawnMs() != 0 {
			withdrawn++
		}
	}
	if len(list.GetConsents()) != 4 || withdrawn != 1 {
		t.Fatalf("%d consents, %d withdrawn", len(list.GetConsents()), withdrawn)
	}
}

func TestARefusalSaysWhyAndFreesTheNumbers(t *testing.T) {
	r := start(t, storetest.SQLite(t))
	ctx := context.Background()
	who, other := r.someone(3), r.someone(4)
	me, _ := r.register(who.Mobile)
	r.consent(me, "identity_authorisation", "card_authorisation")
	req := bindRequest(who, r.key())
	req.BankMobile = other.Mobile
	card, err := r.public(me).BindCard(ctx, req)
	must(t, err)
	if card.GetState() != userv1.CheckState_CHECK_STATE_REFUSED || card.GetReason() != "mismatch" {
		t.Fatalf("%v", card)
	}
	identity, err := r.public(me).GetIdentity(ctx, &userv1.GetIdentityRequest{})
	must(t, err)
	if identity.GetState() != userv1.CheckState_CHECK_STATE_REFUSED || identity.GetReason() != "mismatch" || identity.GetNameMasked() != "" {
		t.Fatalf("%v", identity)
	}
	unknown := people.Make(99, 1, people.Options{})
	card, err = r.public(me).BindCard(ctx, bindRequest(unknown, r.key()))
	must(t, err)
	if card.GetReason() != "no_record" {
		t.Fatalf("%v", card)
	}
	card, err = r.public(me).BindCard(ctx, bindRequest(who, r.key()))
	must(t, err)
	if card.GetState() != userv1.CheckState_CHECK_STATE_VERIFIED {
		t.Fatalf("after a refusal the right values are refused: %v", card)
	}
	cards, err := r.public(me).ListCards(ctx, &userv1.ListCardsRequest{})
	must(t, err)
	if len(cards.GetCards()) != 1 {
		t.Fatalf("%d cards are shown", len(cards.GetCards()))
	}
}

func TestOneIDNumberAndOneCardBelongToOnePerson(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		ctx := context.Background()
		who, _, _ := r.identified(5)
		thief, _ := r.register("12100000020")
		r.consent(thief, "identity_authorisation", "card_authorisation")
		_, err := r.public(thief).BindCard(ctx, bindRequest(who, r.key()))
		wants(t, err, errs.Conflict, "user.id_no_taken")
		own := r.someone(6)
		req := bindRequest(own, r.key())
		req.CardNo = who.Cards[0].CardNo
		_, err = r.public(thief).BindCard(ctx, req)
		wants(t, err, errs.Conflict, "user.card_taken")
		if _, err := r.public(thief).BindCard(ctx, bindRequest(own, r.key())); err != nil {
			t.Fatalf("a refused attempt left something behind: %v", err)
		}
	})
}

func TestBindingTwiceWithOneKeyIsOneCard(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		ctx := context.Background()
		who := r.someone(7)
		me, _ := r.register(who.Mobile)
		r.consent(me, "identity_authorisation", "card_authorisation")
		req := bindRequest(who, r.key())
		ids := make([]int64, 8)
		var wg sync.WaitGroup
		for i := range ids {
			wg.Go(func() {
				card, err := r.public(me).BindCard(ctx, req)
				if err != nil {
					t.Errorf("%v", err)
				}
				ids[i] = card.GetCardId()
			})
		}
		wg.Wait()
		for _, cardID := range ids {
			if cardID != ids[0] {
				t.Fatal("several cards")
			}
		}
		req.BankMobile = "12999999999"
		_, err := r.public(me).BindCard(ctx, req)
		wants(t, err, errs.Conflict, "idempotency.body_differs")
		_, err = r.public(me).BindCard(ctx, bindRequest(who, r.key()))
		wants(t, err, errs.Conflict, "user.card_bound")
	})
}

func TestACheckSurvivesAnUnreachableBureauAndARestart(t *testing.T) {
	r := start(t, storetest.SQLite(t), limits(user.Limits{CheckWait: 50 * time.Millisecond}))
	ctx := context.Background()
	who := r.someone(8)
	me, _ := r.register(who.Mobile)
	r.consent(me, "identity_authorisation", "card_authorisation")
	r.faults(party.Rule{Party: "bureau", Op: "verify4", Kind: party.ServerError, Count: 1000})
	card, err := r.public(me).BindCard(ctx, bindRequest(who, r.key()))
	must(t, err)
	if card.GetState() != userv1.CheckState_CHECK_STATE_CHECKING {
		t.Fatalf("%v", card)
	}
	_, err = r.public(me).BindCard(ctx, bindRequest(who, r.key()))
	wants(t, err, errs.Precondition, "user.check_in_progress")
	r.restart(limits(user.Limits{CheckWait: 50 * time.Millisecond}))
	must(t, postDelete(r.bureau.URL+"/control/faults?party=bureau"))
	deadline := time.Now().Add(10 * time.Second)
	for card.GetState() == userv1.CheckState_CHECK_STATE_CHECKING && time.Now().Before(deadline) {
		time.Sleep(20 * time.Millisecond)
		card, err = r.public(me).GetCard(ctx, &userv1.GetCardRequest{CardId: card.GetCardId()})
		must(t, err)
	}
	if card.GetState() != userv1.CheckState_CHECK_STATE_VERIFIED {
		t.Fatalf("%v", card)
	}
}

func TestAnAnswerThatCannotBeTrustedIsNoAnswer(t *testing.T) {
	for _, kind := range []party.Kind{party.BadSignature, party.Garbage, party.LostResponse, party.ServerErrorAfter, party.UnknownCode, party.Busy} {
		t.Run(string(kind), func(t *testing.T) {
			r := start(t, storetest.SQLite(t))
			r.faults(party.Rule{Party: "bureau", Op: "verify4", Kind: kind, Count: 1})
			r.identified(9)
			if n := r.count(`SELECT tries FROM kit_effect WHERE kind = 'user.check'`); n != 1 {
				t.Fatalf("it was tried again %d times", n)
			}
		})
	}
}

func TestLaterCardsNeedOnlyNumberAndMobile(t *testing.T) {
	r := start(t, storetest.SQLite(t))
	ctx := context.Background()
	who, me, first := r.identified(10)
	second := people.Make(7, 1010, people.Options{}).Cards[0]
	must(t, r.box.Write(ctx, func(tx *store.Tx) error {
		p := who
		p.Cards = []people.Card{second}
		return people.Add(ctx, tx, p, 1)
	}))
	req := &userv1.BindCardRequest{CardNo: second.CardNo, BankMobile: second.Mobile, IdempotencyKey: r.key()}
	wrong := bindRequest(who, r.key())
	wrong.CardNo, wrong.BankMobile, wrong.Name = second.CardNo, second.Mobile, "别人"
	_, err := r.public(me).BindCard(ctx, wrong)
	wants(t, err, errs.Conflict, "user.identity_differs")
	card, err := r.public(me).BindCard(ctx, req)
	must(t, err)
	if card.GetState() != userv1.CheckState_CHECK_STATE_VERIFIED || card.GetIsDefault() {
		t.Fatalf("%v", card)
	}
	_, err = r.public(me).UnbindCard(ctx, &userv1.UnbindCardRequest{CardId: first.GetCardId()})
	wants(t, err, errs.Precondition, "user.card_is_default")
	chosen, err := r.public(me).SetDefaultCard(ctx, &userv1.SetDefaultCardRequest{CardId: card.GetCardId()})
	must(t, err)
	if !chosen.GetIsDefault() {
		t.Fatal("it is not the default")
	}
	_, err = r.public(me).UnbindCard(ctx, &userv1.UnbindCardRequest{CardId: first.GetCardId()})
	must(t, err)
	list, err := r.public(me).ListCards(ctx, &userv1.ListCardsRequest{})
	must(t, err)
	if len(list.GetCards()) != 1 || len(r.events("user.v1.CardUnbound")) != 1 {
		t.Fatalf("%d cards are left", len(list.GetCards()))
	}
	again := bindRequest(who, r.key())
	if card, err = r.public(me).BindCard(ctx, again); err != nil || card.GetState() != userv1.CheckState_CHECK_STATE_VERIFIED {
		t.Fatalf("an unbound card cannot be bound again: %v", err)
	}
	stranger, _ := r.register("12100000021")
	_, err = r.public(stranger).GetCard(ctx, &userv1.GetCardRequest{CardId: card.GetCardId()})
	wants(t, err, errs.NotFound, "user.not_found")
	_, err = r.public(stranger).GetCard(ctx, &userv1.GetCardRequest{CardId: 4711})
	wants(t, err, errs.NotFound, "user.not_found")
}

func TestWrongElementsAreRefusedWithTheirField(t *testing.T) {
	r := start(t, storetest.SQLite(t))
	ctx := context.Background()
	who := r.someone(11)
	me, _ := r.register(who.Mobile)
	r.consent(me, "identity_authorisation", "card_authorisation")
	young := people.MakeBorn(7, 12, time.Date(2009, 1, 1, 0, 0, 0, 0, time.UTC), 0)
	for reason, change := range map[string]func(*userv1.BindCardRequest){
		"user.id_no_invalid":   func(q *userv1.BindCardRequest) { q.IdNo = "990000199001010011" },
		"user.card_no_invalid": func(q *userv1.BindCardRequest) { q.CardNo = "9901001234567890123" },
		"user.name_invalid":    func(q *userv1.BindCardRequest) { q.Name = "王1" },
		"user.name_missing":    func(q *userv1.BindCardRequest) { q.Name = "" },
		"user.id_no_missing":   func(q *userv1.BindCardRequest) { q.IdNo = "" },
		"user.under_age":       func(q *userv1.BindCardRequest) { q.IdNo = young.IDNo },
	} {
		req := bindRequest(who, r.key())
		change(req)
		_, err := r.public(me).BindCard(ctx, req)
		if errs.ReasonOf(err) != reason {
			t.Errorf("wanted %s, got %v", reason, err)
		}
	}
	if n := r.count(`SELECT COUNT(*) FROM card`); n != 0 {
		t.Fatalf("%d cards of refused requests", n)
	}
}

// TestNoFileHoldsAPersonalValue looks for everything a person stated in all files and in all logs.
func TestNoFileHoldsAPersonalValue(t *testing.T) {
	r := start(t, storetest.SQLite(t))
	ctx := context.Background()
	who, me, _ := r.identified(13)
	address := "九九九省不存在市无名路 99 号"
	_, err := r.public(me).SetAddress(ctx, &userv1.SetAddressRequest{Address: address})
	must(t, err)
	refused, _ := r.register("12777777777")
	r.consent(refused, "identity_authorisation", "card_authorisation")
	stranger := people.Make(98, 3, people.Options{})
	_, err = r.public(refused).BindCard(ctx, bindRequest(stranger, r.key()))
	must(t, err)
	time.Sleep(50 * time.Millisecond)
	values := []string{who.Name, who.IDNo, who.Mobile, who.Cards[0].CardNo, address, "device-" + who.Mobile, "127.1.2.3", "12777777777",
		stranger.IDNo, stranger.Cards[0].CardNo}
	files, err := filepath.Glob(r.cfg.Path + "*")
	must(t, err)
	if len(files) == 0 {
		t.Fatal("there is no database file")
	}
	for _, f := range files {
		raw, err := os.ReadFile(f)
		must(t, err)
		for i, v := range values {
			if strings.Contains(string(raw), v) {
				t.Errorf("%s holds value %d", filepath.Base(f), i)
			}
		}
	}
	for i, v := range values {
		if strings.Contains(r.logs.String(), v) {
			t.Errorf("the log holds value %d", i)
		}
	}
	got, err := r.internal("payment").Reveal(ctx, &userv1.RevealRequest{UserId: me.ID, Fields: []string{"card_no"}, Purpose: "payout"})
	must(t, err)
	if got.GetCardNo() != who.Cards[0].CardNo {
		t.Fatal("the search looked for the wrong values")
	}
}
