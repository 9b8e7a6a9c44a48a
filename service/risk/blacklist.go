package risk

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"errors"
	"strconv"

	"google.golang.org/protobuf/proto"

	riskv1 "github.com/hengdai/hengdai/api/risk/v1"
	"github.com/hengdai/hengdai/kit/approve"
	"github.com/hengdai/hengdai/kit/audit"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/rpc"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/service/risk/rows"
)

// kindList is the kind of a proposal that changes the blacklist.
const kindList = "risk.list"

const (
	actAdd    = "add"
	actRemove = "remove"

	entryActive  = "active"
	entryRemoved = "removed"
)

var (
	errListed    = errs.New(errs.Conflict, "list.listed", "该标记已在黑名单中。", "The token is on the blacklist already.").On("token")
	errNotListed = errs.New(errs.NotFound, "list.not_listed", "该标记不在黑名单中。", "The token is not on the blacklist.").On("token")
)

// listChange is what a proposal holds.
type listChange struct {
	Act       string `json:"act"`
	Kind      string `json:"kind"`
	Token     string `json:"token"`
	Reason    string `json:"reason"`
	ExpiresOn string `json:"expires_on,omitempty"`
}

// ListEntries answers one page of the blacklist.
func (a staff) ListEntries(ctx context.Context, req *riskv1.ListEntriesRequest) (*riskv1.ListEntriesResponse, error) {
	after, err := decodeCursor(req.GetPageToken())
	if err != nil {
		return nil, err
	}
	size := pageSize(req.GetPageSize())
	found, err := listEntries(ctx, a.deps.DB.Read(), req.GetKind(), after, size)
	if err != nil {
		return nil, err
	}
	out := &riskv1.ListEntriesResponse{}
	for _, e := range found {
		out.Entries = append(out.Entries, &riskv1.ListEntry{Kind: e.Kind, Token: e.Token, Reason: e.Reason, ExpiresOn: e.ExpiresOn,
			ProposedBy: e.ProposedBy, ApprovedBy: e.ApprovedBy, AddedMs: e.AddedMs})
	}
	if len(found) == size {
		last := found[size-1]
		out.NextPageToken = cursor{Kind: last.Kind, Token: last.Token}.encode()
	}
	return out, nil
}

// AddEntry proposes a token for the blacklist.
func (a staff) AddEntry(ctx context.Context, req *riskv1.AddEntryRequest) (*riskv1.ListChange, error) {
	return a.proposeChange(ctx, req.GetIdempotencyKey(), listChange{actAdd, req.GetKind(), req.GetToken(), req.GetReason(), req.GetExpiresOn()})
}

// RemoveEntry proposes to take a token off.
func (a staff) RemoveEntry(ctx context.Context, req *riskv1.RemoveEntryRequest) (*riskv1.ListChange, error) {
	return a.proposeChange(ctx, req.GetIdempotencyKey(), listChange{Act: actRemove, Kind: req.GetKind(), Token: req.GetToken(), Reason: req.GetReason()})
}

func (a staff) proposeChange(ctx context.Context, key string, change listChange) (*riskv1.ListChange, error) {
	body, err := json.Marshal(change)
	if err != nil {
		return nil, errs.Wrap(err, "encoding a change of the blacklist")
	}
	hash := sha256.Sum256(body)
	by, bucket := rpc.From(ctx).ID, tokenBucket(change.Kind, change.Token)
	scope := "risk.list." + strconv.FormatInt(by, 10)
	answer := &riskv1.ListChange{}
	err = a.deps.DB.Write(ctx, func(tx *store.Tx) error {
		proto.Reset(answer)
		before, found, err := store.Idempotent(tx, bucket, scope, key, hash[:])
		if err != nil {
			return err
		}
		if found {
			return proto.Unmarshal(before, answer)
		}
		if err := changeable(tx.Context(), rows.New(tx), change); err != nil {
			return err
		}
		// The subject only carries the token's bucket into the proposal's id.
		proposal, err := approve.Propose(tx, approve.Proposal{Kind: kindList, SubjectID: bucket, Summary: change.Act + " " + change.Kind + " token",
			Body: body, Reason: change.Reason, ProposedBy: by, ProposedAt: a.deps.Clock.Now()})
		if err != nil {
			return err
		}
		stored, err := approve.Get(tx.Context(), tx, proposal)
		if err != nil {
			return err
		}
		proto.Merge(answer, toListChange(stored, change))
		encoded, err := proto.Marshal(answer)
		if err != nil {
			return err
		}
		if err := store.Remember(tx, bucket, scope, key, hash[:], encoded); err != nil {
			return err
		}
		return audit.Write(tx, a.audited(ctx, "list.propose", "list", proposal, change.Reason, map[string]string{"act": change.Act, "kind": change.Kind}))
	})
	if err != nil {
		return nil, errs.Wrap(err, "proposing a change of the blacklist")
	}
	return answer, nil
}

// changeable says whether a change makes sense as things are.
func changeable(ctx context.Context, q *rows.Queries, change listChange) error {
	entry, err := q.Entry(ctx, rows.EntryParams{Bucket: tokenBucket(change.Kind, change.Token), Kind: change.Kind, Token: change.Token})
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	on := err == nil && entry.State == entryActive
	switch {
	case change.Act == actAdd && on:
		return errListed
	case change.Act == actRemove && !on:
		return errNotListed
	}
	return nil
}

// ApproveListChange carries a change out.
func (a staff) ApproveListChange(ctx context.Context, req *riskv1.ApproveListChangeRequest) (*riskv1.ListChange, error) {
	by := approve.By{Staff: rpc.From(ctx).ID, At: a.deps.Clock.Now(), Reason: req.GetReason()}
	return a.decideChange(ctx, req.GetProposalId(), "list.approve", by.Reason, func(tx *store.Tx, proposedBy int64) error {
		return approve.Approve(tx, req.GetProposalId(), by, func(tx *store.Tx, body []byte) error {
			var change listChange
			if err := json.Unmarshal(body, &change); err != nil {
				return err
			}
			return apply(tx, change, proposedBy, by)
		})
	})
}

// RejectListChange turns a change down.
func (a staff) RejectListChange(ctx context.Context, req *riskv1.RejectListChangeRequest) (*riskv1.ListChange, error) {
	by := approve.By{Staff: rpc.From(ctx).ID, At: a.deps.Clock.Now(), Reason: req.GetReason()}
	return a.decideChange(ctx, req.GetProposalId(), "list.reject", by.Reason, func(tx *store.Tx, _ int64) error {
		return approve.Reject(tx, req.GetProposalId(), by)
	})
}

func (a staff) decideChange(ctx context.Context, proposal int64, act, reason string, decide func(tx *store.Tx, proposedBy int64) error) (*riskv1.ListChange, error) {
	var after approve.Proposal
	err := a.deps.DB.Write(ctx, func(tx *store.Tx) error {
		before, err := approve.Get(tx.Context(), tx, proposal)
		if err != nil {
			return err
		}
		if before.Kind != kindList {
			return approve.ErrNone
		}
		if err := decide(tx, before.ProposedBy); err != nil {
			return err
		}
		if after, err = approve.Get(tx.Context(), tx, proposal); err != nil {
			return err
		}
		return audit.Write(tx, a.audited(ctx, act, "list", proposal, reason, nil))
	})
	if err != nil {
		return nil, errs.Wrap(err, "deciding a change of the blacklist")
	}
	return readListChange(after)
}

// apply writes the change to the list.
func apply(tx *store.Tx, change listChange, proposedBy int64, by approve.By) error {
	ctx, q, bucket := tx.Context(), rows.New(tx), tokenBucket(change.Kind, change.Token)
	if err := changeable(ctx, q, change); err != nil {
		return err
	}
	entry, err := q.Entry(ctx, rows.EntryParams{Bucket: bucket, Kind: change.Kind, Token: change.Token})
	if errors.Is(err, sql.ErrNoRows) {
		return q.InsertEntry(ctx, rows.InsertEntryParams{Bucket: bucket, Kind: change.Kind, Token: change.Token, Reason: change.Reason,
			ExpiresOn: change.ExpiresOn, ProposedBy: proposedBy, ApprovedBy: by.Staff, AddedMs: by.At.UnixMilli()})
	}
	if err != nil {
		return err
	}
	state := entryActive
	if change.Act == actRemove {
		state = entryRemoved
	}
	n, err := q.MoveEntry(ctx, rows.MoveEntryParams{State: state, Reason: change.Reason, ExpiresOn: change.ExpiresOn, ProposedBy: proposedBy,
		ApprovedBy: by.Staff, AddedMs: by.At.UnixMilli(), Bucket: bucket, Kind: change.Kind, Token: change.Token, Version: entry.Version})
	return store.One(n, err, errListed)
}

// ListListChanges answers one page of proposals.
func (a staff) ListListChanges(ctx context.Context, req *riskv1.ListListChangesRequest) (*riskv1.ListListChangesResponse, error) {
	after, err := decodeCursor(req.GetPageToken())
	if err != nil {
		return nil, err
	}
	filter := approve.Filter{State: approve.State(req.GetState()), Kind: kindList, Limit: pageSize(req.GetPageSize())}
	if after != nil {
		filter.BeforeMS, filter.BeforeID = after.MS, after.ID
	}
	found, err := approve.List(ctx, a.deps.DB.Read(), filter)
	if err != nil {
		return nil, errs.Wrap(store.Explain(err), "listing changes of the blacklist")
	}
	out := &riskv1.ListListChangesResponse{}
	for _, p := range found {
		change, err := readListChange(p)
		if err != nil {
			return nil, err
		}
		out.Changes = append(out.Changes, change)
	}
	if len(found) == filter.Limit {
		last := found[len(found)-1]
		out.NextPageToken = cursor{MS: last.ProposedAt.UnixMilli(), ID: last.ID}.encode()
	}
	return out, nil
}

func readListChange(p approve.Proposal) (*riskv1.ListChange, error) {
	var change listChange
	if err := json.Unmarshal(p.Body, &change); err != nil {
		return nil, errs.Wrap(err, "reading a change of the blacklist")
	}
	return toListChange(p, change), nil
}

func toListChange(p approve.Proposal, change listChange) *riskv1.ListChange {
	out := &riskv1.ListChange{ProposalId: p.ID, Act: change.Act, State: string(p.State), ProposedBy: p.ProposedBy,
		ProposedMs: p.ProposedAt.UnixMilli(), DecidedBy: p.DecidedBy, Decision: p.Decision,
		Entry: &riskv1.ListEntry{Kind: change.Kind, Token: change.Token, Reason: change.Reason, ExpiresOn: change.ExpiresOn, ProposedBy: p.ProposedBy}}
	if p.State == approve.Approved {
		out.Entry.ApprovedBy, out.Entry.AddedMs = p.DecidedBy, p.DecidedAt.UnixMilli()
	}
	return out
}
