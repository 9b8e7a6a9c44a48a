package beta

import (
	"bytes"
	"compress/zlib"
	"context"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"time"

	"golang.org/x/text/encoding/simplifiedchinese"

	"github.com/hengdai/hengdai/kit/clock"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/sandbox/channel"
	"github.com/hengdai/hengdai/sandbox/party"
)

const codeNotReady = "98"

// file answers the statement of a settlement date.
func (b *Beta) file(ctx context.Context, f fields, _ party.Hits) (fields, error) {
	a := fields{"version": "1.0", "encoding": "UTF-8", "certId": certID, "merId": f["merId"], "settleDate": f["settleDate"]}
	say := func(code string) (fields, error) {
		a["respCode"], a["respMsg"] = code, messages[code]
		return a, nil
	}
	day, err := time.ParseInLocation("20060102", f["settleDate"], clock.Shanghai)
	var version int64
	if err == nil && f["fileVersion"] != "" {
		version, err = strconv.ParseInt(f["fileVersion"], 10, 64)
	}
	if err != nil || day.Year() < 2000 || version < 0 || f["merId"] == "" || len(f["merId"]) > 15 || (f["fileType"] != "" && f["fileType"] != "ZM") {
		return say(codeFormat)
	}
	m, ready, err := b.Statement(ctx, f["merId"], day, version)
	if err != nil {
		return nil, err
	}
	if !ready {
		return say(codeNotReady)
	}
	packed, err := pack(m.Content)
	if err != nil {
		return nil, err
	}
	a["fileName"], a["fileVersion"], a["fileContent"], a["sha256"] = m.Name, strconv.FormatInt(m.Version, 10), packed, m.SHA256
	a["summaryContent"] = base64.StdEncoding.EncodeToString([]byte(m.Summary))
	return say(codeOK)
}

func pack(content []byte) (string, error) {
	var b bytes.Buffer
	w := zlib.NewWriter(&b)
	if _, err := w.Write(content); err != nil {
		return "", errs.Wrap(err, "packing a statement")
	}
	if err := w.Close(); err != nil {
		return "", errs.Wrap(err, "packing a statement")
	}
	return base64.StdEncoding.EncodeToString(b.Bytes()), nil
}

// widths of a record's 41 fields in bytes; one space stands between them: 607 bytes.
var widths = [41]int{3, 11, 11, 6, 10, 19, 12, 4, 2, 21, 2, 32, 2, 6, 10, 13, 13, 4, 15, 2, 2, 6, 2, 4, 32, 1, 21, 15, 1, 15, 32, 13, 13, 8,
	32, 13, 13, 12, 2, 1, 131}

// shortName is the merchant's, as the file shows it in GBK.
const shortName = "衡贷沙箱商户"

// transactions are the words for what a line is: its code, and the type and business of its order.
var transactions = map[string][3]string{
	channel.Payout:     {"S12", typePayout, "000401"},
	channel.Collect:    {"S11", typeCollect, "000501"},
	channel.Return:     {"R12", typePayout, "000401"},
	channel.ChargeBack: {"R11", typeCollect, "000501"},
}

// render writes a statement in the ZM layout: GBK, records of fixed width with CRLF, one line a movement.
func render(s channel.Statement) (channel.File, error) {
	var b bytes.Buffer
	for _, l := range s.Lines {
		r, err := record(s.MerchantID, l)
		if err != nil {
			return channel.File{}, errs.Wrap(err, "writing a record")
		}
		b.Write(r)
	}
	narrow := []byte(" \r\n")
	if b.Len() > 0 {
		narrow = append(bytes.Clone(b.Bytes()[:600]), b.Bytes()[601:]...)
	}
	return channel.File{
		Name: "INN" + s.Day.Format("060102") + "88ZM_" + s.MerchantID, Content: append([]byte{}, b.Bytes()...), Narrow: narrow,
		Summary: fmt.Sprintf("count=%d&inMinor=%d&outMinor=%d&feeMinor=%d&openingMinor=%d&closingMinor=%d",
			len(s.Lines), s.InMinor, s.OutMinor, s.FeeMinor, s.OpeningMinor, s.ClosingMinor),
	}, nil
}

func record(merchantID string, l channel.Line) ([]byte, error) {
	words := transactions[l.Kind]
	net := l.AmountMinor - l.FeeMinor
	if !l.In() {
		net = -l.AmountMinor - l.FeeMinor
	}
	original, originalTrace := "0000000000", "000000"
	if l.OriginalNo != "" {
		original, originalTrace = timeOf(l.OriginalMS), trace(l.OriginalNo)
	}
	none := signed(0)
	values := [41]string{
		words[0], "48270000", "00010000", trace(l.ChannelNo), timeOf(l.FinishedMS), mask(l.CardNo), fmt.Sprintf("%012d", l.AmountMinor),
		"6012", "07", l.ChannelNo, "", l.RequestNo, "01", originalTrace, original, fmt.Sprintf("D%012d", l.FeeMinor), signed(net), "0001", "", words[1], "00",
		words[2], "01", "", "", "0", l.OriginalNo, merchantID, "0", "", shortName, none, signed(net), "01080209", "", none, none,
		"000000000000", "00", "0", "",
	}
	var b bytes.Buffer
	for i, v := range values {
		raw, err := simplifiedchinese.GBK.NewEncoder().Bytes([]byte(v))
		if err != nil {
			return nil, errs.Wrap(err, "encoding")
		}
		if len(raw) > widths[i] {
			return nil, fmt.Errorf("field %d is %d bytes wide, not %d", i+1, widths[i], len(raw))
		}
		if i > 0 {
			b.WriteByte(' ')
		}
		b.Write(raw)
		b.WriteString(strings.Repeat(" ", widths[i]-len(raw)))
	}
	b.WriteString("\r\n")
	return b.Bytes(), nil
}

// trace is the number that the network gave a message.
func trace(channelNo string) string { return channelNo[max(0, len(channelNo)-6):] }

func timeOf(ms int64) string { return time.UnixMilli(ms).In(clock.Shanghai).Format("0102150405") }

// signed writes a sum with its direction: C to the merchant, D from him.
func signed(minor int64) string {
	if minor < 0 {
		return fmt.Sprintf("D%012d", -minor)
	}
	return fmt.Sprintf("C%012d", minor)
}

// mask leaves the first six and the last four digits of a card.
func mask(card string) string {
	if len(card) < 11 {
		return card
	}
	return card[:6] + strings.Repeat("*", len(card)-10) + card[len(card)-4:]
}
