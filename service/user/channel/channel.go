package channel

import (
	"context"

	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/secret"
)

// ErrUnknown says that the party gave no answer that can be relied on: ask again with the same request id.
var ErrUnknown = errs.New(errs.Unavailable, "user.identity_channel_unknown",
	"身份核验暂无结果，请稍候。", "The identity check has no answer yet.")

// ErrReused says that the party saw the request id with another question: a fault of ours that repeating cannot mend.
var ErrReused = errs.New(errs.Precondition, "user.identity_request_reused",
	"身份核验请求号重复。", "The request id was used for another question.")

// Result is what the party found.
type Result string

// The results.
const (
	Match    Result = "MATCH"
	Mismatch Result = "MISMATCH"
	NoRecord Result = "NO_RECORD"
	// BadIDNo and BadCardNo: the party refuses the form of a number.
	BadIDNo   Result = "BAD_ID_NO"
	BadCardNo Result = "BAD_CARD_NO"
)

// Question is one four-element check.
type Question struct {
	// RequestID is the stored id of the question.
	RequestID string
	Name      secret.String
	IDNo      secret.String
	CardNo    secret.String
	Mobile    secret.String
}

// Answer is what the party said, with a signature that fits.
type Answer struct {
	Result Result
	// Code is the party's own.
	Code string
	// Bank is the issuer's code, if the party names it.
	Bank string
}

// Identity is one source of the check.
type Identity interface {
	// Name is the party's name in records.
	Name() string
	// Verify asks. The error is ErrUnknown or ErrReused.
	Verify(ctx context.Context, q Question) (Answer, error)
}
