package channel

import (
	"container/heap"
	"context"
	"sync"
	"time"

	"github.com/hengdai/hengdai/kit/clock"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/sandbox/party"
)

const (
	finishBatch = 100
	// poll is how soon the loop sees that the sandbox clock was moved.
	poll = 50 * time.Millisecond
)

// Run finishes the orders that were accepted for later, as they fall due on the sandbox clock.
func (c *Channel) Run(ctx context.Context) {
	for ctx.Err() == nil {
		now := c.desk.Clock.Now().UnixMilli()
		due, wait := c.open.take(now, finishBatch)
		if len(due) > 0 {
			err := c.finish(ctx, due)
			c.open.done(len(due))
			if err != nil {
				c.desk.Logger.WarnContext(ctx, "sandbox: finishing orders", "party", c.terms.Party, "error", err)
				for _, t := range due {
					c.open.push(t)
				}
				_ = clock.Sleep(ctx, poll)
			}
			continue
		}
		timer := clock.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-c.open.wake:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// finish makes a batch of orders final in one unit of work. One that is final already is left alone.
func (c *Channel) finish(ctx context.Context, due []Trade) error {
	ctx = context.WithoutCancel(ctx)
	told := make([]party.Hits, len(due))
	for i, t := range due {
		var err error
		if told[i], err = c.desk.Faults.Meet(ctx, c.terms.Party, "callback", t.RequestNo); err != nil {
			return err
		}
	}
	return c.desk.DB.Write(ctx, func(tx *store.Tx) error {
		for i := range due {
			t, _, err := c.find(ctx, tx, due[i].MerchantID, due[i].RequestNo, due[i].SentAt)
			if err != nil {
				return err
			}
			if t.Final() {
				continue
			}
			if err := c.settle(ctx, tx, &t, told[i]); err != nil {
				return err
			}
			if _, err := tx.ExecContext(ctx, `UPDATE trade SET state = ?, reason = ?, fee_minor = ?, finished_ms = ?, settled_on = ?
				WHERE party = ? AND merchant_id = ? AND request_no = ? AND sent_at = ?`, t.State, t.Reason, t.FeeMinor, t.FinishedMS,
				t.SettledOn, c.terms.Party, t.MerchantID, t.RequestNo, t.SentAt); err != nil {
				return err
			}
		}
		return nil
	})
}

// Pending counts the orders that fall due within a time from now on the sandbox clock, and those due later.
func (c *Channel) Pending(within time.Duration) (soon, later int) {
	return c.open.count(c.desk.Clock.Now().Add(within).UnixMilli())
}

// openTrades holds the unfinished orders by due time.
type openTrades struct {
	mu     sync.Mutex
	queue  tradeQueue
	flying int
	wake   chan struct{}
}

func newOpenTrades() *openTrades { return &openTrades{wake: make(chan struct{}, 1)} }

func (o *openTrades) push(t Trade) {
	o.mu.Lock()
	heap.Push(&o.queue, t)
	o.mu.Unlock()
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

func (o *openTrades) take(nowMS int64, most int) (due []Trade, wait time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for len(o.queue) > 0 && len(due) < most && o.queue[0].DueMS <= nowMS {
		due = append(due, heap.Pop(&o.queue).(Trade)) //nolint:forcetypeassert // the queue holds nothing else
	}
	o.flying += len(due)
	if len(o.queue) == 0 {
		return due, time.Hour
	}
	return due, min(max(time.Duration(o.queue[0].DueMS-nowMS)*time.Millisecond, time.Millisecond), poll)
}

func (o *openTrades) done(n int) {
	o.mu.Lock()
	o.flying -= n
	o.mu.Unlock()
}

func (o *openTrades) count(limitMS int64) (soon, later int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	soon = o.flying
	for _, t := range o.queue {
		if t.DueMS <= limitMS {
			soon++
		} else {
			later++
		}
	}
	return soon, later
}

// tradeQueue is a heap by due time.
type tradeQueue []Trade

func (q tradeQueue) Len() int           { return len(q) }
func (q tradeQueue) Less(i, j int) bool { return q[i].DueMS < q[j].DueMS }
func (q tradeQueue) Swap(i, j int)      { q[i], q[j] = q[j], q[i] }
func (q *tradeQueue) Push(x any)        { *q = append(*q, x.(Trade)) } //nolint:forcetypeassert // only trades are pushed
func (q *tradeQueue) Pop() any {
	old := *q
	last := old[len(old)-1]
	*q = old[:len(old)-1]
	return last
}
