package party

import (
	"context"
	"crypto/sha256"
	"sync"
	"time"

	"github.com/hengdai/hengdai/kit/clock"
	"github.com/hengdai/hengdai/kit/store"
)

// Nonces remembers the nonces of signed requests while their timestamps could still be accepted. Those of requests with
// an effect are stored with it, so a restart forgets none that matters; a query's repeat after a restart harms nobody.
type Nonces struct {
	mu   sync.Mutex
	seen map[[16]byte]int64 // until when, real time in ms
	next time.Time
}

// nonceKey keeps memory small: what is remembered of a nonce is half of a hash.
func nonceKey(party, nonce string) [16]byte {
	sum := sha256.Sum256([]byte(party + " " + nonce))
	return [16]byte(sum[:16])
}

func openNonces(ctx context.Context, db *store.DB) (*Nonces, error) {
	n := &Nonces{seen: map[[16]byte]int64{}}
	rows, err := db.Read().QueryContext(ctx, `SELECT party, nonce, until_ms FROM nonce WHERE until_ms > ?`, clock.Real().UnixMilli())
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var party, nonce string
		var until int64
		if err := rows.Scan(&party, &nonce, &until); err != nil {
			return nil, err
		}
		n.seen[nonceKey(party, nonce)] = until
	}
	return n, rows.Err()
}

// First reports whether a request's nonce is new at this party, and remembers it for as long as its timestamp is good.
func (n *Nonces) First(party string, s Signed) bool {
	now := clock.Real()
	n.mu.Lock()
	defer n.mu.Unlock()
	if now.After(n.next) {
		for key, until := range n.seen {
			if until < now.UnixMilli() {
				delete(n.seen, key)
			}
		}
		n.next = now.Add(time.Minute)
	}
	key := nonceKey(party, s.Nonce)
	if _, repeated := n.seen[key]; repeated {
		return false
	}
	n.seen[key] = s.until()
	return true
}

// until is when a repeat would be refused for its timestamp alone.
func (s Signed) until() int64 { return s.At.Add(Skew + time.Second).UnixMilli() }

// Keep stores a nonce with the effect of its request.
func (n *Nonces) Keep(ctx context.Context, tx *store.Tx, party string, s Signed) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO nonce (party, nonce, until_ms) VALUES (?, ?, ?)`, party, s.Nonce, s.until())
	return err
}

// sweep deletes what no longer protects anything.
func (n *Nonces) sweep(ctx context.Context, db *store.DB) error {
	return db.Write(ctx, func(tx *store.Tx) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM nonce WHERE until_ms < ?`, clock.Real().UnixMilli())
		return err
	})
}
