package rpc

import (
	"context"
	"strconv"
	"strings"
)

// The languages people are answered in.
const (
	Chinese = "zh"
	English = "en"
)

type languageKey struct{}

// Language answers the language of the caller: "zh" or "en". Chinese unless said otherwise.
func Language(ctx context.Context) string {
	if lang, ok := ctx.Value(languageKey{}).(string); ok {
		return lang
	}
	return Chinese
}

// WithLanguage answers a context whose outgoing calls ask for this language.
func WithLanguage(ctx context.Context, lang string) context.Context {
	return context.WithValue(ctx, languageKey{}, lang)
}

// ParseLanguage reads an Accept-Language header: of Chinese and English the one with the higher weight, the first of
// equals; Chinese if neither is named.
func ParseLanguage(header string) string {
	best, weight := Chinese, 0.0
	for part := range strings.SplitSeq(header, ",") {
		tag, params, _ := strings.Cut(strings.TrimSpace(part), ";")
		lang, _, _ := strings.Cut(strings.ToLower(strings.TrimSpace(tag)), "-")
		if lang != Chinese && lang != English {
			continue
		}
		q := 1.0
		if v, ok := strings.CutPrefix(strings.TrimSpace(params), "q="); ok {
			parsed, err := strconv.ParseFloat(v, 64)
			if err != nil {
				continue
			}
			q = parsed
		}
		if q > weight {
			best, weight = lang, q
		}
	}
	return best
}
