package user

import (
	"context"
	"crypto/subtle"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"

	userv1 "github.com/hengdai/hengdai/api/user/v1"
	"github.com/hengdai/hengdai/kit/clock"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/id"
	"github.com/hengdai/hengdai/kit/rpc"
	"github.com/hengdai/hengdai/kit/secret"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/service/user/rows"
)

// States of a member of staff.
const (
	staffActive   = "active"
	staffDisabled = "disabled"
)

const (
	totpPeriod  = 30 * time.Second
	lockLongest = time.Hour
)

// StaffLogin opens a session by password and time-based code.
func (t staff) StaffLogin(ctx context.Context, req *userv1.StaffLoginRequest) (*userv1.StaffLoginResponse, error) {
	s := t.Service
	fresh, err := s.newSession(sessionStaff, "console")
	if err != nil {
		return nil, err
	}
	member, known, err := s.memberByLogin(ctx, s.DB.Primary(), req.GetLogin())
	if err != nil {
		return nil, err
	}
	fits, err := s.passwords.fits(ctx, member.Password, secret.New(req.GetPassword()))
	if err != nil {
		return nil, errs.Wrap(err, "checking a password")
	}
	var res *userv1.StaffLoginResponse
	err = s.write(ctx, func(tx *store.Tx) error {
		res = nil
		limits := []limit{{name: "staff.login", key: s.Index.Of("login", secret.New(req.GetLogin())), window: time.Hour, most: 60}}
		if at, ok := s.address(tx.Context()); ok {
			limits = append(limits, limit{name: "staff.address", key: at, window: time.Hour, most: s.limits.FailuresPerAddressHour})
		}
		if over, err := reached(tx.Context(), tx, limits...); err != nil || over {
			return firstOf(err, errTooMany)
		}
		if known {
			if res, err = s.staffEnter(tx, member.ID, fits && member.Password != "", req.GetTotp(), fresh); err != nil || res != nil {
				return err
			}
		}
		return use(tx.Context(), tx, limits...)
	})
	if err != nil {
		return nil, errs.Wrap(err, "signing in staff")
	}
	if res == nil {
		return nil, errStaffLogin
	}
	return res, nil
}

// staffEnter decides on the row as it is inside the unit. No answer means that something was wrong; the failure is
// counted on the row.
func (s *Service) staffEnter(tx *store.Tx, staffID int64, passwordFits bool, code string, fresh newSession) (*userv1.StaffLoginResponse, error) {
	ctx, now := tx.Context(), clock.Real()
	m, err := s.member(ctx, tx, staffID)
	if err != nil {
		return nil, err
	}
	if m.State != staffActive || now.UnixMilli() < m.LockedMs {
		return nil, nil
	}
	key, err := s.readKey(ctx, tx, m.ID, classStaff)
	if err != nil {
		return nil, err
	}
	secretText, err := key.Open(m.ID, fieldTOTP, m.TotpSealed)
	if err != nil {
		return nil, err
	}
	step, err := totpStep(secretText, code, now)
	if err != nil {
		return nil, err
	}
	if !passwordFits || step <= m.TotpStep {
		return nil, s.countFailure(tx, m, now)
	}
	m.TotpStep, m.Failures, m.LockedMs, m.LastLoginMs = step, 0, 0, s.now()
	if err := putStaff(ctx, tx, m); err != nil {
		return nil, err
	}
	ses, err := s.openSession(tx, fresh, m.ID, "", s.limits.StaffLife)
	if err != nil {
		return nil, err
	}
	err = s.record(tx, "staff.login", "staff", m.ID, "", nil)
	return &userv1.StaffLoginResponse{SessionToken: fresh.text(ses.Bucket), Staff: staffOut(m), ExpiresMs: ses.ExpiresMs}, err
}

func (s *Service) countFailure(tx *store.Tx, m rows.Staff, now time.Time) error {
	m.Failures++
	if over := m.Failures - s.limits.StaffTries; over >= 0 {
		lock := min(s.limits.StaffLock<<min(over, 16), lockLongest)
		m.LockedMs = now.Add(lock).UnixMilli()
	}
	if err := putStaff(tx.Context(), tx, m); err != nil {
		return err
	}
	return s.record(tx, "staff.login_failed", "staff", m.ID, "", nil)
}

// totpStep answers the time step whose code this is, one step of skew either way; zero if none.
func totpStep(secretText secret.String, code string, now time.Time) (int64, error) {
	at := now.Unix() / int64(totpPeriod/time.Second)
	var found int64
	for _, step := range []int64{at - 1, at, at + 1} {
		want, err := hotp.GenerateCodeCustom(secretText.Reveal(), uint64(step), hotp.ValidateOpts{Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1})
		if err != nil {
			return 0, errs.Wrap(err, "computing a time-based code")
		}
		if subtle.ConstantTimeCompare([]byte(want), []byte(code)) == 1 {
			found = step
		}
	}
	return found, nil
}

// StaffLogout ends the session of this call.
func (t staff) StaffLogout(ctx context.Context, _ *userv1.StaffLogoutRequest) (*userv1.StaffLogoutResponse, error) {
	who := rpc.From(ctx)
	return &userv1.StaffLogoutResponse{}, t.end(ctx, who.ID, who.SessionID, "logout")
}

// GetStaffMe answers who is signed in.
func (t staff) GetStaffMe(ctx context.Context, _ *userv1.GetStaffMeRequest) (*userv1.StaffMember, error) {
	m, err := t.member(ctx, t.DB.Primary(), rpc.From(ctx).ID)
	if err != nil {
		return nil, err
	}
	return staffOut(m), nil
}

// ChangePassword replaces one's own password and ends one's other sessions.
func (t staff) ChangePassword(ctx context.Context, req *userv1.ChangePasswordRequest) (*userv1.ChangePasswordResponse, error) {
	s, who := t.Service, rpc.From(ctx)
	if next := secret.New(req.GetNewPassword()); !strongEnough(next) || next.Equal(secret.New(req.GetOldPassword())) {
		return nil, errPasswordWeak
	}
	m, err := s.member(ctx, s.DB.Primary(), who.ID)
	if err != nil {
		return nil, err
	}
	fits, err := s.passwords.fits(ctx, m.Password, secret.New(req.GetOldPassword()))
	if err != nil {
		return nil, errs.Wrap(err, "checking a password")
	}
	hash, err := s.passwords.hash(ctx, secret.New(req.GetNewPassword()))
	if err != nil {
		return nil, err
	}
	wrong := false
	err = s.write(ctx, func(tx *store.Tx) error {
		m, err := s.member(tx.Context(), tx, who.ID)
		if err != nil {
			return err
		}
		if wrong = !fits || m.LockedMs > clock.Real().UnixMilli(); wrong {
			return s.countFailure(tx, m, clock.Real())
		}
		m.Password, m.Failures = hash, 0
		if err := putStaff(tx.Context(), tx, m); err != nil {
			return err
		}
		if _, err := s.endSessions(tx, m.ID, who.SessionID, "password_changed"); err != nil {
			return err
		}
		return s.record(tx, "staff.password", "staff", m.ID, "", nil)
	})
	if err == nil && wrong {
		err = errPassword
	}
	return &userv1.ChangePasswordResponse{}, errs.Wrap(err, "changing a password")
}

func (s *Service) memberByLogin(ctx context.Context, q store.DBTX, login string) (rows.Staff, bool, error) {
	m, err := rows.New(q).StaffByLogin(ctx, rows.StaffByLoginParams{Bucket: staffBucket(login), Login: login})
	if none(err) {
		return rows.Staff{}, false, nil
	}
	return m, err == nil, errs.Wrap(err, "reading staff")
}

// member reads a member of staff; errNotFound if there is none.
func (s *Service) member(ctx context.Context, q store.DBTX, staffID int64) (rows.Staff, error) {
	m, err := rows.New(q).GetStaff(ctx, rows.GetStaffParams{Bucket: id.Bucket(staffID), ID: staffID})
	if none(err) {
		return m, errNotFound
	}
	return m, errs.Wrap(err, "reading staff")
}

func putStaff(ctx context.Context, tx *store.Tx, m rows.Staff) error {
	n, err := rows.New(tx).UpdateStaff(ctx, rows.UpdateStaffParams{Password: m.Password, TotpStep: m.TotpStep, Roles: m.Roles, State: m.State,
		Failures: m.Failures, LockedMs: m.LockedMs, LastLoginMs: m.LastLoginMs, Bucket: m.Bucket, ID: m.ID, Version: m.Version})
	return store.One(n, err, errStale)
}

func staffBucket(login string) int64 { return hashBucket("login", login) }
