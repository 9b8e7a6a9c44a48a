package payment

import (
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"net/http"

	"go.opentelemetry.io/otel/trace"

	"github.com/hengdai/hengdai/domain/calendar"
	"github.com/hengdai/hengdai/domain/payment"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/id"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/kit/telemetry"
	"github.com/hengdai/hengdai/service/payment/channel"
	"github.com/hengdai/hengdai/service/payment/rows"
)

// refusal says why a message at a callback path is not believed: a word that is counted and a status for its sender.
type refusal struct {
	reason string
	status int
}

// Error names the reason.
func (r *refusal) Error() string { return "payment: callback refused: " + r.reason }

var (
	refusedMethod    = &refusal{"method", http.StatusMethodNotAllowed}
	refusedSize      = &refusal{"too_large", http.StatusRequestEntityTooLarge}
	refusedBody      = &refusal{"unreadable", http.StatusBadRequest}
	refusedMalformed = &refusal{"malformed", http.StatusBadRequest}
	refusedSignature = &refusal{"signature", http.StatusUnauthorized}
	refusedStale     = &refusal{"stale", http.StatusUnauthorized}
	refusedRepeat    = &refusal{"repeated", http.StatusUnauthorized}
	refusedOrder     = &refusal{"unknown_order", http.StatusNotFound}
)

// callbackHandler hears a channel. The signature is checked over the bytes as they came; what the message says, the
// message itself and everything that follows are one commit. The channel is thanked only after it, so that a message
// that was not stored comes again.
func (s *Service) callbackHandler(l *line) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := s.takeCallback(r, l)
		var refused *refusal
		switch {
		case errors.As(err, &refused):
			s.refuse(r.Context(), l, refused.reason, body)
			http.Error(w, refused.reason, refused.status)
		case err != nil:
			s.deps.Logger.ErrorContext(r.Context(), "a channel's message could not be stored", "channel", l.profile.Name, "error", err)
			http.Error(w, "not stored", http.StatusServiceUnavailable)
		default:
			w.Header().Set("Content-Type", "text/plain; charset=utf-8")
			_, _ = io.WriteString(w, l.profile.Thanks)
		}
	})
}

// takeCallback reads, checks and takes in one message; it answers the body too.
func (s *Service) takeCallback(r *http.Request, l *line) ([]byte, error) {
	if r.Method != http.MethodPost {
		return nil, refusedMethod
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, channel.MessageMax+1))
	switch {
	case err != nil:
		return body, refusedBody
	case len(body) > channel.MessageMax:
		return body, refusedSize
	}
	notice, err := l.Notice(channel.Received{Method: r.Method, Path: r.URL.Path, Header: r.Header, Body: body})
	switch {
	case errors.Is(err, channel.ErrStale):
		return body, refusedStale
	case errors.Is(err, channel.ErrMalformed):
		return body, refusedMalformed
	case err != nil:
		return body, refusedSignature
	}
	return body, s.take(r.Context(), l, notice)
}

// take commits a believed message once, with everything that follows from it.
func (s *Service) take(ctx context.Context, l *line, n channel.Notice) error {
	attemptID := attemptOf(n.RequestNo)
	if attemptID == 0 {
		return refusedOrder
	}
	return s.commit(ctx, func(tx *store.Tx) error {
		q := rows.New(tx)
		a, err := orderOfAttempt(tx.Context(), q, attemptID)
		if noRow(err) || (err == nil && a.Channel != l.profile.Name) {
			return refusedOrder
		}
		if err != nil {
			return errs.Wrap(err, "reading an attempt")
		}
		first, err := s.inbox(tx, q, l, n, attemptID)
		if err != nil || !first {
			return err
		}
		return s.inTraceOf(tx, &a, "callback "+l.profile.Name, func() error {
			u, err := s.unit(tx, a.OrderID, actorChannel)
			if err != nil {
				return err
			}
			own := u.attempt(attemptID)
			if own == nil {
				return refusedOrder
			}
			return u.learn(own, l.heard(fromCallback, u.kind(), n.Reply, nil))
		})
	})
}

// inTraceOf runs work as a part of the trace that decided the attempt: what a channel tells by itself belongs to the order.
// The trace of the message and that of the order are linked.
func (s *Service) inTraceOf(tx *store.Tx, a *rows.PaymentAttempt, name string, work func() error) (err error) {
	parent, err := s.queue.TraceParent(tx.Context(), tx, a.Bucket, effectAttempt, a.AttemptID)
	if err == nil && parent == "" {
		parent, err = s.queue.TraceParent(tx.Context(), tx, a.Bucket, effectOrder, a.OrderID)
	}
	if err != nil {
		return errs.Wrap(err, "finding an order's trace")
	}
	ctx, link := telemetry.Continue(tx.Context(), parent)
	ctx, end := telemetry.Start(ctx, name, link, trace.WithSpanKind(trace.SpanKindConsumer))
	defer func() { end(err) }()
	return tx.Inside(ctx, work)
}

// inbox keeps the message. False means that it came before and was taken in then.
func (s *Service) inbox(tx *store.Tx, q *rows.Queries, l *line, n channel.Notice, attemptID int64) (bool, error) {
	bucket, now := id.Bucket(attemptID), s.deps.Clock.Now().UnixMilli()
	key := rows.CallbackByKeyParams{Bucket: bucket, Channel: l.profile.Name, MessageKey: n.Key}
	_, err := q.CallbackByKey(tx.Context(), key)
	switch {
	case noRow(err):
		return true, errs.Wrap(q.InsertCallback(tx.Context(), rows.InsertCallbackParams{
			Bucket: bucket, Channel: l.profile.Name, MessageKey: n.Key, AttemptID: attemptID, Digest: n.Digest, FirstMs: now, LastMs: now,
		}), "keeping a message")
	case err != nil:
		return false, errs.Wrap(err, "looking for a message")
	case n.Once:
		return false, refusedRepeat
	}
	rowsN, err := q.RepeatCallback(tx.Context(), rows.RepeatCallbackParams{
		LastMs: now, Bucket: bucket, Channel: l.profile.Name, MessageKey: n.Key,
	})
	return false, errs.Wrap(store.One(rowsN, err, errStale), "counting a repeated message")
}

// refuse counts a refused message by day and reason. Only counts are kept: whoever sends forgeries must not be able to
// fill the disk.
func (s *Service) refuse(ctx context.Context, l *line, reason string, body []byte) {
	now := s.deps.Clock.Now()
	day, digest := calendar.InShanghai(now).String(), sha256.Sum256(body)
	err := s.commit(ctx, func(tx *store.Tx) error {
		q := rows.New(tx)
		n, err := q.RaiseRefusal(tx.Context(), rows.RaiseRefusalParams{
			LastDigest: digest[:], LastMs: now.UnixMilli(), RefusedOn: day, Channel: l.profile.Name, Reason: reason,
		})
		if err != nil || n > 0 {
			return err
		}
		return q.InsertRefusal(tx.Context(), rows.InsertRefusalParams{
			RefusedOn: day, Channel: l.profile.Name, Reason: reason, LastDigest: digest[:], LastMs: now.UnixMilli(),
		})
	})
	s.metrics.refused.WithLabelValues(l.profile.Name, reason).Inc()
	if err != nil {
		s.deps.Logger.ErrorContext(ctx, "a refusal could not be counted", "channel", l.profile.Name, "reason", reason, "error", err)
	}
}

// alarm says loudly that people must look at an attempt.
func (s *Service) alarm(tx *store.Tx, what payment.Case, a *rows.PaymentAttempt) {
	channelName, attemptID := a.Channel, a.AttemptID
	tx.AfterCommit(func() {
		s.metrics.breaks.WithLabelValues(string(what)).Inc()
		s.deps.Logger.Error("a payment does not fit together and waits for a person", "case", string(what), "channel", channelName, "attempt", attemptID)
	})
}
