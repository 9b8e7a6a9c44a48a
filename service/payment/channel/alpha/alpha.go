package alpha

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/hengdai/hengdai/domain/payment"
	"github.com/hengdai/hengdai/kit/clock"
	"github.com/hengdai/hengdai/kit/keys"
	"github.com/hengdai/hengdai/service/payment/channel"
)

const (
	ours   = "merchant-alpha"
	theirs = "party-alpha"
)

// codes is alpha's closed list. Everything that does not stand here proves nothing.
var codes = payment.Codes{
	Success: []string{"OK"},
	Failures: map[string]payment.Failure{
		"CARD_CLOSED":          {Reason: "card_closed"},
		"NAME_MISMATCH":        {Reason: "name_mismatch"},
		"CARD_UNKNOWN":         {Reason: "card_unknown", Elsewhere: true},
		"LIMIT_EXCEEDED":       {Reason: "limit_exceeded", Elsewhere: true},
		"INSUFFICIENT_BALANCE": {Reason: "balance_too_low", Kinds: []payment.Kind{payment.Debit, payment.Repayment}},
	},
	Retry: []string{"MERCHANT_BALANCE_LOW"},
}

// terms are alpha's tariff: one yuan for money out; 3 per mille of money in, at least 0.10.
var terms = map[payment.Kind]payment.Terms{
	payment.Disbursement: {Fee: payment.Fee{FixedMinor: 100}},
	payment.Refund:       {Fee: payment.Fee{FixedMinor: 100}},
	payment.Debit:        {Fee: payment.Fee{PPM: 3000, LeastMinor: 10}},
	payment.Repayment:    {Fee: payment.Fee{PPM: 3000, LeastMinor: 10}},
}

var verbs = map[payment.Kind]string{
	payment.Disbursement: "PAYOUT", payment.Refund: "REFUND", payment.Debit: "COLLECT", payment.Repayment: "COLLECT",
}

// Channel is channel alpha.
type Channel struct {
	cfg  channel.Config
	path string
	http *http.Client
	key  ed25519.PrivateKey
	pub  atomic.Pointer[ed25519.PublicKey]
}

// New makes the channel. Alpha's public key may appear later; until then nothing alpha says is believed.
func New(cfg channel.Config) (channel.Channel, error) {
	u, err := url.Parse(cfg.BaseURL)
	if err != nil {
		return nil, fmt.Errorf("base URL of alpha: %w", err)
	}
	key, err := keys.Ed25519(cfg.KeysDir, ours, cfg.MakeKeys)
	if err != nil {
		return nil, fmt.Errorf("our key for alpha: %w", err)
	}
	cfg.BaseURL = strings.TrimSuffix(cfg.BaseURL, "/")
	return &Channel{cfg: cfg, path: strings.TrimSuffix(u.Path, "/"), http: channel.Client(cfg), key: key}, nil
}

// MakeKey makes our key for alpha, if it is missing.
func MakeKey(dir string) error { _, err := keys.Ed25519(dir, ours, true); return err }

// Profile answers what is fixed about alpha.
func (c *Channel) Profile() channel.Profile {
	return channel.Profile{Name: "alpha", Codes: codes, Deduplicates: true, Kinds: payment.Kinds, Terms: terms, AcceptFor: acceptFor, Thanks: "OK"}
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

// told is what alpha says, in an answer or by callback.
type told struct {
	MerchantID   string `json:"merchant_id"`
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

// Submit sends an order.
func (c *Channel) Submit(ctx context.Context, o channel.Order) (channel.Reply, error) {
	return c.call(ctx, "/v1/pay", o.RequestNo, pay{
		MerchantID: c.cfg.MerchantID, RequestNo: o.RequestNo, Kind: verbs[o.Kind], AmountMinor: o.AmountMinor,
		Currency: o.Currency, CardNo: o.CardNo.Reveal(), Name: o.Name.Reveal(), Mobile: o.Mobile.Reveal(),
		NotifyURL: c.cfg.NotifyURL, Memo: string(o.Kind),
	})
}

// Query asks what became of an order.
func (c *Channel) Query(ctx context.Context, ref channel.Ref) (channel.Reply, error) {
	return c.call(ctx, "/v1/query", ref.RequestNo, query{MerchantID: c.cfg.MerchantID, RequestNo: ref.RequestNo})
}

func (c *Channel) call(ctx context.Context, path, requestNo string, message any) (channel.Reply, error) {
	raw, err := c.exchange(ctx, path, message, channel.MessageMax)
	if err != nil {
		return channel.Reply{}, err
	}
	return c.read(raw, requestNo)
}

// exchange sends a signed message and answers what alpha signed in return, of up to so many bytes.
func (c *Channel) exchange(ctx context.Context, path string, message any, most int64) ([]byte, error) {
	pub, err := c.theirs()
	if err != nil {
		return nil, err
	}
	body, err := json.Marshal(message)
	if err != nil {
		return nil, fmt.Errorf("writing the request: %w", err)
	}
	header, nonce := sign(c.key, ours, clock.Real(), http.MethodPost+"\n"+c.path+path, body)
	header.Set("Content-Type", "application/json")
	res, err := channel.PostUpTo(ctx, c.http, c.cfg.BaseURL+path, header, body, most)
	if err != nil {
		return nil, err
	}
	first := strconv.Itoa(res.Status) + "\n" + nonce
	if err := check(pub, theirs, clock.Real(), first, res.Header, res.Body); err != nil {
		return nil, err
	}
	return res.Body, nil
}

// Notice checks and reads a callback. Alpha tells an outcome again until it is thanked, each time with a new nonce.
func (c *Channel) Notice(r channel.Received) (channel.Notice, error) {
	pub, err := c.theirs()
	if err != nil {
		return channel.Notice{}, fmt.Errorf("%w: %w", channel.ErrSignature, err)
	}
	if err := check(pub, theirs, clock.Real(), r.Method+"\n"+r.Path, r.Header, r.Body); err != nil {
		return channel.Notice{}, err
	}
	reply, err := c.read(r.Body, "")
	if err != nil {
		return channel.Notice{}, err
	}
	key := sha256.Sum256([]byte(r.Header.Get(headerNonce)))
	return channel.Notice{Reply: reply, Key: key[:], Once: true}, nil
}

// read turns what alpha said into an answer.
func (c *Channel) read(raw []byte, requestNo string) (channel.Reply, error) {
	var t told
	if err := json.Unmarshal(raw, &t); err != nil {
		return channel.Reply{}, fmt.Errorf("%w: %w", channel.ErrMalformed, err)
	}
	if t.MerchantID != "" && t.MerchantID != c.cfg.MerchantID {
		return channel.Reply{}, fmt.Errorf("it is for another merchant: %w", channel.ErrMalformed)
	}
	a := payment.Answer{
		Status: status(t), Code: t.Code, Message: channel.Words(t.Message), RequestNo: t.RequestNo, ChannelNo: t.ChannelNo,
		AmountMinor: t.AmountMinor, FeeMinor: t.FeeMinor, SettledOn: t.SettledOn,
	}
	if t.FinishedAtMS > 0 {
		a.MovedOn = time.UnixMilli(t.FinishedAtMS).In(clock.Shanghai).Format(time.DateOnly)
	}
	if err := channel.Sane(a, requestNo); err != nil {
		return channel.Reply{}, err
	}
	sum := sha256.Sum256(raw)
	return channel.Reply{Answer: a, Digest: sum[:]}, nil
}

func status(t told) payment.Status {
	switch t.Status {
	case "SUCCESS":
		return payment.SaidSuccess
	case "PROCESSING":
		return payment.SaidProcessing
	case "FAILED":
		return payment.SaidFailed
	case "RETURNED":
		return payment.SaidReturned
	case "ERROR":
		if t.Code == "ORDER_NOT_FOUND" {
			return payment.SaidNotFound
		}
	}
	return payment.SaidNothing
}

// theirs answers alpha's public key, which is read once.
func (c *Channel) theirs() (ed25519.PublicKey, error) {
	if p := c.pub.Load(); p != nil {
		return *p, nil
	}
	pub, err := keys.PublicEd25519(c.cfg.KeysDir, theirs)
	if err != nil {
		return nil, fmt.Errorf("alpha's key: %w", err)
	}
	c.pub.Store(&pub)
	return pub, nil
}
