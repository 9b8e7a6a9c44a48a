package node

import (
	"maps"
	"slices"

	"github.com/hengdai/hengdai/kit/store"
)

// Work is what a service of this process has done since it started.
type Work struct {
	Service string
	store.Stats
	// Steps of jobs were begun, whether they found work or not.
	Steps map[string]int64
}

// Work answers what the services of this process have done, in the order in which they were built.
func (n *Node) Work() []Work {
	var all []Work
	for _, h := range n.hosts {
		if h.db != nil {
			all = append(all, Work{Service: h.name, Stats: h.db.Stats(), Steps: h.runner.Begun()})
		}
	}
	return all
}

// Since answers what was done after an earlier answer.
func Since(before, after []Work) []Work {
	out := slices.Clone(after)
	for i, b := range before {
		w := &out[i]
		w.Units -= b.Units
		w.Commits -= b.Commits
		w.Reruns -= b.Reruns
		w.Statements -= b.Statements
		w.Steps = maps.Clone(w.Steps)
		for job, n := range b.Steps {
			w.Steps[job] -= n
		}
	}
	return out
}
