package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"

	"connectrpc.com/connect"

	"github.com/hengdai/hengdai/api/control/v1/controlv1connect"
	"github.com/hengdai/hengdai/api/log/v1/logv1connect"
	"github.com/hengdai/hengdai/api/user/v1/userv1connect"
	"github.com/hengdai/hengdai/kit/config"
	"github.com/hengdai/hengdai/kit/id"
	"github.com/hengdai/hengdai/kit/job"
	"github.com/hengdai/hengdai/kit/keys"
	eventlog "github.com/hengdai/hengdai/kit/log"
	"github.com/hengdai/hengdai/kit/rpc"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/kit/vault"
)

// service is what node sees of a service.
type service interface {
	Mount(mux *rpc.Mux, options ...connect.HandlerOption)
	Jobs() []job.Job
}

// part is a row of the table of services.
type part struct {
	name string
	// schema is nil for a service without a database.
	schema func() store.Schema
	make   func(ctx context.Context, h *host) (service, error)
}

// host is one service in this process with everything that is its own.
type host struct {
	name   string
	node   *Node
	ring   *keys.Ring
	tokens *rpc.Tokens
	mux    *rpc.Mux
	logger *slog.Logger

	// Of services with a database.
	db      *store.DB
	release func() error // of the lock on an SQLite file
	ids     *id.Generator
	log     *eventlog.Log
	vault   *vault.Vault
	runner  *job.Runner
}

// build makes a service and mounts it; nothing runs yet.
func (n *Node) build(ctx context.Context, p part) (*host, error) {
	h := &host{name: p.name, node: n, logger: n.telemetry.Logger.With("service", p.name)}
	ring, err := keys.Open(n.cfg.KeysDir, p.name, n.sandboxed())
	if err != nil {
		return nil, err
	}
	h.ring = ring
	h.tokens = rpc.NewTokens(p.name, ring)
	h.mux = rpc.NewMux(rpc.ServerDeps{Tokens: h.tokens, Telemetry: n.telemetry, Explain: store.Explain})
	if p.schema != nil {
		if err := h.openStore(ctx, p.schema()); err != nil {
			return nil, err
		}
	}
	made, err := p.make(ctx, h)
	if err != nil {
		return nil, errors.Join(err, h.close())
	}
	options := h.mux.Options()
	made.Mount(h.mux, options...)
	control := &rpc.Control{}
	if n.sandboxed() {
		control.Offset, control.Moved = n.offset, n.moved
	}
	if h.db != nil {
		h.mux.Handle(logv1connect.NewLogHandler(h.log, options...))
		h.runner = job.NewRunner(h.db, owner(p.name), h.logger)
		jobs := append([]job.Job{{Name: "log", Step: h.log.Step}}, made.Jobs()...)
		h.runner.Add(jobs...)
		if err := h.observe(jobs, made); err != nil {
			return nil, errors.Join(err, h.close())
		}
		control.Runners = append(control.Runners, h.runner.Await)
	}
	h.mux.Handle(controlv1connect.NewControlHandler(control, options...))
	return h, nil
}

func (h *host) openStore(ctx context.Context, schema store.Schema) error {
	n := h.node
	cfg := storeConfig(n.cfg, h.name)
	cfg.Owner = owner(h.name)
	if cfg.Engine == store.SQLite {
		if err := os.MkdirAll(filepath.Dir(cfg.Path), 0o700); err != nil {
			return fmt.Errorf("make the folder of the database: %w", err)
		}
		release, err := lock(cfg.Path)
		if err != nil {
			return err
		}
		h.release = release
	}
	db, err := store.Open(ctx, cfg, schema)
	if err != nil {
		return errors.Join(err, h.close())
	}
	h.db = db
	if h.ids, err = id.NewGenerator(ctx, db, n.clock); err != nil {
		return errors.Join(fmt.Errorf("lease a node number: %w", err), h.close())
	}
	h.log = eventlog.New(db, h.name, h.ids, n.clock)
	if h.name != "user" {
		h.vault = vault.New(vault.NewRemote(client(h, "user", userv1connect.NewInternalClient), h.ring))
	}
	return nil
}

func (h *host) close() error {
	var errs []error
	if h.ids != nil {
		h.ids.Close()
	}
	if h.db != nil {
		errs = append(errs, h.db.Close())
	}
	if h.release != nil {
		errs = append(errs, h.release())
	}
	return errors.Join(errs...)
}

// client answers a generated client of a peer, wherever the peer runs.
func client[T any](h *host, peer string, construct func(connect.HTTPClient, string, ...connect.ClientOption) T) T {
	p := h.node.directory.Peer(rpc.ClientDeps{Tokens: h.tokens, Peer: peer, Telemetry: h.node.telemetry})
	return construct(p.HTTP, p.URL, p.Options...)
}

// logOf answers the log of a peer.
func logOf(h *host, peer string) logv1connect.LogClient {
	return client(h, peer, logv1connect.NewLogClient)
}

// storeConfig translates the configuration of a service's database.
func storeConfig(cfg *config.Config, name string) store.Config {
	db := cfg.Database(name)
	return store.Config{Engine: db.Engine, Path: db.Path, DSN: db.DSN, ReadDSN: db.ReadDSN}
}

// sandboxed says whether this is the sandbox profile.
func (n *Node) sandboxed() bool { return n.cfg.Profile == config.Sandbox }

// moved wakes everything that waits for a time, after the calendar was moved, and remembers where it stands.
func (n *Node) moved() {
	n.keeping.Lock()
	defer n.keeping.Unlock()
	if err := keepOffset(n.cfg, n.offset); err != nil {
		n.fail(fmt.Errorf("keep the sandbox's calendar: %w", err))
	}
	for _, h := range n.hosts {
		if h.db != nil {
			h.db.Wake()
		}
	}
}

// owner names this process among those that share a service's database. It is the same after a restart on the same
// machine, so that leases come back at once.
func owner(service string) string {
	machine, err := os.Hostname()
	if err != nil {
		machine = strconv.Itoa(os.Getpid())
	}
	return service + "@" + machine
}
