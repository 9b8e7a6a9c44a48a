// Package template is the texts that leave this house, as data files: each with a key, a version that is never changed
// afterwards, a class that says when it may go out, and its words in Chinese and English.
//
// A text holds placeholders for amounts, dates, counts and one-time codes, never a name or another personal value. What
// the law forbids to promise or to threaten (compliance R40, R45 to R47) is a list of words in words.yaml; a text that
// holds one of them does not load.
package template
