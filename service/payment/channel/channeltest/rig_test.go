package channeltest

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hengdai/hengdai/domain/payment"
	"github.com/hengdai/hengdai/kit/clock"
	"github.com/hengdai/hengdai/kit/secret"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/sandbox"
	"github.com/hengdai/hengdai/sandbox/party"
	"github.com/hengdai/hengdai/sandbox/people"
	"github.com/hengdai/hengdai/service/payment/channel"
	"github.com/hengdai/hengdai/service/payment/channel/all"
)

const rich = 10_000_00

// rig is one channel with its party's server, a wire between them that can change answers, and a door for callbacks.
type rig struct {
	t    *testing.T
	name string
	ch   channel.Channel
	box  string
	ask  struct{ submit, query string } // the sandbox's names of the calls

	change atomic.Pointer[func(status int, header http.Header, body []byte) (int, []byte)]
	next   atomic.Int64

	mu      sync.Mutex
	notices []channel.Received

	poor, payee people.Person
	ahead       *clock.Offset
}

// each runs a test on every channel of the table.
func each(t *testing.T, fn func(r *rig)) {
	for _, e := range all.Table {
		t.Run(e.Name, func(t *testing.T) {
			t.Parallel()
			fn(start(t, e))
		})
	}
}

func start(t *testing.T, e all.Entry) *rig {
	t.Helper()
	r := &rig{t: t, name: e.Name, ahead: &clock.Offset{}}
	r.ask.submit, r.ask.query = "pay", "query"
	if e.Name == "beta" {
		r.ask.submit = "trans"
	}
	door := httptest.NewServer(http.HandlerFunc(r.hear))
	t.Cleanup(door.Close)
	keys := filepath.Join(t.TempDir(), "keys")
	r.startBox(keys, door.URL)
	wire := httptest.NewServer(http.HandlerFunc(r.pass))
	t.Cleanup(wire.Close)
	ch, err := e.New(channel.Config{
		Channel: e.Name, BaseURL: wire.URL + "/" + e.Name + "/", MerchantID: "M1", NotifyURL: door.URL + "/callbacks/payment/" + e.Name,
		KeysDir: keys, Timeout: time.Second,
	})
	r.must(err)
	r.ch = ch
	r.next.Store(time.Now().UnixNano())
	return r
}

func (r *rig) startBox(keys, door string) {
	ctx, cancel := context.WithCancel(context.Background())
	db, err := store.Open(ctx, store.Config{Engine: store.SQLite, Path: filepath.Join(r.t.TempDir(), "sandbox.db")}, sandbox.Schema())
	r.must(err)
	none := int64(0)
	box, err := sandbox.New(ctx, sandbox.Deps{
		DB: db, Clock: clock.New(r.ahead), Offset: r.ahead, KeysDir: keys, CallbackBase: door, Logger: slog.New(slog.DiscardHandler), Latency: &party.Latency{},
		AlphaLaterPPM: &none,
	})
	r.must(err)
	server := httptest.NewServer(box.Handler())
	r.box = server.URL
	done := make(chan struct{})
	go func() { defer close(done); _ = box.Run(ctx) }()
	r.t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
		cancel()
		<-done
		_ = box.Close()
	})
	crowd := people.Generate(23, 2, people.Options{BalanceMinor: rich})
	r.payee, r.poor = crowd[0], crowd[1]
	r.control("/control/people", map[string]any{"people": crowd})
}

func (r *rig) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) control(path string, body any) {
	r.t.Helper()
	raw, err := json.Marshal(body)
	r.must(err)
	res, err := http.Post(r.box+path, "application/json", bytes.NewReader(raw))
	r.must(err)
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(res.Body)
		r.t.Fatalf("%s answers %d: %s", path, res.StatusCode, text)
	}
}

func (r *rig) fault(op, kind string, more map[string]any) {
	r.t.Helper()
	rule := map[string]any{"party": r.name, "op": op, "kind": kind, "count": 1}
	for k, v := range more {
		rule[k] = v
	}
	r.control("/control/faults", rule)
}

// pass is the wire: it forwards, and changes answers on their way back if it was told to.
func (r *rig) pass(w http.ResponseWriter, req *http.Request) {
	out, err := http.NewRequestWithContext(req.Context(), req.Method, r.box+req.URL.Path, req.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	out.Header = req.Header.Clone()
	res, err := http.DefaultTransport.RoundTrip(out)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	status := res.StatusCode
	for k, v := range res.Header {
		if k != "Content-Length" {
			w.Header()[k] = v
		}
	}
	if change := r.change.Load(); change != nil {
		status, body = (*change)(status, w.Header(), body)
	}
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

// between changes answers while work runs.
func (r *rig) between(change func(status int, header http.Header, body []byte) (int, []byte), work func()) {
	r.change.Store(&change)
	defer r.change.Store(nil)
	work()
}

func (r *rig) hear(w http.ResponseWriter, req *http.Request) {
	body, _ := io.ReadAll(req.Body)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.notices = append(r.notices, channel.Received{Method: req.Method, Path: req.URL.Path, Header: req.Header.Clone(), Body: body})
	_, _ = io.WriteString(w, "ok")
}

// notice waits for the callback about an order.
func (r *rig) notice(requestNo string) channel.Received {
	r.t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for {
		r.mu.Lock()
		for _, n := range r.notices {
			if bytes.Contains(n.Body, []byte(requestNo)) {
				r.mu.Unlock()
				return n
			}
		}
		r.mu.Unlock()
		if time.Now().After(deadline) {
			r.t.Fatal("no callback came")
		}
		time.Sleep(2 * time.Millisecond)
	}
}

func (r *rig) order(who people.Person, kind payment.Kind, amount int64) channel.Order {
	return channel.Order{
		Ref: channel.Ref{RequestNo: strconv.FormatInt(r.next.Add(1), 10), Kind: kind, AmountMinor: amount, RequestedAt: time.Now()}, Currency: "CNY",
		CardNo: secret.New(who.Cards[0].CardNo), Name: secret.New(who.Name), Mobile: secret.New(who.Mobile),
	}
}

func (r *rig) verdict(kind payment.Kind, reply channel.Reply) payment.Outcome {
	return payment.Classify(r.ch.Profile().Codes, kind, reply.Answer)
}

// end submits and, if the channel only accepted, queries until it knows the end.
func (r *rig) end(o channel.Order) payment.Outcome {
	r.t.Helper()
	reply, err := r.ch.Submit(context.Background(), o)
	r.must(err)
	deadline := time.Now().Add(10 * time.Second)
	for r.verdict(o.Kind, reply).Verdict == payment.InProgress {
		if time.Now().After(deadline) {
			r.t.Fatal("the order does not end")
		}
		reply, err = r.ch.Query(context.Background(), o.Ref)
		r.must(err)
		time.Sleep(2 * time.Millisecond)
	}
	return r.verdict(o.Kind, reply)
}

// moved counts what the channel did under a number.
func (r *rig) moved(requestNo string) int {
	r.t.Helper()
	res, err := http.Get(r.box + "/control/journal?party=" + r.name)
	r.must(err)
	defer func() { _ = res.Body.Close() }()
	var got struct {
		Rows []struct {
			RequestNo string `json:"request_no"`
			Status    string `json:"status"`
		} `json:"rows"`
	}
	r.must(json.NewDecoder(res.Body).Decode(&got))
	n := 0
	for _, row := range got.Rows {
		if row.RequestNo == requestNo && row.Status == "SUCCESS" {
			n++
		}
	}
	return n
}
