package user

import (
	"context"

	userv1 "github.com/hengdai/hengdai/api/user/v1"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/id"
	"github.com/hengdai/hengdai/kit/rpc"
	"github.com/hengdai/hengdai/kit/secret"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/kit/vault"
	"github.com/hengdai/hengdai/service/user/document"
	"github.com/hengdai/hengdai/service/user/rows"
)

// States of a person.
const (
	stateRegistered = "registered"
	stateIdentified = "identified"
	stateClosed     = "closed"
)

// arrival is all that one login needs and that is made before its unit, because units may run twice. What a new person
// would need is made for every login: known and unknown mobiles take the same time.
type arrival struct {
	req       *userv1.LoginRequest
	mobileIdx string
	policy    document.Document
	session   newSession

	newID        int64
	newKey       vault.Key
	mobileSealed []byte
	consentID    int64
}

// Login opens a session, and registers the person if the mobile is new.
func (p public) Login(ctx context.Context, req *userv1.LoginRequest) (*userv1.LoginResponse, error) {
	s := p.Service
	mobile := secret.New(req.GetMobile())
	if err := s.rules.Mobile(mobile); err != nil {
		return nil, err
	}
	a, err := s.arrive(req, mobile)
	if err != nil {
		return nil, errs.Wrap(err, "preparing a login")
	}
	var res *userv1.LoginResponse
	var refused error
	err = s.write(ctx, func(tx *store.Tx) error {
		res, refused = nil, nil
		code, ok, err := s.tryCode(tx, a.mobileIdx, "login", secret.New(req.GetCode()))
		if err != nil {
			return err
		}
		if !ok {
			refused = errCodeWrong
			return nil
		}
		res, err = s.enter(tx, a)
		if err != nil {
			return err
		}
		return moveCode(tx.Context(), tx, code, codeUsed)
	})
	if err == nil {
		err = refused
	}
	if err != nil {
		return nil, errs.Wrap(err, "signing in")
	}
	return res, nil
}

func (s *Service) arrive(req *userv1.LoginRequest, mobile secret.String) (arrival, error) {
	a := arrival{req: req, mobileIdx: s.Index.Of(fieldMobile, mobile)}
	a.policy, _ = s.documents.For(document.Privacy)
	bucket, err := randomBucket()
	if err != nil {
		return a, err
	}
	a.newID, a.consentID = s.IDs.New(bucket), s.IDs.New(bucket)
	if a.newKey, err = vault.NewKey(); err != nil {
		return a, err
	}
	if a.mobileSealed, err = a.newKey.Seal(a.newID, fieldMobile, mobile); err != nil {
		return a, err
	}
	a.session, err = s.newSession(sessionBorrower, deviceLabel(req.GetDevice()))
	return a, err
}

// enter finds or registers the person and opens the session.
func (s *Service) enter(tx *store.Tx, a arrival) (*userv1.LoginResponse, error) {
	ctx := tx.Context()
	held, err := s.holder(ctx, tx, fieldMobile, a.mobileIdx)
	if err != nil {
		return nil, err
	}
	userID, isNew := held.UserID, held.UserID == 0
	if isNew {
		userID = a.newID
	}
	deviceToken, err := s.token(ctx, tx, "device", secret.New(a.req.GetDeviceId()), userID)
	if err != nil {
		return nil, err
	}
	ipToken, err := s.token(ctx, tx, "ip", secret.New(rpc.From(ctx).IP), userID)
	if err != nil {
		return nil, err
	}
	if isNew {
		err = s.register(tx, a, deviceToken, ipToken)
	} else {
		err = s.arriveAgain(tx, userID, deviceToken)
	}
	if err != nil {
		return nil, err
	}
	ses, err := s.openSession(tx, a.session, userID, deviceToken, s.limits.SessionLife)
	if err != nil {
		return nil, err
	}
	if err := s.record(tx, "session.open", "user", userID, "", map[string]string{"new": yesNo(isNew)}); err != nil {
		return nil, err
	}
	err = s.tell(tx, userID, id.Bucket(userID), &userv1.LoggedIn{SessionId: ses.ID, DeviceToken: deviceToken, IpToken: ipToken})
	return &userv1.LoginResponse{SessionToken: a.session.text(ses.Bucket), UserId: userID, SessionId: ses.ID, IsNew: isNew, ExpiresMs: ses.ExpiresMs}, err
}

// register makes the person: reservation of the mobile, data key, row, consent to the privacy policy.
func (s *Service) register(tx *store.Tx, a arrival, deviceToken, ipToken string) error {
	ctx, ref := tx.Context(), a.req.GetConsent()
	if ref == nil {
		return errConsentRequired
	}
	if ref.GetDocument() != a.policy.Name || !a.policy.Fits(ref.GetVersion(), ref.GetHash()) {
		return errDocumentUnknown.On("consent")
	}
	userID, bucket := a.newID, id.Bucket(a.newID)
	err := s.reserve(ctx, tx, fieldMobile, a.mobileIdx, userID, 0, "confirmed", func(rows.Reservation) error { return errStale })
	if err != nil {
		return err
	}
	if _, err := s.keyOrNew(ctx, tx, userID, classIdentity, a.newKey); err != nil {
		return err
	}
	mobileToken, err := s.token(ctx, tx, fieldMobile, secret.New(a.req.GetMobile()), userID)
	if err != nil {
		return err
	}
	err = rows.New(tx).InsertPerson(ctx, rows.InsertPersonParams{
		Bucket: bucket, ID: userID, State: stateRegistered, MobileSealed: a.mobileSealed, NameSealed: []byte{}, IDNoSealed: []byte{},
		AddressSealed: []byte{}, MobileToken: mobileToken, DeviceToken: deviceToken, RegisteredMs: s.now(),
	})
	if err != nil {
		return errs.Wrap(err, "storing a person")
	}
	if err := s.record(tx, "user.register", "user", userID, "", nil); err != nil {
		return err
	}
	event := &userv1.UserRegistered{MobileToken: mobileToken, DeviceToken: deviceToken, IpToken: ipToken}
	if err := s.tell(tx, userID, bucket, event); err != nil {
		return err
	}
	_, err = s.keepConsent(tx, userID, a.consentID, a.policy, ref.GetHash(), "app", 0)
	return err
}

func (s *Service) arriveAgain(tx *store.Tx, userID int64, deviceToken string) error {
	person, err := s.person(tx.Context(), tx, userID)
	switch {
	case err != nil:
		return err
	case person.State == stateClosed:
		return errClosed
	case person.DeviceToken == deviceToken:
		return nil
	}
	person.DeviceToken = deviceToken
	return putPerson(tx.Context(), tx, person)
}

// deviceLabel is what a person reads in the list of devices.
func deviceLabel(d *userv1.DeviceSigns) string {
	label := d.GetPlatform()
	if d.GetModel() != "" {
		label += " " + d.GetModel()
	}
	return label
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
