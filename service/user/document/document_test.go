package document_test

import (
	"strings"
	"testing"

	"github.com/hengdai/hengdai/service/user/document"
)

func TestEveryDocumentIsWholeInBothLanguages(t *testing.T) {
	book, err := document.Load()
	if err != nil {
		t.Fatal(err)
	}
	purposes := map[string]bool{}
	for _, d := range book.All() {
		if purposes[d.Purpose] {
			t.Errorf("two documents permit %s", d.Purpose)
		}
		purposes[d.Purpose] = true
		for _, text := range []document.Text{d.ZH, d.EN} {
			if text.Title == "" || len(text.Body) < 300 || len(text.Hash) != 64 || !d.Fits(d.Version, text.Hash) {
				t.Errorf("%s in %s is not whole", d.Name, text.Language)
			}
			if !strings.Contains(text.Body, d.Version) {
				t.Errorf("%s in %s does not name its version", d.Name, text.Language)
			}
		}
		if d.StopsZH == "" || d.StopsEN == "" || d.EffectiveOn == "" || d.ZH.Hash == d.EN.Hash {
			t.Errorf("%s says too little", d.Name)
		}
		if found, ok := book.For(d.Purpose); !ok || found.Name != d.Name {
			t.Errorf("%s is not found by its purpose", d.Name)
		}
	}
	for _, p := range []string{document.Privacy, document.Identity, document.Card, "credit_query"} {
		if !purposes[p] {
			t.Errorf("nothing permits %s", p)
		}
	}
}

func TestOnlyTheTextInForceFits(t *testing.T) {
	book, err := document.Load()
	if err != nil {
		t.Fatal(err)
	}
	d, _ := book.Named("privacy_policy")
	other, _ := book.Named("card_authorisation")
	if d.Fits("2", d.ZH.Hash) || d.Fits("1", other.ZH.Hash) || d.Fits("1", "") {
		t.Error("another text fits")
	}
	if _, ok := book.Named("nothing"); ok {
		t.Error("an unknown document is found")
	}
}
