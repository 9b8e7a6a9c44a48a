package invariant

import (
	"context"
	"database/sql"
	"strings"
)

// stated is a line of a statement as payment keeps it, of those that still count.
type stated struct {
	channel, on, kind string
	amount, fee       int64
	failed            bool
}

// gross is what a line did to the money in transit, net what it did to the bank's account: positive if it came in.
func (s stated) gross() int64 {
	switch {
	case s.failed:
		return 0
	case s.kind == "COLLECT" || s.kind == "RETURN":
		return s.amount
	}
	return -s.amount
}

func (s stated) net() int64 {
	if s.failed {
		return 0
	}
	return s.gross() - s.fee
}

func (l *look) stated(ctx context.Context) ([]stated, error) {
	return once(&l.statedRead, func() ([]stated, error) {
		return rows(ctx, l.books, "payment", `SELECT channel, settled_on, kind, amount_minor, fee_minor, status <> 'SUCCESS' FROM payment_line
			WHERE state = 'POSTED'`, func(r *sql.Rows, s *stated) error {
			return r.Scan(&s.channel, &s.on, &s.kind, &s.amount, &s.fee, &s.failed)
		})
	})
}

// transit: account 3001 of each channel is what our orders moved there, both ways, less what its files have settled.
func transit(ctx context.Context, l *look, f *finding) error {
	d, err := l.dealings(ctx)
	if err != nil {
		return err
	}
	entries, err := l.cash(ctx)
	if err != nil {
		return err
	}
	lines, err := l.stated(ctx)
	if err != nil {
		return err
	}
	is, should := map[string]int64{}, map[string]int64{}
	for _, e := range entries {
		channel, found := strings.CutPrefix(e.account, "3001.")
		if !found {
			continue
		}
		is[channel] += e.amount
		if e.event == "recoverable.in" || e.event == "recoverable.came" || strings.HasPrefix(e.event, "unidentified") {
			should[channel] += e.amount // what two people corrected, for the side that the channel or we lack
		}
	}
	for _, a := range d.attempts {
		o := d.order[a.order]
		if o == nil || !a.moved() {
			continue
		}
		amount := a.amount
		if !o.in() {
			amount = -amount
		}
		should[a.channel] += amount
		if a.state == "RETURNED" {
			should[a.channel] -= amount
		}
	}
	for _, s := range lines {
		should[s.channel] -= s.gross()
	}
	for channel := range should {
		is[channel] += 0
	}
	for channel, balance := range is {
		same(f, balance, should[channel], "3001.%s", channel)
	}
	return nil
}

// statementDay is a settlement date as payment keeps it.
type statementDay struct {
	channel, account, on, state                    string
	version, lines, in, out, fee, opening, closing int64
}

func (l *look) statementDays(ctx context.Context) ([]statementDay, error) {
	return rows(ctx, l.books, "payment", `SELECT channel, account, settled_on, state, file_version, line_count, in_minor, out_minor, fee_minor, opening_minor, closing_minor
		FROM payment_statement ORDER BY channel, account, settled_on`, func(r *sql.Rows, s *statementDay) error {
		return r.Scan(&s.channel, &s.account, &s.on, &s.state, &s.version, &s.lines, &s.in, &s.out, &s.fee, &s.opening, &s.closing)
	})
}

// bankMoved: account 1002 is what the channels' own journals moved on the days whose files are here, fees taken off.
func bankMoved(ctx context.Context, l *look, f *finding) error {
	entries, err := l.cash(ctx)
	if err != nil {
		return err
	}
	days, err := l.statementDays(ctx)
	if err != nil {
		return err
	}
	here := map[[2]string]bool{}
	for _, d := range days {
		here[[2]string{d.channel, d.on}] = d.version > 0
	}
	var is, should int64
	for _, e := range entries {
		if e.account == "1002" {
			is += e.amount
		}
	}
	// A line that a file was made to tell a day late counts on that day.
	err = l.books.each(ctx, "sandbox", `SELECT j.party, CASE WHEN b.id IS NULL THEN j.settled_on ELSE date(j.settled_on, '+1 day') END, j.kind, j.amount_minor, j.fee_minor
		FROM journal j LEFT JOIN break b ON b.party = j.party AND b.channel_no = j.channel_no AND b.kind = 'line_shifted' AND b.healed = 0
		WHERE j.status = 'SUCCESS' AND j.kind IN ('PAYOUT', 'COLLECT', 'REFUND', 'RETURN', 'CHARGEBACK')`, func(r *sql.Rows) error {
		var s stated
		if err := r.Scan(&s.channel, &s.on, &s.kind, &s.amount, &s.fee); err != nil {
			return err
		}
		if here[[2]string{s.channel, s.on}] {
			should += s.net()
		}
		return nil
	})
	if err != nil {
		return err
	}
	same(f, is, should, "1002")
	return nil
}

// openDays is how many of the newest days of a channel may still be open when the books are looked at.
const openDays = 2

// statementsTie: every day that is closed has figures that agree, from day to day and with its lines, and none but the
// newest is open.
func statementsTie(ctx context.Context, l *look, f *finding) error {
	days, err := l.statementDays(ctx)
	if err != nil {
		return err
	}
	lines, err := l.stated(ctx)
	if err != nil {
		return err
	}
	type sums struct{ lines, in, out, fee int64 }
	of := map[[2]string]sums{}
	for _, s := range lines {
		key := [2]string{s.channel, s.on}
		t := of[key]
		t.lines++
		if !s.failed {
			t.fee += s.fee
			if s.gross() > 0 {
				t.in += s.amount
			} else {
				t.out += s.amount
			}
		}
		of[key] = t
	}
	for i, d := range days {
		next := i + 1
		last := next == len(days) || days[next].channel != d.channel || days[next].account != d.account
		if d.state != "CLOSED" {
			far := i+openDays < len(days) && days[i+openDays].channel == d.channel && days[i+openDays].account == d.account
			same(f, far, false, "%s of %s is %s: left open behind later days", d.on, d.channel, d.state)
			continue
		}
		same(f, of[[2]string{d.channel, d.on}], sums{d.lines, d.in, d.out, d.fee}, "%s of %s: lines, in, out, fees", d.on, d.channel)
		same(f, d.opening+d.in-d.out-d.fee, d.closing, "%s of %s: the bank's closing", d.on, d.channel)
		if !last && days[next].state == "CLOSED" {
			same(f, days[next].opening, d.closing, "%s of %s: the bank's opening", days[next].on, d.channel)
			today, err := dayOf(d.on)
			if err != nil {
				return err
			}
			same(f, days[next].on, (today + 1).String(), "the day of %s after %s", d.channel, d.on)
		}
	}
	return l.runsTie(ctx, f)
}

// runsTie: the comparisons of an account follow each other, and each agrees with itself.
func (l *look) runsTie(ctx context.Context, f *finding) error {
	type run struct{ n, closing int64 }
	last := map[string]run{}
	err := l.books.each(ctx, "payment", `SELECT channel, account, settled_on, run, opening_minor, moved_minor, settled_minor, closing_minor, later_minor, journal_minor, ties
		FROM payment_close ORDER BY channel, account, run`, func(r *sql.Rows) error {
		var channel, account, on string
		var n, opening, moved, settled, closing, later, journal, ties int64
		if err := r.Scan(&channel, &account, &on, &n, &opening, &moved, &settled, &closing, &later, &journal, &ties); err != nil {
			return err
		}
		before := last[channel+"/"+account]
		same(f, [2]int64{n, opening}, [2]int64{before.n + 1, before.closing}, "%s of %s: run and opening", on, channel)
		if ties != 0 {
			same(f, opening+moved-settled, closing, "%s of %s: closing in transit", on, channel)
			same(f, journal, closing+later, "%s of %s: the journal's 3001", on, channel)
		}
		last[channel+"/"+account] = run{n, closing}
		return nil
	})
	return err
}
