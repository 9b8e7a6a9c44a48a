package user

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strings"
	"time"

	userv1 "github.com/hengdai/hengdai/api/user/v1"
	"github.com/hengdai/hengdai/kit/clock"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/id"
	"github.com/hengdai/hengdai/kit/rpc"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/service/user/rows"
)

// Kinds of sessions.
const (
	sessionBorrower = "borrower"
	sessionStaff    = "staff"
)

// A session's token is a prefix for its kind, two bytes of bucket (so that its row is found on its shard) and 256 random
// bits, in URL-safe base64.
const (
	tokenBytes = 32
	seenEvery  = time.Minute
)

var tokenPrefix = map[string]string{sessionBorrower: "hb_", sessionStaff: "hs_"}

// newSession is a session before it is stored.
type newSession struct {
	kind, device string
	random       []byte
}

func (s *Service) newSession(kind, device string) (newSession, error) {
	random := make([]byte, tokenBytes)
	if _, err := rand.Read(random); err != nil {
		return newSession{}, fmt.Errorf("drawing a session token: %w", err)
	}
	return newSession{kind: kind, device: device, random: random}, nil
}

// text is the token as its holder gets it.
func (n newSession) text(bucket int64) string {
	return tokenPrefix[n.kind] + base64.RawURLEncoding.EncodeToString(append(binary.BigEndian.AppendUint16(nil, uint16(bucket)), n.random...))
}

func parseToken(text string) (kind string, bucket int64, hash []byte, ok bool) {
	for kind, prefix := range tokenPrefix {
		rest, found := strings.CutPrefix(text, prefix)
		if !found {
			continue
		}
		raw, err := base64.RawURLEncoding.DecodeString(rest)
		if err != nil || len(raw) != 2+tokenBytes {
			return "", 0, nil, false
		}
		sum := sha256.Sum256(raw[2:])
		return kind, int64(binary.BigEndian.Uint16(raw[:2])), sum[:], true
	}
	return "", 0, nil, false
}

// openSession stores a session; the person's least used ones end if there are too many.
func (s *Service) openSession(tx *store.Tx, n newSession, ownerID int64, deviceToken string, life time.Duration) (rows.Session, error) {
	ctx, q, bucket := tx.Context(), rows.New(tx), id.Bucket(ownerID)
	live, err := q.LiveSessions(ctx, rows.LiveSessionsParams{Bucket: bucket, OwnerID: ownerID})
	if err != nil {
		return rows.Session{}, errs.Wrap(err, "reading sessions")
	}
	for i := s.limits.SessionsMost - 1; i < len(live); i++ {
		if err := s.endSession(tx, live[i], "displaced"); err != nil {
			return rows.Session{}, err
		}
	}
	sum := sha256.Sum256(n.random)
	now := clock.Real()
	row := rows.Session{
		Bucket: bucket, ID: s.IDs.New(bucket), Kind: n.kind, OwnerID: ownerID, TokenHash: sum[:], Device: n.device, DeviceToken: deviceToken,
		CreatedMs: now.UnixMilli(), SeenMs: now.UnixMilli(), ExpiresMs: now.Add(life).UnixMilli(),
	}
	err = q.InsertSession(ctx, rows.InsertSessionParams{
		Bucket: row.Bucket, ID: row.ID, Kind: row.Kind, OwnerID: row.OwnerID, TokenHash: row.TokenHash, Device: row.Device,
		DeviceToken: row.DeviceToken, CreatedMs: row.CreatedMs, SeenMs: row.SeenMs, ExpiresMs: row.ExpiresMs,
	})
	return row, errs.Wrap(err, "storing a session")
}

// endSession ends a session and tells it, so that nobody goes on with a cached answer.
func (s *Service) endSession(tx *store.Tx, row rows.Session, why string) error {
	n, err := rows.New(tx).EndSession(tx.Context(), rows.EndSessionParams{EndedMs: clock.Real().UnixMilli(), EndReason: why, Bucket: row.Bucket, ID: row.ID})
	if err != nil || n == 0 {
		return errs.Wrap(err, "ending a session")
	}
	if err := s.record(tx, "session.end", "session", row.ID, "", map[string]string{"why": why, "kind": row.Kind}); err != nil {
		return err
	}
	owner := row.OwnerID
	if row.Kind == sessionStaff {
		owner = 0
	}
	return s.tell(tx, owner, row.Bucket, &userv1.SessionRevoked{SessionId: row.ID})
}

// endSessions ends all live sessions of an owner but one.
func (s *Service) endSessions(tx *store.Tx, ownerID, keep int64, why string) (ended int32, err error) {
	live, err := rows.New(tx).LiveSessions(tx.Context(), rows.LiveSessionsParams{Bucket: id.Bucket(ownerID), OwnerID: ownerID})
	if err != nil {
		return 0, errs.Wrap(err, "reading sessions")
	}
	for _, row := range live {
		if row.ID == keep {
			continue
		}
		if err := s.endSession(tx, row, why); err != nil {
			return ended, err
		}
		ended++
	}
	return ended, nil
}

// Authenticate answers who holds a session token.
func (i internalAPI) Authenticate(ctx context.Context, req *userv1.AuthenticateRequest) (*userv1.AuthenticateResponse, error) {
	s := i.Service
	kind, bucket, hash, ok := parseToken(req.GetToken())
	if !ok {
		return nil, errSessionEnded
	}
	row, err := rows.New(s.DB.Primary()).SessionByToken(ctx, rows.SessionByTokenParams{Bucket: bucket, TokenHash: hash})
	if none(err) {
		return nil, errSessionEnded
	}
	if err != nil {
		return nil, errs.Wrap(err, "reading a session")
	}
	if row.Kind != kind || !s.live(row) {
		return nil, errSessionEnded
	}
	roles, err := s.mayEnter(ctx, row)
	if err != nil {
		return nil, err
	}
	s.see(ctx, row)
	return &userv1.AuthenticateResponse{Kind: kind, Id: row.OwnerID, SessionId: row.ID, Roles: roles, ExpiresMs: row.ExpiresMs}, nil
}

// live says whether a session neither ended, nor ran out, nor lay idle too long.
func (s *Service) live(row rows.Session) bool {
	idle := s.limits.SessionIdle
	if row.Kind == sessionStaff {
		idle = s.limits.StaffIdle
	}
	now := clock.Real().UnixMilli()
	return row.EndedMs == 0 && now < row.ExpiresMs && now < row.SeenMs+idle.Milliseconds()
}

// mayEnter looks whether the owner is still let in, and answers a member of staff's roles.
func (s *Service) mayEnter(ctx context.Context, row rows.Session) ([]string, error) {
	if row.Kind == sessionStaff {
		member, err := s.member(ctx, s.DB.Primary(), row.OwnerID)
		if err != nil || member.State != staffActive {
			return nil, errSessionEnded
		}
		return splitRoles(member.Roles), nil
	}
	person, err := s.person(ctx, s.DB.Primary(), row.OwnerID)
	if err != nil || person.State == stateClosed {
		return nil, errSessionEnded
	}
	return nil, nil
}

// see notes the use of a session, once a minute. It is bookkeeping: a failure does not keep anybody out.
func (s *Service) see(ctx context.Context, row rows.Session) {
	now := clock.Real().UnixMilli()
	if now-row.SeenMs < seenEvery.Milliseconds() {
		return
	}
	err := s.DB.WriteQuiet(ctx, func(tx *store.Tx) error {
		_, err := rows.New(tx).SeeSession(tx.Context(), rows.SeeSessionParams{SeenMs: now, Bucket: row.Bucket, ID: row.ID, SeenMs_2: now})
		return err
	})
	if err != nil {
		s.Logger.WarnContext(ctx, "noting the use of a session", "error", err.Error())
	}
}

// Logout ends the session of this call.
func (p public) Logout(ctx context.Context, _ *userv1.LogoutRequest) (*userv1.LogoutResponse, error) {
	who := rpc.From(ctx)
	return &userv1.LogoutResponse{}, p.end(ctx, who.ID, who.SessionID, "logout")
}

// RevokeSession ends another session of the person.
func (p public) RevokeSession(ctx context.Context, req *userv1.RevokeSessionRequest) (*userv1.RevokeSessionResponse, error) {
	return &userv1.RevokeSessionResponse{}, p.end(ctx, rpc.From(ctx).ID, req.GetSessionId(), "revoked")
}

// end ends one session of an owner. An ended one may be ended again; another owner's is not found.
func (s *Service) end(ctx context.Context, ownerID, sessionID int64, why string) error {
	err := s.write(ctx, func(tx *store.Tx) error {
		row, err := rows.New(tx).GetSession(tx.Context(), rows.GetSessionParams{Bucket: id.Bucket(ownerID), ID: sessionID})
		if none(err) || (err == nil && row.OwnerID != ownerID) {
			return errNotFound
		}
		if err != nil {
			return err
		}
		return s.endSession(tx, row, why)
	})
	return errs.Wrap(err, "ending a session")
}

// ListSessions lists the live sessions of the person.
func (p public) ListSessions(ctx context.Context, _ *userv1.ListSessionsRequest) (*userv1.ListSessionsResponse, error) {
	who := rpc.From(ctx)
	list, err := p.sessions(ctx, who.ID, who.SessionID)
	return &userv1.ListSessionsResponse{Sessions: list}, err
}

func (s *Service) sessions(ctx context.Context, ownerID, current int64) ([]*userv1.Session, error) {
	live, err := rows.New(s.DB.Primary()).LiveSessions(ctx, rows.LiveSessionsParams{Bucket: id.Bucket(ownerID), OwnerID: ownerID})
	if err != nil {
		return nil, errs.Wrap(err, "listing sessions")
	}
	var list []*userv1.Session
	for _, row := range live {
		if s.live(row) {
			list = append(list, &userv1.Session{SessionId: row.ID, Device: row.Device, CreatedMs: row.CreatedMs, LastSeenMs: row.SeenMs,
				ExpiresMs: row.ExpiresMs, Current: row.ID == current})
		}
	}
	return list, nil
}
