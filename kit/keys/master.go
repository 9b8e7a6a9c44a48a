package keys

import (
	"bytes"
	"crypto/rand"
	"fmt"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/tink"
)

const (
	kekName   = "user.kek"
	indexName = "user.index"
	kekKind   = "HENGDAI KEY ENCRYPTION KEYSET"
	indexKind = "HENGDAI INDEX KEY"
	indexLen  = 32
)

// KEK answers the key-encryption key under which user wraps the keysets of persons. Without its file no personal value
// in any database can be read.
func KEK(dir string, create bool) (tink.AEAD, error) {
	raw, err := private(dir, kekName, kekKind, create, func() ([]byte, error) {
		handle, err := keyset.NewHandle(aead.AES256GCMKeyTemplate())
		if err != nil {
			return nil, err
		}
		var out bytes.Buffer
		err = insecurecleartextkeyset.Write(handle, keyset.NewBinaryWriter(&out))
		return out.Bytes(), err
	})
	if err != nil {
		return nil, fmt.Errorf("key-encryption key: %w", err)
	}
	handle, err := insecurecleartextkeyset.Read(keyset.NewBinaryReader(bytes.NewReader(raw)))
	if err != nil {
		return nil, fmt.Errorf("reading the key-encryption key: %w", err)
	}
	kek, err := aead.New(handle)
	if err != nil {
		return nil, fmt.Errorf("using the key-encryption key: %w", err)
	}
	return kek, nil
}

// IndexMaster answers the key from which the blind-index keys of all fields are derived. It is not rotated: an index
// under another key finds nothing.
func IndexMaster(dir string, create bool) ([]byte, error) {
	key, err := private(dir, indexName, indexKind, create, func() ([]byte, error) {
		made := make([]byte, indexLen)
		_, err := rand.Read(made)
		return made, err
	})
	if err != nil {
		return nil, fmt.Errorf("index master key: %w", err)
	}
	if len(key) != indexLen {
		return nil, fmt.Errorf("keys: %s.key has a wrong length", indexName)
	}
	return key, nil
}
