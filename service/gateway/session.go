package gateway

import (
	"context"
	"crypto/sha256"
	"log/slog"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/maypok86/otter/v2"
	"google.golang.org/protobuf/proto"

	logv1 "github.com/hengdai/hengdai/api/log/v1"
	"github.com/hengdai/hengdai/api/log/v1/logv1connect"
	userv1 "github.com/hengdai/hengdai/api/user/v1"
	"github.com/hengdai/hengdai/api/user/v1/userv1connect"
	"github.com/hengdai/hengdai/kit/clock"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/rpc"
)

// SessionCookie is the name of the cookie in which a browser keeps its session.
const SessionCookie = "hengdai_session"

// deviceHeader is the device as the app states it.
const deviceHeader = "Hengdai-Device"

const (
	sessionLife  = 5 * time.Second
	askTimeout   = 5 * time.Second
	revokedLife  = time.Minute // longer than any answer about a session is on its way
	readWait     = 20 * time.Second
	readPauseMin = 100 * time.Millisecond
	readPauseMax = 5 * time.Second
)

var (
	tokenForm  = regexp.MustCompile(`^[A-Za-z0-9._~+/=-]{20,200}$`)
	deviceForm = regexp.MustCompile(`^[A-Za-z0-9._:-]{1,128}$`)
)

// identify finds out who asks. A session that is not valid makes the request anonymous; whether that is enough is
// for the method to say.
func (s *Service) identify(r *http.Request, v *visit) *errs.Error {
	v.who = rpc.Principal{Kind: rpc.Anonymous, IP: v.address}
	if device := r.Header.Get(deviceHeader); deviceForm.MatchString(device) {
		v.who.DeviceToken = device
	}
	token, fromCookie := sessionToken(r)
	if token == "" {
		return nil
	}
	if fromCookie && http.NewCrossOriginProtection().Check(r) != nil {
		return errCrossSite
	}
	found, err := s.sessions.of(r.Context(), token)
	if err != nil {
		if errs.CodeOf(err) == errs.Unavailable {
			return errPeerOpen.Because(err)
		}
		return rpc.ErrInternal.Because(err)
	}
	if found.Kind == 0 {
		v.stale = true
		return nil
	}
	found.IP, found.DeviceToken = v.who.IP, v.who.DeviceToken
	v.who = found
	return nil
}

// sessionToken answers the token a request carries, in its header or else in the browser's cookie.
func sessionToken(r *http.Request) (token string, fromCookie bool) {
	if scheme, value, ok := strings.Cut(r.Header.Get("Authorization"), " "); ok && strings.EqualFold(scheme, "Bearer") {
		return strings.TrimSpace(value), false
	}
	if cookie, err := r.Cookie(SessionCookie); err == nil {
		return cookie.Value, true
	}
	return "", false
}

// sessions remembers for seconds who holds a token, and at once forgets a session that was revoked.
type sessions struct {
	user    userv1connect.InternalClient
	log     logv1connect.LogClient
	logger  *slog.Logger
	known   *otter.Cache[[32]byte, rpc.Principal] // the zero principal: nobody holds this token
	revoked *otter.Cache[int64, struct{}]
}

func newSessions(d Deps) *sessions {
	return &sessions{
		user: d.User, log: d.UserLog, logger: d.Telemetry.Logger,
		known: otter.Must(&otter.Options[[32]byte, rpc.Principal]{
			MaximumSize: 50_000, ExpiryCalculator: otter.ExpiryWriting[[32]byte, rpc.Principal](sessionLife),
		}),
		revoked: otter.Must(&otter.Options[int64, struct{}]{
			MaximumSize: 100_000, ExpiryCalculator: otter.ExpiryWriting[int64, struct{}](revokedLife),
		}),
	}
}

// of answers who holds a token, the zero principal if nobody does. An error means that it cannot be known now.
func (s *sessions) of(ctx context.Context, token string) (rpc.Principal, error) {
	if !tokenForm.MatchString(token) {
		return rpc.Principal{}, nil
	}
	key := sha256.Sum256([]byte(token))
	who, err := s.known.Get(ctx, key, otter.LoaderFunc[[32]byte, rpc.Principal](func(ctx context.Context, _ [32]byte) (rpc.Principal, error) {
		return s.ask(ctx, token)
	}))
	if err != nil {
		return rpc.Principal{}, err
	}
	if _, gone := s.revoked.GetIfPresent(who.SessionID); gone && who.SessionID != 0 {
		return rpc.Principal{}, nil
	}
	return who, nil
}

func (s *sessions) ask(ctx context.Context, token string) (rpc.Principal, error) {
	// Others may wait for this answer too: it does not end with the request that happened to be first.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), askTimeout)
	defer cancel()
	resp, err := s.user.Authenticate(ctx, &userv1.AuthenticateRequest{Token: token})
	switch errs.CodeOf(err) {
	case 0:
	case errs.Unauthenticated, errs.NotFound, errs.Invalid, errs.Denied:
		if errs.ReasonOf(err) == rpc.ErrNoPrincipal.Reason {
			return rpc.Principal{}, errs.Wrap(err, "authenticating") // it is us that are not believed
		}
		return rpc.Principal{}, nil
	default:
		return rpc.Principal{}, errs.Wrap(err, "authenticating")
	}
	who := rpc.Principal{Kind: rpc.Borrower, ID: resp.GetId(), SessionID: resp.GetSessionId()}
	if resp.GetKind() == rpc.Staff.String() {
		who.Kind, who.Roles = rpc.Staff, resp.GetRoles()
	}
	return who, nil
}

// follow reads user's log from where it ends now and forgets revoked sessions, until ctx ends. While the log cannot be
// read, what is known still dies within seconds.
func (s *sessions) follow(ctx context.Context) {
	pause := readPauseMin
	var at []*logv1.Cursor
	for ctx.Err() == nil {
		next, err := s.read(ctx, at)
		if err == nil {
			at, pause = next, readPauseMin
			continue
		}
		if ctx.Err() != nil {
			break // the end is not a fault
		}
		s.logger.WarnContext(ctx, "reading revoked sessions", "error", err)
		if clock.Sleep(ctx, pause) != nil {
			break
		}
		pause = min(2*pause, readPauseMax)
	}
}

// read takes the next events; with no position yet it only finds the end.
func (s *sessions) read(ctx context.Context, at []*logv1.Cursor) ([]*logv1.Cursor, error) {
	if at == nil {
		heads, err := s.log.Heads(ctx, &logv1.HeadsRequest{})
		if err != nil {
			return nil, errs.Wrap(err, "asking where user's log ends")
		}
		for p := range int32(16) { // a partition without events has no head
			cursor := &logv1.Cursor{Partition: p}
			for _, h := range heads.GetHeads() {
				if h.GetPartition() == p {
					cursor.Position = h.GetPosition()
				}
			}
			at = append(at, cursor)
		}
		return at, nil
	}
	resp, err := s.log.Read(ctx, &logv1.ReadRequest{After: at, Limit: 500, WaitMs: int32(readWait.Milliseconds())})
	if err != nil {
		return nil, errs.Wrap(err, "reading user's log")
	}
	for _, e := range resp.GetEvents() {
		for _, cursor := range at {
			if cursor.GetPartition() == e.GetPartition() {
				cursor.Position = max(cursor.GetPosition(), e.GetPosition())
			}
		}
		if e.GetKind() != string((&userv1.SessionRevoked{}).ProtoReflect().Descriptor().FullName()) {
			continue
		}
		gone := new(userv1.SessionRevoked)
		if err := proto.Unmarshal(e.GetBody(), gone); err != nil {
			s.logger.ErrorContext(ctx, "an event cannot be read", "kind", e.GetKind(), "position", e.GetPosition())
			continue
		}
		s.revoked.Set(gone.GetSessionId(), struct{}{})
	}
	return at, nil
}

// Run follows user's log until ctx ends, which is no error. The node runs it beside the server.
func (s *Service) Run(ctx context.Context) error {
	s.sessions.follow(ctx)
	return nil
}
