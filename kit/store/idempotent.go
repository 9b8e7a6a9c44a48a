package store

import (
	"bytes"
	"database/sql"
	"errors"

	"github.com/hengdai/hengdai/kit/errs"
)

// ErrBodyDiffers is answered for an idempotency key that was used with another body.
var ErrBodyDiffers = errs.New(errs.Conflict, "idempotency.body_differs",
	"该幂等键已用于内容不同的请求。", "This idempotency key was used for a different request.").On("idempotencyKey")

// Idempotent looks whether the request with this key was carried out, and answers what it was answered then. The same key
// with another body is ErrBodyDiffers. scope names the method, or whatever the key is unique in besides the bucket.
func Idempotent(tx *Tx, bucket int64, scope, key string, bodyHash []byte) (existing []byte, found bool, err error) {
	var hash []byte
	err = tx.QueryRowContext(tx.Context(),
		"SELECT body_hash, response FROM kit_idem WHERE bucket = ? AND scope = ? AND idem_key = ?", bucket, scope, key).Scan(&hash, &existing)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil, false, nil
	case err != nil:
		return nil, false, errs.Wrap(Explain(err), "looking up an idempotency key")
	case !bytes.Equal(hash, bodyHash):
		return nil, false, ErrBodyDiffers
	}
	return existing, true, nil
}

// Remember keeps the answer to a request that is carried out in this unit, for ever.
func Remember(tx *Tx, bucket int64, scope, key string, bodyHash, response []byte) error {
	if response == nil {
		response = []byte{}
	}
	_, err := tx.ExecContext(tx.Context(),
		"INSERT INTO kit_idem (bucket, scope, idem_key, body_hash, response) VALUES (?, ?, ?, ?, ?)", bucket, scope, key, bodyHash, response)
	return errs.Wrap(Explain(err), "keeping an idempotency key")
}
