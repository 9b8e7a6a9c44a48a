package user

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strconv"
	"time"

	"google.golang.org/protobuf/proto"

	userv1 "github.com/hengdai/hengdai/api/user/v1"
	"github.com/hengdai/hengdai/kit/clock"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/keys"
	"github.com/hengdai/hengdai/kit/rpc"
	"github.com/hengdai/hengdai/kit/secret"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/service/user/rows"
)

// States of a one-time code.
const (
	codeUsed  = "used"
	codeSpent = "spent" // tried too often
	codeLive  = "live"
)

const notifyProcess = "notify"

// SendCode makes a one-time code and asks notify by an event to send it. It never looks at who has the mobile, so known
// and unknown ones cannot be told apart.
func (p public) SendCode(ctx context.Context, req *userv1.SendCodeRequest) (*userv1.SendCodeResponse, error) {
	s := p.Service
	mobile := secret.New(req.GetMobile())
	if err := s.rules.Mobile(mobile); err != nil {
		return nil, err
	}
	hash, err := s.bodyHash(req)
	if err != nil {
		return nil, err
	}
	made, err := s.newCode(mobile, req.GetPurpose(), req.GetLanguage())
	if err != nil {
		return nil, err
	}
	var res userv1.SendCodeResponse
	err = s.write(ctx, func(tx *store.Tx) error {
		proto.Reset(&res)
		scope := "user.SendCode/" + made.mobileIdx // nobody is signed in: a key is the mobile's
		before, found, err := store.Idempotent(tx, made.bucket, scope, req.GetIdempotencyKey(), hash)
		if err != nil {
			return err
		}
		if found {
			return proto.Unmarshal(before, &res)
		}
		res.ExpiresMs, res.ResendAfterSeconds = made.event.GetExpiresMs(), int32(s.limits.CodeGap/time.Second)
		answer, err := proto.Marshal(&res)
		if err != nil {
			return err
		}
		if err := store.Remember(tx, made.bucket, scope, req.GetIdempotencyKey(), hash, answer); err != nil {
			return err
		}
		return s.issue(tx, made)
	})
	if err != nil {
		return nil, errs.Wrap(err, "issuing a code")
	}
	return &res, nil
}

// newCodeRow is a code before it is stored.
type newCodeRow struct {
	bucket, id int64
	mobileIdx  string
	purpose    string
	digest     []byte
	createdMs  int64
	event      *userv1.CodeIssued
}

// newCode draws six digits and seals them and the mobile to notify.
func (s *Service) newCode(mobile secret.String, purpose, language string) (newCodeRow, error) {
	to := s.Ring.PublicSeal(notifyProcess)
	if to == nil {
		return newCodeRow{}, errNotifyMissing
	}
	digits, err := sixDigits()
	if err != nil {
		return newCodeRow{}, err
	}
	idx := s.Index.Of(fieldMobile, mobile)
	c := newCodeRow{bucket: hashBucket(fieldMobile, idx), mobileIdx: idx, purpose: purpose, createdMs: clock.Real().UnixMilli()}
	c.id = s.IDs.New(c.bucket)
	c.digest = s.codeDigest(c.id, idx, digits)
	sealedCode, err := keys.SealTo(to, []byte(digits.Reveal()))
	if err != nil {
		return newCodeRow{}, err
	}
	sealedMobile, err := keys.SealTo(to, []byte(mobile.Reveal()))
	if err != nil {
		return newCodeRow{}, err
	}
	if language == "" {
		language = rpc.Chinese
	}
	c.event = &userv1.CodeIssued{
		CodeId: c.id, Purpose: purpose, SealedCode: sealedCode, SealedMobile: sealedMobile,
		ExpiresMs: c.createdMs + s.limits.CodeLife.Milliseconds(), Language: language,
	}
	return c, nil
}

// issue stores a code in place of an earlier one, within the limits of its mobile and of the caller's address.
func (s *Service) issue(tx *store.Tx, c newCodeRow) error {
	ctx, q := tx.Context(), rows.New(tx)
	limits := []limit{{name: "code.mobile", key: c.mobileIdx, window: 24 * time.Hour, most: s.limits.CodesPerDay}}
	if at, ok := s.address(ctx); ok {
		limits = append(limits, limit{name: "code.address", key: at, window: time.Hour, most: s.limits.CodesPerAddressHour})
	}
	over, err := reached(ctx, tx, limits...)
	if err != nil {
		return err
	}
	live, err := q.LiveCodes(ctx, rows.LiveCodesParams{Bucket: c.bucket, MobileIdx: c.mobileIdx, Purpose: c.purpose})
	if err != nil {
		return errs.Wrap(err, "reading codes")
	}
	if over || (len(live) > 0 && c.createdMs-live[0].CreatedMs < s.limits.CodeGap.Milliseconds()) {
		return errTooMany
	}
	if err := use(ctx, tx, limits...); err != nil {
		return err
	}
	if _, err := q.ReplaceCodes(ctx, rows.ReplaceCodesParams{Bucket: c.bucket, MobileIdx: c.mobileIdx, Purpose: c.purpose}); err != nil {
		return errs.Wrap(err, "replacing codes")
	}
	err = q.InsertCode(ctx, rows.InsertCodeParams{Bucket: c.bucket, ID: c.id, Purpose: c.purpose, MobileIdx: c.mobileIdx, Digest: c.digest,
		CreatedMs: c.createdMs, ExpiresMs: c.event.GetExpiresMs()})
	if err != nil {
		return errs.Wrap(err, "storing a code")
	}
	if err := s.record(tx, "code.issue", "code", c.id, "", map[string]string{"purpose": c.purpose}); err != nil {
		return err
	}
	return s.tell(tx, 0, c.bucket, c.event)
}

// tryCode looks for the live code of a mobile. ok says that it fits; then the caller settles it by spendCode in the same
// unit. A wrong try is counted in this unit, which therefore has to be committed.
func (s *Service) tryCode(tx *store.Tx, mobileIdx, purpose string, digits secret.String) (code rows.Code, ok bool, err error) {
	ctx, q, bucket := tx.Context(), rows.New(tx), hashBucket(fieldMobile, mobileIdx)
	limits := s.failureLimits(ctx, mobileIdx)
	over, err := reached(ctx, tx, limits...)
	if err != nil {
		return rows.Code{}, false, err
	}
	if over {
		return rows.Code{}, false, errTooMany
	}
	live, err := q.LiveCodes(ctx, rows.LiveCodesParams{Bucket: bucket, MobileIdx: mobileIdx, Purpose: purpose})
	if err != nil {
		return rows.Code{}, false, errs.Wrap(err, "reading codes")
	}
	digest := s.codeDigest(0, mobileIdx, digits)
	if len(live) > 0 && live[0].ExpiresMs > clock.Real().UnixMilli() {
		code = live[0]
		digest = s.codeDigest(code.ID, mobileIdx, digits)
	}
	if code.ID != 0 && subtle.ConstantTimeCompare(digest, code.Digest) == 1 {
		return code, true, nil
	}
	if err := use(ctx, tx, limits...); err != nil {
		return code, false, err
	}
	if code.ID == 0 {
		return code, false, nil
	}
	state := codeLive
	if code.Tries+1 >= s.limits.CodeTries {
		state = codeSpent
	}
	return code, false, moveCode(ctx, tx, code, state)
}

func (s *Service) failureLimits(ctx context.Context, mobileIdx string) []limit {
	limits := []limit{{name: "login.mobile", key: mobileIdx, window: 24 * time.Hour, most: s.limits.FailuresPerDay}}
	if at, ok := s.address(ctx); ok {
		limits = append(limits, limit{name: "login.address", key: at, window: time.Hour, most: s.limits.FailuresPerAddressHour})
	}
	return limits
}

// moveCode counts a try and sets the state, if nobody else tried the same code meanwhile.
func moveCode(ctx context.Context, tx *store.Tx, c rows.Code, state string) error {
	n, err := rows.New(tx).MoveCode(ctx, rows.MoveCodeParams{State: state, Tries: c.Tries + 1, Bucket: c.Bucket, ID: c.ID, Version: c.Version})
	return store.One(n, err, errCodeWrong)
}

// codeDigest is keyed, so that a stolen table of codes cannot be tried through.
func (s *Service) codeDigest(codeID int64, mobileIdx string, digits secret.String) []byte {
	text := s.Index.Of("code", secret.New(strconv.FormatInt(codeID, 10)+"|"+mobileIdx+"|"+digits.Reveal()))
	raw, err := hex.DecodeString(text)
	if err != nil {
		return []byte(text) // cannot be: Of answers hexadecimal
	}
	return raw
}

// address answers a blind index of the caller's network address.
func (s *Service) address(ctx context.Context) (string, bool) {
	ip := rpc.From(ctx).IP
	if ip == "" {
		return "", false
	}
	return s.Index.Of("ip", secret.New(ip)), true
}

func sixDigits() (secret.String, error) {
	var b [8]byte
	if _, err := rand.Read(b[:]); err != nil {
		return secret.String{}, fmt.Errorf("drawing a code: %w", err)
	}
	return secret.New(fmt.Sprintf("%06d", binary.BigEndian.Uint64(b[:])%1_000_000)), nil
}
