package beta

import (
	"bytes"
	"compress/zlib"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/hengdai/hengdai/domain/calendar"
	"github.com/hengdai/hengdai/domain/reconcile"
	"github.com/hengdai/hengdai/service/payment/channel"
)

// acceptFor is how long its contract gives it to begin with an order.
const (
	acceptFor = 24 * time.Hour

	recordBytes = 607
	// crowd bounds a file once it is unpacked.
	crowd = 256 << 20
)

// widths are the fields of a record of the ZM file, each followed by one space but the last.
var widths = [...]int{
	3, 11, 11, 6, 10, 19, 12, 4, 2, 21, 2, 32, 2, 6, 10, 13, 13, 4, 15, 2, 2, 6, 2, 4, 32, 1, 21, 15, 1, 15, 32, 13, 13, 8, 32, 13, 13, 12, 2, 1, 131,
}

// Fields of a record, by their number in the layout.
const (
	zmCode     = 1
	zmTime     = 5
	zmAmount   = 7
	zmQueryID  = 10
	zmOrderID  = 12
	zmFee      = 16
	zmNet      = 17
	zmOriginal = 27
	zmMerchant = 28
)

var zmKinds = map[string]reconcile.Kind{
	"S12": reconcile.Payout, "S11": reconcile.Collect, "R12": reconcile.Return, "R11": reconcile.Chargeback,
}

// Statement fetches the ZM file of a settlement date with its summary.
func (c *Channel) Statement(ctx context.Context, day calendar.Date) (channel.StatementFile, error) {
	none := channel.StatementFile{}
	date := strings.ReplaceAll(day.String(), "-", "")
	answer, _, err := c.callUpTo(ctx, "/gateway/api/file", Form{
		"merId": c.cfg.MerchantID, "settleDate": date, "fileType": "ZM", "certId": ours,
	}, channel.StatementMax)
	if err != nil {
		return none, err
	}
	switch code := answer["respCode"]; {
	case code == "98":
		return none, channel.ErrNotReady
	case code != "00":
		return none, fmt.Errorf("beta answers with code %.16q", code)
	case answer["settleDate"] != "" && answer["settleDate"] != date:
		return none, fmt.Errorf("the file is of another day: %w", channel.ErrMalformed)
	}
	content, err := unpack(answer["fileContent"])
	if err != nil {
		return none, err
	}
	summary, err := base64.StdEncoding.DecodeString(answer["summaryContent"])
	if err != nil {
		return none, fmt.Errorf("%w: %w", channel.ErrMalformed, err)
	}
	version, err := strconv.ParseInt(answer["fileVersion"], 10, 64)
	if err != nil {
		return none, fmt.Errorf("it has no version: %w", channel.ErrMalformed)
	}
	f := channel.StatementFile{
		Channel: "beta", Merchant: c.cfg.MerchantID, SettledOn: day, Version: version, Name: answer["fileName"], SHA256: answer["sha256"],
		Content: content, Summary: string(summary),
	}
	return f, f.Sane()
}

func unpack(text string) ([]byte, error) {
	packed, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", channel.ErrMalformed, err)
	}
	r, err := zlib.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", channel.ErrMalformed, err)
	}
	content, err := io.ReadAll(io.LimitReader(r, crowd+1))
	if err != nil || len(content) > crowd {
		return nil, fmt.Errorf("it cannot be unpacked: %w", channel.ErrMalformed)
	}
	return content, nil
}

// ReadStatement reads a file of beta's with its summary. The error is a *reconcile.Refusal if the file cannot be
// believed. The file's words in GBK are not looked at: what counts is in digits and letters.
func ReadStatement(f channel.StatementFile) (reconcile.Statement, error) {
	s := reconcile.Statement{Channel: f.Channel, Merchant: f.Merchant, SettledOn: f.SettledOn, Version: f.Version}
	if err := reconcile.CheckHash(f.Content, f.SHA256); err != nil {
		return s, err
	}
	const step = recordBytes + 2
	if len(f.Content)%step != 0 {
		return s, reconcile.Refuse(reconcile.FaultLayout, "%d bytes are no whole number of records of %d", len(f.Content), step)
	}
	for at := 0; at < len(f.Content); at += step {
		record := f.Content[at : at+step]
		number := int64(at/step + 1)
		if string(record[recordBytes:]) != "\r\n" {
			return s, reconcile.Refuse(reconcile.FaultLayout, "record %d does not end where it should", number)
		}
		l, err := readRecord(record[:recordBytes], number, f)
		if err != nil {
			return s, err
		}
		s.Lines = append(s.Lines, l)
	}
	if err := readSummary(f.Summary, &s.Totals); err != nil {
		return s, err
	}
	return s, s.Validate()
}

// record is one record, cut into its fields.
type record [len(widths) + 1]string

func cutRecord(raw []byte) (record, bool) {
	var r record
	for i, w := range widths {
		r[i+1] = string(raw[:w])
		raw = raw[w:]
		if i == len(widths)-1 {
			break
		}
		if raw[0] != ' ' {
			return r, false
		}
		raw = raw[1:]
	}
	return r, len(raw) == 0
}

func readRecord(raw []byte, number int64, f channel.StatementFile) (reconcile.Line, error) {
	wrong := func(what string) (reconcile.Line, error) {
		return reconcile.Line{}, reconcile.Refuse(reconcile.FaultLayout, "record %d: %s", number, what)
	}
	r, whole := cutRecord(raw)
	if !whole {
		return wrong("its fields are not parted by spaces")
	}
	l := reconcile.Line{
		Number: number, Kind: zmKinds[r[zmCode]], OurNo: strings.TrimRight(r[zmOrderID], " "), ChannelNo: strings.TrimRight(r[zmQueryID], " "),
		OriginalNo: strings.TrimRight(r[zmOriginal], " "), Status: reconcile.Success, SettledOn: f.SettledOn,
	}
	if merchant := strings.TrimRight(r[zmMerchant], " "); merchant != f.Merchant && f.Merchant != "" {
		return wrong("it is another merchant's")
	}
	for _, no := range []string{l.OurNo, l.ChannelNo, l.OriginalNo} {
		if strings.ContainsFunc(no, func(c rune) bool { return c < 0x21 || c > 0x7e }) {
			return wrong("odd characters in a number")
		}
	}
	var ok bool
	if l.MovedOn, ok = movedOn(r[zmTime], f.SettledOn); !ok {
		return wrong("no time")
	}
	if l.AmountMinor, ok = digits(r[zmAmount]); !ok {
		return wrong("no amount")
	}
	if l.FeeMinor, ok = creditOrDebit(r[zmFee]); !ok {
		return wrong("no fee")
	}
	l.FeeMinor = -l.FeeMinor // C is to the merchant
	net, ok := creditOrDebit(r[zmNet])
	if !ok || net != l.Net() {
		return wrong("amount and fee do not make the settlement amount")
	}
	return l, nil
}

// movedOn reads MMDDhhmmss. The year is that in which the date lies nearest to the settlement date.
func movedOn(text string, settledOn calendar.Date) (calendar.Date, bool) {
	if _, ok := digits(text); !ok || len(text) != 10 || text[4:] > "235959" {
		return 0, false
	}
	for _, year := range []int{settledOn.Year(), settledOn.Year() - 1, settledOn.Year() + 1} {
		d, err := calendar.Parse(fmt.Sprintf("%04d-%s-%s", year, text[:2], text[2:4]))
		if err == nil && d > settledOn-180 && d < settledOn+180 {
			return d, true
		}
	}
	return 0, false
}

// creditOrDebit reads C or D and twelve digits; D is negative.
func creditOrDebit(field string) (int64, bool) {
	n, ok := digits(field[1:])
	switch field[0] {
	case 'C':
		return n, ok
	case 'D':
		return -n, ok
	}
	return 0, false
}

func digits(field string) (int64, bool) {
	if strings.Trim(field, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.ParseInt(field, 10, 64)
	return n, err == nil
}

func readSummary(text string, t *reconcile.Totals) error {
	cells := strings.Split(text, "&")
	want := []struct {
		name string
		into *int64
	}{
		{"count", &t.Count}, {"inMinor", &t.InMinor}, {"outMinor", &t.OutMinor}, {"feeMinor", &t.FeeMinor}, {"openingMinor", &t.OpeningMinor},
		{"closingMinor", &t.ClosingMinor},
	}
	if len(cells) != len(want) {
		return reconcile.Refuse(reconcile.FaultLayout, "the summary has %d parts", len(cells))
	}
	for i, w := range want {
		value, named := strings.CutPrefix(cells[i], w.name+"=")
		n, err := strconv.ParseInt(value, 10, 64)
		if !named || err != nil || strconv.FormatInt(n, 10) != value {
			return reconcile.Refuse(reconcile.FaultLayout, "the summary's part %d is not %s", i+1, w.name)
		}
		*w.into = n
	}
	return nil
}
