package job

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/hengdai/hengdai/kit/clock"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/store"
)

// due is an effect that may be claimed, as it was read.
type due struct {
	Effect
	version int64
}

// claim takes up to limit effects that are due and that nobody else has.
func (q *Queue) claim(ctx context.Context, limit int) ([]Effect, error) {
	if limit <= 0 {
		return nil, nil
	}
	found, err := q.due(ctx, limit)
	if err != nil || len(found) == 0 {
		return nil, errs.Wrap(err, "looking for effects that are due")
	}
	var claimed []Effect
	err = q.db.WriteQuiet(ctx, func(tx *store.Tx) error {
		claimed = claimed[:0]
		until := clock.Real().Add(claimFor).UnixMilli()
		for _, d := range found {
			res, err := tx.ExecContext(ctx, "UPDATE kit_effect SET claimed_ms = ?, claimed_by = ?, fence = fence + 1, version = version + 1 WHERE bucket = ? AND kind = ? AND id = ? AND version = ?",
				until, q.db.Process(), d.Bucket, d.Kind, d.ID, d.version)
			if err != nil {
				return err
			}
			if n, err := res.RowsAffected(); err != nil {
				return err
			} else if n == 1 {
				e := d.Effect
				e.Fence++
				claimed = append(claimed, e)
			}
		}
		return nil
	})
	if err != nil {
		return nil, errs.Wrap(err, "claiming effects")
	}
	return claimed, nil
}

func (q *Queue) due(ctx context.Context, limit int) ([]due, error) {
	// What a predecessor claimed before this process came is free. A claim of a namesake that is younger was made, or
	// renewed, by somebody who lives: it ends by itself, and the fence decides.
	gone, came := q.db.Replaced()
	now := clock.Real().UnixMilli()
	args := []any{q.clk.Now().UnixMilli(), now, now, gone, q.db.Process(), came.Add(claimFor).UnixMilli()}
	q.mu.RLock()
	kinds := make([]string, 0, len(q.handlers))
	for k := range q.handlers {
		kinds = append(kinds, k)
	}
	q.mu.RUnlock()
	if len(kinds) == 0 {
		return nil, nil
	}
	slices.Sort(kinds)
	for _, k := range kinds {
		args = append(args, k)
	}
	rows, err := q.db.Primary().QueryContext(ctx, `SELECT bucket, kind, id, body, not_before_ms, fence, tries, version, traceparent FROM kit_effect
		WHERE state = 0 AND not_before_ms <= ? AND retry_ms <= ? AND (claimed_ms <= ? OR (claimed_by LIKE ? AND claimed_by <> ? AND claimed_ms <= ?)) AND kind IN (?`+strings.Repeat(", ?", len(kinds)-1)+`)
		ORDER BY not_before_ms, retry_ms LIMIT ?`, append(args, limit)...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var found []due
	for rows.Next() {
		var d due
		var notBefore int64
		if err := rows.Scan(&d.Bucket, &d.Kind, &d.ID, &d.Body, &notBefore, &d.Fence, &d.Tries, &d.version, &d.traceparent); err != nil {
			return nil, err
		}
		if notBefore > 0 {
			d.NotBefore = time.UnixMilli(notBefore)
		}
		found = append(found, d)
	}
	return found, rows.Err()
}

// extend renews the claims of the effects that are being carried out here.
func (q *Queue) extend(ctx context.Context) error {
	q.mu.RLock()
	running := slices.Collect(maps.Keys(q.running))
	q.mu.RUnlock()
	until := clock.Real().Add(claimFor).UnixMilli()
	err := q.db.WriteQuiet(ctx, func(tx *store.Tx) error {
		for _, e := range running {
			if _, err := tx.ExecContext(ctx, "UPDATE kit_effect SET claimed_ms = ?, version = version + 1 WHERE bucket = ? AND kind = ? AND id = ? AND state = 0 AND fence = ?",
				until, e.Bucket, e.Kind, e.ID, e.Fence); err != nil {
				return err
			}
		}
		return nil
	})
	return errs.Wrap(err, "renewing claims")
}

// outcome is what becomes of an effect after a try.
type outcome struct {
	state     int
	notBefore time.Time
	retry     time.Duration // from now; zero is at once
	tries     int
	reason    string
}

func (q *Queue) outcome(ctx context.Context, e Effect, err error) outcome {
	var later again
	switch {
	case err == nil:
		return outcome{state: stateDone, notBefore: e.NotBefore, tries: e.Tries}
	case errors.As(err, &later):
		return outcome{notBefore: later.at}
	case ctx.Err() != nil: // the process is draining: this was no fair try
		return outcome{notBefore: e.NotBefore, tries: e.Tries}
	}
	out := outcome{notBefore: e.NotBefore, tries: e.Tries + 1, reason: reason(err)}
	switch errs.CodeOf(err) {
	case errs.Invalid, errs.Denied, errs.NotFound, errs.Precondition:
		out.state = stateFailed
	case errs.Unauthenticated, errs.Conflict, errs.Exhausted, errs.Unavailable, errs.Internal:
		out.retry = min(retryFirst<<min(e.Tries, 16), retryMax)
	}
	return out
}

// reason is what is kept of an error: its code and machine reason, never a text that may hold a value.
func reason(err error) string {
	return strings.TrimSpace(errs.CodeOf(err).String() + " " + errs.ReasonOf(err))
}

// store keeps the outcome, unless the claim has gone to another worker.
func (q *Queue) store(ctx context.Context, e Effect, out outcome) error {
	now := clock.Real()
	err := q.db.WriteQuiet(ctx, func(tx *store.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE kit_effect SET state = ?, not_before_ms = ?, retry_ms = ?, claimed_ms = 0, tries = ?, reason = ?, version = version + 1
			WHERE bucket = ? AND kind = ? AND id = ? AND fence = ?`,
			out.state, millis(out.notBefore), now.Add(out.retry).UnixMilli(), out.tries, out.reason, e.Bucket, e.Kind, e.ID, e.Fence)
		return err
	})
	if err == nil && out.state == stateWaits {
		clock.AfterFunc(out.retry+time.Millisecond, q.ring)
	}
	return errs.Wrap(err, "keeping the outcome of an effect")
}

func (q *Queue) ring() {
	select {
	case <-q.db.Closed():
	default:
		q.db.Wake()
	}
}

// quiet says that nothing is due, running, or to be retried within seconds.
func (q *Queue) quiet(ctx context.Context) (bool, error) {
	var n int64
	err := q.db.Primary().QueryRowContext(ctx, "SELECT COUNT(*) FROM kit_effect WHERE state = 0 AND not_before_ms <= ? AND retry_ms <= ?",
		q.clk.Now().UnixMilli(), clock.Real().Add(retrySoon).UnixMilli()).Scan(&n)
	return n == 0, errs.Wrap(store.Explain(err), "counting effects")
}

// Failed is an effect that waits for a person.
type Failed struct {
	Effect
	// Reason is the code and the reason of the last error.
	Reason string
}

// List answers effects that failed for good, at most limit.
func (q *Queue) List(ctx context.Context, limit int) ([]Failed, error) {
	rows, err := q.db.Primary().QueryContext(ctx, `SELECT bucket, kind, id, body, fence, tries, reason FROM kit_effect
		WHERE state = 2 ORDER BY not_before_ms, bucket, kind, id LIMIT ?`, limit)
	if err != nil {
		return nil, errs.Wrap(err, "listing failed effects")
	}
	defer func() { _ = rows.Close() }()
	var failed []Failed
	for rows.Next() {
		var f Failed
		if err := rows.Scan(&f.Bucket, &f.Kind, &f.ID, &f.Body, &f.Fence, &f.Tries, &f.Reason); err != nil {
			return nil, errs.Wrap(err, "listing failed effects")
		}
		failed = append(failed, f)
	}
	return failed, errs.Wrap(store.Explain(rows.Err()), "listing failed effects")
}

// Retry makes a failed effect wait again, in the unit that records who wished it.
func (q *Queue) Retry(tx *store.Tx, bucket int64, kind string, id int64) error {
	res, err := tx.ExecContext(tx.Context(), `UPDATE kit_effect SET state = 0, retry_ms = 0, tries = 0, version = version + 1
		WHERE bucket = ? AND kind = ? AND id = ? AND state = 2`, bucket, kind, id)
	if err != nil {
		return errs.Wrap(err, "retrying an effect")
	}
	n, err := res.RowsAffected()
	return store.One(n, err, errNotFailed)
}

var errNotFailed = errs.New(errs.NotFound, "job.no_failed_effect", "没有该失败任务。", "There is no such failed effect.")
