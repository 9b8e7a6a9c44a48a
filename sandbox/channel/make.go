package channel

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"time"

	"github.com/hengdai/hengdai/kit/clock"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/sandbox/party"
)

// What a fault waits for its right version, unless its rule says.
const (
	lateFor     = 25 * time.Hour
	reissuedFor = time.Hour
)

// makeUpTo makes the files of a merchant up to a day, from his first or from where they end.
func (c *Channel) makeUpTo(ctx context.Context, merchantID, first, date string) error {
	c.making.Lock()
	defer c.making.Unlock()
	pick := c.desk.Faults.Pick()
	ctx = context.WithoutCancel(ctx)
	return c.desk.DB.Write(ctx, func(tx *store.Tx) error {
		pick.Reset()
		last, opening, err := c.lastDay(ctx, tx, merchantID)
		if err != nil {
			return err
		}
		next := first
		if last != "" {
			next = dayOf(last).AddDate(0, 0, 1).Format(time.DateOnly)
		}
		for day := dayOf(next); day.Format(time.DateOnly) <= date; day = day.AddDate(0, 0, 1) {
			if opening, err = c.makeDay(ctx, tx, pick, merchantID, day, opening); err != nil {
				return errs.Wrap(err, "making the statement of "+day.Format(time.DateOnly))
			}
		}
		return pick.Keep(ctx, tx)
	})
}

// dayOf reads a date that the sandbox wrote itself.
func dayOf(date string) time.Time {
	day, err := time.ParseInLocation(time.DateOnly, date, clock.Shanghai)
	if err != nil {
		return time.Time{}
	}
	return day
}

// makeDay makes the versions of a day that faults or none of them want, and answers the closing balance.
func (c *Channel) makeDay(ctx context.Context, tx *store.Tx, pick *party.Pick, merchantID string, day time.Time, opening int64) (int64, error) {
	if err := c.bendLines(ctx, tx, pick, merchantID, day); err != nil {
		return 0, err
	}
	right := Statement{MerchantID: merchantID, Day: day, Version: 1, OpeningMinor: opening}
	var err error
	if right.Lines, err = c.lines(ctx, tx, merchantID, day); err != nil {
		return 0, err
	}
	right.add()
	date := day.Format(time.DateOnly)
	rule, flawed := pick.Choose(c.terms.Party, date, date+" "+merchantID, party.FileFaults)
	if !flawed {
		m, err := c.render(right, ReadyAt(day).UnixMilli())
		if err != nil {
			return 0, err
		}
		return right.ClosingMinor, c.keepMade(ctx, tx, m)
	}
	return right.ClosingMinor, c.makeFlawed(ctx, tx, rule, right)
}

// makeFlawed makes a day whose file a fault spoils: late, missing, or wrong first and right in version 2.
func (c *Channel) makeFlawed(ctx context.Context, tx *store.Tx, rule party.Rule, right Statement) error {
	out := ReadyAt(right.Day)
	cure := int64(never)
	switch {
	case rule.DelayMS > 0:
		cure = out.Add(time.Duration(rule.DelayMS) * time.Millisecond).UnixMilli()
	case rule.Kind == party.FileLate:
		cure = out.Add(lateFor).UnixMilli()
	case rule.Kind == party.FileReissued:
		cure = out.Add(reissuedFor).UnixMilli()
	}
	b := Break{MerchantID: right.MerchantID, Day: right.Day.Format(time.DateOnly), Kind: string(rule.Kind), Finding: findings[rule.Kind]}
	if cure != never {
		b.ReadyMS = cure
	}
	if rule.Kind == party.FileLate || rule.Kind == party.FileMissing {
		m, err := c.render(right, cure)
		if err != nil {
			return err
		}
		m.Fault = string(rule.Kind)
		if err := c.keepMade(ctx, tx, m); err != nil {
			return err
		}
		return c.keepBreak(ctx, tx, b)
	}
	wrong, err := c.spoil(rule, right, &b)
	if err != nil {
		return err
	}
	if err := c.keepMade(ctx, tx, wrong); err != nil {
		return err
	}
	if cure != never {
		right.Version = 2
		m, err := c.render(right, cure)
		if err != nil {
			return err
		}
		if err := c.keepMade(ctx, tx, m); err != nil {
			return err
		}
	}
	return c.keepBreak(ctx, tx, b)
}

// spoil makes the wrong first version of a file.
func (c *Channel) spoil(rule party.Rule, right Statement, b *Break) (Made, error) {
	given := right
	switch rule.Kind {
	case party.FileReissued:
		given = c.otherwise(rule, right, b)
	case party.FileTotals:
		given.InMinor += 100
	default:
	}
	m, err := c.render(given, ReadyAt(right.Day).UnixMilli())
	if err != nil {
		return Made{}, err
	}
	file, err := c.terms.Render(given)
	if err != nil {
		return Made{}, err
	}
	switch rule.Kind {
	case party.FileHash:
		m.SHA256 = hexSum(append([]byte("x"), m.Content...))
	case party.FileCut:
		m.Content = cut(m.Content)
		m.SHA256 = hexSum(m.Content)
	case party.FileWidth:
		m.Content = file.Narrow
		m.SHA256 = hexSum(m.Content)
	default:
	}
	m.Fault = string(rule.Kind)
	if rule.Kind != party.FileReissued {
		// The account is as the right file says.
		m.ClosingMinor = right.ClosingMinor
	}
	return m, nil
}

// otherwise answers a statement without one of its lines, or with one too many if it has none.
func (c *Channel) otherwise(rule party.Rule, right Statement, b *Break) Statement {
	given := right
	given.Lines = nil
	if n := int64(len(right.Lines)); n > 0 {
		gone := party.Draw(rule.Seed, c.terms.Party, "reissued", b.Day) % n
		given.Lines = append(append(given.Lines, right.Lines[:gone]...), right.Lines[gone+1:]...)
		b.of(right.Lines[gone])
	} else {
		l := c.stranger(rule, right.MerchantID, right.Day)
		given.Lines = []Line{l}
		b.states(l)
	}
	given.add()
	return given
}

// cut answers the content as it is when its transmission ends in the middle of a line.
func cut(content []byte) []byte {
	if len(content) < 20 {
		return []byte("S")
	}
	return content[:len(content)-len(content)/3-3]
}

func (c *Channel) render(s Statement, readyMS int64) (Made, error) {
	f, err := c.terms.Render(s)
	if err != nil {
		return Made{}, err
	}
	return Made{Party: c.terms.Party, MerchantID: s.MerchantID, Day: s.Day.Format(time.DateOnly), Version: s.Version, ReadyMS: readyMS,
		Name: f.Name, Lines: int64(len(s.Lines)), InMinor: s.InMinor, OutMinor: s.OutMinor, FeeMinor: s.FeeMinor,
		OpeningMinor: s.OpeningMinor, ClosingMinor: s.ClosingMinor, Content: f.Content, SHA256: hexSum(f.Content), Summary: f.Summary}, nil
}

func hexSum(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
