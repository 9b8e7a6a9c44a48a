package alpha

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/hengdai/hengdai/service/payment/channel"
)

const (
	headerKey       = "X-Key-Id"
	headerTime      = "X-Timestamp"
	headerNonce     = "X-Nonce"
	headerSignature = "X-Signature"

	// skew is how far a message's time may be from ours, by real time.
	skew = 5 * time.Minute
	// A nonce has at least 16 random bytes, in hex.
	nonceMin, nonceMax = 32, 128
)

// sign makes the headers of a message whose signed text begins with the given lines.
func sign(key ed25519.PrivateKey, keyID string, now time.Time, first string, body []byte) (http.Header, string) {
	var random [16]byte
	_, _ = rand.Read(random[:]) // never fails
	nonce := hex.EncodeToString(random[:])
	stamp := strconv.FormatInt(now.UnixMilli(), 10)
	signature := ed25519.Sign(key, text(first, stamp, nonce, body))
	h := http.Header{}
	h.Set(headerKey, keyID)
	h.Set(headerTime, stamp)
	h.Set(headerNonce, nonce)
	h.Set(headerSignature, base64.StdEncoding.EncodeToString(signature))
	return h, nonce
}

// check believes a message if its signature is the party's over the given first lines and its time is now.
func check(pub ed25519.PublicKey, keyID string, now time.Time, first string, h http.Header, body []byte) error {
	stamp, nonce := h.Get(headerTime), h.Get(headerNonce)
	signature, err := base64.StdEncoding.DecodeString(h.Get(headerSignature))
	switch {
	case err != nil || len(signature) != ed25519.SignatureSize:
		return fmt.Errorf("no signature: %w", channel.ErrSignature)
	case h.Get(headerKey) != keyID:
		return fmt.Errorf("another key: %w", channel.ErrSignature)
	case len(nonce) < nonceMin || len(nonce) > nonceMax:
		return fmt.Errorf("no nonce: %w", channel.ErrSignature)
	case !ed25519.Verify(pub, text(first, stamp, nonce, body), signature):
		return channel.ErrSignature
	}
	ms, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil {
		return fmt.Errorf("no time: %w", channel.ErrSignature)
	}
	if d := now.Sub(time.UnixMilli(ms)); d > skew || d < -skew {
		return channel.ErrStale
	}
	return nil
}

func text(first, stamp, nonce string, body []byte) []byte {
	sum := sha256.Sum256(body)
	return []byte(first + "\n" + stamp + "\n" + nonce + "\n" + hex.EncodeToString(sum[:]))
}
