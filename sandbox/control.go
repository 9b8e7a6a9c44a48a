package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/sandbox/channel/alpha"
	"github.com/hengdai/hengdai/sandbox/channel/beta"
	"github.com/hengdai/hengdai/sandbox/party"
	"github.com/hengdai/hengdai/sandbox/people"
)

// mountControl mounts the control surface. It has no signatures, so it answers this machine only.
func (s *Sandbox) mountControl(mux *http.ServeMux) {
	handle := func(pattern string, do func(r *http.Request) (any, error)) {
		mux.Handle(pattern, onlyHere(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r.Body = http.MaxBytesReader(w, r.Body, 16<<20)
			answer, err := do(r)
			if err != nil {
				refuse(w, err)
				return
			}
			w.Header().Set("Content-Type", "application/json")
			_ = json.NewEncoder(w).Encode(answer)
		})))
	}
	handle("GET /control/journal", s.controlJournal)
	handle("GET /control/accounts", s.controlAccounts)
	handle("POST /control/accounts", s.controlAccount)
	handle("GET /control/people", func(r *http.Request) (any, error) {
		list, err := people.List(r.Context(), s.deps.DB.Primary(), limitOf(r, 50, 1000))
		return map[string]any{"people": list}, err
	})
	handle("POST /control/people", s.controlPeople)
	handle("GET /control/sms", func(r *http.Request) (any, error) {
		list, err := s.sms.List(r.Context(), r.URL.Query().Get("mobile"), numberOf(r, "after", 0), limitOf(r, 50, 1000))
		return map[string]any{"messages": list}, err
	})
	handle("GET /control/faults", func(*http.Request) (any, error) {
		kinds, orders := s.desk.Faults.Counts(alpha.Name, beta.Name)
		return map[string]any{"rules": s.desk.Faults.List(), "kinds": kinds, "orders": orders}, nil
	})
	handle("POST /control/plan", s.controlPlan)
	handle("POST /control/faults", func(r *http.Request) (any, error) {
		var rule party.Rule
		if err := read(r, &rule); err != nil {
			return nil, err
		}
		return s.desk.Faults.Add(r.Context(), rule)
	})
	handle("DELETE /control/faults", func(r *http.Request) (any, error) {
		return map[string]any{}, s.desk.Faults.Clear(r.Context(), r.URL.Query().Get("party"))
	})
	handle("POST /control/latency", func(r *http.Request) (any, error) {
		var in struct {
			Party string `json:"party"`
			party.Latency
		}
		if err := read(r, &in); err != nil {
			return nil, err
		}
		return in, s.desk.SetLatency(r.Context(), in.Party, in.Latency)
	})
	s.mountStatements(handle)
	handle("POST /control/advance", s.controlAdvance)
	handle("GET /control/idle", func(r *http.Request) (any, error) {
		return s.Idle(time.Duration(numberOf(r, "within_ms", 2000)) * time.Millisecond), nil
	})
}

func (s *Sandbox) controlJournal(r *http.Request) (any, error) {
	limit := limitOf(r, 1000, 10_000)
	after := numberOf(r, "after", 0)
	rows, err := s.desk.Entries(r.Context(), r.URL.Query().Get("party"), after, limit)
	if err != nil {
		return nil, err
	}
	if len(rows) > 0 {
		after = rows[len(rows)-1].Seq
	}
	return map[string]any{"rows": rows, "next": after, "more": len(rows) == limit}, nil
}

func (s *Sandbox) controlAdvance(r *http.Request) (any, error) {
	var in struct {
		OffsetMS int64 `json:"offset_ms"`
	}
	if err := read(r, &in); err != nil {
		return nil, err
	}
	if s.deps.Offset == nil || in.OffsetMS < 0 || in.OffsetMS > (200*365*24*time.Hour).Milliseconds() {
		return nil, errs.New(errs.Invalid, "sandbox.offset", "时间偏移无效。", "The offset is not valid.").On("offset_ms")
	}
	before := s.deps.Offset.Ahead()
	s.deps.Offset.Raise(time.Duration(in.OffsetMS) * time.Millisecond)
	if s.deps.OnAdvance != nil && s.deps.Offset.Ahead() != before {
		s.deps.OnAdvance()
	}
	ms, date := s.desk.Now()
	return map[string]any{"offset_ms": s.deps.Offset.Ahead().Milliseconds(), "now_ms": ms, "date": date}, nil
}

// onlyHere lets in requests from this machine that were not made by a page of another site.
func onlyHere(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		from, _, err := net.SplitHostPort(r.RemoteAddr)
		ip := net.ParseIP(from)
		if err != nil || ip == nil || !ip.IsLoopback() || !localHost(r.Host) {
			http.Error(w, `{"code":"LOOPBACK_ONLY"}`, http.StatusForbidden)
			return
		}
		if origin := r.Header.Get("Origin"); origin != "" && r.Method != http.MethodGet {
			if u, err := url.Parse(origin); err != nil || u.Host != r.Host {
				http.Error(w, `{"code":"OTHER_SITE"}`, http.StatusForbidden)
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

// localHost refuses foreign names that resolve to this machine (DNS rebinding).
func localHost(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	ip := net.ParseIP(host)
	return host == "localhost" || (ip != nil && ip.IsLoopback())
}

func read(r *http.Request, into any) error {
	dec := json.NewDecoder(r.Body)
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		return errs.New(errs.Invalid, "sandbox.json", "请求内容有误。", "The body is not what is expected.").Because(err)
	}
	return nil
}

func refuse(w http.ResponseWriter, err error) {
	status := map[errs.Code]int{errs.Invalid: 400, errs.NotFound: 404, errs.Conflict: 409, errs.Precondition: 409}[errs.CodeOf(err)]
	if status == 0 {
		status = http.StatusInternalServerError
	}
	answer := map[string]string{"code": errs.ReasonOf(err), "message": err.Error()}
	var e *errs.Error
	if errors.As(err, &e) {
		answer["field"] = e.Field
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(answer)
}

func numberOf(r *http.Request, name string, otherwise int64) int64 {
	n, err := strconv.ParseInt(r.URL.Query().Get(name), 10, 64)
	if err != nil || n < 0 {
		return otherwise
	}
	return n
}

func limitOf(r *http.Request, otherwise, most int64) int {
	return int(min(max(numberOf(r, "limit", otherwise), 1), most))
}

// AddPeople states persons: for a process that holds the sandbox itself. The control surface does the same.
func (s *Sandbox) AddPeople(ctx context.Context, list []people.Person) error {
	const batch = 500
	for len(list) > 0 {
		n := min(batch, len(list))
		if err := s.addPeople(ctx, list[:n]); err != nil {
			return fmt.Errorf("adding people: %w", err)
		}
		list = list[n:]
	}
	return nil
}
