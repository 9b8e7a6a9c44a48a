package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
)

// controlClient speaks to the sandbox's control surface.
type controlClient struct {
	base string
	http *http.Client
}

func (c *controlClient) post(ctx context.Context, path string, body, answer any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base+path, bytes.NewReader(text))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	return c.do(req, answer)
}

func (c *controlClient) get(ctx context.Context, path string, answer any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+path, nil)
	if err != nil {
		return err
	}
	return c.do(req, answer)
}

func (c *controlClient) do(req *http.Request, answer any) error {
	res, err := c.http.Do(req)
	if err != nil {
		return fmt.Errorf("ask the sandbox: %w", err)
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(res.Body, 64<<20))
	if err != nil {
		return fmt.Errorf("read the sandbox's answer: %w", err)
	}
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("the sandbox answered %s to %s: %.200s", res.Status, req.URL.Path, text)
	}
	if answer == nil {
		return nil
	}
	return json.Unmarshal(text, answer)
}
