package audit

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"time"

	"github.com/hengdai/hengdai/kit/clock"
	"github.com/hengdai/hengdai/kit/id"
	"github.com/hengdai/hengdai/kit/store"
)

// Entry is one act.
type Entry struct {
	// ActorKind is "borrower", "staff", "service", "party", "anonymous" or "job".
	ActorKind string
	// ActorID is the person; zero for a service or job.
	ActorID int64
	// ActorSession is the session the person used.
	ActorSession int64
	// ActorService is the calling service or the job's name.
	ActorService string
	// Act is what was done, for example "customer.reveal".
	Act string
	// SubjectKind and SubjectID say to what.
	SubjectKind string
	SubjectID   int64
	// Reason is why, where it has to be stated.
	Reason string
	// Details are names, states and amounts.
	Details map[string]string
	// At is the business instant; zero means now in real time.
	At time.Time
}

// Row is a recorded act.
type Row struct {
	Entry
	ID int64
	// ChainNo is the row's place in the chain; zero until the chaining job came by.
	ChainNo int64
}

const insert = `INSERT INTO kit_audit (bucket, id, at_ms, actor_kind, actor_id, actor_session, actor_service, act, subject_kind,
 subject_id, reason, details, chain_no, chain_hash, version) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, 1)`

// Write records an act in the transaction of the change itself.
func Write(tx *store.Tx, e Entry) error {
	details, err := detailsText(e.Details)
	if err != nil {
		return err
	}
	if e.At.IsZero() {
		e.At = clock.Real()
	}
	rowID, err := randomID()
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(tx.Context(), insert, id.Bucket(e.SubjectID), rowID, e.At.UnixMilli(), e.ActorKind, e.ActorID,
		e.ActorSession, e.ActorService, e.Act, e.SubjectKind, e.SubjectID, cut(e.Reason, 500), details, []byte{})
	if err != nil {
		return fmt.Errorf("recording %s: %w", e.Act, err)
	}
	tx.Note(store.NoteAct)
	return nil
}

// Filter narrows List. Zero fields narrow nothing.
type Filter struct {
	SubjectID, ActorID int64
	// BeforeMS and BeforeID are the last row of the page before.
	BeforeMS, BeforeID int64
	Limit              int
}

const columns = `id, at_ms, actor_kind, actor_id, actor_session, actor_service, act, subject_kind, subject_id, reason, details, chain_no`

// List answers acts, the newest first.
func List(ctx context.Context, q store.DBTX, f Filter) ([]Row, error) {
	query := `SELECT ` + columns + ` FROM kit_audit WHERE 1 = 1`
	var args []any
	if f.SubjectID != 0 {
		query += ` AND bucket = ? AND subject_id = ?`
		args = append(args, id.Bucket(f.SubjectID), f.SubjectID)
	}
	if f.ActorID != 0 {
		query += ` AND actor_id = ?`
		args = append(args, f.ActorID)
	}
	if f.BeforeMS != 0 {
		query += ` AND (at_ms < ? OR (at_ms = ? AND id < ?))`
		args = append(args, f.BeforeMS, f.BeforeMS, f.BeforeID)
	}
	query += ` ORDER BY at_ms DESC, id DESC LIMIT ?`
	rows, err := q.QueryContext(ctx, query, append(args, f.Limit)...)
	if err != nil {
		return nil, fmt.Errorf("listing acts: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var out []Row
	for rows.Next() {
		var r Row
		var atMS int64
		var details string
		err := rows.Scan(&r.ID, &atMS, &r.ActorKind, &r.ActorID, &r.ActorSession, &r.ActorService, &r.Act, &r.SubjectKind,
			&r.SubjectID, &r.Reason, &details, &r.ChainNo)
		if err != nil {
			return nil, fmt.Errorf("listing acts: %w", err)
		}
		r.At = time.UnixMilli(atMS).UTC()
		if err := json.Unmarshal([]byte(details), &r.Details); err != nil {
			return nil, fmt.Errorf("details of act %d: %w", r.ID, err)
		}
		out = append(out, r)
	}
	return out, rows.Err()
}

// detailsText is JSON with sorted keys, so that the same details hash the same.
func detailsText(details map[string]string) (string, error) {
	if len(details) == 0 {
		return "{}", nil
	}
	text, err := json.Marshal(details)
	if err != nil {
		return "", fmt.Errorf("details of an act: %w", err)
	}
	if len(text) > 4000 {
		return "", fmt.Errorf("audit: details of %d bytes are too long", len(text))
	}
	return string(text), nil
}

// cut keeps the first n characters.
func cut(text string, n int) string {
	for i := range text {
		if n == 0 {
			return text[:i]
		}
		n--
	}
	return text
}

// randomID is random because the order of rows is the chain's, not the id's.
func randomID() (int64, error) {
	var b [8]byte
	if _, err := rand.Read(b[:]); err != nil {
		return 0, fmt.Errorf("drawing an id: %w", err)
	}
	return int64(binary.BigEndian.Uint64(b[:]) >> 1), nil
}
