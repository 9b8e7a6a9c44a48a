package legal_test

import (
	"errors"
	"testing"

	"github.com/hengdai/hengdai/domain/calendar"
	"github.com/hengdai/hengdai/domain/legal"
)

func TestEveryNumberHasASourceAndNoTwoHoldOnOneDay(t *testing.T) {
	for i, r := range legal.Table {
		if r.Source == "" || r.Unit == "" || (r.To != calendar.None && r.To < r.From) {
			t.Errorf("row %d (%s from %s) is not whole", i, r.Parameter, r.From)
		}
		for _, o := range legal.Table[i+1:] {
			if o.Parameter != r.Parameter || o.Lender != r.Lender {
				continue
			}
			if (r.To == calendar.None || o.From <= r.To) && (o.To == calendar.None || r.From <= o.To) {
				t.Errorf("%s for %q: rows from %s and %s overlap", r.Parameter, r.Lender, r.From, o.From)
			}
		}
	}
}

func TestTheCapDependsOnLenderTermAndDay(t *testing.T) {
	cases := []struct {
		lender legal.Lender
		months int
		on     string
		want   int64
	}{
		{legal.Bank, 12, "2026-11-22", 240_000}, {legal.ConsumerFinance, 12, "2026-11-22", 240_000},
		{legal.Microloan, 12, "2027-12-31", 240_000}, {legal.Microloan, 12, "2028-01-01", 120_000},
		{legal.OnlineMicroloan, 1, "2028-01-01", 240_000}, {legal.Microloan, 1, "2028-01-01", 240_000},
	}
	for _, c := range cases {
		day, err := calendar.Parse(c.on)
		if err != nil {
			t.Fatal(err)
		}
		got, err := legal.CostCap(c.lender, c.months, day)
		if err != nil || got.PPM != c.want {
			t.Errorf("%s %d months on %s: %d, %v; want %d", c.lender, c.months, c.on, got.PPM, err, c.want)
		}
	}
}

func TestAnUnknownNumberIsAnErrorAndNeverZero(t *testing.T) {
	var missing *legal.Missing
	if _, err := legal.Find(legal.AmountMax, legal.Trust, calendar.Of(2026, 1, 1)); !errors.As(err, &missing) {
		t.Errorf("a trust's amount limit: %v", err)
	}
	if _, err := legal.Find(legal.TermMax, legal.Bank, calendar.Of(2000, 1, 1)); !errors.As(err, &missing) {
		t.Errorf("a limit before its day: %v", err)
	}
	if legal.Platform.MayLend() || legal.Enhancer.MayLend() || !legal.Bank.MayLend() {
		t.Error("who may lend is wrong")
	}
}

func TestPendingEasingsAreNotApplied(t *testing.T) {
	for _, p := range legal.Pending {
		row, err := legal.Find(p.Parameter, p.Lender, calendar.Of(2026, 11, 22))
		if err == nil && row.Value == p.Value {
			t.Errorf("%s is applied", p.Parameter)
		}
	}
}

func TestTheLoanPrimeRateGoesStale(t *testing.T) {
	if legal.LPRStale(legal.LPRCheckedOn+35, legal.LPRCheckedOn) || !legal.LPRStale(legal.LPRCheckedOn+36, legal.LPRCheckedOn) {
		t.Error("staleness begins on the wrong day")
	}
}
