package loan

import (
	"context"
	"sync"
	"time"

	"github.com/hengdai/hengdai/kit/clock"
)

// waiters wakes requests that wait for an application to move. A commit of this process wakes at once; a move made by
// another process is seen by looking again now and then.
type waiters struct {
	mu   sync.Mutex
	open map[int64][]chan struct{}
}

const lookAgain = 200 * time.Millisecond

// tell wakes all that wait for the id.
func (w *waiters) tell(id int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, ch := range w.open[id] {
		close(ch)
	}
	delete(w.open, id)
}

func (w *waiters) enter(id int64) chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.open == nil {
		w.open = map[int64][]chan struct{}{}
	}
	ch := make(chan struct{})
	w.open[id] = append(w.open[id], ch)
	return ch
}

func (w *waiters) leave(id int64, ch chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	kept := w.open[id][:0]
	for _, c := range w.open[id] {
		if c != ch {
			kept = append(kept, c)
		}
	}
	if len(kept) == 0 {
		delete(w.open, id)
		return
	}
	w.open[id] = kept
}

// until looks, and looks again when told, until done answers true, it fails, limit has passed or ctx ends. Running out of
// time is no error.
func (w *waiters) until(ctx context.Context, id int64, limit time.Duration, done func() (bool, error)) error {
	end := clock.Real().Add(limit)
	for {
		ch := w.enter(id)
		ok, err := done()
		left := end.Sub(clock.Real())
		if ok || err != nil || left <= 0 || ctx.Err() != nil {
			w.leave(id, ch)
			return err
		}
		timer := clock.NewTimer(min(left, lookAgain))
		select {
		case <-ch:
		case <-timer.C:
			w.leave(id, ch)
		case <-ctx.Done():
			w.leave(id, ch)
		}
		timer.Stop()
	}
}
