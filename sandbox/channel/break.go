package channel

import (
	"context"
	"fmt"
	"time"

	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/sandbox/party"
)

// Break is one thing that a statement says otherwise than our books must have it.
type Break struct {
	ID         int64  `json:"id"`
	Party      string `json:"party"`
	MerchantID string `json:"merchant_id"`
	// Day is that of the file in which it shows.
	Day string `json:"day"`
	// Kind is the fault's, or returned, chargeback, unidentified for what really happened.
	Kind string `json:"kind"`
	// Finding is what a reconciliation should come to.
	Finding   string `json:"finding"`
	TradeKind string `json:"trade_kind"`
	RequestNo string `json:"request_no"`
	ChannelNo string `json:"channel_no"`
	// What is true, and what the statement states.
	AmountMinor    int64  `json:"amount_minor"`
	StatedMinor    int64  `json:"stated_minor"`
	FeeMinor       int64  `json:"fee_minor"`
	StatedFeeMinor int64  `json:"stated_fee_minor"`
	Status         string `json:"status"`
	StatedStatus   string `json:"stated_status"`
	// ReadyMS is when the right file is out; zero: when it is reissued.
	ReadyMS int64 `json:"ready_ms"`
	// Healed: a reissued file tells the truth.
	Healed bool `json:"healed"`
}

// Breaks that come from what happened, not from a fault.
const (
	breakReturned     = "returned"
	breakChargeBack   = "chargeback"
	breakUnidentified = "unidentified"
)

// findings are the words of reconciliation.
var findings = map[party.Kind]string{
	party.FileLate: "FILE_LATE", party.FileMissing: "FILE_LATE", party.FileHash: "FILE_REFUSED", party.FileCut: "FILE_REFUSED",
	party.FileTotals: "FILE_REFUSED", party.FileWidth: "FILE_REFUSED", party.FileReissued: "REISSUED",
	party.LineMissing: "OURS_ONLY", party.LineTwice: "DUPLICATE", party.LineAmount: "AMOUNT", party.LineFee: "FEE",
	party.LineShifted: "MATCH", party.LineUnknown: "CHANNEL_ONLY", party.LineStatus: "STATUS", party.LineFailed: "STATUS",
}

// of fills in the true side of a line.
func (b *Break) of(l Line) {
	b.TradeKind, b.RequestNo, b.ChannelNo = l.Kind, l.RequestNo, l.ChannelNo
	b.AmountMinor, b.FeeMinor, b.Status = l.AmountMinor, l.FeeMinor, l.Status
}

// states fills in what is stated of a line.
func (b *Break) states(l Line) {
	b.TradeKind, b.RequestNo, b.ChannelNo = l.Kind, l.RequestNo, l.ChannelNo
	b.StatedMinor, b.StatedFeeMinor, b.StatedStatus = l.AmountMinor, l.FeeMinor, l.Status
}

const breakColumns = `id, party, merchant_id, day, kind, finding, trade_kind, request_no, channel_no, amount_minor, stated_minor, fee_minor, stated_fee_minor, status, stated_status, ready_ms, healed`

func (c *Channel) keepBreak(ctx context.Context, tx *store.Tx, b Break) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO break (`+breakColumns+`)
		SELECT coalesce(max(id), 0) + 1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0 FROM break`,
		c.terms.Party, b.MerchantID, b.Day, b.Kind, b.Finding, b.TradeKind, b.RequestNo, b.ChannelNo, b.AmountMinor, b.StatedMinor,
		b.FeeMinor, b.StatedFeeMinor, b.Status, b.StatedStatus, b.ReadyMS)
	return err
}

// Breaks answers at most limit breaks after an id, of one party or (party empty) of all.
func Breaks(ctx context.Context, q store.DBTX, partyName string, after int64, limit int) ([]Break, error) {
	return breaks(ctx, q, `id > ? AND (? = '' OR party = ?) ORDER BY id LIMIT ?`, after, partyName, partyName, limit)
}

// NewestBreaks answers the breaks that came last, newest first.
func NewestBreaks(ctx context.Context, q store.DBTX, limit int) ([]Break, error) {
	return breaks(ctx, q, `true ORDER BY id DESC LIMIT ?`, limit)
}

func breaks(ctx context.Context, q store.DBTX, where string, args ...any) ([]Break, error) {
	rows, err := q.QueryContext(ctx, `SELECT `+breakColumns+` FROM break WHERE `+where, args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	list := []Break{}
	for rows.Next() {
		var b Break
		var healed int64
		if err := rows.Scan(&b.ID, &b.Party, &b.MerchantID, &b.Day, &b.Kind, &b.Finding, &b.TradeKind, &b.RequestNo, &b.ChannelNo,
			&b.AmountMinor, &b.StatedMinor, &b.FeeMinor, &b.StatedFeeMinor, &b.Status, &b.StatedStatus, &b.ReadyMS, &healed); err != nil {
			return nil, err
		}
		b.Healed = healed == 1
		list = append(list, b)
	}
	return list, rows.Err()
}

// bendLines chooses the faults of a day's lines, at most one a line, and stores them as breaks.
func (c *Channel) bendLines(ctx context.Context, tx *store.Tx, pick *party.Pick, merchantID string, day time.Time) error {
	date := day.Format(time.DateOnly)
	entries, err := c.desk.DayEntries(ctx, tx, c.terms.Party, merchantID, date)
	if err != nil {
		return err
	}
	for _, e := range entries {
		r, chosen := pick.Choose(c.terms.Party, date, e.ChannelNo, c.applicable(e))
		if !chosen {
			continue
		}
		if err := c.keepBreak(ctx, tx, c.bentLine(r, date, e)); err != nil {
			return err
		}
	}
	r, chosen := pick.Choose(c.terms.Party, date, date+" "+merchantID, []party.Kind{party.LineUnknown})
	if !chosen {
		return nil
	}
	l := c.stranger(r, merchantID, day)
	b := Break{MerchantID: merchantID, Day: date, Kind: string(r.Kind), Finding: findings[r.Kind]}
	b.states(l)
	return c.keepBreak(ctx, tx, b)
}

// applicable answers the faults that an entry's line can meet.
func (c *Channel) applicable(e party.Entry) []party.Kind {
	if e.Status != Success {
		return []party.Kind{party.LineStatus}
	}
	return []party.Kind{party.LineMissing, party.LineTwice, party.LineAmount, party.LineFee, party.LineShifted, party.LineFailed}
}

// bentLine is the break that a line becomes.
func (c *Channel) bentLine(r party.Rule, date string, e party.Entry) Break {
	b := Break{MerchantID: e.MerchantID, Day: date, Kind: string(r.Kind), Finding: findings[r.Kind]}
	b.of(lineOf(e))
	b.states(lineOf(e))
	part := party.Draw(r.Seed, c.terms.Party, "bend", e.ChannelNo)
	switch r.Kind {
	case party.LineMissing:
		b.StatedMinor, b.StatedFeeMinor, b.StatedStatus = 0, 0, ""
	case party.LineAmount:
		b.StatedMinor += 1 + part%999
	case party.LineFee:
		b.StatedFeeMinor += 1 + part%50
	case party.LineStatus:
		b.StatedStatus, b.StatedFeeMinor = Success, c.terms.Fee(e.Kind, e.AmountMinor)
	case party.LineFailed:
		b.StatedStatus = Failed
	default: // it stands there as it is, twice or elsewhere
	}
	return b
}

// stranger is a line of an order that nobody sent.
func (c *Channel) stranger(r party.Rule, merchantID string, day time.Time) Line {
	date := day.Format(time.DateOnly)
	part := party.Draw(r.Seed, c.terms.Party, "stranger", date, merchantID)
	l := Line{Kind: Payout, AmountMinor: 100_00 + part, Status: Success, RequestNo: fmt.Sprintf("9%s%09d", day.Format("20060102"), part),
		FinishedMS: day.Add(noon).UnixMilli()}
	if part%2 == 1 {
		l.Kind = Collect
	}
	l.FeeMinor = c.terms.Fee(l.Kind, l.AmountMinor)
	l.ChannelNo = c.number(day, merchantID, l.RequestNo, "stranger")
	return l
}

const noon = 12 * time.Hour

// bends are the breaks of one file's lines.
type bends struct {
	byNumber map[string]Break
	unknown  []Break
	// shifted come from the day before.
	shifted []Break
}

func (c *Channel) bends(ctx context.Context, q store.DBTX, merchantID string, day time.Time) (bends, error) {
	b := bends{byNumber: map[string]Break{}}
	const where = `party = ? AND merchant_id = ? AND day = ? AND healed = 0 AND kind LIKE 'line_%' ORDER BY id`
	list, err := breaks(ctx, q, where, c.terms.Party, merchantID, day.Format(time.DateOnly))
	if err != nil {
		return b, err
	}
	for _, one := range list {
		if one.Kind == string(party.LineUnknown) {
			b.unknown = append(b.unknown, one)
		} else {
			b.byNumber[one.ChannelNo] = one
		}
	}
	before, err := breaks(ctx, q, where, c.terms.Party, merchantID, day.AddDate(0, 0, -1).Format(time.DateOnly))
	for _, one := range before {
		if one.Kind == string(party.LineShifted) {
			b.shifted = append(b.shifted, one)
		}
	}
	return b, err
}

// bend answers the lines that an entry becomes: one, none or two.
func (b bends) bend(e party.Entry) []Line {
	l := lineOf(e)
	one, bent := b.byNumber[e.ChannelNo]
	if !bent {
		if e.Status != Success {
			return nil
		}
		return []Line{l}
	}
	switch party.Kind(one.Kind) {
	case party.LineMissing, party.LineShifted:
		return nil
	case party.LineTwice:
		return []Line{l, l}
	default:
	}
	l.AmountMinor, l.FeeMinor, l.Status = one.StatedMinor, one.StatedFeeMinor, one.StatedStatus
	return []Line{l}
}

// strangers are the lines of orders that nobody sent.
func (b bends) strangers(day time.Time) []Line {
	var list []Line
	for _, one := range b.unknown {
		list = append(list, Line{Kind: one.TradeKind, RequestNo: one.RequestNo, ChannelNo: one.ChannelNo, AmountMinor: one.StatedMinor,
			FeeMinor: one.StatedFeeMinor, Status: one.StatedStatus, FinishedMS: day.Add(noon).UnixMilli()})
	}
	return list
}
