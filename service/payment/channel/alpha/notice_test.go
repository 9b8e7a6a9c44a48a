package alpha_test

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/hengdai/hengdai/kit/keys"
	"github.com/hengdai/hengdai/service/payment/channel"
	"github.com/hengdai/hengdai/service/payment/channel/alpha"
)

const path = "/callbacks/payment/alpha"

func message(key ed25519.PrivateKey, body []byte) channel.Received {
	stamp, nonce, sum := strconv.FormatInt(time.Now().UnixMilli(), 10), "00112233445566778899aabbccddeeff", sha256.Sum256(body)
	text := "POST\n" + path + "\n" + stamp + "\n" + nonce + "\n" + hex.EncodeToString(sum[:])
	return channel.Received{Method: http.MethodPost, Path: path, Body: body, Header: http.Header{
		"X-Key-Id": {"party-alpha"}, "X-Timestamp": {stamp}, "X-Nonce": {nonce},
		"X-Signature": {base64.StdEncoding.EncodeToString(ed25519.Sign(key, []byte(text)))},
	}}
}

func open(t testing.TB) (channel.Channel, ed25519.PrivateKey) {
	t.Helper()
	dir := t.TempDir()
	key, err := keys.Ed25519(dir, "party-alpha", true)
	if err != nil {
		t.Fatal(err)
	}
	ch, err := alpha.New(channel.Config{Channel: "alpha", BaseURL: "http://127.0.0.1:1/alpha", MerchantID: "M1", KeysDir: dir, MakeKeys: true})
	if err != nil {
		t.Fatal(err)
	}
	return ch, key
}

func FuzzASignedMessageIsReadSoThatItCanBeStoredOrRefused(f *testing.F) {
	ch, key := open(f)
	for _, seed := range []string{
		`{"request_no":"1","status":"SUCCESS","code":"OK","amount_minor":100,"finished_at_ms":1795000000000}`, `{}`, `[]`, `null`, `{"request_no":1}`,
		`{"request_no":"1","status":"FAILED","code":"CARD_CLOSED"}`, `{"request_no":"1","amount_minor":-1}`, `{"request_no":"1","finished_at_ms":9223372036854775807}`,
		`{"request_no":"1","settled_on":"2026-02-30"}`, `{"merchant_id":"M2","request_no":"1"}`, `{"request_no":"1","message":"` + "\\ud800" + `"}`, `{"fee_minor":1e9}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		n, err := ch.Notice(message(key, body))
		if err != nil {
			if !errors.Is(err, channel.ErrMalformed) {
				t.Fatalf("a signed message is refused for another reason: %v", err)
			}
			return
		}
		if len(n.Code) > 64 || len(n.ChannelNo) > 64 || len(n.Message) > 1000 || len(n.MovedOn) > 10 || len(n.SettledOn) > 10 || n.AmountMinor < 0 || n.FeeMinor < 0 {
			t.Fatalf("cannot be stored: %+v", n)
		}
	})
}

func TestAMessageIsForOneMomentOnly(t *testing.T) {
	ch, key := open(t)
	m := message(key, []byte(`{"request_no":"1","status":"SUCCESS","code":"OK"}`))
	if _, err := ch.Notice(m); err != nil {
		t.Fatal(err)
	}
	m.Header.Set("X-Timestamp", strconv.FormatInt(time.Now().Add(time.Hour).UnixMilli(), 10))
	if _, err := ch.Notice(m); !errors.Is(err, channel.ErrSignature) {
		t.Errorf("another time under the old signature: %v", err)
	}
	short := message(key, []byte(`{}`))
	short.Header.Set("X-Nonce", "1234")
	if _, err := ch.Notice(short); !errors.Is(err, channel.ErrSignature) {
		t.Errorf("a short nonce: %v", err)
	}
}
