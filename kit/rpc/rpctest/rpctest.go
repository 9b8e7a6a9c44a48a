// Package rpctest joins services in a test as a node joins them in one process: real handlers, real interceptors, real
// signed principals, with keys that are made from the names of the processes and are worth nothing elsewhere.
package rpctest

import (
	"crypto/ed25519"
	"crypto/sha256"
	"net/http"
	"sync"

	"connectrpc.com/connect"

	"github.com/hengdai/hengdai/kit/rpc"
	"github.com/hengdai/hengdai/kit/telemetry"
)

// Signer is the key ring of a process in a test.
type Signer string

func (s Signer) key(process string) ed25519.PrivateKey {
	seed := sha256.Sum256([]byte("rpctest " + process))
	return ed25519.NewKeyFromSeed(seed[:])
}

// Sign signs with the key of the process.
func (s Signer) Sign(b []byte) []byte { return ed25519.Sign(s.key(string(s)), b) }

// Verify checks the signature of any process.
func (s Signer) Verify(process string, b, sig []byte) bool {
	return ed25519.Verify(s.key(process).Public().(ed25519.PublicKey), b, sig)
}

// Net is a small system of services.
type Net struct {
	// Directory knows the services that were made by Mux.
	Directory *rpc.Directory
	// Telemetry is shared by all and silent unless replaced before the first Mux.
	Telemetry *telemetry.Telemetry

	mu     sync.Mutex
	tokens map[string]*rpc.Tokens
}

// New makes an empty system.
func New() *Net {
	return &Net{Directory: rpc.NewDirectory(), Telemetry: telemetry.Discard(), tokens: map[string]*rpc.Tokens{}}
}

// Tokens makes and checks principals as the named process.
func (n *Net) Tokens(name string) *rpc.Tokens {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.tokens[name] == nil {
		n.tokens[name] = rpc.NewTokens(name, Signer(name))
	}
	return n.tokens[name]
}

// Mux makes a service of this name and assigns it. Mount handlers with its Options.
func (n *Net) Mux(name string) *rpc.Mux {
	m := rpc.NewMux(rpc.ServerDeps{Tokens: n.Tokens(name), Telemetry: n.Telemetry})
	n.Directory.Here(name, m)
	return m
}

// Peer answers how the service from calls the service to.
func (n *Net) Peer(from, to string) rpc.Peer {
	return n.Directory.Peer(rpc.ClientDeps{Tokens: n.Tokens(from), Peer: to, Telemetry: n.Telemetry})
}

// Person answers how a person's request reaches a service: as the gateway sends it, asking for a language ("zh", "en").
func (n *Net) Person(p rpc.Principal, to, language string) rpc.Peer {
	peer := n.Peer(rpc.Edge, to)
	peer.HTTP = person{inner: peer.HTTP, tokens: n.Tokens(rpc.Edge), principal: p, to: to, language: language}
	return peer
}

type person struct {
	inner        connect.HTTPClient
	tokens       *rpc.Tokens
	principal    rpc.Principal
	to, language string
}

// Do states the person in place of the gateway.
func (p person) Do(req *http.Request) (*http.Response, error) {
	token, err := p.tokens.Issue(p.to, p.principal)
	if err != nil {
		return nil, err
	}
	req.Header.Set(rpc.PrincipalHeader, token)
	req.Header.Set("Accept-Language", p.language)
	return p.inner.Do(req)
}
