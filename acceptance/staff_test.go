package acceptance

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"github.com/hengdai/hengdai/api/collection/v1/collectionv1connect"
	"github.com/hengdai/hengdai/api/gateway/v1/gatewayv1connect"
	"github.com/hengdai/hengdai/api/loan/v1/loanv1connect"
	"github.com/hengdai/hengdai/api/report/v1/reportv1connect"
	"github.com/hengdai/hengdai/api/user/v1/userv1connect"

	gatewayv1 "github.com/hengdai/hengdai/api/gateway/v1"
	userv1 "github.com/hengdai/hengdai/api/user/v1"
)

// member is one of the lender's staff at his desk.
type member struct {
	*phone
	loans   loanv1connect.StaffClient
	cases   collectionv1connect.StaffClient
	reports reportv1connect.StaffClient
	travels gatewayv1connect.StaffClient
}

// hired answers the member of staff with a role, signed in by password and time-based code.
func (w *world) hired(t testing.TB, role string) *member {
	t.Helper()
	if m := w.staff[role]; m != nil {
		return m
	}
	text, err := os.ReadFile(w.staffFile())
	if err != nil {
		t.Fatal(err)
	}
	var logins []struct {
		Login, Password, Role string
		Secret                string `json:"totp_secret"`
	}
	if err := json.Unmarshal(text, &logins); err != nil {
		t.Fatal(err)
	}
	p := w.newPhone()
	for _, l := range logins {
		if l.Role != role {
			continue
		}
		code, err := totp.GenerateCode(l.Secret, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		session, err := userv1connect.NewStaffClient(p.http, p.base).StaffLogin(t.Context(),
			&userv1.StaffLoginRequest{Login: l.Login, Password: l.Password, Totp: code})
		if err != nil {
			t.Fatalf("%s signs in: %v", role, err)
		}
		token := session.GetSessionToken()
		p.session.Store(&token)
		w.staff[role] = &member{
			phone: p, loans: loanv1connect.NewStaffClient(p.http, p.base), cases: collectionv1connect.NewStaffClient(p.http, p.base),
			reports: reportv1connect.NewStaffClient(p.http, p.base), travels: gatewayv1connect.NewStaffClient(p.http, p.base),
		}
		return w.staff[role]
	}
	t.Fatalf("the sandbox has no %s", role)
	return nil
}

// travelTo moves the calendar to a date, day by day, as the operator does. All clocks then show it.
func (w *world) travelTo(t testing.TB, date string) {
	t.Helper()
	desk := w.hired(t, "operator")
	began, days := time.Now(), int32(0)
	eventually(t, "the calendar did not come to "+date, 3*time.Minute, func() (bool, error) {
		at, err := desk.travels.Travel(t.Context(), &gatewayv1.TravelRequest{ToDate: date, WithinMs: 5000})
		if err != nil {
			if !passing(err) {
				err = errors.Join(errGiveUp, err)
			}
			return false, err
		}
		days += at.GetDaysPassed()
		return at.GetArrived(), fmt.Errorf("it stands at %s, busy are %v", at.GetToday(), at.GetBusy())
	})
	if today := w.today(t).Format(time.DateOnly); today != date {
		t.Errorf("the calendar was moved to %s, the entrance shows %s", date, today)
	}
	if days > 1 {
		t.Logf("%d days to %s in %s", days, date, time.Since(began).Round(time.Millisecond))
	}
}
