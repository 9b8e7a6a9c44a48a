package node

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"syscall"
	"time"

	"github.com/hengdai/hengdai/kit/rpc"
	"github.com/hengdai/hengdai/kit/telemetry"
	"github.com/hengdai/hengdai/service/gateway"
)

// patientFor is how long a stopping server lets its peers' requests end by themselves. Long polls of logs would last longer.
const patientFor = time.Second

// endpoint is an address at which this process listens.
type endpoint struct {
	// name is how Address finds it, key what the configuration calls it.
	name, key string
	address   string
	// open serves people and partners; the rest serves peers, parties and operators.
	open     bool
	listener net.Listener

	// Once it is served.
	server *http.Server
	hangUp context.CancelFunc
}

// endpoints are all addresses of the configuration, the gateway's own last: who can connect there finds everything.
func (n *Node) endpoints() []*endpoint {
	listen := n.cfg.Listen
	all := []*endpoint{{name: "ops", key: "listen.ops", address: listen.Ops}}
	if n.sandboxed() {
		all = append(all, &endpoint{name: "sandbox", key: "listen.sandbox", address: listen.Sandbox})
	}
	for _, p := range table() {
		if n.cfg.Runs(p.name) {
			all = append(all, &endpoint{name: p.name, key: "listen.internal." + p.name, address: listen.Internal[p.name]})
		}
	}
	if n.cfg.Runs("gateway") {
		all = append(all, &endpoint{name: "public_https", key: "listen.public_https", address: listen.PublicHTTPS, open: true},
			&endpoint{name: "public_http", key: "listen.public_http", address: listen.PublicHTTP, open: true})
	}
	return slices.DeleteFunc(all, func(e *endpoint) bool { return e.address == "" })
}

// listen takes every address, before anything else is touched: a second process that was started by mistake ends here.
func (n *Node) listen(ctx context.Context) error {
	for _, e := range n.endpoints() {
		listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", e.address)
		if err != nil {
			return n.cannotListen(e, err)
		}
		e.listener = listener
		n.listening = append(n.listening, e)
	}
	return nil
}

func (n *Node) cannotListen(e *endpoint, err error) error {
	if !errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("%s: cannot listen at %s: %w", e.key, e.address, err)
	}
	for _, other := range n.listening {
		if other.address == e.address {
			return fmt.Errorf("%s: %s is the address of %s too; give each its own", e.key, e.address, other.key)
		}
	}
	return fmt.Errorf("%s: %s is in use by another program, perhaps by hengdai itself; stop that one or set another address", e.key, e.address)
}

// Address answers where something listens: "public_http", "public_https", "ops", "sandbox" or a service's name.
func (n *Node) Address(name string) string {
	for _, e := range n.listening {
		if e.name == name {
			return e.listener.Addr().String()
		}
	}
	return ""
}

// serveAll begins to serve what was taken by listen.
func (n *Node) serveAll() error {
	for _, e := range n.listening {
		server, err := n.serverOf(e)
		if err != nil {
			return err
		}
		n.serve(e, server)
	}
	return nil
}

func (n *Node) serverOf(e *endpoint) (*http.Server, error) {
	switch e.name {
	case "ops":
		return rpc.HTTPServer(telemetry.Ops(n.telemetry.Metrics, n.Ready)), nil
	case "sandbox":
		return rpc.HTTPServer(n.tracedParty(n.sandbox.box.Handler())), nil
	case "public_http":
		return n.entrance.HTTPServer(), nil
	case "public_https":
		cert, err := n.certificate()
		if err != nil {
			return nil, err
		}
		server := n.entrance.HTTPServer()
		server.TLSConfig = gateway.TLS(cert)
		return server, nil
	}
	for _, h := range n.hosts {
		if h.name == e.name {
			return rpc.HTTPServer(h.mux), nil
		}
	}
	return nil, fmt.Errorf("%s: there is nothing to serve at %s", e.key, e.address)
}

// serve serves an endpoint in the background.
func (n *Node) serve(e *endpoint, server *http.Server) {
	base, hangUp := context.WithCancel(n.root)
	server.BaseContext = func(net.Listener) context.Context { return base }
	e.server, e.hangUp = server, hangUp
	n.serving.Go(func() {
		var err error
		if server.TLSConfig != nil {
			err = server.ServeTLS(e.listener, "", "")
		} else {
			err = server.Serve(e.listener)
		}
		if !errors.Is(err, http.ErrServerClosed) {
			n.fail(fmt.Errorf("serve %s: %w", e.name, err))
		}
	})
}

// stop ends an endpoint: nothing new comes in, and what is under way may end within patience or the end of ctx.
func (e *endpoint) stop(ctx context.Context, patience time.Duration) error {
	if e.server == nil {
		return e.listener.Close()
	}
	defer e.hangUp()
	waiting, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if e.server.Shutdown(waiting) == nil {
		return nil
	}
	e.hangUp()
	if e.server.Shutdown(ctx) == nil {
		return nil
	}
	return e.server.Close()
}

// certificate reads the configured certificate; the sandbox profile makes its own if there is none.
func (n *Node) certificate() (tls.Certificate, error) {
	if n.cfg.Listen.CertFile == "" && n.sandboxed() {
		return gateway.SelfMade(n.cfg.KeysDir)
	}
	cert, err := tls.LoadX509KeyPair(n.cfg.Listen.CertFile, n.cfg.Listen.KeyFile)
	if err != nil {
		return cert, fmt.Errorf("listen.cert_file, listen.key_file: read the certificate: %w", err)
	}
	return cert, nil
}
