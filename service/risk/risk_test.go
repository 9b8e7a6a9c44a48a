package risk_test

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	riskv1 "github.com/hengdai/hengdai/api/risk/v1"
	"github.com/hengdai/hengdai/api/risk/v1/riskv1connect"
	"github.com/hengdai/hengdai/kit/clock"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/id"
	eventlog "github.com/hengdai/hengdai/kit/log"
	"github.com/hengdai/hengdai/kit/rpc"
	"github.com/hengdai/hengdai/kit/rpc/rpctest"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/kit/store/storetest"
	"github.com/hengdai/hengdai/kit/vault"
	"github.com/hengdai/hengdai/service/risk"
)

var start = time.Date(2026, 11, 22, 10, 0, 0, 0, clock.Shanghai)

const today = "2026-11-22"

// house is risk with a real database, real interceptors and a key source in memory.
type house struct {
	db   *store.DB
	svc  *risk.Service
	clk  *clock.Manual
	keys *keySource
	net  *rpctest.Net
	ids  *id.Generator
}

// keySource keeps data keys in memory and can erase them, as user does.
type keySource struct {
	mu     sync.Mutex
	keys   map[string][]byte
	erased map[int64]bool
	stated []string
}

func (k *keySource) ClassKey(_ context.Context, userID int64, class, purpose string) ([]byte, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.stated = append(k.stated, purpose)
	if k.erased[userID] {
		return nil, errs.New(errs.NotFound, "key.erased", "已删除", "Erased")
	}
	name := fmt.Sprint(userID, class)
	if k.keys[name] == nil {
		key, err := vault.NewKey()
		if err != nil {
			return nil, err
		}
		k.keys[name] = key.Bytes()
	}
	return k.keys[name], nil
}

func (k *keySource) erase(userID int64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.erased[userID] = true
}

func open(t testing.TB, db *store.DB, sandbox bool) *house {
	t.Helper()
	h := &house{db: db, clk: clock.NewManual(start), keys: &keySource{keys: map[string][]byte{}, erased: map[int64]bool{}}, net: rpctest.New()}
	h.ids = id.NewLocal(1, h.clk)
	svc, err := risk.New(risk.Deps{DB: db, Log: eventlog.New(db, "risk", h.ids, h.clk), Clock: h.clk, IDs: h.ids,
		Vault: vault.New(h.keys), Logger: slog.New(slog.DiscardHandler), Sandbox: sandbox})
	if err != nil {
		t.Fatal(err)
	}
	h.svc = svc
	m := h.net.Mux("risk")
	svc.Mount(m, m.Options()...)
	return h
}

func each(t *testing.T, fn func(t *testing.T, h *house)) {
	t.Helper()
	storetest.Each(t, risk.Schema(), func(t *testing.T, db *store.DB) { fn(t, open(t, db, true)) })
}

func small(t testing.TB) *house {
	t.Helper()
	return open(t, storetest.Open(t, storetest.SQLite(t), risk.Schema()), true)
}

// loan calls as the loan service does.
func (h *house) loan() riskv1connect.InternalClient {
	p := h.net.Peer("loan", "risk")
	return riskv1connect.NewInternalClient(p.HTTP, p.URL, p.Options...)
}

// staff calls as a member of staff.
func (h *house) staff(person int64, roles ...string) riskv1connect.StaffClient {
	p := h.net.Person(rpc.Principal{Kind: rpc.Staff, ID: person, SessionID: 1, Roles: roles}, "risk", "en")
	return riskv1connect.NewStaffClient(p.HTTP, p.URL, p.Options...)
}

// saver is an application that the shipped policy approves in its best grade, with tokens of its own.
func (h *house) saver(user int64) *riskv1.DecideRequest {
	return &riskv1.DecideRequest{
		ApplicationId: h.ids.New(id.Bucket(user)), UserId: user, Product: "consumer", AmountMinor: 300000, TermMonths: 12, Purpose: "furniture",
		AppliedOn: today, AppliedMs: h.clk.Now().UnixMilli(), AgeYears: 35,
		Stated: &riskv1.Stated{StatusAccount: "over_200", CreditHistory: "repaid_here", Savings: "over_1000", EmploymentDuration: "over_7y",
			OtherInstallmentPlans: "none", Housing: "rent"},
		DeviceToken: fmt.Sprintf("device-%d", user), IpToken: fmt.Sprintf("ip-%d", user), MobileToken: fmt.Sprintf("mobile-%d", user),
		CardToken: fmt.Sprintf("card-%d", user), AddressToken: fmt.Sprintf("address-%d", user), Device: &riskv1.DeviceSigns{},
	}
}

func (h *house) user(n int64) int64 { return n<<10 | n%1024 }

func (h *house) decide(t testing.TB, req *riskv1.DecideRequest) *riskv1.Decision {
	t.Helper()
	d, err := h.loan().Decide(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func (h *house) number(t testing.TB, query string, args ...any) int64 {
	t.Helper()
	var n int64
	if err := h.db.Primary().QueryRowContext(t.Context(), query, args...).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func codes(d *riskv1.Decision) []string {
	out := []string{}
	for _, r := range d.GetReasons() {
		out = append(out, r.GetCode())
	}
	return out
}

// anyone is an applicant drawn by chance: any code or none, tokens that some share.
func (h *house) anyone(user int64, rng *rand.Rand) *riskv1.DecideRequest {
	pick := func(values ...string) string { return values[rng.IntN(len(values))] }
	band := func(n int) int32 { return int32(rng.IntN(n + 1)) }
	token := func(kind string) string {
		switch n := rng.IntN(20); {
		case n == 0:
			return ""
		case n < 4:
			return fmt.Sprintf("%s-shared-%d", kind, rng.IntN(20))
		default:
			return fmt.Sprintf("%s-%d", kind, user)
		}
	}
	req := h.saver(user)
	req.AmountMinor, req.TermMonths, req.AgeYears = 10000+rng.Int64N(3000000), 1+int32(rng.IntN(63)), int32(17+rng.IntN(46))
	req.Purpose = pick("other_consumption", "car_new", "car_used", "furniture", "electronics", "appliances", "home_repair", "travel", "training", "business")
	req.Stated = &riskv1.Stated{
		StatusAccount:         pick("", "none", "overdrawn", "under_200", "over_200"),
		CreditHistory:         pick("", "delayed", "critical", "none_or_repaid", "repaying_duly", "repaid_here"),
		Savings:               pick("none_or_unknown", "under_100", "from_100", "from_500", "over_1000"),
		EmploymentDuration:    pick("unemployed", "under_1y", "from_1y", "from_4y", "over_7y"),
		OtherInstallmentPlans: pick("bank", "stores", "none"), Housing: pick("free", "rent", "own"), Property: pick("", "real_estate"),
		InstallmentRate: band(4), PresentResidence: band(4), NumberCredits: band(4), PeopleLiable: band(2),
		IncomeMinor: rng.Int64N(2) * rng.Int64N(2000000),
	}
	req.DeviceToken, req.IpToken, req.CardToken, req.MobileToken = token("device"), token("ip"), token("card"), token("mobile")
	req.Device = &riskv1.DeviceSigns{Emulator: rng.IntN(40) == 0, Rooted: rng.IntN(20) == 0, Proxy: rng.IntN(20) == 0}
	req.OutstandingMinor = rng.Int64N(2) * rng.Int64N(1000000)
	return req
}
