package rpc

import (
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"

	"connectrpc.com/connect"

	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/telemetry"
)

// Directory knows where each service of the system lives. A client may be made before its peer is known: the place is
// looked up at each call, so services can be built in any order.
type Directory struct {
	mu     sync.RWMutex
	places map[string]place
}

type place struct {
	transport httpDoer
	base      string
	here      bool
}

type httpDoer interface {
	Do(*http.Request) (*http.Response, error)
}

// NewDirectory makes an empty directory, in which every service is unassigned.
func NewDirectory() *Directory { return &Directory{places: map[string]place{}} }

// Here says that a service runs in this process.
func (d *Directory) Here(name string, handler http.Handler) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.places[name] = place{transport: Local(handler), base: "http://" + name, here: true}
}

// At says that a service runs elsewhere, at a base URL.
func (d *Directory) At(name, base string, config *tls.Config) error {
	remote, err := Remote(base, config)
	if err != nil {
		return fmt.Errorf("peer %s: %w", name, err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.places[name] = place{transport: remote, base: strings.TrimSuffix(base, "/")}
	return nil
}

// Names lists the services that have a place, sorted.
func (d *Directory) Names() []string {
	d.mu.RLock()
	defer d.mu.RUnlock()
	names := make([]string, 0, len(d.places))
	for name := range d.places {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// IsHere says whether a service runs in this process.
func (d *Directory) IsHere(name string) bool {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.places[name].here
}

// Transport answers the way to a service, for requests whose path is right and whose host does not matter. An
// unassigned service answers every request with ErrPeer.
func (d *Directory) Transport(name string) *PeerTransport {
	return &PeerTransport{directory: d, name: name}
}

// PeerTransport is a connect.HTTPClient and an http.RoundTripper.
type PeerTransport struct {
	directory *Directory
	name      string
}

// RoundTrip makes one request.
func (t *PeerTransport) RoundTrip(req *http.Request) (*http.Response, error) { return t.Do(req) }

// Do makes one request.
func (t *PeerTransport) Do(req *http.Request) (*http.Response, error) {
	t.directory.mu.RLock()
	p, ok := t.directory.places[t.name]
	t.directory.mu.RUnlock()
	if !ok {
		return nil, connect.NewError(connect.CodeUnavailable, fmt.Errorf("service %s is not assigned", t.name))
	}
	if !p.here {
		target, err := req.URL.Parse(p.base + req.URL.RequestURI())
		if err != nil {
			return nil, connect.NewError(connect.CodeUnavailable, fmt.Errorf("service %s: %w", t.name, err))
		}
		req = req.WithContext(req.Context()) // a copy, since a round trip may not change the caller's request
		req.URL, req.Host = target, ""
	}
	return p.transport.Do(req)
}

// Peer is what a generated client constructor takes: userv1connect.NewInternalClient(p.HTTP, p.URL, p.Options...).
type Peer struct {
	// HTTP reaches the service.
	HTTP connect.HTTPClient
	// URL stands for it.
	URL string
	// Options sign, trace and translate.
	Options []connect.ClientOption
}

// Peer answers how the service that deps speak for calls deps.Peer.
func (d *Directory) Peer(deps ClientDeps) Peer {
	return Peer{HTTP: d.Transport(deps.Peer), URL: "http://" + deps.Peer, Options: Client(deps)}
}

// WriteError answers an HTTP request outside of Connect handlers with an error, in the form of Connect's JSON.
func WriteError(w http.ResponseWriter, r *http.Request, err error) {
	wire := toWire(err, ParseLanguage(r.Header.Get("Accept-Language")), telemetry.TraceID(r.Context()))
	if connect.NewErrorWriter().Write(w, r, wire) != nil {
		_, _ = io.WriteString(w, errs.ReasonOf(err)) // the caller is gone if this fails
	}
}
