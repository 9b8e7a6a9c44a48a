// Package deploy holds what is installed beside the product: a Grafana dashboard, alerts and a scrape configuration of
// Prometheus. Its tests hold them against the measures of a running process, so that a panel or an alert that asks for
// something which does not exist fails the build instead of staying silent.
package deploy
