package template

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Class says when a text may go out.
type Class string

// The classes.
const (
	// Code is a one-time code: at once, inside its validity, or never.
	Code Class = "code"
	// Urgent goes out at any hour.
	Urgent Class = "urgent"
	// Notice waits for the end of the quiet hours.
	Notice Class = "notice"
	// Collection passes the contact guard.
	Collection Class = "collection"
)

// Kind is what a placeholder stands for.
type Kind string

// The kinds. A code's value is not stored with the message.
const (
	Money  Kind = "money" // minor units, shown with two decimals
	Date   Kind = "date"  // YYYY-MM-DD
	Count  Kind = "count"
	Secret Kind = "code"
)

// Words are a text in one language.
type Words struct {
	Title string `yaml:"title"`
	Text  string `yaml:"text"`
}

// Template is one version of one text.
type Template struct {
	Key        string          `yaml:"key"`
	Version    int64           `yaml:"version"`
	Class      Class           `yaml:"class"`
	Channels   []string        `yaml:"channels"`
	ValidHours int64           `yaml:"valid_hours"`
	Parameters map[string]Kind `yaml:"parameters"`
	ZH         Words           `yaml:"zh"`
	EN         Words           `yaml:"en"`
}

// In answers the words of a language: "en", else Chinese.
func (t Template) In(language string) Words {
	if language == "en" {
		return t.EN
	}
	return t.ZH
}

//go:embed data/*.yaml words.yaml
var files embed.FS

// Set is all templates in all versions.
type Set struct {
	byKey map[string][]Template // newest first
}

// Load reads and checks the templates of this program.
func Load() (*Set, error) { return load(files) }

func load(from fs.FS) (*Set, error) {
	words, err := readWords(from)
	if err != nil {
		return nil, err
	}
	names, err := fs.Glob(from, "data/*.yaml")
	if err != nil {
		return nil, err
	}
	s := &Set{byKey: map[string][]Template{}}
	for _, name := range names {
		data, err := fs.ReadFile(from, name)
		if err != nil {
			return nil, err
		}
		var list []Template
		dec := yaml.NewDecoder(strings.NewReader(string(data)))
		dec.KnownFields(true)
		if err := dec.Decode(&list); err != nil {
			return nil, fmt.Errorf("templates in %s: %w", path.Base(name), err)
		}
		for _, t := range list {
			if err := t.check(words); err != nil {
				return nil, fmt.Errorf("template %s version %d: %w", t.Key, t.Version, err)
			}
			s.byKey[t.Key] = append(s.byKey[t.Key], t)
		}
	}
	return s, s.order()
}

// order sorts the versions and refuses a version that stands twice or a gap.
func (s *Set) order() error {
	for key, versions := range s.byKey {
		slices.SortFunc(versions, func(a, b Template) int { return int(b.Version - a.Version) })
		for i, t := range versions {
			if t.Version != int64(len(versions)-i) {
				return fmt.Errorf("template %s: its versions are not 1 to %d", key, len(versions))
			}
		}
	}
	return nil
}

// Newest answers the version in use.
func (s *Set) Newest(key string) (Template, bool) {
	versions := s.byKey[key]
	if len(versions) == 0 {
		return Template{}, false
	}
	return versions[0], true
}

// Find answers the version that a message was made with.
func (s *Set) Find(key string, version int64) (Template, bool) {
	for _, t := range s.byKey[key] {
		if t.Version == version {
			return t, true
		}
	}
	return Template{}, false
}

// All answers every template, by key and newest version first.
func (s *Set) All() []Template {
	var all []Template
	for _, versions := range s.byKey {
		all = append(all, versions...)
	}
	slices.SortFunc(all, func(a, b Template) int {
		if c := strings.Compare(a.Key, b.Key); c != 0 {
			return c
		}
		return int(b.Version - a.Version)
	})
	return all
}

var placeholder = regexp.MustCompile(`\{([a-z_]*)\}`)

// textRunes keeps a message within three parts of an SMS.
const textRunes = 195

func (t Template) check(words forbidden) error {
	switch t.Class {
	case Code, Urgent, Notice, Collection:
	default:
		return fmt.Errorf("the class %q is unknown", t.Class)
	}
	if len(t.Channels) == 0 || t.ValidHours <= 0 || t.Version < 1 || t.Key == "" || len(t.Key) > 40 {
		return fmt.Errorf("key, version, channels or valid_hours is missing")
	}
	for lang, w := range map[string]Words{"zh": t.ZH, "en": t.EN} {
		if w.Title == "" || w.Text == "" {
			return fmt.Errorf("no words in %s", lang)
		}
		if n := len([]rune(w.Text)); n > textRunes && lang == "zh" || n > 2*textRunes {
			return fmt.Errorf("the text in %s is too long: %d characters", lang, n)
		}
		if word := words.in(w.Title + "\n" + w.Text); word != "" {
			return fmt.Errorf("the forbidden word %q in %s", word, lang)
		}
		if err := t.checkPlaceholders(w); err != nil {
			return fmt.Errorf("in %s: %w", lang, err)
		}
	}
	return nil
}

// checkPlaceholders: both languages say the same.
func (t Template) checkPlaceholders(w Words) error {
	used := map[string]bool{}
	for _, m := range placeholder.FindAllStringSubmatch(w.Title+w.Text, -1) {
		if t.Parameters[m[1]] == "" {
			return fmt.Errorf("the placeholder %q is not declared", m[1])
		}
		used[m[1]] = true
	}
	for name, kind := range t.Parameters {
		if !used[name] {
			return fmt.Errorf("the parameter %q is not used", name)
		}
		switch kind {
		case Money, Date, Count, Secret:
		default:
			return fmt.Errorf("the kind %q is unknown", kind)
		}
	}
	if strings.ContainsAny(placeholder.ReplaceAllString(w.Title+w.Text, ""), "{}") {
		return fmt.Errorf("a brace is left over")
	}
	return nil
}

// Params are the values of a message: numbers as they are, dates and codes as text.
type Params map[string]string

// With answers a copy that has one more value.
func (p Params) With(name, value string) Params {
	c := Params{name: value}
	for k, v := range p {
		if k != name {
			c[k] = v
		}
	}
	return c
}

// Amount states money in minor units.
func Amount(minor int64) string { return strconv.FormatInt(minor, 10) }

// Render puts the values into the words. A value that is missing or no value of its kind is an error, so that no message
// goes out with a hole.
func (t Template) Render(language string, p Params) (Words, error) {
	w := t.In(language)
	shown := map[string]string{}
	for name, kind := range t.Parameters {
		value, ok := p[name]
		if !ok {
			return Words{}, fmt.Errorf("template %s: no value for %s", t.Key, name)
		}
		text, err := kind.show(value)
		if err != nil {
			return Words{}, fmt.Errorf("template %s: %s: %w", t.Key, name, err)
		}
		shown[name] = text
	}
	put := func(text string) string {
		return placeholder.ReplaceAllStringFunc(text, func(m string) string { return shown[m[1:len(m)-1]] })
	}
	return Words{Title: put(w.Title), Text: put(w.Text)}, nil
}

var datePattern = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}$`)

func (k Kind) show(value string) (string, error) {
	switch k {
	case Money:
		n, err := strconv.ParseInt(value, 10, 64)
		if err != nil {
			return "", fmt.Errorf("no amount")
		}
		return money(n), nil
	case Count:
		if _, err := strconv.ParseInt(value, 10, 64); err != nil {
			return "", fmt.Errorf("no number")
		}
	case Date:
		if !datePattern.MatchString(value) {
			return "", fmt.Errorf("no date")
		}
	case Secret:
		if value == "" || len(value) > 16 {
			return "", fmt.Errorf("no code")
		}
	}
	return value, nil
}

// money shows minor units with thousands separators and two decimals.
func money(minor int64) string {
	sign := ""
	if minor < 0 {
		sign, minor = "-", -minor
	}
	whole := strconv.FormatInt(minor/100, 10)
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	return fmt.Sprintf("%s%s.%02d", sign, whole, minor%100)
}
