package element_test

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/hengdai/hengdai/kit/secret"
	"github.com/hengdai/hengdai/service/user/element"
)

var (
	sandbox    = element.Rules{Sandbox: true}
	production = element.Rules{}
	today      = time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
)

func TestNumbersOfNobodyPassOnlyInTheSandbox(t *testing.T) {
	for _, c := range []struct {
		what  string
		check func(element.Rules) error
	}{
		{"mobile", func(r element.Rules) error { return r.Mobile(secret.New("12000000001")) }},
		{"ID number", func(r element.Rules) error {
			_, _, err := r.IDNo(secret.New(idNo("99000019900101001")), today)
			return err
		}},
		{"card", func(r element.Rules) error { _, err := r.CardNo(secret.New(cardNo("990100123456789012"))); return err }},
	} {
		if err := c.check(sandbox); err != nil {
			t.Errorf("the sandbox refuses a %s of nobody: %v", c.what, err)
		}
		if c.check(production) == nil {
			t.Errorf("production lets in a %s of nobody", c.what)
		}
	}
}

func TestTheStandardsOwnSamplePasses(t *testing.T) {
	number, born, err := production.IDNo(secret.New("11010519491231002x"), today)
	if err != nil || born.Format(time.DateOnly) != "1949-12-31" || !strings.HasSuffix(number.Reveal(), "X") {
		t.Fatalf("the sample of GB 11643 gives %v, %v", born, err)
	}
}

func TestWrongIDNumbersAreRefused(t *testing.T) {
	for _, head := range []string{"99000019900230001", "99000019901301001", "99000020270101001", "00000019900101001", "99000018000101001"} {
		if _, _, err := sandbox.IDNo(secret.New(idNo(head)), today); err == nil {
			t.Errorf("%s is let in", head)
		}
	}
	for _, v := range []string{"", "1", strings.Repeat("9", 18), "99000019900101001", "９90000199001010018"} {
		if _, _, err := sandbox.IDNo(secret.New(v), today); err == nil {
			t.Errorf("%q is let in", v)
		}
	}
}

func TestEverySingleWrongDigitIsSeen(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		head := "990000" + time.Date(1960, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, rapid.IntRange(0, 15000).Draw(t, "day")).Format("20060102") +
			rapid.StringMatching(`[0-9]{3}`).Draw(t, "order")
		good := idNo(head)
		if _, _, err := sandbox.IDNo(secret.New(good), today); err != nil {
			t.Fatalf("a good number is refused: %v", err)
		}
		if bad := flip(t, good[:17]) + good[17:]; bad != good {
			if _, _, err := sandbox.IDNo(secret.New(bad), today); err == nil {
				t.Fatal("a wrong digit is not seen")
			}
		}
		card := cardNo("990101" + rapid.StringMatching(`[0-9]{9,12}`).Draw(t, "account"))
		if bank, err := sandbox.CardNo(secret.New(card)); err != nil || bank != "ABC" {
			t.Fatalf("a good card is refused: %v", err)
		}
		if bad := "9901" + flip(t, card[4:]); bad != card {
			if _, err := sandbox.CardNo(secret.New(bad)); err == nil {
				t.Fatal("a wrong digit of a card is not seen")
			}
		}
	})
}

func TestAgeCountsWholeYears(t *testing.T) {
	day := func(s string) time.Time { d, _ := time.Parse(time.DateOnly, s); return d }
	for _, c := range []struct {
		born, on string
		want     int
	}{
		{"2008-06-01", "2026-05-31", 17}, {"2008-06-01", "2026-06-01", 18}, {"2008-02-29", "2026-02-28", 17}, {"2008-02-29", "2026-03-01", 18},
	} {
		if got := element.Age(day(c.born), day(c.on)); got != c.want {
			t.Errorf("born %s on %s: %d", c.born, c.on, got)
		}
	}
}

func TestNamesAreBroughtIntoOneForm(t *testing.T) {
	for in, want := range map[string]string{" 王小明 ": "王小明", "阿卜杜拉•买买提": "阿卜杜拉·买买提", "𫖯𬱖": "𫖯𬱖", "Mary Ann": "Mary Ann"} {
		got, err := element.Name(secret.New(in))
		if err != nil || got.Reveal() != want {
			t.Errorf("%q gives an error or another form: %v", in, err)
		}
	}
	for _, in := range []string{"", "王", "王1", "·王", "王<b>", strings.Repeat("王", 51), "王\n明"} {
		if _, err := element.Name(secret.New(in)); err == nil {
			t.Errorf("%q is let in", in)
		}
	}
}

func TestEveryBankOfTheTableHasAName(t *testing.T) {
	for _, code := range []string{"ICBC", "ABC", "BOC", "CCB", "BCOM", "CMB", "PSBC", "CIB", "CEB", "CITIC", "SPDB", "PAB", "CMBC", "HXB", "GDB"} {
		if element.BankName(code) == element.BankName("nothing") {
			t.Errorf("%s has no name", code)
		}
	}
}

func FuzzElementsNeverPanic(f *testing.F) {
	f.Add("99000019900101001X")
	f.Add("12000000000")
	f.Fuzz(func(_ *testing.T, v string) {
		s := secret.New(v)
		_ = sandbox.Mobile(s)
		_, _, _ = sandbox.IDNo(s, today)
		_, _ = sandbox.CardNo(s)
		_, _ = element.Name(s)
	})
}

func flip(t *rapid.T, v string) string {
	i := rapid.IntRange(0, len(v)-1).Draw(t, "place")
	d := rapid.IntRange(0, 9).Draw(t, "digit")
	return v[:i] + string(rune('0'+d)) + v[i+1:]
}

// idNo and cardNo append check digits by a way of their own: they try all.
func idNo(head string) string {
	for _, c := range "0123456789X" {
		sum := 0
		for i, w := range []int{7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2, 1} {
			d := 10
			if ch := (head + string(c))[i]; ch != 'X' {
				d = int(ch - '0')
			}
			sum += d * w
		}
		if sum%11 == 1 {
			return head + string(c)
		}
	}
	return ""
}

func cardNo(head string) string {
	for d := range 10 {
		v := head + string(rune('0'+d))
		if _, err := sandbox.CardNo(secret.New(v)); err == nil {
			return v
		}
	}
	return ""
}
