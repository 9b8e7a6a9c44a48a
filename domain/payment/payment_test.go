package payment_test

import (
	"errors"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/hengdai/hengdai/domain/ledger"
	"github.com/hengdai/hengdai/domain/payment"
)

func TestARefusedMoveNamesStateAndEvent(t *testing.T) {
	_, err := payment.Apply(payment.Orders, payment.Paid, payment.OrderCancel)
	var refused *payment.RefusedError
	if !errors.As(err, &refused) || refused.From != "PAID" || refused.Event != "cancel" {
		t.Fatalf("got %v", err)
	}
}

func TestNoHistoryOfVerdictsEverTurnsDoubtIntoFailure(t *testing.T) {
	doubts := []payment.Verdict{payment.Unclear, payment.Missing, payment.Retry, payment.InProgress}
	rapid.Check(t, func(t *rapid.T) {
		s := payment.Submitting
		for range rapid.IntRange(1, 50).Draw(t, "length") {
			to, err := payment.Learn(s, rapid.SampledFrom(doubts).Draw(t, "verdict"))
			if err != nil {
				t.Fatal(err)
			}
			s = to
		}
		if !s.Live() {
			t.Fatalf("an attempt of which nothing is known ended as %s", s)
		}
	})
}

func TestAFinalAttemptNeverBecomesLiveAgain(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := payment.Submitting
		ended := false
		for range rapid.IntRange(1, 50).Draw(t, "length") {
			for _, v := range payment.Unfold(s, rapid.SampledFrom(payment.Verdicts).Draw(t, "verdict")) {
				to, err := payment.Learn(s, v)
				if err != nil {
					break
				}
				s = to
			}
			ended = ended || !s.Live()
			if ended && s.Live() {
				t.Fatalf("went back to %s", s)
			}
		}
	})
}

func TestAnOrderIsPaidAtMostOnceByAnyOrderOfNews(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		kind := rapid.SampledFrom(payment.Kinds).Draw(t, "kind")
		order, first, second := payment.Sending, payment.Unknown, payment.Prepared
		moves, recoverables := 0, 0
		for range rapid.IntRange(1, 40).Draw(t, "length") {
			a, other := &first, &second
			if rapid.Bool().Draw(t, "second") && first == payment.FailedFinal {
				a, other = &second, &first
			}
			v := rapid.SampledFrom([]payment.Verdict{payment.Succeeded, payment.Failed, payment.Unclear, payment.InProgress}).Draw(t, "verdict")
			if *a == payment.Prepared {
				*a = payment.Submitting
			}
			to, err := payment.Learn(*a, v)
			if err != nil {
				continue
			}
			c := payment.Follow(payment.News{
				Kind: kind, Order: order, From: *a, To: to, Elsewhere: true, OthersSubmitted: *other != payment.Prepared,
			})
			*a = to
			if c.Event != "" {
				if order, err = payment.Apply(payment.Orders, order, c.Event); err != nil {
					t.Fatalf("%v", err)
				}
			}
			switch c.Book {
			case payment.BookMove:
				moves++
			case payment.BookRecoverable:
				recoverables++
			case payment.BookNothing, payment.BookBack, payment.BookFromRecoverable:
			}
		}
		if kind.Out() && moves > 1 {
			t.Fatalf("money out was booked as the order's own %d times", moves)
		}
		arrived := 0
		for _, s := range []payment.AttemptState{first, second} {
			if s == payment.Success || s == payment.Contradicted {
				arrived++
			}
		}
		if moves+recoverables != arrived {
			t.Fatalf("%d attempts moved money, %d bookings", arrived, moves+recoverables)
		}
	})
}

var codes = payment.Codes{
	Success: []string{"OK"},
	Failures: map[string]payment.Failure{
		"CARD_CLOSED":          {Reason: "card_closed"},
		"LIMIT_EXCEEDED":       {Reason: "limit_exceeded", Elsewhere: true},
		"INSUFFICIENT_BALANCE": {Reason: "balance_too_low", Kinds: []payment.Kind{payment.Debit, payment.Repayment}},
	},
	Retry: []string{"MERCHANT_BALANCE_LOW"},
}

func TestOnlyListedFailuresAreBelieved(t *testing.T) {
	for _, c := range []struct {
		kind   payment.Kind
		status payment.Status
		code   string
		want   payment.Verdict
	}{
		{payment.Debit, payment.SaidSuccess, "OK", payment.Succeeded},
		{payment.Debit, payment.SaidSuccess, "ODD", payment.Unclear},
		{payment.Debit, payment.SaidProcessing, "", payment.InProgress},
		{payment.Debit, payment.SaidFailed, "CARD_CLOSED", payment.Failed},
		{payment.Debit, payment.SaidFailed, "NEW_CODE", payment.Unclear},
		{payment.Debit, payment.SaidNothing, "CARD_CLOSED", payment.Unclear},
		{payment.Debit, payment.SaidFailed, "INSUFFICIENT_BALANCE", payment.Failed},
		{payment.Disbursement, payment.SaidFailed, "INSUFFICIENT_BALANCE", payment.Unclear},
		{payment.Disbursement, payment.SaidFailed, "MERCHANT_BALANCE_LOW", payment.Retry},
		{payment.Disbursement, payment.SaidNothing, "MERCHANT_BALANCE_LOW", payment.Retry},
		{payment.Debit, payment.SaidNotFound, "ORDER_NOT_FOUND", payment.Missing},
		{payment.Debit, payment.SaidReturned, "RETURNED", payment.CameBack},
		{payment.Debit, payment.SaidNothing, "", payment.Unclear},
	} {
		got := payment.Classify(codes, c.kind, payment.Answer{Status: c.status, Code: c.code})
		if got.Verdict != c.want {
			t.Errorf("%s %s %s is %s, want %s", c.kind, c.status, c.code, got.Verdict, c.want)
		}
	}
}

func TestWaitsGrowAndNeverEnd(t *testing.T) {
	last := time.Duration(0)
	for n := range int64(100) {
		w := payment.Wait(n)
		if w < last || w <= 0 {
			t.Fatalf("wait %d is %s after %s", n, w, last)
		}
		last = w
	}
}

func TestANumberIsSentAgainOnlyWhereItIsExecutedOnce(t *testing.T) {
	if payment.AfterQuery(payment.Unknown, payment.Missing, true) != payment.Resend {
		t.Error("a missing number is not sent again to a channel that deduplicates")
	}
	if payment.AfterQuery(payment.Unknown, payment.Missing, false) != payment.Nothing {
		t.Error("a missing number is sent again to a channel that does not deduplicate")
	}
	if payment.AfterQuery(payment.Unknown, payment.Unclear, true) != payment.Nothing {
		t.Error("a number is sent again although nothing is known")
	}
}

func TestWhatIsBookedBalancesAndGoesTheRightWay(t *testing.T) {
	for _, kind := range payment.Kinds {
		for _, b := range []payment.Booking{payment.BookMove, payment.BookBack, payment.BookRecoverable, payment.BookFromRecoverable} {
			event, entries := payment.Entries(kind, b, "alpha", 100)
			booked := ledger.Transaction{Event: event, Entries: entries}
			if err := booked.Validate(); err != nil {
				t.Errorf("%s %s: %v", kind, b, err)
			}
			transit := booked.On(ledger.InTransit("alpha"))
			want := int64(100)
			switch {
			case b == payment.BookFromRecoverable:
				want = 0
			case kind.Out() == (b != payment.BookBack), b == payment.BookRecoverable:
				want = -100
			}
			if transit != want {
				t.Errorf("%s %s puts %d on the channel, want %d", kind, b, transit, want)
			}
		}
	}
}
