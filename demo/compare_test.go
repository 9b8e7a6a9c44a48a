package demo

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/hengdai/hengdai/demo/invariant"
)

// aResult is that of a run with one refused applicant and two borrowers.
func aResult(faults string) *Result {
	loan := func(principal int64) invariant.Account {
		return invariant.Account{
			State: "REPAYING", Method: "equal_principal", DisbursedOn: "2026-03-02", Through: "2026-05-01", PrincipalMinor: principal, RatePPM: 126_000, TermMonths: 12,
			Effects:  []invariant.Effect{{Kind: "PAYOUT", On: "2026-03-02", AmountMinor: principal}, {Kind: "COLLECT", On: "2026-04-02", AmountMinor: 9_500}},
			Balances: map[string]int64{"1303": principal - 8_000, "6011": -1_500, "2290": 9_500 - principal},
			ByValue:  map[string]int64{"2026-03-02 1303": principal, "2026-04-02 1303": -8_000},
			Real:     map[string]int64{"1303": principal - 8_000, "6011": -1_500, "2290": 9_500 - principal},
		}
	}
	r := &Result{
		Faults: faults, From: "2026-03-02", Until: "2026-05-01",
		Rows:     []RowResult{{Number: 3, Loan: loan(100_000)}, {Number: 7, Refusal: "score.grade"}, {Number: 9, Loan: loan(200_000)}},
		Balances: map[string]int64{"loan 1303": 284_000, "loan 6011": -3_000, "loan 2290": -281_000, "payment 2290": 281_000, "payment 3001.alpha": 500, "payment 1002": -281_500},
		Parties:  map[string]int64{"alpha hengdai": 999_000},
	}
	if faults != NoFaults {
		r.Met = Met{Orders: 30, Sent: 100, Kinds: map[string]Count{"busy": {Hits: 31, Numbers: 30}}}
	}
	return r
}

func TestRunsWithTheSameEndAgree(t *testing.T) {
	for _, faults := range []string{SameDay, AcrossMidnight} {
		c := Compare(aResult(NoFaults), aResult(faults))
		if !c.Holds() || c.equal != 3 || len(c.moved) != 0 {
			t.Errorf("%s: %d equal, %d moved, %q", faults, c.equal, len(c.moved), c.broken)
		}
	}
}

// TestOneWrongCentIsFound falsifies one thing of a run at a time.
func TestOneWrongCentIsFound(t *testing.T) {
	both := []string{SameDay, AcrossMidnight}
	for name, f := range map[string]struct {
		in      []string
		falsify func(r *Result)
		says    string
	}{
		"a balance of a loan":        {both, func(r *Result) { r.Rows[0].Loan.Balances["6011"]-- }, "applicant 3: 6011"},
		"an account more":            {both, func(r *Result) { r.Rows[2].Loan.Balances["2241.unapplied"] = -1 }, "applicant 9: 2241.unapplied"},
		"a balance by value date":    {both, func(r *Result) { r.Rows[0].Loan.ByValue["2026-04-02 1303"]++ }, "applicant 3: 2026-04-02 1303"},
		"the books as a whole":       {both, func(r *Result) { r.Balances["loan 6011"]-- }, "account loan 6011"},
		"the channel's own books":    {both[:1], func(r *Result) { r.Parties["alpha hengdai"]++ }, "our account at alpha"},
		"what is in transit":         {both[:1], func(r *Result) { r.Balances["payment 3001.alpha"]++ }, "3001.alpha"},
		"a refusal":                  {both, func(r *Result) { r.Rows[1].Refusal = "" }, "applicant 7: the refusal"},
		"a state":                    {both, func(r *Result) { r.Rows[0].Loan.State = "SETTLED" }, "applicant 3: the state"},
		"a day of payout":            {both, func(r *Result) { r.Rows[0].Loan.DisbursedOn = "2026-03-03" }, "applicant 3: the day of payout"},
		"a date at the party":        {both[:1], func(r *Result) { r.Rows[0].Loan.Effects[1].On = "2026-04-03" }, "collect 95.00 on 2026-04-03, plain: collect 95.00 on 2026-04-02"},
		"an effect less":             {both[:1], func(r *Result) { r.Rows[0].Loan.Effects = r.Rows[0].Loan.Effects[:1] }, "nothing, plain: collect"},
		"a life not to be relived":   {both, func(r *Result) { r.Rows[0].Loan.Why = "no party did this COLLECT" }, "no party did this COLLECT"},
		"a balance not of its dates": {both, func(r *Result) { r.Rows[0].Loan.Real["6011"] = 0 }, "recomputed from its real dates"},
		"an applicant less":          {both, func(r *Result) { r.Rows = r.Rows[1:] }, "other applicants"},
		"another calendar":           {both, func(r *Result) { r.Until = "2026-05-02" }, "the calendar ran"},
		"too few faults":             {both, func(r *Result) { r.Met.Orders = 19 }, "only 19 of 100"},
		"an end by statement":        {both[:1], func(r *Result) { r.Met.Told = map[string]int{"statement": 1} }, "how 1 orders ended"},
		"no orders":                  {both, func(r *Result) { r.Met = Met{} }, "only 0 of 0"},
	} {
		for _, faults := range f.in {
			run := aResult(faults)
			f.falsify(run)
			c := Compare(aResult(NoFaults), run)
			if c.Holds() || !strings.Contains(strings.Join(c.broken, "\n"), f.says) {
				t.Errorf("%s (%s) is not found: %q", name, faults, c.broken)
			}
			var out strings.Builder
			if err := c.Write(&out); err != nil || !strings.Contains(out.String(), "THE RUNS DO NOT AGREE") || !strings.Contains(out.String(), f.says) {
				t.Errorf("%s (%s) is not told: %s", name, faults, out.String())
			}
		}
	}
}

// later moves a borrower's collection to the next day, which costs him 12 more.
func later(r *Result) {
	l := &r.Rows[0].Loan
	l.Effects[1].On = "2026-04-03"
	l.ByValue = map[string]int64{"2026-03-02 1303": 100_000, "2026-04-03 1303": -7_988}
	for _, of := range []map[string]int64{l.Balances, l.Real} {
		of["1303"] += 12
		of["6011"] -= 12
	}
	r.Balances["loan 1303"] += 12
	r.Balances["loan 6011"] -= 12
}

func TestALoanWhoseMoneyMovedLaterIsListedAndItsDifferenceExplainsThatOfTheBooks(t *testing.T) {
	run := aResult(AcrossMidnight)
	later(run)
	c := Compare(aResult(NoFaults), run)
	if !c.Holds() || c.equal != 2 || len(c.moved) != 1 || c.moved[0].number != 3 || c.moved[0].runOwed-c.moved[0].plainOwed != 12 {
		t.Errorf("%d equal, %+v, %q", c.equal, c.moved, c.broken)
	}
	if same := aResult(SameDay); Compare(aResult(NoFaults), same).Holds() {
		later(same)
		if Compare(aResult(NoFaults), same).Holds() {
			t.Error("a loan whose money moved later passes where nothing may cross midnight")
		}
	}
	unexplained := aResult(AcrossMidnight)
	later(unexplained)
	unexplained.Balances["loan 6011"] += 12
	if c := Compare(aResult(NoFaults), unexplained); c.Holds() || !strings.Contains(strings.Join(c.broken, "\n"), "loan 6011") {
		t.Errorf("a difference of the books that no loan explains passes: %q", c.broken)
	}
}

func TestTheCalendarStopsWhereSomebodyActs(t *testing.T) {
	r := &Run{today: "2026-03-02", Options: Options{Until: "2026-04-20"}, future: &diary{
		day:     map[string][]act{"2026-03-09": nil, "2026-03-01": nil},
		evening: map[string][]act{"2026-03-12": nil},
	}}
	var stops []string
	for look := "2026-04-01"; r.today < r.Until && len(stops) < 9; {
		r.today = r.next(look)
		stops = append(stops, r.today)
		if r.today == look {
			look = "2026-05-01"
		}
	}
	if !slices.Equal(stops, []string{"2026-03-09", "2026-03-12", "2026-04-01", "2026-04-16", "2026-04-20"}) {
		t.Errorf("it stops on %v", stops)
	}
	r.today, r.carried = "2026-03-02", []act{{}}
	if next := r.next("2026-04-01"); next != "2026-03-03" {
		t.Errorf("with something left over it goes to %s", next)
	}
}

func TestUnequalNamesWhatEitherSideLacks(t *testing.T) {
	a, b := map[string]int64{"x": 1, "y": 2, "z": 0}, map[string]int64{"y": 3, "w": 4}
	if got := unequal(a, b); !slices.Equal(got, []string{"w", "x", "y"}) {
		t.Errorf("%v", got)
	}
	if got := unequal(nil, b); !slices.Equal(got, slices.Sorted(maps.Keys(b))) {
		t.Errorf("%v", got)
	}
}
