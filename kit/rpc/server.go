package rpc

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"connectrpc.com/connect"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
	"google.golang.org/protobuf/proto"

	"github.com/hengdai/hengdai/kit/clock"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/telemetry"
)

// Defaults of servers and clients.
const (
	// DefaultMaxBytes limits a request and an answer between services.
	DefaultMaxBytes = 4 << 20
	// DefaultTimeout ends a call whose caller set no deadline.
	DefaultTimeout = 10 * time.Second
	// serverTimeout ends work whose caller set none; it leaves room for a long poll of a log.
	serverTimeout    = 40 * time.Second
	compressMinBytes = 16 << 10
	slowRequest      = time.Second
)

// ServerDeps is what a server needs. Tokens and Telemetry are required.
type ServerDeps struct {
	// Tokens checks principals; its name is the service's.
	Tokens *Tokens
	// Telemetry counts, traces and logs.
	Telemetry *telemetry.Telemetry
	// MaxBytes limits a request; zero means DefaultMaxBytes.
	MaxBytes int
	// Timeout ends work whose caller set no deadline; zero means 40 s.
	Timeout time.Duration
	// Explain turns an error of something a method uses, such as a database that is gone, into one of ours; what it does not
	// know it answers as it is. It may be nil.
	Explain func(error) error

	logger *slog.Logger // names the service in each line
}

func (d ServerDeps) withDefaults() ServerDeps {
	if d.MaxBytes == 0 {
		d.MaxBytes = DefaultMaxBytes
	}
	if d.Timeout == 0 {
		d.Timeout = serverTimeout
	}
	d.logger = d.Telemetry.Logger.With(slog.String("service", d.Tokens.Self()))
	return d
}

// Server answers the options with which every Connect handler of a service is made.
func Server(deps ServerDeps) []connect.HandlerOption {
	deps = deps.withDefaults()
	s := &server{ServerDeps: deps}
	return []connect.HandlerOption{
		connect.WithRequestGate(s.gate),
		connect.WithInterceptors(s),
		connect.WithReadMaxBytes(deps.MaxBytes),
		connect.WithCompressMinBytes(compressMinBytes),
		connect.WithCodec(binaryCodec{}),
		connect.WithCodec(jsonCodec{name: "json"}),
		connect.WithCodec(jsonCodec{name: "json; charset=utf-8"}),
	}
}

type server struct{ ServerDeps }

// within puts what is needed to tell of a service's work into the context.
func (d ServerDeps) within(ctx context.Context) context.Context {
	return telemetry.Within(ctx, telemetry.Scope{Service: d.Tokens.Self(), Tracer: d.Telemetry.Tracer, Logger: d.logger})
}

// gate lets a caller in before his message is read.
func (s *server) gate(ctx context.Context, spec connect.Spec, _ connect.Peer, header http.Header) (context.Context, error) {
	ctx = WithLanguage(ctx, ParseLanguage(header.Get("Accept-Language")))
	ctx = telemetry.Propagation.Extract(ctx, propagation.HeaderCarrier(header))
	who, err := s.Tokens.Check(header.Get(PrincipalHeader))
	if err == nil {
		err = admit(accessOf(spec), who)
	}
	if err != nil {
		s.tell(ctx, spec, who, err, 0)
		return nil, toWire(err, Language(ctx), telemetry.TraceID(ctx))
	}
	return WithPrincipal(ctx, who), nil
}

// WrapUnary serves one request: span, deadline, validation, the method itself, error, measures.
func (s *server) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, req connect.AnyRequest) (connect.AnyResponse, error) {
		start := clock.Real()
		ctx, span := startSpan(s.within(ctx), s.Telemetry.Tracer, methodName(req.Spec()), trace.SpanKindServer)
		defer span.End()
		if span.IsRecording() {
			span.SetAttributes(attribute.String(telemetry.ServiceKey, s.Tokens.Self()))
		}
		if _, ok := ctx.Deadline(); !ok {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, s.Timeout)
			defer cancel()
		}
		resp, err := s.serve(ctx, req, next)
		s.tell(ctx, req.Spec(), From(ctx), err, clock.Since(start))
		if err != nil {
			span.SetAttributes(attribute.String("hengdai.reason", errs.ReasonOf(asKnown(err))), attribute.Bool("error", true))
			return nil, toWire(err, Language(ctx), telemetry.TraceID(ctx))
		}
		return resp, nil
	}
}

// serve validates and runs the method; a panic becomes an error.
func (s *server) serve(ctx context.Context, req connect.AnyRequest, next connect.UnaryFunc) (resp connect.AnyResponse, err error) {
	defer func() {
		if r := recover(); r != nil {
			s.Telemetry.Logger.ErrorContext(ctx, "panic", "method", methodName(req.Spec()), "panic", fmt.Sprint(r),
				"service", s.Tokens.Self(), "stack", string(debug.Stack()))
			resp, err = nil, ErrInternal.Because(fmt.Errorf("panic: %v", r))
		}
	}()
	if m, ok := req.Any().(proto.Message); ok {
		if e := takeFault(m); e != nil {
			return nil, e
		}
		if err := Validate(m); err != nil {
			return nil, err
		}
	}
	resp, err = next(ctx, req)
	if err != nil && s.Explain != nil && ctx.Err() == nil {
		err = s.Explain(err)
	}
	return resp, err
}

// tell counts and logs how a request ended. The body is never logged.
func (s *server) tell(ctx context.Context, spec connect.Spec, who Principal, err error, took time.Duration) {
	method, code := methodName(spec), "ok"
	if err != nil {
		code = asKnown(err).Code.String()
		s.Telemetry.Metrics.Failed(s.Tokens.Self(), method, asKnown(err).Reason)
	}
	s.Telemetry.Metrics.Served(s.Tokens.Self(), method, code, took)
	level := slog.LevelDebug
	switch {
	case err != nil && errors.Is(ctx.Err(), context.Canceled): // the caller went away
	case err != nil && (asKnown(err).Code == errs.Internal || asKnown(err).Code == errs.Unavailable):
		level = slog.LevelError
	case took > slowRequest && !strings.HasPrefix(method, "log.v1."):
		level = slog.LevelWarn
	case err != nil:
		level = slog.LevelInfo
	}
	if !s.Telemetry.Logger.Enabled(ctx, level) {
		return
	}
	attrs := []slog.Attr{
		slog.String("service", s.Tokens.Self()), slog.String("method", method), slog.String("code", code),
		slog.Int64("ms", took.Milliseconds()), slog.String("caller", who.Kind.String()),
	}
	if who.Kind == Service {
		attrs = append(attrs, slog.String("from", who.Service))
	}
	if person, ok := who.Person(); ok {
		attrs = append(attrs, slog.Int64("person", person.ID))
	}
	if err != nil {
		attrs = append(attrs, slog.String("error", err.Error()))
	}
	s.Telemetry.Logger.LogAttrs(ctx, level, "served", attrs...)
}

// WrapStreamingClient leaves a client alone: this is a server's interceptor.
func (s *server) WrapStreamingClient(next connect.StreamingClientFunc) connect.StreamingClientFunc {
	return next
}

// WrapStreamingHandler refuses: no method of ours streams.
func (s *server) WrapStreamingHandler(connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return func(ctx context.Context, _ connect.StreamingHandlerConn) error {
		return toWire(ErrUnknownMethod, Language(ctx), telemetry.TraceID(ctx))
	}
}

// startSpan starts the span of a call. What processes ask each other without end, for news of a log or whether they are at
// rest, has none: it would bury everything else.
func startSpan(ctx context.Context, tracer trace.Tracer, method string, kind trace.SpanKind) (context.Context, trace.Span) {
	if strings.HasPrefix(method, "log.v1.") || strings.HasPrefix(method, "control.v1.") {
		return ctx, noop.Span{}
	}
	return tracer.Start(ctx, method, trace.WithSpanKind(kind))
}

// methodName is "loan.v1.Public/Quote".
func methodName(spec connect.Spec) string { return strings.TrimPrefix(spec.Procedure, "/") }
