package party

import (
	"bytes"
	"context"
	"net/http"
	"time"

	"github.com/hengdai/hengdai/kit/clock"
	"github.com/hengdai/hengdai/kit/store"
)

// Tell adds a callback with what the faults make of it: none, two, a late one, or a false one before the true one.
// Other is the body of one with another amount; nil if there is none.
func (k *Callbacks) Tell(ctx context.Context, tx *store.Tx, c Callback, hits Hits) error {
	if late, ok := hits[LateCallback]; ok {
		c.Delay += time.Duration(late.DelayMS) * time.Millisecond
	}
	if hits.Has(ForgedCallback) {
		forged := c
		forged.Flaw, forged.Delay = ForgedCallback, 0
		if err := k.Add(ctx, tx, forged); err != nil {
			return err
		}
	}
	if hits.Has(LostCallback) {
		return nil
	}
	if hits.Has(TwiceCallback) {
		if err := k.Add(ctx, tx, c); err != nil {
			return err
		}
	}
	return k.Add(ctx, tx, c)
}

// DressJSON signs the callbacks of a party that speaks JSON.
func DressJSON(i Identity) Dress {
	return func(r *http.Request, c Callback) []byte {
		r.Header.Set("Content-Type", "application/json")
		signed := c.Body
		if c.Flaw == ForgedCallback {
			signed = append(bytes.Clone(c.Body), ' ')
		}
		i.SignRequest(r, signed, clock.Real())
		return c.Body
	}
}
