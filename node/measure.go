package node

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/hengdai/hengdai/api/log/v1/logv1connect"
	"github.com/hengdai/hengdai/kit/clock"
	"github.com/hengdai/hengdai/kit/id"
	"github.com/hengdai/hengdai/kit/job"
	eventlog "github.com/hengdai/hengdai/kit/log"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/kit/telemetry"

	logv1 "github.com/hengdai/hengdai/api/log/v1"
)

const (
	// measureEvery is how often lag and parked events are counted.
	measureEvery = 10 * time.Second
	// slowCommit is when a transaction, the sync of the disk included, is worth a warning.
	slowCommit = time.Second
	// slowParty ends a call of a party whose channel sets no limit of its own.
	slowParty = 10 * time.Second
)

// surveyor is a service with gauges that are read from its database.
type surveyor interface{ Surveys() []telemetry.Survey }

// scope is what work of this service tells of itself with.
func (h *host) scope(ctx context.Context) context.Context {
	return telemetry.Within(ctx, telemetry.Scope{Service: h.name, Tracer: h.node.telemetry.Tracer, Logger: h.logger})
}

// observe tells commits, steps and events of a service to the measures of the process, and its surveys.
func (h *host) observe(jobs []job.Job, made service) error {
	metrics := h.node.telemetry.Metrics
	h.db.Observe(func(c store.Commit) {
		metrics.Committed(h.name, c.Units, c.Waited, c.Took)
		if c.Took > slowCommit {
			h.logger.Warn("slow commit", "ms", c.Took.Milliseconds(), "waited_ms", c.Waited.Milliseconds(), "units", c.Units)
		}
	})
	for _, j := range jobs {
		metrics.JobAdded(h.name, j.Name)
	}
	h.runner.Observe(func(job string, more bool, took time.Duration, err error) {
		switch {
		case err != nil:
			metrics.JobFailed(h.name, job)
		case more:
			metrics.Stepped(h.name, job, took)
		}
	})
	h.log.Observe(h.node.business.count)
	asked, ok := made.(surveyor)
	if !ok {
		return nil
	}
	for _, s := range asked.Surveys() {
		if err := metrics.Survey(h.scope(h.node.root), s, h.logger); err != nil {
			return fmt.Errorf("gauges %s: %w", s.Name, err)
		}
	}
	return nil
}

// partyClient makes the HTTP client for an outside party.
func (h *host) partyClient(name string) *http.Client {
	return &http.Client{
		Transport:     h.node.telemetry.Party(name, &http.Transport{MaxIdleConnsPerHost: 32, IdleConnTimeout: time.Minute}),
		Timeout:       slowParty,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
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
	metrics := h.node.telemetry.Metrics
	if n, err := h.log.Unnumbered(ctx); err == nil {
		metrics.Unnumbered(h.name, n)
	}
	readers, err := eventlog.Readers(ctx, h.db)
	if err != nil {
		return // the next look, or /readyz, says so
	}
	for _, r := range readers {
		metrics.Parked(h.name, r.Source, r.Parked)
		source := client(h, r.Source, logv1connect.NewLogClient)
		heads, err := source.Heads(ctx, &logv1.HeadsRequest{})
		if err != nil {
			continue
		}
		var behind []*logv1.Cursor
		for _, head := range heads.GetHeads() {
			p := head.GetPartition()
			if p < 0 || p >= id.Partitions {
				continue
			}
			metrics.Lag(h.name, r.Source, p, max(head.GetPosition()-r.Positions[p], 0))
			if head.GetPosition() > r.Positions[p] {
				behind = append(behind, &logv1.Cursor{Partition: p, Position: r.Positions[p]})
			}
		}
		if age, err := h.oldest(ctx, source, behind); err == nil {
			metrics.LagAge(h.name, r.Source, age)
		}
	}
}

// oldest answers the age of the oldest event behind the given positions.
func (h *host) oldest(ctx context.Context, source logv1connect.LogClient, behind []*logv1.Cursor) (age time.Duration, err error) {
	if len(behind) == 0 {
		return 0, nil
	}
	res, err := source.Read(ctx, &logv1.ReadRequest{After: behind, Limit: int32(len(behind))})
	if err != nil {
		return 0, err
	}
	for _, e := range res.GetEvents() {
		age = max(age, h.node.clock.Now().Sub(time.UnixMilli(e.GetAtMs())))
	}
	return age, nil
}
