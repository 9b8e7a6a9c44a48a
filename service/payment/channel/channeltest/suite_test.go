package channeltest

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/hengdai/hengdai/domain/payment"
	"github.com/hengdai/hengdai/kit/secret"
	"github.com/hengdai/hengdai/sandbox/people"
	"github.com/hengdai/hengdai/service/payment/channel"
	"github.com/hengdai/hengdai/service/payment/channel/all"
)

func TestEveryKindOfOrderSucceedsAndTheQueryAgrees(t *testing.T) {
	each(t, func(r *rig) {
		for _, kind := range r.ch.Profile().Kinds {
			o := r.order(r.payee, kind, 100)
			if got := r.end(o); got.Verdict != payment.Succeeded {
				r.t.Errorf("%s: %v", kind, got)
			}
			reply, err := r.ch.Query(context.Background(), o.Ref)
			r.must(err)
			if r.verdict(kind, reply).Verdict != payment.Succeeded || reply.ChannelNo == "" || len(reply.Digest) != 32 || reply.SettledOn == "" {
				r.t.Errorf("%s: the query answers %+v", kind, reply)
			}
			if reply.AmountMinor != 0 && reply.AmountMinor != 100 {
				r.t.Errorf("%s: the amount is %d", kind, reply.AmountMinor)
			}
		}
	})
}

func TestEveryFailureOfThePartyStandsInTheClosedList(t *testing.T) {
	each(t, func(r *rig) {
		nobody, stranger := people.Make(99, 99, people.Options{}), r.payee
		stranger.Name = nobody.Name
		for want, o := range map[string]channel.Order{
			"balance_too_low": r.order(r.poor, payment.Debit, rich+1),
			"card_unknown":    r.order(nobody, payment.Disbursement, 100),
			"name_mismatch":   r.order(stranger, payment.Disbursement, 100),
			"limit_exceeded":  r.order(r.payee, payment.Disbursement, 500_000_01),
		} {
			if got := r.end(o); got.Verdict != payment.Failed || got.Reason != want {
				r.t.Errorf("%s: %+v", want, got)
			}
		}
		r.control("/control/accounts", map[string]any{"card_no": r.poor.Cards[0].CardNo, "closed": true})
		if got := r.end(r.order(r.poor, payment.Disbursement, 100)); got.Verdict != payment.Failed || got.Elsewhere {
			r.t.Errorf("a closed card: %+v", got)
		}
	})
}

func TestANumberSentAgainMovesMoneyOnce(t *testing.T) {
	each(t, func(r *rig) {
		if !r.ch.Profile().Deduplicates {
			r.t.Skip("the channel does not deduplicate")
		}
		o := r.order(r.payee, payment.Disbursement, 100)
		for range 4 {
			if got := r.end(o); got.Verdict != payment.Succeeded {
				r.t.Errorf("sent again: %+v", got)
			}
		}
		if n := r.moved(o.RequestNo); n != 1 {
			r.t.Errorf("money moved %d times", n)
		}
		other := o
		other.AmountMinor++
		reply, err := r.ch.Submit(context.Background(), other)
		if err == nil {
			if v := r.verdict(o.Kind, reply).Verdict; v != payment.Unclear && v != payment.Succeeded && v != payment.InProgress {
				r.t.Errorf("the number with another amount proves %s", v)
			}
		}
		if n := r.moved(o.RequestNo); n != 1 {
			r.t.Errorf("money moved %d times", n)
		}
	})
}

func TestAnUnknownNumberIsMissingAndNotFailed(t *testing.T) {
	each(t, func(r *rig) {
		reply, err := r.ch.Query(context.Background(), r.order(r.payee, payment.Debit, 100).Ref)
		r.must(err)
		if got := r.verdict(payment.Debit, reply); got.Verdict != payment.Missing {
			r.t.Errorf("got %+v", got)
		}
	})
}

func TestNoFaultOfTheWireOrPartyProvesAnything(t *testing.T) {
	each(t, func(r *rig) {
		for _, kind := range []string{"lost_request", "server_error", "busy", "lost_response", "server_error_after", "unknown_code", "bad_signature", "garbage"} {
			o := r.order(r.payee, payment.Disbursement, 100)
			r.fault(r.ask.submit, kind, nil)
			reply, err := r.ch.Submit(context.Background(), o)
			if err == nil {
				if v := r.verdict(o.Kind, reply).Verdict; v != payment.Unclear {
					r.t.Errorf("%s proves %s", kind, v)
				}
			}
		}
		r.fault(r.ask.submit, "slow", map[string]any{"delay_ms": 1500})
		if _, err := r.ch.Submit(context.Background(), r.order(r.payee, payment.Disbursement, 100)); err == nil {
			r.t.Error("a call that is too slow is answered")
		}
	})
}

func TestAnAnswerThatWasTouchedIsNotBelieved(t *testing.T) {
	each(t, func(r *rig) {
		first := r.order(r.payee, payment.Disbursement, 100)
		r.end(first)
		var kept []byte
		var keptHeader http.Header
		r.between(func(status int, h http.Header, body []byte) (int, []byte) {
			kept, keptHeader = body, h.Clone()
			return status, body
		}, func() { _, _ = r.ch.Query(context.Background(), first.Ref) })
		second := r.order(r.payee, payment.Disbursement, 100)
		for name, change := range map[string]func(int, http.Header, []byte) (int, []byte){
			"altered": func(s int, _ http.Header, b []byte) (int, []byte) {
				return s, bytes.Replace(b, []byte(second.RequestNo), []byte(first.RequestNo), 1)
			},
			"replayed": func(s int, h http.Header, _ []byte) (int, []byte) {
				for k, v := range keptHeader {
					h[k] = v
				}
				return s, kept
			},
			"unsigned": func(s int, h http.Header, b []byte) (int, []byte) {
				h.Del("X-Signature")
				text, _, _ := strings.Cut(string(b), "&signature=")
				return s, []byte(text)
			},
			"cut short":  func(s int, _ http.Header, b []byte) (int, []byte) { return s, b[:len(b)/2] },
			"empty":      func(s int, _ http.Header, _ []byte) (int, []byte) { return s, nil },
			"too large":  func(s int, _ http.Header, b []byte) (int, []byte) { return s, bytes.Repeat(append(b, '&'), 2000) },
			"a bad hour": func(_ int, _ http.Header, b []byte) (int, []byte) { return http.StatusBadGateway, b },
			"a login page": func(_ int, _ http.Header, _ []byte) (int, []byte) {
				return http.StatusOK, []byte("<html>please sign in</html>")
			},
		} {
			r.between(change, func() {
				reply, err := r.ch.Query(context.Background(), second.Ref)
				if err == nil {
					r.t.Errorf("%s: believed: %+v", name, reply)
				}
			})
		}
	})
}

func TestACallbackIsBelievedAsItCameAndNotOtherwise(t *testing.T) {
	each(t, func(r *rig) {
		o := r.order(r.payee, payment.Debit, 100)
		r.end(o)
		got := r.notice(o.RequestNo)
		n, err := r.ch.Notice(got)
		r.must(err)
		if r.verdict(o.Kind, n.Reply).Verdict != payment.Succeeded || n.RequestNo != o.RequestNo || len(n.Key) != 32 || n.AmountMinor != 100 {
			r.t.Errorf("heard %+v", n)
		}
		altered := got
		altered.Body = bytes.Replace(got.Body, []byte("100"), []byte("900"), 1)
		unsigned := got
		unsigned.Header = http.Header{}
		unsigned.Body, _, _ = bytes.Cut(got.Body, []byte("&signature="))
		empty := got
		empty.Body = nil
		for name, bad := range map[string]channel.Received{"altered": altered, "unsigned": unsigned, "empty": empty} {
			if _, err := r.ch.Notice(bad); !errors.Is(err, channel.ErrSignature) && !errors.Is(err, channel.ErrMalformed) {
				r.t.Errorf("%s: %v", name, err)
			}
		}
	})
}

func TestPersonalValuesAreInNoError(t *testing.T) {
	each(t, func(r *rig) {
		o := r.order(r.payee, payment.Disbursement, 100)
		o.CardNo = secret.New("9999000011112222333")
		for _, kind := range []string{"lost_request", "server_error", "garbage", "bad_signature"} {
			r.fault(r.ask.submit, kind, nil)
			_, err := r.ch.Submit(context.Background(), o)
			if err != nil && (strings.Contains(err.Error(), "9999000011112222333") || strings.Contains(err.Error(), r.payee.Name)) {
				r.t.Errorf("%s: an error shows personal values", kind)
			}
		}
	})
}

func TestTheTableHasNoNameTwiceAndRefusesOthers(t *testing.T) {
	seen := map[string]bool{}
	for _, e := range all.Table {
		if seen[e.Name] {
			t.Errorf("%s stands twice", e.Name)
		}
		seen[e.Name] = true
	}
	if _, err := all.New(channel.Config{Channel: "gamma"}); err == nil {
		t.Error("an unknown channel was made")
	}
}
