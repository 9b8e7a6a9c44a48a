package template

import (
	"strings"
	"testing"
	"testing/fstest"
)

func TestEveryTextLoadsAndHoldsNoForbiddenWord(t *testing.T) {
	s, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	if len(s.All()) < 20 {
		t.Errorf("only %d templates", len(s.All()))
	}
	values := map[Kind]string{Money: "1234567", Date: "2026-11-20", Count: "3", Secret: "482913"}
	for _, tpl := range s.All() {
		p := Params{}
		for name, kind := range tpl.Parameters {
			p[name] = values[kind]
		}
		for _, lang := range []string{"zh", "en"} {
			w, err := tpl.Render(lang, p)
			if err != nil || strings.ContainsAny(w.Title+w.Text, "{}") {
				t.Errorf("%s in %s: %q, %v", tpl.Key, lang, w.Text, err)
			}
		}
	}
}

func TestMoneyIsShownWithSeparatorsAndTwoDecimals(t *testing.T) {
	for minor, want := range map[int64]string{0: "0.00", 5: "0.05", 12345: "123.45", 123456789: "1,234,567.89", 100000000: "1,000,000.00", -5: "-0.05"} {
		if got := money(minor); got != want {
			t.Errorf("%d is shown as %s", minor, got)
		}
	}
}

func TestAMessageWithAHoleIsNotMade(t *testing.T) {
	s, _ := Load()
	tpl, _ := s.Newest("bill.issued")
	for _, p := range []Params{
		{"number": "1", "due": "2026-11-20"},
		{"number": "1", "due": "2026-11-20", "amount": "12.5"},
		{"number": "x", "due": "2026-11-20", "amount": "1"},
		{"number": "1", "due": "today", "amount": "1"},
	} {
		if w, err := tpl.Render("zh", p); err == nil {
			t.Errorf("%v made %q", p, w.Text)
		}
	}
}

const sound = `- {key: a.b, version: 1, class: notice, channels: [sms], valid_hours: 1, parameters: {amount: money}, zh: {title: 甲, text: "金额 {amount}"}, en: {title: A, text: "{amount}"}}`

func TestATextThatBreaksARuleDoesNotLoad(t *testing.T) {
	words, err := files.ReadFile("words.yaml")
	if err != nil {
		t.Fatal(err)
	}
	try := func(data string) error {
		_, err := load(fstest.MapFS{"words.yaml": {Data: words}, "data/x.yaml": {Data: []byte(data)}})
		return err
	}
	if err := try(sound); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string][2]string{
		"a promise":               {"金额", "秒到账"},
		"a promise, spaced":       {"金额", "秒 到 账"},
		"a promise in English":    {"title: A", "title: Guaranteed  Approval"},
		"a threat":                {"金额", "我们将联系你的亲友"},
		"an unknown class":        {"class: notice", "class: shout"},
		"an undeclared parameter": {"金额 {amount}", "金额 {amount} {name}"},
		"an unused parameter":     {`text: "{amount}"`, `text: "money"`},
		"an unknown kind":         {"amount: money", "amount: name"},
		"a missing language":      {"en: {title: A, text: \"{amount}\"}", "en: {title: A}"},
		"a brace left over":       {"金额 {amount}", "金额 {amount} {"},
		"version two alone":       {"version: 1", "version: 2"},
		"an unknown field":        {"class: notice", "colour: x, class: notice"},
		"too long":                {"金额", strings.Repeat("金", 200)},
	} {
		changed := strings.Replace(sound, change[0], change[1], 1)
		if changed == sound {
			t.Fatalf("%s changes nothing", name)
		}
		if try(changed) == nil {
			t.Errorf("%s loads", name)
		}
	}
	if err := try(sound + "\n" + sound); err == nil {
		t.Error("the same version twice loads")
	}
	if err := try(sound + "\n" + strings.Replace(sound, "version: 1", "version: 2", 1)); err != nil {
		t.Errorf("two versions: %v", err)
	}
	if _, err := load(fstest.MapFS{}); err == nil {
		t.Error("without the list of words nothing may load")
	}
}

func FuzzRender(f *testing.F) {
	s, err := Load()
	if err != nil {
		f.Fatal(err)
	}
	tpl, _ := s.Newest("repayment.received")
	f.Add("100", "{amount}")
	f.Fuzz(func(t *testing.T, amount, left string) {
		w, err := tpl.Render("zh", Params{"amount": amount, "left": left})
		if err == nil && strings.ContainsAny(w.Text, "{}") {
			t.Errorf("%q and %q made %q", amount, left, w.Text)
		}
	})
}
