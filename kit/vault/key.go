package vault

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/tink"

	"github.com/hengdai/hengdai/kit/secret"
)

// algorithmTink is the first byte of what is sealed by AES-256-GCM in tink's format (which names the key in its next
// five bytes, so that rotation finds the right one).
const algorithmTink byte = 1

// ErrSealed says that a sealed value does not open: another key, another field, another person, or a changed byte.
var ErrSealed = errors.New("vault: the value does not open")

// Key is a person's data key of one retention class. It prints nothing.
type Key struct {
	primitive tink.AEAD
	raw       func() []byte
}

// NewKey makes a data key.
func NewKey() (Key, error) {
	handle, err := keyset.NewHandle(aead.AES256GCMKeyTemplate())
	if err != nil {
		return Key{}, fmt.Errorf("making a data key: %w", err)
	}
	return keyOf(handle)
}

// ParseKey reads a serialised keyset.
func ParseKey(raw []byte) (Key, error) {
	handle, err := insecurecleartextkeyset.Read(keyset.NewBinaryReader(bytes.NewReader(raw)))
	if err != nil {
		return Key{}, fmt.Errorf("reading a data key: %w", err)
	}
	return keyOf(handle)
}

func keyOf(handle *keyset.Handle) (Key, error) {
	primitive, err := aead.New(handle)
	if err != nil {
		return Key{}, fmt.Errorf("using a data key: %w", err)
	}
	var out bytes.Buffer
	if err := insecurecleartextkeyset.Write(handle, keyset.NewBinaryWriter(&out)); err != nil {
		return Key{}, fmt.Errorf("serialising a data key: %w", err)
	}
	return Key{primitive: primitive, raw: out.Bytes}, nil
}

// Bytes answers the serialised keyset, to be wrapped or sealed at once.
func (k Key) Bytes() []byte { return bytes.Clone(k.raw()) }

// Format prints nothing of the key.
func (k Key) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(secret.Hidden)) }

// Seal seals one field's value of one person.
func (k Key) Seal(userID int64, field string, value secret.String) ([]byte, error) {
	return k.SealBytes(userID, field, []byte(value.Reveal()))
}

// Open opens what Seal made for the same field and person, else ErrSealed.
func (k Key) Open(userID int64, field string, sealed []byte) (secret.String, error) {
	plain, err := k.OpenBytes(userID, field, sealed)
	if err != nil {
		return secret.String{}, err
	}
	return secret.New(string(plain)), nil
}

// SealBytes seals a document or another value that is not a short text.
func (k Key) SealBytes(userID int64, field string, plain []byte) ([]byte, error) {
	text, err := k.primitive.Encrypt(plain, bound(userID, field))
	if err != nil {
		return nil, fmt.Errorf("sealing %s: %w", field, err)
	}
	return append([]byte{algorithmTink}, text...), nil
}

// OpenBytes opens what SealBytes made.
func (k Key) OpenBytes(userID int64, field string, sealed []byte) ([]byte, error) {
	if len(sealed) < 2 || sealed[0] != algorithmTink {
		return nil, fmt.Errorf("opening %s: %w", field, ErrSealed)
	}
	plain, err := k.primitive.Decrypt(sealed[1:], bound(userID, field))
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", field, ErrSealed)
	}
	return plain, nil
}

// Wrap encrypts the keyset for storage under the key-encryption key, bound to person and class.
func (k Key) Wrap(kek tink.AEAD, userID int64, class string) ([]byte, error) {
	wrapped, err := kek.Encrypt(k.raw(), bound(userID, "keyset "+class))
	if err != nil {
		return nil, fmt.Errorf("wrapping a data key: %w", err)
	}
	return wrapped, nil
}

// Unwrap reads back what Wrap made.
func Unwrap(kek tink.AEAD, userID int64, class string, wrapped []byte) (Key, error) {
	raw, err := kek.Decrypt(wrapped, bound(userID, "keyset "+class))
	if err != nil {
		return Key{}, fmt.Errorf("unwrapping a data key: %w", ErrSealed)
	}
	return ParseKey(raw)
}

// bound is the associated data: the field and the person a value belongs to.
func bound(userID int64, field string) []byte {
	return []byte(field + "|" + strconv.FormatInt(userID, 10))
}
