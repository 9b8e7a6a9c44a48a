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

	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/store"
)

// Kind is a way in which a party lets its caller down.
type Kind string

// The faults. Those "before" leave no effect; those "after" come when the effect is stored.
const (
	LostRequest      Kind = "lost_request"       // before: the connection ends, nothing was done
	ServerError      Kind = "server_error"       // before: 500 without signature
	Busy             Kind = "busy"               // before: the party's busy code, or Code
	Slow             Kind = "slow"               // before: DelayMS more
	LostResponse     Kind = "lost_response"      // after: the connection ends (held DelayMS): a time-out after success
	ServerErrorAfter Kind = "server_error_after" // after: 500 without signature
	UnknownCode      Kind = "unknown_code"       // after: Code, or one that no list knows
	BadSignature     Kind = "bad_signature"      // after: the answer's signature is wrong
	Garbage          Kind = "garbage"            // after: a signed answer that cannot be read

	NotFound       Kind = "not_found"       // query: an order that exists is said not to
	Processing     Kind = "processing"      // order: answered as accepted, finished later
	LateFinish     Kind = "late_finish"     // order: finished DelayMS later on the sandbox clock
	LowBalance     Kind = "low_balance"     // order: the merchant's account is said to be too low; nothing done
	LateCallback   Kind = "late_callback"   // callback: DelayMS later in real time
	TwiceCallback  Kind = "twice_callback"  // callback: comes twice
	LostCallback   Kind = "lost_callback"   // callback: never comes; a query tells
	ForgedCallback Kind = "forged_callback" // callback: one with a wrong signature comes first
	WrongAmount    Kind = "wrong_amount"    // callback: one with another amount, rightly signed, comes first
	EarlyCallback  Kind = "early_callback"  // order: the answer waits DelayMS (default 50), so the callback overtakes it
)

var kinds = []Kind{LostRequest, ServerError, Busy, Slow, LostResponse, ServerErrorAfter, UnknownCode, BadSignature, Garbage, NotFound,
	Processing, LateFinish, LowBalance, LateCallback, TwiceCallback, LostCallback, ForgedCallback, WrongAmount, EarlyCallback}

// Rule is one line of a party's fault plan. Exactly one of RatePPM and Count says whom it meets.
type Rule struct {
	ID    int64  `json:"id"`
	Party string `json:"party"`
	// Op is the call it applies to (verify4, send, pay, trans, query, callback); empty: every one.
	Op   string `json:"op"`
	Kind Kind   `json:"kind"`
	// RatePPM of all request numbers meet it: which ones follows from Seed and the number alone.
	RatePPM int64 `json:"rate_ppm"`
	// Count: the next so many requests meet it.
	Count int64 `json:"count"`
	// Times a chosen request number meets it; then the same request goes through. Default 1.
	Times   int64  `json:"times"`
	DelayMS int64  `json:"delay_ms"`
	Code    string `json:"code"`
	Seed    int64  `json:"seed"`
	// Met counts the hits so far.
	Met int64 `json:"met"`
}

// ErrRule is a rule that says nothing.
var ErrRule = errs.New(errs.Invalid, "sandbox.fault_rule", "故障规则无效。", "The fault rule is not valid.")

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
	if !slices.Contains(kinds, r.Kind) || r.RatePPM < 0 || r.RatePPM > 1_000_000 || (r.RatePPM > 0) == (r.Count > 0) ||
		r.Count < 0 || r.DelayMS < 0 || r.Party == "" || len(r.Code) > 64 {
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

// Meet answers the faults that this request meets, and stores that it met them.
func (f *Faults) Meet(ctx context.Context, party, op, requestNo string) (Hits, error) {
	f.mu.Lock()
	var met Hits
	counts := map[int64]int64{}
	for i := range f.rules {
		r := &f.rules[i]
		if r.Party != party || (r.Op != "" && r.Op != op) || met.Has(r.Kind) || !f.chosen(r, requestNo) {
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

func (f *Faults) chosen(r *Rule, requestNo string) bool {
	if r.Count > 0 {
		return r.Met < r.Count
	}
	return f.hits[r.ID][requestNo] < r.Times && Draw(r.Seed, r.Party, r.Op, string(r.Kind), requestNo) < r.RatePPM
}

// Draw answers a number below one million that follows from its arguments alone.
func Draw(seed int64, parts ...string) int64 {
	sum := sha256.Sum256([]byte(strconv.FormatInt(seed, 10) + "|" + strings.Join(parts, "|")))
	return int64(binary.BigEndian.Uint64(sum[:8]) % 1_000_000)
}
