package rpc

import (
	"encoding/base64"
	"fmt"
	"strings"
	"time"

	"github.com/maypok86/otter/v2"
	"google.golang.org/protobuf/proto"

	rpcv1 "github.com/hengdai/hengdai/api/rpc/v1"
	"github.com/hengdai/hengdai/kit/clock"
	"github.com/hengdai/hengdai/kit/errs"
)

// PrincipalHeader carries the signed principal. It is taken from processes only: the gateway strips it from requests
// that come from outside.
const PrincipalHeader = "Hengdai-Principal"

// Edge is the only service that may state the principal of a person, a party or a partner.
const Edge = "gateway"

const (
	tokenLife  = 60 * time.Second
	tokenReuse = 20 * time.Second // a token is given out again for so long, then made anew
	tokenSkew  = 5 * time.Second
	tokenMax   = 4096
)

// tokenText is strict: one token has one text.
var tokenText = base64.RawURLEncoding.Strict()

// Signer holds the key of one process and knows the public keys of the others. *keys.Ring is one.
type Signer interface {
	// Sign signs with the process's own key.
	Sign(b []byte) []byte
	// Verify says whether sig is the named process's signature over b.
	Verify(process string, b, sig []byte) bool
}

// ErrNoPrincipal answers a call that carries no valid principal.
var ErrNoPrincipal = errs.New(errs.Unauthenticated, "rpc.no_principal", "请求没有有效的身份凭证。", "The request carries no valid principal.")

// Tokens makes and checks the principals of one process. What was signed or checked is remembered for seconds, so
// that a signature is made once for many calls.
type Tokens struct {
	self   string
	signer Signer
	issued *otter.Cache[string, string]
	known  *otter.Cache[string, checked]
}

type checked struct {
	who     Principal
	expires time.Time
}

// NewTokens makes the tokens of the process named self.
func NewTokens(self string, signer Signer) *Tokens {
	return &Tokens{
		self: self, signer: signer,
		issued: otter.Must(&otter.Options[string, string]{MaximumSize: 10_000, ExpiryCalculator: otter.ExpiryWriting[string, string](tokenReuse)}),
		known:  otter.Must(&otter.Options[string, checked]{MaximumSize: 10_000, ExpiryCalculator: otter.ExpiryWriting[string, checked](tokenLife)}),
	}
}

// Self answers the name of the process.
func (t *Tokens) Self() string { return t.self }

// Issue answers a token that says p to the service named audience.
func (t *Tokens) Issue(audience string, p Principal) (string, error) {
	who := toIdentity(&p)
	raw, err := proto.MarshalOptions{Deterministic: true}.Marshal(who)
	if err != nil {
		return "", fmt.Errorf("writing a principal: %w", err)
	}
	key := audience + "\x00" + string(raw)
	if token, ok := t.issued.GetIfPresent(key); ok {
		return token, nil
	}
	now := clock.Real()
	body, err := proto.MarshalOptions{Deterministic: true}.Marshal(&rpcv1.PrincipalToken{
		Issuer: t.self, Audience: audience, IssuedMs: now.UnixMilli(), ExpiresMs: now.Add(tokenLife).UnixMilli(), Who: who,
	})
	if err != nil {
		return "", fmt.Errorf("writing a principal: %w", err)
	}
	token := tokenText.EncodeToString(body) + "." + tokenText.EncodeToString(t.signer.Sign(body))
	t.issued.Set(key, token)
	return token, nil
}

// Check answers who a token speaks for. It refuses, always with ErrNoPrincipal, a token that is missing, broken, not
// signed by the process it names, too old, meant for another service, or states what its issuer may not state.
func (t *Tokens) Check(token string) (Principal, error) {
	if token == "" {
		return Principal{}, ErrNoPrincipal
	}
	now := clock.Real()
	if c, ok := t.known.GetIfPresent(token); ok && now.Before(c.expires) {
		return c.who, nil
	}
	parsed, err := t.parse(token)
	if err != nil {
		return Principal{}, ErrNoPrincipal.Because(err)
	}
	issued, expires := time.UnixMilli(parsed.GetIssuedMs()), time.UnixMilli(parsed.GetExpiresMs())
	who := fromIdentity(parsed.GetWho())
	switch {
	case parsed.GetAudience() != t.self:
		err = fmt.Errorf("meant for %q", parsed.GetAudience())
	case !now.Before(expires) || expires.Sub(issued) > tokenLife || issued.Sub(now) > tokenSkew:
		err = fmt.Errorf("not valid at this time")
	case who.Kind == 0:
		err = fmt.Errorf("states no known kind")
	case who.Kind == Service && who.Service != parsed.GetIssuer():
		err = fmt.Errorf("%q speaks as %q", parsed.GetIssuer(), who.Service)
	case who.Kind != Service && parsed.GetIssuer() != Edge:
		err = fmt.Errorf("%q states a %s", parsed.GetIssuer(), who.Kind)
	}
	if err != nil {
		return Principal{}, ErrNoPrincipal.Because(err)
	}
	t.known.Set(token, checked{who: who, expires: expires})
	return who, nil
}

func (t *Tokens) parse(token string) (*rpcv1.PrincipalToken, error) {
	first, second, ok := strings.Cut(token, ".")
	if !ok || len(token) > tokenMax || strings.ContainsAny(token, "\r\n") {
		return nil, fmt.Errorf("not a token")
	}
	body, err := tokenText.DecodeString(first)
	if err != nil {
		return nil, fmt.Errorf("not a token: %w", err)
	}
	sig, err := tokenText.DecodeString(second)
	if err != nil {
		return nil, fmt.Errorf("not a token: %w", err)
	}
	parsed := new(rpcv1.PrincipalToken)
	if err := proto.Unmarshal(body, parsed); err != nil {
		return nil, fmt.Errorf("not a token: %w", err)
	}
	if !t.signer.Verify(parsed.GetIssuer(), body, sig) {
		return nil, fmt.Errorf("not signed by %q", parsed.GetIssuer())
	}
	return parsed, nil
}

func toIdentity(p *Principal) *rpcv1.PrincipalIdentity {
	if p == nil {
		return nil
	}
	return &rpcv1.PrincipalIdentity{
		Kind: rpcv1.Caller(p.Kind), Id: p.ID, SessionId: p.SessionID, Roles: p.Roles, Service: p.Service,
		Origin: toIdentity(p.Origin), Ip: p.IP, DeviceToken: p.DeviceToken,
	}
}

func fromIdentity(i *rpcv1.PrincipalIdentity) Principal {
	p := Principal{
		ID: i.GetId(), SessionID: i.GetSessionId(), Roles: i.GetRoles(), Service: i.GetService(),
		IP: i.GetIp(), DeviceToken: i.GetDeviceToken(),
	}
	if kind := i.GetKind(); kind > 0 && kind <= rpcv1.Caller(Partner) {
		p.Kind = Kind(kind)
	}
	if i.GetOrigin() != nil {
		o := fromIdentity(i.GetOrigin())
		p.Origin = &o
	}
	return p
}
