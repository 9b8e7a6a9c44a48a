package kill

import (
	"context"
	"errors"
	"sync"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"

	"github.com/hengdai/hengdai/demo"
	"github.com/hengdai/hengdai/kit/clock"

	loanv1 "github.com/hengdai/hengdai/api/loan/v1"
)

const (
	// insistFor is how long a caller asks again with the same words before he gives up.
	insistFor = 90 * time.Second
	insistGap = 250 * time.Millisecond
)

// book remembers every write that was acknowledged, and who asked for it.
type book struct {
	mu      sync.Mutex
	yes     []yes
	repeats int // calls that had to be asked again
	lost    int // writes among them: nobody knows what became of the first
}

// yes is a write that was acknowledged.
type yes struct {
	who      *demo.Applicant // nil: a member of staff
	req, res proto.Message
}

type whoKey struct{}

// as says whose calls these are.
func as(ctx context.Context, who *demo.Applicant) context.Context {
	return context.WithValue(ctx, whoKey{}, who)
}

type onceKey struct{}

// once makes calls that are not repeated; what nobody is named for (see as) is not remembered either.
func once(ctx context.Context) context.Context { return context.WithValue(ctx, onceKey{}, true) }

// insist is how everybody here calls: what gets no answer, or one that says "not now", is asked again with the same words.
func (b *book) insist(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, req connect.AnyRequest) (connect.AnyResponse, error) {
		writes := req.Spec().IdempotencyLevel != connect.IdempotencyNoSideEffects
		if ctx.Value(onceKey{}) != nil {
			res, err := next(ctx, req)
			if err == nil && ctx.Value(whoKey{}) != nil { // not a reading back
				b.note(ctx, writes, req, res)
			}
			return res, err
		}
		for from, tries := clock.Real(), 0; ; tries++ {
			res, err := next(ctx, req)
			if err == nil {
				b.note(ctx, writes, req, res)
				return res, nil
			}
			if !passing(err) || clock.Since(from) > insistFor || clock.Sleep(ctx, insistGap) != nil {
				return nil, err
			}
			b.repeated(writes && tries == 0)
		}
	}
}

func (b *book) note(ctx context.Context, writes bool, req connect.AnyRequest, res connect.AnyResponse) {
	asked, ok := req.Any().(proto.Message)
	answered, ok2 := res.Any().(proto.Message)
	if !writes || !ok || !ok2 {
		return
	}
	switch asked.(type) {
	case *loanv1.QuoteRequest, *loanv1.TrialRepaymentRequest: // these compute and keep nothing
		return
	}
	who, _ := ctx.Value(whoKey{}).(*demo.Applicant)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.yes = append(b.yes, yes{who: who, req: asked, res: answered})
}

func (b *book) repeated(first bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.repeats++
	if first {
		b.lost++
	}
}

// all answers what was acknowledged so far.
func (b *book) all() []yes {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]yes(nil), b.yes...)
}

// passing says whether an error is of the moment: no answer, or one that says so.
func passing(err error) bool {
	var wire *connect.Error
	if !errors.As(err, &wire) || !connect.IsWireError(wire) {
		return !errors.Is(err, context.Canceled)
	}
	switch wire.Code() { //nolint:exhaustive // all others are answers
	case connect.CodeUnavailable, connect.CodeCanceled, connect.CodeDeadlineExceeded, connect.CodeResourceExhausted:
		return true
	}
	return false
}
