package node

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"

	"github.com/hengdai/hengdai/kit/rpc"
	"github.com/hengdai/hengdai/kit/telemetry"
	"github.com/hengdai/hengdai/service/gateway"
)

// listen opens every address of the configuration. The gateway's own come last: who can connect finds everything there.
func (n *Node) listen(ctx context.Context) error {
	if n.cfg.Listen.Ops != "" {
		if err := n.serve(ctx, "ops", n.cfg.Listen.Ops, rpc.HTTPServer(telemetry.Ops(n.telemetry.Metrics, n.Ready))); err != nil {
			return err
		}
	}
	for _, h := range n.hosts {
		if address := n.cfg.Listen.Internal[h.name]; address != "" {
			if err := n.serve(ctx, h.name, address, rpc.HTTPServer(h.mux)); err != nil {
				return err
			}
		}
	}
	return n.listenPublic(ctx)
}

// serve listens at once and serves in the background.
func (n *Node) serve(ctx context.Context, name, address string, server *http.Server) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("listen for %s at %s: %w", name, address, err)
	}
	n.addresses[name] = listener.Addr().String()
	n.servers = append(n.servers, server)
	n.jobs.Go(func() {
		var err error
		if server.TLSConfig != nil {
			err = server.ServeTLS(listener, "", "")
		} else {
			err = server.Serve(listener)
		}
		if !errors.Is(err, http.ErrServerClosed) {
			n.fail(fmt.Errorf("serve %s: %w", name, err))
		}
	})
	return nil
}

// listenPublic opens the gateway's addresses.
func (n *Node) listenPublic(ctx context.Context) error {
	if n.entrance == nil {
		return nil
	}
	if n.cfg.Listen.PublicHTTPS != "" {
		cert, err := n.certificate()
		if err != nil {
			return err
		}
		server := n.entrance.HTTPServer()
		server.TLSConfig = gateway.TLS(cert)
		if err := n.serve(ctx, "public_https", n.cfg.Listen.PublicHTTPS, server); err != nil {
			return err
		}
	}
	if n.cfg.Listen.PublicHTTP == "" {
		return nil
	}
	return n.serve(ctx, "public_http", n.cfg.Listen.PublicHTTP, n.entrance.HTTPServer())
}

// certificate reads the configured certificate; the sandbox profile makes its own if there is none.
func (n *Node) certificate() (tls.Certificate, error) {
	if n.cfg.Listen.CertFile == "" && n.sandboxed() {
		return gateway.SelfMade(n.cfg.KeysDir)
	}
	cert, err := tls.LoadX509KeyPair(n.cfg.Listen.CertFile, n.cfg.Listen.KeyFile)
	if err != nil {
		return cert, fmt.Errorf("read the certificate listen.cert_file: %w", err)
	}
	return cert, nil
}
