package alpha

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/sandbox/channel"
	"github.com/hengdai/hengdai/sandbox/party"
)

// Name is the party's name in keys, paths and the journal.
const Name = "alpha"

const (
	codeOK       = "OK"
	codeAccepted = "ACCEPTED_PENDING"
	codeBusy     = "SYSTEM_BUSY"
	codeReused   = "REQUEST_NO_REUSED"
	codeNotFound = "ORDER_NOT_FOUND"
	codeLow      = "MERCHANT_BALANCE_LOW"
	codeNotReady = "STATEMENT_NOT_READY"
	statusError  = "ERROR"
)

// failures is the closed list of final failures.
var failures = map[string]string{
	channel.CardUnknown:   "CARD_UNKNOWN",
	channel.CardClosed:    "CARD_CLOSED",
	channel.NameMismatch:  "NAME_MISMATCH",
	channel.BalanceTooLow: "INSUFFICIENT_BALANCE",
	channel.OverLimit:     "LIMIT_EXCEEDED",
}

type pay struct {
	MerchantID  string `json:"merchant_id"`
	RequestNo   string `json:"request_no"`
	Kind        string `json:"kind"`
	AmountMinor int64  `json:"amount_minor"`
	Currency    string `json:"currency"`
	CardNo      string `json:"card_no"`
	Name        string `json:"name"`
	Mobile      string `json:"mobile"`
	NotifyURL   string `json:"notify_url"`
	Memo        string `json:"memo"`
}

type query struct {
	MerchantID string `json:"merchant_id"`
	RequestNo  string `json:"request_no"`
}

type answer struct {
	RequestNo    string `json:"request_no"`
	ChannelNo    string `json:"channel_no"`
	Status       string `json:"status"`
	Code         string `json:"code"`
	Message      string `json:"message"`
	AmountMinor  int64  `json:"amount_minor"`
	FeeMinor     int64  `json:"fee_minor"`
	SettledOn    string `json:"settled_on"`
	FinishedAtMS int64  `json:"finished_at_ms"`
}

// Alpha is the channel.
type Alpha struct {
	*channel.Channel
	desk *party.Desk
}

// New answers the channel and its handler, to be mounted at /alpha/. Fee, Tells and Body of the terms are alpha's own.
func New(ctx context.Context, d *party.Desk, terms channel.Terms, private ed25519.PrivateKey, merchant ed25519.PublicKey) (*Alpha, http.Handler, error) {
	terms.Party, terms.Fee, terms.Render = Name, fee, render
	terms.Head = func(day time.Time) string { return "A" + day.Format("20060102") }
	terms.Tells = func(t channel.Trade) bool { return t.Final() && t.State != channel.ChargedBack }
	terms.Body = func(t channel.Trade) ([]byte, error) { return json.Marshal(answerOf(t)) }
	c, err := channel.New(ctx, d, terms)
	if err != nil {
		return nil, nil, err
	}
	a := &Alpha{Channel: c, desk: d}
	identity := party.Identity{Party: Name, Private: private, Merchant: merchant}
	d.Callbacks.Dress(Name, party.DressJSON(identity))
	mux := http.NewServeMux()
	mux.Handle("POST /"+Name+"/v1/pay", party.HandleJSON(d, party.JSON[pay]{
		Identity: identity, Prefix: "/" + Name, Op: "pay", BusyCode: codeBusy,
		Number: func(p pay) string { return p.RequestNo },
		Say:    func(p pay, code string) any { return refusal(p.RequestNo, code) },
		Do:     a.pay,
	}))
	mux.Handle("POST /"+Name+"/v1/query", party.HandleJSON(d, party.JSON[query]{
		Identity: identity, Prefix: "/" + Name, Op: "query", BusyCode: codeBusy,
		Number: func(q query) string { return q.RequestNo },
		Say:    func(q query, code string) any { return refusal(q.RequestNo, code) },
		Do:     a.query,
	}))
	mux.Handle("POST /"+Name+"/v1/statement", party.HandleJSON(d, party.JSON[statementOf]{
		Identity: identity, Prefix: "/" + Name, Op: party.Statement, BusyCode: codeBusy,
		Number: func(q statementOf) string { return q.Day },
		Say:    func(q statementOf, code string) any { return noStatement(q.Day, statusError, code) },
		Do:     a.statement,
	}))
	return a, mux, nil
}

func (a *Alpha) pay(ctx context.Context, p pay, signed party.Signed, hits party.Hits) (int, any, error) {
	if !p.valid() {
		return http.StatusBadRequest, refusal(p.RequestNo, "BAD_REQUEST"), nil
	}
	t, err := a.Accept(ctx, channel.Order{MerchantID: p.MerchantID, RequestNo: p.RequestNo, Kind: p.Kind, AmountMinor: p.AmountMinor,
		Currency: p.Currency, CardNo: p.CardNo, Holder: p.Name, NotifyURL: p.NotifyURL}, hits,
		func(tx *store.Tx) error { return a.desk.Nonces.Keep(ctx, tx, Name, signed) })
	switch {
	case errors.Is(err, channel.ErrReused):
		return http.StatusOK, refusal(p.RequestNo, codeReused), nil
	case errors.Is(err, channel.ErrLowBalance):
		return http.StatusOK, refusal(p.RequestNo, codeLow), nil
	case err != nil:
		return 0, nil, err
	}
	return http.StatusOK, answerOf(t), nil
}

func (p pay) valid() bool {
	switch p.Kind {
	case channel.Payout, channel.Collect, channel.Refund:
	default:
		return false
	}
	return p.AmountMinor > 0 && p.AmountMinor <= 1_000_000_000_00 && p.Currency == "CNY" && p.MerchantID != "" && len(p.MerchantID) <= 32 &&
		len(p.CardNo) <= 32 && p.Name != "" && len(p.Name) <= 60 && len(p.NotifyURL) <= 500
}

func (a *Alpha) query(ctx context.Context, q query, _ party.Signed, hits party.Hits) (int, any, error) {
	t, ok, err := a.Find(ctx, q.MerchantID, q.RequestNo, "", hits)
	if err != nil {
		return 0, nil, err
	}
	if !ok {
		return http.StatusOK, refusal(q.RequestNo, codeNotFound), nil
	}
	return http.StatusOK, answerOf(t), nil
}

func answerOf(t channel.Trade) answer {
	a := answer{RequestNo: t.RequestNo, ChannelNo: t.ChannelNo, Status: t.State, Code: codeOK, AmountMinor: t.AmountMinor,
		FeeMinor: t.FeeMinor, SettledOn: t.SettledOn, FinishedAtMS: t.FinishedMS}
	switch t.State {
	case channel.Processing:
		a.Code = codeAccepted
	case channel.Failed:
		a.Code = failures[t.Reason]
	case channel.Returned, channel.ChargedBack:
		a.Code, a.SettledOn, a.FinishedAtMS = t.State, t.UndoOn, t.UndoMS
	}
	a.Message = messages[a.Code]
	return a
}

func refusal(requestNo, code string) answer {
	return answer{RequestNo: requestNo, Status: statusError, Code: code, Message: messages[code]}
}

var messages = map[string]string{
	codeOK: "成功", codeAccepted: "已受理,处理中", codeBusy: "系统繁忙", codeReused: "请求号已被使用", codeNotFound: "订单不存在",
	codeLow: "商户余额不足", "CARD_UNKNOWN": "卡号不存在", "CARD_CLOSED": "卡已销户", "NAME_MISMATCH": "户名不符",
	"INSUFFICIENT_BALANCE": "余额不足", "LIMIT_EXCEEDED": "超过限额", "BAD_REQUEST": "请求格式错误",
	codeNotReady: "对账单尚未生成", channel.Returned: "已退回", channel.ChargedBack: "已被撤回",
}

// fee: one yuan for money out, 3 per mille of money in, at least 0.10, halves up.
func fee(kind string, amountMinor int64) int64 {
	if kind != channel.Collect {
		return 100
	}
	return max(10, (amountMinor*3+500)/1000)
}
