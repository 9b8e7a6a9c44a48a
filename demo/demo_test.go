package demo

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hengdai/hengdai/sandbox/people"
)

const (
	applicantsFile = "../testdata/credit/south_german_credit.csv"
	mappingFile    = "../testdata/credit/mapping.json"
)

func allRows(t *testing.T) []Row {
	t.Helper()
	rows, err := ReadRows(applicantsFile, mappingFile, 0)
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func TestEveryRowOfTheFileBecomesAnApplicant(t *testing.T) {
	rows := allRows(t)
	good := 0
	for i, row := range rows {
		if row.Number != i+1 || row.AmountMinor <= 0 || row.TermMonths <= 0 || row.Age < 18 || row.Purpose == "" || len(row.Stated) == 0 {
			t.Fatalf("row %d: %+v", i+1, row)
		}
		if row.Good {
			good++
		}
	}
	if len(rows) != 1000 || good != 700 {
		t.Errorf("%d rows, %d good; the file has 1000 and 700", len(rows), good)
	}
}

func TestALimitSpreadsOverTheWholeFile(t *testing.T) {
	rows, err := ReadRows(applicantsFile, mappingFile, 10)
	if err != nil {
		t.Fatal(err)
	}
	good := 0
	for i, row := range rows {
		if row.Number != 1+i*100 {
			t.Errorf("row %d is number %d", i, row.Number)
		}
		if row.Good {
			good++
		}
	}
	if good == 0 || good == len(rows) {
		t.Errorf("%d of %d are good: the file is sorted, and a limit took one end of it", good, len(rows))
	}
}

func TestADamagedFileNamesItsFault(t *testing.T) {
	mapping := `{"currency":{"minor_units_per_unit":100},"columns":[
		{"column":"amount","target":"application","field":"amount_minor","kind":"number"},
		{"column":"use","target":"application","field":"purpose","kind":"code","codes":{"1":"furniture"}}],"label":{"column":"end","good":"1"}}`
	for name, c := range map[string]struct{ text, says string }{
		"a column is missing":      {"amount,end\n5,1\n", `no column "use"`},
		"a code is unknown":        {"amount,use,end\n5,9,1\n", `the code "9"`},
		"an amount is no number":   {"amount,use,end\nfive,1,1\n", `want a whole number`},
		"a line is too short":      {"amount,use,end\n5,1\n", "applicant 1"},
		"there is not even a head": {"", "head"},
	} {
		dir := t.TempDir()
		csv, table := filepath.Join(dir, "a.csv"), filepath.Join(dir, "m.json")
		for path, text := range map[string]string{csv: c.text, table: mapping} {
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := ReadRows(csv, table, 0); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := ReadRows(applicantsFile, "none.json", 0); err == nil {
		t.Error("a table of codes that is not there passes")
	}
}

func TestTheSameSeedMakesTheSamePeopleWhoPayTheSameWay(t *testing.T) {
	today := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	ids, others := map[string]bool{}, 0
	for _, row := range allRows(t) {
		person := personOf(7, row, today)
		again, pays, paysAgain := personOf(7, row, today), behaviourOf(7, row), behaviourOf(7, row)
		if person.IDNo != again.IDNo || person.Name != again.Name || pays != paysAgain {
			t.Fatalf("row %d is somebody else the second time", row.Number)
		}
		if personOf(8, row, today).IDNo != person.IDNo {
			others++
		}
		if ids[person.IDNo] {
			t.Errorf("row %d shares an ID number", row.Number)
		}
		ids[person.IDNo] = true
		if !people.ValidIDNo(person.IDNo) || !strings.HasPrefix(person.IDNo, "99") || !strings.HasPrefix(person.Mobile, "12") {
			t.Errorf("row %d could be a real person, or fails a checksum", row.Number)
		}
		born, err := time.Parse("20060102", person.IDNo[6:14])
		if err != nil || age(born, today) != row.Age {
			t.Errorf("row %d is %d years old, born %s", row.Number, row.Age, born.Format(time.DateOnly))
		}
	}
	if others < 990 {
		t.Errorf("another seed changes only %d people", others)
	}
}

func age(born, today time.Time) int {
	years := today.Year() - born.Year()
	if today.Before(born.AddDate(years, 0, 0)) {
		years--
	}
	return years
}

func TestOnlyBadRowsStopPaying(t *testing.T) {
	kinds := map[string]int{}
	for _, row := range allRows(t) {
		b := behaviourOf(1, row)
		kinds[b.Kind]++
		if (b.Kind == StopsPaying) == row.Good {
			t.Errorf("row %d, good: %v, %s", row.Number, row.Good, b.Kind)
		}
		if b.Kind != PaysByDebit && (b.From < 1 || b.From > int(row.TermMonths)) {
			t.Errorf("row %d: %s from instalment %d of %d", row.Number, b.Kind, b.From, row.TermMonths)
		}
	}
	for _, kind := range []string{PaysByDebit, PaysEarly, PaysLate, StopsPaying} {
		if kinds[kind] == 0 {
			t.Errorf("nobody %s", kind)
		}
	}
}

func TestEveryMethodIsAskedFor(t *testing.T) {
	methods := map[string]int{}
	for _, row := range allRows(t) {
		_, method := productOf(row)
		methods[method]++
	}
	if len(methods) != 4 {
		t.Errorf("%v", methods)
	}
}

func TestDatesShiftAndSumsAreWritten(t *testing.T) {
	for from, want := range map[string]string{"2026-12-31": "2027-01-01", "2028-02-28": "2028-02-29", "no date": "no date"} {
		if got := shift(from, 1); got != want {
			t.Errorf("the day after %s is %s", from, got)
		}
	}
	for minor, want := range map[int64]string{0: "0.00", 5: "0.05", -123456789: "-1,234,567.89", 100_000: "1,000.00"} {
		if got := yuan(minor); got != want {
			t.Errorf("%d is written %s", minor, got)
		}
	}
}

func TestACodeIsTheRunOfSixDigits(t *testing.T) {
	for text, want := range map[string]string{"【衡贷】验证码 012345，5分钟内有效。": "012345", "1234567": "", "code 99 then 424242": "424242", "": ""} {
		if got := sixDigits(text); got != want {
			t.Errorf("%q gives %q", text, got)
		}
	}
}
