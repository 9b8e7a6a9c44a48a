package gateway

import (
	"context"
	"sync"
	"time"

	gatewayv1 "github.com/hengdai/hengdai/api/gateway/v1"
	loanv1 "github.com/hengdai/hengdai/api/loan/v1"
	"github.com/hengdai/hengdai/api/loan/v1/loanv1connect"
	"github.com/hengdai/hengdai/kit/clock"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/rpc/travel"
)

var (
	errNoTravel  = errs.New(errs.Denied, "travel.production", "正式环境不能调整时间。", "Time cannot be moved in the production profile.")
	errTravelled = errs.New(errs.Conflict, "travel.busy", "另一个时间推进正在进行,请稍后再试。", "Somebody else is moving time; please try again later.")
	errNoDate    = errs.New(errs.Invalid, "request.no_such_date", "toDate 不是一个存在的日期。", "toDate is not a date that exists.").On("toDate")
)

const (
	travelWithin = 3 * time.Second
	travelOver   = 5 * time.Second // a day that takes longer than this beyond the time is gone on with by the next call
)

// travels lets one member of staff at a time move the time of the system.
type travels struct {
	loan      loanv1connect.StaffClient
	traveller *travel.Traveller // nil in production
	busy      sync.Mutex
}

func newTravels(d Deps, loan loanv1connect.StaffClient) *travels {
	t := &travels{loan: loan}
	if len(d.Processes) > 0 {
		t.traveller = &travel.Traveller{Parts: d.Processes, OpenDate: t.openDate}
	}
	return t
}

func (t *travels) openDate(ctx context.Context) (string, error) {
	resp, err := t.loan.GetBusinessDate(ctx, &loanv1.GetBusinessDateRequest{})
	if err != nil {
		return "", err
	}
	return resp.GetOpenOn(), nil
}

// staff serves gateway.v1.Staff.
type staff struct{ *Service }

// Travel goes day by day until the date is reached or the time of this call is over. Conflict if somebody else travels,
// denied in production, unavailable if a day does not end.
func (s staff) Travel(ctx context.Context, req *gatewayv1.TravelRequest) (*gatewayv1.Travelled, error) {
	t := s.travel
	if t.traveller == nil {
		return nil, errNoTravel
	}
	if !t.busy.TryLock() {
		return nil, errTravelled
	}
	defer t.busy.Unlock()
	if err := t.traveller.Align(ctx); err != nil {
		return nil, err
	}
	now, _, err := t.traveller.Now(ctx)
	if err != nil {
		return nil, err
	}
	to := req.GetToDate()
	if to == "" {
		to = now.AddDate(0, 0, int(req.GetDays())).Format(time.DateOnly)
	} else if _, err := time.Parse(time.DateOnly, to); err != nil {
		return nil, errNoDate
	}
	within := travelWithin
	if req.GetWithinMs() > 0 {
		within = time.Duration(req.GetWithinMs()) * time.Millisecond
	}
	passed, settled, err := t.goTo(ctx, now.Format(time.DateOnly), to, within)
	if err != nil {
		return nil, err
	}
	out, err := t.state(ctx)
	if err != nil {
		return nil, err
	}
	out.Arrived, out.DaysPassed = settled && out.GetToday() >= to, passed
	if !settled {
		out.Busy = t.traveller.Busy(ctx)
	}
	return out, nil
}

// goTo passes days until the date is reached or the time is over. settled is false if the last day's work still runs.
func (t *travels) goTo(ctx context.Context, today, to string, within time.Duration) (passed int32, settled bool, err error) {
	start := clock.Real()
	work, cancel := context.WithTimeout(ctx, within+travelOver)
	defer cancel()
	err = t.traveller.Settle(work)
	for err == nil && today < to && (passed == 0 || clock.Since(start) < within) {
		if today, err = t.traveller.Day(work); err == nil {
			passed++
		}
	}
	if err != nil && work.Err() != nil && ctx.Err() == nil {
		return passed, false, nil
	}
	return passed, err == nil, err
}

// GetTravel answers where time stands.
func (s staff) GetTravel(ctx context.Context, _ *gatewayv1.GetTravelRequest) (*gatewayv1.Travelled, error) {
	t := s.travel
	if t.traveller == nil {
		return nil, errNoTravel
	}
	out, err := t.state(ctx)
	if err != nil {
		return nil, err
	}
	out.Busy = t.traveller.Busy(ctx)
	out.Arrived = len(out.GetBusy()) == 0
	if t.busy.TryLock() {
		t.busy.Unlock()
	} else {
		out.Travelling = true
	}
	return out, nil
}

func (t *travels) state(ctx context.Context) (*gatewayv1.Travelled, error) {
	now, ahead, err := t.traveller.Now(ctx)
	if err != nil {
		return nil, err
	}
	open, err := t.openDate(ctx)
	if err != nil {
		return nil, err
	}
	return &gatewayv1.Travelled{
		Today: now.Format(time.DateOnly), NowMs: now.UnixMilli(), OffsetMs: ahead.Milliseconds(), BusinessDate: open,
	}, nil
}
