package party

import (
	"context"
	"slices"

	"github.com/hengdai/hengdai/kit/store"
)

// Pick chooses faults for something that is made in one transaction, and counts them with it. It is for one goroutine;
// begin each run of the unit of work with Reset.
type Pick struct {
	faults *Faults
	rules  []Rule
	hits   map[int64]map[string]int64
}

// Pick begins to choose from the plan as it stands.
func (f *Faults) Pick() *Pick {
	p := &Pick{faults: f}
	p.Reset()
	return p
}

// Reset forgets what was chosen.
func (p *Pick) Reset() {
	p.rules, p.hits = p.faults.List(), map[int64]map[string]int64{}
}

// Choose answers the first rule among the kinds that a party's statement meets, by its day and a key: the day itself for
// a file, the channel's number for a line.
func (p *Pick) Choose(party, day, key string, kinds []Kind) (Rule, bool) {
	for i := range p.rules {
		r := &p.rules[i]
		if r.Party != party || !slices.Contains(kinds, r.Kind) || (r.Day != "" && r.Day != day) ||
			!r.chosen(r.Met, p.faults.hitsOf(r.ID, key)+p.hits[r.ID][key], key) {
			continue
		}
		r.Met++
		if p.hits[r.ID] == nil {
			p.hits[r.ID] = map[string]int64{}
		}
		p.hits[r.ID][key]++
		return *r, true
	}
	return Rule{}, false
}

// Keep stores what was chosen, and counts it once the transaction stands.
func (p *Pick) Keep(ctx context.Context, tx *store.Tx) error {
	for id, hits := range p.hits {
		for key, n := range hits {
			if err := upsertHit(ctx, tx, id, key, p.faults.hitsOf(id, key)+n); err != nil {
				return err
			}
		}
	}
	tx.AfterCommit(func() { p.faults.count(p.hits) })
	return nil
}

func (f *Faults) hitsOf(id int64, key string) int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.hits[id][key]
}

func (f *Faults) count(hits map[int64]map[string]int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range f.rules {
		r := &f.rules[i]
		for key, n := range hits[r.ID] {
			r.Met += n
			f.set(r.ID, key, f.hits[r.ID][key]+n)
		}
	}
}
