package acceptance

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"time"
)

// phone is how one person reaches the lender: an own loopback address, an own connection, the session it holds.
type phone struct {
	base    string
	http    *http.Client
	session atomic.Pointer[string]
}

// addressesGiven counts the phones of all worlds, so that no two dial from one address.
var addressesGiven atomic.Uint32

func (w *world) newPhone() *phone {
	number := addressesGiven.Add(1)
	from := net.IPv4(127, 77, byte(number>>8), byte(number))
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: from}, Timeout: 5 * time.Second}
	p := &phone{base: "https://" + w.at.PublicHTTPS}
	p.http = &http.Client{
		Timeout: 30 * time.Second,
		Transport: &withSession{phone: p, next: &http.Transport{
			DialContext:         dialer.DialContext,
			TLSClientConfig:     &tls.Config{RootCAs: w.roots, MinVersion: tls.VersionTLS12},
			ForceAttemptHTTP2:   true,
			MaxIdleConnsPerHost: 1,
			IdleConnTimeout:     10 * time.Second,
		}},
	}
	return p
}

// withSession puts the session on each request.
type withSession struct {
	phone *phone
	next  http.RoundTripper
}

func (a *withSession) RoundTrip(req *http.Request) (*http.Response, error) {
	if token := a.phone.session.Load(); token != nil {
		req = req.Clone(req.Context())
		req.Header.Set("Authorization", "Bearer "+*token)
	}
	return a.next.RoundTrip(req)
}

// call is one plain REST request.
type call struct {
	method, path string
	// body is sent as it is if it is text or bytes, as JSON otherwise; nil sends none.
	body     any
	language string
	header   map[string]string
}

// answer is what came back.
type answer struct {
	status  int
	header  http.Header
	body    []byte
	problem problem
}

// problem is an error as REST tells it.
type problem struct {
	Code, Reason, Field, Message string
	TraceID                      string `json:"traceId"`
}

// try makes a call; an error means that no answer came.
func (p *phone) try(c call) (answer, error) {
	var body io.Reader = http.NoBody
	switch b := c.body.(type) {
	case nil:
	case string:
		body = bytes.NewReader([]byte(b))
	case []byte:
		body = bytes.NewReader(b)
	default:
		text, err := json.Marshal(b)
		if err != nil {
			return answer{}, err
		}
		body = bytes.NewReader(text)
	}
	req, err := http.NewRequest(c.method, p.base+c.path, body)
	if err != nil {
		return answer{}, err
	}
	if c.body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.language != "" {
		req.Header.Set("Accept-Language", c.language)
	}
	for name, value := range c.header {
		req.Header.Set(name, value)
	}
	res, err := p.http.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = res.Body.Close() }()
	got := answer{status: res.StatusCode, header: res.Header}
	if got.body, err = io.ReadAll(res.Body); err != nil {
		return answer{}, err
	}
	if got.status >= http.StatusBadRequest {
		_ = json.Unmarshal(got.body, &got.problem) // what cannot be read shows as an empty problem
	}
	return got, nil
}

// rest makes a call that must be answered.
func (p *phone) rest(t testing.TB, c call) answer {
	t.Helper()
	got, err := p.try(c)
	if err != nil {
		t.Fatalf("%s %s: %v", c.method, c.path, err)
	}
	return got
}
