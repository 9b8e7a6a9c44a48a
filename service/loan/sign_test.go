package loan_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	loanv1 "github.com/hengdai/hengdai/api/loan/v1"
	userv1 "github.com/hengdai/hengdai/api/user/v1"
	"github.com/hengdai/hengdai/kit/errs"
)

var update = flag.Bool("update", false, "write golden files anew")

func sha(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

func TestNothingIsConfirmedThatWasNotShownAndRead(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		userID := w.person()
		a := w.apply(userID)
		me, ctx := w.public(userID), t.Context()
		d, err := me.GetDisclosure(ctx, &loanv1.GetDisclosureRequest{ApplicationId: a.GetApplicationId()})
		if err != nil {
			t.Fatal(err)
		}
		if d.GetHash() != sha(d.GetRecord()) {
			t.Fatal("the hash is not that of the record")
		}
		good := func() *loanv1.ConfirmDisclosureRequest {
			w.next++
			return &loanv1.ConfirmDisclosureRequest{ApplicationId: a.GetApplicationId(), Hash: d.GetHash(), ShownAtMs: w.clk.Now().Add(-time.Minute).UnixMilli(),
				ReadSeconds: d.GetMinReadSeconds(), IdempotencyKey: "confirm-" + strings.Repeat("x", w.next)}
		}
		short := good()
		short.ReadSeconds = d.GetMinReadSeconds() - 1
		_, err = me.ConfirmDisclosure(ctx, short)
		refused(t, err, errs.Precondition, "disclosure.read_too_short")
		other := good()
		other.Hash = sha("another table")
		_, err = me.ConfirmDisclosure(ctx, other)
		refused(t, err, errs.Precondition, "disclosure.changed")
		future := good()
		future.ShownAtMs = w.clk.Now().Add(time.Hour).UnixMilli()
		_, err = me.ConfirmDisclosure(ctx, future)
		refused(t, err, errs.Invalid, "disclosure.shown_in_future")
		_, err = me.Sign(ctx, &loanv1.SignRequest{ApplicationId: a.GetApplicationId(), Hash: sha("x"), IdempotencyKey: "sign-early"})
		refused(t, err, errs.Precondition, "application.state")
		_, err = me.GetContract(ctx, &loanv1.GetContractRequest{ApplicationId: a.GetApplicationId()})
		refused(t, err, errs.NotFound, "contract.not_found")

		req := good()
		hashes := make([]string, 8)
		var all sync.WaitGroup
		for i := range hashes {
			all.Go(func() {
				c, err := w.public(userID).ConfirmDisclosure(ctx, req)
				if err != nil {
					t.Error(err)
					return
				}
				hashes[i] = c.GetHash()
			})
		}
		all.Wait()
		for _, h := range hashes {
			if h != hashes[0] || h == "" {
				t.Fatalf("one confirmation made several contracts: %v", hashes)
			}
		}
		_, err = me.ConfirmDisclosure(ctx, good())
		refused(t, err, errs.Precondition, "application.state")
		kept, err := me.GetDisclosure(ctx, &loanv1.GetDisclosureRequest{ApplicationId: a.GetApplicationId()})
		if err != nil || kept.GetConfirmedMs() == 0 || kept.GetRecord() != d.GetRecord() || len(kept.GetRows()) != 12 {
			t.Fatalf("the confirmed table is not the one that was shown: %v", err)
		}
	})
}

func TestOnlyTheContractThatWasShownIsSignedAndOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		userID := w.person()
		a := w.apply(userID)
		c := w.confirm(userID, a.GetApplicationId())
		me, ctx := w.public(userID), t.Context()
		if c.GetHash() != sha(c.GetRecord()) {
			t.Fatal("the hash is not that of the record")
		}
		var record map[string]any
		if err := json.Unmarshal([]byte(c.GetRecord()), &record); err != nil || record["disclosure_hash"] != c.GetDisclosureHash() || strings.ContainsAny(c.GetHighlighted()[0].GetTextZh(), "{}") {
			t.Fatalf("unexpected record: %v", err)
		}
		_, err := me.Sign(ctx, &loanv1.SignRequest{ApplicationId: a.GetApplicationId(), Hash: sha("another contract"), IdempotencyKey: "sign-wrong"})
		refused(t, err, errs.Precondition, "contract.hash_differs")

		// The card was taken off meanwhile: nothing may be paid out to it.
		cards := w.user.people[userID].GetCards()
		st := &userv1.Standing{UserId: userID, State: "identified", AgeYears: 30, Consents: []string{"credit_query"}}
		w.user.put(st)
		_, err = me.Sign(ctx, &loanv1.SignRequest{ApplicationId: a.GetApplicationId(), Hash: c.GetHash(), IdempotencyKey: "sign-no-card"})
		refused(t, err, errs.Invalid, "card.unknown")
		w.user.put(&userv1.Standing{UserId: userID, State: "identified", AgeYears: 30, Consents: []string{"credit_query"}, Cards: cards})

		loans := make([]int64, 8)
		var all sync.WaitGroup
		for i := range loans {
			all.Go(func() {
				s, err := w.public(userID).Sign(ctx, &loanv1.SignRequest{ApplicationId: a.GetApplicationId(), Hash: c.GetHash(), IdempotencyKey: "sign-right"})
				if err != nil {
					t.Error(err)
					return
				}
				loans[i] = s.GetLoanId()
			})
		}
		all.Wait()
		for _, l := range loans {
			if l != loans[0] || l == 0 {
				t.Fatalf("one signature made several loans: %v", loans)
			}
		}
		_, err = me.Sign(ctx, &loanv1.SignRequest{ApplicationId: a.GetApplicationId(), Hash: c.GetHash(), IdempotencyKey: "sign-again"})
		refused(t, err, errs.Precondition, "application.state")
		_, err = me.CancelApplication(ctx, &loanv1.CancelApplicationRequest{ApplicationId: a.GetApplicationId()})
		refused(t, err, errs.Precondition, "application.state")
		signed, err := me.GetContract(ctx, &loanv1.GetContractRequest{ApplicationId: a.GetApplicationId()})
		if err != nil || signed.GetState() != "SIGNED" || signed.GetLoanId() != loans[0] || signed.GetSignedMs() == 0 {
			t.Fatalf("%v, %v", signed.GetState(), err)
		}
		if l := w.limit(userID); l.GetFrozenMinor() != a.GetApprovedMinor() {
			t.Fatalf("the amount is no longer frozen: %v", l)
		}
	})
}

func TestOtherPeoplesIdsAreNotFound(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		mine, stranger := w.person(), w.person()
		a := w.apply(mine)
		c := w.confirm(mine, a.GetApplicationId())
		them, ctx := w.public(stranger), t.Context()
		for _, applicationID := range []int64{a.GetApplicationId(), 123456789} {
			calls := map[string]func() error{
				"get": func() error {
					_, err := them.GetApplication(ctx, &loanv1.GetApplicationRequest{ApplicationId: applicationID})
					return err
				},
				"cancel": func() error {
					_, err := them.CancelApplication(ctx, &loanv1.CancelApplicationRequest{ApplicationId: applicationID})
					return err
				},
				"table": func() error {
					_, err := them.GetDisclosure(ctx, &loanv1.GetDisclosureRequest{ApplicationId: applicationID})
					return err
				},
				"draft": func() error {
					_, err := them.GetContract(ctx, &loanv1.GetContractRequest{ApplicationId: applicationID})
					return err
				},
				"confirm": func() error {
					_, err := them.ConfirmDisclosure(ctx, &loanv1.ConfirmDisclosureRequest{ApplicationId: applicationID, Hash: c.GetDisclosureHash(), ShownAtMs: 1, ReadSeconds: 60, IdempotencyKey: "not-mine-1"})
					return err
				},
				"sign": func() error {
					_, err := them.Sign(ctx, &loanv1.SignRequest{ApplicationId: applicationID, Hash: c.GetHash(), IdempotencyKey: "not-mine-2"})
					return err
				},
			}
			for name, call := range calls {
				err := call()
				if errs.ReasonOf(err) != "application.not_found" {
					t.Errorf("%s of %d answers %v", name, applicationID, err)
				}
			}
		}
		if list, err := them.ListApplications(ctx, &loanv1.ListApplicationsRequest{}); err != nil || len(list.GetApplications()) != 0 {
			t.Fatalf("%v, %v", list, err)
		}
	})
}

func TestTheTableOfCostsStaysAsItIsWritten(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		userID := w.person()
		a := w.apply(userID)
		d, err := w.public(userID).GetDisclosure(t.Context(), &loanv1.GetDisclosureRequest{ApplicationId: a.GetApplicationId()})
		if err != nil {
			t.Fatal(err)
		}
		var tree map[string]any
		if err := json.Unmarshal([]byte(d.GetRecord()), &tree); err != nil {
			t.Fatal(err)
		}
		tree["application_id"] = "0"
		got, err := json.MarshalIndent(tree, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join("testdata", "cost-table.golden.json")
		if *update {
			if err := os.MkdirAll("testdata", 0o750); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, append(got, '\n'), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil || string(want) != string(got)+"\n" {
			t.Fatalf("the table differs from %s (%v):\n%s", path, err, got)
		}
	})
}
