package sandbox_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hengdai/hengdai/sandbox/party"
	"github.com/hengdai/hengdai/sandbox/people"
)

func TestTheBureauAnswersFromThePopulationAlone(t *testing.T) {
	r := start(t)
	p, other := r.person(1, 0), r.person(2, 0)
	q := func(id string, change map[string]any) map[string]any {
		body := map[string]any{"request_id": id, "name": p.Name, "id_no": p.IDNo, "card_no": p.Cards[0].CardNo, "mobile": p.Mobile}
		for k, v := range change {
			body[k] = v
		}
		_, a := r.post("bureau", "/v1/verify4", body)
		return a
	}
	a := q("r1", nil)
	want(t, a["result"], "MATCH")
	want(t, a["bank"], p.Cards[0].Bank)
	want(t, q("r2", map[string]any{"mobile": other.Mobile})["result"], "MISMATCH")
	want(t, q("r3", map[string]any{"name": other.Name + "某"})["result"], "MISMATCH")
	want(t, q("r4", map[string]any{"card_no": other.Cards[0].CardNo})["result"], "MISMATCH")
	want(t, q("r5", map[string]any{"card_no": "9901000000000000006"})["code"], "1002")
	want(t, q("r6", map[string]any{"id_no": p.IDNo[:17] + "A"})["code"], "1001")
	stranger := people.Make(7, 100+3, people.Options{})
	want(t, q("r7", map[string]any{"id_no": stranger.IDNo, "card_no": stranger.Cards[0].CardNo})["result"], "NO_RECORD")
	// The same question gets its first answer; another one under its number is refused.
	r.control("POST", "/control/accounts", map[string]any{"card_no": p.Cards[0].CardNo, "closed": true}, nil)
	want(t, q("r1", nil)["result"], "MATCH")
	want(t, q("r8", nil)["result"], "NO_RECORD")
	want(t, q("r1", map[string]any{"mobile": other.Mobile})["code"], "2001")
	want(t, len(r.journal("bureau")), 8)
}

func TestARequestThatIsNotRightlySignedHasNoEffect(t *testing.T) {
	r := start(t)
	p := r.person(1, 100_00)
	body := order("n1", "PAYOUT", p, 500)
	for name, c := range map[string]struct {
		change forge
		code   string
	}{
		"wrong signature": {func(q *http.Request) { q.Header.Set("X-Signature", strings.Repeat("A", 86)+"==") }, "SIGNATURE_INVALID"},
		"no signature":    {func(q *http.Request) { q.Header.Del("X-Signature") }, "SIGNATURE_INVALID"},
		"another key":     {func(q *http.Request) { q.Header.Set("X-Key-Id", "merchant-sms") }, "SIGNATURE_INVALID"},
		"another nonce":   {func(q *http.Request) { q.Header.Set("X-Nonce", strings.Repeat("ab", 16)) }, "SIGNATURE_INVALID"},
		"short nonce":     {func(q *http.Request) { q.Header.Set("X-Nonce", "ab") }, "SIGNATURE_INVALID"},
		"another time":    {func(q *http.Request) { q.Header.Set("X-Timestamp", "1") }, "SIGNATURE_INVALID"},
		"another path":    {func(q *http.Request) { q.URL.Path = "/alpha/v1/query" }, "SIGNATURE_INVALID"},
	} {
		status, a := r.post("alpha", "/v1/pay", body, c.change)
		if status != 401 || a["code"] != c.code {
			t.Errorf("%s: answered %d %v", name, status, a["code"])
		}
	}
	want(t, r.balance(p), 100_00)
	want(t, len(r.journal("alpha")), 0)
	want(t, r.query("n1")["code"], "ORDER_NOT_FOUND")
}

func TestAReplayedRequestIsRefusedAlsoAfterARestart(t *testing.T) {
	r := start(t)
	p := r.person(1, 0)
	var kept http.Header
	r.post("alpha", "/v1/pay", order("n1", "PAYOUT", p, 500), func(q *http.Request) { kept = q.Header.Clone() })
	again := func(q *http.Request) { q.Header = kept.Clone() }
	status, a := r.post("alpha", "/v1/pay", order("n1", "PAYOUT", p, 500), again)
	want(t, fmt.Sprint(status, " ", a["code"]), "401 NONCE_REPEATED")
	r.restart()
	status, a = r.post("alpha", "/v1/pay", order("n1", "PAYOUT", p, 500), again)
	want(t, fmt.Sprint(status, " ", a["code"]), "401 NONCE_REPEATED")
	want(t, r.balance(p), 500)
}

func TestAlphaMovesMoneyOnceAndSaysWhyNot(t *testing.T) {
	r := start(t)
	p, other := r.person(1, 300_00), r.person(2, 0)
	a := r.pay("out", "PAYOUT", p, 200_00)
	want(t, a["status"], "SUCCESS")
	want(t, r.pay("out", "PAYOUT", p, 200_00)["channel_no"], a["channel_no"])
	want(t, r.pay("out", "PAYOUT", p, 200_01)["code"], "REQUEST_NO_REUSED")
	want(t, r.balance(p), 500_00)
	want(t, r.pay("in", "COLLECT", p, 499_00)["status"], "SUCCESS")
	want(t, r.pay("more", "COLLECT", p, 2_00)["code"], "INSUFFICIENT_BALANCE")
	want(t, r.pay("back", "REFUND", p, 9_00)["status"], "SUCCESS")
	want(t, r.balance(p), 10_00)
	wrong := p
	wrong.Name = other.Name + "某"
	want(t, r.pay("name", "PAYOUT", wrong, 1)["code"], "NAME_MISMATCH")
	want(t, r.pay("limit", "PAYOUT", p, 500_000_01)["code"], "LIMIT_EXCEEDED")
	want(t, r.pay("nobody", "PAYOUT", people.Make(7, 100+9, people.Options{}), 1)["code"], "CARD_UNKNOWN")
	r.control("POST", "/control/accounts", map[string]any{"card_no": p.Cards[0].CardNo, "closed": true}, nil)
	want(t, r.pay("closed", "PAYOUT", p, 1)["code"], "CARD_CLOSED")
	status, _ := r.post("alpha", "/v1/pay", order("bad", "PAYOUT", p, 0))
	want(t, status, 400)
	// Every final order is called back, signed, and stands in the journal once.
	calls := r.settle()
	want(t, len(calls), 8)
	for _, c := range calls {
		if c.path != "/callbacks/payment/alpha" || !r.signedBy("alpha", c.header, "POST\n"+c.path, c.body) {
			t.Errorf("a callback to %s is not rightly signed", c.path)
		}
	}
	want(t, len(r.journal("alpha")), 8)
}

func TestAlphaFinishesLaterWhatItOnlyAccepted(t *testing.T) {
	r := start(t, laterPPM(1_000_000))
	p := r.person(1, 0)
	want(t, r.pay("n1", "PAYOUT", p, 5_00)["status"], "PROCESSING")
	want(t, r.pay("n2", "COLLECT", p, 9_00)["status"], "PROCESSING")
	want(t, len(r.settle()), 2)
	want(t, r.query("n1")["status"], "SUCCESS")
	want(t, r.query("n2")["code"], "INSUFFICIENT_BALANCE")
	want(t, r.balance(p), 5_00)
}

func TestBetaTellsTheTruthByCallbackOrQueryOnly(t *testing.T) {
	r := start(t)
	p := r.person(1, 100_00)
	want(t, r.queryBeta("n1")["respCode"], "34")
	want(t, r.trans("n1", "12", p, 50_00)["respCode"], "00")
	want(t, r.trans("n1", "12", p, 50_00)["respCode"], "00")
	want(t, r.trans("n1", "12", p, 60_00)["respCode"], "12")
	want(t, r.trans("n2", "11", p, 500_00)["respCode"], "00")
	want(t, r.trans("n3", "11", p, 1)["respCode"], "00")
	calls := r.settle()
	want(t, len(calls), 2) // a failure is not called back
	for _, c := range calls {
		f := r.openForm(c.body)
		if f == nil || f["respCode"] != "00" || len(f["settleDate"]) != 8 || f["queryId"] == "" {
			t.Errorf("a callback is not whole: %v", f)
		}
	}
	want(t, r.queryBeta("n1")["origRespCode"], "00")
	want(t, r.queryBeta("n2")["origRespCode"], "51")
	want(t, r.balance(p), 150_00-1)
	bad := map[string]string{"merId": "M1", "orderId": "x", "txnTime": "20260301120000"}
	want(t, r.form("/gateway/api/trans", bad)["respCode"], "10")
}

func TestConcurrentDebitsOfOneCardNeverGoBelowZero(t *testing.T) {
	r := start(t)
	p := r.person(1, 10_00)
	var wg sync.WaitGroup
	for i := range 40 {
		wg.Go(func() {
			if i%2 == 0 {
				r.pay(fmt.Sprint("a", i), "COLLECT", p, 1_00)
			} else {
				r.trans(fmt.Sprint("b", i), "11", p, 1_00)
			}
		})
	}
	wg.Wait()
	r.settle()
	want(t, r.balance(p), 0)
	taken := 0
	for _, e := range r.journal("") {
		if e.Kind == "COLLECT" && e.Status == "SUCCESS" {
			taken++
		}
	}
	want(t, taken, 10)
}

func TestARestartKeepsWhatWasAnsweredAndFinishesWhatWasNot(t *testing.T) {
	r := start(t)
	p := r.person(1, 0)
	r.fault(party.Rule{Party: "beta", Op: "trans", Kind: party.LateFinish, Count: 1, DelayMS: 3_600_000})
	want(t, r.pay("n1", "PAYOUT", p, 7_00)["status"], "SUCCESS")
	want(t, r.trans("n2", "12", p, 5_00)["respCode"], "00")
	before := r.journal("")
	r.restart()
	want(t, r.journal(""), before)
	want(t, r.query("n1")["status"], "SUCCESS")
	want(t, r.queryBeta("n2")["origRespCode"], "05")
	// An hour later on the sandbox clock it is finished, under that hour's date.
	r.control("POST", "/control/advance", map[string]any{"offset_ms": 3_700_000 + 24*3_600_000}, nil)
	r.settle()
	f := r.queryBeta("n2")
	want(t, f["origRespCode"], "00")
	want(t, f["settleDate"], time.Now().Add(25*time.Hour+100*time.Second).UTC().Add(8*time.Hour).Format("20060102"))
	want(t, r.balance(p), 12_00)
}

func TestACallbackIsRepeatedUntilItIsTaken(t *testing.T) {
	r := start(t)
	r.deny = 2
	p := r.person(1, 0)
	r.pay("n1", "PAYOUT", p, 1_00)
	want(t, len(r.settle()), 1)
	r.restart()
	want(t, len(r.settle()), 1)
}

func TestSMSAreKeptShownAndReported(t *testing.T) {
	r := start(t)
	send := func(id, mobile, text string) map[string]any {
		_, a := r.post("sms", "/v1/send", map[string]any{"request_id": id, "mobile": mobile, "template": "code", "text": text})
		return a
	}
	p := r.person(1, 0)
	a := send("s1", p.Mobile, "【衡贷】验证码 482913,5 分钟内有效。")
	want(t, a["code"], "OK")
	want(t, send("s1", p.Mobile, "【衡贷】验证码 482913,5 分钟内有效。")["message_no"], a["message_no"])
	want(t, send("s1", p.Mobile, "another text")["code"], "REQUEST_ID_REUSED")
	want(t, send("s2", "12", "x")["code"], "INVALID_MOBILE")
	var list struct{ Messages []struct{ Text string } }
	r.control("GET", "/control/sms?mobile="+p.Mobile, nil, &list)
	want(t, len(list.Messages), 1)
	calls := r.settle()
	want(t, len(calls), 1)
	var report map[string]string
	if err := json.Unmarshal(calls[0].body, &report); err != nil || report["status"] != "DELIVERED" || report["request_id"] != "s1" {
		t.Errorf("the report says %v", report)
	}
	_, q := r.post("sms", "/v1/query", map[string]any{"request_id": "s1"})
	want(t, q["status"], "DELIVERED")
	resp, err := http.Get(r.url + "/")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	page := make([]byte, 64<<10)
	n, _ := resp.Body.Read(page)
	for n < len(page) {
		m, err := resp.Body.Read(page[n:])
		n += m
		if err != nil {
			break
		}
	}
	if !strings.Contains(string(page[:n]), `<div class="otp">482913</div>`) {
		t.Error("the page does not show the code")
	}
}

func TestFaultsChangeWhatACallerSeesNotWhatHappened(t *testing.T) {
	for kind, c := range map[party.Kind]struct {
		status  int    // of the first answer, 0 for a lost connection
		code    string // of the first answer, "" for one that cannot be believed
		balance int64  // after the first call
	}{
		party.LostRequest:      {0, "", 0},
		party.ServerError:      {500, "", 0},
		party.Busy:             {200, "SYSTEM_BUSY", 0},
		party.LowBalance:       {200, "MERCHANT_BALANCE_LOW", 0},
		party.LostResponse:     {0, "", 100},
		party.ServerErrorAfter: {502, "", 100},
		party.UnknownCode:      {200, "E90317", 100},
		party.BadSignature:     {200, "", 100},
		party.Garbage:          {200, "", 100},
	} {
		t.Run(string(kind), func(t *testing.T) {
			r := start(t)
			p := r.person(1, 0)
			r.fault(party.Rule{Party: "alpha", Op: "pay", Kind: kind, RatePPM: 1_000_000})
			status, a := r.post("alpha", "/v1/pay", order("n1", "PAYOUT", p, 100))
			code, _ := a["code"].(string)
			want(t, fmt.Sprint(status, code), fmt.Sprint(c.status, c.code))
			want(t, r.balance(p), c.balance)
			// The same number again goes through, and money moved once.
			want(t, r.pay("n1", "PAYOUT", p, 100)["status"], "SUCCESS")
			want(t, r.balance(p), 100)
		})
	}
}

func TestCallbackFaultsCanBeTold(t *testing.T) {
	for kind, c := range map[party.Kind]struct{ calls, believable int }{
		party.TwiceCallback:  {2, 2},
		party.LostCallback:   {0, 0},
		party.ForgedCallback: {2, 1},
		party.WrongAmount:    {2, 2},
		party.LateCallback:   {1, 1},
	} {
		t.Run(string(kind), func(t *testing.T) {
			r := start(t)
			p := r.person(1, 0)
			r.fault(party.Rule{Party: "alpha", Op: "callback", Kind: kind, Count: 1, DelayMS: 100})
			r.pay("n1", "PAYOUT", p, 100)
			calls, good := r.settle(), 0
			for _, call := range calls {
				if r.signedBy("alpha", call.header, "POST\n"+call.path, call.body) {
					good++
				}
			}
			want(t, fmt.Sprint(len(calls), good), fmt.Sprint(c.calls, c.believable))
		})
	}
}

func TestTheSameSeedAndNumbersMeetTheSameFaults(t *testing.T) {
	run := func() (met []string) {
		r := start(t)
		p := r.person(1, 0)
		r.fault(party.Rule{Party: "alpha", Op: "pay", Kind: party.UnknownCode, RatePPM: 300_000, Seed: 11})
		for i := range 40 {
			no := fmt.Sprint("n", i)
			if r.pay(no, "PAYOUT", p, 1)["code"] == "E90317" {
				met = append(met, no)
			}
		}
		var plan struct{ Rules []party.Rule }
		r.control("GET", "/control/faults", nil, &plan)
		want(t, plan.Rules[0].Met, len(met))
		r.restart() // what was met stays met
		for _, no := range met {
			want(t, r.pay(no, "PAYOUT", p, 1)["code"], "OK")
		}
		return met
	}
	first := run()
	if len(first) < 4 || len(first) > 25 {
		t.Errorf("%d of 40 met a fault of 30 %%", len(first))
	}
	want(t, run(), first)
}

func TestBalancesFollowFromTheJournal(t *testing.T) {
	r := start(t, laterPPM(300_000))
	p := r.person(1, 50_00)
	r.control("POST", "/control/accounts", map[string]any{"card_no": p.Cards[0].CardNo, "balance_minor": 20_00}, nil)
	r.control("POST", "/control/accounts", map[string]any{"card_no": p.Cards[0].CardNo, "add_minor": 5_00}, nil)
	for i := range 30 {
		r.pay(fmt.Sprint("c", i), []string{"COLLECT", "PAYOUT"}[i%2], p, int64(i)*37+1)
	}
	r.settle()
	var balance int64
	for _, e := range r.journal("") {
		switch {
		case e.Status != "SUCCESS":
		case e.Kind == "COLLECT":
			balance -= e.AmountMinor
		default:
			balance += e.AmountMinor
		}
	}
	want(t, balance, r.balance(p))
}

func TestTheControlSurfaceAnswersThisMachineOnly(t *testing.T) {
	r := start(t)
	for name, change := range map[string]func(q *http.Request){
		"another machine": func(q *http.Request) { q.RemoteAddr = "192.0.2.7:4711" },
		"a foreign name":  func(q *http.Request) { q.Host = "sandbox.example" },
		"a foreign page":  func(q *http.Request) { q.Header.Set("Origin", "https://site.example") },
	} {
		q := httptest.NewRequestWithContext(context.Background(), "POST", "/control/people", strings.NewReader(`{"make":1}`))
		q.RemoteAddr, q.Host = "127.0.0.1:4711", "localhost:8090"
		change(q)
		w := httptest.NewRecorder()
		r.box.Handler().ServeHTTP(w, q)
		if w.Code != http.StatusForbidden {
			t.Errorf("%s is answered %d", name, w.Code)
		}
	}
	var made struct{ People []struct{ Name string } }
	want(t, r.control("POST", "/control/people", map[string]any{"make": 3, "seed": 5, "balance_minor": 100}, &made), 200)
	want(t, len(made.People), 3)
	want(t, r.control("POST", "/control/people", map[string]any{"people_made": 3}, nil), 400)
	want(t, r.control("POST", "/control/faults", map[string]any{"party": "alpha", "kind": "gremlin", "count": 1}, nil), 400)
	want(t, r.control("POST", "/control/accounts", map[string]any{"card_no": "1", "closed": true}, nil), 404)
}

func TestAPersonTryingTheProductGetsSomebodyToBe(t *testing.T) {
	r := start(t)
	for lang, word := range map[string]string{"zh": "身份证号", "en": "ID number"} {
		resp, err := http.Post(r.url+"/people?lang="+lang, "application/x-www-form-urlencoded", nil)
		if err != nil {
			t.Fatal(err)
		}
		page, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		var list struct{ People []people.Person }
		r.control("GET", "/control/people?limit=1", nil, &list)
		if len(list.People) != 1 || !strings.Contains(string(page), word) || !strings.Contains(string(page), "20000.00") {
			t.Errorf("the page in %s shows nobody", lang)
		}
	}
}
