package bureau_test

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/hengdai/hengdai/kit/secret"
	"github.com/hengdai/hengdai/service/user/channel"
	"github.com/hengdai/hengdai/service/user/channel/bureau"
)

// answer is what a stand-in says and how it signs.
type answer struct {
	status                   int
	body                     string
	stamp                    time.Time
	unsigned, otherKey, echo bool
}

func key(seed byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed([]byte(strings.Repeat(string(rune('a'+seed)), ed25519.SeedSize)))
}

func hash(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// standIn checks our signature by the protocol's words and answers as told.
func standIn(t *testing.T, a answer) *bureau.Client {
	t.Helper()
	own, theirs := key(1), key(2)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		text := strings.Join([]string{r.Method, r.URL.Path, r.Header.Get("X-Timestamp"), r.Header.Get("X-Nonce"), hash(body)}, "\n")
		sig, _ := base64.StdEncoding.DecodeString(r.Header.Get("X-Signature"))
		if !ed25519.Verify(own.Public().(ed25519.PublicKey), []byte(text), sig) || len(r.Header.Get("X-Nonce")) < 32 || r.Header.Get("X-Key-Id") != "merchant-bureau" {
			t.Error("our request is not signed as agreed")
		}
		nonce := r.Header.Get("X-Nonce")
		if a.echo {
			nonce = "another request's nonce"
		}
		stamp := strconv.FormatInt(a.stamp.UnixMilli(), 10)
		signer := theirs
		if a.otherKey {
			signer = key(3)
		}
		answerText := strings.Join([]string{strconv.Itoa(a.status), nonce, stamp, "n", hash([]byte(a.body))}, "\n")
		if !a.unsigned {
			w.Header().Set("X-Timestamp", stamp)
			w.Header().Set("X-Nonce", "n")
			w.Header().Set("X-Signature", base64.StdEncoding.EncodeToString(ed25519.Sign(signer, []byte(answerText))))
		}
		w.WriteHeader(a.status)
		_, _ = io.WriteString(w, a.body)
	}))
	t.Cleanup(srv.Close)
	c, err := bureau.New(bureau.Config{BaseURL: srv.URL + "/bureau/", Own: own, Theirs: theirs.Public().(ed25519.PublicKey)})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func question() channel.Question {
	return channel.Question{RequestID: "77", Name: secret.New("某人"), IDNo: secret.New("990000199001010011"), CardNo: secret.New("9901001234567890123"),
		Mobile: secret.New("12000000001")}
}

func say(fields map[string]string) string {
	raw, _ := json.Marshal(fields)
	return string(raw)
}

func TestTheClosedListOfAnswersIsUnderstood(t *testing.T) {
	for _, c := range []struct {
		code, result string
		want         channel.Result
		err          error
	}{
		{"0000", "MATCH", channel.Match, nil}, {"0000", "MISMATCH", channel.Mismatch, nil}, {"0000", "NO_RECORD", channel.NoRecord, nil},
		{"1001", "", channel.BadIDNo, nil}, {"1002", "", channel.BadCardNo, nil},
		{"2001", "", "", channel.ErrReused}, {"9001", "", "", channel.ErrUnknown}, {"0000", "PERHAPS", "", channel.ErrUnknown}, {"7777", "MATCH", "", channel.ErrUnknown},
	} {
		client := standIn(t, answer{status: 200, stamp: time.Now(), body: say(map[string]string{"request_id": "77", "code": c.code, "result": c.result, "bank": "CCB"})})
		got, err := client.Verify(t.Context(), question())
		if got.Result != c.want || !errors.Is(err, c.err) {
			t.Errorf("%s %s gives %v, %v", c.code, c.result, got, err)
		}
	}
}

func TestOnlyAFreshSignedAnswerToThisRequestCounts(t *testing.T) {
	good := say(map[string]string{"request_id": "77", "code": "0000", "result": "MATCH"})
	for name, a := range map[string]answer{
		"unsigned":                 {status: 200, body: good, stamp: time.Now(), unsigned: true},
		"signed by somebody else":  {status: 200, body: good, stamp: time.Now(), otherKey: true},
		"old":                      {status: 200, body: good, stamp: time.Now().Add(-6 * time.Minute)},
		"from the future":          {status: 200, body: good, stamp: time.Now().Add(6 * time.Minute)},
		"to another request":       {status: 200, body: good, stamp: time.Now(), echo: true},
		"about another request id": {status: 200, body: say(map[string]string{"request_id": "78", "code": "0000", "result": "MATCH"}), stamp: time.Now()},
		"no JSON":                  {status: 200, body: "<html>", stamp: time.Now()},
	} {
		if _, err := standIn(t, a).Verify(t.Context(), question()); !errors.Is(err, channel.ErrUnknown) {
			t.Errorf("an answer that is %s: %v", name, err)
		}
	}
}

func TestAnErrorNeverHoldsWhatWasAsked(t *testing.T) {
	client, err := bureau.New(bureau.Config{BaseURL: "http://127.0.0.1:1", Own: key(1), Theirs: key(2).Public().(ed25519.PublicKey)})
	if err != nil {
		t.Fatal(err)
	}
	q := question()
	_, err = client.Verify(t.Context(), q)
	if !errors.Is(err, channel.ErrUnknown) || strings.Contains(err.Error(), q.IDNo.Reveal()) || strings.Contains(err.Error(), q.Name.Reveal()) {
		t.Fatalf("%v", err)
	}
	for _, base := range []string{"", "ftp://x", "not a url", "http://"} {
		if _, err := bureau.New(bureau.Config{BaseURL: base, Own: key(1), Theirs: key(2).Public().(ed25519.PublicKey)}); err == nil {
			t.Errorf("%q is taken for an address", base)
		}
	}
}
