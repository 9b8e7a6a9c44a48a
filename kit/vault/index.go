package vault

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"sync"

	"github.com/hengdai/hengdai/kit/secret"
)

// Index makes blind indexes: the same value of the same field gives the same text, and nobody without the key can try
// values against it. Each field has its own key, derived from one master key.
type Index struct {
	master func() []byte

	mu     sync.Mutex
	fields map[string][]byte
}

// NewIndex answers an index under a master key (keys.IndexMaster).
func NewIndex(master []byte) (*Index, error) {
	if len(master) < sha256.Size {
		return nil, fmt.Errorf("vault: an index key of %d bytes is too short", len(master))
	}
	return &Index{master: func() []byte { return master }, fields: map[string][]byte{}}, nil
}

// Of answers the blind index of a value: HMAC-SHA256 in hexadecimal. Callers bring the value into its one written form
// before (no blanks, capital X).
func (x *Index) Of(field string, value secret.String) string {
	mac := hmac.New(sha256.New, x.key(field))
	mac.Write([]byte(value.Reveal()))
	return hex.EncodeToString(mac.Sum(nil))
}

// Format prints nothing of the key.
func (x *Index) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(secret.Hidden)) }

func (x *Index) key(field string) []byte {
	x.mu.Lock()
	defer x.mu.Unlock()
	if k, ok := x.fields[field]; ok {
		return k
	}
	k, err := hkdf.Key(sha256.New, x.master(), nil, "hengdai blind index "+field, sha256.Size)
	if err != nil { // only lengths can be wrong, and they are constants
		panic(err)
	}
	x.fields[field] = k
	return k
}
