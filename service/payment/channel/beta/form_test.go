package beta_test

import (
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"maps"
	"testing"

	"github.com/hengdai/hengdai/service/payment/channel"
	"github.com/hengdai/hengdai/service/payment/channel/beta"
)

func FuzzAFormIsReadTheSameWayTwiceOrRefused(f *testing.F) {
	for _, seed := range []string{
		"", "a=1", "a=1&b=2", "a=1&a=2", "a", "=1", "a=%", "a=%26", "a=%e4%bd%a0", "respCode=00&orderId=1&signature=YWJj", "a=1&&b=2", "a=b=c", "a+b=1", "\xff=1",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		form, err := beta.ParseForm(raw)
		if err != nil {
			if !errors.Is(err, channel.ErrMalformed) {
				t.Fatalf("refused for another reason: %v", err)
			}
			return
		}
		again, err := beta.ParseForm(form.Encode())
		if err != nil || !maps.Equal(form, again) {
			t.Fatalf("%q reads as %v, written again as %v (%v)", raw, form, again, err)
		}
	})
}

func TestASignatureCoversEveryFieldButItself(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	form := beta.Form{"orderId": "1", "txnAmt": "100", "empty": ""}
	if err := form.Sign(key); err != nil {
		t.Fatal(err)
	}
	if err := form.Check(&key.PublicKey); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(f beta.Form){
		"a value": func(f beta.Form) { f["txnAmt"] = "101" }, "a new field": func(f beta.Form) { f["x"] = "1" },
		"a field gone": func(f beta.Form) { delete(f, "orderId") }, "the signature": func(f beta.Form) { f["signature"] = "AAAA" },
	} {
		other := maps.Clone(form)
		change(other)
		if err := other.Check(&key.PublicKey); !errors.Is(err, channel.ErrSignature) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
