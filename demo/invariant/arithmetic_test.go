package invariant

import (
	"math"
	"math/big"
	"testing"
)

func termsOf(method, count string, principalMinor, ratePPM int64, instalments int, on string) *terms {
	t := &terms{PenaltyPermille: 1500, RunningCapPPM: 240_000, GraceDays: 3, VATPPM: 60_000, NonAccrualAfter: 90, ClassAfter: [4]int{0, 90, 270, 360},
		Allocation: allocationRule{By: "instalment", Order: componentNames[:]}}
	p := &t.Plan
	p.Principal, p.RatePPM, p.Method, p.DayCount, p.Instalments = principalMinor, ratePPM, method, count, instalments
	p.Every, p.Unit, p.MonthEnd, p.Rounding, p.FirstDueOn = 1, "month", "clamp", "half_up", noDay
	p.DisbursedOn, _ = dayOf(on)
	return t
}

func planOf(t *testing.T, of *terms) *plan {
	t.Helper()
	p, err := makePlan(of)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestDatesKeepTheirDayOfTheMonth(t *testing.T) {
	p := planOf(t, termsOf("equal_principal", "30/360", 100_000, 120_000, 5, "2027-10-31"))
	for k, want := range []string{"2027-11-30", "2027-12-31", "2028-01-31", "2028-02-29", "2028-03-31"} {
		if got := p.rows[k].due.String(); got != want {
			t.Errorf("row %d falls due on %s, not %s", k+1, got, want)
		}
	}
	if _, err := dayOf("2027-02-30"); err == nil {
		t.Error("a day that does not exist was read")
	}
}

// 1,200.00 at 12 % a year in 12 equal instalments: 1200 x 0.01 x 1.01^12 / (1.01^12 - 1) = 106.62.
func TestAnInstalmentIsTheOneOfTheTextbook(t *testing.T) {
	p := planOf(t, termsOf("equal_instalment", "30/360", 120_000, 120_000, 12, "2026-01-15"))
	for k, r := range p.rows {
		if k < 11 && r.total() != 10_662 {
			t.Errorf("row %d asks for %d", r.number, r.total())
		}
	}
	if r := p.rows[0]; r.interest != 1_200 || r.principal != 9_462 {
		t.Errorf("row 1 is %d and %d", r.interest, r.principal)
	}
}

// compliance.md R13: 12,000 lent, 12 x 1,060 back, costs 10.90 % a year.
func TestTheCostOfTheRuleBooksExample(t *testing.T) {
	p := planOf(t, termsOf("flat", "period", 1_200_000, 60_000, 12, "2026-01-15"))
	if c := costOf(p); math.Abs(c.simple-0.1090) > 5e-5 {
		t.Errorf("it costs %v", c.simple)
	}
}

// By hand: 100,000.00 at 18 %, one row of 31 days; nothing is paid. Five days late, penalty is 27 % cut to the cap of 24 %
// a year of 365 days on the principal: 5 x 65.753424 = 328.77; within the three days of grace it is nothing.
func TestPenaltyIsCutToTheCapAndBegetsNothingInGrace(t *testing.T) {
	of := termsOf("at_maturity", "actual/365", 10_000_000, 180_000, 1, "2026-03-01")
	l, err := begin(of)
	if err != nil {
		t.Fatal(err)
	}
	due := l.plan.rows[0].due
	for late, want := range map[day]int64{0: 0, 3: 0, 4: 26_301, 5: 32_877} {
		c := l.clone()
		c.advance(due + late)
		if got := c.position(); got.on("1132.Pen") != want || got.on("1132.I") != 152_877 {
			t.Errorf("%d days late: penalty %d, interest %d", late, got.on("1132.Pen"), got.on("1132.I"))
		}
	}
}

func TestEveryPositionAddsUpToZero(t *testing.T) {
	for _, method := range []string{"equal_instalment", "equal_principal", "interest_first", "at_maturity", "flat"} {
		l, err := begin(termsOf(method, "actual/actual", 1_234_567, 217_000, 7, "2027-12-31"))
		if err != nil {
			t.Fatal(err)
		}
		pay := &happening{kind: "receive", on: l.at + 50, amount: 300_000}
		if err := l.do(pay); err != nil {
			t.Fatal(err)
		}
		for range 400 {
			l.advance(l.at + 1)
			var sum int64
			for _, balance := range l.position() {
				sum += balance
			}
			if sum != 0 {
				t.Fatalf("%s on %s adds up to %d", method, l.at, sum)
			}
		}
	}
}

func TestAPayoffSettlesToTheCent(t *testing.T) {
	of := termsOf("equal_instalment", "30/360", 500_000, 162_000, 12, "2026-05-31")
	l, err := begin(of)
	if err != nil {
		t.Fatal(err)
	}
	l.advance(l.at + 100)
	if err := l.do(&happening{kind: "receive", on: l.at, amount: l.payoff(), payoff: true}); err != nil {
		t.Fatal(err)
	}
	if p := l.position(); !l.settled() || p.on("1303") != 0 || p.on("1132.I") != 0 || p.on("2241.unapplied") != 0 || p.on("2221.pending") != 0 {
		t.Errorf("settled %v with %v", l.settled(), p)
	}
}

func TestRoundingDoesWhatItsNameSays(t *testing.T) {
	for _, c := range []struct {
		num, den int64
		want     map[rounding]int64
	}{
		{5, 2, map[rounding]int64{"half_up": 3, "half_even": 2, "down": 2, "up": 3}},
		{7, 2, map[rounding]int64{"half_up": 4, "half_even": 4, "down": 3, "up": 4}},
		{7, 3, map[rounding]int64{"half_up": 2, "half_even": 2, "down": 2, "up": 3}},
		{6, 3, map[rounding]int64{"half_up": 2, "half_even": 2, "down": 2, "up": 2}},
	} {
		for mode, want := range c.want {
			if got := mode.round(big.NewRat(c.num, c.den)); got != want {
				t.Errorf("%d/%d %s is %d, not %d", c.num, c.den, mode, got, want)
			}
		}
	}
	if rounding("sideways").check() == nil {
		t.Error("an unknown rounding passes")
	}
}

func TestTermsThatAreNotKnownAreRefused(t *testing.T) {
	for name, text := range map[string]string{
		"nothing":   `{}`,
		"day count": `{"plan":{"principal_minor":1,"instalments":1,"every":1,"unit":"month","month_end":"clamp","rounding":"half_up","day_count":"lunar"}}`,
		"odd":       `{"plan":{"principal_minor":1,"instalments":1,"every":1,"unit":"month","month_end":"clamp","rounding":"half_up","day_count":"30/360","first_due_on":"2026-01-01"}}`,
		"broken":    `{`,
	} {
		if _, err := readTerms([]byte(text), 0); err == nil {
			t.Errorf("%s passes", name)
		}
	}
}

func TestValuesAreFoundWhereTheyCanBeRead(t *testing.T) {
	of := values{"990001199001011234": "an ID number", "99000119900101123X": "an ID number", "12000000001": "a mobile", "9901010000000000018": "a card", "王伟": "a name", "欧阳娜": "a name"}
	for text, want := range map[string]string{
		`{"mobile":"12000000001"}`: "a mobile", "+8612000000001": "a mobile", "\x0b120000000012\x01": "a mobile", "312000000001": "",
		"99000119900101123x": "an ID number", "id 990001199001011234.": "an ID number", "\x139901010000000000018": "a card", "9901010000000000019": "",
		"你好,王伟。": "a name", "国王伟大": "", "尊敬的欧阳娜您好": "a name", "": "", "\xe7\x8e": "",
	} {
		if got := of.in([]byte(text)); got != want {
			t.Errorf("%q: %q instead of %q", text, got, want)
		}
	}
}
