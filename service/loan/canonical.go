package loan

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
)

// canonical writes v as JSON that anybody can write again byte by byte: keys sorted, no blanks, no escapes beyond those
// JSON asks for, whole numbers only (records hold no fractions).
func canonical(v any) ([]byte, error) {
	first, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("writing a record: %w", err)
	}
	dec := json.NewDecoder(bytes.NewReader(first))
	dec.UseNumber()
	var tree any
	if err := dec.Decode(&tree); err != nil {
		return nil, fmt.Errorf("reading a record back: %w", err)
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(tree); err != nil {
		return nil, fmt.Errorf("writing a canonical record: %w", err)
	}
	return bytes.TrimRight(out.Bytes(), "\n"), nil
}

// fingerprint is the SHA-256 of a record, hex.
func fingerprint(record []byte) string {
	sum := sha256.Sum256(record)
	return hex.EncodeToString(sum[:])
}
