package channel

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/hengdai/hengdai/domain/payment"
)

// MessageMax is the largest message that is read from a party, in bytes.
const MessageMax = 64 << 10

const defaultTimeout = 10 * time.Second

// Client makes the HTTP client of a channel: it follows no redirect, and a call ends after the timeout.
func Client(cfg Config) *http.Client {
	timeout := cfg.Timeout
	if timeout <= 0 {
		timeout = defaultTimeout
	}
	var transport http.RoundTripper = &http.Transport{MaxIdleConnsPerHost: 32, IdleConnTimeout: time.Minute, ResponseHeaderTimeout: timeout}
	if cfg.Through != nil {
		transport = cfg.Through(transport)
	}
	return &http.Client{
		Timeout:       timeout,
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Response is what came back, whole.
type Response struct {
	Status int
	Header http.Header
	Body   []byte
}

// Post sends a body and answers what came back. A 5xx is an error: it proves nothing.
func Post(ctx context.Context, c *http.Client, url string, header http.Header, body []byte) (Response, error) {
	return PostUpTo(ctx, c, url, header, body, MessageMax)
}

// PostUpTo is Post for an answer of up to so many bytes.
func PostUpTo(ctx context.Context, c *http.Client, url string, header http.Header, body []byte, most int64) (Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return Response{}, fmt.Errorf("making the request: %w", err)
	}
	for k, v := range header {
		req.Header[k] = v
	}
	res, err := c.Do(req)
	if err != nil {
		return Response{}, fmt.Errorf("calling the channel: %w", err)
	}
	defer func() { _ = res.Body.Close() }()
	raw, err := io.ReadAll(io.LimitReader(res.Body, most+1))
	if err != nil {
		return Response{}, fmt.Errorf("reading the answer: %w", err)
	}
	if int64(len(raw)) > most {
		return Response{}, fmt.Errorf("the answer is larger than %d bytes: %w", most, ErrMalformed)
	}
	if res.StatusCode >= http.StatusInternalServerError {
		return Response{}, fmt.Errorf("the channel answered %d", res.StatusCode)
	}
	return Response{Status: res.StatusCode, Header: res.Header, Body: raw}, nil
}

// Sane refuses an answer that is not about the number that was asked for, that is too long to be stored, or whose dates
// and amounts cannot be. Such an answer proves nothing.
func Sane(a payment.Answer, requestNo string) error {
	switch {
	case requestNo != "" && a.RequestNo != requestNo:
		return fmt.Errorf("it is about another order: %w", ErrMalformed)
	case len(a.Code) > 64 || len(a.ChannelNo) > 64 || len(a.RequestNo) > 40:
		return fmt.Errorf("a field is too long: %w", ErrMalformed)
	case !printable(a.Code) || !printable(a.ChannelNo) || !printable(a.RequestNo):
		return fmt.Errorf("a field has odd characters: %w", ErrMalformed)
	case a.AmountMinor < 0 || a.FeeMinor < 0:
		return fmt.Errorf("an amount is negative: %w", ErrMalformed)
	case !dateOrNothing(a.SettledOn) || !dateOrNothing(a.MovedOn):
		return fmt.Errorf("a date does not exist: %w", ErrMalformed)
	}
	return nil
}

func printable(s string) bool {
	for i := range len(s) {
		if s[i] < 0x21 || s[i] > 0x7e {
			return false
		}
	}
	return true
}

func dateOrNothing(s string) bool {
	if s == "" {
		return true
	}
	_, err := time.Parse(time.DateOnly, s)
	return err == nil
}

// Words cuts a party's free text to what may be stored.
func Words(s string) string {
	const most = 200
	out := make([]rune, 0, min(len(s), most))
	for _, r := range s {
		if len(out) == most {
			break
		}
		if r < 0x20 || r == 0xfffd || r == 0x7f {
			r = ' '
		}
		out = append(out, r)
	}
	return string(out)
}
