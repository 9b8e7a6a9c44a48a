package alpha

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/hengdai/hengdai/kit/clock"
	"github.com/hengdai/hengdai/sandbox/channel"
	"github.com/hengdai/hengdai/sandbox/party"
)

type statementOf struct {
	MerchantID string `json:"merchant_id"`
	Day        string `json:"day"`
	// Version asks for one version; zero: the newest that is out.
	Version int64 `json:"version"`
}

type statement struct {
	Day           string `json:"day"`
	Version       int64  `json:"version"`
	Status        string `json:"status"`
	Code          string `json:"code"`
	Message       string `json:"message"`
	FileName      string `json:"file_name"`
	SHA256        string `json:"sha256"`
	Size          int    `json:"size"`
	ContentBase64 []byte `json:"content_base64"`
}

func noStatement(day, status, code string) statement {
	return statement{Day: day, Status: status, Code: code, Message: messages[code]}
}

func (a *Alpha) statement(ctx context.Context, q statementOf, _ party.Signed, _ party.Hits) (int, any, error) {
	day, ok := q.valid()
	if !ok {
		return http.StatusBadRequest, noStatement(q.Day, statusError, "BAD_REQUEST"), nil
	}
	m, ready, err := a.Statement(ctx, q.MerchantID, day, q.Version)
	if err != nil {
		return 0, nil, err
	}
	if !ready {
		return http.StatusOK, noStatement(q.Day, "NOT_READY", codeNotReady), nil
	}
	return http.StatusOK, statement{Day: m.Day, Version: m.Version, Status: "READY", Code: codeOK, Message: messages[codeOK],
		FileName: m.Name, SHA256: m.SHA256, Size: len(m.Content), ContentBase64: m.Content}, nil
}

func (q statementOf) valid() (day time.Time, ok bool) {
	day, err := time.ParseInLocation(time.DateOnly, q.Day, clock.Shanghai)
	return day, err == nil && day.Year() >= 2000 && q.Version >= 0 && q.MerchantID != "" && len(q.MerchantID) <= 32
}

const (
	columns = "settled_on,finished_at,kind,request_no,channel_no,amount_minor,fee_minor,status,original_channel_no"
	stamp   = "2006-01-02T15:04:05+08:00"
)

// render writes a statement as UTF-8 CSV with CRLF: a header, a line a movement, and a total.
func render(s channel.Statement) (channel.File, error) {
	day := s.Day.Format(time.DateOnly)
	lines := []string{columns}
	for _, l := range s.Lines {
		lines = append(lines, fmt.Sprintf("%s,%s,%s,%s,%s,%d,%d,%s,%s", day, time.UnixMilli(l.FinishedMS).In(clock.Shanghai).Format(stamp),
			l.Kind, l.RequestNo, l.ChannelNo, l.AmountMinor, l.FeeMinor, l.Status, l.OriginalNo))
	}
	lines = append(lines, fmt.Sprintf("TOTAL,%d,%d,%d,%d,%d,%d", len(s.Lines), s.InMinor, s.OutMinor, s.FeeMinor, s.OpeningMinor, s.ClosingMinor))
	content := []byte(strings.Join(lines, "\r\n") + "\r\n")
	second := len(columns) + 2 // where the first line after the header begins
	comma := second + bytes.IndexByte(content[second:], ',')
	return channel.File{
		Name:    fmt.Sprintf("alpha_%s_%s_v%d.csv", s.MerchantID, s.Day.Format("20060102"), s.Version),
		Content: content,
		Narrow:  append(bytes.Clone(content[:comma]), content[comma+1:]...),
	}, nil
}
