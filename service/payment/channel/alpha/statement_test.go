package alpha

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"github.com/hengdai/hengdai/domain/calendar"
	"github.com/hengdai/hengdai/domain/reconcile"
	"github.com/hengdai/hengdai/service/payment/channel"
)

const whole = columns + "\r\n" +
	"2026-03-01,2026-03-01T10:00:01+08:00,PAYOUT,7301,A1,100000,100,SUCCESS,\r\n" +
	"2026-03-01,2026-03-01T10:00:02+08:00,COLLECT,7302,A2,50000,150,SUCCESS,\r\n" +
	"2026-03-01,2026-03-01T11:00:02+08:00,RETURN,7301,A3,100000,0,SUCCESS,A1\r\n" +
	"TOTAL,3,150000,100000,250,1000000,1049750\r\n"

func file(text string) channel.StatementFile {
	sum := sha256.Sum256([]byte(text))
	return channel.StatementFile{Channel: "alpha", SettledOn: calendar.Of(2026, 3, 1), Version: 1, SHA256: hex.EncodeToString(sum[:]), Content: []byte(text)}
}

func TestAFileIsReadToTheFen(t *testing.T) {
	s, err := ReadStatement(file(whole))
	if err != nil {
		t.Fatal(err)
	}
	last := s.Lines[2]
	if len(s.Lines) != 3 || last.Kind != reconcile.Return || last.OriginalNo != "A1" || last.OurNo != "7301" || s.Totals.ClosingMinor != 1049750 || s.Lines[1].FeeMinor != 150 {
		t.Errorf("read as %+v", s)
	}
	empty, err := ReadStatement(file(columns + "\r\nTOTAL,0,0,0,0,5,5\r\n"))
	if err != nil || len(empty.Lines) != 0 {
		t.Errorf("a day without payments: %v, %v", empty, err)
	}
}

func TestAFileWithAFaultIsRefusedWhole(t *testing.T) {
	swap := func(from, to string) string { return strings.Replace(whole, from, to, 1) }
	for name, c := range map[string][2]string{
		"cut":                  {whole[:150], reconcile.FaultLayout},
		"no totals":            {strings.Split(whole, "TOTAL")[0], reconcile.FaultLayout},
		"nothing":              {"", reconcile.FaultLayout},
		"other columns":        {swap("kind,", "sort,"), reconcile.FaultLayout},
		"a signed amount":      {swap("100000,100", "+100000,100"), reconcile.FaultLayout},
		"a padded amount":      {swap("100000,100", "0100000,100"), reconcile.FaultLayout},
		"another day":          {swap("2026-03-01,", "2026-03-02,"), reconcile.FaultDay},
		"no such day":          {swap("2026-03-01,", "2026-02-30,"), reconcile.FaultLayout},
		"a cell more":          {swap("SUCCESS,", "SUCCESS,,"), reconcile.FaultLayout},
		"odd number":           {swap(",A1,", ",A 1,"), reconcile.FaultLayout},
		"another sum":          {swap("TOTAL,3,150000", "TOTAL,3,150001"), reconcile.FaultTotals},
		"another count":        {swap("TOTAL,3", "TOTAL,4"), reconcile.FaultCount},
		"another balance":      {swap("1049750", "1049751"), reconcile.FaultBalance},
		"line ends as on Unix": {strings.ReplaceAll(whole, "\r\n", "\n"), reconcile.FaultLayout},
	} {
		var refused *reconcile.Refusal
		if _, err := ReadStatement(file(c[0])); !errors.As(err, &refused) || refused.Reason != c[1] {
			t.Errorf("%s: %v", name, err)
		}
	}
	f := file(whole)
	f.SHA256 = strings.Repeat("0", 64)
	var refused *reconcile.Refusal
	if _, err := ReadStatement(f); !errors.As(err, &refused) || refused.Reason != reconcile.FaultHash {
		t.Errorf("another hash: %v", err)
	}
}

func FuzzReadStatement(f *testing.F) {
	f.Add(whole)
	f.Add(columns + "\r\nTOTAL,0,0,0,0,5,5\r\n")
	f.Add(columns + "\r\n2026-03-01,9999-03-01T10:00:01+08:00,PAYOUT,,A1,1,1,SUCCESS,\r\nTOTAL,1,0,1,1,0,-2\r\n")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ReadStatement(file(text))
		if err != nil {
			return
		}
		if s.Validate() != nil || int64(len(s.Lines)) != s.Totals.Count {
			t.Errorf("believed: %+v", s)
		}
		for _, l := range s.Lines {
			if l.ChannelNo == "" || l.AmountMinor <= 0 || strings.ContainsAny(l.OurNo+l.ChannelNo, "\r\n, ") {
				t.Errorf("believed: %+v", l)
			}
		}
	})
}
