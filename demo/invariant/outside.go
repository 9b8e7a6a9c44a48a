package invariant

import (
	"context"
	"database/sql"
)

// said is what a party's journal says of one of our numbers.
type said struct {
	status string
	atMS   int64
	times  int
}

func (l *look) saidOf(ctx context.Context, kind string) (map[string]said, error) {
	of := map[string]said{}
	err := l.books.each(ctx, "sandbox", `SELECT request_no, status, at_ms FROM journal WHERE kind = ?`, func(r *sql.Rows) error {
		var no string
		var s said
		err := r.Scan(&no, &s.status, &s.atMS)
		s.times = of[no].times + 1
		of[no] = s
		return err
	}, kind)
	return of, err
}

// identified: whoever applied had been verified before, and every verification here is a match in the bureau's journal.
func identified(ctx context.Context, l *look, f *finding) error {
	bureau, err := l.saidOf(ctx, "VERIFY4")
	if err != nil {
		return err
	}
	since := map[int64]int64{} // when a person was verified first, by the bureau's clock
	err = l.books.each(ctx, "user", `SELECT id, user_id, state FROM identity_check`, func(r *sql.Rows) error {
		var id, user int64
		var state string
		if err := r.Scan(&id, &user, &state); err != nil {
			return err
		}
		if state == "CHECKING" {
			return nil
		}
		answer := bureau[text(id)]
		same(f, state == "VERIFIED", answer.status == "MATCH", "identity check %d is %s, the bureau says %q: a match", id, state, answer.status)
		if before, known := since[user]; state == "VERIFIED" && (!known || answer.atMS < before) {
			since[user] = answer.atMS
		}
		return nil
	})
	if err != nil {
		return err
	}
	return l.books.each(ctx, "loan", `SELECT id, user_id, created_ms FROM application`, func(r *sql.Rows) error {
		var id, user, created int64
		if err := r.Scan(&id, &user, &created); err != nil {
			return err
		}
		f.saw(1)
		if at, known := since[user]; !known || at > created {
			f.wrong("application %d of %d: user %d was verified at %d (ever: %v)", id, created, user, at, known)
		}
		return nil
	})
}

// messagesSent: a message that went out did so once in the provider's journal, and one that did not is not there.
func messagesSent(ctx context.Context, l *look, f *finding) error {
	provider, err := l.saidOf(ctx, "SMS")
	if err != nil {
		return err
	}
	err = l.books.each(ctx, "notify", `SELECT message_id, state FROM notify_message WHERE channel = 'sms'`, func(r *sql.Rows) error {
		var id int64
		var state string
		if err := r.Scan(&id, &state); err != nil {
			return err
		}
		sent := provider[text(id)]
		delete(provider, text(id))
		switch state {
		case "DELIVERED":
			same(f, [2]any{sent.times, sent.status}, [2]any{1, "DELIVERED"}, "message %d is %s: times at the provider, as", id, state)
		case "SENT", "FAILED", "SENDING":
			same(f, sent.times > 1, false, "message %d is %s: sent more than once", id, state)
		default:
			same(f, sent.times, 0, "message %d is %s: times at the provider", id, state)
		}
		return nil
	})
	for no := range provider {
		f.wrong("the provider sent message %s, which is not kept here", no)
	}
	return err
}
