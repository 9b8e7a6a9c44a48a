package telemetry

import (
	"sync"

	"github.com/prometheus/client_golang/prometheus"
)

// Registry is a Prometheus registry that remembers what was registered: a measure exists before it has a first value.
type Registry struct {
	*prometheus.Registry

	mu    sync.Mutex
	descs []*prometheus.Desc
}

// Register adds a collector.
func (r *Registry) Register(c prometheus.Collector) error {
	if err := r.Registry.Register(c); err != nil {
		return err
	}
	descs := make(chan *prometheus.Desc)
	go func() {
		c.Describe(descs)
		close(descs)
	}()
	r.mu.Lock()
	defer r.mu.Unlock()
	for d := range descs {
		r.descs = append(r.descs, d)
	}
	return nil
}

// MustRegister adds collectors; two of one name are a fault of the program.
func (r *Registry) MustRegister(all ...prometheus.Collector) {
	for _, c := range all {
		if err := r.Register(c); err != nil {
			panic(err)
		}
	}
}

// Described lists the measures that were registered, with or without a value.
func (r *Registry) Described() []*prometheus.Desc {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]*prometheus.Desc(nil), r.descs...)
}
