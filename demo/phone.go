package demo

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/hengdai/hengdai/kit/clock"
)

// phone is how one person reaches the lender: an own loopback address, an own connection, the session it holds.
type phone struct {
	http    *http.Client
	session atomic.Pointer[string]
}

// newPhone dials from 127.x.y.z, so that the gateway's limits by address see as many addresses as there are people.
func newPhone(number int, roots *x509.CertPool) *phone {
	from := net.IPv4(127, byte(1+number>>16), byte(number>>8), byte(number))
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: from}, Timeout: 10 * time.Second}
	p := &phone{}
	p.http = &http.Client{
		Timeout: 30 * time.Second,
		Transport: &authorised{phone: p, next: &http.Transport{
			DialContext:         dialer.DialContext,
			TLSClientConfig:     &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
			ForceAttemptHTTP2:   true,
			MaxIdleConnsPerHost: 1,
			IdleConnTimeout:     20 * time.Second,
		}},
	}
	return p
}

func (p *phone) signIn(token string) { p.session.Store(&token) }

// authorised puts the session on each request.
type authorised struct {
	phone *phone
	next  http.RoundTripper
}

func (a *authorised) RoundTrip(req *http.Request) (*http.Response, error) {
	if token := a.phone.session.Load(); token != nil {
		req = req.Clone(req.Context())
		req.Header.Set("Authorization", "Bearer "+*token)
	}
	return a.next.RoundTrip(req)
}

// CloseIdleConnections lets http.Client reach the transport below.
func (a *authorised) CloseIdleConnections() {
	if closer, ok := a.next.(interface{ CloseIdleConnections() }); ok {
		closer.CloseIdleConnections()
	}
}

// until asks again, at short and growing distances, until done or the time is over.
func until(ctx context.Context, what string, limit time.Duration, done func() (bool, error)) error {
	limit *= time.Duration(patienceOf(ctx))
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for wait := 2 * time.Millisecond; ; wait = min(2*wait, 250*time.Millisecond) {
		ok, err := done()
		if ok {
			return nil
		}
		if clock.Sleep(ctx, wait) != nil {
			if err != nil {
				return fmt.Errorf("%s, waited %s: %w", what, limit, err)
			}
			return fmt.Errorf("%s, waited %s", what, limit)
		}
	}
}
