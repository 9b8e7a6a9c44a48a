package travel

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	controlv1 "github.com/hengdai/hengdai/api/control/v1"
	"github.com/hengdai/hengdai/api/control/v1/controlv1connect"
	"github.com/hengdai/hengdai/kit/errs"
)

// Process answers the part that a process of ours is.
func Process(name string, control controlv1connect.ControlClient) Part {
	return process{name: name, control: control}
}

type process struct {
	name    string
	control controlv1connect.ControlClient
}

func (p process) Name() string { return p.name }

func (p process) Advance(ctx context.Context, ahead time.Duration) (time.Duration, error) {
	// Rounded up, so that a clock never stands a moment before the instant it was sent to.
	ms := (ahead + time.Millisecond - 1).Milliseconds()
	resp, err := p.control.Advance(ctx, &controlv1.AdvanceRequest{OffsetMs: ms})
	if err != nil {
		return 0, err
	}
	return time.Duration(resp.GetOffsetMs()) * time.Millisecond, nil
}

func (p process) Idle(ctx context.Context, wait time.Duration, jobsOnly bool) (Quiet, error) {
	resp, err := p.control.Idle(ctx, &controlv1.IdleRequest{WaitMs: int32(wait.Milliseconds()), JobsOnly: jobsOnly})
	if err != nil {
		return Quiet{}, err
	}
	return Quiet{Idle: resp.GetIdle(), Steps: resp.GetSteps(), Busy: resp.GetBusy()}, nil
}

// Sandbox answers the part that the sandbox server at a base URL is, by its control surface.
func Sandbox(base string, client *http.Client) Part { return sandbox{base: base, client: client} }

type sandbox struct {
	base   string
	client *http.Client
}

func (s sandbox) Name() string { return "sandbox" }

func (s sandbox) Advance(ctx context.Context, ahead time.Duration) (time.Duration, error) {
	body, err := json.Marshal(map[string]int64{"offset_ms": ahead.Milliseconds()})
	if err != nil {
		return 0, fmt.Errorf("writing the request: %w", err)
	}
	var answer struct {
		OffsetMS int64 `json:"offset_ms"`
	}
	err = s.ask(ctx, http.MethodPost, "/control/advance", body, &answer)
	return time.Duration(answer.OffsetMS) * time.Millisecond, err
}

func (s sandbox) Idle(ctx context.Context, _ time.Duration, _ bool) (Quiet, error) {
	var answer struct {
		Idle       bool  `json:"idle"`
		Processing int64 `json:"processing"`
		Callbacks  int64 `json:"callbacks"`
	}
	if err := s.ask(ctx, http.MethodGet, "/control/idle", nil, &answer); err != nil {
		return Quiet{}, err
	}
	q := Quiet{Idle: answer.Idle}
	if !q.Idle {
		q.Busy = []string{fmt.Sprintf("%d in work, %d callbacks", answer.Processing, answer.Callbacks)}
	}
	return q, nil
}

func (s sandbox) ask(ctx context.Context, method, path string, body []byte, answer any) error {
	down := errs.New(errs.Unavailable, "travel.sandbox", "沙箱没有响应。", "The sandbox does not answer.")
	req, err := http.NewRequestWithContext(ctx, method, s.base+path, bytes.NewReader(body))
	if err != nil {
		return down.Because(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := s.client.Do(req)
	if err != nil {
		return down.Because(err)
	}
	defer func() { _ = resp.Body.Close() }() // it was read
	text, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil || resp.StatusCode != http.StatusOK {
		return down.Because(fmt.Errorf("%s %s: status %d: %w", method, path, resp.StatusCode, err))
	}
	if answer == nil {
		return nil
	}
	if err := json.Unmarshal(text, answer); err != nil {
		return down.Because(err)
	}
	return nil
}
