package telemetry

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// Metrics is the measures of a process. Labels are few and closed: services, methods, codes, jobs; never ids.
type Metrics struct {
	// Registry is what /metrics shows; a package with measures of its own registers them here.
	Registry *prometheus.Registry

	requests *prometheus.HistogramVec
	calls    *prometheus.HistogramVec
	batch    *prometheus.HistogramVec
	commit   *prometheus.HistogramVec
	lag      *prometheus.GaugeVec
	parked   *prometheus.GaugeVec
	steps    *prometheus.CounterVec
	faults   *prometheus.CounterVec
	refused  *prometheus.CounterVec
}

// NewMetrics makes a registry with the measures of the process and of Go.
func NewMetrics() *Metrics {
	seconds := []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}
	histogram := func(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
		return prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: "hengdai", Name: name, Help: help, Buckets: buckets}, labels)
	}
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "hengdai", Name: name, Help: help}, labels)
	}
	gauge := func(name, help string, labels ...string) *prometheus.GaugeVec {
		return prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: "hengdai", Name: name, Help: help}, labels)
	}
	m := &Metrics{
		Registry: prometheus.NewRegistry(),
		requests: histogram("request_seconds", "Requests served, by how they ended.", seconds, "service", "method", "code"),
		calls:    histogram("call_seconds", "Calls made to other services, by how they ended.", seconds, "service", "peer", "method", "code"),
		batch:    histogram("store_batch_units", "Units of work committed by one transaction.", []float64{1, 2, 4, 8, 16, 32, 64, 128, 256}, "service"),
		commit:   histogram("store_commit_seconds", "Time of one commit, the sync of the disk included.", seconds, "service"),
		lag:      gauge("log_lag_events", "Events a reader has still to take.", "service", "source", "partition"),
		parked:   gauge("log_parked_events", "Events set aside because they could not be taken.", "service", "source"),
		steps:    counter("job_steps_total", "Steps of a job that found work.", "service", "job"),
		faults:   counter("job_errors_total", "Steps of a job that failed.", "service", "job"),
		refused:  counter("refused_total", "Requests refused before they were served, by the rule that refused them.", "rule"),
	}
	m.Registry.MustRegister(m.requests, m.calls, m.batch, m.commit, m.lag, m.parked, m.steps, m.faults, m.refused,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Served counts a request that a service answered.
func (m *Metrics) Served(service, method, code string, took time.Duration) {
	m.requests.WithLabelValues(service, method, code).Observe(took.Seconds())
}

// Called counts a call that a service made.
func (m *Metrics) Called(service, peer, method, code string, took time.Duration) {
	m.calls.WithLabelValues(service, peer, method, code).Observe(took.Seconds())
}

// Committed counts one transaction of a store and the units of work in it.
func (m *Metrics) Committed(service string, units int, took time.Duration) {
	m.batch.WithLabelValues(service).Observe(float64(units))
	m.commit.WithLabelValues(service).Observe(took.Seconds())
}

// Lag states how many events of a partition a reader has still to take.
func (m *Metrics) Lag(service, source string, partition int32, events int64) {
	m.lag.WithLabelValues(service, source, strconv.Itoa(int(partition))).Set(float64(events))
}

// Parked states how many events of a source wait for a person.
func (m *Metrics) Parked(service, source string, events int) {
	m.parked.WithLabelValues(service, source).Set(float64(events))
}

// Stepped counts a step of a job that found work.
func (m *Metrics) Stepped(service, job string) { m.steps.WithLabelValues(service, job).Inc() }

// JobFailed counts a step of a job that failed.
func (m *Metrics) JobFailed(service, job string) { m.faults.WithLabelValues(service, job).Inc() }

// Refused counts a request that a limit turned away.
func (m *Metrics) Refused(rule string) { m.refused.WithLabelValues(rule).Inc() }
