package notify

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	userv1 "github.com/hengdai/hengdai/api/user/v1"
	"github.com/hengdai/hengdai/domain/calendar"
	"github.com/hengdai/hengdai/kit/clock"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/job"
	"github.com/hengdai/hengdai/kit/secret"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/service/notify/channel"
	"github.com/hengdai/hengdai/service/notify/guard"
	"github.com/hengdai/hengdai/service/notify/rows"
	"github.com/hengdai/hengdai/service/notify/template"
)

// Reasons of messages that did not go out.
const (
	reasonExpired  = "expired"
	reasonAddress  = "no_address"
	reasonProvider = "provider_refused"
	reasonFailed   = "not_delivered"

	reasonWithdrawn = "withdrawn"
)

// errMoving makes a follower look again: the message began to leave at the same moment.
var errMoving = errs.New(errs.Unavailable, "notify.message_moving", "消息正在发送。", "The message is being sent at this moment.")

var errProvider = errs.New(errs.Unavailable, "notify.provider_silent", "短信服务暂时不可用。", "The provider does not answer for the moment.")

// send carries a message out. It is run again after any error and any crash: what was begun before is asked about before
// it is sent again, always under the same request id.
func (s *Service) send(ctx context.Context, e job.Effect) error {
	m, err := s.load(ctx, s.deps.DB.Primary(), e.Bucket, e.ID)
	if err != nil {
		return err
	}
	ch := s.channels[m.Channel]
	if ch == nil {
		return fmt.Errorf("the channel %s is not configured any more", m.Channel)
	}
	switch State(m.State) {
	case Pending:
		var wait time.Time
		if m, wait, err = s.begin(ctx, m); err != nil {
			return err
		}
		if !wait.IsZero() {
			return s.queue.Again(wait)
		}
	case Sending:
		known, err := ch.Query(ctx, requestID(m))
		if err != nil {
			return errProvider.Because(err)
		}
		if known.Status != channel.NotFound {
			return s.settle(ctx, m, known)
		}
		if s.over(m) {
			return s.apply(ctx, m, Expire, change{Reason: reasonExpired})
		}
	default:
		return nil
	}
	if State(m.State) != Sending {
		return nil // refused or expired
	}
	return s.submit(ctx, ch, m)
}

// submit makes one call of the provider and keeps what came of it.
func (s *Service) submit(ctx context.Context, ch channel.Channel, m rows.Message) error {
	out, err := s.compose(ctx, m)
	if errs.CodeOf(err) == errs.NotFound {
		return s.apply(ctx, m, Fail, change{Reason: reasonAddress})
	}
	if err != nil {
		return err
	}
	receipt, err := ch.Send(ctx, out)
	if err != nil {
		return errProvider.Because(err)
	}
	return s.settle(ctx, m, receipt)
}

// begin commits that a message is about to be sent, unless the guard or its validity says otherwise; wait is when to come
// back, if it has to wait.
func (s *Service) begin(ctx context.Context, m rows.Message) (after rows.Message, wait time.Time, err error) {
	err = s.write(ctx, func(tx *store.Tx) error {
		wait = time.Time{}
		after, err = s.load(ctx, tx, m.Bucket, m.MessageID)
		if err != nil || State(after.State) != Pending {
			return err
		}
		now := s.deps.Clock.Now()
		if s.over(after) {
			return s.moveOn(ctx, tx, &after, Expire, change{Reason: reasonExpired})
		}
		v, err := s.judge(ctx, tx, after, now)
		switch {
		case err != nil:
			return err
		case v.Allowed:
			return s.moveOn(ctx, tx, &after, Begin, change{})
		case v.NotBefore.IsZero() || v.NotBefore.UnixMilli() >= after.ExpiresMs:
			return s.moveOn(ctx, tx, &after, Refuse, change{Reason: string(v.Reason)})
		}
		wait = v.NotBefore
		return s.postpone(ctx, tx, after, v.NotBefore, string(v.Reason))
	})
	return after, wait, err
}

// moveOn moves a message and answers it as it is now.
func (s *Service) moveOn(ctx context.Context, tx *store.Tx, m *rows.Message, e Event, c change) error {
	if err := s.move(ctx, tx, *m, e, c); err != nil {
		return err
	}
	now, err := s.load(ctx, tx, m.Bucket, m.MessageID)
	*m = now
	return err
}

// judge asks the guard. A message that collects is counted in the same unit in which it is begun.
func (s *Service) judge(ctx context.Context, tx *store.Tx, m rows.Message, now time.Time) (guard.Verdict, error) {
	today := calendar.InShanghai(now)
	limits, err := s.policy.On(today)
	if err != nil {
		return guard.Verdict{}, err
	}
	switch template.Class(m.Class) {
	case template.Notice:
		return guard.Notice(now, limits), nil
	case template.Collection:
	default:
		return guard.Verdict{Allowed: true}, nil
	}
	stops, err := s.stopsOf(ctx, tx, m.Bucket, m.UserID)
	if err != nil {
		return guard.Verdict{}, err
	}
	day, err := s.dayOf(ctx, tx, m.Bucket, m.UserID, today.String())
	if err != nil {
		return guard.Verdict{}, err
	}
	v := guard.Contact(now, guard.SMS, limits, guard.Day{Messages: day.Messages}, stops)
	if !v.Allowed {
		return v, nil
	}
	day.Messages++
	if err := s.countDay(ctx, tx, day); err != nil {
		return guard.Verdict{}, err
	}
	return v, rows.New(tx).InsertContact(ctx, rows.InsertContactParams{Bucket: m.Bucket, ContactID: m.MessageID, UserID: m.UserID,
		ContactOn: today.String(), Medium: string(guard.SMS), Outcome: contactSent, AtMs: now.UnixMilli()})
}

// over says that a message is not to be sent any more.
func (s *Service) over(m rows.Message) bool {
	now := s.deps.Clock.Now()
	if template.Class(m.Class) == template.Code {
		now = clock.Real() // user counts a code's life in real time, wherever the calendar stands
	}
	return now.UnixMilli() >= m.ExpiresMs
}

// settle keeps what the provider said.
func (s *Service) settle(ctx context.Context, m rows.Message, r channel.Receipt) error {
	c := change{ProviderNo: r.ProviderNo}
	switch r.Status {
	case channel.Accepted:
		return s.apply(ctx, m, Accept, c)
	case channel.Delivered:
		return s.apply(ctx, m, Deliver, c)
	case channel.Failed:
		c.Reason = reasonFailed
		return s.apply(ctx, m, Fail, c)
	case channel.Refused:
		c.Reason = reasonProvider
		return s.apply(ctx, m, Fail, c)
	case channel.Busy, channel.NotFound:
	}
	return errProvider.Because(fmt.Errorf("the provider says %s (%s)", r.Status, r.Code))
}

// apply moves a message by what the outside said. What is already so, or was overtaken by a later word, is no error.
func (s *Service) apply(ctx context.Context, m rows.Message, e Event, c change) error {
	return s.write(ctx, func(tx *store.Tx) error {
		now, err := s.load(ctx, tx, m.Bucket, m.MessageID)
		if err != nil {
			return err
		}
		if State(now.State).Ended() || (e == Accept && State(now.State) == Sent) {
			return nil
		}
		return s.move(ctx, tx, now, e, c)
	})
}

func requestID(m rows.Message) string { return strconv.FormatInt(m.MessageID, 10) }

// compose answers the message with its address and words. It asks user for the mobile unless it came sealed.
func (s *Service) compose(ctx context.Context, m rows.Message) (channel.Message, error) {
	text, err := s.textOf(m, s.openCode)
	if err != nil {
		return channel.Message{}, err
	}
	out := channel.Message{RequestID: requestID(m), Template: m.Template, Text: secret.New(text)}
	if len(m.SealedMobile) > 0 {
		mobile, err := s.deps.Keys.OpenSealed(m.SealedMobile)
		if err != nil {
			return channel.Message{}, errs.Wrap(err, "opening the sealed mobile")
		}
		out.To = secret.New(string(mobile))
		return out, nil
	}
	r, err := s.deps.User.Reveal(ctx, &userv1.RevealRequest{UserId: m.UserID, Fields: []string{"mobile"}, Purpose: "notify", SubjectId: m.MessageID})
	if err != nil {
		return channel.Message{}, errs.Wrap(err, "asking for a mobile")
	}
	if r.GetMobile() == "" {
		return channel.Message{}, errNoAddress
	}
	out.To = secret.New(r.GetMobile())
	return out, nil
}

var errNoAddress = errs.New(errs.NotFound, "notify.no_address", "没有可用的手机号。", "There is no mobile to write to.")

func (s *Service) openCode(m rows.Message) (string, error) {
	code, err := s.deps.Keys.OpenSealed(m.SealedCode)
	return string(code), err
}

// textOf answers the words of a message with the house's name before them. code answers its one-time code.
func (s *Service) textOf(m rows.Message, code func(m rows.Message) (string, error)) (string, error) {
	w, err := s.wordsOf(m, m.Language, code)
	if err != nil {
		return "", err
	}
	if m.Language == "en" {
		return "[" + s.deps.BrandEN + "] " + w.Text, nil
	}
	return "【" + s.deps.BrandZH + "】" + w.Text, nil
}

func (s *Service) wordsOf(m rows.Message, language string, code func(m rows.Message) (string, error)) (template.Words, error) {
	t, ok := s.templates.Find(m.Template, m.TemplateVersion)
	if !ok {
		return template.Words{}, fmt.Errorf("there is no template %s in version %d", m.Template, m.TemplateVersion)
	}
	p := template.Params{}
	if err := json.Unmarshal([]byte(m.Params), &p); err != nil {
		return template.Words{}, fmt.Errorf("reading the values of a message: %w", err)
	}
	if t.Class == template.Code {
		value, err := code(m)
		if err != nil {
			return template.Words{}, errs.Wrap(err, "opening a one-time code")
		}
		p = p.With("code", value)
	}
	return t.Render(language, p)
}
