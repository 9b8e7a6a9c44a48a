package acceptance

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	userv1 "github.com/hengdai/hengdai/api/user/v1"
	"github.com/hengdai/hengdai/api/user/v1/userv1connect"
)

// theSessions: a session that was ended, by whom ever, or that ran out, opens nothing from the next moment on.
func theSessions(t *testing.T, w *world) {
	leaves, lost, old := w.stranger(t, 30), w.stranger(t, 30), w.stranger(t, 30)
	for _, b := range []*borrower{leaves, lost, old} {
		b.register(t)
		b.rest(t, looks("/v1/me")) // the gateway now remembers the session
	}
	if got := leaves.rest(t, asks("/v1/logout", "{}")); got.status != http.StatusOK {
		t.Fatalf("sign out: %d %s", got.status, got.body)
	}
	desk := w.hired(t, "service_desk")
	if _, err := userv1connect.NewStaffClient(desk.http, desk.base).RevokeCustomerSessions(t.Context(),
		&userv1.RevokeCustomerSessionsRequest{UserId: lost.id, Reason: "phone was stolen"}); err != nil {
		t.Fatal(err)
	}
	db := w.databases.open(t, "user")
	if _, err := db.Exec("UPDATE session SET expires_ms = ? WHERE owner_id = ?", time.Now().Add(-time.Second).UnixMilli(), old.id); err != nil {
		t.Fatal(err)
	}
	_ = db.Close()
	for _, b := range []*borrower{leaves, lost, old} {
		eventually(t, "the session still opens the door", 10*time.Second, func() (bool, error) {
			got, err := b.try(looks("/v1/me"))
			return got.status == http.StatusUnauthorized, err
		})
	}
	made := w.newPhone()
	token := "hb_" + fmt.Sprintf("%045d", 7)
	made.session.Store(&token)
	w.refuse(t,
		refusal{"a session that was left", leaves.phone, looks("/v1/me"), who, "session.expired", ""},
		refusal{"a session that the service desk ended", lost.phone, looks("/v1/loans"), who, "session.expired", ""},
		refusal{"a session that ran out", old.phone, asks("/v1/consents", "{}"), who, "session.expired", ""},
		refusal{"a session that was never given", made, looks("/v1/me"), who, "session.expired", ""},
	)
	w.refuse(t, refusal{"a wrong code", leaves.phone, asks("/v1/sessions", map[string]any{"mobile": leaves.Mobile, "code": "000000", "deviceId": "another-phone"}), who, "user.code_wrong", "code"})
	if got := leaves.rest(t, looks("/v1/products")); got.status != http.StatusOK {
		t.Errorf("what everybody may see is %d for who has signed out", got.status)
	}
}

// theAccess: each method is open to those it names, by session and role; what services say to each other has no way in.
func theAccess(t *testing.T, w *world) {
	b, anyone := w.borrower(t), w.newPhone()
	finance, reviewer := w.hired(t, "finance"), w.hired(t, "reviewer")
	w.refuse(t,
		refusal{"a borrower at the staff's list of loans", b.phone, looks("/v1/staff/loans"), notAllowed, "rpc.not_allowed", ""},
		refusal{"a borrower who travels in time", b.phone, asks("/v1/staff/travel", `{"days":1}`), notAllowed, "rpc.not_allowed", ""},
		refusal{"nobody at the staff's list of loans", anyone, looks("/v1/staff/loans"), who, "rpc.sign_in", ""},
		refusal{"finance at the reviews", finance.phone, looks("/v1/staff/reviews"), notAllowed, "rpc.not_allowed", ""},
		refusal{"a reviewer at the trial balance", reviewer.phone, looks("/v1/staff/reports/trial-balance"), notAllowed, "rpc.not_allowed", ""},
		refusal{"a reviewer who travels in time", reviewer.phone, asks("/v1/staff/travel", `{"days":1}`), notAllowed, "rpc.not_allowed", ""},
		refusal{"a member of staff as a borrower", finance.phone, looks("/v1/loans"), notAllowed, "rpc.not_allowed", ""},
	)
	claims := map[string]string{
		"Hengdai-Principal": "eyJraW5kIjoic3RhZmYifQ.forged", "X-Forwarded-For": "10.0.0.1", "X-User-Id": fmt.Sprint(b.id), "Hengdai-User": fmt.Sprint(b.id),
	}
	w.refuse(t,
		refusal{"somebody who writes a principal himself", anyone, call{method: http.MethodGet, path: "/v1/me", header: claims}, who, "rpc.sign_in", ""},
		refusal{"a borrower who says he is staff", b.phone, call{method: http.MethodGet, path: "/v1/staff/loans", header: claims}, notAllowed, "rpc.not_allowed", ""},
	)
	for _, inner := range []string{
		"/user.v1.Internal/Authenticate", "/user.v1.Internal/Reveal", "/loan.v1.Internal/GetPosition", "/payment.v1.Internal/CreateOrder",
		"/risk.v1.Internal/Decide", "/notify.v1.Internal/CheckContact", "/log.v1.Log/Read", "/control.v1.Control/Advance",
	} {
		for name, from := range map[string]*phone{"nobody": anyone, "a borrower": b.phone, "finance": finance.phone} {
			c := asks(inner, "{}")
			c.header = claims
			w.refuse(t, refusal{inner + " by " + name, from, c, gone, "gateway.unknown_path", ""})
		}
	}
	guess := map[string]any{"login": "auditor@demo.hengdai.test", "password": "not the password", "totp": "000000"}
	w.refuse(t,
		refusal{"a member of staff with a wrong password", anyone, asks("/v1/staff/sessions", guess), who, "user.staff_login_failed", ""},
		refusal{"a callback of nobody", anyone, asks("/callbacks/payment/gamma", "{}"), gone, "gateway.unknown_path", ""},
	)
	theUnsignedCallback(t, w)
	theGuesser(t, w)
	w.works(t, anyone, "/docs/", "/v1/server")
}

// theUnsignedCallback: who says that money arrived must be the channel.
func theUnsignedCallback(t *testing.T, w *world) {
	before := w.rows(t)
	for _, path := range []string{"/callbacks/payment/alpha", "/callbacks/payment/beta", "/callbacks/notify/sms"} {
		c := asks(path, `{"request_no":"1","status":"SUCCESS","amount_minor":1000000}`)
		c.header = map[string]string{"X-Key-Id": "party-alpha", "X-Timestamp": fmt.Sprint(time.Now().UnixMilli()), "X-Nonce": strings.Repeat("a", 32), "X-Signature": "AAAA"}
		if got := w.newPhone().rest(t, c); got.status < http.StatusBadRequest || got.status >= http.StatusInternalServerError {
			t.Errorf("an unsigned callback to %s is answered %d", path, got.status)
		}
	}
	w.unchanged(t, before)
}

// theGuesser: who tries codes and passwords without end is asked to wait, and nobody else is.
func theGuesser(t *testing.T, w *world) {
	guesser := w.newPhone()
	for range 60 {
		got := guesser.rest(t, asks("/v1/sessions", map[string]any{"mobile": "12000000000", "code": "123456", "deviceId": "guessing-device"}))
		if got.status != http.StatusTooManyRequests {
			continue
		}
		if got.problem.Reason != "gateway.rate_limited" || got.header.Get("Retry-After") == "" || !chinese(got.problem.Message) {
			t.Errorf("who is to wait is told %+v, and to come again in %q", got.problem, got.header.Get("Retry-After"))
		}
		w.works(t, w.newPhone(), "/v1/products")
		return
	}
	t.Error("sixty codes were tried from one address")
}

// theClosedDoors: the addresses at which services listen for each other answer nobody who is not one of them.
func theClosedDoors(t *testing.T, w *world) {
	for service, path := range map[string]string{
		"user": "/user.v1.Internal/Reveal", "loan": "/loan.v1.Public/GetLoan", "payment": "/payment.v1.Internal/CreateOrder", "report": "/report.v1.Staff/GetPortfolio",
		"risk": "/risk.v1.Internal/Decide", "notify": "/log.v1.Log/Read", "collection": "/control.v1.Control/Advance",
	} {
		for what, principal := range map[string]string{"no principal": "", "a forged one": "eyJraW5kIjoic2VydmljZSJ9.AAAA"} {
			req, err := http.NewRequest(http.MethodPost, "http://"+w.at.Internal[service]+path, bytes.NewReader([]byte("{}")))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Content-Type", "application/json")
			if principal != "" {
				req.Header.Set("Hengdai-Principal", principal)
			}
			res, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			_ = res.Body.Close()
			if res.StatusCode != http.StatusUnauthorized {
				t.Errorf("%s with %s is answered %d", path, what, res.StatusCode)
			}
		}
	}
}
