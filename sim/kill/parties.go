package kill

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
)

// slowParties makes the parties take their time, and every third order end later, told by a callback: so kills fall while
// money is on its way.
func (c *campaign) slowParties(ctx context.Context) error {
	var failed error
	for _, party := range []string{"alpha", "beta", "bureau", "sms"} {
		failed = errors.Join(failed, c.control(ctx, http.MethodPost, "/control/latency", map[string]any{"party": party, "min_ms": 20, "max_ms": 120}))
	}
	return errors.Join(failed, c.control(ctx, http.MethodPost, "/control/faults",
		map[string]any{"party": "alpha", "op": "pay", "kind": "late_finish", "rate_ppm": 333_333, "delay_ms": 400, "seed": int64(c.Seed)}))
}

// quickParties answer at once again.
func (c *campaign) quickParties(ctx context.Context) error {
	var failed error
	for _, party := range []string{"alpha", "beta", "bureau", "sms"} {
		failed = errors.Join(failed, c.control(ctx, http.MethodPost, "/control/latency", map[string]any{"party": party}))
	}
	return errors.Join(failed, c.control(ctx, http.MethodDelete, "/control/faults?party=alpha", nil))
}

func (c *campaign) control(ctx context.Context, method, path string, body any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, method, c.w.Sandbox()+path, bytes.NewReader(text))
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK {
		err = fmt.Errorf("the sandbox answered %s to %s", res.Status, path)
	}
	return errors.Join(err, res.Body.Close())
}
