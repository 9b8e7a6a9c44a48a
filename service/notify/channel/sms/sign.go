package sms

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

	"github.com/hengdai/hengdai/service/notify/channel"
)

const (
	party = "sms"

	headerKey       = "X-Key-Id"
	headerTime      = "X-Timestamp"
	headerNonce     = "X-Nonce"
	headerSignature = "X-Signature"

	// skew is how far a message's time may be from ours, by real time.
	skew = 5 * time.Minute
)

// sign signs a request and answers its nonce.
func (c *client) sign(r *http.Request, now time.Time, body []byte) string {
	var random [16]byte
	_, _ = rand.Read(random[:]) // never fails
	nonce, stamp := hex.EncodeToString(random[:]), strconv.FormatInt(now.UnixMilli(), 10)
	signature := ed25519.Sign(c.private, text(r.Method+"\n"+r.URL.Path, stamp, nonce, body))
	r.Header.Set(headerKey, "merchant-"+party)
	r.Header.Set(headerTime, stamp)
	r.Header.Set(headerNonce, nonce)
	r.Header.Set(headerSignature, base64.StdEncoding.EncodeToString(signature))
	return nonce
}

// check believes a message if the provider signed it over the first lines and its time is now.
func (c *client) check(now time.Time, first string, h http.Header, body []byte) error {
	stamp, nonce := h.Get(headerTime), h.Get(headerNonce)
	signature, err := base64.StdEncoding.DecodeString(h.Get(headerSignature))
	ms, timeErr := strconv.ParseInt(stamp, 10, 64)
	switch {
	case err != nil || len(signature) != ed25519.SignatureSize || timeErr != nil:
		return fmt.Errorf("no signature: %w", channel.ErrSignature)
	case h.Get(headerKey) != "party-"+party:
		return fmt.Errorf("another key: %w", channel.ErrSignature)
	case len(nonce) < 32 || len(nonce) > 128:
		return fmt.Errorf("no nonce: %w", channel.ErrSignature)
	case !ed25519.Verify(c.public, text(first, stamp, nonce, body), signature):
		return channel.ErrSignature
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
