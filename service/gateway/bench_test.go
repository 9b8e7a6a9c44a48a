package gateway_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/hengdai/hengdai/service/gateway"
)

// BenchmarkRequest is the whole way of one request through the gateway to a service in the same process and back.
func BenchmarkRequest(b *testing.B) {
	w := newWorld(b, func(d *gateway.Deps) {
		d.Limits.Borrower.PerMinute, d.Limits.Borrower.Burst = 1e8, 1e7
		d.Limits.Address = d.Limits.Borrower
	})
	handler := w.gw.Handler()
	for name, path := range map[string]string{"REST": "/v1/quotes", "Connect": "/loan.v1.Public/Quote"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				req := httptest.NewRequest(http.MethodPost, path, strings.NewReader(goodQuote))
				req.Header.Set("Content-Type", "application/json")
				req.Header.Set("Authorization", bearer(borrowerToken))
				rec := httptest.NewRecorder()
				handler.ServeHTTP(rec, req)
				if rec.Code != http.StatusOK {
					b.Fatal(rec.Code, rec.Body.String())
				}
			}
		})
	}
}
