package audit

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/hengdai/hengdai/kit/clock"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/job"
	"github.com/hengdai/hengdai/kit/store"
)

// batch is how many rows one Step takes in, and one page of Verify reads.
const batch = 200

var errMoved = errs.New(errs.Conflict, "audit.chain_moved", "审计链已被他处推进。", "The chain was moved elsewhere.")

// Job is the work that chains new rows; a service adds it to its jobs.
func Job(db *store.DB) job.Job {
	var done int64 // one more than what was noted when there was last nothing to chain
	var worked time.Time
	return job.Job{Name: "audit", Step: func(ctx context.Context) (bool, error) {
		noted := db.Noted(store.NoteAct) + 1
		if db.Engine() == store.SQLite && done == noted {
			return false, nil
		}
		if err := clock.Sleep(ctx, pace-clock.Since(worked)); err != nil {
			return false, nil //nolint:nilerr // the process ends
		}
		taken, err := step(ctx, db)
		if taken > 0 {
			worked = clock.Real()
		}
		if err == nil && taken < batch {
			done = noted
		}
		return taken > 0, err
	}}
}

// pace is how often acts are chained at most: nobody waits for it, and many share a commit.
const pace = 10 * time.Millisecond

// Step chains the rows that are not chained yet and says whether there may be more.
func Step(ctx context.Context, db *store.DB) (more bool, err error) {
	taken, err := step(ctx, db)
	return taken == batch, err
}

// step answers how many rows it chained.
func step(ctx context.Context, db *store.DB) (taken int, err error) {
	var waiting int64
	err = db.Primary().QueryRowContext(ctx, `SELECT COUNT(*) FROM (SELECT id FROM kit_audit WHERE chain_no = 0 LIMIT 1) w`).Scan(&waiting)
	if err != nil || waiting == 0 {
		return 0, errs.Wrap(err, "looking for unchained acts")
	}
	err = db.WriteQuiet(ctx, func(tx *store.Tx) error {
		head, err := readHead(ctx, tx)
		if err != nil {
			return err
		}
		rows, err := readChainRows(ctx, tx, `SELECT `+chainColumns+` FROM kit_audit WHERE chain_no = 0 ORDER BY at_ms, id LIMIT ?`, batch)
		if err != nil {
			return err
		}
		taken = len(rows)
		return extend(ctx, tx, head, rows)
	})
	return taken, errs.Wrap(err, "chaining acts")
}

func extend(ctx context.Context, tx *store.Tx, head chainHead, rows []chainRow) error {
	if len(rows) == 0 {
		return nil
	}
	no, hash := head.no, head.hash
	for _, r := range rows {
		no++
		hash = r.hashAfter(hash, no)
		res, err := tx.ExecContext(ctx, `UPDATE kit_audit SET chain_no = ?, chain_hash = ?, version = version + 1
 WHERE bucket = ? AND id = ? AND chain_no = 0`, no, hash, r.bucket, r.id)
		if err != nil {
			return err
		}
		n, err := res.RowsAffected()
		if err := store.One(n, err, errMoved); err != nil {
			return err
		}
	}
	res, err := tx.ExecContext(ctx, `UPDATE kit_audit_head SET chain_no = ?, chain_hash = ?, version = version + 1
 WHERE name = 'audit' AND version = ?`, no, hash, head.version)
	if err != nil {
		return err
	}
	n, err := res.RowsAffected()
	return store.One(n, err, errMoved)
}

// Result is what Verify found.
type Result struct {
	// Intact says that nothing was changed.
	Intact bool
	// Rows is how many rows were recomputed.
	Rows int64
	// BrokenAt is the place in the chain of the first row that does not fit; zero if none.
	BrokenAt int64
	// Head is the chain's end. Kept elsewhere, it shows later that nothing before it was replaced.
	Head []byte
}

// Verify recomputes the whole chain.
func Verify(ctx context.Context, q store.DBTX) (Result, error) {
	head, err := readHead(ctx, q)
	if err != nil {
		return Result{}, errs.Wrap(err, "reading the chain's end")
	}
	res := Result{Head: head.hash}
	hash := []byte{}
	for {
		rows, err := readChainRows(ctx, q, `SELECT `+chainColumns+` FROM kit_audit WHERE chain_no > ? AND chain_no <= ?
 ORDER BY chain_no LIMIT ?`, res.Rows, head.no, batch)
		if err != nil {
			return Result{}, errs.Wrap(err, "reading the chain")
		}
		for _, r := range rows {
			next := res.Rows + 1
			hash = r.hashAfter(hash, next)
			if r.chainNo != next || !bytes.Equal(hash, r.chainHash) {
				res.BrokenAt = next
				return res, nil
			}
			res.Rows = next
		}
		if len(rows) < batch {
			break
		}
	}
	if res.Rows != head.no || !bytes.Equal(hash, head.hash) {
		res.BrokenAt = res.Rows + 1
		return res, nil
	}
	res.Intact = true
	return res, nil
}

type chainHead struct {
	no, version int64
	hash        []byte
}

func readHead(ctx context.Context, q store.DBTX) (chainHead, error) {
	var h chainHead
	err := q.QueryRowContext(ctx, `SELECT chain_no, chain_hash, version FROM kit_audit_head WHERE name = 'audit'`).
		Scan(&h.no, &h.hash, &h.version)
	if errors.Is(err, sql.ErrNoRows) {
		return h, errors.New("the chain's end is missing")
	}
	return h, err
}

const chainColumns = `bucket, id, at_ms, actor_kind, actor_id, actor_session, actor_service, act, subject_kind, subject_id, reason,
 details, chain_no, chain_hash`

type chainRow struct {
	bucket, id, atMS, actorID, actorSession, subjectID int64
	actorKind, actorService, act, subjectKind          string
	reason, details                                    string
	chainNo                                            int64
	chainHash                                          []byte
}

func readChainRows(ctx context.Context, q store.DBTX, query string, args ...any) ([]chainRow, error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var out []chainRow
	for rows.Next() {
		var r chainRow
		err := rows.Scan(&r.bucket, &r.id, &r.atMS, &r.actorKind, &r.actorID, &r.actorSession, &r.actorService, &r.act,
			&r.subjectKind, &r.subjectID, &r.reason, &r.details, &r.chainNo, &r.chainHash)
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("reading acts: %w", err)
	}
	return out, rows.Close()
}

// hashAfter is SHA-256 over the hash before, the row's place and every column, each text with its length before it, so
// that no two different rows write the same bytes.
func (r chainRow) hashAfter(previous []byte, no int64) []byte {
	var b bytes.Buffer
	text := func(s string) {
		b.Write(binary.BigEndian.AppendUint32(nil, uint32(len(s))))
		b.WriteString(s)
	}
	text(string(previous))
	for _, n := range []int64{no, r.bucket, r.id, r.atMS, r.actorID, r.actorSession, r.subjectID} {
		b.Write(binary.BigEndian.AppendUint64(nil, uint64(n)))
	}
	for _, s := range []string{r.actorKind, r.actorService, r.act, r.subjectKind, r.reason, r.details} {
		text(s)
	}
	sum := sha256.Sum256(b.Bytes())
	return sum[:]
}
