package sms

import (
	"context"
	"crypto/ed25519"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/sandbox/party"
	"github.com/hengdai/hengdai/sandbox/people"
)

// Name is the party's name in keys, paths and the journal.
const Name = "sms"

// CallbackPath is where delivery reports go, under the callback base.
const CallbackPath = "/callbacks/notify/sms"

const (
	codeOK       = "OK"
	codeMobile   = "INVALID_MOBILE"
	codeBusy     = "BUSY"
	codeReused   = "REQUEST_ID_REUSED"
	codeNotFound = "NOT_FOUND"

	delivered = "DELIVERED"
	failed    = "FAILED"
)

type message struct {
	RequestID string `json:"request_id"`
	Mobile    string `json:"mobile"`
	Template  string `json:"template"`
	Text      string `json:"text"`
}

type receipt struct {
	RequestID string `json:"request_id"`
	MessageNo string `json:"message_no"`
	Code      string `json:"code"`
}

type query struct {
	RequestID string `json:"request_id"`
}

type state struct {
	RequestID string `json:"request_id"`
	MessageNo string `json:"message_no"`
	Code      string `json:"code"`
	Status    string `json:"status"`
}

type report struct {
	MessageNo string `json:"message_no"`
	RequestID string `json:"request_id"`
	Status    string `json:"status"`
}

// Provider is the SMS provider.
type Provider struct {
	desk *party.Desk
}

// New answers the provider and its handler, to be mounted at /sms/.
func New(d *party.Desk, private ed25519.PrivateKey, merchant ed25519.PublicKey) (*Provider, http.Handler) {
	p := &Provider{desk: d}
	identity := party.Identity{Party: Name, Private: private, Merchant: merchant}
	d.Callbacks.Dress(Name, party.DressJSON(identity))
	mux := http.NewServeMux()
	mux.Handle("POST /"+Name+"/v1/send", party.HandleJSON(d, party.JSON[message]{
		Identity: identity, Prefix: "/" + Name, Op: "send", BusyCode: codeBusy,
		Number: func(m message) string { return m.RequestID },
		Say:    func(m message, code string) any { return receipt{RequestID: m.RequestID, Code: code} },
		Do:     p.send,
	}))
	mux.Handle("POST /"+Name+"/v1/query", party.HandleJSON(d, party.JSON[query]{
		Identity: identity, Prefix: "/" + Name, Op: "query", BusyCode: codeBusy,
		Number: func(q query) string { return q.RequestID },
		Say:    func(q query, code string) any { return state{RequestID: q.RequestID, Code: code} },
		Do:     p.query,
	}))
	return p, mux
}

var errReused = errors.New("request id used for another message")

func (p *Provider) send(ctx context.Context, m message, signed party.Signed, _ party.Hits) (int, any, error) {
	if !people.ValidMobile(m.Mobile) {
		return http.StatusOK, receipt{RequestID: m.RequestID, Code: codeMobile}, nil
	}
	if m.Text == "" || len([]rune(m.Text)) > 500 || len(m.Template) > 64 {
		return http.StatusBadRequest, receipt{RequestID: m.RequestID, Code: "BAD_REQUEST"}, nil
	}
	hits, err := p.desk.Faults.Meet(ctx, Name, "callback", m.RequestID)
	if err != nil {
		return 0, nil, err
	}
	hash := party.HashOf(m.Mobile, m.Template, m.Text)
	r := receipt{RequestID: m.RequestID, Code: codeOK}
	err = p.desk.DB.Write(ctx, func(tx *store.Tx) error {
		if err := p.desk.Nonces.Keep(ctx, tx, Name, signed); err != nil {
			return err
		}
		var held string
		err := tx.QueryRowContext(ctx, `SELECT body_hash, message_no FROM sms WHERE request_id = ?`, m.RequestID).Scan(&held, &r.MessageNo)
		switch {
		case err == nil && held != hash:
			return errReused
		case err == nil:
			return nil
		case !errors.Is(err, sql.ErrNoRows):
			return err
		}
		r.MessageNo, err = p.store(ctx, tx, m, hash, hits)
		return err
	})
	if errors.Is(err, errReused) {
		return http.StatusConflict, receipt{RequestID: m.RequestID, Code: codeReused}, nil
	}
	return http.StatusOK, r, err
}

// store keeps a message, what became of it, and the report that tells so.
func (p *Provider) store(ctx context.Context, tx *store.Tx, m message, hash string, hits party.Hits) (string, error) {
	var seq int64
	if err := tx.QueryRowContext(ctx, `SELECT coalesce(max(seq), 0) + 1 FROM sms`).Scan(&seq); err != nil {
		return "", err
	}
	reached, err := people.Reachable(ctx, tx, m.Mobile)
	if err != nil {
		return "", err
	}
	status := delivered
	if !reached {
		status = failed
	}
	ms, date := p.desk.Now()
	no := fmt.Sprintf("M%010d", seq)
	if _, err := tx.ExecContext(ctx, `INSERT INTO sms (request_id, seq, body_hash, message_no, mobile, template, text, status, at_ms)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`, m.RequestID, seq, hash, no, m.Mobile, m.Template, m.Text, status, ms); err != nil {
		return "", err
	}
	if err := p.desk.Record(ctx, tx, party.Entry{Party: Name, Kind: "SMS", RequestNo: m.RequestID, ChannelNo: no,
		Status: status, Code: m.Template, AtMS: ms, SettledOn: date}); err != nil {
		return "", err
	}
	body, err := json.Marshal(report{MessageNo: no, RequestID: m.RequestID, Status: status})
	if err != nil {
		return "", err
	}
	return no, p.desk.Callbacks.Tell(ctx, tx, party.Callback{Party: Name, RequestNo: m.RequestID, URL: CallbackPath, Body: body}, hits)
}

func (p *Provider) query(ctx context.Context, q query, _ party.Signed, hits party.Hits) (int, any, error) {
	s := state{RequestID: q.RequestID, Code: codeOK}
	err := p.desk.DB.Primary().QueryRowContext(ctx, `SELECT message_no, status FROM sms WHERE request_id = ?`, q.RequestID).
		Scan(&s.MessageNo, &s.Status)
	if errors.Is(err, sql.ErrNoRows) || (err == nil && hits.Has(party.NotFound)) {
		return http.StatusOK, state{RequestID: q.RequestID, Code: codeNotFound}, nil
	}
	return http.StatusOK, s, err
}

// Sent is a message as the control surface and the page show it.
type Sent struct {
	Seq       int64  `json:"seq"`
	RequestID string `json:"request_id"`
	Mobile    string `json:"mobile"`
	Template  string `json:"template"`
	Text      string `json:"text"`
	Status    string `json:"status"`
	AtMS      int64  `json:"at_ms"`
}

// List answers the newest messages, of one mobile or (mobile empty) of all, that came after a sequence number.
func (p *Provider) List(ctx context.Context, mobile string, after int64, limit int) ([]Sent, error) {
	where, args := `seq > ?`, []any{after}
	if mobile != "" {
		where, args = where+` AND mobile = ?`, append(args, mobile)
	}
	rows, err := p.desk.DB.Primary().QueryContext(ctx, `SELECT seq, request_id, mobile, template, text, status, at_ms
		FROM sms WHERE `+where+` ORDER BY seq DESC LIMIT ?`, append(args, limit)...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	list := []Sent{}
	for rows.Next() {
		var s Sent
		if err := rows.Scan(&s.Seq, &s.RequestID, &s.Mobile, &s.Template, &s.Text, &s.Status, &s.AtMS); err != nil {
			return nil, err
		}
		list = append(list, s)
	}
	return list, rows.Err()
}
