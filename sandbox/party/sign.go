package party

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Skew is how far the timestamp of a signed message may be from real time.
const Skew = 5 * time.Minute

// Headers of a signed message.
const (
	headerKeyID     = "X-Key-Id"
	headerTimestamp = "X-Timestamp"
	headerNonce     = "X-Nonce"
	headerSignature = "X-Signature"
)

// Refusal is why a signed request was not let in: the code its 401 carries. Empty: it was let in.
type Refusal string

// The refusals.
const (
	SignatureInvalid Refusal = "SIGNATURE_INVALID"
	TimestampStale   Refusal = "TIMESTAMP_STALE"
	NonceRepeated    Refusal = "NONCE_REPEATED"
)

// Identity is a party's name with the keys of both sides.
type Identity struct {
	Party   string
	Private ed25519.PrivateKey
	// Merchant is our public key, by which the party checks our requests.
	Merchant ed25519.PublicKey
}

// KeyID names the party's own key.
func (i Identity) KeyID() string { return "party-" + i.Party }

// MerchantKeyID names our key at the party.
func (i Identity) MerchantKeyID() string { return "merchant-" + i.Party }

// Signed is what a valid signature tells.
type Signed struct {
	Nonce string
	At    time.Time
}

// Check verifies a request's signature and age. prefix is the party's own path prefix: a client may sign the path with
// it or without. Whether the nonce came before is the caller's to ask (Nonces.First).
func (i Identity) Check(r *http.Request, prefix string, body []byte, now time.Time) (Signed, Refusal) {
	h := r.Header
	nonce := h.Get(headerNonce)
	raw, err := hex.DecodeString(nonce)
	if err != nil || len(raw) < 16 || len(raw) > 64 || h.Get(headerKeyID) != i.MerchantKeyID() {
		return Signed{}, SignatureInvalid
	}
	ms, err := strconv.ParseInt(h.Get(headerTimestamp), 10, 64)
	if err != nil {
		return Signed{}, SignatureInvalid
	}
	sig, err := base64.StdEncoding.DecodeString(h.Get(headerSignature))
	if err != nil {
		return Signed{}, SignatureInvalid
	}
	sum := hexSum(body)
	valid := ed25519.Verify(i.Merchant, requestText(r.Method, r.URL.Path, ms, nonce, sum), sig)
	if bare, cut := strings.CutPrefix(r.URL.Path, prefix); !valid && cut {
		valid = ed25519.Verify(i.Merchant, requestText(r.Method, bare, ms, nonce, sum), sig)
	}
	if !valid {
		return Signed{}, SignatureInvalid
	}
	at := time.UnixMilli(ms)
	if at.Before(now.Add(-Skew)) || at.After(now.Add(Skew)) {
		return Signed{}, TimestampStale
	}
	return Signed{Nonce: nonce, At: at}, ""
}

// SignAnswer signs the answer to a request that carried requestNonce.
func (i Identity) SignAnswer(h http.Header, status int, requestNonce string, body []byte, now time.Time) {
	nonce, ms := newNonce(), now.UnixMilli()
	text := strconv.Itoa(status) + "\n" + requestNonce + "\n" + strconv.FormatInt(ms, 10) + "\n" + nonce + "\n" + hexSum(body)
	i.stamp(h, ms, nonce, []byte(text))
}

// SignRequest signs a callback.
func (i Identity) SignRequest(r *http.Request, body []byte, now time.Time) {
	nonce, ms := newNonce(), now.UnixMilli()
	i.stamp(r.Header, ms, nonce, requestText(r.Method, r.URL.Path, ms, nonce, hexSum(body)))
}

func (i Identity) stamp(h http.Header, ms int64, nonce string, text []byte) {
	h.Set(headerKeyID, i.KeyID())
	h.Set(headerTimestamp, strconv.FormatInt(ms, 10))
	h.Set(headerNonce, nonce)
	h.Set(headerSignature, base64.StdEncoding.EncodeToString(ed25519.Sign(i.Private, text)))
}

func requestText(method, path string, ms int64, nonce, sum string) []byte {
	return []byte(method + "\n" + path + "\n" + strconv.FormatInt(ms, 10) + "\n" + nonce + "\n" + sum)
}

func newNonce() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails: it would end the process
	return hex.EncodeToString(b[:])
}

func hexSum(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// HashOf makes one hash of the values that make a request what it is.
func HashOf(values ...string) string {
	h := sha256.New()
	for _, v := range values {
		h.Write([]byte(strconv.Itoa(len(v)) + ":" + v))
	}
	return hex.EncodeToString(h.Sum(nil))
}
