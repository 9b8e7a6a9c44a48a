package loan

import (
	"context"
	"crypto/sha256"
	"fmt"

	"google.golang.org/protobuf/proto"

	"github.com/hengdai/hengdai/kit/store"
)

// Scopes of idempotency keys.
const (
	scopeApply   = "loan.apply"
	scopeConfirm = "loan.confirm"
	scopeSign    = "loan.sign"
	scopeReview  = "loan.review"
	scopePropose = "loan.propose"
)

// onceKey is an idempotency key in the name of one person, with the hash of the request that carried it.
type onceKey struct {
	bucket     int64
	scope, key string
	hash       []byte
}

// keyed is a request with an idempotency key.
type keyed interface {
	proto.Message
	GetIdempotencyKey() string
}

// keyOf makes the key of a request of one person. The hash leaves the key itself out.
func keyOf(bucket int64, scope string, personID int64, req keyed) (onceKey, error) {
	body := proto.Clone(req).ProtoReflect()
	if f := body.Descriptor().Fields().ByName("idempotency_key"); f != nil {
		body.Clear(f)
	}
	raw, err := proto.MarshalOptions{Deterministic: true}.Marshal(body.Interface())
	if err != nil {
		return onceKey{}, fmt.Errorf("hashing a request: %w", err)
	}
	sum := sha256.Sum256(raw)
	return onceKey{bucket: bucket, scope: scope, key: fmt.Sprintf("%d/%s", personID, req.GetIdempotencyKey()), hash: sum[:]}, nil
}

// answered is the id that the request with this key was answered with; zero: it was never carried out.
func answered(tx *store.Tx, k onceKey) (int64, error) {
	raw, found, err := store.Idempotent(tx, k.bucket, k.scope, k.key, k.hash)
	if err != nil || !found {
		return 0, err
	}
	var subject int64
	if _, err := fmt.Sscan(string(raw), &subject); err != nil {
		return 0, fmt.Errorf("reading a kept answer: %w", err)
	}
	return subject, nil
}

// before is answered outside of a unit. It is asked before anything is checked: a repeated request is answered even if it
// would be refused now.
func (s *Service) before(ctx context.Context, k onceKey) (int64, error) {
	var subject int64
	err := s.deps.DB.Write(ctx, func(tx *store.Tx) error {
		var err error
		subject, err = answered(tx, k)
		return err
	})
	return subject, err
}

// once carries a request out, or answers what it was answered with. work answers the id that is kept with the key.
func (s *Service) once(ctx context.Context, k onceKey, work func(tx *store.Tx) (int64, error)) (int64, error) {
	var subject int64
	err := s.write(ctx, func(tx *store.Tx) error {
		var err error
		if subject, err = answered(tx, k); err != nil || subject != 0 {
			return err
		}
		if subject, err = work(tx); err != nil {
			return err
		}
		return staleIfDuplicate(store.Remember(tx, k.bucket, k.scope, k.key, k.hash, fmt.Append(nil, subject)))
	})
	if err == nil {
		return subject, nil
	}
	// The same request may have been committed after the key was looked for: then it is no refusal.
	if subject, again := s.before(ctx, k); again == nil && subject != 0 {
		return subject, nil
	}
	return 0, err
}

// staleIfDuplicate makes the unit run again after a duplicate key: it then finds what the winner stored.
func staleIfDuplicate(err error) error {
	if store.IsDuplicate(err) {
		return errStale.Because(err)
	}
	return err
}
