package template

import (
	"fmt"
	"io/fs"
	"strings"

	"go.yaml.in/yaml/v3"
)

// forbidden is the list of words that no text may hold.
type forbidden map[string]map[string][]string

func readWords(from fs.FS) (forbidden, error) {
	data, err := fs.ReadFile(from, "words.yaml")
	if err != nil {
		return nil, err
	}
	var f forbidden
	if err := yaml.Unmarshal(data, &f); err != nil {
		return nil, fmt.Errorf("reading the forbidden words: %w", err)
	}
	return f, nil
}

// in answers a forbidden word that a text holds; empty if none. Case and spacing do not hide it.
func (f forbidden) in(text string) string {
	text = strings.ToLower(strings.Join(strings.Fields(text), " "))
	bare := strings.ReplaceAll(text, " ", "")
	for _, languages := range f {
		for lang, words := range languages {
			for _, w := range words {
				if strings.Contains(text, w) || lang == "zh" && strings.Contains(bare, w) {
					return w
				}
			}
		}
	}
	return ""
}
