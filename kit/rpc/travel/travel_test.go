package travel_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hengdai/hengdai/api/control/v1/controlv1connect"
	"github.com/hengdai/hengdai/kit/clock"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/rpc"
	"github.com/hengdai/hengdai/kit/rpc/rpctest"
	"github.com/hengdai/hengdai/kit/rpc/travel"
)

// bookkeeper is a process that, some looks after each midnight, closes the day before.
type bookkeeper struct {
	offset *clock.Offset
	open   atomic.Value
	steps  atomic.Int64
	left   atomic.Int64
	stuck  atomic.Bool
}

func (b *bookkeeper) moved() { b.left.Store(3) }

func (b *bookkeeper) idle(context.Context, time.Duration, bool) (bool, int64, []string) {
	if b.stuck.Load() {
		return false, b.steps.Load(), []string{"day-end"}
	}
	if b.left.Load() > 0 {
		b.steps.Add(1)
		if b.left.Add(-1) == 0 {
			b.open.Store(b.offset.Value().In(clock.Shanghai).Format(time.DateOnly))
		}
		return false, b.steps.Load(), []string{"day-end"}
	}
	return true, b.steps.Load(), nil
}

func world(t *testing.T) (*travel.Traveller, *bookkeeper, *clock.Offset) {
	t.Helper()
	n := rpctest.New()
	book := &bookkeeper{offset: new(clock.Offset)}
	book.open.Store(clock.Real().In(clock.Shanghai).Format(time.DateOnly))
	m := n.Mux("loan")
	m.Handle(controlv1connect.NewControlHandler(&rpc.Control{Offset: book.offset, Runners: []rpc.IdleFunc{book.idle}, Moved: book.moved}, m.Options()...))
	peer := n.Peer("gateway", "loan")
	sandboxOffset := new(clock.Offset)
	sandbox := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/control/idle" {
			_, _ = w.Write([]byte(`{"idle":true,"processing":0,"callbacks":0,"later":5}`))
			return
		}
		var body struct {
			OffsetMS int64 `json:"offset_ms"`
		}
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		sandboxOffset.Raise(time.Duration(body.OffsetMS) * time.Millisecond)
		_ = json.NewEncoder(w).Encode(map[string]int64{"offset_ms": sandboxOffset.Ahead().Milliseconds()})
	}))
	t.Cleanup(sandbox.Close)
	return &travel.Traveller{
		Parts: []travel.Part{
			travel.Process("loan", controlv1connect.NewControlClient(peer.HTTP, peer.URL, peer.Options...)),
			travel.Sandbox(sandbox.URL, sandbox.Client()),
		},
		OpenDate: func(context.Context) (string, error) { return book.open.Load().(string), nil },
	}, book, sandboxOffset
}

func TestADayGoesToTheNextMorningInShanghaiAndEndsWhenTheDayBeforeIsClosed(t *testing.T) {
	traveller, book, sandboxOffset := world(t)
	day := clock.Real().In(clock.Shanghai)
	for range 400 { // over a leap day and new year's eve whenever this runs
		day = time.Date(day.Year(), day.Month(), day.Day()+1, 10, 0, 0, 0, clock.Shanghai)
		got, err := traveller.Day(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if want := day.Format(time.DateOnly); got != want || book.open.Load() != want {
			t.Fatalf("arrived at %s with %s open, want %s", got, book.open.Load(), want)
		}
		now := book.offset.Value().In(clock.Shanghai)
		if now.Hour() != 10 || now.Minute() != 0 || now.Sub(day) < 0 || now.Sub(day) > 10*time.Second {
			t.Fatalf("it is %s", now)
		}
		if d := sandboxOffset.Ahead() - book.offset.Ahead(); d < -time.Second || d > time.Second {
			t.Fatalf("the sandbox is %s off", d)
		}
	}
}

func TestSettlingMovesNoClock(t *testing.T) {
	traveller, book, _ := world(t)
	book.moved()
	if err := traveller.Settle(t.Context()); err != nil || book.offset.Ahead() != 0 || book.left.Load() != 0 {
		t.Fatalf("%v, ahead %s, %d left", err, book.offset.Ahead(), book.left.Load())
	}
}

func TestAPartThatWasAwayIsBroughtToTheTimeOfTheOthers(t *testing.T) {
	traveller, book, sandboxOffset := world(t)
	for _, late := range []struct{ behind, ahead *clock.Offset }{{book.offset, sandboxOffset}, {sandboxOffset, book.offset}} {
		late.ahead.Raise(late.ahead.Ahead() + 48*time.Hour)
		if err := traveller.Align(t.Context()); err != nil {
			t.Fatal(err)
		}
		if off := late.ahead.Ahead() - late.behind.Ahead(); off < -time.Second || off > time.Second {
			t.Errorf("it is still %s behind", off)
		}
	}
}

func TestADayThatDoesNotEndIsReportedWithWhatIsBusy(t *testing.T) {
	traveller, book, _ := world(t)
	traveller.Patience = 30 * time.Millisecond
	book.stuck.Store(true)
	_, err := traveller.Day(t.Context())
	if errs.ReasonOf(err) != "travel.stuck" || !strings.Contains(err.Error(), "loan: day-end") {
		t.Fatalf("got %v", err)
	}
}

func TestASandboxThatIsGoneIsReported(t *testing.T) {
	part := travel.Sandbox("http://127.0.0.1:1", http.DefaultClient)
	if _, err := part.Idle(t.Context(), 0, false); errs.ReasonOf(err) != "travel.sandbox" {
		t.Fatalf("got %v", err)
	}
}

func BenchmarkAQuietDay(b *testing.B) {
	offset := new(clock.Offset)
	n := rpctest.New()
	m := n.Mux("loan")
	m.Handle(controlv1connect.NewControlHandler(&rpc.Control{Offset: offset}, m.Options()...))
	peer := n.Peer("gateway", "loan")
	traveller := &travel.Traveller{Parts: []travel.Part{travel.Process("loan", controlv1connect.NewControlClient(peer.HTTP, peer.URL, peer.Options...))}}
	for b.Loop() {
		if _, err := traveller.Day(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}
