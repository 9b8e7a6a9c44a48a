package gateway

import (
	"fmt"
	"net/http"
	"net/netip"
	"time"

	"connectrpc.com/connect"
	"connectrpc.com/vanguard"

	"github.com/hengdai/hengdai/api/gateway/v1/gatewayv1connect"
	"github.com/hengdai/hengdai/api/loan/v1/loanv1connect"
	"github.com/hengdai/hengdai/api/log/v1/logv1connect"
	"github.com/hengdai/hengdai/api/user/v1/userv1connect"
	"github.com/hengdai/hengdai/kit/clock"
	"github.com/hengdai/hengdai/kit/config"
	"github.com/hengdai/hengdai/kit/rpc"
	"github.com/hengdai/hengdai/kit/rpc/travel"
	"github.com/hengdai/hengdai/kit/telemetry"
)

// Deps is what the gateway needs. All but TrustedProxies, Processes and Screens are required.
type Deps struct {
	// Directory reaches every service, the gateway's own API among them.
	Directory *rpc.Directory
	// Tokens signs as "gateway".
	Tokens *rpc.Tokens
	// Telemetry counts, traces and logs.
	Telemetry *telemetry.Telemetry
	// Clock is business time.
	Clock clock.Clock
	// User tells who holds a session; UserLog which were revoked.
	User    userv1connect.InternalClient
	UserLog logv1connect.LogClient
	// Profile is "sandbox" or "production".
	Profile config.Profile
	// Version is the program's.
	Version string
	// Limits protect the entrance.
	Limits config.Limits
	// TrustedProxies are the networks whose X-Forwarded-For is believed.
	TrustedProxies []netip.Prefix
	// Processes are those whose clocks move together, the sandbox among them; none in production.
	Processes []travel.Part
	// Exposed and Callbacks are the tables of that name.
	Exposed   []string
	Callbacks map[string]Callback
	// Screens serves every path that is not the API's; nil: they are unknown.
	Screens http.Handler
}

// Service is the gateway.
type Service struct {
	deps     Deps
	methods  map[string]method
	rest     *vanguard.Transcoder
	docs     http.Handler
	sessions *sessions
	limits   *limits
	peers    *peers
	travel   *travels
}

// New makes the gateway, or says what is missing.
func New(d Deps) (*Service, error) {
	switch {
	case d.Directory == nil, d.Tokens == nil, d.Telemetry == nil, d.Clock == nil, d.User == nil, d.UserLog == nil:
		return nil, fmt.Errorf("gateway: a dependency is missing")
	case d.Tokens.Self() != rpc.Edge:
		return nil, fmt.Errorf("gateway: signs as %q, want %q", d.Tokens.Self(), rpc.Edge)
	case d.Profile != config.Sandbox && d.Profile != config.Production:
		return nil, fmt.Errorf("gateway: unknown profile %q", d.Profile)
	case d.Profile == config.Production && len(d.Processes) > 0:
		return nil, fmt.Errorf("gateway: time cannot be moved in the production profile")
	}
	s := &Service{deps: d, sessions: newSessions(d), limits: newLimits(d.Limits)}
	methods, services, err := methodsOf(d.Exposed)
	if err != nil {
		return nil, fmt.Errorf("gateway: %w", err)
	}
	s.methods = methods
	if s.rest, err = newTranscoder(services, http.HandlerFunc(s.forward), d.Limits.MaxBodyBytes); err != nil {
		return nil, fmt.Errorf("gateway: %w", err)
	}
	if s.docs, err = newDocs(); err != nil {
		return nil, fmt.Errorf("gateway: %w", err)
	}
	s.peers = newPeers(d)
	peer := d.Directory.Peer(rpc.ClientDeps{Tokens: d.Tokens, Peer: "loan", Telemetry: d.Telemetry})
	loan := loanv1connect.NewStaffClient(asserting{d.Directory.Transport("loan"), d.Tokens, "loan"}, peer.URL, peer.Options...)
	s.travel = newTravels(d, loan)
	return s, nil
}

// Mount mounts the gateway's own API: gateway.v1.
func (s *Service) Mount(m *rpc.Mux, opts ...connect.HandlerOption) {
	m.Handle(gatewayv1connect.NewPublicHandler(public{s}, opts...))
	m.Handle(gatewayv1connect.NewStaffHandler(staff{s}, opts...))
}

// HTTPServer makes the server for everybody, with limits on all that a client could hold open. The caller starts it
// with a listener, once in the clear on loopback and once with TLS.
func (s *Service) HTTPServer() *http.Server {
	request := time.Duration(s.deps.Limits.RequestTimeout)
	server := &http.Server{
		Handler:           s.Handler(),
		Protocols:         new(http.Protocols),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       5*time.Second + request,
		WriteTimeout:      10*time.Second + 2*request,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    32 << 10,
	}
	server.Protocols.SetHTTP1(true)
	server.Protocols.SetHTTP2(true)
	return server
}
