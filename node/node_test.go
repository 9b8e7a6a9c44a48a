package node_test

import (
	"testing"
	"time"

	"github.com/hengdai/hengdai/kit/config"
	"github.com/hengdai/hengdai/kit/telemetry"
	"github.com/hengdai/hengdai/node"
)

func TestProbe(t *testing.T) {
	dir := t.TempDir()
	cfg, err := config.Load("", []string{"HENGDAI_DATA_DIR=" + dir + "/data", "HENGDAI_LISTEN_PUBLIC_HTTP=127.0.0.1:0", "HENGDAI_LISTEN_PUBLIC_HTTPS=127.0.0.1:0", "HENGDAI_LISTEN_OPS=127.0.0.1:0", "HENGDAI_LISTEN_SANDBOX=127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	tel, err := telemetry.New(t.Context(), telemetry.Config{Process: "t"})
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	n, err := node.Start(t.Context(), cfg, tel, "v")
	if err != nil {
		t.Fatal(err)
	}
	t.Log("start", time.Since(began))
	time.Sleep(2 * time.Second)
	began = time.Now()
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	t.Log("close", time.Since(began))
}
