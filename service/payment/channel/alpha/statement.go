package alpha

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/hengdai/hengdai/domain/calendar"
	"github.com/hengdai/hengdai/domain/reconcile"
	"github.com/hengdai/hengdai/service/payment/channel"
)

// acceptFor is how long its contract gives it to begin with an order.
const (
	acceptFor = 24 * time.Hour

	columns = "settled_on,finished_at,kind,request_no,channel_no,amount_minor,fee_minor,status,original_channel_no"
	total   = "TOTAL"
)

type wanted struct {
	MerchantID string `json:"merchant_id"`
	Day        string `json:"day"`
}

type given struct {
	Day      string `json:"day"`
	Version  int64  `json:"version"`
	Status   string `json:"status"`
	Code     string `json:"code"`
	FileName string `json:"file_name"`
	SHA256   string `json:"sha256"`
	Size     int64  `json:"size"`
	Content  string `json:"content_base64"`
}

// Statement fetches the file of a settlement date.
func (c *Channel) Statement(ctx context.Context, day calendar.Date) (channel.StatementFile, error) {
	none := channel.StatementFile{}
	raw, err := c.exchange(ctx, "/v1/statement", wanted{MerchantID: c.cfg.MerchantID, Day: day.String()}, channel.StatementMax)
	if err != nil {
		return none, err
	}
	var g given
	if err := json.Unmarshal(raw, &g); err != nil {
		return none, fmt.Errorf("%w: %w", channel.ErrMalformed, err)
	}
	switch {
	case g.Status == "NOT_READY":
		return none, channel.ErrNotReady
	case g.Status != "READY":
		return none, fmt.Errorf("alpha answers %.32q with code %.32q", g.Status, g.Code)
	case g.Day != day.String():
		return none, fmt.Errorf("the file is of another day: %w", channel.ErrMalformed)
	}
	content, err := base64.StdEncoding.DecodeString(g.Content)
	if err != nil {
		return none, fmt.Errorf("%w: %w", channel.ErrMalformed, err)
	}
	f := channel.StatementFile{Channel: "alpha", Merchant: c.cfg.MerchantID, SettledOn: day, Version: g.Version, Name: g.FileName, SHA256: g.SHA256, Content: content}
	return f, f.Sane()
}

// ReadStatement reads a file of alpha's. The error is a *reconcile.Refusal if the file cannot be believed.
func ReadStatement(f channel.StatementFile) (reconcile.Statement, error) {
	s := reconcile.Statement{Channel: f.Channel, Merchant: f.Merchant, SettledOn: f.SettledOn, Version: f.Version}
	if err := reconcile.CheckHash(f.Content, f.SHA256); err != nil {
		return s, err
	}
	text, ended := bytes.CutSuffix(f.Content, []byte("\r\n"))
	if !ended || !utf8.Valid(text) {
		return s, reconcile.Refuse(reconcile.FaultLayout, "the file does not end with its last line, or is no UTF-8")
	}
	rows := strings.Split(string(text), "\r\n")
	if rows[0] != columns {
		return s, reconcile.Refuse(reconcile.FaultLayout, "the first line does not name the columns")
	}
	if len(rows) < 2 {
		return s, reconcile.Refuse(reconcile.FaultLayout, "the file has no totals")
	}
	for i, row := range rows[1 : len(rows)-1] {
		l, err := readLine(row, int64(i+1))
		if err != nil {
			return s, err
		}
		s.Lines = append(s.Lines, l)
	}
	if err := readTotals(rows[len(rows)-1], &s.Totals); err != nil {
		return s, err
	}
	return s, s.Validate()
}

func readLine(row string, number int64) (reconcile.Line, error) {
	cells := strings.Split(row, ",")
	if len(cells) != 9 {
		return reconcile.Line{}, reconcile.Refuse(reconcile.FaultLayout, "line %d has %d cells", number, len(cells))
	}
	l := reconcile.Line{
		Number: number, Kind: reconcile.Kind(cells[2]), OurNo: cells[3], ChannelNo: cells[4], Status: reconcile.Status(cells[7]), OriginalNo: cells[8],
	}
	var err error
	if l.SettledOn, err = calendar.Parse(cells[0]); err != nil {
		return l, reconcile.Refuse(reconcile.FaultLayout, "line %d has no settlement date", number)
	}
	at, err := time.Parse(time.RFC3339, cells[1])
	if err != nil || at.Year() < 2000 || at.Year() > 2200 {
		return l, reconcile.Refuse(reconcile.FaultLayout, "line %d does not say when it was finished", number)
	}
	l.MovedOn = calendar.InShanghai(at)
	if l.AmountMinor, err = minor(cells[5]); err != nil {
		return l, reconcile.Refuse(reconcile.FaultLayout, "line %d has no amount", number)
	}
	if l.FeeMinor, err = minor(cells[6]); err != nil {
		return l, reconcile.Refuse(reconcile.FaultLayout, "line %d has no fee", number)
	}
	for _, no := range []string{l.OurNo, l.ChannelNo, l.OriginalNo} {
		if !plain(no) {
			return l, reconcile.Refuse(reconcile.FaultLayout, "line %d has odd characters in a number", number)
		}
	}
	return l, nil
}

func readTotals(row string, t *reconcile.Totals) error {
	cells := strings.Split(row, ",")
	if len(cells) != 7 || cells[0] != total {
		return reconcile.Refuse(reconcile.FaultLayout, "the last line holds no totals: the file is cut")
	}
	for i, into := range []*int64{&t.Count, &t.InMinor, &t.OutMinor, &t.FeeMinor, &t.OpeningMinor, &t.ClosingMinor} {
		n, err := minor(cells[i+1])
		if err != nil {
			return reconcile.Refuse(reconcile.FaultLayout, "total %d is no number", i+1)
		}
		*into = n
	}
	return nil
}

// minor reads an amount as it is written: no sign but a minus, no leading zeros.
func minor(cell string) (int64, error) {
	n, err := strconv.ParseInt(cell, 10, 64)
	if err == nil && strconv.FormatInt(n, 10) != cell {
		err = strconv.ErrSyntax
	}
	return n, err
}

// plain says whether a number holds visible ASCII alone.
func plain(no string) bool {
	return !strings.ContainsFunc(no, func(r rune) bool { return r < 0x21 || r > 0x7e })
}
