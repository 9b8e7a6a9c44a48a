package node

import (
	"context"
	"time"

	"github.com/hengdai/hengdai/api/log/v1/logv1connect"
	"github.com/hengdai/hengdai/kit/clock"
	eventlog "github.com/hengdai/hengdai/kit/log"

	logv1 "github.com/hengdai/hengdai/api/log/v1"
)

// measureEvery is how often lag and parked events are counted.
const measureEvery = 10 * time.Second

// observe tells commits and steps of a service to the measures of the process.
func (h *host) observe() {
	metrics := h.node.telemetry.Metrics
	h.db.Observe(func(units int, took time.Duration) { metrics.Committed(h.name, units, took) })
	h.runner.Observe(func(job string, more bool, _ time.Duration, err error) {
		switch {
		case err != nil:
			metrics.JobFailed(h.name, job)
		case more:
			metrics.Stepped(h.name, job)
		}
	})
}

// measure states, until ctx ends, how far each service is behind the logs that it follows.
func (n *Node) measure(ctx context.Context) {
	for {
		for _, h := range n.hosts {
			if h.db != nil {
				h.measure(ctx)
			}
		}
		if clock.Sleep(ctx, measureEvery) != nil {
			return
		}
	}
}

// measure asks the sources for their heads. One that does not answer keeps its last measure; the calls to it are counted as
// failed where they are made.
func (h *host) measure(ctx context.Context) {
	readers, err := eventlog.Readers(ctx, h.db)
	if err != nil {
		return // the next look, or /readyz, says so
	}
	metrics := h.node.telemetry.Metrics
	for _, r := range readers {
		metrics.Parked(h.name, r.Source, r.Parked)
		heads, err := client(h, r.Source, logv1connect.NewLogClient).Heads(ctx, &logv1.HeadsRequest{})
		if err != nil {
			continue
		}
		for _, head := range heads.GetHeads() {
			if p := head.GetPartition(); p >= 0 && int(p) < len(r.Positions) {
				metrics.Lag(h.name, r.Source, p, max(head.GetPosition()-r.Positions[p], 0))
			}
		}
	}
}
