package notify

import (
	"context"
	"database/sql"
	"errors"
	"time"

	notifyv1 "github.com/hengdai/hengdai/api/notify/v1"
	"github.com/hengdai/hengdai/domain/calendar"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/id"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/service/notify/guard"
	"github.com/hengdai/hengdai/service/notify/rows"
)

// Outcomes of contacts.
const (
	contactGranted    = "GRANTED"
	contactEffective  = "EFFECTIVE"
	contactUnanswered = "UNANSWERED"
	contactSent       = "SENT"
)

var (
	errBucket    = errs.New(errs.Invalid, "notify.wrong_bucket", "编号不属于该用户。", "The id was not made in the user's bucket.").On("contactId")
	errNoContact = errs.New(errs.NotFound, "notify.contact_not_found", "没有该联系记录。", "There is no such contact.")
)

// CheckContact lets a contact through, and counts it, or says when to ask again.
func (s internalAPI) CheckContact(ctx context.Context, req *notifyv1.CheckContactRequest) (*notifyv1.CheckContactResponse, error) {
	bucket := id.Bucket(req.GetUserId())
	if id.Bucket(req.GetContactId()) != bucket {
		return nil, errBucket
	}
	var res *notifyv1.CheckContactResponse
	err := s.write(ctx, func(tx *store.Tx) error {
		var err error
		res, err = s.grant(ctx, tx, bucket, req)
		return err
	})
	return res, errs.Wrap(err, "asking the contact guard")
}

func (s *Service) grant(ctx context.Context, tx *store.Tx, bucket int64, req *notifyv1.CheckContactRequest) (*notifyv1.CheckContactResponse, error) {
	q := rows.New(tx)
	known, err := q.ContactByID(ctx, rows.ContactByIDParams{Bucket: bucket, ContactID: req.GetContactId()})
	switch {
	case err == nil && known.UserID != req.GetUserId():
		return nil, errNoContact
	case err == nil:
		return &notifyv1.CheckContactResponse{Allowed: true}, nil
	case !errors.Is(err, sql.ErrNoRows):
		return nil, err
	}
	now := s.deps.Clock.Now()
	today := calendar.InShanghai(now)
	limits, err := s.policy.On(today)
	if err != nil {
		return nil, err
	}
	stops, err := s.stopsOf(ctx, tx, bucket, req.GetUserId())
	if err != nil {
		return nil, err
	}
	day, err := s.dayOf(ctx, tx, bucket, req.GetUserId(), today.String())
	if err != nil {
		return nil, err
	}
	tries, err := q.CountTries(ctx, rows.CountTriesParams{Bucket: bucket, UserID: req.GetUserId(), ContactOn: today.String(), NumberToken: req.GetNumberToken()})
	if err != nil {
		return nil, err
	}
	v := guard.Contact(now, guard.Medium(req.GetMedium()), limits,
		guard.Day{CallsOpen: day.CallsOpen, CallsEffective: day.CallsEffective, TriesOnNumber: tries, Messages: day.Messages}, stops)
	if !v.Allowed {
		res := &notifyv1.CheckContactResponse{Reason: string(v.Reason)}
		if !v.NotBefore.IsZero() {
			res.NotBeforeMs = v.NotBefore.UnixMilli()
		}
		return res, nil
	}
	day.CallsOpen++
	if err := s.countDay(ctx, tx, day); err != nil {
		return nil, err
	}
	return &notifyv1.CheckContactResponse{Allowed: true}, q.InsertContact(ctx, rows.InsertContactParams{Bucket: bucket, ContactID: req.GetContactId(),
		UserID: req.GetUserId(), ContactOn: today.String(), Medium: req.GetMedium(), NumberToken: req.GetNumberToken(), Outcome: contactGranted, AtMs: now.UnixMilli()})
}

// RecordContact closes a granted contact. The first statement holds.
func (s internalAPI) RecordContact(ctx context.Context, req *notifyv1.RecordContactRequest) (*notifyv1.RecordContactResponse, error) {
	bucket := id.Bucket(req.GetUserId())
	err := s.write(ctx, func(tx *store.Tx) error {
		q := rows.New(tx)
		c, err := q.ContactByID(ctx, rows.ContactByIDParams{Bucket: bucket, ContactID: req.GetContactId()})
		if errors.Is(err, sql.ErrNoRows) || (err == nil && c.UserID != req.GetUserId()) {
			return errNoContact
		}
		if err != nil || c.Outcome != contactGranted {
			return err
		}
		n, err := q.SettleContact(ctx, rows.SettleContactParams{Outcome: req.GetOutcome(), Bucket: bucket, ContactID: c.ContactID})
		if err := store.One(n, err, errStale); err != nil {
			return err
		}
		day, err := s.dayOf(ctx, tx, bucket, c.UserID, c.ContactOn)
		if err != nil {
			return err
		}
		day.CallsOpen--
		if req.GetOutcome() == contactEffective {
			day.CallsEffective++
		} else {
			day.CallsInVain++
		}
		return s.countDay(ctx, tx, day)
	})
	return &notifyv1.RecordContactResponse{}, errs.Wrap(err, "recording a contact")
}

// StopContact stops collection contact for a service.
func (s internalAPI) StopContact(ctx context.Context, req *notifyv1.StopContactRequest) (*notifyv1.StopContactResponse, error) {
	bucket := id.Bucket(req.GetUserId())
	if id.Bucket(req.GetStopId()) != bucket {
		return nil, errBucket.On("stopId")
	}
	err := s.write(ctx, func(tx *store.Tx) error {
		_, err := s.stop(ctx, tx, stopping{ID: req.GetStopId(), UserID: req.GetUserId(), Reason: req.GetReason(), Until: instant(req.GetUntilMs())})
		return err
	})
	return &notifyv1.StopContactResponse{}, errs.Wrap(err, "stopping contact")
}

// stopping is a stop to be made.
type stopping struct {
	ID, UserID, By int64
	Reason         string
	Until          time.Time
}

// stop stores a stop; one that is there already is answered as it is.
func (s *Service) stop(ctx context.Context, tx *store.Tx, n stopping) (rows.Stop, error) {
	q := rows.New(tx)
	key := rows.StopByIDParams{Bucket: id.Bucket(n.UserID), StopID: n.ID}
	r, err := q.StopByID(ctx, key)
	if !errors.Is(err, sql.ErrNoRows) {
		if err == nil && r.UserID != n.UserID {
			return r, errNoContact.On("stopId")
		}
		return r, err
	}
	p := rows.InsertStopParams{Bucket: key.Bucket, StopID: n.ID, UserID: n.UserID, Reason: n.Reason, StoppedBy: n.By, FromMs: s.deps.Clock.Now().UnixMilli()}
	if !n.Until.IsZero() {
		p.UntilMs = n.Until.UnixMilli()
	}
	if err := q.InsertStop(ctx, p); err != nil {
		return r, err
	}
	return q.StopByID(ctx, key)
}
