package vault

import (
	"context"
	"fmt"
	"sync"
	"time"

	userv1 "github.com/hengdai/hengdai/api/user/v1"
	"github.com/hengdai/hengdai/api/user/v1/userv1connect"
	"github.com/hengdai/hengdai/kit/clock"
	"github.com/hengdai/hengdai/kit/keys"
)

const (
	remoteLife = 5 * time.Second
	remoteMost = 10_000
)

// Remote is the key source of every service but user: it asks user and keeps the answer for seconds.
type Remote struct {
	user userv1connect.InternalClient
	ring *keys.Ring

	mu   sync.Mutex
	held map[remoteKey]remoteEntry
}

type remoteKey struct {
	userID         int64
	class, purpose string
}

type remoteEntry struct {
	keyset []byte
	until  time.Time
}

// NewRemote answers a source that asks user as the process of the ring.
func NewRemote(user userv1connect.InternalClient, ring *keys.Ring) *Remote {
	return &Remote{user: user, ring: ring, held: map[remoteKey]remoteEntry{}}
}

// ClassKey answers a keyset, asking user unless it did so for the same purpose within seconds.
func (r *Remote) ClassKey(ctx context.Context, userID int64, class, purpose string) ([]byte, error) {
	k := remoteKey{userID: userID, class: class, purpose: purpose}
	if keyset, ok := r.lookup(k); ok {
		return keyset, nil
	}
	res, err := r.user.ClassKey(ctx, &userv1.ClassKeyRequest{UserId: userID, Class: class, Purpose: purpose})
	if err != nil {
		return nil, fmt.Errorf("asking user for a data key: %w", err)
	}
	keyset, err := r.ring.OpenSealed(res.GetSealedKeyset())
	if err != nil {
		return nil, fmt.Errorf("opening a data key: %w", err)
	}
	r.keep(k, keyset)
	return keyset, nil
}

// Forget drops what is held of a person, on erasure.
func (r *Remote) Forget(userID int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for k := range r.held {
		if k.userID == userID {
			delete(r.held, k)
		}
	}
}

func (r *Remote) lookup(k remoteKey) ([]byte, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	e, ok := r.held[k]
	if !ok || clock.Real().After(e.until) {
		return nil, false
	}
	return e.keyset, true
}

func (r *Remote) keep(k remoteKey, keyset []byte) {
	now := clock.Real()
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.held) >= remoteMost {
		for old, e := range r.held {
			if now.After(e.until) {
				delete(r.held, old)
			}
		}
		if len(r.held) >= remoteMost {
			clear(r.held)
		}
	}
	r.held[k] = remoteEntry{keyset: keyset, until: now.Add(remoteLife)}
}
