package notify

import (
	"context"
	"crypto/sha256"
	"strconv"

	"google.golang.org/protobuf/proto"

	notifyv1 "github.com/hengdai/hengdai/api/notify/v1"
	"github.com/hengdai/hengdai/kit/audit"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/id"
	"github.com/hengdai/hengdai/kit/rpc"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/service/notify/rows"
)

var errNoStop = errs.New(errs.NotFound, "notify.stop_not_found", "没有该停催记录。", "There is no such stop.")

// StopContact stops collection contact with a borrower.
func (s staff) StopContact(ctx context.Context, req *notifyv1.StaffStopContactRequest) (*notifyv1.ContactStop, error) {
	who, bucket := rpc.From(ctx), id.Bucket(req.GetUserId())
	hash := sha256.Sum256([]byte(strconv.FormatInt(req.GetUserId(), 10) + "|" + strconv.FormatInt(req.GetUntilMs(), 10) + "|" + req.GetReason()))
	scope := "notify.stop/" + strconv.FormatInt(who.ID, 10)
	res := &notifyv1.ContactStop{}
	err := s.write(ctx, func(tx *store.Tx) error {
		before, found, err := store.Idempotent(tx, bucket, scope, req.GetIdempotencyKey(), hash[:])
		if err != nil {
			return err
		}
		if found {
			return proto.Unmarshal(before, res)
		}
		r, err := s.stop(ctx, tx, stopping{ID: s.deps.IDs.New(bucket), UserID: req.GetUserId(), By: who.ID, Reason: req.GetReason(), Until: instant(req.GetUntilMs())})
		if err != nil {
			return err
		}
		res = stopOf(r)
		if err := s.note(tx, who, "contact.stop", r, req.GetReason()); err != nil {
			return err
		}
		answer, err := proto.Marshal(res)
		if err != nil {
			return err
		}
		return store.Remember(tx, bucket, scope, req.GetIdempotencyKey(), hash[:], answer)
	})
	if err != nil {
		return nil, errs.Wrap(err, "stopping contact")
	}
	return res, nil
}

// LiftStop ends a stop. Lifted once it stays lifted.
func (s staff) LiftStop(ctx context.Context, req *notifyv1.LiftStopRequest) (*notifyv1.ContactStop, error) {
	who, bucket := rpc.From(ctx), id.Bucket(req.GetStopId())
	var r rows.Stop
	err := s.write(ctx, func(tx *store.Tx) error {
		q := rows.New(tx)
		n, err := q.LiftStop(ctx, rows.LiftStopParams{LiftedMs: s.deps.Clock.Now().UnixMilli(), LiftedBy: who.ID, Bucket: bucket, StopID: req.GetStopId()})
		if err != nil {
			return err
		}
		r, err = q.StopByID(ctx, rows.StopByIDParams{Bucket: bucket, StopID: req.GetStopId()})
		if err != nil {
			return errNoStop.Because(err)
		}
		if n == 0 {
			return nil
		}
		return s.note(tx, who, "contact.lift", r, req.GetReason())
	})
	if err != nil {
		return nil, errs.Wrap(err, "lifting a stop")
	}
	return stopOf(r), nil
}

// ListContacts answers what the guard knows of a borrower.
func (s staff) ListContacts(ctx context.Context, req *notifyv1.ListContactsRequest) (*notifyv1.ListContactsResponse, error) {
	q, bucket := rows.New(s.deps.DB.Primary()), id.Bucket(req.GetUserId())
	stops, err := q.StopsOf(ctx, rows.StopsOfParams{Bucket: bucket, UserID: req.GetUserId()})
	if err != nil {
		return nil, errs.Wrap(store.Explain(err), "reading stops")
	}
	contacts, err := q.ContactsOf(ctx, rows.ContactsOfParams{Bucket: bucket, UserID: req.GetUserId(), Limit: 100})
	if err != nil {
		return nil, errs.Wrap(store.Explain(err), "reading contacts")
	}
	res := &notifyv1.ListContactsResponse{}
	for _, r := range stops {
		res.Stops = append(res.Stops, stopOf(r))
	}
	for _, c := range contacts {
		res.Contacts = append(res.Contacts, &notifyv1.Contact{ContactId: c.ContactID, Medium: c.Medium, Outcome: c.Outcome, AtMs: c.AtMs})
	}
	return res, nil
}

func (s *Service) note(tx *store.Tx, who rpc.Principal, act string, r rows.Stop, reason string) error {
	return audit.Write(tx, audit.Entry{ActorKind: who.Kind.String(), ActorID: who.ID, ActorSession: who.SessionID, ActorService: who.Service,
		Act: act, SubjectKind: "borrower", SubjectID: r.UserID, Reason: reason, Details: map[string]string{"stop": strconv.FormatInt(r.StopID, 10)},
		At: s.deps.Clock.Now()})
}
