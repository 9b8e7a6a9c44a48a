package acceptance

import (
	"net/http"
	"testing"
	"unicode"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// refusal is a request that must be refused, with what the answer must say.
type refusal struct {
	of   string
	by   *phone
	call call
	// What the answer must say; an empty field is not looked at if the reason does not concern one.
	status        int
	reason, field string
}

// refuse makes each request in both languages and sees that it is refused as it must be and leaves nothing behind.
func (w *world) refuse(t *testing.T, list ...refusal) {
	t.Helper()
	for _, r := range list {
		t.Run(r.of, func(t *testing.T) {
			before := w.rows(t)
			for _, language := range []string{"zh", "en"} {
				c := r.call
				c.language = map[string]string{"zh": "zh-CN,zh;q=0.9", "en": "en-GB,en;q=0.8"}[language]
				r.check(t, language, r.by.rest(t, c))
			}
			w.unchanged(t, before)
		})
	}
}

// unchanged sees that no business table holds more or less than before.
func (w *world) unchanged(t *testing.T, before map[string]int64) {
	t.Helper()
	for table, n := range w.rows(t) {
		if n != before[table] {
			t.Errorf("a refused request changed %s: it held %d rows and holds %d", table, before[table], n)
		}
	}
}

func (r refusal) check(t *testing.T, language string, got answer) {
	t.Helper()
	if got.status != r.status || got.problem.Reason != r.reason || got.problem.Field != r.field {
		t.Errorf("answered %d %q on %q, want %d %q on %q; it says %q", got.status, got.problem.Reason, got.problem.Field, r.status, r.reason, r.field, got.problem.Message)
		return
	}
	if chinese(got.problem.Message) != (language == "zh") || len(got.problem.Message) < 8 {
		t.Errorf("in %q it says %q", language, got.problem.Message)
	}
	if got.header.Get("Content-Language") != language {
		t.Errorf("the answer's language is %q, asked was %q", got.header.Get("Content-Language"), language)
	}
	if got.problem.TraceID == "" && got.status >= http.StatusInternalServerError {
		t.Error("nothing is given by which the failure can be found again")
	}
}

// chinese says whether a sentence holds Chinese characters.
func chinese(text string) bool {
	for _, r := range text {
		if unicode.Is(unicode.Han, r) {
			return true
		}
	}
	return false
}

// jsonOf is a message as REST takes it.
func jsonOf(m proto.Message) []byte {
	text, err := protojson.Marshal(m)
	if err != nil {
		panic(err) // a message of ours that cannot be written
	}
	return text
}

// asks makes a POST of a JSON body.
func asks(path string, body any) call { return call{method: http.MethodPost, path: path, body: body} }

// looks makes a GET.
func looks(path string) call { return call{method: http.MethodGet, path: path} }
