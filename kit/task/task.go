package task

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/id"
	"github.com/hengdai/hengdai/kit/store"
)

// State is where a task stands.
type State string

// The states. A claimed task whose lease ran out counts as open.
const (
	Waiting   State = "open"
	Claimed   State = "claimed"
	Finished  State = "done"
	Cancelled State = "cancelled"
)

// What can be wrong with an act on a task.
var (
	ErrNone     = errs.New(errs.NotFound, "task.not_found", "没有可办理的任务。", "There is no such task.")
	ErrTaken    = errs.New(errs.Conflict, "task.taken", "任务已由他人领取或已办结。", "The task was taken by somebody else or is finished.")
	ErrNotYours = errs.New(errs.Precondition, "task.not_yours", "请先领取该任务。", "Claim the task first.")
	ErrNoReason = errs.New(errs.Invalid, "task.reason_missing", "请填写理由。", "Please state a reason.").On("reason")
)

// Task is one piece of work.
type Task struct {
	// ID is given by Open; its bucket is the subject's.
	ID    int64
	Queue string
	// SubjectID is what the work is about, for example an application.
	SubjectID int64
	// Turn tells several tasks on one subject in one queue apart.
	Turn int64
	// Priority: the higher comes first.
	Priority int64
	// Due is the deadline in business time; zero means none.
	Due time.Time
	// Created is the business instant.
	Created   time.Time
	State     State
	ClaimedBy int64
	// LeaseUntil is real time.
	LeaseUntil time.Time
	Skips      int64
	Note       string
	DoneAt     time.Time

	version int64
}

const columns = `id, queue, subject_id, turn, priority, due_ms, state, claimed_by, lease_ms, skips, note, created_ms, done_ms, version`

// Open puts a task into its queue and answers its id. A task on the same subject and turn is not opened twice; its id is
// answered, whatever its state.
func Open(tx *store.Tx, t Task) (int64, error) {
	bucket := id.Bucket(t.SubjectID)
	var there int64
	err := tx.QueryRowContext(tx.Context(), `SELECT id FROM kit_task WHERE bucket = ? AND queue = ? AND subject_id = ? AND turn = ?`,
		bucket, t.Queue, t.SubjectID, t.Turn).Scan(&there)
	if err == nil {
		return there, nil
	}
	if !errors.Is(err, sql.ErrNoRows) {
		return 0, fmt.Errorf("opening a task: %w", err)
	}
	taskID, err := newID(bucket)
	if err != nil {
		return 0, err
	}
	_, err = tx.ExecContext(tx.Context(), `INSERT INTO kit_task (bucket, id, queue, subject_id, turn, priority, due_ms, state, claimed_by,
 lease_ms, skips, note, created_ms, done_ms, version) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, 0, 0, ?, ?, 0, 1)`,
		bucket, taskID, t.Queue, t.SubjectID, t.Turn, t.Priority, ms(t.Due), string(Waiting), t.Note, ms(t.Created))
	if err != nil {
		return 0, fmt.Errorf("opening a task: %w", err)
	}
	return taskID, nil
}

// Get answers one task.
func Get(ctx context.Context, q store.DBTX, taskID int64) (Task, error) {
	row := q.QueryRowContext(ctx, `SELECT `+columns+` FROM kit_task WHERE bucket = ? AND id = ?`, id.Bucket(taskID), taskID)
	return one(scan(row.Scan))
}

// Find answers the task on a subject.
func Find(ctx context.Context, q store.DBTX, queue string, subjectID, turn int64) (Task, error) {
	row := q.QueryRowContext(ctx, `SELECT `+columns+` FROM kit_task WHERE bucket = ? AND queue = ? AND subject_id = ? AND turn = ?`,
		id.Bucket(subjectID), queue, subjectID, turn)
	return one(scan(row.Scan))
}

func one(t Task, err error) (Task, error) {
	if errors.Is(err, sql.ErrNoRows) {
		return t, ErrNone
	}
	return t, errs.Wrap(err, "reading a task")
}

// Filter narrows List. Zero fields narrow nothing.
type Filter struct {
	Queue     string
	State     State
	ClaimedBy int64
	// DueBefore keeps tasks whose deadline is before it.
	DueBefore time.Time
	// AfterMS and AfterID are the last row of the page before (created, id).
	AfterMS, AfterID int64
	Limit            int
}

// List answers tasks in the order they were opened.
func List(ctx context.Context, q store.DBTX, f Filter) ([]Task, error) {
	query := `SELECT ` + columns + ` FROM kit_task WHERE 1 = 1`
	var args []any
	narrow := func(when bool, clause string, values ...any) {
		if when {
			query += clause
			args = append(args, values...)
		}
	}
	narrow(f.Queue != "", ` AND queue = ?`, f.Queue)
	narrow(f.State != "", ` AND state = ?`, string(f.State))
	narrow(f.ClaimedBy != 0, ` AND claimed_by = ?`, f.ClaimedBy)
	narrow(!f.DueBefore.IsZero(), ` AND due_ms > 0 AND due_ms < ?`, ms(f.DueBefore))
	narrow(f.AfterMS != 0, ` AND (created_ms > ? OR (created_ms = ? AND id > ?))`, f.AfterMS, f.AfterMS, f.AfterID)
	return list(ctx, q, query+` ORDER BY created_ms, id LIMIT ?`, append(args, f.Limit)...)
}

func list(ctx context.Context, q store.DBTX, query string, args ...any) ([]Task, error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("listing tasks: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var out []Task
	for rows.Next() {
		t, err := scan(rows.Scan)
		if err != nil {
			return nil, fmt.Errorf("listing tasks: %w", err)
		}
		out = append(out, t)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("listing tasks: %w", err)
	}
	return out, rows.Close()
}

func scan(into func(...any) error) (Task, error) {
	var t Task
	var state string
	var due, lease, created, done int64
	err := into(&t.ID, &t.Queue, &t.SubjectID, &t.Turn, &t.Priority, &due, &state, &t.ClaimedBy, &lease, &t.Skips, &t.Note,
		&created, &done, &t.version)
	t.State, t.Due, t.LeaseUntil, t.Created, t.DoneAt = State(state), at(due), at(lease), at(created), at(done)
	return t, err
}

func ms(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func at(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// newID is random but for the bucket in its last ten bits.
func newID(bucket int64) (int64, error) {
	var b [8]byte
	if _, err := rand.Read(b[:]); err != nil {
		return 0, fmt.Errorf("drawing an id: %w", err)
	}
	return int64(binary.BigEndian.Uint64(b[:])>>1)&^1023 | bucket&1023, nil
}
