package payment_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	ledgerv1 "github.com/hengdai/hengdai/api/ledger/v1"
	paymentv1 "github.com/hengdai/hengdai/api/payment/v1"
	"github.com/hengdai/hengdai/domain/calendar"
	"github.com/hengdai/hengdai/domain/ledger"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/kit/store/storetest"
)

func (r *rig) transfer(bucket int64, debit, credit string, amount int64) ledger.Transaction {
	return ledger.Transaction{
		ID: r.ids.New(bucket), Event: "transfer", Bucket: bucket, ValueOn: calendar.InShanghai(r.clk.Now()), Entries: ledger.Move(debit, credit, amount),
	}
}

func TestATransferIsPostedOnceAndFoundByEitherAccount(t *testing.T) {
	each(t, func(t *testing.T, cfg store.Config) {
		r := start(t, cfg)
		ctx := context.Background()
		tr := r.transfer(7, ledger.ClearingAccount, ledger.Bank, 500)
		for range 3 {
			r.must(r.svc.Post(ctx, tr))
		}
		other := tr
		other.Entries = ledger.Move(ledger.ClearingAccount, ledger.Bank, 501)
		if err := r.svc.Post(ctx, other); errs.CodeOf(err) != errs.Conflict {
			t.Errorf("the same id with another body: %v", err)
		}
		for account, want := range map[string]int64{ledger.ClearingAccount: 500, ledger.Bank: -500} {
			res, err := r.staff(9, "finance").ListEntries(ctx, &paymentv1.ListEntriesRequest{Account: account, Bucket: 7})
			r.must(err)
			if n := len(res.GetEntries()); n != 1 || res.GetEntries()[0].GetAmountMinor() != want || res.GetEntries()[0].GetBalanceMinor() != want ||
				res.GetEntries()[0].GetTransactionId() != tr.ID || res.GetEntries()[0].GetSequence() != 1 {
				t.Errorf("%s: %v", account, res.GetEntries())
			}
		}
		posted := 0
		for _, e := range r.events() {
			if e.GetKind() == "ledger.v1.Posted" {
				posted++
				var p ledgerv1.Posted
				r.must(proto.Unmarshal(e.GetBody(), &p))
				if p.GetTransactionId() != tr.ID || p.GetJournal() != "payment" || len(p.GetEntries()) != 2 || p.GetBookedOn() != e.GetPostingOn() {
					t.Errorf("told: %v", &p)
				}
			}
		}
		if posted != 1 {
			t.Errorf("told %d times", posted)
		}
	})
}

func TestWhatDoesNotBalanceOrGoesBelowItsFloorIsRefusedWhole(t *testing.T) {
	each(t, func(t *testing.T, cfg store.Config) {
		r := start(t, cfg)
		ctx := context.Background()
		bad := r.transfer(3, ledger.ClearingAccount, ledger.Bank, 500)
		bad.Entries = bad.Entries[:1]
		if err := r.svc.Post(ctx, bad); errs.CodeOf(err) != errs.Invalid {
			t.Errorf("unbalanced: %v", err)
		}
		odd := r.transfer(3, "9999", ledger.Bank, 500)
		if err := r.svc.Post(ctx, odd); errs.CodeOf(err) != errs.Invalid {
			t.Errorf("an unknown account: %v", err)
		}
		moved := r.transfer(3, ledger.ClearingAccount, ledger.Bank, 500)
		moved.Bucket = 4
		if err := r.svc.Post(ctx, moved); errs.CodeOf(err) != errs.Invalid {
			t.Errorf("another bucket: %v", err)
		}
		r.must(r.svc.SetFloor(ctx, 3, ledger.Custody, 0))
		if err := r.svc.Post(ctx, r.transfer(3, ledger.Bank, ledger.Custody, 1)); errs.ReasonOf(err) != "journal.balance_too_low" {
			t.Errorf("below the floor: %v", err)
		}
		if got := r.balance(""); got != 0 {
			t.Errorf("something was booked: %d", got)
		}
		r.must(r.svc.Post(ctx, r.transfer(3, ledger.Custody, ledger.Bank, 10)))
		r.must(r.svc.Post(ctx, r.transfer(3, ledger.Bank, ledger.Custody, 10)))
	})
}

func TestSixtyFourWorkersCannotOverdrawAnAccount(t *testing.T) {
	each(t, func(t *testing.T, cfg store.Config) {
		r := start(t, cfg)
		ctx := context.Background()
		r.must(r.svc.SetFloor(ctx, 5, ledger.Custody, 0))
		r.must(r.svc.Post(ctx, r.transfer(5, ledger.Custody, ledger.Bank, 10)))
		var took atomic.Int64
		var all sync.WaitGroup
		for range 64 {
			all.Go(func() {
				err := r.svc.Post(ctx, r.transfer(5, ledger.Bank, ledger.Custody, 1))
				switch {
				case err == nil:
					took.Add(1)
				case errs.ReasonOf(err) != "journal.balance_too_low":
					t.Error(err)
				}
			})
		}
		all.Wait()
		if took.Load() != 10 || r.balance(ledger.Custody) != 0 {
			t.Errorf("%d of 64 got something of 10; the account holds %d", took.Load(), r.balance(ledger.Custody))
		}
	})
}

func TestRunningBalancesAreTheSumsOfTheEntries(t *testing.T) {
	r := start(t, storetest.SQLite(t))
	ctx := context.Background()
	accounts := []string{ledger.ClearingAccount, ledger.Bank, ledger.InTransit("alpha"), ledger.Recoverable}
	want := map[string]int64{}
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.SampledFrom(accounts).Draw(t, "debit"), rapid.SampledFrom(accounts).Draw(t, "credit")
		if a == b {
			return
		}
		amount := rapid.Int64Range(1, 1_000_000_00).Draw(t, "amount")
		if err := r.svc.Post(ctx, r.transfer(9, a, b, amount)); err != nil {
			t.Fatal(err)
		}
		want[a] += amount
		want[b] -= amount
	})
	for _, account := range accounts {
		var sum, expect int64 = 0, want[account]
		token := ""
		for {
			res, err := r.staff(9, "finance").ListEntries(ctx, &paymentv1.ListEntriesRequest{Account: account, Bucket: 9, PageSize: 7, PageToken: token})
			r.must(err)
			for _, e := range res.GetEntries() {
				if e.GetBalanceMinor() != expect-sum {
					t.Fatalf("%s: entry %d holds %d, want %d", account, e.GetSequence(), e.GetBalanceMinor(), expect-sum)
				}
				sum += e.GetAmountMinor()
			}
			if token = res.GetNextPageToken(); token == "" {
				break
			}
		}
		if sum != expect {
			t.Errorf("%s: entries add to %d, want %d", account, sum, expect)
		}
	}
}

// sealed answers the DaySealed events by date and partition.
func (r *rig) sealed(want int) map[string]*paymentv1.DaySealed {
	r.t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for {
		found := map[string]*paymentv1.DaySealed{}
		for _, e := range r.events() {
			if e.GetKind() == "payment.v1.DaySealed" {
				s := &paymentv1.DaySealed{}
				r.must(proto.Unmarshal(e.GetBody(), s))
				key := fmt.Sprintf("%s/%d", s.GetDate(), s.GetPartition())
				if found[key] != nil {
					r.t.Fatalf("%s was sealed twice", key)
				}
				found[key] = s
			}
		}
		if len(found) >= want {
			return found
		}
		if time.Now().After(deadline) {
			r.t.Fatalf("%d days sealed, want %d", len(found), want)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func TestADayIsSealedWithItsSumsAndTheNextOneOpened(t *testing.T) {
	each(t, func(t *testing.T, cfg store.Config) {
		r := start(t, cfg)
		ctx := context.Background()
		today := calendar.InShanghai(r.clk.Now())
		r.must(r.svc.Post(ctx, r.transfer(3, ledger.ClearingAccount, ledger.Bank, 500)))
		r.must(r.svc.Post(ctx, r.transfer(3, ledger.Bank, ledger.ClearingAccount, 200)))
		r.must(r.svc.Post(ctx, r.transfer(19, ledger.ClearingAccount, ledger.Bank, 7)))
		r.must(r.svc.Post(ctx, r.transfer(4, ledger.ClearingAccount, ledger.Bank, 9)))
		r.mark(today.String(), 3)
		s := r.sealed(1)[today.String()+"/3"]
		if s == nil || len(s.GetSums()) != 4 {
			t.Fatalf("sealed: %v", s)
		}
		for _, sum := range s.GetSums() {
			if sum.GetBucket() == 3 && sum.GetAccount() == ledger.ClearingAccount && (sum.GetDebitMinor() != 500 || sum.GetCreditMinor() != 200) {
				t.Errorf("sum: %v", sum)
			}
		}
		next := r.transfer(3, ledger.ClearingAccount, ledger.Bank, 11)
		r.must(r.svc.Post(ctx, next))
		r.must(r.svc.Post(ctx, r.transfer(35, ledger.ClearingAccount, ledger.Bank, 13))) // an account that did not exist yet
		entries, err := r.staff(9, "finance").ListEntries(ctx, &paymentv1.ListEntriesRequest{Account: ledger.Bank, Bucket: 3})
		r.must(err)
		if on := entries.GetEntries()[0].GetBookedOn(); on != (today + 1).String() {
			t.Errorf("after the seal it is booked on %s", on)
		}
		r.mark(today.String(), 3)                                 // a repeat
		r.mark((today - 2).String(), 3)                           // a date before payment's first
		r.mark((today + 2).String(), 3)                           // two days at once
		r.mark(today.String(), 0, 1, 2, 4, 5, 6, 7, 8, 9, 10, 11) // the others
		all := r.sealed(1 + 1 + 2 + 11)
		if got := all[(today+1).String()+"/3"]; got == nil || len(got.GetSums()) != 4 {
			t.Errorf("the next day: %v", got)
		}
		if got := all[(today-2).String()+"/3"]; got == nil || len(got.GetSums()) != 0 {
			t.Errorf("a day before the first: %v", got)
		}
		if got := all[today.String()+"/4"]; got == nil || len(got.GetSums()) != 2 {
			t.Errorf("another partition: %v", got)
		}
	})
}

func TestNothingIsBookedUnderADateThatIsBeingSealed(t *testing.T) {
	each(t, func(t *testing.T, cfg store.Config) {
		r := start(t, cfg)
		ctx := context.Background()
		first := calendar.InShanghai(r.clk.Now())
		const days = 6
		stop := make(chan struct{})
		var all sync.WaitGroup
		var posted atomic.Int64
		for w := range 8 {
			all.Go(func() {
				rnd := rand.New(rand.NewPCG(7, uint64(w)))
				for {
					select {
					case <-stop:
						return
					default:
					}
					bucket := 3 + 16*rnd.Int64N(4)
					if err := r.svc.Post(ctx, r.transfer(bucket, ledger.ClearingAccount, ledger.Bank, 1)); err != nil {
						t.Error(err)
						return
					}
					posted.Add(1)
				}
			})
		}
		for d := range days {
			time.Sleep(20 * time.Millisecond)
			r.mark((first + calendar.Date(d)).String(), 3)
			r.sealed(d + 1)
		}
		close(stop)
		all.Wait()
		r.mark((first + days).String(), 3)
		byDate, sums := map[string]int64{}, int64(0)
		for key, s := range r.sealed(days + 1) {
			for _, sum := range s.GetSums() {
				if sum.GetAccount() == ledger.ClearingAccount {
					byDate[s.GetDate()] += sum.GetDebitMinor()
					sums += sum.GetDebitMinor()
				}
			}
			_ = key
		}
		if sums != posted.Load() {
			t.Errorf("sealed sums add to %d, %d were posted", sums, posted.Load())
		}
		booked := map[string]int64{}
		for _, e := range r.events() {
			if e.GetKind() == "ledger.v1.Posted" {
				booked[e.GetPostingOn()]++
			}
		}
		for date, n := range booked {
			if byDate[date] != n {
				t.Errorf("%s was sealed with %d and holds %d", date, byDate[date], n)
			}
		}
	})
}
