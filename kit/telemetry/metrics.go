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
	Registry *Registry

	requests *prometheus.HistogramVec
	calls    *prometheus.HistogramVec
	batch    *prometheus.HistogramVec
	commit   *prometheus.HistogramVec
	lag      *prometheus.GaugeVec
	parked   *prometheus.GaugeVec
	lagAge   *prometheus.GaugeVec
	backlog  *prometheus.GaugeVec
	steps    *prometheus.CounterVec
	stepTime *prometheus.HistogramVec
	faults   *prometheus.CounterVec
	refused  *prometheus.CounterVec
	reasons  *prometheus.CounterVec
	party    *prometheus.HistogramVec
	wait     *prometheus.HistogramVec

	surveyed     *prometheus.GaugeVec
	surveyFaults *prometheus.CounterVec
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
		Registry:     &Registry{Registry: prometheus.NewRegistry()},
		requests:     histogram("request_seconds", "Requests served, by how they ended.", seconds, "service", "method", "code"),
		calls:        histogram("call_seconds", "Calls made to other services, by how they ended.", seconds, "service", "peer", "method", "code"),
		batch:        histogram("store_batch_units", "Units of work committed by one transaction.", []float64{1, 2, 4, 8, 16, 32, 64, 128, 256}, "service"),
		commit:       histogram("store_commit_seconds", "Time of one commit, the sync of the disk included.", seconds, "service"),
		lag:          gauge("log_lag_events", "Events a reader has still to take.", "service", "source", "partition"),
		parked:       gauge("log_parked_events", "Events set aside because they could not be taken.", "service", "source"),
		lagAge:       gauge("log_lag_seconds", "Age of the oldest event a reader has still to take, by the business clock.", "service", "source"),
		backlog:      gauge("log_unnumbered_events", "Committed events that have no position yet, so that nobody can read them.", "service"),
		wait:         histogram("store_wait_seconds", "Longest wait of a unit of work before its transaction began, by transaction.", seconds, "service"),
		party:        histogram("party_call_seconds", "Calls of outside parties over HTTP, by status; none: nothing came back.", seconds, "party", "call", "status"),
		reasons:      counter("request_failures_total", "Requests that failed, by their machine reason.", "service", "method", "reason"),
		steps:        counter("job_steps_total", "Steps of a job that found work.", "service", "job"),
		stepTime:     histogram("job_step_seconds", "Time of the steps of a job that found work.", seconds, "service", "job"),
		surveyed:     gauge("survey_seconds", "Time the last reading of gauges from a database took.", "survey"),
		surveyFaults: counter("survey_failures_total", "Readings of gauges from a database that failed.", "survey"),
		faults:       counter("job_errors_total", "Steps of a job that failed.", "service", "job"),
		refused:      counter("refused_total", "Requests refused before they were served, by the rule that refused them.", "rule"),
	}
	m.Registry.MustRegister(m.requests, m.calls, m.batch, m.commit, m.lag, m.parked, m.lagAge, m.backlog, m.wait, m.party,
		m.reasons, m.steps, m.stepTime, m.faults, m.refused, m.surveyed, m.surveyFaults,
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

// Failed counts a request that a service answered with an error, by the error's machine reason.
func (m *Metrics) Failed(service, method, reason string) {
	m.reasons.WithLabelValues(service, method, reason).Inc()
}

// Committed counts one transaction of a store, the units of work in it and the longest wait of one of them.
func (m *Metrics) Committed(service string, units int, waited, took time.Duration) {
	m.batch.WithLabelValues(service).Observe(float64(units))
	m.wait.WithLabelValues(service).Observe(waited.Seconds())
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

// LagAge states how old the oldest event is that a reader has still to take; zero if it has all.
func (m *Metrics) LagAge(service, source string, age time.Duration) {
	m.lagAge.WithLabelValues(service, source).Set(age.Seconds())
}

// Unnumbered states how many committed events of a service's log have no position yet.
func (m *Metrics) Unnumbered(service string, events int64) {
	m.backlog.WithLabelValues(service).Set(float64(events))
}

// Stepped counts a step of a job that found work.
func (m *Metrics) Stepped(service, job string, took time.Duration) {
	m.steps.WithLabelValues(service, job).Inc()
	m.stepTime.WithLabelValues(service, job).Observe(took.Seconds())
}

// JobAdded shows a job before it has done or failed anything, so that a first failure is seen as a change.
func (m *Metrics) JobAdded(service, job string) {
	m.steps.WithLabelValues(service, job)
	m.faults.WithLabelValues(service, job)
}

// JobFailed counts a step of a job that failed.
func (m *Metrics) JobFailed(service, job string) { m.faults.WithLabelValues(service, job).Inc() }

// Refused counts a request that a limit turned away.
func (m *Metrics) Refused(rule string) { m.refused.WithLabelValues(rule).Inc() }
