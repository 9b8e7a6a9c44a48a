package all_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hengdai/hengdai/kit/clock"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/kit/store/storetest"
	"github.com/hengdai/hengdai/sandbox"
	"github.com/hengdai/hengdai/sandbox/party"
	"github.com/hengdai/hengdai/service/notify/channel"
	"github.com/hengdai/hengdai/service/notify/channel/all"
	"github.com/hengdai/hengdai/service/notify/channel/channeltest"
)

var breaks = map[string]party.Kind{"lost": party.LostResponse, "unsigned": party.BadSignature, "error": party.ServerErrorAfter, "unknown": party.UnknownCode}

func TestEveryChannelThatGoesOutsidePassesTheSuite(t *testing.T) {
	for _, e := range all.Table {
		probe, err := e.New(channel.Config{BaseURL: "http://127.0.0.1:1", KeysDir: t.TempDir(), MakeKeys: true})
		if err != nil {
			t.Fatal(err)
		}
		if probe.Profile().Name != e.Name {
			t.Errorf("%s calls itself %s", e.Name, probe.Profile().Name)
		}
		if !probe.Profile().Local {
			t.Run(e.Name, func(t *testing.T) {
				channeltest.Run(t, func(t *testing.T) channeltest.Provider { return provider(t, e) })
			})
		}
	}
	if _, err := all.New(channel.Config{Channel: "pigeon"}); err == nil {
		t.Error("there are pigeons")
	}
}

// provider is the sandbox's party of a channel.
func provider(t *testing.T, e all.Entry) channeltest.Provider {
	ctx, cancel := context.WithCancel(context.Background())
	reports := make(chan channel.Received, 10)
	taker := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		reports <- channel.Received{Method: r.Method, Path: r.URL.Path, Header: r.Header.Clone(), Body: body}
	}))
	cfg := storetest.SQLite(t)
	db, err := store.Open(ctx, cfg, sandbox.Schema())
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "keys")
	box, err := sandbox.New(ctx, sandbox.Deps{DB: db, Clock: clock.New(nil), KeysDir: dir, CallbackBase: taker.URL,
		Logger: slog.New(slog.DiscardHandler), Latency: &party.Latency{}})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(box.Handler())
	done := make(chan struct{})
	go func() { defer close(done); _ = box.Run(ctx) }()
	t.Cleanup(func() { server.Close(); cancel(); <-done; taker.Close(); _ = box.Close() })
	ch, err := e.New(channel.Config{BaseURL: server.URL + "/" + e.Name, KeysDir: dir, MakeKeys: true, Timeout: 2 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	return channeltest.Provider{
		Channel: ch,
		Break: func(how string) {
			rule := `{"party":"` + e.Name + `","op":"send","kind":"` + string(breaks[how]) + `","count":1}`
			resp, err := http.Post(server.URL+"/control/faults", "application/json", strings.NewReader(rule))
			if err != nil || resp.StatusCode != http.StatusOK {
				t.Fatalf("the fault is not taken: %v", err)
			}
		},
		Sent: func() int {
			var n int
			if err := db.Primary().QueryRowContext(ctx, `SELECT count(*) FROM journal WHERE party = ?`, e.Name).Scan(&n); err != nil {
				t.Fatal(err)
			}
			return n
		},
		Report: func(string) channel.Received {
			select {
			case r := <-reports:
				return r
			case <-time.After(5 * time.Second):
				t.Fatal("no report came")
				return channel.Received{}
			}
		},
	}
}
