package node

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/hengdai/hengdai/kit/clock"
	"github.com/hengdai/hengdai/kit/config"
	"github.com/hengdai/hengdai/kit/rpc"
	"github.com/hengdai/hengdai/kit/telemetry"
	"github.com/hengdai/hengdai/service/gateway"
)

// drainLimit is how long a stopping process lets requests and steps finish.
const drainLimit = 15 * time.Second

// Node is one running process.
type Node struct {
	cfg       *config.Config
	telemetry *telemetry.Telemetry
	offset    *clock.Offset
	clock     clock.Clock
	directory *rpc.Directory
	hosts     []*host
	sandbox   *parties
	entrance  *gateway.Service
	version   string
	root      context.Context //nolint:containedctx // ends with nothing: only its values are used when closing
	listening []*endpoint

	stopJobs context.CancelFunc
	jobs     sync.WaitGroup
	serving  sync.WaitGroup
	business *business
	keeping  sync.Mutex // of the sandbox's calendar
	failed   chan error
	closing  sync.Once
}

// Start builds and starts what the configuration names. On an error nothing is left running.
func Start(ctx context.Context, cfg *config.Config, tel *telemetry.Telemetry, version string) (*Node, error) {
	n := &Node{
		cfg: cfg, telemetry: tel, version: version, root: context.WithoutCancel(ctx),
		directory: rpc.NewDirectory(), failed: make(chan error, 1),
	}
	if err := n.start(ctx); err != nil {
		return nil, errors.Join(err, n.Close())
	}
	return n, nil
}

func (n *Node) start(ctx context.Context) error {
	if err := checkParties(n.cfg); err != nil {
		return err
	}
	if !n.sandboxed() {
		if err := checkKeys(n.cfg); err != nil {
			return err
		}
	}
	if err := writable(n.cfg.DataDir); err != nil {
		return fmt.Errorf("data_dir: %s cannot be written; choose another folder or give the right to write: %w", n.cfg.DataDir, err)
	}
	var err error
	if n.business, err = newBusiness(n.telemetry.Metrics.Registry); err != nil {
		return fmt.Errorf("measures of the business: %w", err)
	}
	if n.offset, err = openOffset(n.cfg); err != nil {
		return err
	}
	n.clock = clock.New(n.offset)
	if err := n.listen(ctx); err != nil {
		return err
	}
	for name, base := range n.cfg.Peers {
		if n.cfg.Runs(name) {
			continue
		}
		if err := n.directory.At(name, base, nil); err != nil {
			return err
		}
	}
	jobs, stop := context.WithCancel(n.root)
	n.stopJobs = stop
	if err := n.startSandbox(ctx, jobs); err != nil {
		return err
	}
	for _, part := range table() {
		if !n.cfg.Runs(part.name) {
			continue
		}
		h, err := n.build(ctx, part)
		if err != nil {
			return fmt.Errorf("service %s: %w", part.name, err)
		}
		n.hosts = append(n.hosts, h)
		n.directory.Here(part.name, h.mux)
	}
	for _, h := range n.hosts {
		n.run(jobs, h)
	}
	n.jobs.Go(func() { n.measure(jobs) })
	return n.serveAll()
}

// writable makes a folder if there is none and tries to write in it.
func writable(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	probe, err := os.CreateTemp(dir, ".probe-*")
	if err != nil {
		return err
	}
	return errors.Join(probe.Close(), os.Remove(probe.Name()))
}

// run starts a service's jobs.
func (n *Node) run(ctx context.Context, h *host) {
	if h.runner == nil {
		n.jobs.Go(func() {
			if err := n.entrance.Run(ctx); err != nil && ctx.Err() == nil {
				n.fail(fmt.Errorf("sessions of %s: %w", h.name, err))
			}
		})
		return
	}
	n.jobs.Go(func() {
		if err := h.runner.Run(h.scope(ctx)); err != nil && ctx.Err() == nil {
			n.fail(fmt.Errorf("jobs of %s: %w", h.name, err))
		}
	})
}

func (n *Node) fail(err error) {
	select {
	case n.failed <- err:
	default: // the first failure ends the process; the rest are its echoes
	}
}

// Wait answers when the context ends or a part of the node fails.
func (n *Node) Wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case err := <-n.failed:
		return err
	}
}

// Ready says whether every database of this process answers.
func (n *Node) Ready(ctx context.Context) error {
	for _, h := range n.hosts {
		if h.db == nil {
			continue
		}
		var one int
		if err := h.db.Read().QueryRowContext(ctx, "SELECT 1").Scan(&one); err != nil {
			return fmt.Errorf("database of %s: %w", h.name, err)
		}
	}
	return nil
}

// Close drains and stops everything; it may be called more than once.
func (n *Node) Close() error {
	var err error
	n.closing.Do(func() { err = n.close() })
	return err
}

// close goes from the outside in: people and partners first, then jobs, which may still need peers and parties, then those,
// then the databases.
func (n *Node) close() error {
	ctx, cancel := context.WithTimeout(n.root, drainLimit)
	defer cancel()
	errs := []error{n.stop(ctx, true, drainLimit)}
	if n.stopJobs != nil {
		n.stopJobs()
	}
	n.jobs.Wait()
	errs = append(errs, n.stop(ctx, false, patientFor))
	n.serving.Wait()
	for _, h := range n.hosts {
		errs = append(errs, h.close())
	}
	if n.sandbox != nil {
		errs = append(errs, n.sandbox.close())
	}
	return errors.Join(errs...)
}

// stop ends the endpoints of one kind side by side.
func (n *Node) stop(ctx context.Context, open bool, patience time.Duration) error {
	var all sync.WaitGroup
	failed := make([]error, len(n.listening))
	for i, e := range n.listening {
		if e.open == open {
			all.Go(func() { failed[i] = e.stop(ctx, patience) })
		}
	}
	all.Wait()
	return errors.Join(failed...)
}
