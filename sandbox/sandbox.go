package sandbox

import (
	"context"
	"html/template"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/hengdai/hengdai/kit/clock"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/keys"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/sandbox/channel"
	"github.com/hengdai/hengdai/sandbox/channel/alpha"
	"github.com/hengdai/hengdai/sandbox/channel/beta"
	"github.com/hengdai/hengdai/sandbox/identity"
	"github.com/hengdai/hengdai/sandbox/party"
	"github.com/hengdai/hengdai/sandbox/sms"
)

// Deps is what the sandbox needs.
type Deps struct {
	// DB is opened with Schema, on SQLite.
	DB *store.DB
	// Clock is the sandbox clock. Offset is what it is made of; nil: POST /control/advance is refused.
	Clock  clock.Clock
	Offset *clock.Offset
	// KeysDir holds the keys of both sides; those that are missing are made (party-<party>, merchant-<party>).
	KeysDir string
	// CallbackBase is where callbacks without a host go: the gateway's address, for example http://127.0.0.1:8080.
	CallbackBase string
	Logger       *slog.Logger

	// What follows may be left out.

	// Latency of every party; nil: 2 to 15 ms.
	Latency *party.Latency
	// HTTPClient sends callbacks; nil: a plain one that follows no redirects.
	HTTPClient *http.Client
	// Seed decides which orders alpha finishes later, and how much later.
	Seed int64
	// AlphaLaterPPM of alpha's orders are answered PROCESSING; nil: one in ten.
	AlphaLaterPPM *int64
	// OnAdvance is told when the control surface moved the clock, so that a process that shares the offset can wake.
	OnAdvance func()
}

// Sandbox is all parties.
type Sandbox struct {
	deps    Deps
	desk    *party.Desk
	alpha   *alpha.Alpha
	beta    *beta.Beta
	sms     *sms.Provider
	pages   *template.Template
	handler http.Handler
}

// Schema is the sandbox's own tables. There is only an SQLite form of them.
func Schema() store.Schema { return party.Schema() }

const (
	limitMinor    = 500_000_00
	merchantMinor = 10_000_000_000_00
	// restSoon: what falls due later than this does not keep the sandbox from being at rest.
	restSoon = 10 * time.Second
)

// New opens the sandbox where a former run left it. Serve Handler and call Run.
func New(ctx context.Context, d Deps) (*Sandbox, error) {
	if d.Latency == nil {
		d.Latency = &party.Latency{MinMS: 2, MaxMS: 15}
	}
	if d.AlphaLaterPPM == nil {
		tenth := int64(100_000)
		d.AlphaLaterPPM = &tenth
	}
	if d.HTTPClient == nil {
		d.HTTPClient = &http.Client{
			Transport:     &http.Transport{MaxIdleConnsPerHost: 16, IdleConnTimeout: time.Minute},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}
	}
	s := &Sandbox{deps: d}
	var err error
	if s.pages, err = readPages(); err != nil {
		return nil, errs.Wrap(err, "reading the pages")
	}
	if s.desk, err = party.Open(ctx, party.Config{DB: d.DB, Clock: d.Clock, Logger: d.Logger, Latency: *d.Latency,
		CallbackBase: d.CallbackBase, HTTPClient: d.HTTPClient}); err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	if err := s.mountJSON(ctx, mux); err != nil {
		return nil, err
	}
	if err := s.mountBeta(ctx, mux); err != nil {
		return nil, err
	}
	s.mountControl(mux)
	s.mountPages(mux)
	s.handler = mux
	d.DB.Watch("sandbox", func(context.Context) (bool, error) { return s.Idle(restSoon).Idle, nil })
	return s, nil
}

// mountJSON mounts the parties that speak JSON under Ed25519.
func (s *Sandbox) mountJSON(ctx context.Context, mux *http.ServeMux) error {
	for _, name := range []string{identity.Name, sms.Name, alpha.Name} {
		private, err := keys.Ed25519(s.deps.KeysDir, "party-"+name, true)
		if err != nil {
			return errs.Wrap(err, "key of "+name)
		}
		if _, err := keys.Ed25519(s.deps.KeysDir, "merchant-"+name, true); err != nil {
			return errs.Wrap(err, "our key at "+name)
		}
		merchant, err := keys.PublicEd25519(s.deps.KeysDir, "merchant-"+name)
		if err != nil {
			return errs.Wrap(err, "our public key at "+name)
		}
		var h http.Handler
		switch name {
		case identity.Name:
			h = identity.New(s.desk, private, merchant)
		case sms.Name:
			s.sms, h = sms.New(s.desk, private, merchant)
		case alpha.Name:
			terms := s.terms(*s.deps.AlphaLaterPPM)
			if s.alpha, h, err = alpha.New(ctx, s.desk, terms, private, merchant); err != nil {
				return errs.Wrap(err, "opening alpha")
			}
		}
		mux.Handle("/"+name+"/", h)
	}
	return nil
}

func (s *Sandbox) mountBeta(ctx context.Context, mux *http.ServeMux) error {
	private, err := keys.RSA(s.deps.KeysDir, "party-"+beta.Name, true)
	if err != nil {
		return errs.Wrap(err, "key of beta")
	}
	if _, err := keys.RSA(s.deps.KeysDir, "merchant-"+beta.Name, true); err != nil {
		return errs.Wrap(err, "our key at beta")
	}
	merchant, err := keys.PublicRSA(s.deps.KeysDir, "merchant-"+beta.Name)
	if err != nil {
		return errs.Wrap(err, "our public key at beta")
	}
	var h http.Handler
	if s.beta, h, err = beta.New(ctx, s.desk, s.terms(0), private, merchant); err != nil {
		return errs.Wrap(err, "opening beta")
	}
	mux.Handle("/"+beta.Name+"/", h)
	return nil
}

func (s *Sandbox) terms(laterPPM int64) channel.Terms {
	return channel.Terms{LimitMinor: limitMinor, LaterPPM: laterPPM, Seed: s.deps.Seed, MinDelay: 5 * time.Millisecond,
		MaxDelay: 50 * time.Millisecond, MerchantMinor: merchantMinor}
}

// Handler serves every party, the pages and the control surface. Pages and control answer on loopback only.
func (s *Sandbox) Handler() http.Handler { return s.handler }

// Run finishes orders and delivers callbacks until the context ends. What is unfinished then goes on at the next start.
func (s *Sandbox) Run(ctx context.Context) error {
	var work sync.WaitGroup
	work.Go(func() { s.alpha.Run(ctx) })
	work.Go(func() { s.beta.Run(ctx) })
	work.Go(func() { s.desk.Run(ctx) })
	work.Wait()
	return nil
}

// Close has nothing to do but close the store: everything was stored when it was answered.
func (s *Sandbox) Close() error { return s.deps.DB.Close() }

// Idle reports whether nothing falls due within a time from now: no order to finish, no callback to deliver.
func (s *Sandbox) Idle(within time.Duration) Idle {
	var i Idle
	for _, c := range []*channel.Channel{s.alpha.Channel, s.beta.Channel} {
		soon, later := c.Pending(within)
		i.Processing += soon
		i.Later += later
	}
	soon, later := s.desk.Callbacks.Pending(within)
	i.Callbacks = soon
	i.Later += later
	i.Idle = i.Processing == 0 && i.Callbacks == 0
	return i
}

// Idle is what is still to be done.
type Idle struct {
	Idle       bool `json:"idle"`
	Processing int  `json:"processing"`
	Callbacks  int  `json:"callbacks"`
	// Later counts what falls due after the asked time: retries, orders that a fault delays.
	Later int `json:"later"`
}
