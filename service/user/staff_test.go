package user_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	userv1 "github.com/hengdai/hengdai/api/user/v1"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/rpc"
	"github.com/hengdai/hengdai/kit/store/storetest"
	"github.com/hengdai/hengdai/service/user"
)

// demo makes the demo staff and answers what they sign in with, by login.
func (r *rig) demo() map[string]user.DemoStaff {
	r.t.Helper()
	must(r.t, r.svc.Prepare(context.Background()))
	raw, err := os.ReadFile(filepath.Join(r.dataDir, user.DemoStaffFile))
	must(r.t, err)
	var list []user.DemoStaff
	must(r.t, json.Unmarshal(raw, &list))
	out := map[string]user.DemoStaff{}
	for _, d := range list {
		out[strings.TrimSuffix(d.Login, "@demo.hengdai.test")] = d
	}
	return out
}

func startStaff(t *testing.T, options ...option) (*rig, map[string]user.DemoStaff) {
	t.Helper()
	dir := t.TempDir()
	r := start(t, storetest.SQLite(t), append(options, func(d *user.Deps) { d.DataDir = dir })...)
	r.dataDir = dir
	return r, r.demo()
}

func (r *rig) staffLogin(d user.DemoStaff, at time.Time) (*userv1.StaffLoginResponse, error) {
	r.t.Helper()
	code, err := totp.GenerateCode(d.TOTPSecret, at)
	must(r.t, err)
	return r.staff(anonymous("127.0.0.50")).StaffLogin(context.Background(), &userv1.StaffLoginRequest{Login: d.Login, Password: d.Password, Totp: code})
}

// signIn answers how a member of the demo staff calls.
func (r *rig) signIn(d user.DemoStaff) rpc.Principal {
	r.t.Helper()
	res, err := r.staffLogin(d, time.Now())
	must(r.t, err)
	auth, err := r.internal("gateway").Authenticate(context.Background(), &userv1.AuthenticateRequest{Token: res.GetSessionToken()})
	must(r.t, err)
	return rpc.Principal{Kind: rpc.Staff, ID: auth.GetId(), SessionID: auth.GetSessionId(), Roles: auth.GetRoles(), IP: "127.0.0.50"}
}

func TestStaffSignInByPasswordAndTimeBasedCode(t *testing.T) {
	r, demo := startStaff(t)
	if len(demo) != 10 {
		t.Fatalf("%d demo staff", len(demo))
	}
	info, err := os.Stat(filepath.Join(r.dataDir, user.DemoStaffFile))
	must(t, err)
	if info.Mode().Perm() != 0o600 {
		t.Fatalf("demo-staff.json has mode %o", info.Mode().Perm())
	}
	reviewer := r.signIn(demo["reviewer"])
	me, err := r.staff(reviewer).GetStaffMe(context.Background(), &userv1.GetStaffMeRequest{})
	must(t, err)
	if me.GetLogin() != "reviewer@demo.hengdai.test" || strings.Join(me.GetRoles(), " ") != "reviewer" {
		t.Fatalf("%v", me)
	}
	again := r.demo()
	if again["reviewer"].Password != demo["reviewer"].Password {
		t.Fatal("a second start makes other demo staff")
	}
}

func TestATimeBasedCodeWorksOnce(t *testing.T) {
	r, demo := startStaff(t)
	d, now := demo["operator"], time.Now()
	_, err := r.staffLogin(d, now)
	must(t, err)
	_, err = r.staffLogin(d, now)
	wants(t, err, errs.Unauthenticated, "user.staff_login_failed")
	_, err = r.staffLogin(d, now.Add(30*time.Second))
	must(t, err)
	_, err = r.staffLogin(d, now)
	wants(t, err, errs.Unauthenticated, "user.staff_login_failed")
	_, err = r.staffLogin(d, now.Add(5*time.Minute))
	wants(t, err, errs.Unauthenticated, "user.staff_login_failed")
}

func TestALoginIsLockedAfterFailuresAndSaysNothing(t *testing.T) {
	r, demo := startStaff(t, limits(user.Limits{StaffTries: 3}))
	good := demo["finance"]
	bad := good
	bad.Password = "wrong password 1"
	nobody := good
	nobody.Login = "nobody@demo.hengdai.test"
	_, err := r.staffLogin(nobody, time.Now())
	wants(t, err, errs.Unauthenticated, "user.staff_login_failed")
	for range 3 {
		_, err = r.staffLogin(bad, time.Now())
		wants(t, err, errs.Unauthenticated, "user.staff_login_failed")
	}
	_, err = r.staffLogin(good, time.Now())
	wants(t, err, errs.Unauthenticated, "user.staff_login_failed")
	r.exec(`UPDATE staff SET locked_ms = 1`)
	_, err = r.staffLogin(good, time.Now())
	must(t, err)
}

func TestRolesNeedASecondAdmin(t *testing.T) {
	r, demo := startStaff(t)
	ctx := context.Background()
	maker, checker := r.signIn(demo["admin"]), r.signIn(demo["admin2"])
	req := &userv1.CreateStaffRequest{Login: "new@lender.test", DisplayName: "新人", Roles: []string{"reviewer", "finance"},
		Reason: "joined the team", IdempotencyKey: "create-000001"}
	made, err := r.staff(maker).CreateStaff(ctx, req)
	must(t, err)
	if made.GetInitialPassword() == "" || len(made.GetStaff().GetRoles()) != 0 {
		t.Fatal("the member has roles before they are approved, or no password")
	}
	again, err := r.staff(maker).CreateStaff(ctx, req)
	must(t, err)
	if again.GetStaff().GetStaffId() != made.GetStaff().GetStaffId() || again.GetInitialPassword() != "" {
		t.Fatal("a repeated request makes another member or shows the password again")
	}
	proposal := made.GetProposal().GetProposalId()
	_, err = r.staff(maker).DecideProposal(ctx, &userv1.DecideProposalRequest{ProposalId: proposal, Approve: true})
	wants(t, err, errs.Denied, "approve.same_person")
	decided, err := r.staff(checker).DecideProposal(ctx, &userv1.DecideProposalRequest{ProposalId: proposal, Approve: true})
	must(t, err)
	if decided.GetState() != "approved" || decided.GetDecidedBy() != checker.ID {
		t.Fatalf("%v", decided)
	}
	list, err := r.staff(checker).ListStaff(ctx, &userv1.ListStaffRequest{PageSize: 3})
	must(t, err)
	seen := len(list.GetStaff())
	for list.GetNextPageToken() != "" {
		list, err = r.staff(checker).ListStaff(ctx, &userv1.ListStaffRequest{PageSize: 3, PageToken: list.GetNextPageToken()})
		must(t, err)
		seen += len(list.GetStaff())
	}
	if seen != 11 {
		t.Fatalf("the pages hold %d members", seen)
	}
	own, err := r.staff(maker).SetRoles(ctx, &userv1.SetRolesRequest{StaffId: checker.ID, Roles: []string{"admin", "finance"}, Reason: "more work"})
	must(t, err)
	_, err = r.staff(checker).DecideProposal(ctx, &userv1.DecideProposalRequest{ProposalId: own.GetProposalId(), Approve: true})
	wants(t, err, errs.Denied, "user.staff_self")
	_, err = r.staff(checker).ListStaff(ctx, &userv1.ListStaffRequest{PageToken: "%%%"})
	wants(t, err, errs.Invalid, "user.page_token_invalid")
}

func TestTwoAdminsCannotShutEachOtherOut(t *testing.T) {
	r, demo := startStaff(t)
	a, b := r.signIn(demo["admin"]), r.signIn(demo["admin2"])
	var wg sync.WaitGroup
	for _, pair := range [][2]rpc.Principal{{a, b}, {b, a}} {
		wg.Go(func() {
			_, _ = r.staff(pair[0]).DisableStaff(context.Background(), &userv1.DisableStaffRequest{StaffId: pair[1].ID, Reason: "left the company"})
		})
	}
	wg.Wait()
	if n := r.count(`SELECT COUNT(*) FROM staff WHERE state = 'active' AND roles = 'admin'`); n != 1 {
		t.Fatalf("%d admins are left", n)
	}
	_, err := r.staff(a).DisableStaff(context.Background(), &userv1.DisableStaffRequest{StaffId: a.ID, Reason: "by myself"})
	wants(t, err, errs.Denied, "user.staff_self")
}

func TestADisabledMemberIsOutAtOnce(t *testing.T) {
	r, demo := startStaff(t)
	ctx := context.Background()
	admin := r.signIn(demo["admin"])
	res, err := r.staffLogin(demo["collector"], time.Now())
	must(t, err)
	_, err = r.staff(admin).DisableStaff(ctx, &userv1.DisableStaffRequest{StaffId: res.GetStaff().GetStaffId(), Reason: "left the company"})
	must(t, err)
	_, err = r.internal("gateway").Authenticate(ctx, &userv1.AuthenticateRequest{Token: res.GetSessionToken()})
	wants(t, err, errs.Unauthenticated, "user.session_ended")
	_, err = r.staffLogin(demo["collector"], time.Now().Add(30*time.Second))
	wants(t, err, errs.Unauthenticated, "user.staff_login_failed")
}

func TestChangingThePasswordEndsOtherSessions(t *testing.T) {
	r, demo := startStaff(t)
	ctx := context.Background()
	d := demo["auditor"]
	res, err := r.staffLogin(d, time.Now())
	must(t, err)
	me, err := r.internal("gateway").Authenticate(ctx, &userv1.AuthenticateRequest{Token: res.GetSessionToken()})
	must(t, err)
	other, err := r.staffLogin(d, time.Now().Add(30*time.Second))
	must(t, err)
	as := rpc.Principal{Kind: rpc.Staff, ID: me.GetId(), SessionID: me.GetSessionId(), Roles: me.GetRoles()}
	change := func(old, next string) error {
		_, err := r.staff(as).ChangePassword(ctx, &userv1.ChangePasswordRequest{OldPassword: old, NewPassword: next})
		return err
	}
	wants(t, change("wrong", "a Better Password 9"), errs.Invalid, "user.password_wrong")
	wants(t, change(d.Password, "aaaaaaaaaaaaa"), errs.Invalid, "user.password_weak")
	must(t, change(d.Password, "a Better Password 9"))
	_, err = r.internal("gateway").Authenticate(ctx, &userv1.AuthenticateRequest{Token: other.GetSessionToken()})
	wants(t, err, errs.Unauthenticated, "user.session_ended")
	_, err = r.internal("gateway").Authenticate(ctx, &userv1.AuthenticateRequest{Token: res.GetSessionToken()})
	must(t, err)
}

func TestStaffSeeMaskedValuesAndEachLookIsRecorded(t *testing.T) {
	r, demo := startStaff(t)
	ctx := context.Background()
	who, me, card := r.identified(30)
	desk, auditor := r.signIn(demo["service_desk"]), r.signIn(demo["auditor"])
	seen, err := r.staff(desk).GetCustomer(ctx, &userv1.GetCustomerRequest{UserId: me.ID})
	must(t, err)
	if strings.Contains(seen.String(), who.Name) || strings.Contains(seen.String(), who.Mobile) || len(seen.GetCards()) != 1 || len(seen.GetSessions()) != 1 {
		t.Fatal("the customer is not shown masked with card and session")
	}
	for field, value := range map[string]string{"mobile": who.Mobile, "id_no": strings.ToLower(who.IDNo), "card_no": who.Cards[0].CardNo} {
		found, err := r.staff(desk).FindCustomer(ctx, &userv1.FindCustomerRequest{Field: field, Value: value})
		must(t, err)
		if len(found.GetCustomers()) != 1 || found.GetCustomers()[0].GetUserId() != me.ID {
			t.Fatalf("not found by %s", field)
		}
	}
	nobody, err := r.staff(desk).FindCustomer(ctx, &userv1.FindCustomerRequest{Field: "mobile", Value: "12999999990"})
	must(t, err)
	if len(nobody.GetCustomers()) != 0 {
		t.Fatal("somebody is found by a wrong mobile")
	}
	_, err = r.staff(auditor).RevealCustomer(ctx, &userv1.RevealCustomerRequest{UserId: me.ID, Fields: []string{"mobile"}, Reason: "just looking"})
	wants(t, err, errs.Denied, errs.ReasonOf(err))
	got, err := r.staff(desk).RevealCustomer(ctx, &userv1.RevealCustomerRequest{UserId: me.ID, Fields: []string{"name", "card_no"}, Reason: "customer on the phone"})
	must(t, err)
	if got.GetName() != who.Name || got.GetCardNo() != who.Cards[0].CardNo || got.GetMobile() != "" || card.GetCardId() == 0 {
		t.Fatal("other fields than those asked for")
	}
	rows, err := r.staff(auditor).ListAudit(ctx, &userv1.ListAuditRequest{SubjectId: me.ID, ActorId: desk.ID})
	must(t, err)
	reveals := 0
	for _, row := range rows.GetRows() {
		if row.GetAct() == "person.reveal" && row.GetReason() == "customer on the phone" && row.GetDetails()["fields"] == "name,card_no" {
			reveals++
		}
	}
	if reveals != 1 || r.count(`SELECT COUNT(*) FROM access WHERE act = 'reveal' AND staff_id = ?`, desk.ID) != 1 {
		t.Fatalf("the look is recorded %d times", reveals)
	}
	if strings.Contains(rows.String(), who.Name) {
		t.Fatal("the record holds a value")
	}
}

func TestARevokedCustomerMustSignInAgain(t *testing.T) {
	r, demo := startStaff(t)
	ctx := context.Background()
	me, session := r.register("12100000031")
	desk := r.signIn(demo["service_desk"])
	res, err := r.staff(desk).RevokeCustomerSessions(ctx, &userv1.RevokeCustomerSessionsRequest{UserId: me.ID, Reason: "phone was stolen"})
	must(t, err)
	if res.GetRevoked() != 1 {
		t.Fatalf("%d sessions ended", res.GetRevoked())
	}
	_, err = r.internal("gateway").Authenticate(ctx, &userv1.AuthenticateRequest{Token: session.GetSessionToken()})
	wants(t, err, errs.Unauthenticated, "user.session_ended")
	consents, err := r.staff(desk).ListCustomerConsents(ctx, &userv1.ListCustomerConsentsRequest{UserId: me.ID})
	must(t, err)
	if len(consents.GetConsents()) != 1 {
		t.Fatalf("%d consents", len(consents.GetConsents()))
	}
}

func TestTheAuditOfUserFindsAChangedRow(t *testing.T) {
	r, demo := startStaff(t)
	ctx := context.Background()
	r.identified(32)
	auditor := r.signIn(demo["auditor"])
	verify := func() *userv1.VerifyAuditResponse {
		res, err := r.staff(auditor).VerifyAudit(ctx, &userv1.VerifyAuditRequest{})
		must(t, err)
		return res
	}
	deadline := time.Now().Add(5 * time.Second)
	for r.count(`SELECT COUNT(*) FROM kit_audit WHERE chain_no = 0`) > 0 && time.Now().Before(deadline) {
		time.Sleep(10 * time.Millisecond)
	}
	before := verify()
	if !before.GetIntact() || before.GetRows() < 15 {
		t.Fatalf("%v", before)
	}
	r.exec(`UPDATE kit_audit SET actor_id = actor_id + 1 WHERE chain_no = 7`)
	if after := verify(); after.GetIntact() || after.GetBrokenAt() != 7 {
		t.Fatalf("%v", after)
	}
}
