package notify

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/job"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/service/notify/guard"
	"github.com/hengdai/hengdai/service/notify/rows"
	"github.com/hengdai/hengdai/service/notify/template"
)

const inApp = "in_app"

// draft is what an event says, before it is a message on a channel.
type draft struct {
	UserID, Bucket int64
	// Origin names the event. The same origin is the same message.
	Origin    string
	Template  string
	SubjectID int64
	Params    template.Params
	Language  string
	// Only names one channel; empty: those of the template.
	Only string
	// For one-time codes.
	SealedCode, SealedMobile []byte
	ExpiresMS                int64
}

// post stores the messages of a draft, one on each channel, with the effect that sends it. What was stored before under
// the same origin is left alone.
func (s *Service) post(ctx context.Context, tx *store.Tx, d draft) error {
	t, ok := s.templates.Newest(d.Template)
	if !ok {
		return fmt.Errorf("there is no template %s", d.Template)
	}
	// A message with a hole is found now, not when it is to be sent.
	if _, err := t.Render("zh", d.Params.With("code", "000000")); err != nil {
		return err
	}
	channels := t.Channels
	if d.Only != "" {
		if !slices.Contains(t.Channels, d.Only) {
			return fmt.Errorf("the template %s does not go out by %q", d.Template, d.Only)
		}
		channels = []string{d.Only}
	}
	for _, name := range channels {
		if s.channels[name] == nil {
			continue // this installation does not have it
		}
		if err := s.postOn(ctx, tx, t, d, name); err != nil {
			return errs.Wrap(err, "storing a message")
		}
	}
	return nil
}

func (s *Service) postOn(ctx context.Context, tx *store.Tx, t template.Template, d draft, name string) error {
	q := rows.New(tx)
	origin := d.Origin + "/" + name
	_, err := q.MessageByOrigin(ctx, rows.MessageByOriginParams{Bucket: d.Bucket, Origin: origin})
	if err == nil || !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	params, err := json.Marshal(d.Params)
	if err != nil {
		return err
	}
	if d.Language == "" {
		d.Language = s.deps.Language
	}
	now := s.deps.Clock.Now()
	m := rows.InsertMessageParams{
		Bucket: d.Bucket, MessageID: s.deps.IDs.New(d.Bucket), UserID: d.UserID, Origin: origin, Channel: name, Template: t.Key,
		TemplateVersion: t.Version, Class: string(t.Class), Language: d.Language, SubjectID: d.SubjectID, Params: string(params),
		SealedCode: bytesOf(d.SealedCode), SealedMobile: bytesOf(d.SealedMobile), State: string(Pending),
		CreatedMs: now.UnixMilli(), NotBeforeMs: now.UnixMilli(), ExpiresMs: d.ExpiresMS,
	}
	if m.ExpiresMs == 0 {
		m.ExpiresMs = now.Add(time.Duration(t.ValidHours) * time.Hour).UnixMilli()
	}
	if s.channels[name].Profile().Local {
		return s.putIntoInbox(ctx, tx, t, m, now)
	}
	if err := q.InsertMessage(ctx, m); err != nil {
		return err
	}
	return s.queue.Add(tx, job.Effect{Kind: effectSend, Bucket: m.Bucket, ID: m.MessageID})
}

// putIntoInbox delivers a message by storing it. A text that collects is not shown while contact is stopped.
func (s *Service) putIntoInbox(ctx context.Context, tx *store.Tx, t template.Template, m rows.InsertMessageParams, now time.Time) error {
	m.State, m.SentMs, m.EndedMs = string(Delivered), m.CreatedMs, m.CreatedMs
	if t.Class == template.Collection {
		stops, err := s.stopsOf(ctx, tx, m.Bucket, m.UserID)
		if err != nil {
			return err
		}
		if guard.Stops(now, stops) {
			m.State, m.SentMs = string(RefusedByGuard), 0
		}
	}
	if err := rows.New(tx).InsertMessage(ctx, m); err != nil {
		return err
	}
	if t.Class != template.Collection {
		return nil // the inbox tells nobody else
	}
	return s.tell(tx, rows.Message{Bucket: m.Bucket, MessageID: m.MessageID, UserID: m.UserID, Channel: m.Channel, Template: m.Template,
		SubjectID: m.SubjectID}, State(m.State), "")
}

func bytesOf(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}
