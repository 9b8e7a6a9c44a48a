package rpc_test

import (
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	logv1 "github.com/hengdai/hengdai/api/log/v1"
	"github.com/hengdai/hengdai/api/log/v1/logv1connect"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/rpc"
	"github.com/hengdai/hengdai/kit/rpc/rpctest"
)

// mortal is a listener whose connections can all be cut at once, as a kill cuts them.
type mortal struct {
	net.Listener
	mu    sync.Mutex
	conns []net.Conn
}

func (m *mortal) Accept() (net.Conn, error) {
	conn, err := m.Listener.Accept()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.conns = append(m.conns, conn)
	return conn, err
}

func (m *mortal) cut() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, conn := range m.conns {
		_ = conn.Close()
	}
}

// A process that is killed may be in the middle of an answer. Whether the work was done is not known, and asking again
// helps: that is unavailable, wherever the answer ends.
func TestAServiceThatDiesInTheMiddleOfItsAnswerIsUnavailable(t *testing.T) {
	for name, said := range map[string]struct {
		status     int
		kind, body string
	}{
		"before a word":     {},
		"after the head":    {200, "application/proto", ""},
		"in the body":       {200, "application/proto", "abc"},
		"in a refusal":      {400, "application/json", `{"code":"inv`},
		"before a refusal":  {400, "application/json", ""},
		"in a broken error": {500, "application/json", `{`},
	} {
		t.Run(name, func(t *testing.T) {
			var listener *mortal
			srv := httptest.NewUnstartedServer(nil)
			srv.Config = rpc.HTTPServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				defer listener.cut()
				if said.status == 0 {
					return
				}
				w.Header().Set("Content-Type", said.kind)
				w.Header().Set("Content-Length", "100")
				w.WriteHeader(said.status)
				_, _ = w.Write([]byte(said.body))
				_ = http.NewResponseController(w).Flush()
			}))
			listener = &mortal{Listener: srv.Listener}
			srv.Listener = listener
			srv.Start()
			defer srv.Close()
			n := rpctest.New()
			if err := n.Directory.At("payment", srv.URL, nil); err != nil {
				t.Fatal(err)
			}
			peer := n.Peer("loan", "payment")
			_, err := logv1connect.NewLogClient(peer.HTTP, peer.URL, peer.Options...).Heads(t.Context(), &logv1.HeadsRequest{})
			if errs.CodeOf(err) != errs.Unavailable || errs.ReasonOf(err) != "rpc.peer_unavailable" {
				t.Errorf("got %v", err)
			}
		})
	}
}
