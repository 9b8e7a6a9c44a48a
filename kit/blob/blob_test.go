package blob_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/hengdai/hengdai/kit/blob"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/vault"
)

// source holds one key per person; erased ones answer as user does.
type source map[int64]vault.Key

func (s source) ClassKey(_ context.Context, userID int64, _, _ string) ([]byte, error) {
	k, ok := s[userID]
	if !ok {
		return nil, errs.New(errs.NotFound, "user.erased", "", "")
	}
	return k.Bytes(), nil
}

func setUp(t *testing.T) (*blob.Store, source, string) {
	t.Helper()
	keys := source{}
	for _, person := range []int64{1, 2} {
		k, err := vault.NewKey()
		if err != nil {
			t.Fatal(err)
		}
		keys[person] = k
	}
	dir := filepath.Join(t.TempDir(), "blobs")
	return blob.New(dir, vault.New(keys)), keys, dir
}

var (
	owner    = blob.Owner{UserID: 1, Class: "transaction"}
	contract = bytes.Repeat([]byte("借款合同 999 "), 1000)
)

func files(t *testing.T, dir string) []string {
	t.Helper()
	var out []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			out = append(out, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestADocumentComesBackByItsHash(t *testing.T) {
	s, _, dir := setUp(t)
	var hash string
	for range 2 {
		var err error
		if hash, err = s.Put(t.Context(), owner, contract); err != nil {
			t.Fatal(err)
		}
	}
	got, err := s.Get(t.Context(), owner, "contract", hash)
	if err != nil || !bytes.Equal(got, contract) {
		t.Fatalf("it does not come back: %v", err)
	}
	all := files(t, dir)
	if len(all) != 1 {
		t.Fatalf("%d files for one document", len(all))
	}
	raw, err := os.ReadFile(all[0])
	if err != nil || bytes.Contains(raw, []byte("借款合同")) {
		t.Fatalf("the file can be read: %v", err)
	}
	info, err := os.Stat(all[0])
	if err != nil || info.Mode().Perm()&0o077 != 0 {
		t.Fatal("the file is open to others")
	}
}

func TestAnotherOwnerAndABadNameFindNothing(t *testing.T) {
	s, _, _ := setUp(t)
	hash, err := s.Put(t.Context(), owner, contract)
	if err != nil {
		t.Fatal(err)
	}
	for name, try := range map[string]func() error{
		"another owner": func() error {
			_, err := s.Get(t.Context(), blob.Owner{UserID: 2, Class: owner.Class}, "x", hash)
			return err
		},
		"another class": func() error {
			_, err := s.Get(t.Context(), blob.Owner{UserID: 1, Class: "application"}, "x", hash)
			return err
		},
		"a path": func() error { _, err := s.Get(t.Context(), owner, "x", "../../../etc/passwd"); return err },
	} {
		if err := try(); !errors.Is(err, blob.ErrNone) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAChangedFileIsSeen(t *testing.T) {
	s, _, dir := setUp(t)
	hash, err := s.Put(t.Context(), owner, contract)
	if err != nil {
		t.Fatal(err)
	}
	path := files(t, dir)[0]
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	raw[len(raw)/2] ^= 1
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Get(t.Context(), owner, "contract", hash); !errors.Is(err, blob.ErrChanged) {
		t.Fatalf("%v", err)
	}
}

func TestErasingTheKeyErasesTheDocument(t *testing.T) {
	s, keys, _ := setUp(t)
	hash, err := s.Put(t.Context(), owner, contract)
	if err != nil {
		t.Fatal(err)
	}
	delete(keys, owner.UserID)
	if _, err := s.Get(t.Context(), owner, "contract", hash); errs.CodeOf(err) != errs.NotFound {
		t.Fatalf("%v", err)
	}
	for range 2 {
		if err := s.Delete(owner, hash); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Get(t.Context(), owner, "contract", hash); !errors.Is(err, blob.ErrNone) {
		t.Fatalf("%v", err)
	}
}
