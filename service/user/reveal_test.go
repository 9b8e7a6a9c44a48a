package user_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	userv1 "github.com/hengdai/hengdai/api/user/v1"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/keys"
	"github.com/hengdai/hengdai/kit/secret"
	"github.com/hengdai/hengdai/kit/store/storetest"
	"github.com/hengdai/hengdai/kit/vault"
)

func TestAValueLeavesOnlyForAPurposeOfTheCaller(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		ctx := context.Background()
		who, me, card := r.identified(40)
		ask := func(as, purpose string, fields ...string) (*userv1.RevealResponse, error) {
			return r.internal(as).Reveal(ctx, &userv1.RevealRequest{UserId: me.ID, Fields: fields, Purpose: purpose, CardId: card.GetCardId(), SubjectId: 99})
		}
		got, err := ask("payment", "payout", "name", "card_no", "card_mobile")
		must(t, err)
		if got.GetName() != who.Name || got.GetCardNo() != who.Cards[0].CardNo || got.GetCardMobile() != who.Cards[0].Mobile || got.GetIdNo() != "" {
			t.Fatal("other values than those asked for")
		}
		got, err = ask("notify", "notify", "mobile")
		must(t, err)
		if got.GetMobile() != who.Mobile {
			t.Fatal("another mobile")
		}
		for _, c := range []struct {
			as, purpose, field string
			code               errs.Code
		}{
			{"notify", "payout", "card_no", errs.Denied}, {"payment", "payout", "mobile", errs.Denied}, {"risk", "export", "name", errs.Denied},
			{"loan", "support", "name", errs.Denied}, {"payment", "curiosity", "name", errs.Denied}, {"payment", "payout", "password", errs.Invalid},
		} {
			if _, err := ask(c.as, c.purpose, c.field); errs.CodeOf(err) != c.code {
				t.Errorf("%s asks for %s to %s: %v", c.as, c.field, c.purpose, err)
			}
		}
		if n := r.count(`SELECT COUNT(*) FROM access WHERE act = 'reveal' AND subject_id = 99`); n != 2 {
			t.Fatalf("%d looks are recorded", n)
		}
		_, err = r.internal("payment").Reveal(ctx, &userv1.RevealRequest{UserId: 4711, Fields: []string{"name"}, Purpose: "payout"})
		wants(t, err, errs.NotFound, "user.not_found")
	})
}

func TestAnotherServiceSealsUnderThePersonsKey(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		ctx := context.Background()
		me, _ := r.register("12100000041")
		ring, err := keys.Open(r.keysDir, "loan", true)
		must(t, err)
		v := vault.New(vault.NewRemote(r.internal("loan"), ring))
		sealed, err := v.Seal(ctx, me.ID, "transaction", "contract", secret.New("合同正文"))
		must(t, err)
		got, err := v.Open(ctx, me.ID, "transaction", "contract", "contract", sealed)
		must(t, err)
		if got.Reveal() != "合同正文" {
			t.Fatal("it does not come back")
		}
		if _, err := v.Seal(ctx, me.ID, "identity", "x", secret.New("x")); errs.CodeOf(err) != errs.Denied {
			t.Fatalf("loan gets the identity key: %v", err)
		}
		if _, err := v.Seal(ctx, me.ID, "nonsense", "x", secret.New("x")); errs.CodeOf(err) != errs.Invalid {
			t.Fatalf("an unknown class: %v", err)
		}
		if _, err := v.Seal(ctx, 4711, "transaction", "x", secret.New("x")); errs.CodeOf(err) != errs.NotFound {
			t.Fatalf("nobody's key: %v", err)
		}
		r.exec(`UPDATE keyset SET wrapped = x'', erased_ms = 1 WHERE owner_id = ? AND class = 'transaction'`, me.ID)
		fresh := vault.New(vault.NewRemote(r.internal("loan"), ring))
		if _, err := fresh.Open(ctx, me.ID, "transaction", "contract", "contract", sealed); errs.CodeOf(err) != errs.NotFound {
			t.Fatalf("after erasure: %v", err)
		}
		if _, err := fresh.Seal(ctx, me.ID, "transaction", "x", secret.New("x")); errs.CodeOf(err) != errs.NotFound {
			t.Fatalf("an erased class got a new key: %v", err)
		}
	})
}

func TestOneValueHasOneTokenForAllWhoShareIt(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		ctx := context.Background()
		a, _ := r.register("12100000042")
		b, _ := r.register("12100000043")
		ask := func(userID int64, value string) string {
			res, err := r.internal("loan").Tokenise(ctx, &userv1.TokeniseRequest{Values: []*userv1.TokenValue{
				{Kind: "address", Value: value, UserId: userID}, {Kind: "ip", Value: value, UserId: userID}}})
			must(t, err)
			if res.GetTokens()[0] == res.GetTokens()[1] {
				t.Fatal("two kinds share a token")
			}
			return res.GetTokens()[0]
		}
		first := ask(a.ID, "无名路 1 号")
		if first != ask(a.ID, "无名路 1 号") || first != ask(b.ID, "无名路 1 号") || first == ask(a.ID, "无名路 2 号") {
			t.Fatal("a token does not stand for its value")
		}
		if n := r.count(`SELECT COUNT(*) FROM token_holder WHERE kind = 'address'`); n != 3 {
			t.Fatalf("%d holders", n)
		}
		_, err := r.internal("loan").Tokenise(ctx, &userv1.TokeniseRequest{Values: []*userv1.TokenValue{{Kind: "contacts", Value: "x", UserId: a.ID}}})
		if errs.CodeOf(err) != errs.Invalid {
			t.Fatalf("an unknown kind: %v", err)
		}
	})
}

func TestFindAnswersExactValuesOnly(t *testing.T) {
	r := start(t, storetest.SQLite(t))
	ctx := context.Background()
	who, me, _ := r.identified(44)
	found, err := r.internal("report").Find(ctx, &userv1.FindRequest{Field: "card_no", Value: who.Cards[0].CardNo})
	must(t, err)
	if len(found.GetUserIds()) != 1 || found.GetUserIds()[0] != me.ID {
		t.Fatalf("%v", found)
	}
	found, err = r.internal("report").Find(ctx, &userv1.FindRequest{Field: "id_no", Value: who.IDNo[:17]})
	must(t, err)
	if len(found.GetUserIds()) != 0 {
		t.Fatal("a part of a value finds somebody")
	}
	_, err = r.internal("risk").Find(ctx, &userv1.FindRequest{Field: "mobile", Value: who.Mobile})
	wants(t, err, errs.Denied, errs.ReasonOf(err))
}

// TestACopyOfTheDataWithoutTheKeysReadsNothing opens the database beside another keys folder.
func TestACopyOfTheDataWithoutTheKeysReadsNothing(t *testing.T) {
	r := start(t, storetest.SQLite(t))
	ctx := context.Background()
	who, me, _ := r.identified(45)
	r.stop()
	for _, name := range []string{"user.kek.key", "user.index.key"} {
		must(t, os.Rename(filepath.Join(r.keysDir, name), filepath.Join(r.keysDir, name+".away")))
	}
	r.open()
	if _, err := r.public(me).GetMe(ctx, &userv1.GetMeRequest{}); err == nil {
		t.Fatal("values open without their keys")
	}
	if _, err := r.internal("payment").Reveal(ctx, &userv1.RevealRequest{UserId: me.ID, Fields: []string{"name"}, Purpose: "payout"}); err == nil {
		t.Fatal("values are revealed without their keys")
	}
	found, err := r.internal("report").Find(ctx, &userv1.FindRequest{Field: "mobile", Value: who.Mobile})
	must(t, err)
	if len(found.GetUserIds()) != 0 {
		t.Fatal("a value is found without the index key")
	}
	r.stop()
	for _, name := range []string{"user.kek.key", "user.index.key"} {
		must(t, os.Rename(filepath.Join(r.keysDir, name+".away"), filepath.Join(r.keysDir, name)))
	}
	r.open()
	got, err := r.public(me).GetMe(ctx, &userv1.GetMeRequest{})
	must(t, err)
	if got.GetNameMasked() == "" {
		t.Fatal("with the keys back nothing opens")
	}
}
