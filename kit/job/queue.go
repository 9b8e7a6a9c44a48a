package job

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/hengdai/hengdai/kit/clock"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/kit/telemetry"
)

const (
	workersMax  = 16
	claimFor    = 20 * time.Second
	claimRenew  = 5 * time.Second
	handlerTime = 60 * time.Second

	retryFirst = 200 * time.Millisecond
	retryMax   = time.Minute
	retrySoon  = 10 * time.Second // Idle waits for retries that are nearer than this

	claimGap = 5 * time.Millisecond
)

// The states of a stored effect.
const (
	stateWaits = iota
	stateDone
	stateFailed
)

// Effect is something to be done on the outside. Kind, Bucket and ID together are its identity for ever.
type Effect struct {
	Kind       string
	Bucket, ID int64
	Body       []byte
	// NotBefore is an instant of business time; zero means at once.
	NotBefore time.Time
	// Tries counts the tries that failed before this one, Fence the claims. Add ignores both.
	Tries int
	Fence int64

	traceparent string // of the work that decided it
}

// Queue holds the stored effects of one database.
type Queue struct {
	db   *store.DB
	clk  clock.Clock
	wake chan struct{}

	mu       sync.RWMutex
	running  map[*Effect]struct{}
	handlers map[string]func(ctx context.Context, e Effect) error
}

// NewQueue gives the queue of a database, without handlers.
func NewQueue(db *store.DB, clk clock.Clock) *Queue {
	q := &Queue{db: db, clk: clk, wake: make(chan struct{}, 1), running: map[*Effect]struct{}{}, handlers: map[string]func(context.Context, Effect) error{}}
	db.OnCommit(func() {
		select {
		case q.wake <- struct{}{}:
		default:
		}
	})
	db.Watch("effects", q.quiet)
	return q
}

// Handle names who carries out effects of a kind. The handler may use the network; it must be safe to run again, with
// kind, bucket and id as the idempotency key. nil means done. Again postpones. Invalid, Denied, NotFound and Precondition
// mean that it can never succeed: the effect is kept as failed, for a person. Any other error is tried again, first after
// 200 ms, then twice as long each time up to a minute.
func (q *Queue) Handle(kind string, fn func(ctx context.Context, e Effect) error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.handlers[kind] = fn
}

// Add stores an effect with the unit that decides it. Adding the same one again changes nothing.
func (q *Queue) Add(tx *store.Tx, e Effect) error {
	ctx := tx.Context()
	var one int
	err := tx.QueryRowContext(ctx, "SELECT 1 FROM kit_effect WHERE bucket = ? AND kind = ? AND id = ?", e.Bucket, e.Kind, e.ID).Scan(&one)
	if err == nil {
		return nil
	}
	if !errors.Is(err, sql.ErrNoRows) {
		return errs.Wrap(err, "looking up an effect")
	}
	body := e.Body
	if body == nil {
		body = []byte{}
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO kit_effect (bucket, kind, id, body, state, not_before_ms, retry_ms, claimed_ms, claimed_by, fence, tries, reason, version, traceparent, added_ms)
		VALUES (?, ?, ?, ?, 0, ?, 0, 0, '', 0, 0, '', 1, ?, ?)`, e.Bucket, e.Kind, e.ID, body, millis(e.NotBefore), telemetry.TraceParent(ctx), q.clk.Now().UnixMilli())
	return errs.Wrap(err, "storing an effect")
}

func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// again is not a failure: the handler wants to be called later.
type again struct{ at time.Time }

func (a again) Error() string { return "again at " + a.at.Format(time.RFC3339) }

// Again is returned by a handler that wants to be called again at an instant of business time. It is not a failure.
func (q *Queue) Again(at time.Time) error { return again{at: at} }

// Hold makes a handler's unit of work fail if its claim has gone to another worker meanwhile.
func (q *Queue) Hold(tx *store.Tx, e Effect) error {
	res, err := tx.ExecContext(tx.Context(), "UPDATE kit_effect SET version = version + 1 WHERE bucket = ? AND kind = ? AND id = ? AND state = 0 AND fence = ?",
		e.Bucket, e.Kind, e.ID, e.Fence)
	if err != nil {
		return errs.Wrap(err, "checking a claim")
	}
	n, err := res.RowsAffected()
	return store.One(n, err, errClaimLost)
}

var errClaimLost = errs.New(errs.Conflict, "job.claim_lost", "该任务已由其他进程接管。", "The effect was taken over by another worker.")

// Step carries out what is due, up to 16 effects at a time, and returns when nothing is due and none is running. Several
// processes may run it at once.
func (q *Queue) Step(ctx context.Context) (bool, error) {
	var workers sync.WaitGroup
	defer workers.Wait()
	finished := make(chan struct{}, workersMax)
	renew := clock.NewTicker(claimRenew)
	defer renew.Stop()
	running, worked := 0, false
	for ctx.Err() == nil {
		claimed, err := q.claim(ctx, workersMax-running)
		if err != nil {
			return worked, err
		}
		for _, e := range claimed {
			running++
			workers.Go(func() {
				q.carryOut(ctx, e)
				finished <- struct{}{}
			})
		}
		worked = worked || len(claimed) > 0
		if running == 0 {
			return worked, nil
		}
		running -= q.await(ctx, finished, renew.C, running)
	}
	return worked, nil
}

// await returns when a worker has finished, or when there may be more to claim for a free one. It answers how many have
// finished.
func (q *Queue) await(ctx context.Context, finished <-chan struct{}, renew <-chan time.Time, running int) (n int) {
	wake := q.wake
	if running == workersMax {
		wake = nil
	}
	select {
	case <-finished:
		n++
	case <-wake:
		_ = clock.Sleep(ctx, claimGap)
	case <-renew:
		_ = q.extend(ctx) // if it fails, the claims end and the fence decides
	}
	for {
		select {
		case <-finished:
			n++
		default:
			return n
		}
	}
}

func (q *Queue) carryOut(ctx context.Context, e Effect) {
	q.mu.Lock()
	fn := q.handlers[e.Kind]
	q.running[&e] = struct{}{}
	q.mu.Unlock()
	defer func() {
		q.mu.Lock()
		delete(q.running, &e)
		q.mu.Unlock()
	}()
	ctx = telemetry.WithTraceParent(ctx, e.traceparent)
	end := func(error) {}
	if trace.SpanContextFromContext(ctx).IsSampled() {
		ctx, end = telemetry.StartSpan(ctx, "effect "+e.Kind, attribute.Int("hengdai.tries", e.Tries))
	}
	err := call(ctx, fn, e)
	defer end(failure(err))
	// The outcome is stored even if the process is draining. If it cannot be, the claim ends and the effect runs again.
	out := q.outcome(ctx, e, err)
	if out.state == stateFailed {
		telemetry.Logger(ctx).ErrorContext(ctx, "an effect failed for good and waits for a person", "kind", e.Kind, "id", e.ID, "reason", out.reason, "error", err)
	}
	_ = q.store(context.WithoutCancel(ctx), e, out)
}

// failure is err, if the handler did not merely ask to be called later.
func failure(err error) error {
	if errors.As(err, new(again)) {
		return nil
	}
	return err
}

func call(ctx context.Context, fn func(context.Context, Effect) error, e Effect) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = errPanicked.Because(fmt.Errorf("panic: %v", v))
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, handlerTime)
	defer cancel()
	return fn(ctx, e)
}
