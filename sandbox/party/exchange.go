package party

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/hengdai/hengdai/kit/clock"
	"github.com/hengdai/hengdai/kit/errs"
)

// MaxBody is the largest request that a party reads.
const MaxBody = 64 << 10

// oddCode is an answer code that stands in no list.
const oddCode = "E90317"

// Reply is an answer before it is signed.
type Reply struct {
	Status int
	Body   []byte
}

// Exchange is one call at one party, whatever its wire format.
type Exchange struct {
	Party, Op, RequestNo string
	// BusyCode is what the party says when it has no time.
	BusyCode string
	// Say makes an answer that carries a code and tells nothing of an effect.
	Say func(code string) Reply
	// Do has the effect and answers; hits are the faults it meets, for those only it can act out.
	Do func(ctx context.Context, hits Hits) (Reply, error)
	// Sign writes the answer's headers and answers the body to send; flawed asks for a wrong signature.
	Sign func(h http.Header, reply Reply, flawed bool) []byte
}

// Serve runs an exchange with the latency and the faults it meets.
func (d *Desk) Serve(w http.ResponseWriter, r *http.Request, x Exchange) {
	ctx := r.Context()
	hits, err := d.Faults.Meet(ctx, x.Party, x.Op, x.RequestNo)
	if err != nil {
		d.fail(ctx, w, x, err)
		return
	}
	if d.dawdle(ctx, x.Party, hits) != nil {
		return // the caller went away before anything was done
	}
	switch {
	case hits.Has(LostRequest):
		d.drop(ctx, w, hits[LostRequest])
		return
	case hits.Has(ServerError):
		w.WriteHeader(http.StatusInternalServerError)
		return
	case hits.Has(Busy):
		d.send(w, x, x.Say(first(hits[Busy].Code, x.BusyCode)), false)
		return
	}
	// From here on the party acts, whether or not the caller still listens.
	ctx = context.WithoutCancel(ctx)
	reply, err := x.Do(ctx, hits)
	if err != nil {
		d.fail(ctx, w, x, err)
		return
	}
	d.finish(ctx, w, x, reply, hits)
}

func (d *Desk) finish(ctx context.Context, w http.ResponseWriter, x Exchange, reply Reply, hits Hits) {
	switch {
	case hits.Has(LostResponse):
		d.drop(ctx, w, hits[LostResponse])
	case hits.Has(Timeout):
		held := hits[Timeout]
		if held.DelayMS == 0 {
			held.DelayMS = 1000
		}
		d.drop(ctx, w, held)
	case hits.Has(ServerErrorAfter):
		w.WriteHeader(http.StatusBadGateway)
	case hits.Has(UnknownCode):
		d.send(w, x, x.Say(first(hits[UnknownCode].Code, oddCode)), false)
	case hits.Has(Garbage):
		d.send(w, x, Reply{Status: reply.Status, Body: []byte("\x00not what you expect")}, false)
	case hits.Has(BadSignature):
		d.send(w, x, reply, true)
	default:
		if early, ok := hits[EarlyCallback]; ok {
			_ = clock.Sleep(ctx, time.Duration(max(early.DelayMS, 50))*time.Millisecond)
		}
		d.send(w, x, reply, false)
	}
}

func (d *Desk) send(w http.ResponseWriter, x Exchange, reply Reply, flawed bool) {
	body := x.Sign(w.Header(), reply, flawed)
	w.WriteHeader(reply.Status)
	_, _ = w.Write(body)
}

func (d *Desk) fail(ctx context.Context, w http.ResponseWriter, x Exchange, err error) {
	d.Logger.ErrorContext(ctx, "sandbox: call failed", "party", x.Party, "op", x.Op, "error", err)
	w.WriteHeader(http.StatusInternalServerError)
}

// drop ends the connection without an answer.
func (d *Desk) drop(ctx context.Context, w http.ResponseWriter, r Rule) {
	if r.DelayMS > 0 {
		_ = clock.Sleep(ctx, time.Duration(r.DelayMS)*time.Millisecond)
	}
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		w.WriteHeader(http.StatusBadGateway) // no connection to cut (HTTP/2): an unsigned answer tells as little
		return
	}
	_ = conn.Close()
}

// JSON is one method of a party that speaks JSON under signed headers.
type JSON[Q any] struct {
	Identity Identity
	// Prefix is the party's path under the sandbox's listener, for example "/alpha".
	Prefix, Op, BusyCode string
	// Number answers the request's own number, by which it is deduplicated; "" for one that has none is refused.
	Number func(q Q) string
	// Say makes an answer with a code and no effect.
	Say func(q Q, code string) any
	// Do has the effect. Its status is the HTTP status.
	Do func(ctx context.Context, q Q, signed Signed, hits Hits) (status int, answer any, err error)
}

// HandleJSON makes the handler of a method.
func HandleJSON[Q any](d *Desk, m JSON[Q]) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxBody))
		if err != nil {
			answerJSON(w, m.Identity, "", http.StatusRequestEntityTooLarge, map[string]string{"code": "TOO_LARGE"})
			return
		}
		signed, refusal := m.Identity.Check(r, m.Prefix, body, clock.Real())
		if refusal == "" && !d.Nonces.First(m.Identity.Party, signed) {
			refusal = NonceRepeated
		}
		if refusal != "" {
			answerJSON(w, m.Identity, r.Header.Get(headerNonce), http.StatusUnauthorized, map[string]string{"code": string(refusal)})
			return
		}
		var q Q
		if err := readJSON(body, &q); err != nil || m.Number(q) == "" || len(m.Number(q)) > 64 {
			answerJSON(w, m.Identity, signed.Nonce, http.StatusBadRequest, map[string]string{"code": "BAD_REQUEST"})
			return
		}
		d.Serve(w, r, Exchange{
			Party: m.Identity.Party, Op: m.Op, RequestNo: m.Number(q), BusyCode: m.BusyCode,
			Say: func(code string) Reply { return jsonReply(http.StatusOK, m.Say(q, code)) },
			Do: func(ctx context.Context, hits Hits) (Reply, error) {
				status, answer, err := m.Do(ctx, q, signed, hits)
				if err != nil {
					return Reply{}, err
				}
				return jsonReply(status, answer), nil
			},
			Sign: func(h http.Header, reply Reply, flawed bool) []byte {
				return signJSON(h, m.Identity, signed.Nonce, reply, flawed)
			},
		})
	})
}

func signJSON(h http.Header, i Identity, nonce string, reply Reply, flawed bool) []byte {
	h.Set("Content-Type", "application/json")
	signedBody := reply.Body
	if flawed {
		signedBody = append(bytes.Clone(reply.Body), ' ')
	}
	i.SignAnswer(h, reply.Status, nonce, signedBody, clock.Real())
	return reply.Body
}

func answerJSON(w http.ResponseWriter, i Identity, nonce string, status int, answer any) {
	body := signJSON(w.Header(), i, nonce, jsonReply(status, answer), false)
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

func jsonReply(status int, answer any) Reply {
	body, err := json.Marshal(answer)
	if err != nil {
		return Reply{Status: http.StatusInternalServerError, Body: []byte(`{"code":"INTERNAL"}`)}
	}
	return Reply{Status: status, Body: body}
}

// readJSON reads one value with no field that the party does not know.
func readJSON(body []byte, into any) error {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		return errs.Wrap(err, "reading JSON")
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("more than one JSON value")
	}
	return nil
}

func first(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}
