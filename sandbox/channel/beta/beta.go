package beta

import (
	"context"
	"crypto/rsa"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/sandbox/channel"
	"github.com/hengdai/hengdai/sandbox/party"
)

// Name is the party's name in keys, paths and the journal.
const Name = "beta"

const (
	codeOK       = "00"
	codeProgress = "05"
	codeFormat   = "10"
	codeSign     = "11"
	codeReused   = "12"
	codeNotFound = "34"
	codeLow      = "60"

	typeCollect = "11"
	typePayout  = "12"

	certID = "party-" + Name

	// cutHour: what is finished from 23:00 on is settled under the next date.
	cutHour = 23
)

// failures is the closed list of final failures.
var failures = map[string]string{
	channel.CardUnknown:   "14",
	channel.CardClosed:    "62",
	channel.NameMismatch:  "22",
	channel.BalanceTooLow: "51",
	channel.OverLimit:     "61",
}

var messages = map[string]string{
	codeOK: "成功", codeProgress: "交易处理中", codeFormat: "报文格式错误", codeSign: "验签失败", codeReused: "重复交易",
	codeNotFound: "查无此交易", codeNotReady: "对账文件尚未生成", codeLow: "交易失败", "14": "无效卡号", "22": "户名不符", "51": "余额不足", "61": "超过限额", "62": "受限制的卡",
}

// Beta is the channel.
type Beta struct {
	*channel.Channel
	desk     *party.Desk
	private  *rsa.PrivateKey
	merchant *rsa.PublicKey
}

// New answers the channel and its handler, to be mounted at /beta/. Fee, Tells and Body of the terms are beta's own, and
// every order is finished later.
func New(ctx context.Context, d *party.Desk, terms channel.Terms, private *rsa.PrivateKey, merchant *rsa.PublicKey) (*Beta, http.Handler, error) {
	b := &Beta{desk: d, private: private, merchant: merchant}
	terms.Party, terms.Fee, terms.LaterPPM, terms.CutHour, terms.Render = Name, fee, 1_000_000, cutHour, render
	terms.Head = func(day time.Time) string { return day.Format("060102") }
	terms.Tells = func(t channel.Trade) bool { return t.State == channel.Success }
	terms.Body = func(t channel.Trade) ([]byte, error) { return notice(t).encode(), nil }
	var err error
	if b.Channel, err = channel.New(ctx, d, terms); err != nil {
		return nil, nil, err
	}
	d.Callbacks.Dress(Name, b.dress)
	mux := http.NewServeMux()
	mux.HandleFunc("POST /"+Name+"/gateway/api/trans", b.handle("trans", "orderId", b.trans))
	mux.HandleFunc("POST /"+Name+"/gateway/api/query", b.handle("query", "orderId", b.query))
	mux.HandleFunc("POST /"+Name+"/gateway/api/file", b.handle(party.Statement, "settleDate", b.file))
	return b, mux, nil
}

type method func(ctx context.Context, f fields, hits party.Hits) (fields, error)

func (b *Beta) handle(op, number string, do method) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, party.MaxBody))
		if err != nil {
			b.refuse(w, http.StatusRequestEntityTooLarge, codeFormat)
			return
		}
		f, ok := parse(body)
		if !ok || f[number] == "" || len(f[number]) > 64 {
			b.refuse(w, http.StatusBadRequest, codeFormat)
			return
		}
		if !f.verify(b.merchant) {
			b.refuse(w, http.StatusUnauthorized, codeSign)
			return
		}
		b.desk.Serve(w, r, party.Exchange{
			Party: Name, Op: op, RequestNo: f[number], BusyCode: "01",
			Say: func(code string) party.Reply { return reply(say(f, code)) },
			Do: func(ctx context.Context, hits party.Hits) (party.Reply, error) {
				answer, err := do(ctx, f, hits)
				return reply(answer), err
			},
			Sign: b.sign,
		})
	}
}

func (b *Beta) refuse(w http.ResponseWriter, status int, code string) {
	body := b.sign(w.Header(), reply(say(fields{}, code)), false)
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

func reply(f fields) party.Reply { return party.Reply{Status: http.StatusOK, Body: f.encode()} }

// sign completes an answer: beta's signature is a field of the message.
func (b *Beta) sign(h http.Header, answer party.Reply, flawed bool) []byte {
	h.Set("Content-Type", "application/x-www-form-urlencoded; charset=UTF-8")
	return b.signed(answer.Body, flawed)
}

func (b *Beta) signed(body []byte, flawed bool) []byte {
	f, ok := parse(body)
	if !ok {
		return body // garbage on purpose
	}
	if err := f.sign(b.private); err != nil {
		return body
	}
	if flawed {
		f["signature"] = strings.ToLower(f["signature"])
	}
	return f.encode()
}

func (b *Beta) dress(r *http.Request, c party.Callback) []byte {
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=UTF-8")
	return b.signed(c.Body, c.Flaw == party.ForgedCallback)
}

// say is an answer with a code that tells of no effect.
func say(f fields, code string) fields {
	return fields{"version": "1.0", "encoding": "UTF-8", "certId": certID, "merId": f["merId"], "orderId": f["orderId"],
		"txnTime": f["txnTime"], "respCode": code, "respMsg": messages[code]}
}

func (b *Beta) trans(ctx context.Context, f fields, hits party.Hits) (fields, error) {
	o, ok := orderOf(f)
	if !ok {
		return say(f, codeFormat), nil
	}
	t, err := b.Accept(ctx, o, hits, func(*store.Tx) error { return nil })
	switch {
	case errors.Is(err, channel.ErrReused):
		return say(f, codeReused), nil
	case errors.Is(err, channel.ErrLowBalance):
		return say(f, codeLow), nil
	case err != nil:
		return nil, err
	}
	a := say(f, codeOK)
	a["queryId"], a["txnAmt"], a["txnType"], a["currencyCode"] = t.ChannelNo, strconv.FormatInt(t.AmountMinor, 10), f["txnType"], "156"
	return a, nil
}

func orderOf(f fields) (channel.Order, bool) {
	o := channel.Order{MerchantID: f["merId"], RequestNo: f["orderId"], SentAt: f["txnTime"], Currency: "CNY",
		CardNo: f["accNo"], Holder: f["customerNm"], NotifyURL: f["backUrl"]}
	switch f["txnType"] {
	case typePayout:
		o.Kind = channel.Payout
	case typeCollect:
		o.Kind = channel.Collect
	default:
		return o, false
	}
	amount, err := strconv.ParseInt(f["txnAmt"], 10, 64)
	if err != nil || amount <= 0 || amount > 1_000_000_000_00 || f["currencyCode"] != "156" || f["version"] != "1.0" {
		return o, false
	}
	o.AmountMinor = amount
	_, err = time.Parse("20060102150405", o.SentAt)
	return o, err == nil && o.MerchantID != "" && len(o.MerchantID) <= 15 && len(o.RequestNo) <= 32 && o.Holder != "" && len(o.Holder) <= 60 &&
		len(o.CardNo) <= 32 && len(o.NotifyURL) <= 500
}

func (b *Beta) query(ctx context.Context, f fields, hits party.Hits) (fields, error) {
	t, ok, err := b.Find(ctx, f["merId"], f["orderId"], f["txnTime"], hits)
	if err != nil {
		return nil, err
	}
	if !ok {
		return say(f, codeNotFound), nil
	}
	a := say(f, codeOK)
	fill(a, t)
	a["origRespCode"] = codeOf(t)
	a["origRespMsg"] = messages[a["origRespCode"]]
	return a, nil
}

func codeOf(t channel.Trade) string {
	switch t.State {
	case channel.Success, channel.Returned, channel.ChargedBack:
		return codeOK
	case channel.Failed:
		return failures[t.Reason]
	}
	return codeProgress
}

// notice is the callback of a success.
func notice(t channel.Trade) fields {
	f := say(fields{"merId": t.MerchantID, "orderId": t.RequestNo, "txnTime": t.SentAt}, codeOK)
	fill(f, t)
	return f
}

func fill(f fields, t channel.Trade) {
	f["queryId"], f["txnAmt"], f["currencyCode"], f["txnType"] = t.ChannelNo, strconv.FormatInt(t.AmountMinor, 10), "156", typePayout
	if t.Kind == channel.Collect {
		f["txnType"] = typeCollect
	}
	if t.Final() {
		f["settleDate"] = strings.ReplaceAll(t.SettledOn, "-", "")
	}
	switch t.State {
	case channel.Returned:
		f["returnDate"], f["returnQueryId"] = strings.ReplaceAll(t.UndoOn, "-", ""), t.UndoNo
	case channel.ChargedBack:
		f["chargebackDate"], f["chargebackQueryId"] = strings.ReplaceAll(t.UndoOn, "-", ""), t.UndoNo
	}
}

// fee: 0.80 yuan for money out, 2.5 per mille of money in, halves up.
func fee(kind string, amountMinor int64) int64 {
	if kind == channel.Payout {
		return 80
	}
	return (amountMinor*25 + 5000) / 10000
}
