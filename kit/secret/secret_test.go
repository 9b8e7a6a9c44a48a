package secret_test

import (
	"bytes"
	"encoding/gob"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/hengdai/hengdai/kit/secret"
)

const plain = "990000199003071234"

type inner struct {
	Shown  secret.String
	hidden secret.String
	ptr    *secret.String
}

type outer struct {
	In   inner
	Ptr  *inner
	List []secret.String
	Map  map[string]secret.String
	Any  any
	Nest struct{ deep inner }
}

func nested() outer {
	s := secret.New(plain)
	in := inner{Shown: s, hidden: s, ptr: &s}
	o := outer{In: in, Ptr: &in, List: []secret.String{s}, Map: map[string]secret.String{"k": s}, Any: s}
	o.Nest.deep = in
	return o
}

func TestASecretNeverPrints(t *testing.T) {
	s, o := secret.New(plain), nested()
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%10s", "%T"} {
		for name, value := range map[string]any{
			"value": s, "pointer": &s, "struct": o, "struct pointer": &o, "slice": o.List, "map": o.Map,
			"unexported": o.Nest, "inner": o.In, "inner pointer": &o.In, "any": o.Any, "error": fmt.Errorf("no: %v", s),
		} {
			got := fmt.Sprintf(verb, value)
			if strings.Contains(got, plain) || strings.Contains(got, fmt.Sprintf("%x", plain)) {
				t.Errorf("%s of %s shows the value", verb, name)
			}
		}
	}
	if fmt.Sprint(s) != secret.Hidden {
		t.Errorf("a secret prints as %q", fmt.Sprint(s))
	}
}

func TestASecretNeverMarshals(t *testing.T) {
	o := nested()
	var logs bytes.Buffer
	for _, h := range []slog.Handler{slog.NewJSONHandler(&logs, nil), slog.NewTextHandler(&logs, nil)} {
		slog.New(h).Info("all", "s", o.In.Shown, "o", o, "p", &o, "list", o.List, slog.Group("g", "x", o.Any))
	}
	j, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	x, err := xml.Marshal(o.In)
	if err != nil {
		t.Fatal(err)
	}
	for name, out := range map[string][]byte{"slog": logs.Bytes(), "json": j, "xml": x} {
		if bytes.Contains(out, []byte(plain)) {
			t.Errorf("%s shows the value", name)
		}
	}
	if err := gob.NewEncoder(&logs).Encode(o.In.Shown); err == nil {
		t.Error("gob took a secret")
	}
}

func TestASecretCannotBeAStatementsArgument(t *testing.T) {
	if _, err := secret.New(plain).Value(); !errors.Is(err, secret.ErrStored) {
		t.Fatalf("Value answered %v", err)
	}
}

func TestASecretComesBackOnlyByReveal(t *testing.T) {
	s := secret.New(plain)
	if s.Reveal() != plain || s.Empty() || !(secret.String{}).Empty() {
		t.Fatal("Reveal or Empty is wrong")
	}
	if !s.Equal(secret.New(plain)) || s.Equal(secret.New("other")) {
		t.Fatal("Equal is wrong")
	}
	var read secret.String
	if err := json.Unmarshal([]byte(`"`+plain+`"`), &read); err != nil || read.Reveal() != plain {
		t.Fatal("a secret cannot be read from configuration")
	}
}

func TestMasksShowOnlyWhatTheyMay(t *testing.T) {
	for _, c := range []struct {
		mask func(secret.String) string
		in   string
		want string
	}{
		{secret.MaskMobile, "12012341234", "120****1234"},
		{secret.MaskMobile, "1201", "***"},
		{secret.MaskMobile, "", ""},
		{secret.MaskName, "张三", "张*"},
		{secret.MaskName, "欧阳修文", "欧***"},
		{secret.MaskName, "𫖯𬱖", "𫖯*"},
		{secret.MaskName, "张", "*"},
		{secret.MaskName, "", ""},
		{secret.MaskID, plain, "9****************4"},
		{secret.MaskID, "12", "***"},
	} {
		if got := c.mask(secret.New(c.in)); got != c.want {
			t.Errorf("mask gives %q, not %q", got, c.want)
		}
	}
}
