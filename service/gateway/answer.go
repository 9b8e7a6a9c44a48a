package gateway

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/rpc"
	"github.com/hengdai/hengdai/kit/telemetry"
)

// What the gateway itself refuses.
var (
	errUnknownPath = errs.New(errs.NotFound, "gateway.unknown_path", "没有这个地址。", "There is nothing at this address.")
	errMethod      = errs.New(errs.Invalid, "gateway.method_not_allowed", "这个地址不支持该请求方法。", "This address does not take that HTTP method.")
	errContentType = errs.New(errs.Invalid, "gateway.content_type", "请求内容必须是 JSON。", "The request must be JSON.")
	errSlowBody    = errs.New(errs.Invalid, "request.incomplete", "请求内容没有按时完整到达。", "The request did not arrive whole and in time.")
	errCrossSite   = errs.New(errs.Denied, "gateway.cross_site", "不接受来自其他网站的请求。", "Requests from another site are not taken.")
	errExpired     = errs.New(errs.Unauthenticated, "session.expired", "登录已失效,请重新登录。", "Your session has ended; please sign in again.")
	errTooMany     = errs.New(errs.Exhausted, "gateway.rate_limited", "请求过于频繁,请稍后再试。", "Too many requests; please try again later.")
	errOverload    = errs.New(errs.Unavailable, "gateway.overloaded", "系统繁忙,请稍后再试。", "The system is busy; please try again later.")
	errPeerOpen    = errs.New(errs.Unavailable, "gateway.peer_unavailable", "服务暂时不可用,请稍后再试。", "The service does not answer at the moment; please try again later.")
)

// problem is an error as REST shows it.
type problem struct {
	Code    string `json:"code"`
	Reason  string `json:"reason"`
	Field   string `json:"field,omitempty"`
	Message string `json:"message"`
	TraceID string `json:"traceId,omitempty"`
}

// statusOf is the HTTP status of an error on REST.
func statusOf(e *errs.Error) int {
	switch e.Reason {
	case rpc.ErrTooLarge.Reason:
		return http.StatusRequestEntityTooLarge
	case errMethod.Reason:
		return http.StatusMethodNotAllowed
	case errContentType.Reason:
		return http.StatusUnsupportedMediaType
	case errSlowBody.Reason:
		return http.StatusRequestTimeout
	}
	switch e.Code {
	case errs.Invalid:
		return http.StatusBadRequest
	case errs.Unauthenticated:
		return http.StatusUnauthorized
	case errs.Denied:
		return http.StatusForbidden
	case errs.NotFound:
		return http.StatusNotFound
	case errs.Conflict:
		return http.StatusConflict
	case errs.Exhausted:
		return http.StatusTooManyRequests
	case errs.Precondition:
		return http.StatusUnprocessableEntity
	case errs.Unavailable:
		return http.StatusServiceUnavailable
	case errs.Internal:
	}
	return http.StatusInternalServerError
}

// fail answers a request with an error, in the form the caller speaks: Connect's on Connect paths, flat JSON elsewhere.
func (s *Service) fail(w http.ResponseWriter, r *http.Request, e *errs.Error) {
	if v := visitOf(r); v != nil {
		v.failure = e
	}
	if _, connect := s.methods[r.URL.Path]; connect {
		rpc.WriteError(w, r, e)
		return
	}
	writeProblem(w, e, rpc.ParseLanguage(r.Header.Get("Accept-Language")), telemetry.TraceID(r.Context()))
}

func writeProblem(w http.ResponseWriter, e *errs.Error, lang, trace string) {
	body, err := json.Marshal(problem{Code: e.Code.String(), Reason: e.Reason, Field: e.Field, Message: e.Sentence(lang), TraceID: trace})
	if err != nil {
		body = []byte(`{"code":"internal"}`)
	}
	h := w.Header()
	h.Del("Content-Encoding")
	h.Set("Content-Type", "application/json; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Content-Language", lang)
	w.WriteHeader(statusOf(e))
	_, _ = w.Write(body) // the caller is gone if this fails
}

// refuse answers 429 and says when to come again.
func (s *Service) refuse(w http.ResponseWriter, r *http.Request, rule string, after time.Duration) {
	s.deps.Telemetry.Metrics.Refused(rule)
	w.Header().Set("Retry-After", strconv.FormatInt(int64((after+time.Second-1)/time.Second), 10))
	s.fail(w, r, errTooMany)
}

// secure sets what every answer carries.
func secure(w http.ResponseWriter, r *http.Request, trace string) {
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("X-Request-Id", trace)
	if r.TLS != nil {
		h.Set("Strict-Transport-Security", "max-age=31536000")
	}
	if strings.HasPrefix(r.URL.Path, "/docs") {
		h.Set("Content-Security-Policy", "default-src 'self'; frame-ancestors 'none'; base-uri 'none'")
		return
	}
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	h.Set("Cache-Control", "no-store")
}
