package identity

import (
	"context"
	"crypto/ed25519"
	"database/sql"
	"errors"
	"net/http"

	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/sandbox/party"
	"github.com/hengdai/hengdai/sandbox/people"
)

// Name is the party's name in keys, paths and the journal.
const Name = "bureau"

// Codes and results of an answer.
const (
	codeAnswered = "0000"
	codeIDNo     = "1001"
	codeCardNo   = "1002"
	codeReused   = "2001"
	codeBusy     = "9001"

	match    = "MATCH"
	mismatch = "MISMATCH"
	noRecord = "NO_RECORD"
)

type question struct {
	RequestID string `json:"request_id"`
	Name      string `json:"name"`
	IDNo      string `json:"id_no"`
	CardNo    string `json:"card_no"`
	Mobile    string `json:"mobile"`
}

type answer struct {
	RequestID string `json:"request_id"`
	Code      string `json:"code"`
	Result    string `json:"result"`
	Bank      string `json:"bank"`
}

// New answers the bureau's handler, to be mounted at /bureau/.
func New(d *party.Desk, private ed25519.PrivateKey, merchant ed25519.PublicKey) http.Handler {
	b := bureau{d}
	mux := http.NewServeMux()
	mux.Handle("POST /"+Name+"/v1/verify4", party.HandleJSON(d, party.JSON[question]{
		Identity: party.Identity{Party: Name, Private: private, Merchant: merchant},
		Prefix:   "/" + Name, Op: "verify4", BusyCode: codeBusy,
		Number: func(q question) string { return q.RequestID },
		Say:    func(q question, code string) any { return answer{RequestID: q.RequestID, Code: code} },
		Do:     b.verify,
	}))
	return mux
}

type bureau struct{ desk *party.Desk }

var errReused = errors.New("request id used for another question")

func (b bureau) verify(ctx context.Context, q question, signed party.Signed, _ party.Hits) (int, any, error) {
	hash := party.HashOf(q.Name, q.IDNo, q.CardNo, q.Mobile)
	var a answer
	err := b.desk.DB.Write(ctx, func(tx *store.Tx) error {
		if err := b.desk.Nonces.Keep(ctx, tx, Name, signed); err != nil {
			return err
		}
		a = answer{RequestID: q.RequestID}
		var held string
		err := tx.QueryRowContext(ctx, `SELECT body_hash, code, result, bank FROM verification WHERE request_id = ?`, q.RequestID).
			Scan(&held, &a.Code, &a.Result, &a.Bank)
		switch {
		case err == nil && held != hash:
			return errReused
		case err == nil:
			return nil
		case !errors.Is(err, sql.ErrNoRows):
			return err
		}
		if a.Code, a.Result, a.Bank, err = compare(ctx, tx, q); err != nil {
			return err
		}
		return b.store(ctx, tx, q, hash, a)
	})
	if errors.Is(err, errReused) {
		return http.StatusConflict, answer{RequestID: q.RequestID, Code: codeReused}, nil
	}
	return http.StatusOK, a, err
}

// compare answers from the population alone.
func compare(ctx context.Context, tx *store.Tx, q question) (code, result, bank string, err error) {
	if !people.ValidIDNo(q.IDNo) {
		return codeIDNo, "", "", nil
	}
	if !people.ValidCardNo(q.CardNo) {
		return codeCardNo, "", "", nil
	}
	known, err := people.Known(ctx, tx, q.IDNo)
	if err != nil {
		return "", "", "", err
	}
	card, err := people.Find(ctx, tx, q.CardNo)
	if errs.CodeOf(err) == errs.NotFound || (err == nil && (!known || card.Closed)) {
		return codeAnswered, noRecord, "", nil
	}
	if err != nil {
		return "", "", "", err
	}
	if card.IDNo != q.IDNo || card.Holder != q.Name || card.Mobile != q.Mobile {
		return codeAnswered, mismatch, "", nil
	}
	return codeAnswered, match, card.Bank, nil
}

func (b bureau) store(ctx context.Context, tx *store.Tx, q question, hash string, a answer) error {
	ms, _ := b.desk.Now()
	if _, err := tx.ExecContext(ctx, `INSERT INTO verification (request_id, body_hash, code, result, bank, at_ms) VALUES (?, ?, ?, ?, ?, ?)`,
		q.RequestID, hash, a.Code, a.Result, a.Bank, ms); err != nil {
		return err
	}
	return b.desk.Record(ctx, tx, party.Entry{Party: Name, Kind: "VERIFY4", RequestNo: q.RequestID, CardNo: q.CardNo,
		Status: a.Result, Code: a.Code, AtMS: ms})
}
