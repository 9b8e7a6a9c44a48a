package rpc

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

// Local calls a handler of this process as if it were behind a socket: the handler gets headers, body, deadline and
// cancellation, and nothing else of the caller's context. It runs on the caller's goroutine. A panic becomes an
// internal error and an answer over the limit an error, as over the network.
func Local(handler http.Handler) *LocalTransport { return &LocalTransport{handler: handler} }

// LocalTransport is an http.RoundTripper and a connect.HTTPClient.
type LocalTransport struct{ handler http.Handler }

const maxAnswer = 32 << 20

// Do makes one request.
func (t *LocalTransport) Do(req *http.Request) (*http.Response, error) { return t.RoundTrip(req) }

// RoundTrip makes one request.
func (t *LocalTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx := req.Context()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	inner, cancel := context.WithCancel(bare{ctx})
	defer cancel() // a server's context ends with the request
	served := (&http.Request{
		Method: req.Method, URL: req.URL, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: req.Header.Clone(), Body: req.Body, ContentLength: req.ContentLength, Host: req.URL.Host, RemoteAddr: "127.0.0.1:0",
	}).WithContext(inner)
	if served.Body == nil {
		served.Body = http.NoBody
	}
	defer func() { _ = served.Body.Close() }() // it is a buffer of the caller
	rec := &recorder{header: make(http.Header), code: http.StatusOK}
	t.serve(rec, served)
	if err := ctx.Err(); err != nil {
		return nil, err // over the network the caller would not have waited for the answer either
	}
	if rec.over {
		return nil, fmt.Errorf("answer to %s is larger than %d bytes", req.URL.Path, maxAnswer)
	}
	return &http.Response{
		StatusCode: rec.code, Status: strconv.Itoa(rec.code) + " " + http.StatusText(rec.code), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: rec.header, Body: io.NopCloser(&rec.body), ContentLength: int64(rec.body.Len()), Request: req,
	}, nil
}

func (t *LocalTransport) serve(rec *recorder, req *http.Request) {
	defer func() {
		if r := recover(); r != nil {
			*rec = recorder{header: make(http.Header), code: http.StatusInternalServerError}
		}
	}()
	t.handler.ServeHTTP(rec, req)
}

// recorder keeps an answer.
type recorder struct {
	header http.Header
	body   bytes.Buffer
	code   int
	wrote  bool
	over   bool
}

func (r *recorder) Header() http.Header { return r.header }

func (r *recorder) Write(p []byte) (int, error) {
	r.wrote = true
	if r.over = r.over || r.body.Len()+len(p) > maxAnswer; r.over {
		return 0, http.ErrContentLength
	}
	return r.body.Write(p)
}

func (r *recorder) WriteHeader(code int) {
	if !r.wrote {
		r.code, r.wrote = code, true
	}
}

// Flush does nothing: the whole answer is kept.
func (r *recorder) Flush() {}

// bare passes the end of a context and none of its values.
type bare struct{ outer context.Context }

func (b bare) Deadline() (time.Time, bool) { return b.outer.Deadline() }
func (b bare) Done() <-chan struct{}       { return b.outer.Done() }
func (b bare) Err() error                  { return b.outer.Err() }
func (b bare) Value(any) any               { return nil }

// AfterFunc spares the standard library a goroutine for every context made from this one.
func (b bare) AfterFunc(f func()) (stop func() bool) { return context.AfterFunc(b.outer, f) }
