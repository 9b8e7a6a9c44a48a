package beta

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/url"
	"sort"
	"strings"
	"unicode/utf8"

	"github.com/hengdai/hengdai/service/payment/channel"
)

const (
	fieldSignature = "signature"
	fieldsMax      = 64
)

// Form is one message: each field once.
type Form map[string]string

// ParseForm reads a form-encoded message. It refuses a field that comes twice, because two readers could then believe
// two different things under one signature.
func ParseForm(raw []byte) (Form, error) { return parseForm(raw, channel.MessageMax) }

func parseForm(raw []byte, most int) (Form, error) {
	if len(raw) > most {
		return nil, fmt.Errorf("the form is too large: %w", channel.ErrMalformed)
	}
	f := Form{}
	for part := range strings.SplitSeq(strings.TrimSpace(string(raw)), "&") {
		k, v, found := strings.Cut(part, "=")
		if !found {
			return nil, fmt.Errorf("a field has no value: %w", channel.ErrMalformed)
		}
		key, err := url.QueryUnescape(k)
		if err != nil {
			return nil, fmt.Errorf("a name is not encoded: %w", channel.ErrMalformed)
		}
		value, err := url.QueryUnescape(v)
		if err != nil {
			return nil, fmt.Errorf("a value is not encoded: %w", channel.ErrMalformed)
		}
		if err := f.add(key, value); err != nil {
			return nil, err
		}
	}
	return f, nil
}

// add puts a field in. Names are plain words; a separator in a name or a line end anywhere could make two forms with
// one signature.
func (f Form) add(key, value string) error {
	if _, twice := f[key]; twice {
		return fmt.Errorf("a field comes twice: %w", channel.ErrMalformed)
	}
	if key == "" || strings.Trim(key, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") != "" {
		return fmt.Errorf("a name is odd: %w", channel.ErrMalformed)
	}
	if !utf8.ValidString(value) {
		return fmt.Errorf("a value is no UTF-8: %w", channel.ErrMalformed)
	}
	if key != fieldSignature && strings.ContainsAny(value, "&") {
		return fmt.Errorf("a value holds a separator: %w", channel.ErrMalformed)
	}
	if len(f) >= fieldsMax {
		return fmt.Errorf("too many fields: %w", channel.ErrMalformed)
	}
	f[key] = value
	return nil
}

// Encode writes the form as it goes over the wire.
func (f Form) Encode() []byte {
	v := make(url.Values, len(f))
	for key, value := range f {
		v.Set(key, value)
	}
	return []byte(v.Encode())
}

// digest is what is signed: the hash, in hex, of the sorted fields without signature and empty values, hashed again by
// the signature scheme.
func (f Form) digest() []byte {
	names := make([]string, 0, len(f))
	for key, value := range f {
		if key != fieldSignature && value != "" {
			names = append(names, key)
		}
	}
	sort.Strings(names)
	var b strings.Builder
	for i, key := range names {
		if i > 0 {
			b.WriteByte('&')
		}
		b.WriteString(key)
		b.WriteByte('=')
		b.WriteString(f[key])
	}
	inner := sha256.Sum256([]byte(b.String()))
	outer := sha256.Sum256([]byte(hex.EncodeToString(inner[:])))
	return outer[:]
}

// Sign signs the form in place.
func (f Form) Sign(key *rsa.PrivateKey) error {
	signature, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, f.digest())
	if err != nil {
		return fmt.Errorf("signing a form: %w", err)
	}
	f[fieldSignature] = base64.StdEncoding.EncodeToString(signature)
	return nil
}

// Check believes the form if its signature is the key's.
func (f Form) Check(key *rsa.PublicKey) error {
	signature, err := base64.StdEncoding.DecodeString(f[fieldSignature])
	if err != nil || len(signature) == 0 {
		return fmt.Errorf("no signature: %w", channel.ErrSignature)
	}
	if err := rsa.VerifyPKCS1v15(key, crypto.SHA256, f.digest(), signature); err != nil {
		return channel.ErrSignature
	}
	return nil
}
