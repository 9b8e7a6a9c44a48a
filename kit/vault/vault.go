package vault

import (
	"context"
	"fmt"

	"github.com/hengdai/hengdai/kit/keys"
	"github.com/hengdai/hengdai/kit/secret"
)

// KeySource hands out a person's serialised keyset of one class for one stated purpose. It answers errs.NotFound after
// erasure.
type KeySource interface {
	ClassKey(ctx context.Context, userID int64, class, purpose string) (keyset []byte, err error)
}

// PurposeSeal is the purpose stated when a value is only put in.
const PurposeSeal = "seal"

// Vault seals and opens values by keys from a source.
type Vault struct {
	source KeySource
}

// New answers a vault over a source: user's own, or Remote in every other service.
func New(source KeySource) *Vault {
	return &Vault{source: source}
}

// Seal seals one field's value of one person under his key of a class.
func (v *Vault) Seal(ctx context.Context, userID int64, class, field string, value secret.String) ([]byte, error) {
	key, err := v.key(ctx, userID, class, PurposeSeal)
	if err != nil {
		return nil, err
	}
	return key.Seal(userID, field, value)
}

// Open opens a value for a stated purpose; errs.NotFound after erasure, ErrSealed if it does not fit.
func (v *Vault) Open(ctx context.Context, userID int64, class, purpose, field string, sealed []byte) (secret.String, error) {
	key, err := v.key(ctx, userID, class, purpose)
	if err != nil {
		return secret.String{}, err
	}
	return key.Open(userID, field, sealed)
}

// SealBytes is Seal for documents.
func (v *Vault) SealBytes(ctx context.Context, userID int64, class, field string, plain []byte) ([]byte, error) {
	key, err := v.key(ctx, userID, class, PurposeSeal)
	if err != nil {
		return nil, err
	}
	return key.SealBytes(userID, field, plain)
}

// OpenBytes is Open for documents.
func (v *Vault) OpenBytes(ctx context.Context, userID int64, class, purpose, field string, sealed []byte) ([]byte, error) {
	key, err := v.key(ctx, userID, class, purpose)
	if err != nil {
		return nil, err
	}
	return key.OpenBytes(userID, field, sealed)
}

// Key answers the key itself, for several values of one person in one use.
func (v *Vault) Key(ctx context.Context, userID int64, class, purpose string) (Key, error) {
	return v.key(ctx, userID, class, purpose)
}

func (v *Vault) key(ctx context.Context, userID int64, class, purpose string) (Key, error) {
	raw, err := v.source.ClassKey(ctx, userID, class, purpose)
	if err != nil {
		return Key{}, fmt.Errorf("data key of class %s: %w", class, err)
	}
	return ParseKey(raw)
}

// SealTo seals a value to a process's public sealing key (keys.Ring.PublicSeal).
func SealTo(publicKey, plain []byte) ([]byte, error) {
	return keys.SealTo(publicKey, plain)
}
