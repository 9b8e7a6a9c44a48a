package rpc

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"connectrpc.com/connect"

	rpcv1 "github.com/hengdai/hengdai/api/rpc/v1"
	"github.com/hengdai/hengdai/kit/errs"
)

// Errors that the transport itself gives.
var (
	// ErrTooLarge answers a request whose body is over the limit.
	ErrTooLarge = errs.New(errs.Invalid, "request.too_large", "请求内容过大。", "The request is too large.")
	// ErrDeadline answers a call that did not end in time. What it was to do may have happened.
	ErrDeadline = errs.New(errs.Unavailable, "rpc.deadline", "处理超时,请稍后再试。", "It took too long; please try again later.")
	// ErrCanceled answers a call whose caller has gone.
	ErrCanceled = errs.New(errs.Unavailable, "rpc.canceled", "请求已取消。", "The request was cancelled.")
	// ErrPeer answers a call to a service that cannot be reached.
	ErrPeer = errs.New(errs.Unavailable, "rpc.peer_unavailable", "所需的服务暂时不可用,请稍后再试。", "A service that is needed does not answer; please try again later.")
	// ErrInternal answers a fault of ours.
	ErrInternal = errs.New(errs.Internal, "internal", "系统内部错误,请稍后再试。", "An internal error happened; please try again later.")
	// ErrUnknownMethod answers a path that no service serves.
	ErrUnknownMethod = errs.New(errs.NotFound, "rpc.unknown_method", "没有这个接口。", "There is no such method.")
)

// toWire makes what is sent: code, sentence in the caller's language, ErrorDetail. The cause stays here.
func toWire(err error, lang, traceID string) *connect.Error {
	known := asKnown(err)
	zh, en := known.Sentence(Chinese), known.Sentence(English)
	out := connect.NewError(toConnectCode(known), errors.New(known.Sentence(lang)))
	detail, derr := connect.NewErrorDetail(&rpcv1.ErrorDetail{
		Reason: known.Reason, Field: known.Field, SentenceZh: zh, SentenceEn: en, TraceId: traceID,
	})
	if derr == nil {
		out.AddDetail(detail)
	}
	return out
}

// asKnown answers the error of the closed set in err's chain, or the one that fits best.
func asKnown(err error) *errs.Error {
	var known *errs.Error
	if errors.As(err, &known) {
		return known
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return ErrDeadline.Because(err)
	case errors.Is(err, context.Canceled):
		return ErrCanceled.Because(err)
	}
	var wire *connect.Error
	if errors.As(err, &wire) {
		return fromWire(wire)
	}
	return ErrInternal.Because(err)
}

// fromWire gives the error back that the server sent, or the one that stands for what the transport met.
func fromWire(wire *connect.Error) *errs.Error {
	for _, d := range wire.Details() {
		value, err := d.Value()
		if err != nil {
			continue
		}
		if detail, ok := value.(*rpcv1.ErrorDetail); ok {
			return FromDetail(CodeOfWire(wire.Code()), detail)
		}
	}
	switch wire.Code() {
	case connect.CodeDeadlineExceeded:
		return ErrDeadline
	case connect.CodeCanceled:
		return ErrCanceled
	case connect.CodeUnavailable:
		return ErrPeer
	case connect.CodeResourceExhausted:
		if strings.Contains(wire.Message(), "larger than configured max") || strings.Contains(wire.Message(), "exceeded") {
			return ErrTooLarge
		}
	case connect.CodeUnimplemented:
		return ErrUnknownMethod
	default: // the code says all
	}
	code := CodeOfWire(wire.Code())
	zh, en := errs.General(code)
	reason := "rpc." + code.String()
	if code == errs.Internal {
		reason = ErrInternal.Reason
	}
	return errs.New(code, reason, zh, en)
}

// FromDetail makes the error that a code and its detail state.
func FromDetail(code errs.Code, d *rpcv1.ErrorDetail) *errs.Error {
	return errs.New(code, d.GetReason(), d.GetSentenceZh(), d.GetSentenceEn()).On(d.GetField())
}

// backHome gives a caller the error of its call, with the call in the cause for the log.
func backHome(err error, procedure string) error {
	if err == nil {
		return nil
	}
	var wire *connect.Error
	if !errors.As(err, &wire) {
		return asKnown(err).Because(fmt.Errorf("calling %s: %w", procedure, err))
	}
	return fromWire(wire).Because(fmt.Errorf("calling %s: %w", procedure, err))
}

func toConnectCode(e *errs.Error) connect.Code {
	switch e.Code {
	case errs.Invalid:
		return connect.CodeInvalidArgument
	case errs.Unauthenticated:
		return connect.CodeUnauthenticated
	case errs.Denied:
		return connect.CodePermissionDenied
	case errs.NotFound:
		return connect.CodeNotFound
	case errs.Conflict:
		return connect.CodeAborted
	case errs.Exhausted:
		return connect.CodeResourceExhausted
	case errs.Precondition:
		return connect.CodeFailedPrecondition
	case errs.Unavailable:
		switch e.Reason {
		case ErrDeadline.Reason:
			return connect.CodeDeadlineExceeded
		case ErrCanceled.Reason:
			return connect.CodeCanceled
		}
		return connect.CodeUnavailable
	case errs.Internal:
	}
	return connect.CodeInternal
}

// CodeOfWire answers the code that a Connect code stands for.
func CodeOfWire(code connect.Code) errs.Code {
	switch code {
	case connect.CodeInvalidArgument, connect.CodeOutOfRange:
		return errs.Invalid
	case connect.CodeUnauthenticated:
		return errs.Unauthenticated
	case connect.CodePermissionDenied:
		return errs.Denied
	case connect.CodeNotFound, connect.CodeUnimplemented:
		return errs.NotFound
	case connect.CodeAborted, connect.CodeAlreadyExists:
		return errs.Conflict
	case connect.CodeResourceExhausted:
		return errs.Exhausted
	case connect.CodeFailedPrecondition:
		return errs.Precondition
	case connect.CodeUnavailable, connect.CodeDeadlineExceeded, connect.CodeCanceled:
		return errs.Unavailable
	case connect.CodeInternal, connect.CodeUnknown, connect.CodeDataLoss:
	}
	return errs.Internal
}
