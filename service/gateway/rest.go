package gateway

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"

	"connectrpc.com/connect"
	"connectrpc.com/vanguard"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	rpcv1 "github.com/hengdai/hengdai/api/rpc/v1"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/rpc"
	"github.com/hengdai/hengdai/kit/telemetry"
)

// newTranscoder makes what turns REST into Connect, by the google.api.http options of the methods.
func newTranscoder(services []protoreflect.ServiceDescriptor, forward http.Handler, maxBytes int64) (*vanguard.Transcoder, error) {
	list := make([]*vanguard.Service, len(services))
	for i, s := range services {
		list[i] = vanguard.NewServiceWithSchema(s, forward)
	}
	t, err := vanguard.NewTranscoder(list,
		vanguard.WithCodec(func(res vanguard.TypeResolver) vanguard.Codec {
			return restCodec{JSONCodec: vanguard.NewJSONCodec(res)}
		}),
		vanguard.WithDefaultServiceOptions(
			vanguard.WithTargetProtocols(vanguard.ProtocolConnect),
			vanguard.WithTargetCodecs(vanguard.CodecProto),
			vanguard.WithNoTargetCompression(),
			vanguard.WithMaxMessageBufferBytes(uint32(max(maxBytes, maxAnswer))),
			vanguard.WithMaxGetURLBytes(1), // always POST to the service
		))
	if err != nil {
		return nil, fmt.Errorf("building the REST routes: %w", err)
	}
	return t, nil
}

// restCodec reads and writes JSON as the services do. What is wrong with a body travels through the transcoder, which
// only carries text, as a text that problemOf finds again.
type restCodec struct{ *vanguard.JSONCodec }

const faultMark = "hengdai-fault:"

// Unmarshal reads strictly.
func (restCodec) Unmarshal(data []byte, m proto.Message) error {
	e := rpc.ReadJSON(data, m)
	if e == nil {
		return nil
	}
	raw, err := proto.Marshal(&rpcv1.ErrorDetail{Reason: e.Reason, Field: e.Field, SentenceZh: e.ZH, SentenceEn: e.EN})
	if err != nil {
		return fmt.Errorf("writing a decoding error: %w", err)
	}
	return fmt.Errorf("%s%s", faultMark, base64.RawURLEncoding.EncodeToString(raw))
}

// MarshalAppend writes zero values too.
func (restCodec) MarshalAppend(dst []byte, m proto.Message) ([]byte, error) {
	return rpc.WriteJSON(dst, m)
}

// serveREST lets the transcoder answer and puts its errors into our form.
func (s *Service) serveREST(w http.ResponseWriter, r *http.Request) {
	// A binary or Connect request on a REST path would make the transcoder speak another protocol.
	r.Header.Del("Connect-Protocol-Version")
	if r.ContentLength == 0 {
		r.Header.Del("Content-Type")
	} else {
		r.Header.Set("Content-Type", "application/json")
	}
	r.Header.Del("Accept-Encoding") // answers are small; compression is for a proxy
	out := &restAnswer{ResponseWriter: w}
	s.rest.ServeHTTP(out, r)
	if out.status < http.StatusBadRequest {
		return
	}
	e, trace := problemOf(out)
	if v := visitOf(r); v.failure == nil {
		v.failure = e
	}
	if trace == "" {
		trace = telemetry.TraceID(r.Context())
	}
	writeProblem(w, e, rpc.ParseLanguage(r.Header.Get("Accept-Language")), trace)
}

// restAnswer passes a good answer on and holds a bad one back.
type restAnswer struct {
	http.ResponseWriter
	status int
	bad    bytes.Buffer
}

func (a *restAnswer) WriteHeader(status int) {
	if a.status != 0 {
		return
	}
	a.status = status
	if status < http.StatusBadRequest {
		a.ResponseWriter.WriteHeader(status)
	}
}

func (a *restAnswer) Write(p []byte) (int, error) {
	if a.status == 0 {
		a.WriteHeader(http.StatusOK)
	}
	if a.status >= http.StatusBadRequest {
		return a.bad.Write(p)
	}
	return a.ResponseWriter.Write(p)
}

// Flush does nothing: an answer is one message. The transcoder asks for it.
func (a *restAnswer) Flush() {}

// problemOf reads the error that the transcoder wrote: a service's with its detail, or one of its own.
func problemOf(a *restAnswer) (e *errs.Error, trace string) {
	var status struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
		Details []struct {
			Type       string `json:"@type"`
			Reason     string `json:"reason"`
			Field      string `json:"field"`
			SentenceZH string `json:"sentenceZh"`
			SentenceEN string `json:"sentenceEn"`
			TraceID    string `json:"traceId"`
		} `json:"details"`
	}
	if json.Unmarshal(a.bad.Bytes(), &status) != nil || status.Code == 0 {
		return ownProblem(a.status, a.bad.String()), ""
	}
	code := rpc.CodeOfWire(connect.Code(uint32(status.Code)))
	for _, d := range status.Details {
		if strings.HasSuffix(d.Type, "/rpc.v1.ErrorDetail") {
			return errs.New(code, d.Reason, d.SentenceZH, d.SentenceEN).On(d.Field), d.TraceID
		}
	}
	return ownProblem(a.status, status.Message), ""
}

var (
	wrongParameter   = regexp.MustCompile(`invalid parameter "([A-Za-z0-9_.]+)"`)
	unknownParameter = regexp.MustCompile(`in field path "([^"]{1,100})": element`)
)

// ownProblem says what the transcoder itself did not like. Its text may repeat what was sent, so only names of fields
// are taken from it.
func ownProblem(status int, text string) *errs.Error {
	if i := strings.Index(text, faultMark); i >= 0 {
		raw, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(text[i+len(faultMark):], "\n\" "))
		detail := new(rpcv1.ErrorDetail)
		if err == nil && proto.Unmarshal(raw, detail) == nil {
			return rpc.FromDetail(errs.Invalid, detail)
		}
	}
	if m := unknownParameter.FindStringSubmatch(text); m != nil {
		return errs.New(errs.Invalid, "request.unknown_field", "请求中有不认识的参数 "+m[1]+"。", "The request has a parameter "+m[1]+" that is not known.").On(m[1])
	}
	if m := wrongParameter.FindStringSubmatch(text); m != nil {
		name := jsonName(m[1])
		return errs.New(errs.Invalid, "request.wrong_type", "参数 "+name+" 的值不正确。", "The parameter "+name+" is not right.").On(name)
	}
	switch status {
	case http.StatusNotFound, http.StatusNotImplemented:
		return errUnknownPath
	case http.StatusMethodNotAllowed:
		return errMethod
	case http.StatusUnsupportedMediaType:
		return errContentType
	case http.StatusTooManyRequests, http.StatusRequestEntityTooLarge:
		return rpc.ErrTooLarge
	case http.StatusBadRequest:
		return errs.New(errs.Invalid, "request.broken", "请求内容无法解析。", "The request cannot be read.").Because(fmt.Errorf("%.200s", text))
	case http.StatusServiceUnavailable, http.StatusBadGateway:
		return errPeerOpen
	case http.StatusGatewayTimeout:
		return rpc.ErrDeadline
	}
	return rpc.ErrInternal.Because(fmt.Errorf("status %d: %.200s", status, text))
}

// jsonName writes a proto field path with JSON names.
func jsonName(path string) string {
	var b strings.Builder
	up := false
	for _, c := range path {
		switch {
		case c == '_':
			up = true
			continue
		case up && c >= 'a' && c <= 'z':
			c += 'A' - 'a'
		}
		up = false
		b.WriteRune(c)
	}
	return b.String()
}
