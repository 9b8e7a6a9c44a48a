package world

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/hengdai/hengdai/kit/clock"
	"github.com/hengdai/hengdai/kit/config"
)

// Services are all that can be killed, in the order in which they start.
var Services = config.Services

// World is one running system.
type World struct {
	// Dir holds a data folder, a configuration and a log for each process.
	Dir   string
	Roots *x509.CertPool

	program   string
	databases databases
	at        addresses

	mu      sync.Mutex
	running map[string]*process
}

// Start makes a world in a new folder and answers when it is open for business. program is a built binary; dsn is the
// address of a MariaDB server, or empty for SQLite files.
func Start(ctx context.Context, dir, program, dsn string) (*World, error) {
	w := &World{Dir: dir, program: program, running: map[string]*process{}}
	var err error
	if w.databases, err = open(ctx, dir, dsn); err != nil {
		return nil, err
	}
	if err := w.start(ctx); err != nil {
		return nil, errors.Join(err, w.Close(context.WithoutCancel(ctx)))
	}
	return w, nil
}

func (w *World) start(ctx context.Context) error {
	var err error
	if w.at, err = freeAddresses(ctx); err != nil {
		return err
	}
	all := append([]string{config.Outside}, Services...)
	for _, name := range all {
		if err := w.configure(name); err != nil {
			return err
		}
	}
	if err := w.databases.migrate(ctx, w); err != nil {
		return err
	}
	for _, name := range all {
		if err := w.launch(name); err != nil {
			return err
		}
	}
	return w.waitUntilOpen(ctx)
}

// waitUntilOpen answers when every process is ready, the entrance is trusted and the sandbox's staff is made.
func (w *World) waitUntilOpen(ctx context.Context) error {
	for _, name := range append([]string{config.Outside}, Services...) {
		if _, err := w.ready(ctx, name); err != nil {
			return err
		}
	}
	w.Roots = x509.NewCertPool()
	return until(ctx, "the entrance did not open", time.Minute, func() error {
		text, err := os.ReadFile(filepath.Join(w.Dir, "keys", "gateway-tls.crt"))
		if err == nil && !w.Roots.AppendCertsFromPEM(text) {
			err = errors.New("the certificate is damaged")
		}
		if err == nil {
			_, err = os.Stat(w.StaffFile())
		}
		return err
	})
}

// Base is the address of the entrance, Sandbox that of the parties' control surface.
func (w *World) Base() string { return "https://" + w.at.https }

// Sandbox is the address of the parties' control surface.
func (w *World) Sandbox() string { return "http://" + w.at.sandbox }

// StaffFile holds the sandbox's staff.
func (w *World) StaffFile() string { return filepath.Join(w.Dir, "user", "demo-staff.json") }

// Engine says where the rows of the services are: "sqlite" or "mysql".
func (w *World) Engine() string { return w.databases.engine() }

// Books answers where a service, or the sandbox, keeps its rows.
func (w *World) Books(service string) (engine, source string) {
	if service == config.Outside {
		return "sqlite", filepath.Join(w.Dir, service, service+".db")
	}
	return w.databases.engine(), w.databases.source(service)
}

// ready waits until a process says that it is, and answers how long that took.
func (w *World) ready(ctx context.Context, name string) (time.Duration, error) {
	from := clock.Real()
	client := &http.Client{Timeout: time.Second}
	err := until(ctx, name+" is not ready", time.Minute, func() error {
		if err := w.alive(name); err != nil {
			return errors.Join(errOver, err)
		}
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+w.at.ops[name]+"/readyz", http.NoBody)
		if err != nil {
			return err
		}
		res, err := client.Do(req)
		if err != nil {
			return err
		}
		if res.StatusCode != http.StatusOK {
			err = fmt.Errorf("status %s", res.Status)
		}
		return errors.Join(err, res.Body.Close())
	})
	return clock.Since(from), err
}

// addresses are where a world listens.
type addresses struct {
	http, https, sandbox string
	internal, ops        map[string]string
}

// freeAddresses finds ports that nobody listens on, all different.
func freeAddresses(ctx context.Context) (addresses, error) {
	var held []net.Listener
	defer func() {
		for _, l := range held {
			_ = l.Close()
		}
	}()
	var failed error
	free := func() string {
		l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
		if err != nil {
			failed = err
			return ""
		}
		held = append(held, l)
		return l.Addr().String()
	}
	at := addresses{http: free(), https: free(), sandbox: free(), internal: map[string]string{}, ops: map[string]string{}}
	for _, name := range slices.Concat(Services, []string{config.Outside}) {
		at.internal[name], at.ops[name] = free(), free()
	}
	return at, failed
}

// errOver says that waiting longer is of no use.
var errOver = errors.New("this will not change")

// until asks again, at short and growing distances, until it is so or the time is over.
func until(ctx context.Context, otherwise string, limit time.Duration, so func() error) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for wait := 2 * time.Millisecond; ; wait = min(2*wait, 50*time.Millisecond) {
		err := so()
		if err == nil {
			return nil
		}
		if errors.Is(err, errOver) || clock.Sleep(ctx, wait) != nil {
			return fmt.Errorf("%s: %w", otherwise, err)
		}
	}
}
