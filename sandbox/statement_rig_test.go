package sandbox_test

import (
	"bytes"
	"compress/zlib"
	"encoding/base64"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/text/encoding/simplifiedchinese"

	"github.com/hengdai/hengdai/kit/clock"
)

// line is a line of a statement, of whatever channel.
type line struct {
	kind, requestNo, channelNo, originalNo, status string
	amount, fee                                    int64
}

// paper is a statement as a careful reader has it; wrong says why he refuses it.
type paper struct {
	version                         int64
	lines                           []line
	in, out, fees, opening, closing int64
	raw                             string
	wrong                           string
}

// standAt moves the sandbox clock to a time of day in Shanghai, so many days from today.
func (r *rig) standAt(days, hour, minute int) (date string) {
	r.t.Helper()
	y, m, d := time.Now().In(clock.Shanghai).Date()
	at := time.Date(y, m, d+days, hour, minute, 0, 0, clock.Shanghai)
	if status := r.control("POST", "/control/advance", map[string]any{"offset_ms": time.Until(at).Milliseconds() + 1}, nil); status != 200 {
		r.t.Fatalf("moving the clock is answered %d", status)
	}
	if ahead := clock.New(r.offset).Now().Sub(at); ahead < -time.Second || ahead > time.Minute {
		r.t.Fatalf("the clock stands %s from %s", ahead, at)
	}
	return at.Format(time.DateOnly)
}

// statement asks a channel for a day's file; nil: it is not ready.
func (r *rig) statement(channel, day string, version int64) *paper {
	r.t.Helper()
	if channel == "alpha" {
		return r.alphaStatement(day, version)
	}
	return r.betaStatement(day, version)
}

func (r *rig) alphaStatement(day string, version int64) *paper {
	r.t.Helper()
	status, a := r.post("alpha", "/v1/statement", map[string]any{"merchant_id": "M1", "day": day, "version": version})
	if a["status"] == "NOT_READY" {
		return nil
	}
	if a["status"] != "READY" {
		r.t.Fatalf("the statement is answered %d %v %v", status, a["status"], a["code"])
	}
	content, err := base64.StdEncoding.DecodeString(a["content_base64"].(string))
	if err != nil {
		r.t.Fatal(err)
	}
	p := readCSV(string(content), day)
	p.version = int64(a["version"].(float64))
	if p.wrong == "" && (a["sha256"] != sum(content) || int(a["size"].(float64)) != len(content)) {
		p.wrong = "hash"
	}
	if want := fmt.Sprintf("alpha_M1_%s_v%d.csv", strings.ReplaceAll(day, "-", ""), p.version); a["file_name"] != want {
		r.t.Errorf("the file's name is %v, not %s", a["file_name"], want)
	}
	return p.judge()
}

func readCSV(content, day string) *paper {
	p := &paper{raw: content}
	rows := strings.Split(content, "\r\n")
	n := len(rows)
	if n < 3 || rows[n-1] != "" || !strings.HasPrefix(rows[n-2], "TOTAL,") ||
		rows[0] != "settled_on,finished_at,kind,request_no,channel_no,amount_minor,fee_minor,status,original_channel_no" {
		p.wrong = "layout"
		return p
	}
	for _, row := range rows[1 : n-2] {
		c := strings.Split(row, ",")
		if len(c) != 9 || c[0] != day {
			p.wrong = "layout"
			return p
		}
		p.lines = append(p.lines, line{c[2], c[3], c[4], c[8], c[7], number(c[5]), number(c[6])})
	}
	c := strings.Split(rows[n-2], ",")
	if len(c) != 7 || number(c[1]) != int64(len(p.lines)) {
		p.wrong = "layout"
		return p
	}
	p.in, p.out, p.fees, p.opening, p.closing = number(c[2]), number(c[3]), number(c[4]), number(c[5]), number(c[6])
	return p
}

func (r *rig) betaStatement(day string, version int64) *paper {
	r.t.Helper()
	f := r.form("/gateway/api/file", map[string]string{"merId": "M1", "settleDate": strings.ReplaceAll(day, "-", ""), "fileVersion": strconv.FormatInt(version, 10)})
	if f["respCode"] == "98" {
		return nil
	}
	if f["respCode"] != "00" || f["fileName"] != "INN"+strings.ReplaceAll(day[2:], "-", "")+"88ZM_M1" {
		r.t.Fatalf("the statement is answered %q, named %q", f["respCode"], f["fileName"])
	}
	packed, _ := base64.StdEncoding.DecodeString(f["fileContent"])
	z, err := zlib.NewReader(bytes.NewReader(packed))
	if err != nil {
		r.t.Fatal(err)
	}
	content, err := io.ReadAll(z)
	if err != nil {
		r.t.Fatal(err)
	}
	p := readZM(content)
	p.version = number(f["fileVersion"])
	if p.wrong == "" && f["sha256"] != sum(content) {
		p.wrong = "hash"
	}
	text, _ := base64.StdEncoding.DecodeString(f["summaryContent"])
	s, _ := url.ParseQuery(string(text))
	p.in, p.out, p.fees = number(s.Get("inMinor")), number(s.Get("outMinor")), number(s.Get("feeMinor"))
	p.opening, p.closing = number(s.Get("openingMinor")), number(s.Get("closingMinor"))
	if p.wrong == "" && number(s.Get("count")) != int64(len(p.lines)) {
		p.wrong = "totals"
	}
	return p.judge()
}

// readZM reads records by the offsets of the layout, which are written out here and not taken from the sandbox.
func readZM(content []byte) *paper {
	p := &paper{raw: string(content)}
	for len(content) > 0 {
		if len(content) < 609 || string(content[607:609]) != "\r\n" {
			p.wrong = "layout"
			return p
		}
		rec := content[:607]
		content = content[609:]
		at := func(from, width int) string { return strings.TrimSpace(string(rec[from : from+width])) }
		kind := map[string]string{"S12": "PAYOUT", "S11": "COLLECT", "R12": "RETURN", "R11": "CHARGEBACK"}[at(0, 3)]
		name, err := simplifiedchinese.GBK.NewDecoder().Bytes(rec[327 : 327+32])
		if kind == "" || err != nil || strings.TrimSpace(string(name)) != "衡贷沙箱商户" || at(293, 15) != "M1" {
			p.wrong = "layout"
			return p
		}
		l := line{kind, at(112, 32), at(87, 21), at(271, 21), "SUCCESS", number(at(66, 12)), number(at(166, 13)[1:])}
		net := number(at(180, 13)[1:])
		if at(180, 1) == "D" {
			net = -net
		}
		want := l.amount - l.fee
		if kind == "PAYOUT" || kind == "CHARGEBACK" {
			want = -l.amount - l.fee
		}
		if net != want || at(180, 13) != at(374, 13) {
			p.wrong = "layout"
		}
		p.lines = append(p.lines, l)
	}
	return p
}

// judge checks that totals are those of the lines and that the balance goes on.
func (p *paper) judge() *paper {
	var in, out, fees int64
	for _, l := range p.lines {
		if l.status != "SUCCESS" {
			continue
		}
		if l.kind == "COLLECT" || l.kind == "RETURN" {
			in += l.amount
		} else {
			out += l.amount
		}
		fees += l.fee
	}
	if p.wrong == "" && (in != p.in || out != p.out || fees != p.fees || p.opening+in-out-fees != p.closing) {
		p.wrong = "totals"
	}
	return p
}

func number(s string) int64 {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return -1 << 60
	}
	return n
}

// good asks for a file that must be there and right.
func (r *rig) good(channel, day string) *paper {
	r.t.Helper()
	p := r.statement(channel, day, 0)
	if p == nil || p.wrong != "" {
		r.t.Fatalf("%s's statement of %s: %+v", channel, day, p)
	}
	return p
}

func each(t *testing.T, test func(t *testing.T, channel string)) {
	for _, channel := range []string{"alpha", "beta"} {
		t.Run(channel, func(t *testing.T) {
			t.Parallel()
			test(t, channel)
		})
	}
}

// send sends an order to either channel and waits until it is final.
func (r *rig) send(channel, no, kind string, card int, amount int64) {
	r.t.Helper()
	p := r.person(uint64(card), 100_000_00)
	if channel == "alpha" {
		r.pay(no, kind, p, amount)
	} else {
		r.trans(no, map[string]string{"PAYOUT": "12", "COLLECT": "11"}[kind], p, amount)
	}
	r.settle()
}
