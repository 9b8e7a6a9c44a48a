package loan

import (
	"context"
	"sync"
	"testing"
	"time"

	"connectrpc.com/connect"

	loanv1 "github.com/hengdai/hengdai/api/loan/v1"
	"github.com/hengdai/hengdai/api/loan/v1/loanv1connect"
	paymentv1 "github.com/hengdai/hengdai/api/payment/v1"
	"github.com/hengdai/hengdai/api/risk/v1/riskv1connect"
	"github.com/hengdai/hengdai/api/user/v1/userv1connect"
	"github.com/hengdai/hengdai/domain/calendar"
	"github.com/hengdai/hengdai/domain/ledger"
	"github.com/hengdai/hengdai/domain/legal"
	domain "github.com/hengdai/hengdai/domain/loan"
	"github.com/hengdai/hengdai/domain/money"
	"github.com/hengdai/hengdai/domain/schedule"
	"github.com/hengdai/hengdai/kit/clock"
	"github.com/hengdai/hengdai/kit/id"
	eventlog "github.com/hengdai/hengdai/kit/log"
	"github.com/hengdai/hengdai/kit/rpc"
	"github.com/hengdai/hengdai/kit/rpc/rpctest"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/kit/store/storetest"
	"github.com/hengdai/hengdai/kit/telemetry"
	"github.com/hengdai/hengdai/kit/vault"
	"github.com/hengdai/hengdai/service/loan/rows"
)

// dayOne is the morning on which the servicing tests begin.
var dayOne = time.Date(2026, 11, 2, 9, 0, 0, 0, clock.Shanghai)

// cashier stands in for payment: it takes orders, decides them as it is told, and keeps a real log with seals.
type cashier struct {
	t      testing.TB
	db     *store.DB
	log    *eventlog.Log
	clk    *clock.Manual
	follow *eventlog.Follower
	mu     sync.Mutex
	open   [id.Partitions]calendar.Date
	orders map[int64]*paymentv1.CreateOrderRequest
	sums   map[string]map[int64]*paymentv1.BucketSum // by date and bucket, on clearing
	// decide answers the outcome of an order: PAID, REJECTED, or empty to leave it under way.
	decide func(*paymentv1.CreateOrderRequest) (outcome, reason string)
	ended  map[int64]calendar.Date // when orders ended at the channel, where that is not when it is known
	lie    int64                   // added to the clearing that is told
	refuse error
}

func (c *cashier) CreateOrder(ctx context.Context, req *paymentv1.CreateOrderRequest) (*paymentv1.Order, error) {
	c.mu.Lock()
	known := c.orders[req.GetOrderId()] != nil
	refuse := c.refuse
	c.mu.Unlock()
	if refuse != nil {
		return nil, refuse
	}
	if !known {
		c.mu.Lock()
		c.orders[req.GetOrderId()] = req
		outcome, reason := c.decide(req)
		c.mu.Unlock()
		if outcome != "" {
			c.settle(ctx, req, outcome, reason)
		}
	}
	return &paymentv1.Order{OrderId: req.GetOrderId()}, nil
}

func (c *cashier) GetOrder(context.Context, *paymentv1.GetOrderRequest) (*paymentv1.Order, error) {
	return nil, connect.NewError(connect.CodeUnimplemented, nil)
}

func (c *cashier) CancelOrder(context.Context, *paymentv1.CancelOrderRequest) (*paymentv1.Order, error) {
	return nil, connect.NewError(connect.CodeUnimplemented, nil)
}

// settle tells the end of an order, valued on the day on which it ended at the channel, else today.
func (c *cashier) settle(ctx context.Context, req *paymentv1.CreateOrderRequest, outcome, reason string) {
	c.t.Helper()
	bucket := id.Bucket(req.GetOrderId())
	value := calendar.InShanghai(c.clk.Now())
	if on, known := c.ended[req.GetOrderId()]; known {
		value = on
	}
	err := c.db.Write(ctx, func(tx *store.Tx) error {
		c.mu.Lock()
		defer c.mu.Unlock()
		posting := c.open[id.Partition(bucket)]
		if outcome == "PAID" || outcome == "RETURNED" {
			out := req.GetKind() == "disbursement" || req.GetKind() == "refund"
			c.book(posting, bucket, req.GetAmountMinor(), out == (outcome == "PAID"))
		}
		return c.log.Append(tx, eventlog.Event{UserID: req.GetUserId(), Bucket: bucket, PostingOn: posting.String(), ValueOn: value.String(), Body: &paymentv1.OrderSettled{
			OrderId: req.GetOrderId(), Kind: req.GetKind(), LoanId: req.GetLoanId(), AmountMinor: req.GetAmountMinor(), Outcome: outcome, Reason: reason,
			Channel: "alpha", PostingOn: posting.String(), ValueOn: value.String(), AttemptId: req.GetOrderId() + 1}})
	})
	if err != nil {
		c.t.Fatal(err)
	}
}

// book adds to clearing: money out debits it.
func (c *cashier) book(on calendar.Date, bucket, amount int64, debit bool) {
	if c.sums[on.String()] == nil {
		c.sums[on.String()] = map[int64]*paymentv1.BucketSum{}
	}
	sum := c.sums[on.String()][bucket]
	if sum == nil {
		sum = &paymentv1.BucketSum{Bucket: bucket, Account: ledger.ClearingAccount}
		c.sums[on.String()][bucket] = sum
	}
	if debit {
		sum.DebitMinor += amount
	} else {
		sum.CreditMinor += amount
	}
}

// seal answers a day marker.
func (c *cashier) seal(_ context.Context, tx *store.Tx, m eventlog.Meta, marker *loanv1.DayMarker) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	day, err := calendar.Parse(marker.GetDate())
	if err != nil {
		return err
	}
	c.open[m.Partition] = day + 1
	sealed := &paymentv1.DaySealed{Date: marker.GetDate(), Partition: m.Partition}
	for bucket, sum := range c.sums[marker.GetDate()] {
		if id.Partition(bucket) == m.Partition {
			told := &paymentv1.BucketSum{Bucket: sum.GetBucket(), Account: sum.GetAccount(), DebitMinor: sum.GetDebitMinor() + c.lie, CreditMinor: sum.GetCreditMinor()}
			sealed.Sums = append(sealed.Sums, told)
		}
	}
	return c.log.Append(tx, eventlog.Event{Bucket: int64(m.Partition), Body: sealed, PostingOn: marker.GetDate()})
}

// inMemory is a real SQLite without a disk, for tests that live through many days.
var inMemory = store.Config{Engine: store.SQLite, Path: store.Memory, BatchMax: 1}

// town is loan's servicing with a payment stand-in, stepped by hand.
type town struct {
	t       testing.TB
	db      *store.DB
	svc     *Service
	clk     *clock.Manual
	ids     *id.Generator
	log     *eventlog.Log
	pay     *cashier
	net     *rpctest.Net
	next    int64
	restart bool // make the service anew before each step
}

func newTown(t testing.TB, db *store.DB) *town {
	t.Helper()
	w := &town{t: t, db: db, clk: clock.NewManual(dayOne), net: rpctest.New()}
	w.ids = id.NewLocal(1, w.clk)
	w.log = eventlog.New(db, "loan", w.ids, w.clk)
	payDB := storetest.Open(t, inMemory)
	w.pay = &cashier{t: t, db: payDB, clk: w.clk, log: eventlog.New(payDB, "payment", w.ids, w.clk), orders: map[int64]*paymentv1.CreateOrderRequest{},
		sums: map[string]map[int64]*paymentv1.BucketSum{}, decide: func(*paymentv1.CreateOrderRequest) (string, string) { return "PAID", "" }}
	for p := range w.pay.open {
		w.pay.open[p] = calendar.InShanghai(w.clk.Now())
	}
	w.pay.follow = eventlog.Follow(payDB, "loan", w.log, eventlog.On(w.pay.seal))
	w.make()
	mux := w.net.Mux("loan")
	w.svc.Mount(mux, mux.Options()...)
	w.settle()
	return w
}

func (w *town) make() {
	w.t.Helper()
	svc, err := New(Deps{DB: w.db, Log: w.log, Clock: w.clk, IDs: w.ids, Vault: vault.New(nil), Logger: telemetry.Discard().Logger,
		User: struct{ userv1connect.InternalClient }{}, Risk: struct{ riskv1connect.InternalClient }{}, Payment: w.pay, PaymentLog: w.pay.log})
	if err != nil {
		w.t.Fatal(err)
	}
	w.svc = svc
}

// settle steps everything until nothing moves.
func (w *town) settle() {
	w.t.Helper()
	ctx := w.t.Context()
	for range 100_000 {
		moved := false
		for _, step := range []func(context.Context) (bool, error){w.log.Step, w.pay.follow.Step, w.pay.log.Step,
			func(ctx context.Context) (bool, error) { return w.svc.payments.Step(ctx) },
			func(ctx context.Context) (bool, error) { return w.svc.queue.Step(ctx) },
			func(ctx context.Context) (bool, error) { return w.svc.dayEnd(ctx) }} {
			if w.restart {
				w.make()
			}
			more, err := step(ctx)
			if err != nil {
				w.t.Fatal(err)
			}
			moved = moved || more
		}
		if !moved {
			return
		}
	}
	w.t.Fatal("it never comes to rest")
}

// pass lets days go by, each with its day-end.
func (w *town) pass(days int) {
	w.t.Helper()
	for range days {
		w.clk.Add(24 * time.Hour)
		w.settle()
	}
}

// until lets days go by up to a date.
func (w *town) until(on string) {
	w.t.Helper()
	day, err := calendar.Parse(on)
	if err != nil {
		w.t.Fatal(err)
	}
	w.pass(calendar.Days(calendar.InShanghai(w.clk.Now()), day))
}

func someTerms(t testing.TB, amount int64) domain.Terms {
	t.Helper()
	terms, err := domain.Defaults(legal.Bank, calendar.InShanghai(dayOne))
	if err != nil {
		t.Fatal(err)
	}
	terms.Plan = schedule.Terms{Principal: money.Amount(amount), RatePPM: 180_000, Method: schedule.EqualInstalment, DayCount: calendar.Thirty360,
		Instalments: 6, Every: 1, DisbursedOn: calendar.None, FirstDueOn: calendar.None}
	return terms
}

// signed makes a person with a signed contract over an amount, as origination leaves it, and his loan.
func (w *town) signed(bucket int64, terms domain.Terms) (userID, loanID int64) {
	w.t.Helper()
	ctx := w.t.Context()
	w.next++
	userID, loanID = w.ids.New(bucket), w.ids.New(bucket)
	applicationID, contractID := w.ids.New(bucket), w.ids.New(bucket)
	amount := int64(terms.Plan.Principal)
	err := w.db.Write(ctx, func(tx *store.Tx) error {
		if err := w.svc.limitGrant(ctx, tx, bucket, userID, amount, applicationID, heldPrice{Grade: "A"}); err != nil {
			return err
		}
		if err := w.svc.limitFreeze(ctx, tx, bucket, userID, amount, applicationID); err != nil {
			return err
		}
		q := rows.New(tx)
		err := q.InsertApplication(ctx, rows.InsertApplicationParams{Bucket: bucket, ID: applicationID, UserID: userID, OpenKey: applicationID, State: string(domain.Signed),
			Product: "consumer-cash", ProductVersion: 1, AmountMinor: amount, ApprovedMinor: amount, TermMonths: 6, Method: terms.Plan.Method, Purpose: "furniture",
			CardID: 7, StatedSealed: []byte{}, Reasons: []byte{}, NoteSealed: []byte{}, LoanID: loanID, ContractID: contractID, Version: 1})
		if err != nil {
			return err
		}
		err = q.InsertContract(ctx, rows.InsertContractParams{Bucket: bucket, ID: contractID, ApplicationID: applicationID, UserID: userID, LoanID: loanID,
			State: string(domain.ContractSigned), RecordSealed: []byte{}, Version: 1})
		if err != nil {
			return err
		}
		return w.svc.createLoan(ctx, tx, newLoan{ID: loanID, Bucket: bucket, UserID: userID, ApplicationID: applicationID, ContractID: contractID, CardID: 7,
			Product: "consumer-cash", ProductVersion: 1, AmountMinor: amount, TermMonths: 6, Method: terms.Plan.Method, RatePPM: terms.Plan.RatePPM, Terms: terms})
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return userID, loanID
}

func (w *town) borrower(userID int64) loanv1connect.PublicClient {
	peer := w.net.Person(rpc.Principal{Kind: rpc.Borrower, ID: userID, SessionID: 1}, "loan", "en")
	return loanv1connect.NewPublicClient(peer.HTTP, peer.URL, peer.Options...)
}

func (w *town) staff(roles ...string) loanv1connect.StaffClient {
	peer := w.net.Person(rpc.Principal{Kind: rpc.Staff, ID: 99, SessionID: 2, Roles: roles}, "loan", "en")
	return loanv1connect.NewStaffClient(peer.HTTP, peer.URL, peer.Options...)
}

func (w *town) loan(userID, loanID int64) *loanv1.Loan {
	w.t.Helper()
	l, err := w.borrower(userID).GetLoan(w.t.Context(), &loanv1.GetLoanRequest{LoanId: loanID})
	if err != nil {
		w.t.Fatal(err)
	}
	return l
}

// agrees fails the test unless loans and journal agree everywhere and clearing is zero over both journals.
func (w *town) agrees() {
	w.t.Helper()
	faults, err := w.svc.CheckAgreement(w.t.Context(), 10)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, f := range faults {
		w.t.Errorf("%+v", f)
	}
	entries, err := rows.New(w.db.Primary()).EntryBalances(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	sums, err := rows.New(w.db.Primary()).SumBalances(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	for _, sum := range sums {
		entries = append(entries, rows.EntryBalancesRow(sum))
	}
	var books, memo, theirs int64
	for _, b := range entries {
		account, _ := ledger.Find(b.Account)
		if account.Kind == ledger.Memo {
			memo += b.BalanceMinor
		} else {
			books += b.BalanceMinor
		}
		if b.Account == ledger.ClearingAccount {
			theirs += b.BalanceMinor
		}
	}
	for _, day := range w.pay.sums {
		for _, s := range day {
			theirs += s.GetDebitMinor() - s.GetCreditMinor()
		}
	}
	if books != 0 || memo != 0 || theirs != 0 {
		w.t.Errorf("books %d, memo %d, clearing of both journals %d", books, memo, theirs)
	}
}

func (w *town) closedOn() string {
	w.t.Helper()
	d, err := w.staff("operator").GetBusinessDate(w.t.Context(), &loanv1.GetBusinessDateRequest{})
	if err != nil {
		w.t.Fatal(err)
	}
	return d.GetClosedOn()
}

func eachTown(t *testing.T, fn func(t *testing.T, w *town)) {
	t.Helper()
	storetest.Each(t, Schema(), func(t *testing.T, db *store.DB) { fn(t, newTown(t, db)) })
}
