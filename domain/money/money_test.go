package money_test

import (
	"math/big"
	"testing"

	"pgregory.net/rapid"

	"github.com/hengdai/hengdai/domain/money"
)

func TestMulDivRoundsAsItsModeSays(t *testing.T) {
	cases := []struct {
		a        money.Amount
		num, den int64
		mode     money.Rounding
		want     money.Amount
	}{
		{5, 1, 2, money.HalfUp, 3}, {-5, 1, 2, money.HalfUp, -3}, {5, 1, 2, money.HalfEven, 2}, {7, 1, 2, money.HalfEven, 4},
		{5, 1, 2, money.Down, 2}, {-5, 1, 2, money.Down, -2}, {5, 1, 4, money.Up, 2}, {-5, 1, 4, money.Up, -2}, {4, 1, 2, money.Up, 2},
		{1_000_000_000_000, 9_000_000_000, 9_000_000_000, money.HalfUp, 1_000_000_000_000},
	}
	for _, c := range cases {
		got, err := money.MulDiv(c.a, c.num, c.den, c.mode)
		if err != nil || got != c.want {
			t.Errorf("%d x %d / %d %v = %d, %v; want %d", c.a, c.num, c.den, c.mode, got, err, c.want)
		}
	}
	if _, err := money.MulDiv(1<<62, 1<<62, 1, money.HalfUp); err == nil {
		t.Error("a product beyond 64 bits after division was not refused")
	}
	if _, err := money.MulDiv(1, 1, 0, money.HalfUp); err == nil {
		t.Error("division by zero was not refused")
	}
}

func TestMulDivDownAndUpBracketTheExactQuotient(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := rapid.Int64Range(-1e15, 1e15).Draw(t, "a")
		num := rapid.Int64Range(0, 1e12).Draw(t, "num")
		den := rapid.Int64Range(1e3, 1e12).Draw(t, "den")
		exact := new(big.Rat).SetFrac(new(big.Int).Mul(big.NewInt(a), big.NewInt(num)), big.NewInt(den))
		for _, mode := range []money.Rounding{money.HalfUp, money.HalfEven, money.Down, money.Up} {
			got, err := money.MulDiv(money.Amount(a), num, den, mode)
			if err != nil {
				limit := new(big.Rat).SetInt64(1 << 62)
				if new(big.Rat).Abs(exact).Cmp(limit) < 0 {
					t.Fatalf("refused %s", exact)
				}
				continue
			}
			gap := new(big.Rat).Abs(new(big.Rat).Sub(exact, new(big.Rat).SetInt64(int64(got))))
			bound := big.NewRat(1, 2)
			if mode == money.Down || mode == money.Up {
				bound = big.NewRat(1, 1)
			}
			if gap.Cmp(bound) > 0 {
				t.Fatalf("%v of %s is %d", mode, exact, got)
			}
		}
	})
}

func TestSumAgreesWithBigIntegers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var sum money.Sum
		exact := new(big.Int)
		for range rapid.IntRange(1, 20).Draw(t, "n") {
			a, b, c := rapid.Int64Range(0, 1e13).Draw(t, "a"), rapid.Int64Range(0, 1e9).Draw(t, "b"), rapid.Int64Range(0, 1e6).Draw(t, "c")
			sum.Add3(a, b, c)
			p := new(big.Int).Mul(big.NewInt(a), big.NewInt(b))
			exact.Add(exact, p.Mul(p, big.NewInt(c)))
		}
		den := rapid.Int64Range(1e15, 1e18).Draw(t, "den")
		got, err := sum.Over(den, money.Down)
		want := exact.Div(exact, big.NewInt(den))
		if err != nil || want.Int64() != int64(got) {
			t.Fatalf("got %d, %v; want %s", got, err, want)
		}
	})
}

func TestShareCutsInProportion(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s, part, whole money.Sum
		a, b := rapid.Int64Range(0, 1e12).Draw(t, "a"), rapid.Int64Range(0, 1e12).Draw(t, "b")
		w := rapid.Int64Range(1, 1e12).Draw(t, "w")
		p := rapid.Int64Range(0, w).Draw(t, "p")
		s.Add(a, b)
		part.Add(p, 1e6)
		whole.Add(w, 1e6)
		got := s.Share(part, whole)
		exact := new(big.Int).Mul(big.NewInt(a), big.NewInt(b))
		exact.Mul(exact, big.NewInt(p)).Div(exact, big.NewInt(w))
		have := new(big.Int).SetUint64(got.Hi)
		have.Lsh(have, 64).Add(have, new(big.Int).SetUint64(got.Lo))
		gap := new(big.Int).Sub(exact, have)
		if gap.CmpAbs(big.NewInt(1<<22)) > 0 {
			t.Fatalf("share %s, exact %s", have, exact)
		}
	})
}

func TestSplitAddsUpExactly(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := money.Amount(rapid.Int64Range(0, 1e15).Draw(t, "a"))
		weights := rapid.SliceOfN(rapid.Int64Range(0, 1e6), 1, 9).Draw(t, "weights")
		weights[0]++
		shares, err := money.Split(a, weights, money.Last)
		if err != nil {
			t.Fatal(err)
		}
		var sum money.Amount
		for _, s := range shares {
			if s < 0 {
				t.Fatalf("negative share in %v", shares)
			}
			sum += s
		}
		if sum != a {
			t.Fatalf("%v do not add up to %d", shares, a)
		}
	})
}

func TestAmountsAreReadAndWrittenAsDecimals(t *testing.T) {
	for text, want := range map[string]money.Amount{"0": 0, "12.3": 1230, "-0.05": -5, "99999999.99": 9999999999} {
		got, err := money.CNY.Parse(text)
		if err != nil || got != want {
			t.Errorf("%q is %d, %v", text, got, err)
		}
	}
	for _, text := range []string{"", ".", "1.", "1.234", "1e3", "+1", "--1", "1,000", "99999999999999999999", " 1"} {
		if got, err := money.CNY.Parse(text); err == nil {
			t.Errorf("%q was read as %d", text, got)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		a := money.Amount(rapid.Int64Range(-1e15, 1e15).Draw(t, "a"))
		back, err := money.CNY.Parse(money.CNY.Format(a))
		if err != nil || back != a {
			t.Fatalf("%d came back as %d, %v", a, back, err)
		}
	})
}
