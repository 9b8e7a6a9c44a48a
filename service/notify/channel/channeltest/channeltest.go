// Package channeltest is the suite that every notification channel passes which goes outside.
package channeltest

import (
	"context"
	"errors"
	"testing"

	"github.com/hengdai/hengdai/kit/secret"
	"github.com/hengdai/hengdai/service/notify/channel"
)

// Provider is the outside party of a channel under test.
type Provider struct {
	Channel channel.Channel
	// Break makes the provider's next answer go wrong after it took the message: "lost", "unsigned", "error", "unknown".
	Break func(how string)
	// Sent counts the messages that really went out.
	Sent func() int
	// Report waits for the delivery report of a request id.
	Report func(requestID string) channel.Received
}

// Run runs the suite. open makes a fresh provider for each test.
func Run(t *testing.T, open func(t *testing.T) Provider) {
	t.Run("a message sent twice goes out once", func(t *testing.T) { sentTwice(t, open(t)) })
	t.Run("an answer that cannot be believed is an error and a query tells the truth", func(t *testing.T) { brokenAnswers(t, open(t)) })
	t.Run("a message that was never sent is not found", func(t *testing.T) { unknown(t, open(t)) })
	t.Run("a bad address is refused", func(t *testing.T) { badAddress(t, open(t)) })
	t.Run("a report is read, and one that was touched is not", func(t *testing.T) { reports(t, open(t)) })
}

func message(id string) channel.Message {
	return channel.Message{RequestID: id, Template: "test", To: secret.New("12012345678"), Text: secret.New("测试")}
}

func sentTwice(t *testing.T, p Provider) {
	first, err := p.Channel.Send(context.Background(), message("one"))
	if err != nil || first.Status != channel.Accepted {
		t.Fatalf("%v %v", first, err)
	}
	second, err := p.Channel.Send(context.Background(), message("one"))
	if err != nil || second.ProviderNo != first.ProviderNo {
		t.Fatalf("%v %v", second, err)
	}
	if p.Sent() != 1 {
		t.Errorf("%d messages went out", p.Sent())
	}
}

func brokenAnswers(t *testing.T, p Provider) {
	for i, how := range []string{"lost", "unsigned", "error", "unknown"} {
		p.Break(how)
		id := "broken-" + how
		if r, err := p.Channel.Send(context.Background(), message(id)); err == nil {
			t.Errorf("%s is believed: %v", how, r)
		}
		r, err := p.Channel.Query(context.Background(), id)
		if err != nil || (r.Status != channel.Accepted && r.Status != channel.Delivered) {
			t.Errorf("after %s the query says %v %v", how, r, err)
		}
		if p.Sent() != i+1 {
			t.Errorf("after %s %d messages went out", how, p.Sent())
		}
	}
}

func unknown(t *testing.T, p Provider) {
	r, err := p.Channel.Query(context.Background(), "never")
	if err != nil || r.Status != channel.NotFound {
		t.Errorf("%v %v", r, err)
	}
}

func badAddress(t *testing.T, p Provider) {
	m := message("bad")
	m.To = secret.New("12")
	r, err := p.Channel.Send(context.Background(), m)
	if err != nil || r.Status != channel.Refused || p.Sent() != 0 {
		t.Errorf("%v %v", r, err)
	}
}

func reports(t *testing.T, p Provider) {
	if _, err := p.Channel.Send(context.Background(), message("reported")); err != nil {
		t.Fatal(err)
	}
	received := p.Report("reported")
	report, err := p.Channel.Report(received)
	if err != nil || report.RequestID != "reported" || report.Status != channel.Delivered {
		t.Fatalf("%v %v", report, err)
	}
	for name, touch := range map[string]func(r *channel.Received){
		"body":   func(r *channel.Received) { r.Body = append([]byte(" "), r.Body...) },
		"path":   func(r *channel.Received) { r.Path += "x" },
		"method": func(r *channel.Received) { r.Method = "PUT" },
		"header": func(r *channel.Received) { r.Header.Set("X-Timestamp", "1") },
		"key":    func(r *channel.Received) { r.Header.Del("X-Key-Id") },
	} {
		touched := received
		touched.Header = received.Header.Clone()
		touch(&touched)
		if _, err := p.Channel.Report(touched); !errors.Is(err, channel.ErrSignature) {
			t.Errorf("a touched %s answers %v", name, err)
		}
	}
}
