package reconcile_test

import (
	"errors"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/hengdai/hengdai/domain/calendar"
	"github.com/hengdai/hengdai/domain/ledger"
	"github.com/hengdai/hengdai/domain/reconcile"
)

const day = calendar.Date(20_500)

// tariff is what the channel of these tests charges.
var tariff prices

type prices struct{}

// Fee of money out is 1.00, of money in three thousandths but 0.10 at least; what comes back costs nothing.
func (prices) Fee(k reconcile.Kind, amountMinor int64) int64 {
	switch {
	case k.Back():
		return 0
	case !k.In():
		return 100
	}
	return max(10, (amountMinor*3+500)/1000)
}

// world is a day on which both sides say the same.
type world struct {
	lines []reconcile.Line
	items []reconcile.Item
}

func draw(t *rapid.T) world {
	var w world
	for i := range rapid.IntRange(0, 20).Draw(t, "orders") {
		kind := rapid.SampledFrom([]reconcile.Kind{reconcile.Payout, reconcile.Refund, reconcile.Collect}).Draw(t, "kind")
		amount := rapid.Int64Range(1, 1_000_000_00).Draw(t, "amount")
		it := reconcile.Item{
			ID: int64(i + 1), OrderID: int64(i + 1), Kind: kind, OurNo: fmt.Sprint(1000 + i), ChannelNo: fmt.Sprintf("C%d", i), AmountMinor: amount,
			FeeMinor: tariff.Fee(kind, amount), FeeKnown: true, SettledOn: day, State: reconcile.Moved,
		}
		w.items = append(w.items, it)
		w.add(it, it.Kind, it.ChannelNo)
	}
	return w
}

func (w *world) add(it reconcile.Item, kind reconcile.Kind, channelNo string) {
	fee := it.FeeMinor
	l := reconcile.Line{
		Kind: kind, OurNo: it.OurNo, ChannelNo: channelNo, AmountMinor: it.AmountMinor, FeeMinor: fee, Status: reconcile.Success, SettledOn: day, MovedOn: day,
	}
	if kind.Back() {
		l.OriginalNo, l.FeeMinor = it.ChannelNo, 0
	}
	w.lines = append(w.lines, l)
}

// statement makes a file of the lines whose totals fit.
func (w *world) statement() reconcile.Statement {
	s := reconcile.Statement{Channel: "alpha", SettledOn: day, Version: 1, Lines: w.lines, Totals: reconcile.Totals{Count: int64(len(w.lines)), OpeningMinor: 7}}
	for i := range s.Lines {
		l := &s.Lines[i]
		l.Number = int64(i + 1)
		if l.Status != reconcile.Success {
			continue
		}
		if l.Kind.In() {
			s.Totals.InMinor += l.AmountMinor
		} else {
			s.Totals.OutMinor += l.AmountMinor
		}
		s.Totals.FeeMinor += l.FeeMinor
	}
	s.Totals.ClosingMinor = 7 + s.Totals.InMinor - s.Totals.OutMinor - s.Totals.FeeMinor
	return s
}

// injections each make one difference of the class they are named after, in a world that has at least one order.
var injections = map[reconcile.Class]func(t *rapid.T, w *world, i int){
	reconcile.ChannelOnly: func(_ *rapid.T, w *world, i int) {
		w.items = append(w.items[:i], w.items[i+1:]...)
	},
	reconcile.OursOnly: func(_ *rapid.T, w *world, i int) {
		w.lines = append(w.lines[:i], w.lines[i+1:]...)
	},
	reconcile.Amount: func(t *rapid.T, w *world, i int) {
		w.lines[i].AmountMinor += rapid.Int64Range(1, 100).Draw(t, "more")
	},
	reconcile.Standing: func(t *rapid.T, w *world, i int) {
		if rapid.Bool().Draw(t, "failed there") {
			w.lines[i].Status = reconcile.Failed
			return
		}
		w.items[i].State = reconcile.Gone
	},
	reconcile.Fee: func(t *rapid.T, w *world, i int) {
		w.lines[i].FeeMinor += rapid.Int64Range(1, 100).Draw(t, "more")
	},
	reconcile.Duplicate: func(_ *rapid.T, w *world, i int) {
		w.lines = append(w.lines, w.lines[i])
	},
	reconcile.DoubleEffect: func(_ *rapid.T, w *world, i int) {
		w.add(w.items[i], w.items[i].Kind, "X"+w.items[i].ChannelNo)
	},
	reconcile.LateReturn: func(_ *rapid.T, w *world, i int) {
		back := reconcile.Return
		if w.items[i].Kind == reconcile.Collect {
			back = reconcile.Chargeback
		}
		w.add(w.items[i], back, "R"+w.items[i].ChannelNo)
	},
}

func count(results []reconcile.Result) map[reconcile.Class]int {
	n := map[reconcile.Class]int{}
	for _, r := range results {
		n[r.Class]++
	}
	return n
}

func TestADayOnWhichBothSidesAgreeIsAllMatches(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := draw(t)
		s := w.statement()
		if err := s.Validate(); err != nil {
			t.Fatal(err)
		}
		results := reconcile.Outer(s, reconcile.Book{Items: w.items})
		if n := count(results); len(results) != len(w.items) || n[reconcile.Match] != len(w.items) {
			t.Fatalf("invented: %v", n)
		}
		for _, r := range results {
			if r.OpenMinor != 0 || !r.Takes || r.Learn {
				t.Fatalf("a match leaves %+v", r)
			}
		}
	})
}

func TestEveryInjectedDifferenceIsReportedOnceAndNoneInvented(t *testing.T) {
	for class, inject := range injections {
		t.Run(string(class), func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				w := draw(t)
				if len(w.items) == 0 {
					return
				}
				inject(t, &w, rapid.IntRange(0, len(w.items)-1).Draw(t, "which"))
				s := w.statement()
				if err := s.Validate(); err != nil {
					t.Fatal(err)
				}
				n := count(reconcile.Outer(s, reconcile.Book{Items: w.items}))
				total := 0
				for _, k := range n {
					total += k
				}
				if n[class] != 1 || total-n[reconcile.Match] != 1 {
					t.Fatalf("one %s injected, found %v", class, n)
				}
			})
		})
	}
}

// What stands in transit afterwards is what was booked, and what is learned on the way, less what the lines settle: so
// the open amounts of the results add up to what is left there, whatever is wrong.
func TestSumsTieWhateverIsWrong(t *testing.T) {
	classes := reconcile.Classes[1:]
	rapid.Check(t, func(t *rapid.T) {
		w := draw(t)
		for range rapid.IntRange(0, 5).Draw(t, "injections") {
			n := min(len(w.items), len(w.lines))
			if n == 0 {
				break
			}
			injections[rapid.SampledFrom(classes).Draw(t, "class")](t, &w, rapid.IntRange(0, n-1).Draw(t, "which"))
		}
		for i := range w.items {
			w.items[i].State = rapid.SampledFrom([]reconcile.State{reconcile.Moved, reconcile.Moved, reconcile.Open, reconcile.Gone, reconcile.Unsent}).Draw(t, "state")
		}
		s := w.statement()
		if err := s.Validate(); err != nil {
			t.Fatal(err)
		}
		transit, open := int64(0), int64(0)
		signed := func(it *reconcile.Item) int64 {
			if it.Kind.In() {
				return it.AmountMinor
			}
			return -it.AmountMinor
		}
		for i := range w.items {
			if w.items[i].State == reconcile.Moved {
				transit += signed(&w.items[i])
			}
		}
		results := reconcile.Outer(s, reconcile.Book{Items: w.items})
		lines := 0
		for _, r := range results {
			if r.Learn {
				transit += signed(r.Item)
			}
			if r.Line != nil {
				lines++
				transit -= r.Line.Moved()
			}
			open += r.OpenMinor
		}
		if lines != len(s.Lines) || transit != open {
			t.Fatalf("%d of %d lines; %d in transit, the results leave %d", lines, len(s.Lines), transit, open)
		}
		net := s.Totals.OpeningMinor
		for _, l := range s.Lines {
			net += l.Net()
		}
		if net != s.Totals.ClosingMinor {
			t.Fatalf("the bank ends at %d by its lines, at %d by its word", net, s.Totals.ClosingMinor)
		}
	})
}

func TestEveryOneFaultRefusesTheWholeFile(t *testing.T) {
	whole := func() reconcile.Statement {
		var w world
		it := reconcile.Item{OurNo: "1", ChannelNo: "A1", Kind: reconcile.Payout, AmountMinor: 500, FeeMinor: 100}
		w.add(it, reconcile.Payout, "A1")
		it.Kind = reconcile.Collect
		w.add(it, reconcile.Collect, "A2")
		return w.statement()
	}
	if err := whole().Validate(); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		reason string
		spoil  func(s *reconcile.Statement)
	}{
		"a line less":           {reconcile.FaultCount, func(s *reconcile.Statement) { s.Lines = s.Lines[:1] }},
		"another count":         {reconcile.FaultCount, func(s *reconcile.Statement) { s.Totals.Count++ }},
		"another sum in":        {reconcile.FaultTotals, func(s *reconcile.Statement) { s.Totals.InMinor++ }},
		"another sum out":       {reconcile.FaultTotals, func(s *reconcile.Statement) { s.Totals.OutMinor-- }},
		"other fees":            {reconcile.FaultTotals, func(s *reconcile.Statement) { s.Totals.FeeMinor++ }},
		"another closing":       {reconcile.FaultBalance, func(s *reconcile.Statement) { s.Totals.ClosingMinor++ }},
		"a line of another day": {reconcile.FaultDay, func(s *reconcile.Statement) { s.Lines[1].SettledOn++ }},
		"no amount":             {reconcile.FaultLayout, func(s *reconcile.Statement) { s.Lines[0].AmountMinor = 0 }},
		"an unknown kind":       {reconcile.FaultLayout, func(s *reconcile.Statement) { s.Lines[0].Kind = "GIFT" }},
		"an unknown status":     {reconcile.FaultLayout, func(s *reconcile.Statement) { s.Lines[0].Status = "MAYBE" }},
		"no channel number":     {reconcile.FaultLayout, func(s *reconcile.Statement) { s.Lines[0].ChannelNo = "" }},
		"a return of nothing": {reconcile.FaultLayout, func(s *reconcile.Statement) {
			s.Lines[0].Kind, s.Lines[0].OurNo = reconcile.Return, ""
		}},
		"a sum that overflows": {reconcile.FaultTotals, func(s *reconcile.Statement) {
			s.Lines[0].Kind, s.Lines[0].AmountMinor, s.Lines[1].AmountMinor = reconcile.Collect, 1<<62, 1<<62
		}},
	} {
		s := whole()
		c.spoil(&s)
		var refused *reconcile.Refusal
		if err := s.Validate(); !errors.As(err, &refused) || refused.Reason != c.reason {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAReissueIsTheFormerFileWithItsChange(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := draw(t)
		former := w.statement().Lines
		next := append([]reconcile.Line(nil), former...)
		removed, added := 0, 0
		for range rapid.IntRange(0, 3).Draw(t, "changes") {
			if len(next) > 0 && rapid.Bool().Draw(t, "remove") {
				i := rapid.IntRange(0, len(next)-1).Draw(t, "which")
				next = append(next[:i:i], next[i+1:]...)
				removed++
				continue
			}
			added++
			next = append([]reconcile.Line{{Kind: reconcile.Collect, ChannelNo: fmt.Sprintf("N%d", added), AmountMinor: 5, Status: reconcile.Success, SettledOn: day}}, next...)
		}
		for i := range next {
			next[i].Number = int64(i + 1)
		}
		c := reconcile.Diff(former, next)
		if int(c.Kept)+len(c.Removed) != len(former) || int(c.Kept)+len(c.Added) != len(next) {
			t.Fatalf("%d former lines, %d next: kept %d, removed %d, added %d", len(former), len(next), c.Kept, len(c.Removed), len(c.Added))
		}
		if len(c.Removed) > removed || len(c.Added) > added || len(c.Added)-len(c.Removed) != len(next)-len(former) {
			t.Fatalf("removed %d of %d, added %d of %d", len(c.Removed), removed, len(c.Added), added)
		}
	})
}

func TestEveryRemedyThatIsAllowedClearsTheAccountInTransit(t *testing.T) {
	for _, kind := range reconcile.Kinds {
		for _, class := range reconcile.Classes[1:] {
			for _, open := range []int64{-300, 0, 300} {
				d := reconcile.Difference{Class: class, Kind: kind, OpenMinor: open, Whole: kind == reconcile.Payout, Denied: class == reconcile.DoubleEffect}
				remedies := reconcile.Allowed(d)
				if len(remedies) == 0 {
					t.Errorf("nothing can be decided about %+v", d)
				}
				for _, r := range remedies {
					event, entries := reconcile.Corrected(r, "alpha", d)
					tx := ledger.Transaction{Event: event, Entries: entries}
					if r == reconcile.TakeBack || r == reconcile.TakeIn || r == reconcile.Explain {
						if len(entries) > 0 || (r == reconcile.Explain && open != 0) {
							t.Errorf("%s books %v for %+v", r, entries, d)
						}
						continue
					}
					if err := tx.Validate(); err != nil || tx.On("3001.alpha") != -open || len(event) > 24 {
						t.Errorf("%s of %+v books %v (%v)", r, d, entries, err)
					}
				}
			}
		}
	}
}
