package gateway

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/failsafe-go/failsafe-go/adaptivelimiter"
	"github.com/failsafe-go/failsafe-go/circuitbreaker"

	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/rpc"
)

// peers protects the services, and everybody else from one that is slow or dead.
type peers struct {
	directory *rpc.Directory
	limiter   adaptivelimiter.AdaptiveLimiter[any]
	breakers  map[string]circuitbreaker.CircuitBreaker[any]
}

// A breaker opens when half of the last twenty calls found nobody, and tries again after a moment.
const (
	breakerFailures = 10
	breakerCalls    = 20
	breakerRest     = time.Second
	breakerProbes   = 2
	leastConcurrent = 64 // the limiter never goes below
)

func newPeers(d Deps) *peers {
	most := uint(max(1, d.Limits.Concurrent))
	least := min(leastConcurrent, most)
	p := &peers{
		directory: d.Directory,
		limiter:   adaptivelimiter.NewBuilder[any]().WithLimits(least, most, most).WithMaxLimitFactor(float64(most)).Build(),
		breakers:  map[string]circuitbreaker.CircuitBreaker[any]{},
	}
	add := func(name string) {
		if p.breakers[name] == nil {
			p.breakers[name] = circuitbreaker.NewBuilder[any]().WithFailureThresholdRatio(breakerFailures, breakerCalls).
				WithSuccessThreshold(breakerProbes).WithDelay(breakerRest).Build()
		}
	}
	for _, name := range d.Exposed {
		add(peerOf(name))
	}
	for _, c := range d.Callbacks {
		add(c.Service)
	}
	return p
}

// do makes a call, if the peer's breaker is closed and there is room. The gateway's own API is always asked: it has
// nothing to protect, and travelling takes seconds.
func (p *peers) do(peer string, req *http.Request) (*http.Response, *errs.Error) {
	if peer == rpc.Edge {
		resp, err := p.directory.Transport(peer).Do(req)
		if err != nil {
			return nil, whyNot(req, err)
		}
		return resp, nil
	}
	breaker := p.breakers[peer]
	if breaker == nil || !breaker.TryAcquirePermit() {
		return nil, errPeerOpen
	}
	permit, ok := p.limiter.TryAcquirePermit()
	if !ok {
		breaker.RecordSuccess() // it gave no reason to doubt it
		return nil, errOverload
	}
	resp, err := p.directory.Transport(peer).Do(req)
	switch {
	case err != nil && errors.Is(req.Context().Err(), context.Canceled): // the caller went away: it says nothing of the peer
		permit.Drop()
		breaker.RecordSuccess()
		return nil, rpc.ErrCanceled
	case err != nil:
		permit.Record()
		breaker.RecordFailure()
		return nil, whyNot(req, err)
	}
	permit.Record()
	if resp.StatusCode == http.StatusBadGateway || resp.StatusCode == http.StatusServiceUnavailable || resp.StatusCode == http.StatusGatewayTimeout {
		breaker.RecordFailure()
	} else {
		breaker.RecordSuccess()
	}
	return resp, nil
}

func whyNot(req *http.Request, err error) *errs.Error {
	if errors.Is(req.Context().Err(), context.DeadlineExceeded) {
		return rpc.ErrDeadline.Because(err)
	}
	return errPeerOpen.Because(err)
}
