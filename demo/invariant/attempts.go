package invariant

import (
	"context"
	"database/sql"
	"strconv"
)

func text(id int64) string { return strconv.FormatInt(id, 10) }

// attemptsSound: an order has one live attempt at most, one that succeeded if it is paid, none that is live when it has
// ended, and each attempt's end has its evidence.
func attemptsSound(ctx context.Context, l *look, f *finding) error {
	d, err := l.dealings(ctx)
	if err != nil {
		return err
	}
	proven := map[int64]bool{}
	err = l.books.each(ctx, "payment", `SELECT DISTINCT attempt_id FROM payment_evidence`, func(r *sql.Rows) error {
		var id int64
		err := r.Scan(&id)
		proven[id] = true
		return err
	})
	if err != nil {
		return err
	}
	live, moved := map[int64]int{}, map[int64]int{}
	for _, a := range d.attempts {
		f.saw(1)
		switch a.state {
		case "PREPARED", "SUBMITTING", "PROCESSING", "UNKNOWN":
			if a.liveKey != 0 { // one that was prepared and never sent is let go when another succeeds
				live[a.order]++
			}
		default:
			if a.liveKey != 0 || !proven[a.id] {
				f.wrong("attempt %d is %s; counted as live: %v, proven: %v", a.id, a.state, a.liveKey != 0, proven[a.id])
			}
		}
		if a.moved() {
			moved[a.order]++
		}
		if a.liveKey != 0 && a.liveKey != a.order {
			f.wrong("attempt %d of order %d is live for %d", a.id, a.order, a.liveKey)
		}
	}
	for _, o := range d.orders {
		f.saw(1)
		ended := o.state == "PAID" || o.state == "REJECTED" || o.state == "CANCELLED" || o.state == "RETURNED"
		if live[o.id] > 1 || (ended && live[o.id] > 0) {
			f.wrong("order %d is %s and has %d live attempts", o.id, o.state, live[o.id])
		}
		if (o.state == "PAID" || o.state == "RETURNED") && moved[o.id] == 0 {
			f.wrong("order %d is %s and no attempt of it succeeded", o.id, o.state)
		}
	}
	return nil
}

// holdsSound: what is held for an order is its amount: pending while it runs, posted when it is paid, void when it is not.
func holdsSound(ctx context.Context, l *look, f *finding) error {
	d, err := l.dealings(ctx)
	if err != nil {
		return err
	}
	type hold struct {
		direction, state string
		amount           int64
	}
	held := map[int64]hold{}
	err = l.books.each(ctx, "payment", `SELECT order_id, direction, state, amount_minor FROM payment_hold`, func(r *sql.Rows) error {
		var id int64
		var h hold
		err := r.Scan(&id, &h.direction, &h.state, &h.amount)
		held[id] = h
		return err
	})
	if err != nil {
		return err
	}
	ends := map[string]string{"PAID": "POSTED", "RETURNED": "POSTED", "REJECTED": "VOID", "CANCELLED": "VOID", "RESERVED": "PENDING", "SENDING": "PENDING", "MANUAL": "PENDING"}
	for _, o := range d.orders {
		h, known := held[o.id]
		if !known && (o.state == "CREATED" || o.state == "CANCELLED") {
			continue
		}
		direction := "out"
		if o.in() {
			direction = "in"
		}
		same(f, h, hold{direction, ends[o.state], o.amount}, "order %d is %s: what is held", o.id, o.state)
		delete(held, o.id)
	}
	for id := range held {
		f.wrong("something is held for order %d, which is not there", id)
	}
	return nil
}

// breaksNone: nothing waits for a person because a party and we contradict each other.
func breaksNone(ctx context.Context, l *look, f *finding) error {
	f.saw(1)
	return l.books.each(ctx, "payment", `SELECT break_id, kind, order_id FROM payment_break WHERE state = 'OPEN'`, func(r *sql.Rows) error {
		var id, order int64
		var kind string
		err := r.Scan(&id, &kind, &order)
		f.wrong("break %d (%s) of order %d is open", id, kind, order)
		return err
	})
}
