package invariant

import (
	"context"
	"database/sql"
)

// effect is what a party's own journal says that it did with money, successfully.
type effect struct {
	seq, amount, atMS                 int64
	party, kind, requestNo, channelNo string
}

// in says that money came to us.
func (e effect) in() bool { return e.kind == "COLLECT" }

// attempt is one attempt of an order at a channel.
type attempt struct {
	bucket, id, order, amount, liveKey   int64
	channel, requestNo, state, channelNo string
}

// moved says that by our books the money moved.
func (a attempt) moved() bool {
	return a.state == "SUCCESS" || a.state == "RETURNED" || a.state == "CONTRADICTED"
}

// order is an order as payment keeps it.
type order struct {
	bucket, id, user, loan, amount, stopped         int64
	kind, state, channel, channelNo, posting, value string
}

// in says that the order is to bring money to us.
func (o order) in() bool { return o.kind == "debit" || o.kind == "repayment" }

// dealings are payment's orders and attempts beside what the parties did.
type dealings struct {
	effects  []effect
	attempts []attempt
	byNo     map[string]*attempt // by our number at the channel
	orders   []order
	order    map[int64]*order
	// done are the effects of an order; nobody's are those without one.
	done    map[int64][]effect
	nobodys []effect
}

func (l *look) dealings(ctx context.Context) (*dealings, error) {
	return once(&l.dealingsRead, func() (*dealings, error) {
		d := &dealings{byNo: map[string]*attempt{}, order: map[int64]*order{}, done: map[int64][]effect{}}
		var err error
		d.effects, err = rows(ctx, l.books, "sandbox", `SELECT seq, amount_minor, at_ms, party, kind, request_no, channel_no FROM journal
			WHERE status = 'SUCCESS' AND kind IN ('PAYOUT', 'COLLECT', 'REFUND') ORDER BY seq`, func(r *sql.Rows, e *effect) error {
			return r.Scan(&e.seq, &e.amount, &e.atMS, &e.party, &e.kind, &e.requestNo, &e.channelNo)
		})
		if err != nil {
			return nil, err
		}
		d.attempts, err = rows(ctx, l.books, "payment", `SELECT bucket, attempt_id, order_id, amount_minor, channel, request_no, state, channel_no,
			COALESCE(live_key, 0) FROM payment_attempt ORDER BY bucket, attempt_id`, func(r *sql.Rows, a *attempt) error {
			return r.Scan(&a.bucket, &a.id, &a.order, &a.amount, &a.channel, &a.requestNo, &a.state, &a.channelNo, &a.liveKey)
		})
		if err != nil {
			return nil, err
		}
		d.orders, err = rows(ctx, l.books, "payment", `SELECT bucket, order_id, user_id, loan_id, amount_minor, stopped, kind, state, channel, channel_no,
			posting_on, value_on FROM payment_order ORDER BY bucket, order_id`, func(r *sql.Rows, o *order) error {
			return r.Scan(&o.bucket, &o.id, &o.user, &o.loan, &o.amount, &o.stopped, &o.kind, &o.state, &o.channel, &o.channelNo, &o.posting, &o.value)
		})
		d.join()
		return d, err
	})
}

func (d *dealings) join() {
	for i := range d.attempts {
		d.byNo[d.attempts[i].requestNo] = &d.attempts[i]
	}
	for i := range d.orders {
		d.order[d.orders[i].id] = &d.orders[i]
	}
	for _, e := range d.effects {
		a := d.byNo[e.requestNo]
		if a == nil || d.order[a.order] == nil {
			d.nobodys = append(d.nobodys, e)
			continue
		}
		d.done[a.order] = append(d.done[a.order], e)
	}
}

// partyEffects: each thing a party did is one attempt of ours that succeeded, of the same amount, direction and numbers,
// and an order was done once if it is paid and never if it is not.
func partyEffects(ctx context.Context, l *look, f *finding) error {
	d, err := l.dealings(ctx)
	if err != nil {
		return err
	}
	for _, e := range d.nobodys {
		f.wrong("%s did %s of %d (entry %d), for which there is no order", e.party, e.kind, e.amount, e.seq)
	}
	seen := map[string]int{}
	for _, e := range d.effects {
		f.saw(1)
		seen[e.requestNo]++
		a := d.byNo[e.requestNo]
		if a == nil || d.order[a.order] == nil {
			continue
		}
		switch o := d.order[a.order]; {
		case !a.moved():
			f.wrong("%s did %s of %d for attempt %d, which is %s here", e.party, e.kind, e.amount, a.id, a.state)
		case e.amount != a.amount || e.amount != o.amount:
			f.wrong("attempt %d of order %d: %s moved %d, attempt and order say %d and %d", a.id, o.id, e.party, e.amount, a.amount, o.amount)
		case e.in() != o.in():
			f.wrong("order %d (%s): %s did %s", o.id, o.kind, e.party, e.kind)
		case e.party != a.channel || e.channelNo != a.channelNo:
			f.wrong("attempt %d: done by %s under another number than is kept here", a.id, e.party)
		}
	}
	for _, a := range d.attempts {
		if a.moved() && seen[a.requestNo] != 1 {
			f.wrong("attempt %d is %s here; %s did it %d times", a.id, a.state, a.channel, seen[a.requestNo])
		}
	}
	for _, o := range d.orders {
		want := 0
		if o.state == "PAID" || o.state == "RETURNED" {
			want = 1
		}
		same(f, len(d.done[o.id]), want, "order %d is %s: effects at the parties", o.id, o.state)
	}
	return nil
}

// partyCards: at the parties, each card holds what their journal gave and took: their word can be relied on.
func partyCards(ctx context.Context, l *look, f *finding) error {
	moved := map[string]int64{}
	var last int64
	err := l.books.each(ctx, "sandbox", `SELECT seq, kind, card_no, amount_minor, status FROM journal ORDER BY seq`, func(r *sql.Rows) error {
		var seq, amount int64
		var kind, card, status string
		if err := r.Scan(&seq, &kind, &card, &amount, &status); err != nil {
			return err
		}
		same(f, seq, last+1, "place in the parties' journal")
		last = seq
		switch kind {
		case "OPEN", "SET":
			moved[card] += amount
		case "PAYOUT", "REFUND":
			if status == "SUCCESS" {
				moved[card] += amount
			}
		case "COLLECT":
			if status == "SUCCESS" {
				moved[card] -= amount
			}
		case "RETURN":
			moved[card] -= amount
		case "CHARGEBACK":
			moved[card] += amount
		}
		return nil
	})
	if err != nil {
		return err
	}
	n := 0
	return l.books.each(ctx, "sandbox", `SELECT card_no, balance_minor FROM card ORDER BY card_no`, func(r *sql.Rows) error {
		var card string
		var balance int64
		if err := r.Scan(&card, &balance); err != nil {
			return err
		}
		n++ // a card is named by its place, not by its number
		same(f, balance, moved[card], "card in place %d: balance", n)
		return nil
	})
}

// ordersAgree: loan and payment tell the same of each order.
func ordersAgree(ctx context.Context, l *look, f *finding) error {
	d, err := l.dealings(ctx)
	if err != nil {
		return err
	}
	b, err := l.lent(ctx)
	if err != nil {
		return err
	}
	told := map[string]string{
		"PAID": "PAID", "REJECTED": "FAILED", "CANCELLED": "CANCELLED", "RETURNED": "RETURNED",
		"CREATED": "PENDING", "RESERVED": "PENDING", "SENDING": "PENDING", "MANUAL": "PENDING",
	}
	type facts struct {
		user, loan, amount          int64
		kind, state, posting, value string
	}
	seen := map[int64]bool{}
	for _, o := range b.orders {
		p := d.order[o.id]
		seen[o.id] = true
		if p == nil {
			if o.state != "FAILED" && o.state != "CANCELLED" { // payment refused it for good, so it never had it
				f.wrong("order %d is %s at loan and unknown to payment", o.id, o.state)
			}
			continue
		}
		here := facts{o.user, o.loan, o.amount, o.kind, o.state, "", ""}
		there := facts{p.user, p.loan, p.amount, p.kind, told[p.state], "", ""}
		if p.kind == "disbursement" && p.state == "CANCELLED" {
			there.state = "FAILED" // a payout that never left is a failure to loan
		}
		if p.state == "PAID" {
			here.posting, here.value, there.posting, there.value = o.posting, o.value, p.posting, p.value
		}
		same(f, here, there, "order %d, loan and payment", o.id)
	}
	for _, p := range d.orders {
		if !seen[p.id] {
			f.wrong("payment has order %d, which loan never made", p.id)
		}
	}
	return nil
}
