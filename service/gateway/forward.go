package gateway

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"

	"go.opentelemetry.io/otel/propagation"

	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/rpc"
	"github.com/hengdai/hengdai/kit/telemetry"
)

// What passes of a request's headers to a service, and of an answer's back.
var (
	passedIn  = []string{"Accept", "Accept-Encoding", "Connect-Protocol-Version", "Content-Encoding", "Content-Type"}
	passedOut = []string{
		"Accept-Encoding", "Allow", "Content-Disposition", "Content-Encoding", "Content-Language", "Content-Type", "Etag",
		"Last-Modified", "Retry-After", "Set-Cookie", "Vary",
	}
)

// forward passes one Connect request to the service that serves it. REST arrives here too, after the transcoder.
func (s *Service) forward(w http.ResponseWriter, r *http.Request) {
	v, m := visitOf(r), s.methods[r.URL.Path]
	if v == nil || m.name == "" {
		s.fail(w, r, errUnknownPath)
		return
	}
	v.method = m.name
	if v.stale && !m.anonymous {
		s.fail(w, r, errExpired)
		return
	}
	if rule, l, key := s.limits.forPerson(v, m); l != nil {
		if after, ok := l.allow(key); !ok {
			s.refuse(w, r, rule, after)
			return
		}
	}
	// The body is read before the service is called. The transcoder decodes a REST body only when it is read; one that
	// it cannot decode it answers itself, ends the context, and pretends that the body was empty. Passed on, that would
	// be a request nobody made.
	body, err := io.ReadAll(r.Body)
	switch over := r.Context().Err(); {
	case errors.Is(over, context.DeadlineExceeded):
		s.fail(w, r, rpc.ErrDeadline)
		return
	case over != nil:
		return
	case err != nil:
		s.fail(w, r, errSlowBody.Because(err))
		return
	}
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	out := s.outgoing(r, m)
	token, err := s.deps.Tokens.Issue(m.peer, v.who)
	if err != nil {
		s.fail(w, r, rpc.ErrInternal.Because(err))
		return
	}
	out.Header.Set(rpc.PrincipalHeader, token)
	s.send(w, r, m.peer, out, passedOut)
}

// forPerson answers the limit that counts for who asks what.
func (l *limits) forPerson(v *visit, m method) (rule string, counted *limiter, key string) {
	switch {
	case signIn[m.name]:
		return "sign_in", l.signIn, addressKey(v.address)
	case v.who.Kind == rpc.Borrower:
		return "borrower", l.borrower, personKey(v.who)
	case v.who.Kind == rpc.Staff:
		return "staff", l.staff, personKey(v.who)
	}
	return "anonymous", l.anonymous, addressKey(v.address)
}

// outgoing makes the request to a service: the path, the body and the few headers that matter.
func (s *Service) outgoing(r *http.Request, m method) *http.Request {
	out := (&http.Request{
		Method: r.Method, URL: cloneURL(r, m.peer), Header: make(http.Header, 8), Body: r.Body, ContentLength: r.ContentLength,
	}).WithContext(r.Context())
	for _, name := range passedIn {
		if values := r.Header[name]; len(values) > 0 {
			out.Header[name] = values
		}
	}
	out.Header.Set("Accept-Language", rpc.ParseLanguage(r.Header.Get("Accept-Language")))
	telemetry.Propagation.Inject(r.Context(), propagation.HeaderCarrier(out.Header))
	return out
}

// send makes the call under the peer's protection and copies the answer.
func (s *Service) send(w http.ResponseWriter, r *http.Request, peer string, out *http.Request, headers []string) {
	resp, e := s.peers.do(peer, out)
	if e != nil {
		if e.Reason == errOverload.Reason || e.Reason == errPeerOpen.Reason {
			s.deps.Telemetry.Metrics.Refused(e.Reason)
			w.Header().Set("Retry-After", "1")
		}
		s.fail(w, r, e)
		return
	}
	defer func() { _ = resp.Body.Close() }() // it was read
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil || len(body) > maxAnswer {
		s.fail(w, r, errPeerOpen.Because(err))
		return
	}
	for _, name := range headers {
		if values := resp.Header[name]; len(values) > 0 {
			w.Header()[name] = values
		}
	}
	w.WriteHeader(resp.StatusCode)
	_, _ = io.Copy(w, bytes.NewReader(body)) // the caller is gone if this fails
}

const maxAnswer = 16 << 20

// callback passes a request of an outside party on as it came, headers and body byte for byte.
func (s *Service) callback(w http.ResponseWriter, r *http.Request, v *visit) {
	target, known := s.deps.Callbacks[r.URL.Path]
	if !known {
		s.fail(w, r, errUnknownPath)
		return
	}
	v.method = "callback/" + target.Service + "/" + target.Party
	if r.Method != http.MethodPost && r.Method != http.MethodGet {
		s.fail(w, r, errMethod)
		return
	}
	if after, ok := s.limits.callback.allow(target.Party); !ok {
		s.refuse(w, r, "callback", after)
		return
	}
	if e := s.readBody(w, r); e != nil {
		s.fail(w, r, e)
		return
	}
	v.who = rpc.Principal{Kind: rpc.Party, Service: target.Party, IP: v.address}
	token, err := s.deps.Tokens.Issue(target.Service, v.who)
	if err != nil {
		s.fail(w, r, rpc.ErrInternal.Because(err))
		return
	}
	out := (&http.Request{
		Method: r.Method, URL: cloneURL(r, target.Service), Header: r.Header.Clone(), Body: r.Body, ContentLength: r.ContentLength,
	}).WithContext(r.Context())
	for _, hop := range []string{"Connection", "Keep-Alive", "Proxy-Connection", "Te", "Trailer", "Transfer-Encoding", "Upgrade"} {
		out.Header.Del(hop)
	}
	out.Header.Set(rpc.PrincipalHeader, token)
	telemetry.Propagation.Inject(r.Context(), propagation.HeaderCarrier(out.Header))
	s.send(w, r, target.Service, out, append([]string{"X-Key-Id", "X-Timestamp", "X-Nonce", "X-Signature"}, passedOut...))
}

// asserting is the way to a service on behalf of the person whose request is being served: the gateway's own API uses
// it where it needs a Staff method of another service.
type asserting struct {
	transport *rpc.PeerTransport
	tokens    *rpc.Tokens
	peer      string
}

// Do makes one request.
func (a asserting) Do(req *http.Request) (*http.Response, error) {
	who := rpc.From(req.Context())
	if who.Kind != rpc.Staff {
		return nil, rpc.ErrNotAllowed
	}
	token, err := a.tokens.Issue(a.peer, who)
	if err != nil {
		return nil, errs.Wrap(err, "stating a member of staff")
	}
	req.Header.Set(rpc.PrincipalHeader, token)
	req.Header.Set("Accept-Language", rpc.Language(req.Context()))
	telemetry.Propagation.Inject(req.Context(), propagation.HeaderCarrier(req.Header))
	return a.transport.Do(req)
}

func personKey(p rpc.Principal) string { return p.Kind.String() + strconv.FormatInt(p.ID, 10) }

// cloneURL answers the address of the same path and query at a service.
func cloneURL(r *http.Request, host string) *url.URL {
	return &url.URL{Scheme: "http", Host: host, Path: r.URL.Path, RawPath: r.URL.RawPath, RawQuery: r.URL.RawQuery}
}
