package user_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	userv1 "github.com/hengdai/hengdai/api/user/v1"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/store/storetest"
	"github.com/hengdai/hengdai/service/user"
)

func postJSON(url string, body any) error {
	raw, err := json.Marshal(body)
	if err != nil {
		return err
	}
	res, err := http.Post(url, "application/json", bytes.NewReader(raw))
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode >= 300 {
		return fmt.Errorf("%s answers %d", url, res.StatusCode)
	}
	return nil
}

func TestANewMobileIsRegisteredOnceAndFoundAgain(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		ctx := context.Background()
		me, first := r.register("12100000001")
		if !first.GetIsNew() || first.GetUserId() == 0 {
			t.Fatal("the person is not new")
		}
		got, err := r.public(me).GetMe(ctx, &userv1.GetMeRequest{})
		must(t, err)
		if got.GetMobileMasked() != "121****0001" || got.GetState() != "registered" || len(got.GetConsents()) != 1 {
			t.Fatalf("%v", got)
		}
		again, second := r.register("12100000001")
		if second.GetIsNew() || again.ID != me.ID || second.GetSessionToken() == first.GetSessionToken() {
			t.Fatal("the second login is not the same person in another session")
		}
		auth, err := r.internal("gateway").Authenticate(ctx, &userv1.AuthenticateRequest{Token: second.GetSessionToken()})
		must(t, err)
		if auth.GetKind() != "borrower" || auth.GetId() != me.ID || auth.GetSessionId() != second.GetSessionId() {
			t.Fatalf("%v", auth)
		}
	})
}

func TestRegistrationNeedsTheConsentAndKeepsTheCode(t *testing.T) {
	r := start(t, storetest.SQLite(t))
	ctx, anon := context.Background(), r.public(anonymous("127.0.0.9"))
	code := r.sendCode("12100000002", "127.0.0.9")
	req := r.loginRequest("12100000002", code)
	req.Consent = nil
	_, err := anon.Login(ctx, req)
	wants(t, err, errs.Precondition, "user.consent_required")
	req.Consent = r.ref("privacy_policy")
	req.Consent.Hash = strings.Repeat("0", 64)
	_, err = anon.Login(ctx, req)
	wants(t, err, errs.Invalid, "user.document_unknown")
	if n := r.count(`SELECT COUNT(*) FROM person`); n != 0 {
		t.Fatalf("%d persons without consent", n)
	}
	req.Consent = r.ref("privacy_policy")
	if _, err := anon.Login(ctx, req); err != nil {
		t.Fatalf("the code was used up by a refusal: %v", err)
	}
}

func TestACodeWorksOnceAndNotAfterItsTime(t *testing.T) {
	r := start(t, storetest.SQLite(t))
	ctx, anon := context.Background(), r.public(anonymous("127.0.0.9"))
	mobile := "12100000003"
	code := r.sendCode(mobile, "127.0.0.9")
	_, err := anon.Login(ctx, r.loginRequest(mobile, code))
	must(t, err)
	_, err = anon.Login(ctx, r.loginRequest(mobile, code))
	wants(t, err, errs.Unauthenticated, "user.code_wrong")
	code = r.sendCode(mobile, "127.0.0.9")
	r.exec(`UPDATE code SET expires_ms = 1 WHERE state = 'live'`)
	_, err = anon.Login(ctx, r.loginRequest(mobile, code))
	wants(t, err, errs.Unauthenticated, "user.code_wrong")
}

func TestACodeDiesAfterFiveWrongTries(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		ctx, anon := context.Background(), r.public(anonymous("127.0.0.9"))
		mobile := "12100000004"
		code := r.sendCode(mobile, "127.0.0.9")
		wrong := "000000"
		if wrong == code {
			wrong = "000001"
		}
		for range 5 {
			_, err := anon.Login(ctx, r.loginRequest(mobile, wrong))
			wants(t, err, errs.Unauthenticated, "user.code_wrong")
		}
		_, err := anon.Login(ctx, r.loginRequest(mobile, code))
		wants(t, err, errs.Unauthenticated, "user.code_wrong")
		if n := r.count(`SELECT COUNT(*) FROM session`); n != 0 {
			t.Fatalf("%d sessions", n)
		}
	})
}

func TestGuessingIsBoundedPerMobileAndAddress(t *testing.T) {
	r := start(t, storetest.SQLite(t), limits(user.Limits{FailuresPerDay: 7, FailuresPerAddressHour: 9}))
	ctx := context.Background()
	try := func(mobile, ip string) error {
		_, err := r.public(anonymous(ip)).Login(ctx, r.loginRequest(mobile, "123456"))
		return err
	}
	for range 7 {
		wants(t, try("12100000005", "127.0.0.9"), errs.Unauthenticated, "user.code_wrong")
	}
	wants(t, try("12100000005", "127.0.0.10"), errs.Exhausted, "user.too_many_attempts")
	for range 2 {
		wants(t, try("12100000006", "127.0.0.9"), errs.Unauthenticated, "user.code_wrong")
	}
	wants(t, try("12100000007", "127.0.0.9"), errs.Exhausted, "user.too_many_attempts")
	wants(t, try("12100000007", "127.0.0.11"), errs.Unauthenticated, "user.code_wrong")
}

// TestTwoPeopleMayUseTheSameKey: a key belongs to the mobile it came with, not to all mobiles of a bucket. Of so many some
// share a bucket.
func TestTwoPeopleMayUseTheSameKey(t *testing.T) {
	r := start(t, storetest.SQLite(t))
	const people = 200
	for n := range people {
		_, err := r.public(anonymous(fmt.Sprintf("127.0.1.%d", n+1))).SendCode(context.Background(),
			&userv1.SendCodeRequest{Mobile: fmt.Sprintf("1210001%04d", n), Purpose: "login", IdempotencyKey: "the-same-key"})
		must(t, err)
	}
	if sent := len(r.events("user.v1.CodeIssued")); sent != people {
		t.Errorf("%d codes were sent", sent)
	}
}

func TestCodesAreLimitedAndRepeatedRequestsSendNothing(t *testing.T) {
	r := start(t, storetest.SQLite(t), limits(user.Limits{CodesPerDay: 3, CodesPerAddressHour: 5}))
	ctx := context.Background()
	send := func(mobile, ip, key string) (*userv1.SendCodeResponse, error) {
		return r.public(anonymous(ip)).SendCode(ctx, &userv1.SendCodeRequest{Mobile: mobile, Purpose: "login", IdempotencyKey: key})
	}
	first, err := send("12100000008", "127.0.0.9", "key-00000001")
	must(t, err)
	again, err := send("12100000008", "127.0.0.9", "key-00000001")
	must(t, err)
	if first.GetExpiresMs() != again.GetExpiresMs() || len(r.events("user.v1.CodeIssued")) != 1 {
		t.Fatal("a repeated request sends again")
	}
	_, err = r.public(anonymous("127.0.0.9")).SendCode(ctx, &userv1.SendCodeRequest{Mobile: "12100000008", Purpose: "login", Language: "en", IdempotencyKey: "key-00000001"})
	wants(t, err, errs.Conflict, "idempotency.body_differs")
	_, err = send("12100000008", "127.0.0.9", "key-00000002")
	wants(t, err, errs.Exhausted, "user.too_many_attempts")
	for range 2 {
		r.exec(`UPDATE code SET created_ms = created_ms - 61000`)
		_, err = send("12100000008", "127.0.0.9", r.key())
		must(t, err)
	}
	r.exec(`UPDATE code SET created_ms = created_ms - 61000`)
	_, err = send("12100000008", "127.0.0.10", r.key())
	wants(t, err, errs.Exhausted, "user.too_many_attempts")
	for i := range 2 {
		_, err = send(fmt.Sprintf("1211000000%d", i), "127.0.0.9", r.key())
		must(t, err)
	}
	_, err = send("12100000009", "127.0.0.9", r.key())
	wants(t, err, errs.Exhausted, "user.too_many_attempts")
}

func TestKnownAndUnknownMobilesCannotBeToldApart(t *testing.T) {
	r := start(t, storetest.SQLite(t))
	ctx := context.Background()
	known := "12100000010"
	r.register(known)
	anon := r.public(anonymous("127.0.0.12"))
	var answers []string
	for _, mobile := range []string{known, "12100000011"} {
		res, err := anon.SendCode(ctx, &userv1.SendCodeRequest{Mobile: mobile, Purpose: "login", IdempotencyKey: r.key()})
		must(t, err)
		_, err = anon.Login(ctx, r.loginRequest(mobile, "x23456"[1:]+"0"))
		answers = append(answers, fmt.Sprint(res.GetResendAfterSeconds(), errs.CodeOf(err), errs.ReasonOf(err)))
	}
	if answers[0] != answers[1] {
		t.Fatalf("known: %s, unknown: %s", answers[0], answers[1])
	}
	issued := r.events("user.v1.CodeIssued")
	for _, e := range issued {
		if e.userID != 0 {
			t.Fatal("the event tells whose mobile it is")
		}
	}
}

func TestSixtyFourLoginsWithOneMobileMakeOnePerson(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		mobile := "12100000012"
		req := r.loginRequest(mobile, r.sendCode(mobile, "127.0.0.9"))
		anon := r.public(anonymous("127.0.0.9"))
		var in atomic.Int64
		var wg sync.WaitGroup
		for range 64 {
			wg.Go(func() {
				if _, err := anon.Login(context.Background(), req); err == nil {
					in.Add(1)
				}
			})
		}
		wg.Wait()
		if in.Load() != 1 || r.count(`SELECT COUNT(*) FROM person`) != 1 || r.count(`SELECT COUNT(*) FROM session`) != 1 {
			t.Fatalf("%d logins, %d persons", in.Load(), r.count(`SELECT COUNT(*) FROM person`))
		}
		if n := len(r.events("user.v1.UserRegistered")); n != 1 {
			t.Fatalf("told %d times", n)
		}
	}, limits(user.Limits{FailuresPerDay: 1000, FailuresPerAddressHour: 1000}))
}

func TestASessionEndsByLogoutRevocationIdlenessAndAge(t *testing.T) {
	r := start(t, storetest.SQLite(t))
	ctx := context.Background()
	alive := func(token string) error {
		_, err := r.internal("gateway").Authenticate(ctx, &userv1.AuthenticateRequest{Token: token})
		return err
	}
	me, first := r.register("12100000013")
	other, second := r.register("12100000013")
	list, err := r.public(me).ListSessions(ctx, &userv1.ListSessionsRequest{})
	must(t, err)
	if len(list.GetSessions()) != 2 || list.GetSessions()[0].GetDevice() != "ios Phone 9" {
		t.Fatalf("%v", list)
	}
	_, err = r.public(me).RevokeSession(ctx, &userv1.RevokeSessionRequest{SessionId: other.SessionID})
	must(t, err)
	wants(t, alive(second.GetSessionToken()), errs.Unauthenticated, "user.session_ended")
	must(t, alive(first.GetSessionToken()))
	stranger, _ := r.register("12100000014")
	_, err = r.public(stranger).RevokeSession(ctx, &userv1.RevokeSessionRequest{SessionId: me.SessionID})
	wants(t, err, errs.NotFound, "user.not_found")
	_, err = r.public(me).Logout(ctx, &userv1.LogoutRequest{})
	must(t, err)
	wants(t, alive(first.GetSessionToken()), errs.Unauthenticated, "user.session_ended")
	if n := len(r.events("user.v1.SessionRevoked")); n != 2 {
		t.Fatalf("told %d ends", n)
	}
	_, third := r.register("12100000013")
	r.exec(`UPDATE session SET seen_ms = seen_ms - ? WHERE id = ?`, (8 * 24 * time.Hour).Milliseconds(), third.GetSessionId())
	wants(t, alive(third.GetSessionToken()), errs.Unauthenticated, "user.session_ended")
	_, fourth := r.register("12100000013")
	r.exec(`UPDATE session SET expires_ms = 1 WHERE id = ?`, fourth.GetSessionId())
	wants(t, alive(fourth.GetSessionToken()), errs.Unauthenticated, "user.session_ended")
	for _, token := range []string{"hb_aaaaaaaaaaaaaaaaaaaaaaa", strings.Replace(first.GetSessionToken(), "hb_", "hs_", 1), strings.Repeat("x", 60)} {
		wants(t, alive(token), errs.Unauthenticated, "user.session_ended")
	}
}

func TestTheLeastUsedSessionMakesRoom(t *testing.T) {
	r := start(t, storetest.SQLite(t), limits(user.Limits{SessionsMost: 3, CodesPerDay: 100}))
	for range 5 {
		r.register("12100000015")
	}
	if n := r.count(`SELECT COUNT(*) FROM session WHERE ended_ms = 0`); n != 3 {
		t.Fatalf("%d sessions live", n)
	}
}

func TestOnlyWhoMayCallsCalls(t *testing.T) {
	r := start(t, storetest.SQLite(t))
	ctx := context.Background()
	_, err := r.public(anonymous("")).GetMe(ctx, &userv1.GetMeRequest{})
	if c := errs.CodeOf(err); c != errs.Unauthenticated && c != errs.Denied {
		t.Fatalf("an anonymous caller: %v", err)
	}
	_, err = r.internal("loan").Authenticate(ctx, &userv1.AuthenticateRequest{Token: strings.Repeat("x", 60)})
	wants(t, err, errs.Denied, errs.ReasonOf(err))
	me, _ := r.register("12100000016")
	_, err = r.staff(me).ListStaff(ctx, &userv1.ListStaffRequest{})
	wants(t, err, errs.Denied, errs.ReasonOf(err))
}

func TestWrongInputNamesItsField(t *testing.T) {
	r := start(t, storetest.SQLite(t))
	anon := r.public(anonymous(""))
	for _, mobile := range []string{"", "1210000001", "121000000111", "22100000001", "1210000000a"} {
		_, err := anon.SendCode(context.Background(), &userv1.SendCodeRequest{Mobile: mobile, Purpose: "login", IdempotencyKey: "key-0000"})
		if errs.CodeOf(err) != errs.Invalid {
			t.Errorf("%q: %v", mobile, err)
		}
	}
}

func postDelete(url string) error {
	req, err := http.NewRequest(http.MethodDelete, url, http.NoBody)
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	return res.Body.Close()
}
