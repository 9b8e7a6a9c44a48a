package loan

import (
	"embed"
	"fmt"
	"io/fs"
	"strings"

	"go.yaml.in/yaml/v3"
)

//go:embed template
var templateFiles embed.FS

// contractTemplate is a version of the contract's words. A changed text is a new version with a new name.
type contractTemplate struct {
	Name    string   `yaml:"name"`
	TitleZH string   `yaml:"title_zh"`
	TitleEN string   `yaml:"title_en"`
	Clauses []clause `yaml:"clauses"`
}

// clause is one clause in both languages.
type clause struct {
	Code      string `yaml:"code" json:"code"`
	Highlight bool   `yaml:"highlight" json:"highlight"`
	ZH        string `yaml:"text_zh" json:"text_zh"`
	EN        string `yaml:"text_en" json:"text_en"`
}

// templateWords are what a template may name in braces.
var templateWords = []string{"lender", "borrower", "id_no", "amount", "bank", "last4", "purpose_zh", "purpose_en", "term", "rate", "day_count",
	"simple", "effective", "disclosure_hash", "method_zh", "method_en", "grace_days", "penalty_rate", "running_cap"}

func readTemplates() (map[string]contractTemplate, error) {
	names, err := fs.Glob(templateFiles, "template/*.yaml")
	if err != nil {
		return nil, fmt.Errorf("listing: %w", err)
	}
	out := map[string]contractTemplate{}
	for _, name := range names {
		raw, err := templateFiles.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("opening %s: %w", name, err)
		}
		var t contractTemplate
		if err := yaml.Unmarshal(raw, &t); err != nil {
			return nil, fmt.Errorf("parsing %s: %w", name, err)
		}
		probe := map[string]string{}
		for _, w := range templateWords {
			probe[w] = w
		}
		if _, err := t.fill(probe); err != nil {
			return nil, fmt.Errorf("checking %s: %w", name, err)
		}
		out[t.Name] = t
	}
	return out, nil
}

// fill puts the words into the clauses. A brace that is left over is an error: nothing unfilled is ever signed.
func (t contractTemplate) fill(words map[string]string) ([]clause, error) {
	pairs := make([]string, 0, 2*len(words))
	for name, value := range words {
		if strings.ContainsAny(value, "{}") {
			return nil, fmt.Errorf("the word %s holds a brace", name)
		}
		pairs = append(pairs, "{"+name+"}", value)
	}
	replacer := strings.NewReplacer(pairs...)
	out := make([]clause, len(t.Clauses))
	for i, c := range t.Clauses {
		out[i] = clause{Code: c.Code, Highlight: c.Highlight, ZH: replacer.Replace(c.ZH), EN: replacer.Replace(c.EN)}
		if strings.ContainsAny(out[i].ZH+out[i].EN, "{}") || out[i].ZH == "" || out[i].EN == "" {
			return nil, fmt.Errorf("clause %s is not filled", c.Code)
		}
	}
	return out, nil
}
