package payment

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"slices"

	"github.com/hengdai/hengdai/domain/calendar"
	"github.com/hengdai/hengdai/domain/reconcile"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/id"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/service/payment/channel"
	"github.com/hengdai/hengdai/service/payment/rows"
)

// wholeMax is how many lines are compared in one commit with everything else of their day. A larger file is taken in
// portions, each of one partition.
const wholeMax = 100

// reckoning compares one believed file with what we hold.
type reckoning struct {
	s         *Service
	l         *line
	day       calendar.Date
	file      channel.StatementFile
	statement reconcile.Statement
	// begun says that the file was accepted in an earlier commit.
	begun bool
}

// pass is one commit of a reckoning.
type pass struct {
	*reckoning
	tx  *store.Tx
	ctx context.Context
	q   *rows.Queries
	row rows.PaymentStatement
}

// in runs one commit of the reckoning, with the day's row read in it. A day that another process has taken further
// meanwhile is left to it.
func (r *reckoning) in(ctx context.Context, work func(p *pass) error) error {
	return r.s.commit(ctx, func(tx *store.Tx) error {
		p := &pass{reckoning: r, tx: tx, ctx: tx.Context(), q: rows.New(tx)}
		var err error
		if p.row, err = dayRow(tx, p.q, r.l, r.day); err != nil {
			return err
		}
		return work(p)
	})
}

// run takes the file in: in one commit if it is small, else in several that go on where a crash has stopped them.
func (r *reckoning) run(ctx context.Context) error {
	if !r.begun && len(r.statement.Lines) <= wholeMax {
		return errs.Wrap(r.in(ctx, func(p *pass) error {
			if goOn, err := p.accept(); err != nil || !goOn {
				return err
			}
			if err := p.compareAll(); err != nil {
				return err
			}
			return p.finish()
		}), "reconciling a day")
	}
	goOn := true
	if !r.begun {
		err := r.in(ctx, func(p *pass) (err error) { goOn, err = p.accept(); return err })
		if err != nil || !goOn {
			return errs.Wrap(err, "accepting a statement")
		}
	}
	var left []reconcile.Line
	err := r.in(ctx, func(p *pass) (err error) { left, err = p.left(); return err })
	for _, portion := range portions(left) {
		if err != nil {
			break
		}
		err = r.in(ctx, func(p *pass) error { return p.compare(portion) })
	}
	if err == nil {
		err = r.in(ctx, func(p *pass) error { return p.finish() })
	}
	return errs.Wrap(err, "reconciling a day")
}

// accept keeps the file and believes it from now on. False says that it is already believed, or older than what is.
func (p *pass) accept() (bool, error) {
	now := p.s.deps.Clock.Now()
	p.row.Asks++
	p.row.AskedMs = now.UnixMilli()
	had, err := p.q.FilesOfDay(p.ctx, rows.FilesOfDayParams{Channel: p.row.Channel, Account: p.row.Account, SettledOn: p.row.SettledOn})
	if err != nil {
		return false, errs.Wrap(err, "reading a day's files")
	}
	digest := sha256.Sum256(p.file.Content)
	if p.row.FileVersion > 0 && p.file.Version <= p.row.FileVersion {
		same := slices.ContainsFunc(had, func(f rows.FilesOfDayRow) bool {
			return f.State == fileAccepted && f.FileVersion == p.file.Version && bytes.Equal(f.Digest, digest[:])
		})
		if !same { // a version that was given out never changes
			refusedBefore := slices.ContainsFunc(had, func(f rows.FilesOfDayRow) bool { return bytes.Equal(f.Digest, digest[:]) })
			if !refusedBefore {
				err = keepFile(p.q, p.tx, &p.row, p.file, int64(len(had)+1), fileRefused, reasonVersion, "another file under a version that was given out", now.UnixMilli())
			}
			if err != nil {
				return false, err
			}
		}
		return false, p.again()
	}
	if err := keepFile(p.q, p.tx, &p.row, p.file, int64(len(had)+1), fileAccepted, "", "", now.UnixMilli()); err != nil {
		return false, err
	}
	t := p.statement.Totals
	p.row.State, p.row.Reason, p.row.FileVersion, p.row.LineCount = dayReceived, "", p.file.Version, t.Count
	p.row.InMinor, p.row.OutMinor, p.row.FeeMinor, p.row.OpeningMinor, p.row.ClosingMinor = t.InMinor, t.OutMinor, t.FeeMinor, t.OpeningMinor, t.ClosingMinor
	p.row.ReceivedMs, p.row.NextMs, p.row.ClosedMs = now.UnixMilli(), now.UnixMilli(), 0
	return true, saveDay(p.tx, p.q, &p.row)
}

// again looks once more whether an unchanged day can be closed, and notes when it is asked for next.
func (p *pass) again() error {
	switch p.row.Reason {
	case reasonBefore, reasonOpening:
		if err := p.tryClose(&p.row); err != nil {
			return err
		}
	case reasonTransit, reasonBank:
		return p.finish()
	}
	if err := p.schedule(); err != nil {
		return err
	}
	if err := saveDay(p.tx, p.q, &p.row); err != nil {
		return err
	}
	return p.closeLater()
}

// compareAll compares every line that was not compared yet.
func (p *pass) compareAll() error {
	left, err := p.left()
	if err != nil {
		return err
	}
	return p.compare(left)
}

// left answers the lines that are still to be compared. What a former version of the file stated and this one does not
// is undone; what both state stands as it is.
func (p *pass) left() ([]reconcile.Line, error) {
	done, err := p.q.LinesOfDay(p.ctx, rows.LinesOfDayParams{Channel: p.row.Channel, SettledOn: p.row.SettledOn})
	if err != nil {
		return nil, errs.Wrap(err, "reading the lines of a day")
	}
	var former []reconcile.Line
	var of []*rows.PaymentLine
	for i := range done {
		if done[i].State == linePosted {
			former = append(former, lineOf(&done[i]))
			of = append(of, &done[i])
		}
	}
	if len(former) == 0 {
		return p.statement.Lines, nil
	}
	change := reconcile.Diff(former, p.statement.Lines)
	gone := map[int64]int{} // by place and version, so that two equal lines are two
	for _, l := range change.Removed {
		gone[l.Number]++
	}
	for i, l := range former {
		if gone[l.Number] == 0 || !slices.Contains(change.Removed, l) {
			continue
		}
		if of[i].FileVersion == p.file.Version {
			continue // of this very version: a crash came in between, and it stands
		}
		gone[l.Number]--
		if err := p.undo(of[i]); err != nil {
			return nil, err
		}
	}
	return change.Added, nil
}

// portions cuts lines into commits: by partition, so that a commit of a sharded database stays in few shards, and never
// between two lines that name the same number.
func portions(lines []reconcile.Line) [][]reconcile.Line {
	part := func(l *reconcile.Line) int32 { return id.Partition(bucketOfLine(l)) }
	slices.SortStableFunc(lines, func(a, b reconcile.Line) int {
		return cmp.Or(cmp.Compare(part(&a), part(&b)), cmp.Compare(bucketOfLine(&a), bucketOfLine(&b)), cmp.Compare(a.OurNo, b.OurNo), cmp.Compare(a.ChannelNo, b.ChannelNo))
	})
	var cut [][]reconcile.Line
	from := 0
	for i := range lines {
		if i == 0 || i-from < wholeMax && part(&lines[i]) == part(&lines[i-1]) {
			continue
		}
		if a, b := &lines[i], &lines[i-1]; a.OurNo == b.OurNo && (a.OurNo != "" || a.ChannelNo == b.ChannelNo) {
			continue
		}
		cut = append(cut, lines[from:i])
		from = i
	}
	if from < len(lines) {
		cut = append(cut, lines[from:])
	}
	return cut
}

// bucketOfLine is where a line will lie if what it names is ours.
func bucketOfLine(l *reconcile.Line) int64 {
	if attemptID := attemptOf(l.OurNo); attemptID > 0 {
		return id.Bucket(attemptID)
	}
	return bucketFor(l, nil)
}
