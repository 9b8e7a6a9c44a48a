package payment_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/hengdai/hengdai/kit/store/storetest"
	"github.com/hengdai/hengdai/service/payment/channel/beta"
)

// Whatever a channel signs, its message is taken or refused; it never breaks the service or the journal.
func FuzzWhateverAlphaSignsIsTakenOrRefused(f *testing.F) {
	r := start(f, storetest.SQLite(f), only("alpha"))
	o := r.unknown(1, "disbursement")
	no := o.GetAttempts()[0].GetRequestNo()
	for _, seed := range []string{
		success(no, 100_00), success(no, 1), success("1", 100_00), `{}`, `[]`, `null`, `{"request_no":"` + no + `","status":"FAILED","code":"CARD_CLOSED"}`,
		`{"request_no":"` + no + `","status":"RETURNED","code":"RETURNED"}`, `{"request_no":"` + no + `","status":"SUCCESS","code":"OK","finished_at_ms":9223372036854775807}`,
		`{"request_no":"` + no + `","amount_minor":-1}`, `{"request_no":"` + no + `","code":"` + "\\u0000" + `"}`, `{"request_no":` + no + `}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		r.t = t
		header, _ := r.alphaSays(alphaPath, string(body), time.Now())
		if status, text := r.deliver("POST", alphaPath, header, body); status != 200 && status/100 != 4 {
			t.Fatalf("answered %d %s", status, text)
		}
		if got := r.balance("2290") + r.balance("3001.alpha") + r.balance("1221"); got != 0 {
			t.Fatalf("the journal is out of balance by %d", got)
		}
	})
}

// Whatever stands at beta's path, signed or not, is taken or refused.
func FuzzWhateverComesToBetasPathIsTakenOrRefused(f *testing.F) {
	r := start(f, storetest.SQLite(f), only("beta"))
	o := r.unknown(1, "debit")
	no := o.GetAttempts()[0].GetRequestNo()
	for _, seed := range []string{"", "respCode=00&orderId=" + no, "respCode=51&orderId=" + no + "&txnAmt=1", "orderId=" + no + "&settleDate=20260231", "a=1&a=2"} {
		f.Add([]byte(seed), true)
		f.Add([]byte(seed), false)
	}
	form := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
	f.Fuzz(func(t *testing.T, body []byte, sign bool) {
		r.t = t
		if sign {
			if fields, err := beta.ParseForm(body); err == nil {
				body = r.betaSays(fields)
			}
		}
		if status, text := r.deliver("POST", betaPath, form, body); status != 200 && status/100 != 4 {
			t.Fatalf("answered %d %s", status, text)
		}
	})
}
