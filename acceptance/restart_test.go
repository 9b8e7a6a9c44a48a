package acceptance

import (
	"sync"
	"testing"
	"time"

	loanv1 "github.com/hengdai/hengdai/api/loan/v1"
)

// theRestarts: whatever is killed while an application is decided, money is on its way out or in, or a day is closed, the loan ends as it
// would have, and the parties' journal holds each movement of money once.
func theRestarts(t *testing.T, w *world) {
	victims := services
	if !w.runs.many() {
		victims = []string{"everything"}
	}
	for _, victim := range victims {
		t.Run(victim, func(t *testing.T) { killedAgainAndAgain(t, w, victim) })
	}
	w.hired(t, "operator").rest(t, looks("/v1/staff/travel")) // the session outlived every process
}

// killedAgainAndAgain takes one loan from application to settlement while one service dies in each of its hard moments.
func killedAgainAndAgain(t *testing.T, w *world, victim string) {
	b := w.borrower(t)
	w.meanwhile(t, victim, func() { b.apply(t, b.wish(1_000_000, 6)) })
	if app := b.decided(t, "SUBMITTED", "DECIDING"); app.GetState() != "APPROVED" {
		t.Fatalf("the application is %s: %v", app.GetState(), app.GetReasons())
	}
	if limit := b.limit(t); limit.GetFrozenMinor() != 1_000_000 {
		t.Errorf("the limit has %d frozen", limit.GetFrozenMinor())
	}

	w.meanwhile(t, victim, func() { b.confirm(t) })
	w.channelTakesItsTime(t)
	b.sign(t)
	w.meanwhile(t, victim, func() { b.loanIn(t, "REPAYING") })
	loan := b.loanIn(t, "REPAYING")
	once(t, w.sandbox.moved(t, b.card(), "PAYOUT"), 1_000_000)
	if limit := b.limit(t); limit.GetFrozenMinor() != 0 || limit.GetUsedMinor() != 1_000_000 {
		t.Errorf("the limit has %d frozen and %d used", limit.GetFrozenMinor(), limit.GetUsedMinor())
	}

	// The night: the day is closed by loan and payment together, whatever dies meanwhile.
	tomorrow := later(t, loan.GetAsOf(), 1)
	w.meanwhile(t, victim, func() { w.travelTo(t, tomorrow) })
	owed := b.loanIn(t, "REPAYING")
	if owed.GetAsOf() != tomorrow || owed.GetPayoffMinor() <= loan.GetPayoffMinor() {
		t.Errorf("on %s the payoff is %d, the day before it was %d", owed.GetAsOf(), owed.GetPayoffMinor(), loan.GetPayoffMinor())
	}

	w.sandbox.setBalance(t, b.card(), ample)
	w.channelTakesItsTime(t)
	b.insist(t, "repay", func() error {
		_, err := b.loans.Repay(t.Context(), &loanv1.RepayRequest{LoanId: b.loanID, Kind: "payoff", IdempotencyKey: b.key("repay")})
		return err
	})
	w.meanwhile(t, victim, func() { b.loanIn(t, "SETTLED") })
	once(t, w.sandbox.moved(t, b.card(), "COLLECT"), owed.GetPayoffMinor())
	if limit := b.limit(t); limit.GetUsedMinor() != 0 || limit.GetFrozenMinor() != 0 {
		t.Errorf("after settlement the limit has %d frozen and %d used", limit.GetFrozenMinor(), limit.GetUsedMinor())
	}
	b.hasMessages(t, "application.approved", "loan.paid_out", "loan.settled")
}

// channelTakesItsTime: the next order is accepted at once and carried out half a second later, told by a callback.
func (w *world) channelTakesItsTime(t *testing.T) {
	t.Helper()
	w.sandbox.letFail(t, "alpha", map[string]any{"kind": "late_finish", "op": "pay", "count": 1, "delay_ms": 500})
}

// meanwhile kills a service a moment after an act has begun, brings it back, and waits for the act to end.
func (w *world) meanwhile(t *testing.T, victim string, act func()) {
	t.Helper()
	var acting sync.WaitGroup
	acting.Go(act)
	w.kills++
	time.Sleep(time.Duration(10+w.kills*37%100) * time.Millisecond)
	w.runs.kill(t, victim)
	w.runs.revive(t, victim)
	acting.Wait()
	if t.Failed() {
		t.FailNow()
	}
}

// once sees that money moved one time, by the right amount.
func once(t testing.TB, moved []done, minor int64) {
	t.Helper()
	if len(moved) != 1 || moved[0].AmountMinor != minor {
		t.Errorf("money moved %d times, want one time %d: %v", len(moved), minor, moved)
	}
}
