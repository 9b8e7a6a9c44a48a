package sandbox_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hengdai/hengdai/kit/clock"
	"github.com/hengdai/hengdai/kit/keys"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/sandbox"
	"github.com/hengdai/hengdai/sandbox/party"
	"github.com/hengdai/hengdai/sandbox/people"
)

// rig is a sandbox with a merchant beside it that signs, checks signatures and takes callbacks.
type rig struct {
	t      testing.TB
	dir    string
	url    string
	box    *sandbox.Sandbox
	offset *clock.Offset
	stop   func()

	mu        sync.Mutex
	callbacks []callback
	deny      int // so many callbacks are answered 503 first
	taker     *httptest.Server
}

type callback struct {
	path   string
	header http.Header
	body   []byte
}

type option func(*sandbox.Deps)

func laterPPM(ppm int64) option { return func(d *sandbox.Deps) { d.AlphaLaterPPM = &ppm } }

func start(t testing.TB, options ...option) *rig {
	t.Helper()
	r := &rig{t: t, dir: t.TempDir(), offset: &clock.Offset{}}
	r.copyKeys()
	r.taker = httptest.NewServer(http.HandlerFunc(r.take))
	t.Cleanup(r.taker.Close)
	r.open(options...)
	t.Cleanup(func() { r.stop() })
	return r
}

func (r *rig) copyKeys() {
	r.t.Helper()
	files, err := filepath.Glob(filepath.Join(sharedKeys(), "*"))
	if err == nil {
		err = os.Mkdir(filepath.Join(r.dir, "keys"), 0o700)
	}
	for _, file := range files {
		text, readErr := os.ReadFile(file)
		err = errors.Join(err, readErr, os.WriteFile(filepath.Join(r.dir, "keys", filepath.Base(file)), text, 0o600))
	}
	if err != nil {
		r.t.Fatal(err)
	}
}

// sharedKeys makes the keys of all sandboxes once: RSA keys take their time.
var sharedKeys = sync.OnceValue(func() string {
	dir, err := os.MkdirTemp("", "sandbox-keys")
	if err != nil {
		panic(err)
	}
	for _, side := range []string{"party-", "merchant-"} {
		if _, err := keys.RSA(dir, side+"beta", true); err != nil {
			panic(err)
		}
	}
	return dir
})

func (r *rig) open(options ...option) {
	r.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	db, err := store.Open(ctx, store.Config{Engine: store.SQLite, Path: filepath.Join(r.dir, "sandbox.db")}, sandbox.Schema())
	if err != nil {
		r.t.Fatal(err)
	}
	none := int64(0)
	d := sandbox.Deps{DB: db, Clock: clock.New(r.offset), Offset: r.offset, KeysDir: filepath.Join(r.dir, "keys"),
		CallbackBase: r.taker.URL, Logger: slog.New(slog.DiscardHandler), Latency: &party.Latency{}, AlphaLaterPPM: &none}
	for _, o := range options {
		o(&d)
	}
	if r.box, err = sandbox.New(ctx, d); err != nil {
		r.t.Fatal(err)
	}
	server := httptest.NewServer(r.box.Handler())
	r.url = server.URL
	done := make(chan struct{})
	go func() { defer close(done); _ = r.box.Run(ctx) }()
	r.stop = sync.OnceFunc(func() {
		server.CloseClientConnections()
		server.Close()
		cancel()
		<-done
		_ = r.box.Close()
	})
}

func (r *rig) restart(options ...option) {
	r.t.Helper()
	r.stop()
	r.open(options...)
}

func (r *rig) take(w http.ResponseWriter, req *http.Request) {
	body, _ := io.ReadAll(req.Body)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.deny > 0 {
		r.deny--
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	r.callbacks = append(r.callbacks, callback{req.URL.Path, req.Header.Clone(), body})
}

// settle waits until nothing is left to do and answers the callbacks taken.
func (r *rig) settle() []callback {
	r.t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for quiet := 0; quiet < 3; {
		if i := r.box.Idle(3 * time.Second); i.Idle {
			quiet++
		} else {
			quiet = 0
		}
		if time.Now().After(deadline) {
			r.t.Fatalf("the sandbox does not come to rest: %+v", r.box.Idle(3*time.Second))
		}
		time.Sleep(2 * time.Millisecond)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.callbacks)
}

// person makes somebody with money on the card.
func (r *rig) person(number uint64, balanceMinor int64) people.Person {
	r.t.Helper()
	p := people.Make(7, number, people.Options{BalanceMinor: balanceMinor})
	if err := r.box.AddPeople(context.Background(), []people.Person{p}); err != nil {
		r.t.Fatal(err)
	}
	return p
}

// forge changes a request after it was signed.
type forge func(req *http.Request)

// post sends a signed JSON request. A lost connection answers status 0.
func (r *rig) post(name, path string, body any, changes ...forge) (int, map[string]any) {
	r.t.Helper()
	raw, err := json.Marshal(body)
	if err != nil {
		r.t.Fatal(err)
	}
	key, err := keys.Ed25519(filepath.Join(r.dir, "keys"), "merchant-"+name, false)
	if err != nil {
		r.t.Fatal(err)
	}
	req, _ := http.NewRequest(http.MethodPost, r.url+"/"+name+path, bytes.NewReader(raw))
	signAt(req, name, key, raw, time.Now())
	for _, change := range changes {
		change(req)
	}
	nonce := req.Header.Get("X-Nonce")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil
	}
	defer resp.Body.Close()
	answer, _ := io.ReadAll(resp.Body)
	if !r.signedBy(name, resp.Header, strconv.Itoa(resp.StatusCode)+"\n"+nonce, answer) {
		return resp.StatusCode, nil
	}
	var out map[string]any
	if err := json.Unmarshal(answer, &out); err != nil {
		return resp.StatusCode, nil
	}
	return resp.StatusCode, out
}

func signAt(req *http.Request, name string, key ed25519.PrivateKey, body []byte, at time.Time) {
	var nonce [16]byte
	rand.Read(nonce[:])
	ms := strconv.FormatInt(at.UnixMilli(), 10)
	req.Header.Set("X-Key-Id", "merchant-"+name)
	req.Header.Set("X-Timestamp", ms)
	req.Header.Set("X-Nonce", hex.EncodeToString(nonce[:]))
	text := req.Method + "\n" + req.URL.Path + "\n" + ms + "\n" + hex.EncodeToString(nonce[:]) + "\n" + sum(body)
	req.Header.Set("X-Signature", base64.StdEncoding.EncodeToString(ed25519.Sign(key, []byte(text))))
}

func sum(b []byte) string {
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:])
}

// signedBy checks a party's signature over head (what comes before the timestamp), the headers and the body.
func (r *rig) signedBy(name string, h http.Header, head string, body []byte) bool {
	r.t.Helper()
	key, err := keys.PublicEd25519(filepath.Join(r.dir, "keys"), "party-"+name)
	if err != nil {
		r.t.Fatal(err)
	}
	sig, _ := base64.StdEncoding.DecodeString(h.Get("X-Signature"))
	text := head + "\n" + h.Get("X-Timestamp") + "\n" + h.Get("X-Nonce") + "\n" + sum(body)
	return h.Get("X-Key-Id") == "party-"+name && ed25519.Verify(key, []byte(text), sig)
}

// pay sends an order to alpha.
func (r *rig) pay(no, kind string, p people.Person, amount int64) map[string]any {
	r.t.Helper()
	_, a := r.post("alpha", "/v1/pay", order(no, kind, p, amount))
	return a
}

func order(no, kind string, p people.Person, amount int64) map[string]any {
	return map[string]any{"merchant_id": "M1", "request_no": no, "kind": kind, "amount_minor": amount, "currency": "CNY",
		"card_no": p.Cards[0].CardNo, "name": p.Name, "mobile": p.Mobile, "notify_url": "/callbacks/payment/alpha", "memo": ""}
}

func (r *rig) query(no string) map[string]any {
	r.t.Helper()
	_, a := r.post("alpha", "/v1/query", map[string]any{"merchant_id": "M1", "request_no": no})
	return a
}

// form sends a signed message to beta and answers its fields; nil if the answer's signature is wrong.
func (r *rig) form(path string, f map[string]string) map[string]string {
	r.t.Helper()
	key, err := keys.RSA(filepath.Join(r.dir, "keys"), "merchant-beta", false)
	if err != nil {
		r.t.Fatal(err)
	}
	f["certId"] = "merchant-beta"
	digest := formDigest(f)
	sig, _ := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, digest)
	values := url.Values{"signature": {base64.StdEncoding.EncodeToString(sig)}}
	for k, v := range f {
		values.Set(k, v)
	}
	resp, err := http.Post(r.url+"/beta"+path, "application/x-www-form-urlencoded", strings.NewReader(values.Encode()))
	if err != nil {
		return nil
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	return r.openForm(body)
}

func (r *rig) openForm(body []byte) map[string]string {
	r.t.Helper()
	values, err := url.ParseQuery(string(body))
	if err != nil {
		return nil
	}
	f := map[string]string{}
	for k := range values {
		f[k] = values.Get(k)
	}
	key, err := keys.PublicRSA(filepath.Join(r.dir, "keys"), "party-beta")
	if err != nil {
		r.t.Fatal(err)
	}
	sig, _ := base64.StdEncoding.DecodeString(f["signature"])
	if rsa.VerifyPKCS1v15(key, crypto.SHA256, formDigest(f), sig) != nil {
		return nil
	}
	return f
}

func formDigest(f map[string]string) []byte {
	var pairs []string
	for k, v := range f {
		if k != "signature" && v != "" {
			pairs = append(pairs, k+"="+v)
		}
	}
	slices.Sort(pairs)
	d := sha256.Sum256([]byte(sum([]byte(strings.Join(pairs, "&")))))
	return d[:]
}

func (r *rig) trans(no, txnType string, p people.Person, amount int64) map[string]string {
	r.t.Helper()
	return r.form("/gateway/api/trans", map[string]string{"version": "1.0", "encoding": "UTF-8", "merId": "M1", "orderId": no, "txnType": txnType,
		"txnTime": "20260301120000", "txnAmt": strconv.FormatInt(amount, 10), "currencyCode": "156", "accNo": p.Cards[0].CardNo,
		"customerNm": p.Name, "phoneNo": p.Mobile, "backUrl": "/callbacks/payment/beta"})
}

func (r *rig) queryBeta(no string) map[string]string {
	r.t.Helper()
	return r.form("/gateway/api/query", map[string]string{"merId": "M1", "orderId": no, "txnTime": "20260301120000"})
}

// control calls the control surface.
func (r *rig) control(method, path string, body, into any) int {
	r.t.Helper()
	raw, _ := json.Marshal(body)
	req, _ := http.NewRequest(method, r.url+path, bytes.NewReader(raw))
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, _ := io.ReadAll(resp.Body)
	if into != nil {
		if err := json.Unmarshal(answer, into); err != nil {
			r.t.Fatalf("%s %s answered %s", method, path, answer)
		}
	}
	return resp.StatusCode
}

func (r *rig) journal(name string) []party.Entry {
	r.t.Helper()
	var page struct{ Rows []party.Entry }
	if status := r.control("GET", "/control/journal?limit=10000&party="+name, nil, &page); status != 200 {
		r.t.Fatalf("the journal answers %d", status)
	}
	return page.Rows
}

func (r *rig) balance(p people.Person) int64 {
	r.t.Helper()
	var list struct{ Accounts []people.Account }
	r.control("GET", "/control/accounts?limit=10000", nil, &list)
	for _, a := range list.Accounts {
		if a.CardNo == p.Cards[0].CardNo {
			return a.BalanceMinor
		}
	}
	r.t.Fatalf("no account of person with card ending %s", p.Cards[0].CardNo[15:])
	return 0
}

func (r *rig) fault(rule party.Rule) {
	r.t.Helper()
	if status := r.control("POST", "/control/faults", rule, nil); status != 200 {
		r.t.Fatalf("the fault %+v was answered %d", rule, status)
	}
}

// callbacksOf answers the bodies of the callbacks that tell of an order.
func (r *rig) callbacksOf(no string) (bodies []string) {
	r.t.Helper()
	for _, c := range r.settle() {
		if body := string(c.body); strings.Contains(body, `"`+no+`"`) || strings.Contains(body, "orderId="+no+"&") {
			bodies = append(bodies, body)
		}
	}
	return bodies
}

func want(t *testing.T, got any, want any) {
	t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
