package keys_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/hengdai/hengdai/kit/keys"
)

func open(t *testing.T, dir, process string) *keys.Ring {
	t.Helper()
	r, err := keys.Open(dir, process, true)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestAPeerVerifiesWhatAProcessSigned(t *testing.T) {
	dir := t.TempDir()
	user, loan := open(t, dir, "user"), open(t, dir, "loan")
	sig := user.Sign([]byte("principal"))
	if !loan.Verify("user", []byte("principal"), sig) {
		t.Error("a true signature is refused")
	}
	for name, ok := range map[string]bool{
		"another text":        loan.Verify("user", []byte("Principal"), sig),
		"another process":     loan.Verify("loan", []byte("principal"), sig),
		"an unknown process":  loan.Verify("nobody", []byte("principal"), sig),
		"a name with a slash": loan.Verify("../user", []byte("principal"), sig),
		"no signature":        loan.Verify("user", []byte("principal"), nil),
	} {
		if ok {
			t.Errorf("a signature over %s is accepted", name)
		}
	}
}

func TestAReplacedKeyIsReadAnew(t *testing.T) {
	dir := t.TempDir()
	loan, user := open(t, dir, "loan"), open(t, dir, "user")
	old := user.Sign([]byte("x"))
	if !loan.Verify("user", []byte("x"), old) {
		t.Fatal("first key refused")
	}
	if err := os.Remove(filepath.Join(dir, "user.sign.key")); err != nil {
		t.Fatal(err)
	}
	user = open(t, dir, "user")
	if !loan.Verify("user", []byte("x"), user.Sign([]byte("x"))) {
		t.Error("the new key is refused")
	}
	if loan.Verify("user", []byte("x"), old) {
		t.Error("the old key is still accepted")
	}
}

func TestOnlyTheAddresseeOpensASealedValue(t *testing.T) {
	dir := t.TempDir()
	notify, loan := open(t, dir, "notify"), open(t, dir, "loan")
	sealed, err := keys.SealTo(loan.PublicSeal("notify"), []byte("123456"))
	if err != nil {
		t.Fatal(err)
	}
	got, err := notify.OpenSealed(sealed)
	if err != nil || string(got) != "123456" {
		t.Errorf("the addressee cannot open: %v", err)
	}
	if _, err := loan.OpenSealed(sealed); err == nil {
		t.Error("another process opened it")
	}
	sealed[len(sealed)-1] ^= 1
	if _, err := notify.OpenSealed(sealed); err == nil {
		t.Error("a changed value opens")
	}
	if _, err := keys.SealTo(loan.PublicSeal("nobody"), []byte("1")); err == nil {
		t.Error("sealed to nobody")
	}
}

func TestManyProcessesStartOnOneEmptyFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "keys")
	const n = 16
	rings, errs := make([]*keys.Ring, n), make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			rings[i], errs[i] = keys.Open(dir, "user", true)
			_, e := keys.KEK(dir, true)
			errs[i] = errors.Join(errs[i], e)
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	for _, r := range rings {
		if !rings[0].Verify("user", []byte("x"), r.Sign([]byte("x"))) {
			t.Fatal("two processes hold different keys")
		}
	}
	left, _ := filepath.Glob(filepath.Join(dir, ".new-*"))
	if len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestNothingIsMadeUnlessAsked(t *testing.T) {
	dir := t.TempDir()
	if _, err := keys.Open(dir, "user", false); !errors.Is(err, keys.ErrNoKey) {
		t.Errorf("Open answered %v", err)
	}
	if _, err := keys.KEK(dir, false); !errors.Is(err, keys.ErrNoKey) {
		t.Errorf("KEK answered %v", err)
	}
	if _, err := keys.PublicRSA(dir, "party-beta"); !errors.Is(err, keys.ErrNoKey) {
		t.Errorf("PublicRSA answered %v", err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("made %d files", len(left))
	}
}

func TestPrivateFilesAreForTheirOwnerOnly(t *testing.T) {
	dir := t.TempDir()
	open(t, dir, "user")
	if _, err := keys.IndexMaster(dir, true); err != nil {
		t.Fatal(err)
	}
	if _, err := keys.RSA(dir, "merchant-beta", true); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		info, _ := e.Info()
		want := fs.FileMode(0o644)
		if strings.HasSuffix(e.Name(), ".key") {
			want = 0o600
		}
		if info.Mode().Perm() != want {
			t.Errorf("%s has mode %o", e.Name(), info.Mode().Perm())
		}
	}
	if err := os.Chmod(filepath.Join(dir, "user.sign.key"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := keys.Open(dir, "user", false); !errors.Is(err, keys.ErrExposed) {
		t.Errorf("an exposed key gave %v", err)
	}
}

func TestPartyKeysFitTheirPublicFiles(t *testing.T) {
	dir := t.TempDir()
	ed, err := keys.Ed25519(dir, "merchant-alpha", true)
	if err != nil {
		t.Fatal(err)
	}
	edPub, err := keys.PublicEd25519(dir, "merchant-alpha")
	if err != nil || !edPub.Equal(ed.Public()) {
		t.Errorf("Ed25519 public file does not fit: %v", err)
	}
	rs, err := keys.RSA(dir, "merchant-beta", true)
	if err != nil {
		t.Fatal(err)
	}
	rsPub, err := keys.PublicRSA(dir, "merchant-beta")
	if err != nil || !rsPub.Equal(rs.Public()) {
		t.Errorf("RSA public file does not fit: %v", err)
	}
	if _, err := keys.PublicRSA(dir, "merchant-alpha"); err == nil {
		t.Error("an Ed25519 file was read as RSA")
	}
	if _, err := keys.Ed25519(dir, "../up", true); err == nil {
		t.Error("a path was taken for a name")
	}
}

func TestTheMasterKeysStayTheSame(t *testing.T) {
	dir := t.TempDir()
	first, err := keys.KEK(dir, true)
	if err != nil {
		t.Fatal(err)
	}
	wrapped, err := first.Encrypt([]byte("keyset"), []byte("user=1"))
	if err != nil {
		t.Fatal(err)
	}
	again, err := keys.KEK(dir, false)
	if err != nil {
		t.Fatal(err)
	}
	if plain, err := again.Decrypt(wrapped, []byte("user=1")); err != nil || string(plain) != "keyset" {
		t.Errorf("cannot unwrap: %v", err)
	}
	a, errA := keys.IndexMaster(dir, true)
	b, errB := keys.IndexMaster(dir, false)
	if errA != nil || errB != nil || !bytes.Equal(a, b) {
		t.Error("the index key changed")
	}
}
