package channel

import (
	"context"
	"database/sql"
	"errors"
	"math"
	"time"

	"github.com/hengdai/hengdai/kit/clock"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/sandbox/party"
)

// Line is one movement of the merchant's settlement account.
type Line struct {
	Kind, RequestNo, ChannelNo, OriginalNo string
	CardNo                                 string
	AmountMinor, FeeMinor                  int64
	// Status is SUCCESS; FAILED stands only where a fault put it, and moves nothing.
	Status     string
	FinishedMS int64
	// OriginalMS is when the order was finished that this line undoes.
	OriginalMS int64
}

// In reports whether the line brings money.
func (l Line) In() bool { return l.Kind == Collect || l.Kind == Return }

// Statement is one day of a merchant's settlement account. Closing = opening + in - out - fees.
type Statement struct {
	MerchantID   string
	Day          time.Time
	Version      int64
	Lines        []Line
	InMinor      int64
	OutMinor     int64
	FeeMinor     int64
	OpeningMinor int64
	ClosingMinor int64
}

// add computes the sums of the lines.
func (s *Statement) add() {
	s.InMinor, s.OutMinor, s.FeeMinor = 0, 0, 0
	for _, l := range s.Lines {
		switch {
		case l.Status != Success:
			continue
		case l.In():
			s.InMinor += l.AmountMinor
		default:
			s.OutMinor += l.AmountMinor
		}
		s.FeeMinor += l.FeeMinor
	}
	s.ClosingMinor = s.OpeningMinor + s.InMinor - s.OutMinor - s.FeeMinor
}

// File is a statement as its channel writes it.
type File struct {
	Name    string
	Content []byte
	// Summary is what a channel tells beside the file; empty if it tells all in it.
	Summary string
	// Narrow is the content with one line too short.
	Narrow []byte
}

// Made is a version of a statement's file as it is given out, right or not.
type Made struct {
	Party, MerchantID, Day string
	Version                int64
	// Fault is why this version is late or wrong; empty: it is neither.
	Fault             string
	ReadyMS           int64
	Name              string
	Lines             int64
	InMinor, OutMinor int64
	FeeMinor          int64
	OpeningMinor      int64
	ClosingMinor      int64
	Content           []byte
	SHA256, Summary   string
}

// never is when a missing file is ready.
const never = math.MaxInt64

// readyHour is when the file of the day before is there, in Shanghai.
const readyHour = 9

// ReadyAt answers when the file of a day is there, if nothing holds it up.
func ReadyAt(day time.Time) time.Time {
	y, m, d := day.Date()
	return time.Date(y, m, d+1, readyHour, 0, 0, 0, clock.Shanghai)
}

// Statement answers a version of a day's file, the newest that is out for version zero; ok is false while there is none.
// What no fault makes late is made when it is first asked for, with all days before it, so that each begins with the
// balance at which the one before it ended.
func (c *Channel) Statement(ctx context.Context, merchantID string, day time.Time, version int64) (m Made, ok bool, err error) {
	now := c.desk.Clock.Now()
	if now.Before(ReadyAt(day)) {
		return Made{}, false, nil
	}
	date := day.Format(time.DateOnly)
	if m, ok, err = c.given(ctx, c.desk.DB.Primary(), merchantID, date, version, now.UnixMilli()); err != nil || ok {
		return m, ok, err
	}
	first, err := c.desk.FirstDay(ctx, c.desk.DB.Primary(), c.terms.Party, merchantID)
	if err != nil {
		return Made{}, false, err
	}
	if first == "" || date < first { // nothing happened yet, and nothing will any more
		m, err = c.idleDay(merchantID, day)
		return m, err == nil && version <= 1, err
	}
	if err := c.makeUpTo(ctx, merchantID, first, date); err != nil {
		return Made{}, false, err
	}
	return c.given(ctx, c.desk.DB.Primary(), merchantID, date, version, now.UnixMilli())
}

// idleDay is the file of a day before the merchant's first.
func (c *Channel) idleDay(merchantID string, day time.Time) (Made, error) {
	s := Statement{MerchantID: merchantID, Day: day, Version: 1, OpeningMinor: c.terms.MerchantMinor}
	s.add()
	return c.render(s, ReadyAt(day).UnixMilli())
}

const madeColumns = `party, merchant_id, day, version, fault, ready_ms, name, lines, in_minor, out_minor, fee_minor, opening_minor, closing_minor, content, sha256, summary`

// given answers a version that is out at a time; zero: the newest.
func (c *Channel) given(ctx context.Context, q store.DBTX, merchantID, date string, version, nowMS int64) (Made, bool, error) {
	rows, err := c.made(ctx, q, `merchant_id = ? AND day = ? AND ready_ms <= ? AND (? = 0 OR version = ?)
		ORDER BY version DESC LIMIT 1`, merchantID, date, nowMS, version, version)
	if err != nil || len(rows) == 0 {
		return Made{}, false, err
	}
	return rows[0], true, nil
}

// last answers the last version of a day; nil if the day was not made.
func (c *Channel) last(ctx context.Context, q store.DBTX, merchantID, date string) (*Made, error) {
	rows, err := c.made(ctx, q, `merchant_id = ? AND day = ? ORDER BY version DESC LIMIT 1`, merchantID, date)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	return &rows[0], nil
}

// Versions answers what was made of a day, the last version first.
func (c *Channel) Versions(ctx context.Context, merchantID, date string) ([]Made, error) {
	return c.made(ctx, c.desk.DB.Primary(), `merchant_id = ? AND day = ? ORDER BY version DESC`, merchantID, date)
}

// Newest answers the statements that were made last, newest day first.
func (c *Channel) Newest(ctx context.Context, limit int) ([]Made, error) {
	return c.made(ctx, c.desk.DB.Primary(), `true ORDER BY day DESC, merchant_id, version DESC LIMIT ?`, limit)
}

func (c *Channel) made(ctx context.Context, q store.DBTX, where string, args ...any) ([]Made, error) {
	rows, err := q.QueryContext(ctx, `SELECT `+madeColumns+` FROM statement WHERE party = ? AND `+where, append([]any{c.terms.Party}, args...)...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var list []Made
	for rows.Next() {
		var m Made
		if err := rows.Scan(&m.Party, &m.MerchantID, &m.Day, &m.Version, &m.Fault, &m.ReadyMS, &m.Name, &m.Lines, &m.InMinor, &m.OutMinor,
			&m.FeeMinor, &m.OpeningMinor, &m.ClosingMinor, &m.Content, &m.SHA256, &m.Summary); err != nil {
			return nil, err
		}
		list = append(list, m)
	}
	return list, rows.Err()
}

func (c *Channel) keepMade(ctx context.Context, tx *store.Tx, m Made) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO statement (`+madeColumns+`) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		m.Party, m.MerchantID, m.Day, m.Version, m.Fault, m.ReadyMS, m.Name, m.Lines, m.InMinor, m.OutMinor, m.FeeMinor,
		m.OpeningMinor, m.ClosingMinor, m.Content, m.SHA256, m.Summary)
	return err
}

// lastDay answers the last day that was made and its closing balance.
func (c *Channel) lastDay(ctx context.Context, tx *store.Tx, merchantID string) (day string, closing int64, err error) {
	err = tx.QueryRowContext(ctx, `SELECT day, closing_minor FROM statement WHERE party = ? AND merchant_id = ?
		ORDER BY day DESC, version DESC LIMIT 1`, c.terms.Party, merchantID).Scan(&day, &closing)
	if errors.Is(err, sql.ErrNoRows) {
		return "", c.terms.MerchantMinor, nil
	}
	return day, closing, err
}

// lines answers the lines of a day as its statement tells them, faults included.
func (c *Channel) lines(ctx context.Context, q store.DBTX, merchantID string, day time.Time) ([]Line, error) {
	bends, err := c.bends(ctx, q, merchantID, day)
	if err != nil {
		return nil, err
	}
	var list []Line
	for _, b := range bends.shifted {
		entries, err := c.desk.Numbered(ctx, q, c.terms.Party, b.ChannelNo)
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			list = append(list, lineOf(e))
		}
	}
	entries, err := c.desk.DayEntries(ctx, q, c.terms.Party, merchantID, day.Format(time.DateOnly))
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		list = append(list, bends.bend(e)...)
	}
	list = append(list, bends.strangers(day)...)
	for i, l := range list {
		if l.OriginalNo == "" {
			continue
		}
		undone, err := c.desk.Numbered(ctx, q, c.terms.Party, l.OriginalNo)
		if err != nil {
			return nil, err
		}
		if len(undone) > 0 {
			list[i].OriginalMS = undone[0].AtMS
		}
	}
	return list, nil
}

func lineOf(e party.Entry) Line {
	return Line{Kind: e.Kind, RequestNo: e.RequestNo, ChannelNo: e.ChannelNo, OriginalNo: e.OriginalNo, CardNo: e.CardNo,
		AmountMinor: e.AmountMinor, FeeMinor: e.FeeMinor, Status: e.Status, FinishedMS: e.AtMS}
}
