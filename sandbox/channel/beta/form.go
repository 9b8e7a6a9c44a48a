package beta

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/url"
	"slices"
	"strings"
)

// fields are a message: one value a name.
type fields map[string]string

// parse reads a form; a name that comes twice makes it invalid.
func parse(body []byte) (fields, bool) {
	values, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, false
	}
	f := fields{}
	for name, list := range values {
		if len(list) != 1 {
			return nil, false
		}
		f[name] = list[0]
	}
	return f, true
}

// digest is what is signed: the hex SHA-256 of the sorted k=v pairs without the signature and empty values.
func (f fields) digest() []byte {
	names := make([]string, 0, len(f))
	for name, value := range f {
		if name != "signature" && value != "" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	pairs := make([]string, len(names))
	for i, name := range names {
		pairs[i] = name + "=" + f[name]
	}
	sum := sha256.Sum256([]byte(strings.Join(pairs, "&")))
	again := sha256.Sum256([]byte(hex.EncodeToString(sum[:])))
	return again[:]
}

func (f fields) verify(key *rsa.PublicKey) bool {
	sig, err := base64.StdEncoding.DecodeString(f["signature"])
	return err == nil && rsa.VerifyPKCS1v15(key, crypto.SHA256, f.digest(), sig) == nil
}

func (f fields) sign(key *rsa.PrivateKey) error {
	sig, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, f.digest())
	if err != nil {
		return err
	}
	f["signature"] = base64.StdEncoding.EncodeToString(sig)
	return nil
}

func (f fields) encode() []byte {
	values := url.Values{}
	for name, value := range f {
		values.Set(name, value)
	}
	return []byte(values.Encode())
}
