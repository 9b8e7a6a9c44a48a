// Package telemetry is what a process tells of itself: log lines, measures and traces.
//
// Log lines are JSON; a filter under the handler masks what looks like a mobile number, an ID number or a bank card,
// so that a mistake in a caller does not put a person into the log. Measures are Prometheus'. Traces are
// OpenTelemetry's, from the gateway to the database; without a configured collector spans carry ids and are not kept.
//
// There is no global: a process makes one Telemetry and hands it on. Code deep inside (the store, the log) needs none
// of it: StartSpan finds the tracer in the context.
package telemetry
