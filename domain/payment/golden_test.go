package payment_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hengdai/hengdai/domain/payment"
)

var update = flag.Bool("update", false, "write the golden files anew")

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs from what was agreed; run with -update and read the difference\ngot:\n%s", name, got)
	}
}

func matrix[S, E ~string](table []payment.Row[S, E], states []S, events []E) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%-14s", "")
	for _, e := range events {
		fmt.Fprintf(&b, " %-18s", e)
	}
	b.WriteString("\n")
	for _, s := range states {
		fmt.Fprintf(&b, "%-14s", s)
		for _, e := range events {
			cell := "-"
			if to, err := payment.Apply(table, s, e); err == nil {
				cell = string(to)
			}
			fmt.Fprintf(&b, " %-18s", cell)
		}
		b.WriteString("\n")
	}
	return b.String()
}

func TestEveryStateOfAnOrderMeetsEveryEventAsAgreed(t *testing.T) {
	golden(t, "orders.golden", matrix(payment.Orders, payment.OrderStates, payment.OrderEvents))
}

func TestEveryStateOfAnAttemptMeetsEveryEventAsAgreed(t *testing.T) {
	golden(t, "attempts.golden", matrix(payment.Attempts, payment.AttemptStates, payment.AttemptEvents))
}

func TestEveryStateOfAnAttemptMeetsEveryVerdictAsAgreed(t *testing.T) {
	var b strings.Builder
	for _, s := range payment.AttemptStates {
		for _, v := range payment.Verdicts {
			cell := "a person must see it"
			if to, err := payment.Learn(s, v); err == nil {
				cell = string(to)
			}
			fmt.Fprintf(&b, "%-13s %-12s -> %s\n", s, v, cell)
		}
	}
	golden(t, "verdicts.golden", b.String())
}

func TestWhatFollowsForAnOrderIsAsAgreed(t *testing.T) {
	var b strings.Builder
	ends := []payment.AttemptState{payment.Success, payment.FailedFinal, payment.Contradicted, payment.Returned}
	for _, kind := range []payment.Kind{payment.Disbursement, payment.Debit} {
		for _, order := range payment.OrderStates {
			for _, to := range ends {
				for bits := range 8 {
					n := payment.News{
						Kind: kind, Order: order, From: payment.Unknown, To: to,
						OthersSubmitted: bits&1 != 0, Elsewhere: bits&2 != 0, Stopped: bits&4 != 0,
					}
					c := payment.Follow(n)
					fmt.Fprintf(&b, "%-12s %-9s %-12s others=%-5t elsewhere=%-5t stopped=%-5t -> event=%s book=%s case=%s tell=%s elsewhere=%t stop=%t\n",
						kind, order, to, n.OthersSubmitted, n.Elsewhere, n.Stopped, c.Event, c.Book, c.Case, c.Tell, c.TryElsewhere, c.Stop)
				}
			}
		}
	}
	golden(t, "follow.golden", b.String())
}
