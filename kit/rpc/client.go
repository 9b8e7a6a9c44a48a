package rpc

import (
	"context"
	"errors"
	"fmt"
	"time"

	"connectrpc.com/connect"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/hengdai/hengdai/kit/clock"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/telemetry"
)

// ClientDeps is what a client of one peer needs. All but Timeout and MaxBytes are required.
type ClientDeps struct {
	// Tokens signs for the calling service.
	Tokens *Tokens
	// Peer is the name of the service that is called.
	Peer string
	// Telemetry counts and traces.
	Telemetry *telemetry.Telemetry
	// Timeout ends a call whose context has no deadline; zero means DefaultTimeout.
	Timeout time.Duration
	// MaxBytes limits an answer; zero means 16 MiB.
	MaxBytes int
}

// Client answers the options with which every Connect client of a service is made.
func Client(deps ClientDeps) []connect.ClientOption {
	if deps.Timeout == 0 {
		deps.Timeout = DefaultTimeout
	}
	if deps.MaxBytes == 0 {
		deps.MaxBytes = 16 << 20
	}
	return []connect.ClientOption{
		connect.WithInterceptors(&client{deps}),
		connect.WithReadMaxBytes(deps.MaxBytes),
		connect.WithCompressMinBytes(compressMinBytes),
	}
}

type client struct{ ClientDeps }

// waiting is a request that asks the server to wait for something, as a log reader does.
type waiting interface{ GetWaitMs() int32 }

// WrapUnary makes one call: principal, language, trace, deadline; afterwards the error as the server meant it.
func (c *client) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, req connect.AnyRequest) (connect.AnyResponse, error) {
		start := clock.Real()
		method := methodName(req.Spec())
		if _, ok := ctx.Deadline(); !ok {
			timeout := c.Timeout
			if w, ok := req.Any().(waiting); ok {
				timeout += time.Duration(w.GetWaitMs()) * time.Millisecond
			}
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, timeout)
			defer cancel()
		}
		ctx, span := startSpan(ctx, c.Telemetry.Tracer, method, trace.SpanKindClient)
		defer span.End()
		if span.IsRecording() {
			span.SetAttributes(attribute.String(telemetry.ServiceKey, c.Tokens.Self()))
		}
		token, err := c.Tokens.Issue(c.Peer, Principal{Kind: Service, Service: c.Tokens.Self(), Origin: origin(ctx)})
		if err != nil {
			return nil, ErrInternal.Because(fmt.Errorf("calling %s: %w", method, err))
		}
		req.Header().Set(PrincipalHeader, token)
		req.Header().Set("Accept-Language", Language(ctx))
		telemetry.Propagation.Inject(ctx, propagation.HeaderCarrier(req.Header()))
		resp, err := next(ctx, req)
		code := "ok"
		if err != nil {
			cut := endedInIt(err)
			err = backHome(err, method)
			if ctx.Err() == nil && (cut || errs.ReasonOf(err) == ErrCanceled.Reason) {
				err = ErrPeer.Because(err) // nobody here gave up: the peer ended in the middle of it
			}
			code = errs.CodeOf(err).String()
			span.SetAttributes(attribute.String("hengdai.code", code), attribute.Bool("error", true))
		}
		c.Telemetry.Metrics.Called(c.Tokens.Self(), c.Peer, method, code, clock.Since(start))
		return resp, err
	}
}

// endedInIt says whether an answer began and is not whole. A service states every error with its detail; what has none
// and no meaning of its own was made here, of what had arrived.
func endedInIt(err error) bool {
	var wire *connect.Error
	if !errors.As(err, &wire) || len(wire.Details()) > 0 {
		return false
	}
	return wire.Code() == connect.CodeUnknown || wire.Code() == connect.CodeInternal
}

// WrapStreamingClient leaves streams alone: no method of ours streams.
func (c *client) WrapStreamingClient(next connect.StreamingClientFunc) connect.StreamingClientFunc {
	return next
}

// WrapStreamingHandler leaves a handler alone: this is a client's interceptor.
func (c *client) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return next
}
