package node

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"

	"go.opentelemetry.io/otel/trace"

	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/kit/telemetry"
	"github.com/hengdai/hengdai/sandbox"
)

// parties is the sandbox in this process: every outside party as a real HTTP server.
type parties struct {
	db      *store.DB
	box     *sandbox.Sandbox
	release func() error
}

// startSandbox starts the parties, if the profile has them and this process serves them.
func (n *Node) startSandbox(ctx, jobs context.Context) error {
	if !n.sandboxed() || n.cfg.Listen.Sandbox == "" {
		return nil
	}
	path := filepath.Join(n.cfg.DataDir, "sandbox.db")
	release, err := lock(path)
	if err != nil {
		return fmt.Errorf("sandbox: %w", err)
	}
	db, err := store.Open(ctx, store.Config{Engine: store.SQLite, Path: path}, sandbox.Schema())
	if err != nil {
		return errors.Join(fmt.Errorf("sandbox: %w", err), release())
	}
	box, err := sandbox.New(ctx, sandbox.Deps{
		DB: db, Clock: n.clock, Offset: n.offset, KeysDir: n.cfg.KeysDir, CallbackBase: n.cfg.CallbackBase,
		Logger: n.telemetry.Logger.With("service", "sandbox"), OnAdvance: n.moved,
	})
	if err != nil {
		return errors.Join(fmt.Errorf("sandbox: %w", err), db.Close(), release())
	}
	n.sandbox = &parties{db: db, box: box, release: release}
	n.jobs.Go(func() {
		if err := box.Run(jobs); err != nil && jobs.Err() == nil {
			n.fail(fmt.Errorf("sandbox: %w", err))
		}
	})
	return nil
}

// tracedParty makes the sandbox's side of a call a part of the caller's trace, as a party with tracing of its own would.
func (n *Node) tracedParty(party http.Handler) http.Handler {
	logger := n.telemetry.Logger.With("service", "sandbox")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		parent := r.Header.Get("Traceparent")
		if parent == "" {
			party.ServeHTTP(w, r)
			return
		}
		ctx := telemetry.Within(r.Context(), telemetry.Scope{Service: "sandbox", Tracer: n.telemetry.Tracer, Logger: logger})
		ctx, end := telemetry.Start(telemetry.WithTraceParent(ctx, parent), r.URL.Path, trace.WithSpanKind(trace.SpanKindServer))
		defer end(nil)
		party.ServeHTTP(w, r.WithContext(ctx))
	})
}

func (p *parties) close() error { return errors.Join(p.box.Close(), p.db.Close(), p.release()) }
