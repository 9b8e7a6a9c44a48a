package gateway

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/hengdai/hengdai/kit/clock"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/rpc"
	"github.com/hengdai/hengdai/kit/telemetry"
)

// visit is what is known of one request while it passes.
type visit struct {
	address string // who it comes from
	who     rpc.Principal
	stale   bool   // it carries a session that is not valid any more
	method  string // what it turned out to call
	failure *errs.Error
}

type visitKey struct{}

func visitOf(r *http.Request) *visit {
	v, _ := r.Context().Value(visitKey{}).(*visit)
	return v
}

// Handler answers the whole entrance.
func (s *Service) Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := clock.Real()
		// The trace begins here: one that comes from outside is not continued.
		ctx, span := s.deps.Telemetry.Tracer.Start(r.Context(), "gateway", trace.WithNewRoot(), trace.WithSpanKind(trace.SpanKindServer))
		defer span.End()
		if span.IsRecording() {
			span.SetAttributes(attribute.String(telemetry.ServiceKey, rpc.Edge))
		}
		ctx = telemetry.Within(ctx, telemetry.Scope{Service: rpc.Edge, Tracer: s.deps.Telemetry.Tracer, Logger: s.deps.Telemetry.Logger})
		ctx, cancel := context.WithTimeout(ctx, time.Duration(s.deps.Limits.RequestTimeout))
		defer cancel()
		v := &visit{address: s.addressOf(r)}
		r = r.WithContext(context.WithValue(ctx, visitKey{}, v))
		out := &watched{ResponseWriter: w, status: http.StatusOK}
		secure(out, r, telemetry.TraceID(ctx))
		defer func() {
			if p := recover(); p != nil {
				s.deps.Telemetry.Logger.ErrorContext(ctx, "panic", "panic", fmt.Sprint(p), "service", rpc.Edge, "stack", string(debug.Stack()))
				s.fail(out, r, rpc.ErrInternal)
			}
			s.tell(ctx, v, out.status, clock.Since(start))
		}()
		s.serve(out, r, v)
	})
}

// serve lets a request in and routes it.
func (s *Service) serve(w http.ResponseWriter, r *http.Request, v *visit) {
	if after, ok := s.limits.address.allow(addressKey(v.address)); !ok {
		s.refuse(w, r, "address", after)
		return
	}
	stripHeaders(r.Header)
	path := r.URL.Path
	_, isConnect := s.methods[path]
	switch {
	case strings.HasPrefix(path, rpc.CallbackPrefix):
		s.callback(w, r, v)
	case isConnect, strings.HasPrefix(path, "/v1/"):
		s.call(w, r, v, isConnect)
	case path == "/docs" || strings.HasPrefix(path, "/docs/"):
		v.method = "docs"
		s.docs.ServeHTTP(w, r)
	case s.deps.Screens != nil && (r.Method == http.MethodGet || r.Method == http.MethodHead) && !strings.Contains(path, ".v1."):
		v.method = "screens"
		w.Header().Del("Content-Security-Policy")
		w.Header().Del("Cache-Control")
		s.deps.Screens.ServeHTTP(w, r)
	default:
		s.fail(w, r, errUnknownPath)
	}
}

// call reads a request for a service, finds out who asks, and passes it on.
func (s *Service) call(w http.ResponseWriter, r *http.Request, v *visit, isConnect bool) {
	if r.Method != http.MethodGet && !isJSONOrProto(r.Header.Get("Content-Type"), isConnect) && r.ContentLength != 0 {
		s.fail(w, r, errContentType)
		return
	}
	if e := s.readBody(w, r); e != nil {
		s.fail(w, r, e)
		return
	}
	if e := s.identify(r, v); e != nil {
		s.fail(w, r, e)
		return
	}
	if isConnect {
		s.forward(w, r)
		return
	}
	s.serveREST(w, r)
}

// readBody takes the whole body, at most so much, so that a slow or endless one never reaches a service.
func (s *Service) readBody(w http.ResponseWriter, r *http.Request) *errs.Error {
	limit := s.deps.Limits.MaxBodyBytes
	if r.ContentLength > limit {
		w.Header().Set("Connection", "close")
		return rpc.ErrTooLarge
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	if err != nil {
		var over *http.MaxBytesError
		if errors.As(err, &over) {
			return rpc.ErrTooLarge
		}
		return errSlowBody.Because(err)
	}
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	if len(body) == 0 {
		r.Body = http.NoBody
	}
	return nil
}

// isJSONOrProto says whether a body is of a kind that is taken: JSON, and on Connect paths also binary.
func isJSONOrProto(contentType string, isConnect bool) bool {
	kind, _, _ := strings.Cut(contentType, ";")
	kind = strings.TrimSpace(strings.ToLower(kind))
	return kind == "application/json" || isConnect && kind == "application/proto"
}

// stripHeaders takes away what only we may say, and what a proxy before us may say when it was already read.
func stripHeaders(h http.Header) {
	device := h.Get(deviceHeader)
	for name := range h {
		if strings.HasPrefix(name, "Hengdai-") {
			delete(h, name)
		}
	}
	if device != "" {
		h.Set(deviceHeader, device)
	}
	for _, name := range []string{"X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-Ip", "Forwarded", "Traceparent", "Tracestate", "Baggage"} {
		h.Del(name)
	}
}

// tell counts and logs how a request ended, by the method it called: never a path, which may hold ids, nor a body.
func (s *Service) tell(ctx context.Context, v *visit, status int, took time.Duration) {
	name, code := v.method, "ok"
	if name == "" {
		name = "none"
	}
	if v.failure != nil {
		code = v.failure.Code.String()
	} else if status >= http.StatusBadRequest {
		code = codeOf(status)
	}
	s.deps.Telemetry.Metrics.Served(rpc.Edge+":edge", name, code, took)
	telemetry.Annotate(ctx, attribute.String("hengdai.method", name), attribute.Int("http.response.status_code", status),
		attribute.Bool("error", status >= http.StatusInternalServerError))
	level := slog.LevelInfo // one line of access a request
	switch {
	case status >= http.StatusInternalServerError:
		level = slog.LevelError
	case took > slowAnswer:
		level = slog.LevelWarn
	}
	if !s.deps.Telemetry.Logger.Enabled(ctx, level) {
		return
	}
	attrs := []slog.Attr{
		slog.String("service", rpc.Edge), slog.String("method", name), slog.Int("status", status), slog.String("code", code), slog.Int64("ms", took.Milliseconds()),
		slog.String("caller", v.who.Kind.String()),
	}
	if v.who.ID != 0 {
		attrs = append(attrs, slog.Int64("person", v.who.ID))
	}
	if v.failure != nil {
		attrs = append(attrs, slog.String("error", v.failure.Error()))
	}
	s.deps.Telemetry.Logger.LogAttrs(ctx, level, "answered", attrs...)
}

// slowAnswer is when an answer is worth a warning.
const slowAnswer = 2 * time.Second

// codeOf is the code that stands for the status of a service's own answer.
func codeOf(status int) string {
	for _, code := range errs.Codes() {
		if statusOf(&errs.Error{Code: code}) == status {
			return code.String()
		}
	}
	if status < http.StatusInternalServerError {
		return errs.Invalid.String()
	}
	return errs.Internal.String()
}

// watched remembers the status.
type watched struct {
	http.ResponseWriter
	status int
	wrote  bool
}

func (w *watched) WriteHeader(status int) {
	if !w.wrote {
		w.status, w.wrote = status, true
		w.ResponseWriter.WriteHeader(status)
	}
}

func (w *watched) Write(p []byte) (int, error) {
	w.wrote = true
	return w.ResponseWriter.Write(p)
}

func (w *watched) Unwrap() http.ResponseWriter { return w.ResponseWriter }
