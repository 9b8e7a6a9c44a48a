package notify

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"

	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/id"
	"github.com/hengdai/hengdai/service/notify/channel"
)

// reportHandler takes delivery reports. Only what the provider signed is believed; the same report again, or one that
// comes after the end, changes nothing. Anything but 200 makes the provider come back.
func (s *Service) reportHandler(ch channel.Channel) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, "unreadable", http.StatusBadRequest)
			return
		}
		report, err := ch.Report(channel.Received{Method: r.Method, Path: r.URL.Path, Header: r.Header, Body: body})
		switch {
		case errors.Is(err, channel.ErrMalformed):
			http.Error(w, "unreadable", http.StatusBadRequest)
			return
		case err != nil:
			s.deps.Logger.WarnContext(r.Context(), "notify: a delivery report was not believed", "channel", ch.Profile().Name, "error", err)
			http.Error(w, "not signed", http.StatusUnauthorized)
			return
		}
		if err := s.takeReport(r.Context(), report); err != nil {
			s.deps.Logger.ErrorContext(r.Context(), "notify: a delivery report was not taken", "error", err)
			http.Error(w, "later", http.StatusServiceUnavailable)
			return
		}
		_, _ = io.WriteString(w, "ok")
	})
}

func (s *Service) takeReport(ctx context.Context, r channel.Report) error {
	messageID, _ := strconv.ParseInt(r.RequestID, 10, 64) // what is no number is no message of ours
	m, err := s.load(ctx, s.deps.DB.Primary(), id.Bucket(messageID), messageID)
	if errs.CodeOf(err) == errs.NotFound {
		s.deps.Logger.WarnContext(ctx, "notify: a delivery report of an unknown message", "message", messageID)
		return nil
	}
	if err != nil {
		return err
	}
	if r.Status == channel.Failed {
		return s.apply(ctx, m, Fail, change{Reason: reasonFailed, ProviderNo: r.ProviderNo})
	}
	return s.apply(ctx, m, Deliver, change{ProviderNo: r.ProviderNo})
}
