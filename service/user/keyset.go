package user

import (
	"context"

	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/id"
	"github.com/hengdai/hengdai/kit/secret"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/kit/vault"
	"github.com/hengdai/hengdai/service/user/rows"
)

// Retention classes of data keys.
const (
	classIdentity    = "identity"    // who a person is: mobile, name, ID number, address
	classTransaction = "transaction" // cards, payments, contracts
	classApplication = "application"
	classBehaviour   = "behaviour"
	classMarketing   = "marketing"
	classCollection  = "collection"
	classStaff       = "staff" // TOTP secrets of staff; never handed out
)

// Fields as they stand in the associated data of ciphertexts.
const (
	fieldMobile  = "mobile"
	fieldName    = "name"
	fieldIDNo    = "id_no"
	fieldAddress = "address"
	fieldTOTP    = "totp"
)

// keySource is the vault's source of keys: user's own table.
type keySource struct{ *Service }

// ClassKey answers a person's keyset; errs.NotFound if there is none or it was erased.
func (k keySource) ClassKey(ctx context.Context, userID int64, class, _ string) ([]byte, error) {
	key, err := k.readKey(ctx, k.DB.Primary(), userID, class)
	if err != nil {
		return nil, err
	}
	return key.Bytes(), nil
}

func (s *Service) readKey(ctx context.Context, q store.DBTX, ownerID int64, class string) (vault.Key, error) {
	row, err := rows.New(q).GetKeyset(ctx, rows.GetKeysetParams{Bucket: id.Bucket(ownerID), OwnerID: ownerID, Class: class})
	switch {
	case none(err):
		return vault.Key{}, errNotFound
	case err != nil:
		return vault.Key{}, errs.Wrap(err, "reading a keyset")
	case row.ErasedMs != 0:
		return vault.Key{}, errErased
	}
	return vault.Unwrap(s.KEK, ownerID, class, row.Wrapped)
}

// keyOrNew answers a key inside a unit and stores the given fresh one if there is none yet. fresh is made before the unit,
// because units may run twice.
func (s *Service) keyOrNew(ctx context.Context, tx *store.Tx, ownerID int64, class string, fresh vault.Key) (vault.Key, error) {
	key, err := s.readKey(ctx, tx, ownerID, class)
	if errs.ReasonOf(err) != errNotFound.Reason {
		return key, err
	}
	wrapped, err := fresh.Wrap(s.KEK, ownerID, class)
	if err != nil {
		return vault.Key{}, err
	}
	err = rows.New(tx).InsertKeyset(ctx, rows.InsertKeysetParams{
		Bucket: id.Bucket(ownerID), OwnerID: ownerID, Class: class, Wrapped: wrapped, CreatedMs: s.now()})
	return fresh, errs.Wrap(err, "storing a keyset")
}

// open opens one sealed value, or answers the empty one for an empty column.
func open(key vault.Key, userID int64, field string, sealed []byte) (secret.String, error) {
	if len(sealed) == 0 {
		return secret.String{}, nil
	}
	return key.Open(userID, field, sealed)
}
