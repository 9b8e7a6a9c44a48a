package notify

import (
	"context"
	"database/sql"
	"errors"
	"time"

	notifyv1 "github.com/hengdai/hengdai/api/notify/v1"
	"github.com/hengdai/hengdai/kit/errs"
	eventlog "github.com/hengdai/hengdai/kit/log"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/service/notify/guard"
	"github.com/hengdai/hengdai/service/notify/rows"
)

var (
	errNoMessage = errs.New(errs.NotFound, "notify.message_not_found", "没有找到该消息。", "There is no such message.")
	errStale     = errs.New(errs.Conflict, "notify.message_changed", "消息状态已变化,请重试。", "The message changed meanwhile; please try again.")
)

// load answers a message.
func (s *Service) load(ctx context.Context, q store.DBTX, bucket, messageID int64) (rows.Message, error) {
	m, err := rows.New(q).MessageByID(ctx, rows.MessageByIDParams{Bucket: bucket, MessageID: messageID})
	if errors.Is(err, sql.ErrNoRows) {
		return m, errNoMessage
	}
	return m, errs.Wrap(err, "reading a message")
}

// change is what a move brings besides the state.
type change struct {
	Reason     string
	ProviderNo string
}

// move applies an event to a message: the only writer of its state. What is secret is wiped once it is out or over.
func (s *Service) move(ctx context.Context, tx *store.Tx, m rows.Message, e Event, c change) error {
	to, err := Next(State(m.State), e)
	if err != nil {
		return err
	}
	now := s.deps.Clock.Now().UnixMilli()
	p := rows.MoveMessageParams{ToState: string(to), Reason: c.Reason, ProviderNo: m.ProviderNo, NotBeforeMs: m.NotBeforeMs, SentMs: m.SentMs,
		EndedMs: m.EndedMs, SealedCode: m.SealedCode, SealedMobile: m.SealedMobile, Bucket: m.Bucket, MessageID: m.MessageID, Version: m.Version}
	if c.ProviderNo != "" {
		p.ProviderNo = c.ProviderNo
	}
	if to == Sent || (to == Delivered && m.SentMs == 0) {
		p.SentMs = now
	}
	if to.Ended() {
		p.EndedMs = now
	}
	if to == Sent || to.Ended() {
		p.SealedCode, p.SealedMobile = []byte{}, []byte{}
	}
	q := rows.New(tx)
	n, err := q.MoveMessage(ctx, p)
	if err := store.One(n, err, errStale); err != nil {
		return err
	}
	if err := q.InsertMove(ctx, rows.InsertMoveParams{Bucket: m.Bucket, MessageID: m.MessageID, Number: m.Version, FromState: m.State,
		ToState: string(to), Reason: c.Reason, AtMs: now}); err != nil {
		return err
	}
	if to == Sending {
		return nil
	}
	return s.tell(tx, m, to, c.Reason)
}

// postpone keeps a message waiting until an instant and says why.
func (s *Service) postpone(ctx context.Context, tx *store.Tx, m rows.Message, until time.Time, reason string) error {
	n, err := rows.New(tx).MoveMessage(ctx, rows.MoveMessageParams{ToState: m.State, Reason: reason, ProviderNo: m.ProviderNo,
		NotBeforeMs: until.UnixMilli(), SentMs: m.SentMs, EndedMs: m.EndedMs, SealedCode: m.SealedCode, SealedMobile: m.SealedMobile,
		Bucket: m.Bucket, MessageID: m.MessageID, Version: m.Version})
	return store.One(n, err, errStale)
}

// tell writes MessageMoved into the log.
func (s *Service) tell(tx *store.Tx, m rows.Message, to State, reason string) error {
	return s.deps.Log.Append(tx, eventlog.Event{UserID: m.UserID, Bucket: m.Bucket, Body: &notifyv1.MessageMoved{
		MessageId: m.MessageID, Channel: m.Channel, Template: m.Template, To: string(to), Reason: reason, SubjectId: m.SubjectID}})
}

// stopsOf answers the stops of a borrower as the guard wants them.
func (s *Service) stopsOf(ctx context.Context, q store.DBTX, bucket, userID int64) ([]guard.Stop, error) {
	list, err := rows.New(q).StopsOf(ctx, rows.StopsOfParams{Bucket: bucket, UserID: userID})
	if err != nil {
		return nil, errs.Wrap(err, "reading stops")
	}
	stops := make([]guard.Stop, len(list))
	for i, r := range list {
		stops[i] = guard.Stop{From: instant(r.FromMs), Until: instant(r.UntilMs), Lifted: instant(r.LiftedMs)}
	}
	return stops, nil
}

// dayOf answers what was done on a day to contact a borrower. Its row is there afterwards, for countDay.
func (s *Service) dayOf(ctx context.Context, tx *store.Tx, bucket, userID int64, on string) (rows.ContactDay, error) {
	q := rows.New(tx)
	key := rows.ContactDayParams{Bucket: bucket, UserID: userID, ContactOn: on}
	day, err := q.ContactDay(ctx, key)
	if !errors.Is(err, sql.ErrNoRows) {
		return day, err
	}
	if err := q.InsertContactDay(ctx, rows.InsertContactDayParams(key)); err != nil {
		return day, err
	}
	return q.ContactDay(ctx, key)
}

// countDay stores the counters of a day, if nobody else has counted since they were read.
func (s *Service) countDay(ctx context.Context, tx *store.Tx, d rows.ContactDay) error {
	n, err := rows.New(tx).CountContactDay(ctx, rows.CountContactDayParams{CallsOpen: d.CallsOpen, CallsEffective: d.CallsEffective,
		CallsInVain: d.CallsInVain, Messages: d.Messages, Bucket: d.Bucket, UserID: d.UserID, ContactOn: d.ContactOn, Version: d.Version})
	return store.One(n, err, errStale)
}

// write runs a unit, again if somebody else changed the same rows meanwhile.
func (s *Service) write(ctx context.Context, work func(tx *store.Tx) error) error {
	var err error
	for range 5 {
		if err = s.deps.DB.Write(ctx, work); !errors.Is(err, errStale) && !store.IsDuplicate(err) {
			return err
		}
	}
	return err
}

func instant(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms)
}
