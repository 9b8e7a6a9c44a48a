package sandbox

import (
	"context"
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/hengdai/hengdai/kit/clock"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/sandbox/channel"
	"github.com/hengdai/hengdai/sandbox/people"
	"github.com/hengdai/hengdai/sandbox/sms"
)

//go:embed pages/*.html
var pageFiles embed.FS

func readPages() (*template.Template, error) {
	return template.New("").Funcs(template.FuncMap{
		"at":   func(ms int64) string { return time.UnixMilli(ms).In(clock.Shanghai).Format("2006-01-02 15:04:05") },
		"yuan": yuan,
		"code": codeIn,
	}).ParseFS(pageFiles, "pages/*.html")
}

type page struct {
	EN       bool
	Path     string
	Date     string
	Mobile   string
	Messages []sms.Sent
	People   []people.Person
	Made     *people.Person
	Error    string

	Statements []statementRow
	Breaks     []channel.Break
}

// T chooses the words in the reader's language.
func (p page) T(zh, en string) string {
	if p.EN {
		return en
	}
	return zh
}

// Other is the link to the same page in the other language.
func (p page) Other() string {
	lang := "en"
	if p.EN {
		lang = "zh"
	}
	return "?lang=" + lang + "&mobile=" + url.QueryEscape(p.Mobile)
}

func (s *Sandbox) mountPages(mux *http.ServeMux) {
	mux.Handle("GET /{$}", onlyHere(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p := s.page(r)
		var err error
		p.Messages, err = s.sms.List(r.Context(), p.Mobile, 0, 30)
		s.show(w, r, "codes.html", p, err)
	})))
	mux.Handle("GET /people", onlyHere(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p := s.page(r)
		var err error
		p.People, err = people.List(r.Context(), s.deps.DB.Primary(), 20)
		s.show(w, r, "people.html", p, err)
	})))
	mux.Handle("POST /people", onlyHere(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p := s.page(r)
		made, err := s.makePerson(r.Context())
		if err == nil {
			p.Made = &made
			p.People, err = people.List(r.Context(), s.deps.DB.Primary(), 20)
		}
		s.show(w, r, "people.html", p, err)
	})))
	mux.Handle("GET /statements", onlyHere(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p := s.page(r)
		var err error
		if p.Statements, err = s.statementRows(r.Context()); err == nil {
			p.Breaks, err = channel.NewestBreaks(r.Context(), s.deps.DB.Primary(), 50)
		}
		s.show(w, r, "statements.html", p, err)
	})))
	mux.Handle("GET /statements/file", onlyHere(http.HandlerFunc(s.download)))
}

func (s *Sandbox) page(r *http.Request) page {
	_, date := s.desk.Now()
	lang := r.URL.Query().Get("lang")
	en := lang == "en" || (lang == "" && !strings.HasPrefix(r.Header.Get("Accept-Language"), "zh") && r.Header.Get("Accept-Language") != "")
	return page{EN: en, Path: r.URL.Path, Date: date, Mobile: r.URL.Query().Get("mobile")}
}

func (s *Sandbox) show(w http.ResponseWriter, r *http.Request, name string, p page, err error) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	h.Set("Cache-Control", "no-store")
	if err != nil {
		s.deps.Logger.ErrorContext(r.Context(), "sandbox: page", "error", err)
		p.Error = err.Error()
		w.WriteHeader(http.StatusInternalServerError)
	}
	if err := s.pages.ExecuteTemplate(w, name, p); err != nil {
		s.deps.Logger.ErrorContext(r.Context(), "sandbox: page", "error", err)
	}
}

// makePerson makes somebody new, with 20,000 yuan on the card.
func (s *Sandbox) makePerson(ctx context.Context) (people.Person, error) {
	var err error
	for range 5 { // a number may be taken already: another one is not
		now := uint64(clock.Real().UnixNano())
		p := people.Make(now, now%9_999_991, people.Options{BalanceMinor: 20_000_00})
		if err = s.addPeople(ctx, []people.Person{p}); errs.CodeOf(err) != errs.Conflict {
			return p, err
		}
	}
	return people.Person{}, err
}

// yuan writes an amount that is never negative.
func yuan(minor int64) string { return fmt.Sprintf("%d.%02d", minor/100, minor%100) }

// codeIn answers the one-time code in a message, to be shown large: the first run of six digits.
func codeIn(text string) string {
	run := 0
	for i, c := range text {
		if c < '0' || c > '9' {
			run = 0
			continue
		}
		run++
		next := i + 1
		if run == 6 && (next == len(text) || text[next] < '0' || text[next] > '9') {
			return text[i-5 : i+1]
		}
	}
	return ""
}
