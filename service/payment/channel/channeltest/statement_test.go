package channeltest

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/hengdai/hengdai/domain/calendar"
	"github.com/hengdai/hengdai/domain/payment"
	"github.com/hengdai/hengdai/service/payment/channel"
	"github.com/hengdai/hengdai/service/payment/channel/all"
)

func TestTheFileOfADayTellsItsOrdersOnceTheDayIsOver(t *testing.T) {
	each(t, func(r *rig) {
		ctx := context.Background()
		out, in := r.order(r.payee, payment.Disbursement, 100_00), r.order(r.payee, payment.Debit, 50_00)
		for _, o := range []channel.Order{out, in} {
			if got := r.end(o); got.Verdict != payment.Succeeded {
				r.t.Fatalf("%v", got)
			}
		}
		reply, err := r.ch.Query(ctx, out.Ref)
		r.must(err)
		on, err := calendar.Parse(reply.SettledOn)
		r.must(err)
		if _, err := r.ch.Statement(ctx, on); !errors.Is(err, channel.ErrNotReady) {
			r.t.Errorf("before the day is over: %v", err)
		}
		r.ahead.Advance(72 * time.Hour)
		file, err := r.ch.Statement(ctx, on)
		r.must(err)
		s, err := all.Read(file)
		r.must(err)
		found := map[string]int64{}
		for _, l := range s.Lines {
			found[l.OurNo] = l.Moved()
			kind := payment.Kind("")
			switch l.OurNo {
			case out.RequestNo:
				kind = payment.Disbursement
			case in.RequestNo:
				kind = payment.Debit
			}
			if fee := r.ch.Profile().Terms[kind].Fee.Of(l.AmountMinor); kind == "" || l.FeeMinor != fee {
				r.t.Errorf("line %+v, the contract's fee is %d", l, fee)
			}
		}
		if s.Channel != r.name || s.SettledOn != on || s.Version != 1 || len(found) != 2 || found[out.RequestNo] != -100_00 || found[in.RequestNo] != 50_00 {
			r.t.Errorf("read as %+v", s)
		}
		empty, err := r.ch.Statement(ctx, on+1)
		r.must(err)
		if s, err := all.Read(empty); err != nil || len(s.Lines) != 0 || s.Totals.OpeningMinor != s.Totals.ClosingMinor {
			r.t.Errorf("a day without orders: %+v, %v", s, err)
		}
	})
}

func TestAnAnswerWithAFileThatWasAlteredIsNotBelieved(t *testing.T) {
	each(t, func(r *rig) {
		ctx := context.Background()
		r.ahead.Advance(72 * time.Hour)
		day := calendar.InShanghai(time.Now())
		_, err := r.ch.Statement(ctx, day)
		r.must(err)
		alter := func(status int, _ http.Header, body []byte) (int, []byte) {
			return status, bytes.Replace(body, []byte("1"), []byte("2"), 1)
		}
		r.change.Store(&alter)
		if f, err := r.ch.Statement(ctx, day); err == nil {
			r.t.Errorf("believed: %+v", f)
		}
	})
}
