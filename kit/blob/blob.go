package blob

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"

	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/vault"
)

// ErrNone says that there is no such blob, or that its key was erased.
var ErrNone = errs.New(errs.NotFound, "blob.not_found", "没有找到该文件。", "There is no such document.")

// ErrChanged says that the file is not what was put in.
var ErrChanged = errors.New("blob: the file was changed")

var hashPattern = regexp.MustCompile(`^[0-9a-f]{64}$`)

// Owner names whose key seals a blob.
type Owner struct {
	UserID int64
	// Class is the retention class, for example "transaction".
	Class string
}

// Store is one folder of blobs.
type Store struct {
	dir   string
	vault *vault.Vault
}

// New answers a store over a folder, which is made when first needed.
func New(dir string, v *vault.Vault) *Store {
	return &Store{dir: dir, vault: v}
}

// Put keeps data for an owner and answers its name, the SHA-256 of the content in hexadecimal. It may be repeated. When
// it returns, the file is on the disk.
func (s *Store) Put(ctx context.Context, o Owner, data []byte) (hash string, err error) {
	sum := sha256.Sum256(data)
	hash = hex.EncodeToString(sum[:])
	path := s.path(o, hash)
	if _, err := os.Stat(path); err == nil {
		return hash, nil
	}
	sealed, err := s.vault.SealBytes(ctx, o.UserID, o.Class, "blob "+hash, data)
	if err != nil {
		return "", errs.Wrap(err, "sealing a blob")
	}
	if err := write(path, sealed); err != nil {
		return "", fmt.Errorf("storing a blob: %w", err)
	}
	return hash, nil
}

// Get answers the content for a stated purpose; ErrNone if there is none, ErrChanged if it does not fit its name.
func (s *Store) Get(ctx context.Context, o Owner, purpose, hash string) ([]byte, error) {
	if !hashPattern.MatchString(hash) {
		return nil, ErrNone
	}
	sealed, err := os.ReadFile(s.path(o, hash))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNone
	}
	if err != nil {
		return nil, fmt.Errorf("reading a blob: %w", err)
	}
	data, err := s.vault.OpenBytes(ctx, o.UserID, o.Class, purpose, "blob "+hash, sealed)
	if errors.Is(err, vault.ErrSealed) {
		return nil, ErrChanged
	}
	if err != nil {
		return nil, errs.Wrap(err, "opening a blob")
	}
	if sum := sha256.Sum256(data); hex.EncodeToString(sum[:]) != hash {
		return nil, ErrChanged
	}
	return data, nil
}

// Delete takes a blob away; it is no error if there is none.
func (s *Store) Delete(o Owner, hash string) error {
	if !hashPattern.MatchString(hash) {
		return nil
	}
	if err := os.Remove(s.path(o, hash)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("deleting a blob: %w", err)
	}
	return nil
}

// path spreads owners over 256 folders.
func (s *Store) path(o Owner, hash string) string {
	owner := strconv.FormatInt(o.UserID, 10)
	spread := sha256.Sum256([]byte(owner))
	return filepath.Join(s.dir, hex.EncodeToString(spread[:1]), owner, o.Class, hash)
}

func write(path string, content []byte) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, ".new-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }()
	_, err = f.Write(content)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	d, err := os.Open(dir) //nolint:gosec // the folder of the blob itself
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
