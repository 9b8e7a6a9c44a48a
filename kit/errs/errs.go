package errs

import (
	"errors"
	"fmt"
	"strings"
)

// Code says what kind of failure an error is. The zero value means no error.
type Code uint8

// The closed set. A new failure is a new reason, not a new code.
const (
	// Invalid: the request itself is wrong; the same request will fail again.
	Invalid Code = iota + 1
	// Unauthenticated: nobody is signed in, or the session or principal has ended.
	Unauthenticated
	// Denied: the caller is known and may not do this.
	Denied
	// NotFound: there is no such thing, or it is not the caller's to see.
	NotFound
	// Conflict: somebody else changed it first, or the same key came with another body.
	Conflict
	// Exhausted: a limit of use is reached; later it will work.
	Exhausted
	// Precondition: the state of the thing does not allow it.
	Precondition
	// Unavailable: a part that is needed does not answer; repeating is safe.
	Unavailable
	// Internal: a fault of ours.
	Internal
)

var names = [...]string{
	0: "ok", Invalid: "invalid", Unauthenticated: "unauthenticated", Denied: "denied", NotFound: "not_found",
	Conflict: "conflict", Exhausted: "exhausted", Precondition: "precondition", Unavailable: "unavailable", Internal: "internal",
}

// String gives the code's name, for example "not_found".
func (c Code) String() string {
	if int(c) < len(names) {
		return names[c]
	}
	return fmt.Sprintf("code(%d)", uint8(c))
}

// Codes lists the whole set in order.
func Codes() []Code {
	return []Code{Invalid, Unauthenticated, Denied, NotFound, Conflict, Exhausted, Precondition, Unavailable, Internal}
}

// Error is one failure. It is immutable once published: On and Because answer copies, so a package may keep its
// errors as variables.
type Error struct {
	// Code decides status and whether repeating can help.
	Code Code
	// Reason is for machines, "<service>.<what>".
	Reason string
	// Field is the request field that was wrong, in its JSON name; empty if none.
	Field string
	// ZH and EN are sentences for a person. They hold no personal value.
	ZH, EN string

	cause error
}

// New makes an error. The reason is stable; sentences may be reworded.
func New(code Code, reason, zh, en string) *Error {
	return &Error{Code: code, Reason: reason, ZH: zh, EN: en}
}

// On answers a copy that names the request field.
func (e *Error) On(field string) *Error {
	c := *e
	c.Field = field
	return &c
}

// Because answers a copy with a cause, which goes to the log and never to a caller.
func (e *Error) Because(cause error) *Error {
	c := *e
	c.cause = cause
	return &c
}

// Error is for the log: code, reason, field and cause.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Code.String())
	b.WriteString(" ")
	b.WriteString(e.Reason)
	if e.Field != "" {
		b.WriteString(" (")
		b.WriteString(e.Field)
		b.WriteString(")")
	}
	if e.cause != nil {
		b.WriteString(": ")
		b.WriteString(e.cause.Error())
	}
	return b.String()
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.cause }

// Is lets errors.Is compare by code and reason, so that an error that crossed the wire or was copied by On or
// Because still equals the variable it came from.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code && t.Reason == e.Reason
}

// Sentence answers the sentence in a language: "en" and its regions in English, all else in Chinese. Without a
// sentence it falls back to the other language and then to the general one of the code.
func (e *Error) Sentence(lang string) string {
	first, second := e.ZH, e.EN
	english := strings.HasPrefix(strings.ToLower(lang), "en")
	if english {
		first, second = second, first
	}
	switch {
	case first != "":
		return first
	case second != "":
		return second
	}
	zh, en := General(e.Code)
	if english {
		return en
	}
	return zh
}

// General answers the sentences of a code when nothing better is known.
func General(code Code) (zh, en string) {
	switch code {
	case Invalid:
		return "请求内容有误。", "The request is not valid."
	case Unauthenticated:
		return "请先登录。", "Please sign in."
	case Denied:
		return "您没有权限进行此操作。", "You may not do this."
	case NotFound:
		return "没有找到。", "Not found."
	case Conflict:
		return "内容已被修改,请刷新后重试。", "It was changed meanwhile; please reload and try again."
	case Exhausted:
		return "请求过于频繁,请稍后再试。", "Too many requests; please try again later."
	case Precondition:
		return "当前状态不允许此操作。", "The present state does not allow this."
	case Unavailable:
		return "服务暂时不可用,请稍后再试。", "The service is unavailable for the moment; please try again later."
	case Internal:
	}
	return "系统内部错误,请稍后再试。", "An internal error happened; please try again later."
}

// CodeOf answers the code of the first Error in the chain; Internal for any other error and 0 for nil.
func CodeOf(err error) Code {
	if err == nil {
		return 0
	}
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return Internal
}

// ReasonOf answers the reason of the first Error in the chain, "internal" for any other error and "" for nil.
func ReasonOf(err error) string {
	if err == nil {
		return ""
	}
	var e *Error
	if errors.As(err, &e) {
		return e.Reason
	}
	return "internal"
}

// Wrap says what was being done. Code, reason, field and sentences stay what they are. Wrap of nil is nil.
func Wrap(err error, doing string) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", doing, err)
}
