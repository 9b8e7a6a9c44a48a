package sms

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/hengdai/hengdai/kit/clock"
	"github.com/hengdai/hengdai/kit/keys"
	"github.com/hengdai/hengdai/service/notify/channel"
)

const (
	name       = "sms"
	answerMax  = 64 << 10
	reportPath = "/callbacks/notify/sms"
)

type client struct {
	base    string
	http    *http.Client
	timeout time.Duration
	private ed25519.PrivateKey
	keysDir string

	mu     sync.Mutex
	public ed25519.PublicKey
}

// New makes the channel. The provider's public key may come later than this program: it is read when first needed.
func New(cfg channel.Config) (channel.Channel, error) {
	u, err := url.Parse(cfg.BaseURL)
	if err != nil || u.Host == "" {
		return nil, fmt.Errorf("the SMS provider's address %q is no URL", cfg.BaseURL)
	}
	private, err := keys.Ed25519(cfg.KeysDir, "merchant-"+party, cfg.MakeKeys)
	if err != nil {
		return nil, fmt.Errorf("our key at the SMS provider: %w", err)
	}
	c := &client{base: strings.TrimSuffix(cfg.BaseURL, "/"), http: cfg.HTTPClient, timeout: cfg.Timeout, private: private, keysDir: cfg.KeysDir}
	if c.timeout == 0 {
		c.timeout = 10 * time.Second
	}
	if c.http == nil {
		c.http = &http.Client{
			Transport:     &http.Transport{MaxIdleConnsPerHost: 32, IdleConnTimeout: time.Minute},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}
	}
	return c, nil
}

// Profile says how the channel is called.
func (c *client) Profile() channel.Profile { return channel.Profile{Name: name, Callback: reportPath} }

// Send sends a message under its request id.
func (c *client) Send(ctx context.Context, m channel.Message) (channel.Receipt, error) {
	var a struct {
		RequestID string `json:"request_id"`
		MessageNo string `json:"message_no"`
		Code      string `json:"code"`
	}
	body := map[string]string{"request_id": m.RequestID, "mobile": m.To.Reveal(), "template": m.Template, "text": m.Text.Reveal()}
	if err := c.call(ctx, "/v1/send", body, &a); err != nil {
		return channel.Receipt{}, err
	}
	if a.RequestID != m.RequestID {
		return channel.Receipt{}, fmt.Errorf("an answer to another request: %w", channel.ErrMalformed)
	}
	switch a.Code {
	case "OK":
		return channel.Receipt{Status: channel.Accepted, ProviderNo: a.MessageNo, Code: a.Code}, nil
	case "INVALID_MOBILE":
		return channel.Receipt{Status: channel.Refused, Code: a.Code}, nil
	case "RATE_LIMITED", "BUSY":
		return channel.Receipt{Status: channel.Busy, Code: a.Code}, nil
	}
	return channel.Receipt{}, fmt.Errorf("the SMS provider answers the unknown code %q", short(a.Code))
}

// Query asks what became of a request id.
func (c *client) Query(ctx context.Context, requestID string) (channel.Receipt, error) {
	var a struct {
		RequestID string `json:"request_id"`
		MessageNo string `json:"message_no"`
		Code      string `json:"code"`
		Status    string `json:"status"`
	}
	if err := c.call(ctx, "/v1/query", map[string]string{"request_id": requestID}, &a); err != nil {
		return channel.Receipt{}, err
	}
	r := channel.Receipt{ProviderNo: a.MessageNo, Code: a.Code}
	switch {
	case a.RequestID != requestID:
		return channel.Receipt{}, fmt.Errorf("an answer to another request: %w", channel.ErrMalformed)
	case a.Code == "NOT_FOUND":
		r.Status = channel.NotFound
	case a.Code == "BUSY":
		r.Status = channel.Busy
	case a.Code == "OK" && a.Status == "DELIVERED":
		r.Status = channel.Delivered
	case a.Code == "OK" && a.Status == "FAILED":
		r.Status = channel.Failed
	case a.Code == "OK":
		r.Status = channel.Accepted
	default:
		return channel.Receipt{}, fmt.Errorf("the SMS provider answers the unknown code %q", short(a.Code))
	}
	return r, nil
}

// Report reads a delivery report.
func (c *client) Report(r channel.Received) (channel.Report, error) {
	if err := c.known(); err != nil {
		return channel.Report{}, err
	}
	if err := c.check(clock.Real(), r.Method+"\n"+r.Path, r.Header, r.Body); err != nil {
		return channel.Report{}, err
	}
	var a struct {
		MessageNo string `json:"message_no"`
		RequestID string `json:"request_id"`
		Status    string `json:"status"`
	}
	if err := json.Unmarshal(r.Body, &a); err != nil || a.RequestID == "" || len(a.RequestID) > 64 || len(a.MessageNo) > 64 {
		return channel.Report{}, channel.ErrMalformed
	}
	report := channel.Report{RequestID: a.RequestID, ProviderNo: a.MessageNo}
	switch a.Status {
	case "DELIVERED":
		report.Status = channel.Delivered
	case "FAILED":
		report.Status = channel.Failed
	default:
		return channel.Report{}, channel.ErrMalformed
	}
	return report, nil
}

// call posts a signed request and reads the answer, which must be signed for this very request.
func (c *client) call(ctx context.Context, path string, body, into any) error {
	if err := c.known(); err != nil {
		return err
	}
	raw, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("writing a request: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base+path, bytes.NewReader(raw))
	if err != nil {
		return fmt.Errorf("making a request: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	nonce := c.sign(req, clock.Real(), raw)
	resp, err := c.http.Do(req)
	if err != nil {
		return fmt.Errorf("calling the SMS provider: %w", cause(err))
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, answerMax))
	if err != nil {
		return fmt.Errorf("reading the SMS provider's answer: %w", err)
	}
	if err := c.check(clock.Real(), strconv.Itoa(resp.StatusCode)+"\n"+nonce, resp.Header, answer); err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("the SMS provider answers status %d", resp.StatusCode)
	}
	if err := json.Unmarshal(answer, into); err != nil {
		return channel.ErrMalformed
	}
	return nil
}

// known reads the provider's public key once it is there.
func (c *client) known() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.public != nil {
		return nil
	}
	public, err := keys.PublicEd25519(c.keysDir, "party-"+party)
	if err != nil {
		return fmt.Errorf("the SMS provider's key: %w", err)
	}
	c.public = public
	return nil
}

// cause leaves the address out of a transport error.
func cause(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

func short(s string) string { return s[:min(len(s), 32)] }
