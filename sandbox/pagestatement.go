package sandbox

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/hengdai/hengdai/kit/clock"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/sandbox/channel"
)

// pageDays is how far back the page looks.
const pageDays = 31

// statementRow is one line of the page: a version that was made, or a day of which nobody asked for the file yet.
type statementRow struct {
	listing
	Made, Due bool
}

// statementRows answers the last days of every account, newest first. It makes no file.
func (s *Sandbox) statementRows(ctx context.Context) ([]statementRow, error) {
	accounts, err := channel.Merchants(ctx, s.deps.DB.Primary())
	if err != nil {
		return nil, err
	}
	var rows []statementRow
	now := s.deps.Clock.Now().In(clock.Shanghai)
	for back := range pageDays {
		day := now.AddDate(0, 0, -back)
		date := day.Format(time.DateOnly)
		for _, a := range accounts {
			first, err := s.desk.FirstDay(ctx, s.deps.DB.Primary(), a.Party, a.MerchantID)
			if err != nil {
				return nil, err
			}
			if first == "" || date < first {
				continue
			}
			c, err := s.channel(a.Party)
			if err != nil {
				return nil, err
			}
			made, err := c.Versions(ctx, a.MerchantID, date)
			if err != nil {
				return nil, err
			}
			rows = append(rows, rowsOf(a, date, !now.Before(channel.ReadyAt(day)), listed(made), now.UnixMilli())...)
		}
	}
	return rows, nil
}

// rowsOf answers a day's versions that are out; a day that has none gets a row that says so.
func rowsOf(a channel.Merchant, date string, due bool, made []listing, nowMS int64) (rows []statementRow) {
	for _, l := range made {
		if l.ReadyMS <= nowMS {
			rows = append(rows, statementRow{listing: l, Made: true, Due: true})
		}
	}
	if len(rows) > 0 {
		return rows
	}
	empty := statementRow{listing: listing{Party: a.Party, MerchantID: a.MerchantID, Day: date}, Due: due && len(made) == 0}
	if len(made) > 0 {
		empty.Fault = made[0].Fault
	}
	return []statementRow{empty}
}

// download gives a file out as the channel does, without a signature.
func (s *Sandbox) download(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	c, err := s.channel(q.Get("party"))
	if err != nil {
		refuse(w, err)
		return
	}
	day, err := time.ParseInLocation(time.DateOnly, q.Get("day"), clock.Shanghai)
	if err != nil || day.Year() < 2000 || q.Get("merchant_id") == "" || len(q.Get("merchant_id")) > 32 {
		refuse(w, errDay)
		return
	}
	m, ready, err := c.Statement(r.Context(), q.Get("merchant_id"), day, numberOf(r, "version", 0))
	if err == nil && !ready {
		err = errs.New(errs.NotFound, "sandbox.statement_not_ready", "对账文件尚未生成。", "The statement is not ready.")
	}
	if err != nil {
		refuse(w, err)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "application/octet-stream")
	h.Set("Content-Disposition", "attachment; filename="+strconv.Quote(m.Name))
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	_, _ = w.Write(m.Content)
}
