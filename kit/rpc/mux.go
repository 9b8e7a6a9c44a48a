package rpc

import (
	"fmt"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"

	"connectrpc.com/connect"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/telemetry"
)

// CallbackPrefix begins the paths at which outside parties call back: /callbacks/<service>/<party>.
const CallbackPrefix = "/callbacks/"

// Mux is everything one service serves. It knows what is mounted, limits bodies, recovers panics of raw handlers and
// answers an unknown path as an unknown method.
type Mux struct {
	deps  ServerDeps
	mux   *http.ServeMux
	paths []string
	write *connect.ErrorWriter
}

// NewMux makes the empty mux of a service.
func NewMux(deps ServerDeps) *Mux {
	m := &Mux{deps: deps.withDefaults(), mux: http.NewServeMux(), write: connect.NewErrorWriter()}
	m.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { m.fail(w, r, ErrUnknownMethod) })
	return m
}

// Handle mounts a handler: path and handler as a generated New*Handler returns them, or a raw handler below
// CallbackPrefix, which only a request that the gateway took from an outside party reaches. The raw handler must check
// that party's signature itself. Any other path panics: a service has no other doors.
func (m *Mux) Handle(path string, h http.Handler) {
	switch {
	case strings.HasPrefix(path, CallbackPrefix):
		h = m.party(h)
	case !isServicePath(path):
		panic(fmt.Sprintf("rpc: %s mounts %q, which is neither a service nor a callback", m.deps.Tokens.Self(), path))
	}
	m.paths = append(m.paths, path)
	m.mux.Handle(path, m.guard(path, h))
}

// Paths lists what is mounted, sorted.
func (m *Mux) Paths() []string { return slices.Sorted(slices.Values(m.paths)) }

// Services lists the proto services that are mounted, sorted: "loan.v1.Public".
func (m *Mux) Services() []string {
	var names []string
	for _, path := range m.Paths() {
		if isServicePath(path) {
			names = append(names, strings.Trim(path, "/"))
		}
	}
	return names
}

// Options answers the options for the handlers that are to be mounted.
func (m *Mux) Options() []connect.HandlerOption { return Server(m.deps) }

// ServeHTTP serves.
func (m *Mux) ServeHTTP(w http.ResponseWriter, r *http.Request) { m.mux.ServeHTTP(w, r) }

// guard refuses an oversize body by its stated length, stops one that lies, and recovers panics.
func (m *Mux) guard(path string, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			if p := recover(); p != nil {
				m.deps.Telemetry.Logger.ErrorContext(r.Context(), "panic", "service", m.deps.Tokens.Self(), "method", strings.Trim(path, "/"), "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
				m.fail(w, r, ErrInternal)
			}
		}()
		if r.ContentLength > int64(m.deps.MaxBytes) {
			m.deps.Telemetry.Metrics.Served(m.deps.Tokens.Self(), strings.Trim(path, "/"), errs.Invalid.String(), 0)
			m.fail(w, r, ErrTooLarge)
			return
		}
		h.ServeHTTP(w, r)
	})
}

// party lets only an outside party's request through.
func (m *Mux) party(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who, err := m.deps.Tokens.Check(r.Header.Get(PrincipalHeader))
		if err == nil && who.Kind != Party {
			err = ErrNotAllowed
		}
		if err != nil {
			m.fail(w, r, err)
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, int64(m.deps.MaxBytes))
		ctx := WithLanguage(WithPrincipal(r.Context(), who), ParseLanguage(r.Header.Get("Accept-Language")))
		ctx = telemetry.WithTraceParent(ctx, r.Header.Get("Traceparent"))
		ctx, span := m.deps.Telemetry.Tracer.Start(m.deps.within(ctx), r.URL.Path, trace.WithSpanKind(trace.SpanKindServer))
		defer span.End()
		if span.IsRecording() {
			span.SetAttributes(attribute.String(telemetry.ServiceKey, m.deps.Tokens.Self()))
		}
		h.ServeHTTP(w, r.WithContext(ctx))
	})
}

func (m *Mux) fail(w http.ResponseWriter, r *http.Request, err error) {
	wire := toWire(err, ParseLanguage(r.Header.Get("Accept-Language")), telemetry.TraceID(r.Context()))
	_ = m.write.Write(w, r, wire) // the caller is gone if this fails
}

// isServicePath says whether a path is that of a proto service: "/loan.v1.Public/".
func isServicePath(path string) bool {
	inner, ok := strings.CutPrefix(path, "/")
	inner, slash := strings.CutSuffix(inner, "/")
	return ok && slash && strings.Count(inner, ".") >= 2 && !strings.ContainsAny(inner, "/ {}")
}
