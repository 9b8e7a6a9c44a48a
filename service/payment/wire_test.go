package payment_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
)

// wire is what lies between payment and a channel. It can hold calls on their way there or answers on their way back.
type wire struct {
	url string
	to  string

	mu         sync.Mutex
	holdCall   chan struct{} // calls wait here and are then lost
	holdAnswer chan struct{} // answers wait here and are then lost
	held       int
}

func newWire(t testing.TB, to string) *wire {
	w := &wire{to: to}
	server := httptest.NewServer(w)
	w.url = server.URL
	t.Cleanup(func() {
		w.release()
		server.CloseClientConnections()
		server.Close()
	})
	return w
}

// ServeHTTP forwards a call and its answer, unless they are held.
func (w *wire) ServeHTTP(out http.ResponseWriter, req *http.Request) {
	body, _ := io.ReadAll(req.Body)
	w.mu.Lock()
	call, answer := w.holdCall, w.holdAnswer
	if call != nil {
		w.held++
	}
	w.mu.Unlock()
	if call != nil {
		<-call
		panic(http.ErrAbortHandler)
	}
	forward, err := http.NewRequestWithContext(req.Context(), req.Method, w.to+req.URL.Path, bytes.NewReader(body))
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	forward.Header = req.Header.Clone()
	res, err := http.DefaultTransport.RoundTrip(forward)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if answer != nil {
		w.mu.Lock()
		w.held++
		w.mu.Unlock()
		<-answer
		panic(http.ErrAbortHandler)
	}
	for k, v := range res.Header {
		out.Header()[k] = v
	}
	out.WriteHeader(res.StatusCode)
	_, _ = out.Write(text)
}

func (w *wire) hold(calls, answers bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.held = 0
	if calls {
		w.holdCall = make(chan struct{})
	}
	if answers {
		w.holdAnswer = make(chan struct{})
	}
}

// release lets what is held be lost and holds nothing more.
func (w *wire) release() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range []*chan struct{}{&w.holdCall, &w.holdAnswer} {
		if *c != nil {
			close(*c)
			*c = nil
		}
	}
}

func (w *wire) waiting() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.held
}
