package party

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/hengdai/hengdai/kit/store"
)

// Faults is the plan of all parties. It is stored, so a restart keeps it.
type Faults struct {
	db *store.DB

	mu    sync.Mutex
	rules []Rule
	hits  map[int64]map[string]int64
	next  int64
}

// Hits are the faults that one request meets.
type Hits map[Kind]Rule

// Has reports whether a kind is met.
func (h Hits) Has(k Kind) bool { _, ok := h[k]; return ok }

func openFaults(ctx context.Context, db *store.DB) (*Faults, error) {
	f := &Faults{db: db, hits: map[int64]map[string]int64{}}
	rows, err := db.Read().QueryContext(ctx, `SELECT id, rule, live FROM fault ORDER BY id`)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var text string
		var live int64
		var r Rule
		if err := rows.Scan(&f.next, &text, &live); err != nil {
			return nil, err
		}
		if err := json.Unmarshal([]byte(text), &r); err != nil {
			return nil, err
		}
		if live == 1 {
			f.rules = append(f.rules, r)
		}
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	return f, f.loadHits(ctx)
}

func (f *Faults) loadHits(ctx context.Context) error {
	rows, err := f.db.Read().QueryContext(ctx, `SELECT fault_id, request_no, hits FROM fault_hit`)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var id, n int64
		var requestNo string
		if err := rows.Scan(&id, &requestNo, &n); err != nil {
			return err
		}
		f.set(id, requestNo, n)
	}
	for i := range f.rules {
		for _, n := range f.hits[f.rules[i].ID] {
			f.rules[i].Met += n
		}
	}
	return rows.Err()
}

func (f *Faults) set(id int64, requestNo string, n int64) {
	if f.hits[id] == nil {
		f.hits[id] = map[string]int64{}
	}
	f.hits[id][requestNo] = n
}

// Add puts a rule into the plan.
func (f *Faults) Add(ctx context.Context, r Rule) (Rule, error) {
	if r.Kind.ofStatement() && r.Op == "" {
		r.Op = Statement
	}
	if !r.valid() {
		return Rule{}, ErrRule
	}
	r.Times, r.Met = max(r.Times, 1), 0
	f.mu.Lock()
	defer f.mu.Unlock()
	f.next++
	r.ID = f.next
	text, err := json.Marshal(r)
	if err != nil {
		return Rule{}, err
	}
	err = f.db.Write(ctx, func(tx *store.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO fault (id, rule, live) VALUES (?, ?, 1)`, r.ID, string(text))
		return err
	})
	if err != nil {
		return Rule{}, err
	}
	f.rules = append(f.rules, r)
	return r, nil
}

// Clear takes a party's rules (all rules, if party is empty) out of the plan. What they did stays counted in the store.
func (f *Faults) Clear(ctx context.Context, party string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	gone := func(r Rule) bool { return party == "" || r.Party == party }
	err := f.db.Write(ctx, func(tx *store.Tx) error {
		for _, r := range f.rules {
			if !gone(r) {
				continue
			}
			if _, err := tx.ExecContext(ctx, `UPDATE fault SET live = 0 WHERE id = ?`, r.ID); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		f.rules = slices.DeleteFunc(f.rules, gone)
	}
	return err
}

// List answers the plan with its counts.
func (f *Faults) List() []Rule {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]Rule{}, f.rules...)
}

// statementNumber begins the number of a statement's call, so that it is never taken for an order's.
const statementNumber = Statement + " "

// Count is how often a kind of fault was met, and by how many distinct numbers.
type Count struct {
	Hits    int64 `json:"hits"`
	Numbers int64 `json:"numbers"`
}

// Counts answers what the plan as it stands did, by kind, and how many distinct orders (request numbers at the given
// parties, statements left out) met at least one fault.
func (f *Faults) Counts(parties ...string) (byKind map[Kind]Count, orders int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	numbers, all := map[Kind]map[string]bool{}, map[string]bool{}
	byKind = map[Kind]Count{}
	for _, r := range f.rules {
		if numbers[r.Kind] == nil {
			numbers[r.Kind] = map[string]bool{}
		}
		for number := range f.hits[r.ID] {
			numbers[r.Kind][r.Party+" "+number] = true
			if r.Op != Statement && !strings.HasPrefix(number, statementNumber) && slices.Contains(parties, r.Party) {
				all[r.Party+" "+number] = true
			}
		}
		byKind[r.Kind] = Count{Hits: byKind[r.Kind].Hits + r.Met, Numbers: int64(len(numbers[r.Kind]))}
	}
	return byKind, len(all)
}

// Meet answers the faults that this request meets, and stores that it met them.
func (f *Faults) Meet(ctx context.Context, party, op, requestNo string) (Hits, error) {
	if op == Statement {
		requestNo = statementNumber + requestNo
	}
	f.mu.Lock()
	var met Hits
	counts := map[int64]int64{}
	for i := range f.rules {
		r := &f.rules[i]
		if r.Party != party || (r.Op != "" && r.Op != op) || r.Kind.ofStatement() || met.Has(r.Kind) ||
			!r.chosen(r.Met, f.hits[r.ID][requestNo], requestNo) {
			continue
		}
		if met == nil {
			met = Hits{}
		}
		r.Met++
		n := f.hits[r.ID][requestNo] + 1
		f.set(r.ID, requestNo, n)
		met[r.Kind], counts[r.ID] = *r, n
	}
	f.mu.Unlock()
	if met == nil {
		return nil, nil
	}
	return met, f.db.Write(ctx, func(tx *store.Tx) error {
		for id, n := range counts {
			if err := upsertHit(ctx, tx, id, requestNo, n); err != nil {
				return err
			}
		}
		return nil
	})
}

func upsertHit(ctx context.Context, tx *store.Tx, id int64, requestNo string, n int64) error {
	res, err := tx.ExecContext(ctx, `UPDATE fault_hit SET hits = ? WHERE fault_id = ? AND request_no = ?`, n, id, requestNo)
	if err != nil {
		return err
	}
	if changed, err := res.RowsAffected(); err != nil || changed > 0 {
		return err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO fault_hit (fault_id, request_no, hits) VALUES (?, ?, ?)`, id, requestNo, n)
	return err
}

// chosen reports whether a rule meets a number, after so many hits in all and of this number.
func (r *Rule) chosen(met, hits int64, number string) bool {
	if r.Number != "" && r.Number != number {
		return false
	}
	if r.Count > 0 {
		return met < r.Count
	}
	if hits >= r.Times {
		return false
	}
	draw := Draw(r.Seed, r.Party, r.Op, string(r.Kind), number)
	if r.Group != "" {
		draw = Draw(r.Seed, r.Party, r.Group, number)
	}
	return draw >= r.FromPPM && draw < r.FromPPM+r.RatePPM
}

// Draw answers a number below one million that follows from its arguments alone.
func Draw(seed int64, parts ...string) int64 {
	sum := sha256.Sum256([]byte(strconv.FormatInt(seed, 10) + "|" + strings.Join(parts, "|")))
	return int64(binary.BigEndian.Uint64(sum[:8]) % 1_000_000)
}
