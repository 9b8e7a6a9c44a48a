package log

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"strings"

	logv1 "github.com/hengdai/hengdai/api/log/v1"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/id"
	"github.com/hengdai/hengdai/kit/store"
)

// reasonBehind is the reason of an event that is parked only because an earlier one of its user is.
const reasonBehind = "behind"

const parkedListMax = 1000

// ParkedEvent is an event that waits for a person, or waits behind such a one.
type ParkedEvent struct {
	Meta
	// Body is the encoded message.
	Body []byte
	// Reason is the code and reason of the last error, or "behind".
	Reason string
	// Tries counts the failed tries; 0 if it waits behind another.
	Tries int
}

// user is whose later events wait. Events of no user wait by their bucket.
type user struct{ id, bucket int64 }

func userOf(e *logv1.Event) user { return user{id: e.GetUserId(), bucket: e.GetBucket()} }

func (f *Follower) parkedUsers(tx *store.Tx) (map[user]bool, error) {
	rows, err := tx.QueryContext(tx.Context(), "SELECT DISTINCT user_id, bucket FROM kit_parked WHERE source = ?", f.source)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var users map[user]bool
	for rows.Next() {
		var u user
		if err := rows.Scan(&u.id, &u.bucket); err != nil {
			return nil, err
		}
		if users == nil {
			users = map[user]bool{}
		}
		users[u] = true
	}
	return users, rows.Err()
}

func (f *Follower) parkOne(ctx context.Context, p int, e *logv1.Event, cause error) error {
	err := f.db.Write(ctx, func(tx *store.Tx) error {
		if err := f.move(tx, p, e.GetPosition()); err != nil {
			return err
		}
		return f.park(tx, e, reasonOf(cause), poisonTries)
	})
	if err == nil {
		f.moved(p, e.GetPosition())
	}
	return err
}

func (f *Follower) park(tx *store.Tx, e *logv1.Event, reason string, tries int) error {
	body := e.GetBody()
	if body == nil {
		body = []byte{}
	}
	_, err := tx.ExecContext(tx.Context(), `INSERT INTO kit_parked (source, part, position, user_id, bucket, kind, body, at_ms, posting_on, value_on, traceparent, reason, tries, version)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1)`, f.source, e.GetPartition(), e.GetPosition(), e.GetUserId(), e.GetBucket(), e.GetKind(), body,
		e.GetAtMs(), e.GetPostingOn(), e.GetValueOn(), e.GetTraceparent(), reason, tries)
	return errs.Wrap(err, "parking an event")
}

// reasonOf is what is kept of an error: no text that may hold a value.
func reasonOf(err error) string {
	return strings.TrimSpace(errs.CodeOf(err).String() + " " + errs.ReasonOf(err))
}

// Parked lists the events that wait, in order, at most a thousand.
func (f *Follower) Parked(ctx context.Context) ([]ParkedEvent, error) {
	rows, err := f.db.Primary().QueryContext(ctx, "SELECT "+parkedColumns+" FROM kit_parked WHERE source = ? ORDER BY part, position LIMIT ?", f.source, parkedListMax)
	if err != nil {
		return nil, errs.Wrap(err, "listing parked events")
	}
	defer func() { _ = rows.Close() }()
	var list []ParkedEvent
	for rows.Next() {
		e, reason, tries, err := scanParked(rows.Scan)
		if err != nil {
			return nil, errs.Wrap(err, "listing parked events")
		}
		list = append(list, ParkedEvent{Meta: meta(f.source, e), Body: e.GetBody(), Reason: reason, Tries: tries})
	}
	return list, errs.Wrap(store.Explain(rows.Err()), "listing parked events")
}

const parkedColumns = "part, position, user_id, bucket, kind, body, at_ms, posting_on, value_on, traceparent, reason, tries"

func scanParked(scan func(...any) error) (e *logv1.Event, reason string, tries int, err error) {
	e = &logv1.Event{}
	err = scan(&e.Partition, &e.Position, &e.UserId, &e.Bucket, &e.Kind, &e.Body, &e.AtMs, &e.PostingOn, &e.ValueOn, &e.Traceparent, &reason, &tries)
	return e, reason, tries, err
}

// RetryAll takes the parked events of a user in from every log, as far as each goes. userID 0 and a bucket name the events
// of nobody. An event that fails again is no error: it is among those left, and Parked shows its new reason.
func RetryAll(ctx context.Context, userID, bucket int64, logs ...*Follower) (taken, left int, err error) {
	if userID > 0 {
		bucket = id.Bucket(userID)
	}
	for _, f := range logs {
		n, err := f.Retry(ctx, userID, bucket)
		taken += n
		if err != nil && !poison(ctx, err) {
			return taken, left, err
		}
		if err != nil {
			slog.WarnContext(ctx, "a parked event failed again", "source", f.source, "user", userID, "bucket", bucket, "error", err)
		}
		list, err := f.Parked(ctx)
		if err != nil {
			return taken, left, err
		}
		for _, e := range list {
			if e.UserID == userID && e.Bucket == bucket {
				left++
			}
		}
	}
	return taken, left, nil
}

// Retry takes a user's parked events in, in order, each with its effect in one unit, until one fails again or none is
// left; then his events flow again. For events of no user userID is 0 and the bucket names them. It answers how many were
// taken in.
func (f *Follower) Retry(ctx context.Context, userID, bucket int64) (done int, err error) {
	for {
		more, err := f.retryFirst(ctx, userID, bucket)
		if err != nil || !more {
			return done, err
		}
		done++
	}
}

func (f *Follower) retryFirst(ctx context.Context, userID, bucket int64) (more bool, err error) {
	var first *logv1.Event
	err = f.db.Write(ctx, func(tx *store.Tx) error {
		var err error
		first, _, _, err = scanParked(tx.QueryRowContext(ctx, "SELECT "+parkedColumns+" FROM kit_parked WHERE source = ? AND user_id = ? AND bucket = ? ORDER BY position LIMIT 1",
			f.source, userID, bucket).Scan)
		if errors.Is(err, sql.ErrNoRows) {
			first = nil
			return nil
		}
		if err != nil {
			return err
		}
		// Both a retry and the follower touch the cursor, so one of two that meet runs again.
		if _, err := tx.ExecContext(ctx, "UPDATE kit_cursor SET version = version + 1 WHERE source = ? AND part = ?", f.source, first.GetPartition()); err != nil {
			return err
		}
		res, err := tx.ExecContext(ctx, "DELETE FROM kit_parked WHERE source = ? AND part = ? AND position = ?", f.source, first.GetPartition(), first.GetPosition())
		if err != nil {
			return err
		}
		n, err := res.RowsAffected()
		if err := store.One(n, err, errStale); err != nil {
			return err
		}
		if h, known := f.handlers[first.GetKind()]; known {
			return f.handle(traced(tx.Context(), first), tx, h, first)
		}
		return nil
	})
	if err != nil && first != nil && poison(ctx, err) {
		return false, errors.Join(errs.Wrap(err, "retrying "+first.GetKind()), f.noteFailure(ctx, first, err))
	}
	return first != nil, errs.Wrap(err, "retrying a parked event")
}

func (f *Follower) noteFailure(ctx context.Context, e *logv1.Event, cause error) error {
	return f.db.WriteQuiet(ctx, func(tx *store.Tx) error {
		_, err := tx.ExecContext(ctx, "UPDATE kit_parked SET reason = ?, tries = tries + 1, version = version + 1 WHERE source = ? AND part = ? AND position = ?",
			reasonOf(cause), f.source, e.GetPartition(), e.GetPosition())
		return err
	})
}
