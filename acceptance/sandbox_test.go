package acceptance

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// sandboxControl is the control surface of the outside parties.
type sandboxControl struct{ base string }

func (s *sandboxControl) ask(method, path string, body, into any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	req, err := http.NewRequest(method, s.base+path, bytes.NewReader(text))
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	text, err = io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("the sandbox answered %d to %s: %.200s", res.StatusCode, path, text)
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(text, into)
}

func (s *sandboxControl) post(t testing.TB, path string, body, into any) {
	t.Helper()
	if err := s.ask(http.MethodPost, path, body, into); err != nil {
		t.Fatal(err)
	}
}

// setBalance states what the account of a card holds.
func (s *sandboxControl) setBalance(t testing.TB, cardNo string, minor int64) {
	t.Helper()
	s.post(t, "/control/accounts", map[string]any{"card_no": cardNo, "balance_minor": minor}, nil)
}

// letFail adds a fault rule; it is taken away when the test ends.
func (s *sandboxControl) letFail(t testing.TB, party string, rule map[string]any) {
	t.Helper()
	rule["party"] = party
	s.post(t, "/control/faults", rule, nil)
	t.Cleanup(func() { s.makeWell(t, party) })
}

func (s *sandboxControl) makeWell(t testing.TB, party string) {
	t.Helper()
	if err := s.ask(http.MethodDelete, "/control/faults?party="+url.QueryEscape(party), nil, nil); err != nil {
		t.Error(err)
	}
}

// done is a line of the parties' journal.
type done struct {
	Seq         int64  `json:"seq"`
	Party       string `json:"party"`
	Kind        string `json:"kind"`
	RequestNo   string `json:"request_no"`
	CardNo      string `json:"card_no"`
	AmountMinor int64  `json:"amount_minor"`
	Status      string `json:"status"`
	Code        string `json:"code"`
	SettledOn   string `json:"settled_on"`
}

// moved lists what the channels really did to a card: the successful orders of a kind.
func (s *sandboxControl) moved(t testing.TB, cardNo, kind string) []done {
	t.Helper()
	var found []done
	for after, more := int64(0), true; more; {
		var page struct {
			Rows []done `json:"rows"`
			Next int64  `json:"next"`
			More bool   `json:"more"`
		}
		if err := s.ask(http.MethodGet, fmt.Sprintf("/control/journal?after=%d&limit=10000", after), nil, &page); err != nil {
			t.Fatal(err)
		}
		for _, row := range page.Rows {
			if row.CardNo == cardNo && row.Kind == kind && row.Status == "SUCCESS" {
				found = append(found, row)
			}
		}
		after, more = page.Next, page.More
	}
	return found
}

// sms is a message as it arrived on a phone.
type sms struct {
	Seq  int64  `json:"seq"`
	Text string `json:"text"`
}

// received lists what arrived on a phone after a message, newest first.
func (s *sandboxControl) received(mobile string, after int64) ([]sms, error) {
	var got struct {
		Messages []sms `json:"messages"`
	}
	err := s.ask(http.MethodGet, fmt.Sprintf("/control/sms?mobile=%s&after=%d", mobile, after), nil, &got)
	return got.Messages, err
}

// hasSMS waits until a message with a text arrived on a phone.
func (s *sandboxControl) hasSMS(t testing.TB, mobile, text string) {
	t.Helper()
	eventually(t, "no message says "+text, 30*time.Second, func() (bool, error) {
		got, err := s.received(mobile, 0)
		return slices.ContainsFunc(got, func(m sms) bool { return strings.Contains(m.Text, text) }), err
	})
}

// newestCode reads the newest one-time code sent to a mobile after a message.
func (s *sandboxControl) newestCode(mobile string, after int64) (code string, seq int64, err error) {
	got, err := s.received(mobile, after)
	if err != nil {
		return "", 0, err
	}
	for _, m := range got {
		if digits := sixDigits(m.Text); digits != "" {
			return digits, m.Seq, nil
		}
	}
	return "", 0, errors.New("no code has arrived")
}

// sixDigits finds the first run of exactly six digits.
func sixDigits(text string) string {
	run := 0
	for i, r := range text + " " {
		if r >= '0' && r <= '9' {
			run++
			continue
		}
		if run == 6 {
			return text[i-6 : i]
		}
		run = 0
	}
	return ""
}

// today is the date of the world's calendar.
func (w *world) today(t testing.TB) time.Time {
	t.Helper()
	var server struct{ Today string }
	visitor := w.newPhone()
	eventually(t, "the entrance does not say what day it is", 30*time.Second, func() (bool, error) {
		got, err := visitor.try(looks("/v1/server"))
		if err != nil || got.status != http.StatusOK {
			return false, err
		}
		return true, json.Unmarshal(got.body, &server)
	})
	return dateOf(t, server.Today)
}

func dateOf(t testing.TB, text string) time.Time {
	t.Helper()
	date, err := time.Parse(time.DateOnly, text)
	if err != nil {
		t.Fatal(err)
	}
	return date
}

// later answers a date so many days after another.
func later(t testing.TB, date string, days int) string {
	t.Helper()
	return dateOf(t, date).AddDate(0, 0, days).Format(time.DateOnly)
}
