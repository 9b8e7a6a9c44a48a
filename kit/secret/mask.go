package secret

import "strings"

// The masks follow compliance R32 in its strict reading: mobile 3+4, card last 4, ID number first and last, name first
// character. What is too short for its mask is hidden wholly.

// MaskMobile shows 138****1234.
func MaskMobile(s String) string {
	v := s.Reveal()
	if len(v) != 11 {
		return hiddenUnlessEmpty(v)
	}
	return v[:3] + "****" + v[7:]
}

// MaskName shows the first character and a star for each other: 张*, 欧***.
func MaskName(s String) string {
	runes := []rune(s.Reveal())
	if len(runes) < 2 {
		return strings.Repeat("*", len(runes))
	}
	return string(runes[0]) + strings.Repeat("*", len(runes)-1)
}

// MaskID shows the first and the last character of an ID number.
func MaskID(s String) string {
	v := s.Reveal()
	if len(v) < 15 {
		return hiddenUnlessEmpty(v)
	}
	return v[:1] + strings.Repeat("*", len(v)-2) + v[len(v)-1:]
}

func hiddenUnlessEmpty(v string) string {
	if v == "" {
		return ""
	}
	return Hidden
}
