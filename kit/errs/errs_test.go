package errs_test

import (
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/hengdai/hengdai/kit/errs"
)

var errAmount = errs.New(errs.Invalid, "loan.amount_above_maximum", "金额超过上限。", "The amount is above the maximum.")

func TestWrappingKeepsCodeReasonAndSentence(t *testing.T) {
	err := errs.Wrap(errAmount.On("amountMinor").Because(io.ErrUnexpectedEOF), "quoting")
	if errs.CodeOf(err) != errs.Invalid || errs.ReasonOf(err) != "loan.amount_above_maximum" {
		t.Fatalf("code or reason lost: %v", err)
	}
	var e *errs.Error
	if !errors.As(err, &e) || e.Field != "amountMinor" || e.Sentence("en-GB") != "The amount is above the maximum." {
		t.Fatalf("error lost: %+v", e)
	}
	if !errors.Is(err, errAmount) || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Fatal("Is does not see the variable or the cause")
	}
	if got := err.Error(); got != "quoting: invalid loan.amount_above_maximum (amountMinor): unexpected EOF" {
		t.Fatalf("log text: %s", got)
	}
	if errAmount.Field != "" {
		t.Fatal("On changed the published variable")
	}
}

func TestForeignErrorsAreInternalAndNilIsNothing(t *testing.T) {
	if errs.CodeOf(io.EOF) != errs.Internal || errs.ReasonOf(io.EOF) != "internal" {
		t.Fatal("a foreign error is not internal")
	}
	if errs.CodeOf(nil) != 0 || errs.ReasonOf(nil) != "" || errs.Wrap(nil, "x") != nil {
		t.Fatal("nil became an error")
	}
}

func TestEveryCodeHasANameAndSentencesInBothLanguages(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range errs.Codes() {
		e := errs.New(c, "x", "", "")
		zh, en := e.Sentence("zh"), e.Sentence("en")
		if zh == "" || en == "" || zh == en || seen[c.String()] || seen[zh] {
			t.Fatalf("%v: %q %q", c, zh, en)
		}
		seen[c.String()], seen[zh] = true, true
	}
	if fmt.Sprint(errs.Code(200)) != "code(200)" {
		t.Fatal("an unknown code has no name")
	}
}
