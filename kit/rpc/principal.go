package rpc

import (
	"context"
	"slices"

	rpcv1 "github.com/hengdai/hengdai/api/rpc/v1"
)

// Kind is the kind of a principal. The numbers are those of rpc.v1.Caller.
type Kind uint8

// The kinds. The zero value is no principal at all, which nobody accepts.
const (
	Anonymous = Kind(rpcv1.Caller_CALLER_ANONYMOUS)
	Borrower  = Kind(rpcv1.Caller_CALLER_BORROWER)
	Staff     = Kind(rpcv1.Caller_CALLER_STAFF)
	Service   = Kind(rpcv1.Caller_CALLER_SERVICE)
	Party     = Kind(rpcv1.Caller_CALLER_PARTY)
	Partner   = Kind(rpcv1.Caller_CALLER_PARTNER)
)

// String gives the kind's name, for example "borrower".
func (k Kind) String() string {
	switch k {
	case Anonymous:
		return "anonymous"
	case Borrower:
		return "borrower"
	case Staff:
		return "staff"
	case Service:
		return "service"
	case Party:
		return "party"
	case Partner:
		return "partner"
	}
	return "nobody"
}

// Principal is who calls.
type Principal struct {
	// Kind says what the other fields mean.
	Kind Kind
	// ID is the user's, member of staff's or partner's id; zero for others.
	ID int64
	// SessionID is the session a person signed in with.
	SessionID int64
	// Roles are a member of staff's.
	Roles []string
	// Service is the calling service's name, or the party's.
	Service string
	// Origin is the person on whose behalf a service calls; nil if it calls for itself.
	Origin *Principal
	// IP is the address the person came from. It is personal: never store it in clear.
	IP string
	// DeviceToken names the person's device as the app states it.
	DeviceToken string
}

// HasRole says whether a member of staff has one of the roles.
func (p Principal) HasRole(roles ...string) bool {
	return slices.ContainsFunc(roles, func(r string) bool { return slices.Contains(p.Roles, r) })
}

// Person answers the person behind a call: the principal itself, or the origin of a service's call. ok is false if
// there is none.
func (p Principal) Person() (person Principal, ok bool) {
	switch p.Kind {
	case Borrower, Staff:
		return p, true
	case Service:
		if p.Origin != nil {
			return p.Origin.Person()
		}
	default: // nobody is behind it
	}
	return Principal{}, false
}

type servedKey struct{}

// From answers the principal of the request being served; the zero Principal outside a request.
func From(ctx context.Context) Principal {
	p, _ := ctx.Value(servedKey{}).(Principal)
	return p
}

// WithPrincipal answers a context in which From answers p. The server sets it; tests that call a method directly may.
func WithPrincipal(ctx context.Context, p Principal) context.Context {
	return context.WithValue(ctx, servedKey{}, p)
}

// origin answers on whose behalf an outgoing call is made, nil for the service's own.
func origin(ctx context.Context) *Principal {
	p := From(ctx)
	if p.Kind == 0 {
		return nil
	}
	if p.Kind == Service {
		return p.Origin
	}
	p.Origin = nil
	return &p
}
