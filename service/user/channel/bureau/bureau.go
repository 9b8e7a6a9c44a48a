package bureau

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/hengdai/hengdai/kit/clock"
	"github.com/hengdai/hengdai/service/user/channel"
)

// Name is the party's name in keys and records.
const Name = "bureau"

const (
	skew     = 5 * time.Minute
	timeout  = 8 * time.Second
	maxBytes = 1 << 20
)

// Config is all a client needs.
type Config struct {
	// BaseURL is where the bureau is, for example "https://bureau.example/api".
	BaseURL string
	// Own signs our requests (merchant-bureau), Theirs checks their answers (party-bureau).
	Own    ed25519.PrivateKey
	Theirs ed25519.PublicKey
	// HTTP makes the requests; nil means a client of its own.
	HTTP *http.Client
}

// Client is the bureau as a channel.
type Client struct {
	Config
	verify *url.URL
}

// New checks the configuration.
func New(c Config) (*Client, error) {
	base, err := url.Parse(strings.TrimRight(c.BaseURL, "/") + "/v1/verify4")
	if err != nil || base.Host == "" || (base.Scheme != "http" && base.Scheme != "https") {
		return nil, errors.New("bureau: the base URL must be an http or https address")
	}
	if len(c.Own) != ed25519.PrivateKeySize || len(c.Theirs) != ed25519.PublicKeySize {
		return nil, errors.New("bureau: both keys are required")
	}
	if c.HTTP == nil {
		c.HTTP = &http.Client{Timeout: timeout}
	}
	return &Client{Config: c, verify: base}, nil
}

// Name answers "bureau".
func (c *Client) Name() string { return Name }

type question struct {
	RequestID string `json:"request_id"`
	Name      string `json:"name"`
	IDNo      string `json:"id_no"`
	CardNo    string `json:"card_no"`
	Mobile    string `json:"mobile"`
}

type answer struct {
	RequestID string `json:"request_id"`
	Code      string `json:"code"`
	Result    string `json:"result"`
	Bank      string `json:"bank"`
}

// Verify asks the bureau.
func (c *Client) Verify(ctx context.Context, q channel.Question) (channel.Answer, error) {
	body, err := json.Marshal(question{
		RequestID: q.RequestID, Name: q.Name.Reveal(), IDNo: q.IDNo.Reveal(), CardNo: q.CardNo.Reveal(), Mobile: q.Mobile.Reveal(),
	})
	if err != nil {
		return channel.Answer{}, unknown(err)
	}
	raw, err := c.exchange(ctx, body)
	if err != nil {
		return channel.Answer{}, unknown(err)
	}
	var a answer
	if err := json.Unmarshal(raw, &a); err != nil {
		return channel.Answer{}, unknown(errors.New("the answer is no JSON"))
	}
	if a.RequestID != q.RequestID {
		return channel.Answer{}, unknown(errors.New("the answer is to another question"))
	}
	return meaning(a)
}

// meaning reads the closed list of codes; what is not listed is unknown.
func meaning(a answer) (channel.Answer, error) {
	out := channel.Answer{Code: a.Code, Bank: a.Bank}
	switch a.Code {
	case "0000":
		if r := channel.Result(a.Result); r == channel.Match || r == channel.Mismatch || r == channel.NoRecord {
			out.Result = r
			return out, nil
		}
	case "1001":
		out.Result = channel.BadIDNo
		return out, nil
	case "1002":
		out.Result = channel.BadCardNo
		return out, nil
	case "2001":
		return channel.Answer{}, channel.ErrReused
	}
	return channel.Answer{}, unknown(fmt.Errorf("code %q, result %q", a.Code, a.Result))
}

// exchange sends one signed request and answers the body of an answer whose signature fits.
func (c *Client) exchange(ctx context.Context, body []byte) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.verify.String(), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	nonce, err := newNonce()
	if err != nil {
		return nil, err
	}
	stamp := strconv.FormatInt(clock.Real().UnixMilli(), 10)
	text := strings.Join([]string{req.Method, c.verify.EscapedPath(), stamp, nonce, hexSum(body)}, "\n")
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Key-Id", "merchant-"+Name)
	req.Header.Set("X-Timestamp", stamp)
	req.Header.Set("X-Nonce", nonce)
	req.Header.Set("X-Signature", base64.StdEncoding.EncodeToString(ed25519.Sign(c.Own, []byte(text))))
	res, err := c.HTTP.Do(req)
	if err != nil {
		return nil, errors.New("no answer") // the URL and body stay out of the log
	}
	defer func() { _ = res.Body.Close() }()
	raw, err := io.ReadAll(io.LimitReader(res.Body, maxBytes))
	if err != nil {
		return nil, errors.New("the answer broke off")
	}
	return raw, c.check(res, nonce, raw)
}

// check verifies who answered, to which request, and when.
func (c *Client) check(res *http.Response, requestNonce string, body []byte) error {
	stamp, nonce := res.Header.Get("X-Timestamp"), res.Header.Get("X-Nonce")
	ms, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil {
		return fmt.Errorf("unsigned answer with status %d", res.StatusCode)
	}
	if age := clock.Since(time.UnixMilli(ms)); age > skew || age < -skew {
		return errors.New("stale answer")
	}
	sig, err := base64.StdEncoding.DecodeString(res.Header.Get("X-Signature"))
	text := strings.Join([]string{strconv.Itoa(res.StatusCode), requestNonce, stamp, nonce, hexSum(body)}, "\n")
	if err != nil || !ed25519.Verify(c.Theirs, []byte(text), sig) {
		return fmt.Errorf("wrongly signed answer with status %d", res.StatusCode)
	}
	return nil
}

func unknown(cause error) error { return channel.ErrUnknown.Because(cause) }

func newNonce() (string, error) {
	var b [16]byte
	if _, err := rand.Read(b[:]); err != nil {
		return "", fmt.Errorf("drawing a nonce: %w", err)
	}
	return hex.EncodeToString(b[:]), nil
}

func hexSum(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
