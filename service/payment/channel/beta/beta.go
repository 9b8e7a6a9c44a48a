package beta

import (
	"context"
	"crypto/rsa"
	"crypto/sha256"
	"fmt"
	"net/http"
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
	ours   = "merchant-beta"
	theirs = "party-beta"

	timeLayout = "20060102150405"
)

// codes is beta's closed list. 51 speaks of the card that is debited, so for money that goes out it proves nothing.
var codes = payment.Codes{
	Success: []string{"00", "A6"},
	Failures: map[string]payment.Failure{
		"14": {Reason: "card_unknown", Elsewhere: true},
		"22": {Reason: "name_mismatch"},
		"51": {Reason: "balance_too_low", Kinds: []payment.Kind{payment.Debit, payment.Repayment}},
		"61": {Reason: "limit_exceeded", Elsewhere: true},
		"62": {Reason: "card_restricted"},
	},
}

// terms are beta's tariff: 0.80 yuan for money out, 2.5 per mille of money in.
var terms = map[payment.Kind]payment.Terms{
	payment.Disbursement: {Fee: payment.Fee{FixedMinor: 80}},
	payment.Refund:       {Fee: payment.Fee{FixedMinor: 80}},
	payment.Debit:        {Fee: payment.Fee{PPM: 2500}},
	payment.Repayment:    {Fee: payment.Fee{PPM: 2500}},
}

// open are the codes that the scheme itself calls unknown.
var open = map[string]bool{"01": true, "03": true, "04": true, "05": true, "12": true, "34": true, "60": true}

var types = map[payment.Kind]string{
	payment.Disbursement: "12", payment.Refund: "12", payment.Debit: "11", payment.Repayment: "11",
}

// Channel is channel beta.
type Channel struct {
	cfg  channel.Config
	http *http.Client
	key  *rsa.PrivateKey
	pub  atomic.Pointer[rsa.PublicKey]
}

// New makes the channel. Beta's public key may appear later; until then nothing beta says is believed.
func New(cfg channel.Config) (channel.Channel, error) {
	key, err := keys.RSA(cfg.KeysDir, ours, cfg.MakeKeys)
	if err != nil {
		return nil, fmt.Errorf("our key for beta: %w", err)
	}
	cfg.BaseURL = strings.TrimSuffix(cfg.BaseURL, "/")
	return &Channel{cfg: cfg, http: channel.Client(cfg), key: key}, nil
}

// MakeKey makes our key for beta, if it is missing.
func MakeKey(dir string) error { _, err := keys.RSA(dir, ours, true); return err }

// Profile answers what is fixed about beta.
func (c *Channel) Profile() channel.Profile {
	return channel.Profile{Name: "beta", Codes: codes, Deduplicates: true, Kinds: payment.Kinds, Terms: terms, AcceptFor: acceptFor, Thanks: "ok"}
}

// Submit sends an order. Success here means that beta took it, not that the money moved.
func (c *Channel) Submit(ctx context.Context, o channel.Order) (channel.Reply, error) {
	answer, raw, err := c.call(ctx, "/gateway/api/trans", Form{
		"version": "1.0", "encoding": "UTF-8", "certId": ours, "merId": c.cfg.MerchantID, "orderId": o.RequestNo,
		"txnType": types[o.Kind], "txnTime": txnTime(o.Ref), "txnAmt": strconv.FormatInt(o.AmountMinor, 10),
		"currencyCode": "156", "accNo": o.CardNo.Reveal(), "customerNm": o.Name.Reveal(), "phoneNo": o.Mobile.Reveal(),
		"backUrl": c.cfg.NotifyURL,
	})
	if err != nil {
		return channel.Reply{}, err
	}
	status := payment.SaidFailed
	switch code := answer["respCode"]; {
	case code == "00" || code == "A6":
		status = payment.SaidProcessing
	case open[code]:
		status = payment.SaidNothing
	}
	return read(answer, raw, status, answer["respCode"], o.RequestNo)
}

// Query asks what became of an order.
func (c *Channel) Query(ctx context.Context, ref channel.Ref) (channel.Reply, error) {
	answer, raw, err := c.call(ctx, "/gateway/api/query", Form{
		"merId": c.cfg.MerchantID, "orderId": ref.RequestNo, "txnTime": txnTime(ref), "certId": ours,
	})
	if err != nil {
		return channel.Reply{}, err
	}
	switch code := answer["respCode"]; code {
	case "00":
		return read(answer, raw, concluded(answer["origRespCode"]), answer["origRespCode"], ref.RequestNo)
	case "34":
		return read(answer, raw, payment.SaidNotFound, code, ref.RequestNo)
	default:
		return read(answer, raw, payment.SaidNothing, code, ref.RequestNo)
	}
}

// concluded reads the code of a transaction in a query's answer or a callback.
func concluded(code string) payment.Status {
	switch {
	case code == "00" || code == "A6":
		return payment.SaidSuccess
	case code == "05":
		return payment.SaidProcessing
	case open[code] || code == "":
		return payment.SaidNothing
	}
	return payment.SaidFailed
}

func (c *Channel) call(ctx context.Context, path string, f Form) (Form, []byte, error) {
	return c.callUpTo(ctx, path, f, channel.MessageMax)
}

func (c *Channel) callUpTo(ctx context.Context, path string, f Form, most int) (Form, []byte, error) {
	pub, err := c.theirs()
	if err != nil {
		return nil, nil, err
	}
	if err := f.Sign(c.key); err != nil {
		return nil, nil, err
	}
	header := http.Header{"Content-Type": {"application/x-www-form-urlencoded; charset=UTF-8"}}
	res, err := channel.PostUpTo(ctx, c.http, c.cfg.BaseURL+path, header, f.Encode(), int64(most))
	if err != nil {
		return nil, nil, err
	}
	answer, err := c.believe(pub, res.Body, most)
	return answer, res.Body, err
}

// believe checks a message of beta's and that it is for us.
func (c *Channel) believe(pub *rsa.PublicKey, raw []byte, most int) (Form, error) {
	f, err := parseForm(raw, most)
	if err != nil {
		return nil, err
	}
	if id := f["certId"]; id != "" && id != theirs {
		return nil, fmt.Errorf("another key: %w", channel.ErrSignature)
	}
	if err := f.Check(pub); err != nil {
		return nil, err
	}
	if id := f["merId"]; id != "" && id != c.cfg.MerchantID {
		return nil, fmt.Errorf("it is for another merchant: %w", channel.ErrMalformed)
	}
	return f, nil
}

// Notice checks and reads a callback. Beta repeats the same form until it reads "ok"; its messages carry no time, so
// that the same message again is a repeat and not an attack, and changes nothing either way.
func (c *Channel) Notice(r channel.Received) (channel.Notice, error) {
	pub, err := c.theirs()
	if err != nil {
		return channel.Notice{}, fmt.Errorf("%w: %w", channel.ErrSignature, err)
	}
	f, err := c.believe(pub, r.Body, channel.MessageMax)
	if err != nil {
		return channel.Notice{}, err
	}
	reply, err := read(f, r.Body, concluded(f["respCode"]), f["respCode"], "")
	if err != nil {
		return channel.Notice{}, err
	}
	return channel.Notice{Reply: reply, Key: reply.Digest}, nil
}

// read turns a checked form into an answer.
func read(f Form, raw []byte, status payment.Status, code, requestNo string) (channel.Reply, error) {
	a := payment.Answer{
		Status: status, Code: code, Message: channel.Words(f["respMsg"]), RequestNo: f["orderId"], ChannelNo: f["queryId"],
	}
	if v := f["txnAmt"]; v != "" {
		amount, err := strconv.ParseInt(v, 10, 64)
		if err != nil {
			return channel.Reply{}, fmt.Errorf("its amount is no number: %w", channel.ErrMalformed)
		}
		a.AmountMinor = amount
	}
	if v := f["settleDate"]; v != "" {
		day, err := time.Parse("20060102", v)
		if err != nil {
			return channel.Reply{}, fmt.Errorf("its settlement date does not exist: %w", channel.ErrMalformed)
		}
		a.SettledOn = day.Format(time.DateOnly)
	}
	if err := channel.Sane(a, requestNo); err != nil {
		return channel.Reply{}, err
	}
	sum := sha256.Sum256(raw)
	return channel.Reply{Answer: a, Digest: sum[:]}, nil
}

func txnTime(ref channel.Ref) string { return ref.RequestedAt.In(clock.Shanghai).Format(timeLayout) }

// theirs answers beta's public key, which is read once.
func (c *Channel) theirs() (*rsa.PublicKey, error) {
	if p := c.pub.Load(); p != nil {
		return p, nil
	}
	pub, err := keys.PublicRSA(c.cfg.KeysDir, theirs)
	if err != nil {
		return nil, fmt.Errorf("beta's key: %w", err)
	}
	c.pub.Store(pub)
	return pub, nil
}
