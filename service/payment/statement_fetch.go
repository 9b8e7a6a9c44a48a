package payment

import (
	"bytes"
	"compress/flate"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"

	"github.com/hengdai/hengdai/domain/calendar"
	"github.com/hengdai/hengdai/domain/reconcile"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/service/payment/channel"
	"github.com/hengdai/hengdai/service/payment/channel/all"
	"github.com/hengdai/hengdai/service/payment/rows"
)

// The states of a file.
const (
	fileAccepted = "ACCEPTED"
	fileRefused  = "REFUSED"
)

// Why a day waits, besides the reasons of a refusal.
const (
	reasonNotReady = "not_ready"
	reasonNoAnswer = "no_answer"
	reasonVersion  = "version"
)

// settleDay brings a day as far as it can now: it fetches the newest file, refuses or believes it whole, compares its
// lines with what we hold, and closes the day if the figures tie. A file that is not there, or is not believed, is no
// error: the day says so.
func (s *Service) settleDay(ctx context.Context, l *line, day calendar.Date) error {
	q := rows.New(s.deps.DB.Primary())
	key := rows.LastFileParams{Channel: l.profile.Name, Account: l.cfg.MerchantID, SettledOn: day.String()}
	stored, err := q.LastFile(ctx, key)
	if err != nil && !noRow(err) {
		return errs.Wrap(err, "reading a statement")
	}
	has := err == nil
	row, err := q.StatementOf(ctx, rows.StatementOfParams(key))
	if err != nil && !noRow(err) {
		return errs.Wrap(err, "reading a statement's day")
	}
	if has && row.State == dayReceived { // the process ended while it compared: the stored file goes on
		file, err := fileOf(&stored, day)
		if err != nil {
			return err
		}
		return s.takeFile(ctx, l, day, file, &stored)
	}
	file, err := l.Statement(ctx, day)
	switch {
	case errors.Is(err, channel.ErrNotReady):
		return s.noteLate(ctx, l, day, reasonNotReady)
	case err != nil && ctx.Err() != nil:
		return errs.Wrap(err, "fetching a statement")
	case err != nil:
		s.deps.Logger.WarnContext(ctx, "a channel gave no usable statement", "channel", l.profile.Name, "day", day.String(), "error", err)
		return s.noteLate(ctx, l, day, reasonNoAnswer)
	}
	return s.takeFile(ctx, l, day, file, nil)
}

// takeFile reads a file and has it compared. stored is its row if it was believed before.
func (s *Service) takeFile(ctx context.Context, l *line, day calendar.Date, file channel.StatementFile, stored *rows.PaymentFile) error {
	statement, err := all.Read(file)
	var refused *reconcile.Refusal
	if errors.As(err, &refused) {
		return s.refuseFile(ctx, l, day, file, refused)
	}
	if err != nil {
		return errs.Wrap(err, "reading a statement")
	}
	r := &reckoning{s: s, l: l, day: day, file: file, statement: statement, begun: stored != nil}
	if err := r.run(ctx); err != nil {
		return err
	}
	return s.judgeAbsent(ctx, l)
}

// noteLate keeps a day open whose file could not be had.
func (s *Service) noteLate(ctx context.Context, l *line, day calendar.Date, reason string) error {
	return s.onDay(ctx, l, day, func(q *rows.Queries, tx *store.Tx, row *rows.PaymentStatement) error {
		now := s.deps.Clock.Now()
		if row.FileVersion > 0 && row.State != dayReceived { // an older file is believed: only the new look failed
			row.NextMs = now.Add(brokenWait).UnixMilli()
			return nil
		}
		if row.State != dayLate {
			tx.AfterCommit(func() {
				s.reckoned.late.WithLabelValues(l.profile.Name).Inc()
				s.deps.Logger.Error("a statement is late", "channel", l.profile.Name, "day", day.String(), "reason", reason)
			})
		}
		row.State, row.Reason, row.NextMs = dayLate, reason, now.Add(lateWait).UnixMilli()
		return nil
	})
}

// refuseFile keeps a file that is not believed, with the reason, and leaves everything else as it was.
func (s *Service) refuseFile(ctx context.Context, l *line, day calendar.Date, file channel.StatementFile, why *reconcile.Refusal) error {
	return s.onDay(ctx, l, day, func(q *rows.Queries, tx *store.Tx, row *rows.PaymentStatement) error {
		now := s.deps.Clock.Now()
		if row.FileVersion == 0 {
			row.State, row.Reason = dayRefused, why.Reason
		}
		row.NextMs = now.Add(lateWait).UnixMilli()
		had, err := q.FilesOfDay(tx.Context(), rows.FilesOfDayParams{Channel: row.Channel, Account: row.Account, SettledOn: row.SettledOn})
		if err != nil {
			return errs.Wrap(err, "reading a day's files")
		}
		digest := sha256.Sum256(file.Content)
		for i := range had {
			if bytes.Equal(had[i].Digest, digest[:]) && had[i].FileVersion == file.Version && had[i].State == fileRefused {
				return nil // the same once more
			}
		}
		tx.AfterCommit(func() {
			s.reckoned.refused.WithLabelValues(l.profile.Name, why.Reason).Inc()
			s.deps.Logger.Error("a statement is refused", "channel", l.profile.Name, "day", day.String(), "reason", why.Reason, "detail", why.Detail)
		})
		return keepFile(q, tx, row, file, int64(len(had)+1), fileRefused, why.Reason, channel.Words(why.Detail), now.UnixMilli())
	})
}

// keepFile stores a file as it came, packed.
func keepFile(q *rows.Queries, tx *store.Tx, row *rows.PaymentStatement, file channel.StatementFile, number int64, state, reason, note string, nowMS int64) error {
	var packed bytes.Buffer
	w, err := flate.NewWriter(&packed, flate.DefaultCompression)
	if err == nil {
		_, err = w.Write(file.Content)
	}
	if err = errors.Join(err, w.Close()); err != nil {
		return errs.Wrap(err, "packing a statement")
	}
	digest := sha256.Sum256(file.Content)
	return errs.Wrap(q.InsertFile(tx.Context(), rows.InsertFileParams{
		Channel: row.Channel, Account: row.Account, SettledOn: row.SettledOn, Number: number, FileVersion: file.Version, State: state, Reason: reason,
		Note: note, Name: file.Name, Digest: digest[:], SizeBytes: int64(len(file.Content)), Content: packed.Bytes(), Summary: file.Summary, ReceivedMs: nowMS,
	}), "keeping a statement")
}

// fileOf answers a stored file as it came.
func fileOf(f *rows.PaymentFile, day calendar.Date) (channel.StatementFile, error) {
	content, err := io.ReadAll(flate.NewReader(bytes.NewReader(f.Content)))
	if err != nil {
		return channel.StatementFile{}, errs.Wrap(err, "unpacking a statement")
	}
	return channel.StatementFile{
		Channel: f.Channel, Merchant: f.Account, SettledOn: day, Version: f.FileVersion, Name: f.Name, SHA256: hex.EncodeToString(f.Digest),
		Content: content, Summary: f.Summary,
	}, nil
}

// onDay changes a day's row in one unit, making it if it is new, and counts that its file was asked for.
func (s *Service) onDay(ctx context.Context, l *line, day calendar.Date, change func(q *rows.Queries, tx *store.Tx, row *rows.PaymentStatement) error) error {
	return s.commit(ctx, func(tx *store.Tx) error {
		q := rows.New(tx)
		row, err := dayRow(tx, q, l, day)
		if err != nil {
			return err
		}
		row.Asks++
		row.AskedMs = s.deps.Clock.Now().UnixMilli()
		if err := change(q, tx, &row); err != nil {
			return err
		}
		return saveDay(tx, q, &row)
	})
}

func dayRow(tx *store.Tx, q *rows.Queries, l *line, day calendar.Date) (rows.PaymentStatement, error) {
	key := rows.StatementOfParams{Channel: l.profile.Name, Account: l.cfg.MerchantID, SettledOn: day.String()}
	row, err := q.StatementOf(tx.Context(), key)
	if noRow(err) {
		return rows.PaymentStatement{Channel: key.Channel, Account: key.Account, SettledOn: key.SettledOn}, nil
	}
	return row, errs.Wrap(err, "reading a statement's day")
}

// saveDay writes a day's row, by compare-and-set if it was there.
func saveDay(tx *store.Tx, q *rows.Queries, r *rows.PaymentStatement) error {
	if r.Version == 0 {
		r.Version = 1
		return errs.Wrap(q.InsertStatement(tx.Context(), rows.InsertStatementParams{
			Channel: r.Channel, Account: r.Account, SettledOn: r.SettledOn, State: r.State, Reason: r.Reason, FileVersion: r.FileVersion,
			LineCount: r.LineCount, InMinor: r.InMinor, OutMinor: r.OutMinor, FeeMinor: r.FeeMinor, OpeningMinor: r.OpeningMinor,
			ClosingMinor: r.ClosingMinor, Asks: r.Asks, AskedMs: r.AskedMs, NextMs: r.NextMs, ReceivedMs: r.ReceivedMs, ClosedMs: r.ClosedMs,
		}), "noting a statement's day")
	}
	n, err := q.MoveStatement(tx.Context(), rows.MoveStatementParams{
		ToState: r.State, Reason: r.Reason, FileVersion: r.FileVersion, LineCount: r.LineCount, InMinor: r.InMinor, OutMinor: r.OutMinor,
		FeeMinor: r.FeeMinor, OpeningMinor: r.OpeningMinor, ClosingMinor: r.ClosingMinor, Asks: r.Asks, AskedMs: r.AskedMs, NextMs: r.NextMs,
		ReceivedMs: r.ReceivedMs, ClosedMs: r.ClosedMs, Channel: r.Channel, Account: r.Account, SettledOn: r.SettledOn, Version: r.Version,
	})
	r.Version++
	return errs.Wrap(store.One(n, err, errStale), "moving a statement's day")
}
