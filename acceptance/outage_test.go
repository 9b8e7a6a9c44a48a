package acceptance

import (
	"context"
	"database/sql"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	loanv1 "github.com/hengdai/hengdai/api/loan/v1"
	userv1 "github.com/hengdai/hengdai/api/user/v1"
)

// theMissingPeer: what needs a service that is down is refused in words and can be asked again; everything else goes on.
func theMissingPeer(t *testing.T, w *world) {
	t.Run("without loan, people still sign in and see their cards", func(t *testing.T) {
		b := w.borrower(t)
		w.without(t, "loan")
		w.refuse(t,
			refusal{"a list of loans", b.phone, looks("/v1/loans"), http.StatusServiceUnavailable, "gateway.peer_unavailable", ""},
			refusal{"an application", b.phone, asks("/v1/applications", jsonOf(b.wish(500_000, 6))), http.StatusServiceUnavailable, "gateway.peer_unavailable", ""},
		)
		w.works(t, b.phone, "/v1/me", "/v1/cards", "/v1/messages", "/v1/server")
		w.stranger(t, 28).register(t)
	})
	t.Run("without user, what everybody may see is shown", func(t *testing.T) {
		b, anyone := w.borrower(t), w.newPhone()
		time.Sleep(5 * time.Second) // the gateway has forgotten the session
		w.without(t, "user")
		w.refuse(t,
			refusal{"a list of loans", b.phone, looks("/v1/loans"), http.StatusServiceUnavailable, "gateway.peer_unavailable", ""},
			refusal{"a code", anyone, asks("/v1/codes", map[string]any{"mobile": b.Mobile, "purpose": "login", "idempotencyKey": b.key("down")}), http.StatusServiceUnavailable, "gateway.peer_unavailable", ""},
		)
		w.works(t, anyone, "/v1/products", "/v1/server")
	})
	t.Run("without risk and notify, repayments run", func(t *testing.T) {
		b, next := w.borrower(t), w.borrower(t)
		b.borrow(t, 400_000, 6)
		w.sandbox.setBalance(t, b.card(), ample)
		w.without(t, "risk", "notify", "collection", "report")
		b.repayAsTried(t, "payoff")
		b.loanIn(t, "SETTLED")
		app, err := next.loans.Apply(t.Context(), next.wish(500_000, 6))
		if err != nil || app.GetState() != "DECIDING" {
			t.Errorf("an application without risk is %s: %v", app.GetState(), err)
		}
		next.applicationID = app.GetApplicationId()
		w.back(t, "risk", "notify", "collection", "report")
		if app := next.decided(t, "DECIDING"); app.GetState() != "APPROVED" {
			t.Errorf("when risk is back the application is %s", app.GetState())
		}
		b.hasMessages(t, "loan.settled")
	})
	t.Run("without payment, a signed loan waits for its money", func(t *testing.T) {
		b := w.borrower(t)
		b.apply(t, b.wish(500_000, 6))
		w.without(t, "payment")
		b.sign(t)
		loan, err := b.loans.GetLoan(t.Context(), &loanv1.GetLoanRequest{LoanId: b.loanID})
		if err != nil || loan.GetState() == "REPAYING" {
			t.Errorf("without payment the loan is %s: %v", loan.GetState(), err)
		}
		w.back(t, "payment")
		b.loanIn(t, "REPAYING")
		once(t, w.sandbox.moved(t, b.card(), "PAYOUT"), 500_000)
	})
}

// without kills services; they are back when the test ends, if not before.
func (w *world) without(t *testing.T, names ...string) {
	t.Helper()
	w.missing = append([]string{}, names...)
	for _, name := range names {
		if name == besideTheSandbox {
			continue // the parties must stay
		}
		w.runs.kill(t, name)
	}
	t.Cleanup(func() { w.back(t, w.missing...) })
}

func (w *world) back(t *testing.T, names ...string) {
	t.Helper()
	w.missing = nil
	for _, name := range names {
		if name != besideTheSandbox {
			w.runs.revive(t, name)
		}
	}
}

// works sees that addresses answer as ever.
func (w *world) works(t testing.TB, by *phone, paths ...string) {
	t.Helper()
	for _, path := range paths {
		if got := by.rest(t, looks(path)); got.status != http.StatusOK {
			t.Errorf("%s is answered %d: %s", path, got.status, got.body)
		}
	}
}

// waitedLongEnough is told instead of the reason when the entrance's own time is over first.
const waitedLongEnough = "rpc.deadline"

// halts sees that applying and repaying fail in words while loan's database does not take them, that reading goes on if it can,
// and that the same requests end well and once when it is back.
func (w *world) halts(t *testing.T, reason string, stop func() (again func())) {
	t.Helper()
	b, payer := w.borrower(t), w.borrower(t)
	payer.borrow(t, 300_000, 6)
	w.sandbox.setBalance(t, payer.card(), ample)
	payoff := payer.loanIn(t, "REPAYING").GetPayoffMinor()
	wish := b.wish(500_000, 6)
	repay := &loanv1.RepayRequest{LoanId: payer.loanID, Kind: "payoff", IdempotencyKey: payer.key("repay")}
	before := w.rows(t)

	again := stop()
	var together sync.WaitGroup
	told := func(language string, got answer) {
		refused := refusal{status: http.StatusServiceUnavailable, reason: reason}
		if got.problem.Reason == waitedLongEnough {
			refused.reason = waitedLongEnough
		}
		refused.check(t, language, got)
	}
	together.Go(func() {
		told("zh", b.rest(t, call{method: http.MethodPost, path: "/v1/applications", body: jsonOf(wish), language: "zh"}))
	})
	together.Go(func() {
		path := fmt.Sprintf("/v1/loans/%d/repayments", payer.loanID)
		told("en", payer.rest(t, call{method: http.MethodPost, path: path, body: jsonOf(repay), language: "en"}))
	})
	together.Wait()
	w.works(t, b.phone, "/v1/me", "/v1/cards")
	again()

	w.unchanged(t, before)
	eventually(t, "the database is back but loan does not answer", 30*time.Second, func() (bool, error) {
		got, err := b.try(looks("/v1/loans"))
		return got.status == http.StatusOK, err
	})
	if app := b.apply(t, wish); app.GetState() != "APPROVED" {
		t.Errorf("the same application, sent again, is %s", app.GetState())
	}
	payer.insist(t, "repay", func() error { _, err := payer.loans.Repay(t.Context(), repay); return err })
	payer.loanIn(t, "SETTLED")
	once(t, w.sandbox.moved(t, payer.card(), "COLLECT"), payoff)
}

// theLockedDatabase: another program holds loan's database.
func theLockedDatabase(t *testing.T, w *world) {
	w.halts(t, "store.locked", func() func() {
		db := w.databases.open(t, "loan")
		conn, err := db.Conn(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		execute(t, conn, "BEGIN IMMEDIATE")
		return func() {
			execute(t, conn, "ROLLBACK")
			_ = conn.Close()
			_ = db.Close()
		}
	})
}

func execute(t testing.TB, conn *sql.Conn, statement string) {
	t.Helper()
	if _, err := conn.ExecContext(context.Background(), statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

// theFullDisk: not a byte is left where loan keeps its rows.
func theFullDisk(t *testing.T, w *world) {
	w.halts(t, "store.full", func() func() {
		filler := filepath.Join(w.folder("loan"), "filler")
		file, err := os.Create(filler)
		if err != nil {
			t.Fatal(err)
		}
		for block := 1 << 20; block >= 1<<12; {
			if _, err := file.Write(make([]byte, block)); err != nil {
				block /= 2
			}
		}
		_ = file.Close()
		return func() {
			if err := os.Remove(filler); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// theMissingDatabase: the server does not let loan in any more.
func theMissingDatabase(t *testing.T, w *world) {
	s, ok := w.databases.(*server)
	if !ok {
		t.Fatal("this is for a server")
	}
	name := s.prefix + "loan"
	w.halts(t, "store.unreachable", func() func() {
		s.do(t, fmt.Sprintf("ALTER USER '%s'@'%%' ACCOUNT LOCK", name))
		s.do(t, fmt.Sprintf("KILL USER '%s'", name))
		return func() { s.do(t, fmt.Sprintf("ALTER USER '%s'@'%%' ACCOUNT UNLOCK", name)) }
	})
}

// thePartyFaults: an answer that is lost, a callback that comes twice, forged or with another amount, a channel that is busy:
// money moves once, and people are told once.
func thePartyFaults(t *testing.T, w *world) {
	for says, rule := range map[string]map[string]any{
		"the answer is lost after the money moved":   {"kind": "lost_response", "op": "pay", "count": 1},
		"the answer's signature is wrong":            {"kind": "bad_signature", "op": "pay", "count": 1},
		"the answer cannot be read":                  {"kind": "garbage", "op": "pay", "count": 1},
		"the answer is a code that no list has":      {"kind": "unknown_code", "op": "pay", "count": 1},
		"the callback comes twice":                   {"kind": "twice_callback", "count": 3},
		"a forged callback comes first":              {"kind": "forged_callback", "count": 1},
		"a callback with another amount comes first": {"kind": "wrong_amount", "count": 1},
		"the callback overtakes the answer":          {"kind": "early_callback", "op": "pay", "count": 1},
		"the callback never comes":                   {"kind": "lost_callback", "count": 3},
		"the channel is down for a moment":           {"kind": "server_error", "op": "pay", "count": 2},
	} {
		t.Run(says, func(t *testing.T) {
			b := w.borrower(t)
			b.apply(t, b.wish(300_000, 6))
			w.sandbox.letFail(t, "alpha", rule)
			b.sign(t)
			b.loanIn(t, "REPAYING")
			once(t, w.sandbox.moved(t, b.card(), "PAYOUT"), 300_000)
			if limit := b.limit(t); limit.GetUsedMinor() != 300_000 {
				t.Errorf("of the limit %d are used", limit.GetUsedMinor())
			}
		})
	}
	t.Run("the bureau and the SMS provider are busy", func(t *testing.T) {
		b := w.stranger(t, 30)
		w.sandbox.letFail(t, "sms", map[string]any{"kind": "busy", "count": 1})
		w.sandbox.letFail(t, "bureau", map[string]any{"kind": "lost_response", "count": 1})
		b.register(t)
		b.agree(t, "identity", "card", "credit_query")
		b.bindCard(t)
		if cards, err := b.users.ListCards(t.Context(), &userv1.ListCardsRequest{}); err != nil || len(cards.GetCards()) != 1 {
			t.Errorf("the person has %d cards: %v", len(cards.GetCards()), err)
		}
	})
}
