package telemetry

import (
	"net/http"
	"strconv"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/hengdai/hengdai/kit/clock"
)

// Party answers a transport that counts and traces the calls to an outside party. The party is told the trace, by W3C
// traceparent, and nothing else of us.
func (t *Telemetry) Party(name string, through http.RoundTripper) http.RoundTripper {
	return &partyTransport{name: name, through: through, metrics: t.Metrics}
}

type partyTransport struct {
	name    string
	through http.RoundTripper
	metrics *Metrics
}

// RoundTrip makes one call.
func (p *partyTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	began := clock.Real()
	call := lastWord(req.URL.Path)
	ctx, end := Start(req.Context(), p.name+" "+call, trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(attribute.String("hengdai.party", p.name)))
	out := req.Clone(ctx)
	Propagation.Inject(ctx, propagation.HeaderCarrier(out.Header))
	res, err := p.through.RoundTrip(out)
	code := "none" // nothing came back
	if err == nil {
		code = strconv.Itoa(res.StatusCode)
	}
	Annotate(ctx, attribute.String("http.response.status_code", code))
	end(err)
	p.metrics.party.WithLabelValues(p.name, call, code).Observe(clock.Since(began).Seconds())
	return res, err
}

// lastWord is the last part of a path: what parties call their operations. One that holds digits is an id.
func lastWord(path string) string {
	word := path[strings.LastIndexByte(path, '/')+1:]
	if strings.ContainsAny(word, "0123456789") && !strings.HasPrefix(word, "verify") {
		return "other"
	}
	return word
}
