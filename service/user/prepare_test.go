package user_test

import (
	"context"
	"strings"
	"sync"
	"testing"

	userv1 "github.com/hengdai/hengdai/api/user/v1"
	"github.com/hengdai/hengdai/kit/rpc"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/kit/store/storetest"
	"github.com/hengdai/hengdai/service/user"
)

func TestTheTablesOfUserAreTheSameOnBothEngines(t *testing.T) {
	storetest.SameSchema(t, user.Schema())
}

func TestAChangedTextWithoutANewVersionIsRefused(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		ctx := context.Background()
		must(t, r.svc.Prepare(ctx))
		must(t, r.svc.Prepare(ctx))
		if n := r.count(`SELECT COUNT(*) FROM document`); n != 12 {
			t.Fatalf("%d texts are kept", n)
		}
		must(t, r.db.Write(ctx, func(tx *store.Tx) error {
			_, err := tx.ExecContext(ctx, `UPDATE document SET hash = 'x' WHERE name = 'privacy_policy' AND language = 'zh'`)
			return err
		}))
		if err := r.svc.Prepare(ctx); err == nil || !strings.Contains(err.Error(), "privacy_policy") {
			t.Fatalf("%v", err)
		}
	})
}

func TestProcessesThatStartTogetherMakeOneSetOfDemoStaff(t *testing.T) {
	dir := t.TempDir()
	r := start(t, storetest.SQLite(t), func(d *user.Deps) { d.DataDir = dir })
	r.dataDir = dir
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() { must(t, r.svc.Prepare(context.Background())) })
	}
	wg.Wait()
	demo := r.demo()
	if n := r.count(`SELECT COUNT(*) FROM staff`); n != 10 || len(demo) != 10 {
		t.Fatalf("%d staff", n)
	}
	r.signIn(demo["risk_analyst"])
}

func TestAnAddressIsKeptSealedAndAnsweredOnlyToWhoMayAsk(t *testing.T) {
	r := start(t, storetest.SQLite(t))
	ctx := context.Background()
	a, _ := r.register("12100000050")
	b, _ := r.register("12100000051")
	for range 2 {
		for _, who := range []rpc.Principal{a, b} {
			_, err := r.public(who).SetAddress(ctx, &userv1.SetAddressRequest{Address: " 九九省  无名市 1 号 "})
			must(t, err)
		}
	}
	first, err := r.internal("risk").GetStanding(ctx, &userv1.GetStandingRequest{UserId: a.ID, On: "2026-06-01"})
	must(t, err)
	second, err := r.internal("risk").GetStanding(ctx, &userv1.GetStandingRequest{UserId: b.ID, On: "2026-06-01"})
	must(t, err)
	if first.GetAddressToken() == "" || first.GetAddressToken() != second.GetAddressToken() || first.GetAgeYears() != 0 {
		t.Fatal("people at one address do not share its token")
	}
	got, err := r.internal("collection").Reveal(ctx, &userv1.RevealRequest{UserId: a.ID, Fields: []string{"address"}, Purpose: "collection"})
	must(t, err)
	if got.GetAddress() != "九九省 无名市 1 号" {
		t.Fatalf("%q", got.GetAddress())
	}
}
