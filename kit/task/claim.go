package task

import (
	"fmt"
	"time"

	"github.com/hengdai/hengdai/kit/clock"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/id"
	"github.com/hengdai/hengdai/kit/store"
)

// candidates is how many tasks Claim looks at when others claim at the same moment.
const candidates = 16

// Claim hands out the next task of a queue under a lease: the highest priority, then the earliest deadline, then the
// oldest. What the person holds already comes first; what he skipped is left out. ErrNone if there is nothing to do.
func Claim(tx *store.Tx, queue string, by int64, lease time.Duration) (Task, error) {
	now := clock.Real()
	next, err := list(tx.Context(), tx, `SELECT `+columns+` FROM kit_task t WHERE queue = ? AND (state = 'open' OR (state = 'claimed'
 AND (lease_ms < ? OR claimed_by = ?))) AND NOT EXISTS (SELECT 1 FROM kit_task_skip s WHERE s.bucket = t.bucket AND s.task_id = t.id AND s.staff_id = ?)
 ORDER BY CASE WHEN claimed_by = ? THEN 0 ELSE 1 END, priority DESC, CASE WHEN due_ms = 0 THEN 1 ELSE 0 END, due_ms, created_ms, id LIMIT ?`,
		queue, now.UnixMilli(), by, by, by, candidates)
	if err != nil {
		return Task{}, err
	}
	for _, t := range next {
		taken, err := take(tx, t, by, now.Add(lease))
		if errs.CodeOf(err) == errs.Conflict {
			continue
		}
		return taken, err
	}
	return Task{}, ErrNone
}

// ClaimOne hands out a given task; ErrTaken if somebody else holds it or it is finished. Claiming again renews the lease.
func ClaimOne(tx *store.Tx, taskID, by int64, lease time.Duration) (Task, error) {
	t, err := Get(tx.Context(), tx, taskID)
	if err != nil {
		return t, err
	}
	now := clock.Real()
	held := t.State == Claimed && t.ClaimedBy != by && t.LeaseUntil.After(now)
	if held || t.State == Finished || t.State == Cancelled {
		return t, ErrTaken
	}
	return take(tx, t, by, now.Add(lease))
}

// Release gives a claimed task back to its queue.
func Release(tx *store.Tx, taskID, by int64, note string) error {
	t, err := holding(tx, taskID, by)
	if err != nil {
		return err
	}
	t.State, t.ClaimedBy, t.LeaseUntil, t.Note = Waiting, 0, time.Time{}, note
	return put(tx, t)
}

// Skip gives a claimed task back with a reason; it is not handed to the same person again.
func Skip(tx *store.Tx, taskID, by int64, reason string) error {
	if reason == "" {
		return ErrNoReason
	}
	t, err := holding(tx, taskID, by)
	if err != nil {
		return err
	}
	t.State, t.ClaimedBy, t.LeaseUntil, t.Note = Waiting, 0, time.Time{}, reason
	t.Skips++
	if err := put(tx, t); err != nil {
		return err
	}
	return skipRow(tx, t, by, reason)
}

// HandOver gives a claimed task to another person under a fresh lease.
func HandOver(tx *store.Tx, taskID, from, to int64, lease time.Duration, reason string) error {
	if reason == "" {
		return ErrNoReason
	}
	t, err := holding(tx, taskID, from)
	if err != nil {
		return err
	}
	t.ClaimedBy, t.LeaseUntil, t.Note = to, clock.Real().Add(lease), reason
	return put(tx, t)
}

// Done finishes a task that the person holds; ErrNotYours if he does not. at is the business instant. A lease that ran
// out does not matter as long as nobody else has claimed the task.
func Done(tx *store.Tx, taskID, by int64, at time.Time) error {
	t, err := holding(tx, taskID, by)
	if err != nil {
		return err
	}
	t.State, t.LeaseUntil, t.DoneAt = Finished, time.Time{}, at
	return put(tx, t)
}

// Cancel takes a task off its queue because its subject went another way. It may be repeated.
func Cancel(tx *store.Tx, taskID int64, at time.Time, note string) error {
	t, err := Get(tx.Context(), tx, taskID)
	if err != nil {
		return err
	}
	if t.State == Finished || t.State == Cancelled {
		return nil
	}
	t.State, t.LeaseUntil, t.DoneAt, t.Note = Cancelled, time.Time{}, at, note
	return put(tx, t)
}

func holding(tx *store.Tx, taskID, by int64) (Task, error) {
	t, err := Get(tx.Context(), tx, taskID)
	switch {
	case err != nil:
		return t, err
	case t.State == Finished || t.State == Cancelled:
		return t, ErrTaken
	case t.State != Claimed || t.ClaimedBy != by:
		return t, ErrNotYours
	}
	return t, nil
}

func take(tx *store.Tx, t Task, by int64, until time.Time) (Task, error) {
	t.State, t.ClaimedBy, t.LeaseUntil = Claimed, by, until
	err := put(tx, t)
	t.version++
	return t, err
}

// put writes what can change, if nobody else changed the row since it was read.
func put(tx *store.Tx, t Task) error {
	res, err := tx.ExecContext(tx.Context(), `UPDATE kit_task SET state = ?, claimed_by = ?, lease_ms = ?, skips = ?, note = ?, done_ms = ?,
 version = version + 1 WHERE bucket = ? AND id = ? AND version = ?`,
		string(t.State), t.ClaimedBy, ms(t.LeaseUntil), t.Skips, t.Note, ms(t.DoneAt), id.Bucket(t.ID), t.ID, t.version)
	if err != nil {
		return fmt.Errorf("changing a task: %w", err)
	}
	n, err := res.RowsAffected()
	return store.One(n, err, ErrTaken)
}

func skipRow(tx *store.Tx, t Task, by int64, reason string) error {
	now := clock.Real().UnixMilli()
	res, err := tx.ExecContext(tx.Context(), `UPDATE kit_task_skip SET reason = ?, at_ms = ? WHERE bucket = ? AND task_id = ? AND staff_id = ?`,
		reason, now, id.Bucket(t.ID), t.ID, by)
	if err != nil {
		return fmt.Errorf("keeping a skip: %w", err)
	}
	if n, err := res.RowsAffected(); err != nil || n > 0 {
		return err
	}
	_, err = tx.ExecContext(tx.Context(), `INSERT INTO kit_task_skip (bucket, task_id, staff_id, reason, at_ms) VALUES (?, ?, ?, ?, ?)`,
		id.Bucket(t.ID), t.ID, by, reason, now)
	return errs.Wrap(err, "keeping a skip")
}
