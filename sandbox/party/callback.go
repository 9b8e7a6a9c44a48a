package party

import (
	"bytes"
	"container/heap"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/hengdai/hengdai/kit/clock"
	"github.com/hengdai/hengdai/kit/store"
)

// Callback is something a party has to tell us.
type Callback struct {
	ID        int64
	Party     string
	RequestNo string
	URL       string
	// Body is unsigned; it is signed anew at each try.
	Body []byte
	// Flaw makes it one that must not be believed: it is sent once, whatever the answer.
	Flaw Kind
	// Delay before the first try, in real time.
	Delay time.Duration

	tries int
	due   time.Time
}

// Dress finishes a callback's request: headers and signature. It answers the body to send.
type Dress func(r *http.Request, c Callback) []byte

const (
	callbackWorkers = 8
	pending         = "PENDING"
	told            = "TOLD"
)

// pauses between tries, in real time; the last one repeats until the answer is 200.
var pauses = []time.Duration{200 * time.Millisecond, 500 * time.Millisecond, time.Second, 2 * time.Second, 5 * time.Second,
	15 * time.Second, 30 * time.Second, time.Minute, 5 * time.Minute}

// Callbacks holds what is still to be told. The store has every row; memory has the pending ones in order.
type Callbacks struct {
	base   *url.URL
	client *http.Client

	mu     sync.Mutex
	dress  map[string]Dress
	queue  dueQueue
	flying int
	wake   chan struct{}
}

func openCallbacks(ctx context.Context, c Config) (*Callbacks, error) {
	base, err := url.Parse(c.CallbackBase)
	if err != nil || base.Host == "" {
		return nil, fmt.Errorf("the callback base %q is no URL", c.CallbackBase)
	}
	k := &Callbacks{base: base, client: c.HTTPClient, dress: map[string]Dress{}, wake: make(chan struct{}, 1)}
	rows, err := c.DB.Read().QueryContext(ctx, `SELECT id, party, request_no, url, body, flaw, tries, due_ms FROM callback WHERE state = ?`, pending)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var b Callback
		var due int64
		if err := rows.Scan(&b.ID, &b.Party, &b.RequestNo, &b.URL, &b.Body, &b.Flaw, &b.tries, &due); err != nil {
			return nil, err
		}
		b.due = time.UnixMilli(due)
		heap.Push(&k.queue, b)
	}
	return k, rows.Err()
}

// Dress says how a party's callbacks are signed. Each party calls it once when it is made.
func (k *Callbacks) Dress(party string, d Dress) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.dress[party] = d
}

// Add stores a callback in the transaction of what it tells; it leaves after the commit.
func (k *Callbacks) Add(ctx context.Context, tx *store.Tx, c Callback) error {
	c.due = clock.Real().Add(c.Delay)
	row := tx.QueryRowContext(ctx, `SELECT coalesce(max(id), 0) + 1 FROM callback`)
	if err := row.Scan(&c.ID); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, `INSERT INTO callback (id, party, request_no, url, body, flaw, state, tries, due_ms)
		VALUES (?, ?, ?, ?, ?, ?, ?, 0, ?)`, c.ID, c.Party, c.RequestNo, c.URL, c.Body, string(c.Flaw), pending, c.due.UnixMilli())
	if err != nil {
		return err
	}
	tx.AfterCommit(func() { k.push(c) })
	return nil
}

// longLate: a callback that is held back for so long by a fault is not waited for.
const longLate = time.Second

// Pending counts what is to be told within a time from now, and what is due later or comes too late on purpose.
func (k *Callbacks) Pending(within time.Duration) (soon, later int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	limit := clock.Real().Add(within)
	soon = k.flying
	for _, c := range k.queue {
		if c.due.After(limit) || (c.Delay >= longLate && c.tries == 0) {
			later++
		} else {
			soon++
		}
	}
	return soon, later
}

func (k *Callbacks) push(c Callback) {
	k.mu.Lock()
	heap.Push(&k.queue, c)
	k.mu.Unlock()
	select {
	case k.wake <- struct{}{}:
	default:
	}
}

// pop answers the next callback that is due, or how long to wait for one.
func (k *Callbacks) pop() (c Callback, ok bool, wait time.Duration) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.queue) == 0 {
		return c, false, time.Hour
	}
	if wait = k.queue[0].due.Sub(clock.Real()); wait > 0 {
		return c, false, wait
	}
	k.flying++
	return heap.Pop(&k.queue).(Callback), true, 0 //nolint:forcetypeassert // the queue holds nothing else
}

func (k *Callbacks) run(ctx context.Context, d *Desk) {
	var work sync.WaitGroup
	defer work.Wait()
	free := make(chan struct{}, callbackWorkers)
	for ctx.Err() == nil {
		c, ok, wait := k.pop()
		if !ok {
			timer := clock.NewTimer(wait)
			select {
			case <-ctx.Done():
			case <-k.wake:
			case <-timer.C:
			}
			timer.Stop()
			continue
		}
		free <- struct{}{}
		work.Go(func() {
			defer func() { <-free }()
			k.tell(ctx, d, c)
		})
	}
}

// tell tries once and stores how it went.
func (k *Callbacks) tell(ctx context.Context, d *Desk, c Callback) {
	err := k.post(ctx, c)
	c.tries++
	done := err == nil || c.Flaw != ""
	state := told
	if !done {
		state = pending
		c.due = clock.Real().Add(pauses[min(c.tries, len(pauses))-1])
		d.Logger.DebugContext(ctx, "sandbox: callback not taken", "party", c.Party, "tries", c.tries, "error", err)
	}
	keep := context.WithoutCancel(ctx)
	if err := d.DB.Write(keep, func(tx *store.Tx) error {
		_, err := tx.ExecContext(keep, `UPDATE callback SET state = ?, tries = ?, due_ms = ? WHERE id = ?`, state, c.tries, c.due.UnixMilli(), c.ID)
		return err
	}); err != nil {
		d.Logger.WarnContext(ctx, "sandbox: storing a callback's outcome", "error", err)
		done, c.due = false, clock.Real().Add(time.Second)
	}
	if !done {
		k.push(c)
	}
	k.mu.Lock()
	k.flying--
	k.mu.Unlock()
}

func (k *Callbacks) post(ctx context.Context, c Callback) error {
	to, err := k.target(c.URL)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to, http.NoBody)
	if err != nil {
		return err
	}
	k.mu.Lock()
	dress := k.dress[c.Party]
	k.mu.Unlock()
	if dress == nil {
		return fmt.Errorf("nobody signs for %s", c.Party)
	}
	body := dress(req, c)
	req.Body, req.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	resp, err := k.client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, MaxBody))
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("answered %d", resp.StatusCode)
	}
	return nil
}

// target resolves a notify URL: a path goes to the callback base, and a whole URL only there or to this machine.
func (k *Callbacks) target(raw string) (string, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return "", err
	}
	if u.Host == "" && strings.HasPrefix(u.Path, "/") {
		return strings.TrimSuffix(k.base.String(), "/") + u.Path, nil
	}
	ip := net.ParseIP(u.Hostname())
	if u.Host != k.base.Host && u.Hostname() != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return "", fmt.Errorf("callbacks go to %s or this machine only", k.base.Host)
	}
	return raw, nil
}

// dueQueue is a heap by due time.
type dueQueue []Callback

func (q dueQueue) Len() int           { return len(q) }
func (q dueQueue) Less(i, j int) bool { return q[i].due.Before(q[j].due) }
func (q dueQueue) Swap(i, j int)      { q[i], q[j] = q[j], q[i] }
func (q *dueQueue) Push(x any)        { *q = append(*q, x.(Callback)) } //nolint:forcetypeassert // only callbacks are pushed
func (q *dueQueue) Pop() any {
	old := *q
	last := old[len(old)-1]
	*q = old[:len(old)-1]
	return last
}
