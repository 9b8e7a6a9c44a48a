package payment

import (
	"fmt"
	"strconv"

	"github.com/hengdai/hengdai/domain/payment"
	"github.com/hengdai/hengdai/domain/reconcile"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/service/payment/rows"
)

// The states of a difference, and how one ended.
const (
	differenceWaiting = "WAITING" // one file more may explain it
	differenceBreak   = "BREAK"   // people have it
	differenceClosed  = "CLOSED"

	outcomeCame      = "CAME"      // the other side came after all
	outcomeWithdrawn = "WITHDRAWN" // the file was reissued without it
)

// Which movement of an attempt a difference is about: its own, or its return.
const (
	sideMain = "MAIN"
	sideBack = "BACK"
)

// leave keeps what a line left over.
func (p *pass) leave(r reconcile.Result, bucket int64) (int64, error) {
	l := r.Line
	d := rows.PaymentDifference{
		Bucket: bucket, Class: string(r.Class), SettledOn: p.row.SettledOn, Side: sideMain, Kind: string(l.Kind), RequestNo: l.OurNo, ChannelNo: l.ChannelNo,
		ActualMinor: l.AmountMinor, OpenMinor: r.OpenMinor, State: differenceBreak, Note: r.Note,
	}
	if l.Kind.Back() {
		d.Side = sideBack
	}
	if r.Item != nil {
		d.OrderID, d.AttemptID, d.ExpectedMinor = r.Item.OrderID, r.Item.ID, r.Item.AmountMinor
	}
	if r.Class == reconcile.Fee {
		d.ExpectedMinor, d.ActualMinor = r.Item.FeeMinor, l.FeeMinor
	}
	if r.Class.Waits() {
		d.State = differenceWaiting
	}
	if l.Status != reconcile.Success {
		d.ActualMinor = 0
	}
	if _, err := p.insert(&d); err != nil {
		return 0, err
	}
	if d.State == differenceBreak {
		return d.DifferenceID, p.raise(&d)
	}
	return d.DifferenceID, nil
}

// insert stores a new difference.
func (p *pass) insert(d *rows.PaymentDifference) (int64, error) {
	d.DifferenceID, d.Channel, d.Account, d.Version = p.s.deps.IDs.New(d.Bucket), p.row.Channel, p.row.Account, 1
	d.CreatedMs = p.s.deps.Clock.Now().UnixMilli()
	return d.DifferenceID, errs.Wrap(p.q.InsertDifference(p.ctx, rows.InsertDifferenceParams{
		Bucket: d.Bucket, DifferenceID: d.DifferenceID, Channel: d.Channel, Account: d.Account, Class: d.Class, SettledOn: d.SettledOn, Side: d.Side,
		Kind: d.Kind, RequestNo: d.RequestNo, ChannelNo: d.ChannelNo, OrderID: d.OrderID, AttemptID: d.AttemptID, ExpectedMinor: d.ExpectedMinor,
		ActualMinor: d.ActualMinor, OpenMinor: d.OpenMinor, ParkedMinor: d.ParkedMinor, State: d.State, Outcome: d.Outcome, Note: d.Note,
		BreakID: d.BreakID, CreatedMs: d.CreatedMs, EndedMs: d.EndedMs,
	}), "keeping a difference")
}

func (p *pass) move(d *rows.PaymentDifference) error { return p.s.moveDifference(p.tx, p.q, d) }

// moveDifference writes a difference back by compare-and-set.
func (s *Service) moveDifference(tx *store.Tx, q *rows.Queries, d *rows.PaymentDifference) error {
	n, err := q.MoveDifference(tx.Context(), rows.MoveDifferenceParams{
		OpenMinor: d.OpenMinor, ParkedMinor: d.ParkedMinor, ToState: d.State, Outcome: d.Outcome, BreakID: d.BreakID, EndedMs: d.EndedMs,
		Bucket: d.Bucket, DifferenceID: d.DifferenceID, Version: d.Version,
	})
	d.Version++
	return errs.Wrap(store.One(n, err, errStale), "moving a difference")
}

// raise opens the break of a difference for people.
func (p *pass) raise(d *rows.PaymentDifference) error {
	d.State, d.BreakID = differenceBreak, p.s.deps.IDs.New(d.Bucket)
	class, channelName, day := d.Class, d.Channel, d.SettledOn
	p.tx.AfterCommit(func() {
		p.s.metrics.breaks.WithLabelValues(class).Inc()
		p.s.deps.Logger.Error("a statement does not fit our books and waits for a person", "case", class, "channel", channelName, "day", day)
	})
	if err := p.q.InsertBreak(p.ctx, rows.InsertBreakParams{
		Bucket: d.Bucket, BreakID: d.BreakID, SourceKey: d.Class + "/" + strconv.FormatInt(d.DifferenceID, 10) + "/" + strconv.FormatInt(d.BreakID, 10),
		Kind: d.Class, OrderID: d.OrderID, AttemptID: d.AttemptID, Channel: d.Channel, ExpectedMinor: d.ExpectedMinor, ActualMinor: d.ActualMinor,
		Note: fmt.Sprintf("%s: %s", d.SettledOn, d.Note), CreatedMs: p.s.deps.Clock.Now().UnixMilli(),
	}); err != nil {
		return errs.Wrap(err, "raising a break")
	}
	return p.move(d)
}

// end closes a difference that has explained itself, with its break.
func (p *pass) end(d *rows.PaymentDifference, outcome string) error {
	if d.BreakID != 0 {
		if _, err := p.q.CloseBreak(p.ctx, rows.CloseBreakParams{Bucket: d.Bucket, BreakID: d.BreakID}); err != nil {
			return errs.Wrap(err, "closing a break")
		}
	}
	d.State, d.Outcome, d.OpenMinor, d.EndedMs = differenceClosed, outcome, 0, p.s.deps.Clock.Now().UnixMilli()
	return p.move(d)
}

// reopen gives a difference back to people that they had corrected and that is now out by their correction.
func (p *pass) reopen(d *rows.PaymentDifference) error {
	d.Outcome, d.EndedMs = "", 0
	return p.raise(d)
}

// breakSource names the finding of a break that was raised when an attempt learned something.
func breakSource(what payment.Case, attemptID, actualMinor int64) string {
	return string(what) + "/" + strconv.FormatInt(attemptID, 10) + "/" + strconv.FormatInt(actualMinor, 10)
}
