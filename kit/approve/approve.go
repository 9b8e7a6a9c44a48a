package approve

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/hengdai/hengdai/kit/clock"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/id"
	"github.com/hengdai/hengdai/kit/store"
)

// State is where a proposal stands.
type State string

// The states. Both decisions are final.
const (
	Proposed State = "proposed"
	Approved State = "approved"
	Rejected State = "rejected"
)

// What can be wrong with a decision.
var (
	ErrNone     = errs.New(errs.NotFound, "approve.not_found", "没有找到该提案。", "There is no such proposal.")
	ErrSelf     = errs.New(errs.Denied, "approve.same_person", "提案人不能审批自己的提案。", "Who proposed a change cannot decide it.")
	ErrDecided  = errs.New(errs.Conflict, "approve.decided", "该提案已有结论。", "The proposal was decided already.")
	ErrNoReason = errs.New(errs.Invalid, "approve.reason_missing", "请填写理由。", "Please state a reason.").On("reason")
)

// Proposal is a change that waits, or was decided.
type Proposal struct {
	// ID may be given, in the subject's bucket, where a proposal has to be found again; else Propose draws one.
	ID int64
	// Kind says what Body changes, for example "product.version".
	Kind      string
	SubjectID int64
	// Summary is the change as a person reads it; no personal value.
	Summary string
	// Body is the change as apply reads it.
	Body       []byte
	Reason     string
	State      State
	ProposedBy int64
	// ProposedAt is the business instant; zero means now in real time.
	ProposedAt time.Time
	DecidedBy  int64
	DecidedAt  time.Time
	// Decision is the reason of who decided.
	Decision string
}

// By is who decides, when and why.
type By struct {
	Staff int64
	// At is the business instant; zero means now in real time.
	At     time.Time
	Reason string
}

// Propose keeps a change and answers its id.
func Propose(tx *store.Tx, p Proposal) (int64, error) {
	if p.ProposedBy == 0 || p.Kind == "" {
		return 0, errors.New("approve: a proposal needs a kind and a proposer")
	}
	proposalID := p.ID
	if proposalID == 0 {
		var err error
		if proposalID, err = newID(id.Bucket(p.SubjectID)); err != nil {
			return 0, err
		}
	}
	_, err := tx.ExecContext(tx.Context(), `INSERT INTO kit_proposal (bucket, id, kind, subject_id, summary, body, reason, state,
 proposed_by, proposed_ms, decided_by, decided_ms, decision, version) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0, '', 1)`,
		id.Bucket(proposalID), proposalID, p.Kind, p.SubjectID, p.Summary, p.Body, p.Reason, string(Proposed), p.ProposedBy, ms(p.ProposedAt))
	if err != nil {
		return 0, fmt.Errorf("proposing %s: %w", p.Kind, err)
	}
	return proposalID, nil
}

// Approve decides for the change and applies it in the same transaction. An error of apply undoes both.
func Approve(tx *store.Tx, proposalID int64, by By, apply func(tx *store.Tx, body []byte) error) error {
	p, err := decide(tx, proposalID, by, Approved)
	if err != nil {
		return err
	}
	return errs.Wrap(apply(tx, p.Body), "applying "+p.Kind)
}

// Reject decides against the change, with a reason.
func Reject(tx *store.Tx, proposalID int64, by By) error {
	if by.Reason == "" {
		return ErrNoReason
	}
	_, err := decide(tx, proposalID, by, Rejected)
	return err
}

func decide(tx *store.Tx, proposalID int64, by By, to State) (Proposal, error) {
	p, err := Get(tx.Context(), tx, proposalID)
	switch {
	case err != nil:
		return p, err
	case p.State != Proposed:
		return p, ErrDecided
	case by.Staff == 0 || p.ProposedBy == by.Staff:
		return p, ErrSelf
	}
	res, err := tx.ExecContext(tx.Context(), `UPDATE kit_proposal SET state = ?, decided_by = ?, decided_ms = ?, decision = ?,
 version = version + 1 WHERE bucket = ? AND id = ? AND state = ? AND proposed_by <> ?`,
		string(to), by.Staff, ms(by.At), by.Reason, id.Bucket(proposalID), proposalID, string(Proposed), by.Staff)
	if err != nil {
		return p, fmt.Errorf("deciding %s: %w", p.Kind, err)
	}
	n, err := res.RowsAffected()
	return p, store.One(n, err, ErrDecided)
}

const columns = `id, kind, subject_id, summary, body, reason, state, proposed_by, proposed_ms, decided_by, decided_ms, decision`

// Get answers one proposal.
func Get(ctx context.Context, q store.DBTX, proposalID int64) (Proposal, error) {
	row := q.QueryRowContext(ctx, `SELECT `+columns+` FROM kit_proposal WHERE bucket = ? AND id = ?`, id.Bucket(proposalID), proposalID)
	p, err := scan(row.Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return p, ErrNone
	}
	return p, errs.Wrap(err, "reading a proposal")
}

// Filter narrows List. Zero fields narrow nothing.
type Filter struct {
	State State
	Kind  string
	// BeforeMS and BeforeID are the last row of the page before.
	BeforeMS, BeforeID int64
	Limit              int
}

// List answers proposals, the newest first.
func List(ctx context.Context, q store.DBTX, f Filter) ([]Proposal, error) {
	query := `SELECT ` + columns + ` FROM kit_proposal WHERE 1 = 1`
	var args []any
	if f.State != "" {
		query += ` AND state = ?`
		args = append(args, string(f.State))
	}
	if f.Kind != "" {
		query += ` AND kind = ?`
		args = append(args, f.Kind)
	}
	if f.BeforeMS != 0 {
		query += ` AND (proposed_ms < ? OR (proposed_ms = ? AND id < ?))`
		args = append(args, f.BeforeMS, f.BeforeMS, f.BeforeID)
	}
	rows, err := q.QueryContext(ctx, query+` ORDER BY proposed_ms DESC, id DESC LIMIT ?`, append(args, f.Limit)...)
	if err != nil {
		return nil, fmt.Errorf("listing proposals: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var out []Proposal
	for rows.Next() {
		p, err := scan(rows.Scan)
		if err != nil {
			return nil, fmt.Errorf("listing proposals: %w", err)
		}
		out = append(out, p)
	}
	return out, rows.Err()
}

func scan(into func(...any) error) (Proposal, error) {
	var p Proposal
	var state string
	var proposed, decided int64
	err := into(&p.ID, &p.Kind, &p.SubjectID, &p.Summary, &p.Body, &p.Reason, &state, &p.ProposedBy, &proposed, &p.DecidedBy, &decided, &p.Decision)
	p.State, p.ProposedAt = State(state), time.UnixMilli(proposed).UTC()
	if decided != 0 {
		p.DecidedAt = time.UnixMilli(decided).UTC()
	}
	return p, err
}

func ms(t time.Time) int64 {
	if t.IsZero() {
		t = clock.Real()
	}
	return t.UnixMilli()
}

// newID is random but for the bucket in its last ten bits.
func newID(bucket int64) (int64, error) {
	var b [8]byte
	if _, err := rand.Read(b[:]); err != nil {
		return 0, fmt.Errorf("drawing an id: %w", err)
	}
	return int64(binary.BigEndian.Uint64(b[:])>>1)&^1023 | bucket&1023, nil
}
