package payment_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	paymentv1 "github.com/hengdai/hengdai/api/payment/v1"
	"github.com/hengdai/hengdai/kit/keys"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/kit/store/storetest"
	"github.com/hengdai/hengdai/service/payment"
	"github.com/hengdai/hengdai/service/payment/channel/beta"
)

const (
	alphaPath = "/callbacks/payment/alpha"
	betaPath  = "/callbacks/payment/beta"
)

// alphaSays signs a callback as alpha does.
func (r *rig) alphaSays(path, body string, at time.Time) (http.Header, []byte) {
	r.t.Helper()
	key, err := keys.Ed25519(r.keys(), "party-alpha", false)
	r.must(err)
	return signed(key, path, body, at), []byte(body)
}

func signed(key ed25519.PrivateKey, path, body string, at time.Time) http.Header {
	var nonce [16]byte
	_, _ = rand.Read(nonce[:])
	stamp, sum := strconv.FormatInt(at.UnixMilli(), 10), sha256.Sum256([]byte(body))
	text := "POST\n" + path + "\n" + stamp + "\n" + hex.EncodeToString(nonce[:]) + "\n" + hex.EncodeToString(sum[:])
	return http.Header{
		"X-Key-Id": {"party-alpha"}, "X-Timestamp": {stamp}, "X-Nonce": {hex.EncodeToString(nonce[:])},
		"X-Signature": {base64.StdEncoding.EncodeToString(ed25519.Sign(key, []byte(text)))},
	}
}

func success(requestNo string, amount int64) string {
	return `{"request_no":"` + requestNo + `","channel_no":"A1","status":"SUCCESS","code":"OK","amount_minor":` + strconv.FormatInt(amount, 10) + `,"fee_minor":100,"finished_at_ms":` +
		strconv.FormatInt(time.Now().UnixMilli(), 10) + `}`
}

// open makes an order whose attempt the channel has, but of whose end nothing is known: its calls and callbacks are lost.
func (r *rig) unknown(n int, kind string) *paymentv1.Order {
	r.t.Helper()
	r.setDeaf(true)
	r.line.hold(false, true)
	o := r.create(r.request(n, kind, 100_00))
	for r.line.waiting() == 0 {
		time.Sleep(time.Millisecond)
	}
	return r.get(o.GetOrderId())
}

func TestOnlyWhatTheChannelItselfSaysNowIsBelieved(t *testing.T) {
	r := start(t, storetest.SQLite(t), only("alpha"))
	o := r.unknown(1, "disbursement")
	no := o.GetAttempts()[0].GetRequestNo()
	_, other, err := ed25519.GenerateKey(rand.Reader)
	r.must(err)
	now := time.Now()
	good, body := r.alphaSays(alphaPath, success(no, 100_00), now)
	elsewhere, _ := r.alphaSays(betaPath, string(body), now)
	old, _ := r.alphaSays(alphaPath, string(body), now.Add(-6*time.Minute))
	early, _ := r.alphaSays(alphaPath, string(body), now.Add(6*time.Minute))
	foreign, foreignBody := r.alphaSays(alphaPath, success("123456789", 100_00), now)
	words, wordsBody := r.alphaSays(alphaPath, success("no-such-number", 100_00), now)
	broken, brokenBody := r.alphaSays(alphaPath, `{"request_no":`, now)
	dated, datedBody := r.alphaSays(alphaPath, strings.Replace(success(no, 100_00), `"fee_minor":100`, `"settled_on":"2026-02-30"`, 1), now)
	for _, c := range []struct {
		name, reason string
		status       int
		method, path string
		header       http.Header
		body         []byte
	}{
		{"forged by another key", "signature", 401, "POST", alphaPath, signed(other, alphaPath, string(body), now), body},
		{"without signature", "signature", 401, "POST", alphaPath, http.Header{}, body},
		{"altered on its way", "signature", 401, "POST", alphaPath, good, bytes.Replace(body, []byte("10000"), []byte("10001"), 1)},
		{"signed for another path", "signature", 401, "POST", alphaPath, elsewhere, body},
		{"too old", "stale", 401, "POST", alphaPath, old, body},
		{"from the future", "stale", 401, "POST", alphaPath, early, body},
		{"about an order we never made", "unknown_order", 404, "POST", alphaPath, foreign, foreignBody},
		{"about a number that is none of ours", "unknown_order", 404, "POST", alphaPath, words, wordsBody},
		{"unreadable", "malformed", 400, "POST", alphaPath, broken, brokenBody},
		{"with a date that does not exist", "malformed", 400, "POST", alphaPath, dated, datedBody},
		{"by another method", "method", 405, "PUT", alphaPath, good, body},
		{"too large", "too_large", 413, "POST", alphaPath, good, bytes.Repeat([]byte("x"), 65<<10)},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := r.refusals()["alpha/"+c.reason]
			if status, _ := r.deliver(c.method, c.path, c.header, c.body); status != c.status {
				t.Errorf("answered %d, want %d", status, c.status)
			}
			if after := r.refusals()["alpha/"+c.reason]; after != before+1 {
				t.Errorf("counted %d times", after-before)
			}
			if now := r.get(o.GetOrderId()); now.GetState() != "SENDING" || now.GetVersion() != o.GetVersion() {
				t.Errorf("the order changed: %v", now)
			}
		})
	}
	if status, text := r.deliver("POST", alphaPath, good, body); status != 200 || text != "OK" {
		t.Fatalf("the channel's own word is answered %d %q", status, text)
	}
	if s := r.get(o.GetOrderId()).GetState(); s != "PAID" {
		t.Errorf("the order is %s", s)
	}
	if status, _ := r.deliver("POST", alphaPath, good, body); status != 401 {
		t.Errorf("the same message with the same nonce is answered %d", status)
	}
	again, _ := r.alphaSays(alphaPath, string(body), time.Now())
	if status, _ := r.deliver("POST", alphaPath, again, body); status != 200 {
		t.Errorf("the same news once more is answered %d", status)
	}
	if got := r.balance("2290"); got != 100_00 {
		t.Errorf("clearing holds %d", got)
	}
}

// betaSays signs a form as beta does.
func (r *rig) betaSays(f beta.Form) []byte {
	r.t.Helper()
	key, err := keys.RSA(r.keys(), "party-beta", false)
	r.must(err)
	r.must(f.Sign(key))
	return f.Encode()
}

func TestBetaIsBelievedOnlyUnderItsOwnSignature(t *testing.T) {
	r := start(t, storetest.SQLite(t), only("beta"))
	o := r.unknown(1, "debit")
	no := o.GetAttempts()[0].GetRequestNo()
	say := func() beta.Form {
		return beta.Form{"certId": "party-beta", "merId": "M1", "orderId": no, "respCode": "00", "queryId": "B1", "txnAmt": "10000", "settleDate": time.Now().Format("20060102")}
	}
	form := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
	foreign, err := rsa.GenerateKey(rand.Reader, 2048)
	r.must(err)
	forged := say()
	r.must(forged.Sign(foreign))
	mine := say()
	mine["merId"] = "M2"
	good := r.betaSays(say())
	twice := append(bytes.Clone(good), []byte("&txnAmt=1")...)
	for name, body := range map[string][]byte{
		"forged": forged.Encode(), "altered": bytes.Replace(good, []byte("txnAmt=10000"), []byte("txnAmt=1"), 1),
		"for another merchant": r.betaSays(mine), "with a field twice": twice, "empty": {}, "not a form": []byte(`{"a":1}`),
	} {
		if status, _ := r.deliver("POST", betaPath, form, body); status/100 != 4 {
			t.Errorf("%s: answered %d", name, status)
		}
		if s := r.get(o.GetOrderId()).GetState(); s != "SENDING" {
			t.Fatalf("%s: the order is %s", name, s)
		}
	}
	for range 3 { // beta repeats the same bytes until it is thanked
		if status, text := r.deliver("POST", betaPath, form, good); status != 200 || text != "ok" {
			t.Fatalf("beta's own word is answered %d %q", status, text)
		}
	}
	if s := r.get(o.GetOrderId()).GetState(); s != "PAID" {
		t.Errorf("the order is %s", s)
	}
	if got := r.balance("2290"); got != -100_00 {
		t.Errorf("clearing holds %d", got)
	}
	if n := len(r.refusals()); n == 0 {
		t.Error("nothing was counted as refused")
	}
}

func TestSixtyFourOfTheSameCallbackAtOnceAreOne(t *testing.T) {
	each(t, func(t *testing.T, cfg store.Config) {
		r := start(t, cfg, only("alpha"))
		o := r.unknown(1, "disbursement")
		no := o.GetAttempts()[0].GetRequestNo()
		var all sync.WaitGroup
		var ok, refused atomic.Int64
		header, body := r.alphaSays(alphaPath, success(no, 100_00), time.Now())
		for i := range 64 {
			h := header
			if i%2 == 0 { // half are the same message, half the same news in a new message
				h, _ = r.alphaSays(alphaPath, string(body), time.Now())
			}
			all.Go(func() {
				switch status, _ := r.deliver("POST", alphaPath, h, body); status {
				case 200:
					ok.Add(1)
				case 401:
					refused.Add(1)
				default:
					t.Errorf("answered %d", status)
				}
			})
		}
		all.Wait()
		if ok.Load() != 33 || refused.Load() != 31 {
			t.Errorf("%d were taken, %d refused", ok.Load(), refused.Load())
		}
		d := r.detail(o.GetOrderId())
		if d.GetOrder().GetState() != "PAID" || len(d.GetEntries()) != 2 || r.balance("2290") != 100_00 {
			t.Errorf("after the race: %v", d)
		}
	})
}

func TestACallbackAndAQueryThatRaceMoveTheOrderOnce(t *testing.T) {
	each(t, func(t *testing.T, cfg store.Config) {
		r := start(t, cfg, only("alpha"))
		for n := 1; n <= 6; n++ {
			o := r.unknown(n, "debit")
			no := o.GetAttempts()[0].GetRequestNo()
			r.line.release() // the worker queries 0.3 s after the lost answer
			time.Sleep(300 * time.Millisecond)
			header, body := r.alphaSays(alphaPath, success(no, 100_00), time.Now())
			if status, _ := r.deliver("POST", alphaPath, header, body); status != 200 {
				t.Errorf("answered %d", status)
			}
			r.await(o.GetOrderId(), "PAID")
			if d := r.detail(o.GetOrderId()); len(d.GetEntries()) != 2 {
				t.Errorf("entries: %v", d.GetEntries())
			}
		}
		if got := r.balance("2290"); got != -600_00 {
			t.Errorf("clearing holds %d", got)
		}
	})
}

func TestTwoProcessesOnOneDatabaseSendAnOrderOnce(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	cfg := storetest.MySQL(t, payment.Schema())
	r := start(t, cfg, only("alpha"))
	first := r.stop
	r.open() // a second process
	second := r.stop
	r.stop = func() { first(); second() }
	var ids []int64
	for n := 1; n <= 20; n++ {
		ids = append(ids, r.create(r.request(n, "disbursement", 10_00)).GetOrderId())
	}
	for _, orderID := range ids {
		r.paidOnce(orderID)
	}
	if n := r.moved(); n != 20 {
		t.Errorf("the channel moved money %d times for 20 orders", n)
	}
}
