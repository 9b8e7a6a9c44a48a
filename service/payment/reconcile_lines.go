package payment

import (
	"crypto/sha256"
	"fmt"

	"github.com/hengdai/hengdai/domain/calendar"
	"github.com/hengdai/hengdai/domain/ledger"
	"github.com/hengdai/hengdai/domain/payment"
	"github.com/hengdai/hengdai/domain/reconcile"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/id"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/service/payment/channel"
	"github.com/hengdai/hengdai/service/payment/rows"
)

const (
	fromStatement  = "statement"
	actorStatement = "statement"

	linePosted = "POSTED"
)

// held is what we hold behind an item.
type held struct {
	attempt rows.PaymentAttempt
	order   rows.PaymentOrder
}

var itemKinds = map[payment.Kind]reconcile.Kind{
	payment.Disbursement: reconcile.Payout, payment.Refund: reconcile.Refund, payment.Debit: reconcile.Collect, payment.Repayment: reconcile.Collect,
}

func itemState(s payment.AttemptState) reconcile.State {
	switch s {
	case payment.Prepared:
		return reconcile.Unsent
	case payment.Success, payment.Returned, payment.Contradicted:
		return reconcile.Moved
	case payment.FailedFinal:
		return reconcile.Gone
	case payment.Submitting, payment.Processing, payment.Unknown:
	}
	return reconcile.Open
}

// compare gives lines their class and does what follows from it, each with its row.
func (p *pass) compare(lines []reconcile.Line) error {
	book := reconcile.Book{Earlier: map[reconcile.Key]bool{}}
	have := map[int64]*held{}
	for i := range lines {
		if err := p.gather(&lines[i], &book, have); err != nil {
			return err
		}
	}
	for _, r := range reconcile.Join(lines, book) {
		if err := p.carry(r, have); err != nil {
			return errs.Wrap(err, fmt.Sprintf("line %d", r.Line.Number))
		}
	}
	return nil
}

// gather reads what a line may speak of.
func (p *pass) gather(l *reconcile.Line, book *reconcile.Book, have map[int64]*held) error {
	attemptID := attemptOf(l.OurNo)
	if attemptID != 0 && have[attemptID] == nil {
		if err := p.hold(attemptID, book, have); err != nil {
			return err
		}
	}
	earlier, err := p.q.LinesByNumber(p.ctx, rows.LinesByNumberParams{Bucket: bucketFor(l, have[attemptID]), Channel: p.row.Channel, ChannelNo: l.ChannelNo})
	if err != nil {
		return errs.Wrap(err, "looking for a line")
	}
	for i := range earlier {
		if earlier[i].Status == string(reconcile.Success) {
			book.Earlier[reconcile.Key{ChannelNo: earlier[i].ChannelNo, Kind: reconcile.Kind(earlier[i].Kind)}] = true
		}
	}
	return nil
}

// hold reads an attempt with its order, if there is one at this channel.
func (p *pass) hold(attemptID int64, book *reconcile.Book, have map[int64]*held) error {
	a, err := orderOfAttempt(p.ctx, p.q, attemptID)
	if noRow(err) || (err == nil && a.Channel != p.row.Channel) {
		return nil
	}
	if err != nil {
		return errs.Wrap(err, "reading an attempt")
	}
	o, err := order(p.ctx, p.q, a.OrderID)
	if err != nil {
		return err
	}
	have[attemptID] = &held{attempt: a, order: o}
	it, err := p.item(have[attemptID])
	book.Items = append(book.Items, it)
	return err
}

// bucketFor is where a line lies: in the bucket of its order, or, if it is nobody's, in that of the hash of its number.
func bucketFor(l *reconcile.Line, h *held) int64 {
	if h != nil {
		return h.attempt.Bucket
	}
	sum := sha256.Sum256([]byte(l.ChannelNo))
	return int64(sum[0])<<2 | int64(sum[1])>>6
}

// item makes of an attempt what a statement can speak of.
func (p *pass) item(h *held) (reconcile.Item, error) {
	a := &h.attempt
	it := reconcile.Item{
		ID: a.AttemptID, OrderID: a.OrderID, Kind: itemKinds[payment.Kind(h.order.Kind)], OurNo: a.RequestNo, ChannelNo: a.ChannelNo,
		AmountMinor: a.AmountMinor, State: itemState(payment.AttemptState(a.State)), Stated: a.StatedOn != "",
	}
	if terms, known := p.l.profile.Terms[payment.Kind(h.order.Kind)]; known {
		it.FeeMinor, it.FeeKnown = terms.Fee.Of(it.AmountMinor), true
	}
	var err error
	if a.SettledOn != "" {
		if it.SettledOn, err = calendar.Parse(a.SettledOn); err != nil {
			return it, errs.Wrap(err, "settlement date of an attempt")
		}
	}
	if payment.AttemptState(a.State) == payment.Returned {
		back, err := p.q.BackOf(p.ctx, rows.BackOfParams{Bucket: a.Bucket, AttemptID: a.AttemptID})
		if err != nil && !noRow(err) {
			return it, errs.Wrap(err, "reading a return")
		}
		it.Returned, it.ReturnStated = err == nil, back.StatedOn != ""
	}
	if it.State == reconcile.Gone {
		all, err := attempts(p.ctx, p.q, a.OrderID)
		if err != nil {
			return it, err
		}
		for i := range all {
			it.OthersMoved = it.OthersMoved || (all[i].AttemptID != a.AttemptID && itemState(payment.AttemptState(all[i].State)) == reconcile.Moved)
		}
	}
	return it, nil
}

// carry does what follows from a line: what it proves is learned, what the bank did is booked, the item is settled, and
// what is left over is kept as a difference.
func (p *pass) carry(r reconcile.Result, have map[int64]*held) error {
	l := r.Line
	var h *held
	if r.Item != nil {
		h = have[r.Item.ID]
	}
	row := rows.PaymentLine{
		Bucket: bucketFor(l, h), Channel: p.row.Channel, SettledOn: p.row.SettledOn, FileVersion: p.file.Version, Number: l.Number, Kind: string(l.Kind),
		RequestNo: l.OurNo, ChannelNo: l.ChannelNo, OriginalNo: l.OriginalNo, AmountMinor: l.AmountMinor, FeeMinor: l.FeeMinor,
		Status: string(l.Status), MovedOn: l.MovedOn.String(), Class: string(r.Class), State: linePosted,
	}
	if h != nil {
		row.OrderID, row.AttemptID = h.order.OrderID, h.attempt.AttemptID
	}
	var err error
	if r.Learn {
		if err := p.learn(h, r); err != nil {
			return err
		}
	}
	if row.TransactionID, err = p.bookLine(l, row.Bucket, h); err != nil {
		return err
	}
	if r.Takes {
		row.Took = 1
		if err := p.take(h, l.Kind.Back()); err != nil {
			return err
		}
	}
	if r.Class != reconcile.Match {
		if row.DifferenceID, err = p.leave(r, row.Bucket); err != nil {
			return err
		}
	}
	class := string(r.Class)
	p.tx.AfterCommit(func() { p.s.reckoned.lines.WithLabelValues(p.row.Channel, class).Inc() })
	return errs.Wrap(p.q.InsertLine(p.ctx, rows.InsertLineParams{
		Bucket: row.Bucket, Channel: row.Channel, SettledOn: row.SettledOn, FileVersion: row.FileVersion, Number: row.Number, Kind: row.Kind,
		RequestNo: row.RequestNo, ChannelNo: row.ChannelNo, OriginalNo: row.OriginalNo, AmountMinor: row.AmountMinor, FeeMinor: row.FeeMinor,
		Status: row.Status, MovedOn: row.MovedOn, Class: row.Class, Took: row.Took, OrderID: row.OrderID, AttemptID: row.AttemptID,
		DifferenceID: row.DifferenceID, TransactionID: row.TransactionID, State: row.State,
	}), "keeping a line")
}

// lineOf makes a line of its row.
func lineOf(r *rows.PaymentLine) reconcile.Line {
	on, _ := calendar.Parse(r.SettledOn) // both were written as dates
	moved, _ := calendar.Parse(r.MovedOn)
	return reconcile.Line{
		Number: r.Number, Kind: reconcile.Kind(r.Kind), OurNo: r.RequestNo, ChannelNo: r.ChannelNo, OriginalNo: r.OriginalNo,
		AmountMinor: r.AmountMinor, FeeMinor: r.FeeMinor, Status: reconcile.Status(r.Status), SettledOn: on, MovedOn: moved,
	}
}

// learn takes the line in as the channel's word that the money moved, where every word about an attempt is taken in.
func (p *pass) learn(h *held, r reconcile.Result) error {
	u, err := p.s.unit(p.tx, h.order.OrderID, actorStatement)
	if err != nil {
		return err
	}
	a := u.attempt(h.attempt.AttemptID)
	if a == nil {
		return errNoOrder
	}
	digest := sha256.Sum256(p.file.Content)
	l := r.Line
	w := word{source: fromStatement, outcome: payment.Outcome{Verdict: payment.Succeeded}, reply: channel.Reply{Digest: digest[:], Answer: payment.Answer{
		Status: payment.SaidSuccess, Code: "STATEMENT", Message: fmt.Sprintf("line %d of %s, version %d", l.Number, p.file.Name, p.file.Version),
		RequestNo: l.OurNo, ChannelNo: l.ChannelNo, AmountMinor: l.AmountMinor, FeeMinor: max(l.FeeMinor, 0), SettledOn: l.SettledOn.String(), MovedOn: l.MovedOn.String(),
	}}}
	if err := u.learn(a, w); err != nil {
		return err
	}
	h.attempt, h.order = *a, u.order
	if itemState(payment.AttemptState(a.State)) != reconcile.Moved {
		return errs.New(errs.Internal, "payment.statement_not_learned", "对账文件的结果未能入账。", "What the statement proves could not be taken in.")
	}
	return nil
}

// bookLine books what the bank did, in the line's bucket, under the open date, with the settlement date as value date.
func (p *pass) bookLine(l *reconcile.Line, bucket int64, h *held) (int64, error) {
	event, entries := reconcile.Settled(p.row.Channel, *l)
	if len(entries) == 0 {
		return 0, nil
	}
	t := ledger.Transaction{ID: p.s.deps.IDs.New(bucket), Event: event, Bucket: bucket, ValueOn: l.SettledOn, Entries: entries}
	userID := int64(0)
	if h != nil {
		t.Subject, userID = h.order.OrderID, h.order.UserID
	}
	_, err := p.s.journal.book(p.tx, userID, t)
	return t.ID, errs.Wrap(err, "booking a line")
}

// take notes that an attempt, or its return, is stated.
func (p *pass) take(h *held, back bool) error {
	a := &h.attempt
	if back {
		n, err := p.q.StateBack(p.ctx, rows.StateBackParams{StatedOn: p.row.SettledOn, Bucket: a.Bucket, AttemptID: a.AttemptID})
		return errs.Wrap(store.One(n, err, errStale), "settling a return")
	}
	n, err := p.q.StateAttempt(p.ctx, rows.StateAttemptParams{StatedOn: p.row.SettledOn, Bucket: a.Bucket, AttemptID: a.AttemptID, Version: a.Version})
	if err := store.One(n, err, errStale); err != nil {
		return errs.Wrap(err, "settling an attempt")
	}
	a.Version++
	if a.SettledOn == p.row.SettledOn && p.file.Version == 1 {
		return nil // no earlier file can have missed it
	}
	return p.found(a.Bucket, a.AttemptID)
}

// found ends the difference of an item that only we had, now that a line has come.
func (p *pass) found(bucket, attemptID int64) error {
	list, err := p.q.DifferencesOfAttempt(p.ctx, rows.DifferencesOfAttemptParams{Bucket: bucket, AttemptID: attemptID})
	if err != nil {
		return errs.Wrap(err, "looking for a difference")
	}
	for i := range list {
		if d := &list[i]; d.Class == string(reconcile.OursOnly) && d.Side == sideMain {
			if err := p.end(d, outcomeCame); err != nil {
				return err
			}
		}
	}
	return nil
}

// undo takes a line back that a reissued file does not state any more: what it booked is reversed, what it settled is
// looked for again, and the difference it left is withdrawn.
func (p *pass) undo(row *rows.PaymentLine) error {
	l := lineOf(row)
	if event, entries := reconcile.Settled(row.Channel, l); len(entries) > 0 {
		t := ledger.Transaction{ID: row.TransactionID, Event: event, Subject: row.OrderID, Bucket: row.Bucket, ValueOn: l.SettledOn, Entries: entries}
		if _, err := p.s.journal.book(p.tx, 0, t.Reversal(p.s.deps.IDs.New(row.Bucket), l.SettledOn)); err != nil {
			return errs.Wrap(err, "reversing a line")
		}
	}
	n, err := p.q.UndoLine(p.ctx, rows.UndoLineParams{
		Bucket: row.Bucket, Channel: row.Channel, SettledOn: row.SettledOn, FileVersion: row.FileVersion, Number: row.Number,
	})
	if err := store.One(n, err, errStale); err != nil {
		return errs.Wrap(err, "taking a line back")
	}
	left := -l.Moved() // what the line left in transit
	if row.Took != 0 {
		booked, err := p.free(row, l.Kind.Back())
		if err != nil {
			return err
		}
		left += booked
	}
	if row.DifferenceID == 0 {
		return nil
	}
	d, err := p.q.DifferenceByID(p.ctx, rows.DifferenceByIDParams{Bucket: id.Bucket(row.DifferenceID), DifferenceID: row.DifferenceID})
	if err != nil {
		return errs.Wrap(err, "reading a difference")
	}
	d.OpenMinor -= left
	if d.OpenMinor == 0 && d.State != differenceClosed {
		return p.end(&d, outcomeWithdrawn)
	}
	if d.OpenMinor == 0 {
		return nil
	}
	return p.reopen(&d) // two people had corrected it already: their entries stand where nothing is left to correct
}

// free makes an attempt, or its return, one that no file has stated, and answers what it holds in transit.
func (p *pass) free(row *rows.PaymentLine, back bool) (int64, error) {
	key := rows.BackOfParams{Bucket: row.Bucket, AttemptID: row.AttemptID}
	if back {
		b, err := p.q.BackOf(p.ctx, key)
		if err == nil {
			_, err = p.q.StateBack(p.ctx, rows.StateBackParams{Bucket: row.Bucket, AttemptID: row.AttemptID})
		}
		return b.AmountMinor, errs.Wrap(err, "freeing a return")
	}
	a, err := orderOfAttempt(p.ctx, p.q, row.AttemptID)
	if err != nil {
		return 0, errs.Wrap(err, "reading an attempt")
	}
	n, err := p.q.StateAttempt(p.ctx, rows.StateAttemptParams{Bucket: a.Bucket, AttemptID: a.AttemptID, Version: a.Version})
	if err := store.One(n, err, errStale); err != nil {
		return 0, errs.Wrap(err, "freeing an attempt")
	}
	o, err := order(p.ctx, p.q, a.OrderID)
	if err != nil {
		return 0, err
	}
	return inTransit(&o, a.AmountMinor), nil
}

// inTransit is what an order's movement holds in transit: positive if it came in.
func inTransit(o *rows.PaymentOrder, amountMinor int64) int64 {
	if payment.Kind(o.Kind).Out() {
		return -amountMinor
	}
	return amountMinor
}
