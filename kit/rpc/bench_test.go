package rpc_test

import (
	"context"
	"net/http/httptest"
	"testing"

	logv1 "github.com/hengdai/hengdai/api/log/v1"
	"github.com/hengdai/hengdai/api/log/v1/logv1connect"
	"github.com/hengdai/hengdai/kit/rpc"
	"github.com/hengdai/hengdai/kit/rpc/rpctest"
)

// BenchmarkCall is one validated, signed, traced and counted call over each transport.
func BenchmarkCall(b *testing.B) {
	for _, name := range []string{"local", "remote"} {
		b.Run(name, func(b *testing.B) {
			n := rpctest.New()
			up := &upstream{read: func(context.Context, *logv1.ReadRequest) (*logv1.ReadResponse, error) {
				return &logv1.ReadResponse{}, nil
			}}
			m := n.Mux("payment")
			m.Handle(logv1connect.NewLogHandler(up, m.Options()...))
			if name == "remote" {
				srv := httptest.NewUnstartedServer(nil)
				srv.Config = rpc.HTTPServer(m)
				srv.Start()
				defer srv.Close()
				if err := n.Directory.At("payment", srv.URL, nil); err != nil {
					b.Fatal(err)
				}
			}
			peer := n.Peer("loan", "payment")
			logs := logv1connect.NewLogClient(peer.HTTP, peer.URL, peer.Options...)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := logs.Read(b.Context(), good); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
