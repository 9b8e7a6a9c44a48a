package demo

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/hengdai/hengdai/demo/invariant"
)

// leastPPM of all orders must meet a fault in a run that has faults.
const leastPPM = 200_000

// shownMost bounds what is shown of each list.
const shownMost = 12

// Comparison is a run with faults beside the plain one.
type Comparison struct {
	plain, run *Result
	// equal counts the applicants of whom everything is equal; moved are those whose money moved on other dates.
	equal int
	moved []movedLoan
	// broken says what does not hold.
	broken []string
}

// movedLoan is a loan whose effects at the parties are not those of the plain run.
type movedLoan struct {
	number             int
	what               string
	differs            int
	plainOwed, runOwed int64
}

// Compare lays a run with faults beside the plain one. What was resolved before the date moved must leave no trace: every
// applicant, account and channel is equal to the cent. Across midnight each loan whose money moved at the party on the plain
// run's dates is equal by value date; each other one is what its real dates give, and what the accounts of the whole books
// differ by is what those loans differ by.
func Compare(plain, run *Result) *Comparison {
	c := &Comparison{plain: plain, run: run}
	c.comparable()
	if len(c.broken) > 0 {
		return c
	}
	for i := range plain.Rows {
		c.row(&plain.Rows[i], &run.Rows[i])
	}
	c.wholes()
	if n := run.Met.Told["statement"]; c.strict() && n > 0 {
		c.wrong("how %d orders ended was not known before their statement", n)
	}
	if run.Met.Sent == 0 || int64(run.Met.Orders)*1_000_000 < int64(run.Met.Sent)*leastPPM {
		c.wrong("only %d of %d orders met a fault", run.Met.Orders, run.Met.Sent)
	}
	return c
}

// Holds says whether the runs agree as they must.
func (c *Comparison) Holds() bool { return len(c.broken) == 0 }

func (c *Comparison) wrong(format string, args ...any) {
	c.broken = append(c.broken, fmt.Sprintf(format, args...))
}

// strict: nothing crossed midnight.
func (c *Comparison) strict() bool { return c.run.Faults != AcrossMidnight }

func (c *Comparison) comparable() {
	if c.plain.From != c.run.From || c.plain.Until != c.run.Until {
		c.wrong("the calendar ran from %s to %s, the plain one from %s to %s", c.run.From, c.run.Until, c.plain.From, c.plain.Until)
	}
	number := func(r RowResult) int { return r.Number }
	if !slices.Equal(numbers(c.plain.Rows, number), numbers(c.run.Rows, number)) {
		c.wrong("other applicants came")
	}
}

func numbers[T any](list []T, of func(T) int) []int {
	all := make([]int, len(list))
	for i, v := range list {
		all[i] = of(v)
	}
	return all
}

func (c *Comparison) row(plain, run *RowResult) {
	was := len(c.broken)
	differ := func(what string, want, got any) {
		if want != got {
			c.wrong("applicant %d: %s is %v, %v in the plain run", plain.Number, what, got, want)
		}
	}
	differ("the refusal", plain.Refusal, run.Refusal)
	p, r := &plain.Loan, &run.Loan
	differ("the method", p.Method, r.Method)
	differ("the principal", p.PrincipalMinor, r.PrincipalMinor)
	differ("the rate", p.RatePPM, r.RatePPM)
	differ("the term", p.TermMonths, r.TermMonths)
	if len(r.Real) > 0 || r.Why != "" { // by its own real dates, whatever the plain run says
		if r.Why != "" {
			c.wrong("applicant %d: %s", run.Number, r.Why)
		}
		c.balances(run.Number, "recomputed from its real dates", r.Real, r.Balances)
	}
	if slices.Equal(p.Effects, r.Effects) || c.strict() {
		c.effects(plain.Number, p.Effects, r.Effects)
		differ("the state", p.State, r.State)
		differ("the day of payout", p.DisbursedOn, r.DisbursedOn)
		differ("the day of settlement", p.SettledOn, r.SettledOn)
		differ("the last closed day", p.Through, r.Through)
		c.balances(plain.Number, "in the plain run", p.Balances, r.Balances)
		c.balances(plain.Number, "by value date in the plain run", p.ByValue, r.ByValue)
		if len(c.broken) == was {
			c.equal++
		}
		return
	}
	c.moved = append(c.moved, movedBy(run.Number, p, r))
}

func (c *Comparison) effects(number int, plain, run []invariant.Effect) {
	if !slices.Equal(plain, run) {
		c.wrong("applicant %d: the parties did other things than in the plain run: %s", number, firstDifference(plain, run))
	}
}

func (c *Comparison) balances(number int, where string, want, got map[string]int64) {
	for _, account := range unequal(want, got) {
		c.wrong("applicant %d: %s holds %s, %s %s", number, account, yuan(got[account]), yuan(want[account]), where)
	}
}

// unequal answers in order the names under which two maps differ.
func unequal(a, b map[string]int64) []string {
	all := maps.Clone(a)
	if all == nil {
		all = map[string]int64{}
	}
	maps.Copy(all, b)
	return slices.DeleteFunc(slices.Sorted(maps.Keys(all)), func(name string) bool { return a[name] == b[name] })
}

// movedBy describes a loan whose money moved otherwise.
func movedBy(number int, p, r *invariant.Account) movedLoan {
	m := movedLoan{number: number, what: firstDifference(p.Effects, r.Effects), plainOwed: owed(p), runOwed: owed(r)}
	for i := range max(len(p.Effects), len(r.Effects)) {
		if i >= len(p.Effects) || i >= len(r.Effects) || p.Effects[i] != r.Effects[i] {
			m.differs++
		}
	}
	return m
}

// owed is what stands on the accounts of claims, less what is payable of a payout that came back.
func owed(a *invariant.Account) int64 {
	var sum int64
	for _, account := range []string{"1303", "1132.I", "1132.F", "1132.Pen", "1132.Cmp", "9011", "2241.payable"} {
		sum += a.Balances[account]
	}
	return sum
}

func firstDifference(plain, run []invariant.Effect) string {
	say := func(list []invariant.Effect, i int) string {
		if i >= len(list) {
			return "nothing"
		}
		return fmt.Sprintf("%s %s on %s", strings.ToLower(list[i].Kind), yuan(list[i].AmountMinor), list[i].On)
	}
	for i := range max(len(plain), len(run)) {
		if i >= len(plain) || i >= len(run) || plain[i] != run[i] {
			return say(run, i) + ", plain: " + say(plain, i)
		}
	}
	return ""
}

// channelAccount says whether an account is one of those on which a channel's fees and its money in transit and at the bank stand.
func channelAccount(name string) bool {
	return name == "payment 1002" || name == "payment 6421" || strings.HasPrefix(name, "payment 3001.")
}

// wholes compares the accounts of the whole books.
func (c *Comparison) wholes() {
	if c.strict() {
		for _, account := range unequal(c.plain.Balances, c.run.Balances) {
			c.wrong("account %s holds %s, %s in the plain run", account, yuan(c.run.Balances[account]), yuan(c.plain.Balances[account]))
		}
		for _, party := range unequal(c.plain.Parties, c.run.Parties) {
			c.wrong("our account at %s holds %s, %s in the plain run", party, yuan(c.run.Parties[party]), yuan(c.plain.Parties[party]))
		}
		return
	}
	// What the loans differ by, account by account, is what the books differ by.
	by := map[string]int64{}
	for i := range c.run.Rows {
		for account, minor := range c.run.Rows[i].Loan.Balances {
			by["loan "+account] += minor
		}
		for account, minor := range c.plain.Rows[i].Loan.Balances {
			by["loan "+account] -= minor
		}
	}
	by["payment 2290"] = -by["loan 2290"]
	books := map[string]int64{}
	for _, account := range unequal(c.plain.Balances, c.run.Balances) {
		if !channelAccount(account) { // that those are what the parties' journal gives, the invariants say
			books[account] = c.run.Balances[account] - c.plain.Balances[account]
		}
	}
	for _, account := range unequal(by, books) {
		c.wrong("account %s differs by %s, its loans by %s", account, yuan(books[account]), yuan(by[account]))
	}
}

// Write tells what the comparison found.
func (c *Comparison) Write(out io.Writer) error {
	w := &writer{out: out}
	w.head(c.run.Faults + " beside the plain run")
	c.run.Met.write(w)
	w.line("%-56s %8d", "applicants of whom everything is equal to the cent", c.equal)
	if !c.strict() {
		w.line("%-56s %8d", "loans whose money moved on other dates at the party", len(c.moved))
		slices.SortFunc(c.moved, func(a, b movedLoan) int { return cmp.Compare(a.number, b.number) })
		for _, m := range c.moved {
			w.line("  applicant %-4d %3d effects differ, first: %s; owed now %s, plain: %s", m.number, m.differs, m.what, yuan(m.runOwed), yuan(m.plainOwed))
		}
		w.line("each of these recomputed from the parties' dates: %s", map[bool]string{true: "equal to the cent", false: "NOT EQUAL"}[c.Holds()])
	}
	for i, line := range c.broken {
		if i == shownMost {
			w.line("  and %d more", len(c.broken)-shownMost)
			break
		}
		w.line("  NOT EQUAL: %s", line)
	}
	w.line("%s", map[bool]string{true: "the runs agree", false: "THE RUNS DO NOT AGREE"}[c.Holds()])
	return w.err
}

// told names what tells of an order's end.
var told = map[string]string{
	"submit": "the answer", "callback": "a callback", "query": "a query", "statement": "the statement", "people": "people",
}

// write tells what the orders met.
func (m Met) write(w *writer) {
	for _, kind := range slices.Sorted(maps.Keys(m.Kinds)) {
		w.line("  %-24s %8d times, %8d orders or files", kind, m.Kinds[kind].Hits, m.Kinds[kind].Numbers)
	}
	share := 0.0
	if m.Sent > 0 {
		share = 100 * float64(m.Orders) / float64(m.Sent)
	}
	w.line("%-56s %8d of %d (%.1f %%)", "distinct orders that met a fault", m.Orders, m.Sent, share)
	for _, source := range slices.Sorted(maps.Keys(m.Told)) {
		w.line("  %-54s %8d", "how an order ended was told by "+told[source], m.Told[source])
	}
}
