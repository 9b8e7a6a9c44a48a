package beta

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/hengdai/hengdai/domain/calendar"
	"github.com/hengdai/hengdai/domain/reconcile"
	"github.com/hengdai/hengdai/service/payment/channel"
)

// zm writes a record as the scheme's layout says.
func zm(code, at, queryID, orderID, original string, amount, fee, net int64) string {
	cells := make([]string, len(widths))
	signed := func(n int64) string {
		if n < 0 {
			return fmt.Sprintf("D%012d", -n)
		}
		return fmt.Sprintf("C%012d", n)
	}
	for n, v := range map[int]string{
		zmCode: code, zmTime: at, zmAmount: fmt.Sprintf("%012d", amount), zmQueryID: queryID, zmOrderID: orderID, zmFee: signed(-fee),
		zmNet: signed(net), zmOriginal: original, zmMerchant: "M1", 31: "\xba\xe2\xb4\xfb", // 衡贷 in GBK
	} {
		cells[n-1] = v
	}
	for i, w := range widths {
		cells[i] += strings.Repeat(" ", w-len(cells[i]))
	}
	return strings.Join(cells, " ") + "\r\n"
}

var whole = zm("S12", "0301100001", "260301000000000000001", "7301", "", 100000, 80, -100080) +
	zm("S11", "0301100002", "260301000000000000002", "7302", "", 50000, 125, 49875) +
	zm("R12", "0301230002", "260301000000000000003", "7301", "260301000000000000001", 100000, 0, 100000) +
	zm("S11", "1231230002", "260301000000000000004", "", "", 10, 0, 10)

const sums = "count=4&inMinor=150010&outMinor=100000&feeMinor=205&openingMinor=1000000&closingMinor=1049805"

func file(content, summary string) channel.StatementFile {
	sum := sha256.Sum256([]byte(content))
	return channel.StatementFile{Channel: "beta", Merchant: "M1", SettledOn: calendar.Of(2026, 3, 1), Version: 1, SHA256: hex.EncodeToString(sum[:]), Content: []byte(content), Summary: summary}
}

func TestAFileIsReadByTheLayoutOfTheScheme(t *testing.T) {
	s, err := ReadStatement(file(whole, sums))
	if err != nil {
		t.Fatal(err)
	}
	back, nobodys := s.Lines[2], s.Lines[3]
	if back.Kind != reconcile.Return || back.OriginalNo != s.Lines[0].ChannelNo || back.OurNo != "7301" || s.Lines[0].FeeMinor != 80 {
		t.Errorf("read as %+v", s.Lines)
	}
	if nobodys.OurNo != "" || nobodys.MovedOn != calendar.Of(2025, 12, 31) {
		t.Errorf("read as %+v", nobodys)
	}
	if len(zm("S12", "", "", "", "", 0, 0, 0)) != recordBytes+2 {
		t.Errorf("a record is not %d bytes", recordBytes)
	}
}

func TestAFileWithAFaultIsRefusedWhole(t *testing.T) {
	for name, c := range map[string][3]string{
		"cut":                 {whole[:1000], sums, reconcile.FaultLayout},
		"a record too narrow": {whole[1:], sums, reconcile.FaultLayout},
		"a shifted field":     {strings.Replace(whole, "S12 ", "S1  ", 1), sums, reconcile.FaultLayout},
		"an unknown code":     {strings.Replace(whole, "S12", "S99", 1), sums, reconcile.FaultLayout},
		"another merchant":    {strings.Replace(whole, "M1", "M2", 1), sums, reconcile.FaultLayout},
		"a net that is wrong": {strings.Replace(whole, "D000000100080", "D000000100081", 1), sums, reconcile.FaultLayout},
		"no digits":           {strings.Replace(whole, "000000100000", "00000010000O", 1), sums, reconcile.FaultLayout},
		"no summary":          {whole, "", reconcile.FaultLayout},
		"another order of it": {whole, "inMinor=150010&count=4&outMinor=100000&feeMinor=205&openingMinor=1000000&closingMinor=1049805", reconcile.FaultLayout},
		"another count":       {whole, strings.Replace(sums, "count=4", "count=3", 1), reconcile.FaultCount},
		"other fees":          {whole, strings.Replace(sums, "205", "206", 1), reconcile.FaultTotals},
		"another balance":     {whole, strings.Replace(sums, "1049805", "1049806", 1), reconcile.FaultBalance},
	} {
		var refused *reconcile.Refusal
		if _, err := ReadStatement(file(c[0], c[1])); !errors.As(err, &refused) || refused.Reason != c[2] {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzReadStatement(f *testing.F) {
	f.Add(whole, sums)
	f.Add("", "count=0&inMinor=0&outMinor=0&feeMinor=0&openingMinor=5&closingMinor=5")
	f.Add(strings.Replace(whole, "0301", "0230", 1), sums)
	f.Fuzz(func(t *testing.T, content, summary string) {
		s, err := ReadStatement(file(content, summary))
		if err != nil {
			return
		}
		if s.Validate() != nil || len(s.Lines)*(recordBytes+2) != len(content) {
			t.Errorf("believed: %+v", s)
		}
	})
}
