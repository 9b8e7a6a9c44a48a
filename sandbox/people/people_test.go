package people_test

import (
	"fmt"
	"testing"

	"github.com/hengdai/hengdai/sandbox/people"
)

func TestEverybodyPassesHisChecksumsAndNobodyIsReal(t *testing.T) {
	ids, mobiles, cards := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for _, p := range people.Generate(42, 5000, people.Options{}) {
		c := p.Cards[0]
		if !people.ValidIDNo(p.IDNo) || !people.ValidCardNo(c.CardNo) || !people.ValidMobile(p.Mobile) {
			t.Fatalf("somebody fails his checksum")
		}
		if p.IDNo[:2] != "99" || p.Mobile[:2] != "12" || c.CardNo[:4] != "9901" {
			t.Fatal("somebody could be real")
		}
		if ids[p.IDNo] || mobiles[p.Mobile] || cards[c.CardNo] {
			t.Fatal("two people share a number")
		}
		ids[p.IDNo], mobiles[p.Mobile], cards[c.CardNo] = true, true, true
	}
}

func TestASeedAlwaysMakesTheSamePeople(t *testing.T) {
	a, b := fmt.Sprint(people.Generate(1, 20, people.Options{})), fmt.Sprint(people.Generate(1, 20, people.Options{}))
	if a != b {
		t.Error("the same seed made others")
	}
	if a == fmt.Sprint(people.Generate(2, 20, people.Options{})) {
		t.Error("another seed made the same")
	}
}

func TestChecksumsRefuseWhatIsWrong(t *testing.T) {
	if !people.ValidIDNo("11010519491231002X") || people.ValidIDNo("110105194912310021") || people.ValidIDNo("11010519490231002X") {
		t.Error("the published sample of GB 11643 is not judged right")
	}
	if people.ValidCardNo("9901000000000000001") == people.ValidCardNo("9901000000000000002") && people.ValidCardNo("9901000000000000001") {
		t.Error("two check digits cannot both be right")
	}
}

func FuzzChecksums(f *testing.F) {
	f.Add("11010519491231002X")
	f.Add("")
	f.Fuzz(func(_ *testing.T, s string) {
		people.ValidIDNo(s)
		people.ValidCardNo(s)
		people.ValidMobile(s)
	})
}
