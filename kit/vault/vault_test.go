package vault_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	userv1 "github.com/hengdai/hengdai/api/user/v1"
	"github.com/hengdai/hengdai/api/user/v1/userv1connect"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/keys"
	"github.com/hengdai/hengdai/kit/secret"
	"github.com/hengdai/hengdai/kit/vault"
)

const (
	person = 4711
	plain  = "990000199003071234"
)

// source hands out keys of its own, one per person and class.
type source map[string]vault.Key

func (s source) ClassKey(_ context.Context, userID int64, class, _ string) ([]byte, error) {
	name := fmt.Sprint(userID, class)
	if _, ok := s[name]; !ok {
		k, err := vault.NewKey()
		if err != nil {
			return nil, err
		}
		s[name] = k
	}
	return s[name].Bytes(), nil
}

func TestASealedValueOpensOnlyWhereItBelongs(t *testing.T) {
	v := vault.New(source{})
	ctx := t.Context()
	sealed, err := v.Seal(ctx, person, "identity", "id_no", secret.New(plain))
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(sealed, []byte(plain)) {
		t.Fatal("the value can be read")
	}
	if got, err := v.Open(ctx, person, "identity", "contract", "id_no", sealed); err != nil || got.Reveal() != plain {
		t.Fatalf("it does not open: %v", err)
	}
	for name, fails := range map[string]func() error{
		"another field":  func() error { _, err := v.Open(ctx, person, "identity", "x", "name", sealed); return err },
		"another person": func() error { _, err := v.Open(ctx, person+1, "identity", "x", "id_no", sealed); return err },
		"another class":  func() error { _, err := v.Open(ctx, person, "transaction", "x", "id_no", sealed); return err },
		"nothing":        func() error { _, err := v.Open(ctx, person, "identity", "x", "id_no", nil); return err },
		"another algorithm": func() error {
			other := bytes.Clone(sealed)
			other[0]++
			_, err := v.Open(ctx, person, "identity", "x", "id_no", other)
			return err
		},
	} {
		if err := fails(); !errors.Is(err, vault.ErrSealed) {
			t.Errorf("with %s: %v", name, err)
		}
	}
}

func TestAnyChangedByteIsSeen(t *testing.T) {
	key, err := vault.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		value := rapid.SliceOfN(rapid.Byte(), 0, 200).Draw(t, "value")
		sealed, err := key.SealBytes(person, "f", value)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := key.OpenBytes(person, "f", sealed); err != nil || !bytes.Equal(got, value) {
			t.Fatalf("it does not come back: %v", err)
		}
		sealed[rapid.IntRange(0, len(sealed)-1).Draw(t, "at")] ^= byte(rapid.IntRange(1, 255).Draw(t, "by"))
		if _, err := key.OpenBytes(person, "f", sealed); err == nil {
			t.Fatal("a changed byte is not seen")
		}
	})
}

func TestAWrappedKeyNeedsItsKEKPersonAndClass(t *testing.T) {
	dir := t.TempDir()
	kek, err := keys.KEK(dir, true)
	if err != nil {
		t.Fatal(err)
	}
	other, err := keys.KEK(t.TempDir(), true)
	if err != nil {
		t.Fatal(err)
	}
	key, err := vault.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	wrapped, err := key.Wrap(kek, person, "identity")
	if err != nil {
		t.Fatal(err)
	}
	back, err := vault.Unwrap(kek, person, "identity", wrapped)
	if err != nil || !bytes.Equal(back.Bytes(), key.Bytes()) {
		t.Fatalf("it does not unwrap: %v", err)
	}
	if _, err := vault.Unwrap(other, person, "identity", wrapped); err == nil {
		t.Error("another KEK unwraps it")
	}
	if _, err := vault.Unwrap(kek, person+1, "identity", wrapped); err == nil {
		t.Error("it unwraps as another person's")
	}
	if _, err := vault.Unwrap(kek, person, "transaction", wrapped); err == nil {
		t.Error("it unwraps as another class")
	}
	if text := fmt.Sprintf("%v %+v %#v %s", key, key, key, key); strings.Trim(text, "* ") != "" {
		t.Errorf("a key prints as %q", text)
	}
}

func TestABlindIndexDependsOnKeyFieldAndValue(t *testing.T) {
	index := func(b byte) *vault.Index {
		x, err := vault.NewIndex(bytes.Repeat([]byte{b}, 32))
		if err != nil {
			t.Fatal(err)
		}
		return x
	}
	a, b := index(1), index(2)
	want := a.Of("mobile", secret.New("12000000001"))
	if want != a.Of("mobile", secret.New("12000000001")) || len(want) != 64 {
		t.Fatal("the same value gives another index")
	}
	if want == a.Of("card_mobile", secret.New("12000000001")) || want == a.Of("mobile", secret.New("12000000002")) || want == b.Of("mobile", secret.New("12000000001")) {
		t.Fatal("field, value or key do not matter")
	}
	if _, err := vault.NewIndex([]byte("short")); err == nil {
		t.Fatal("a short key is taken")
	}
}

// answering is user as Remote sees it: the generated client with one method.
type answering struct {
	userv1connect.InternalClient
	dir   string
	asked int
	gone  bool
	keys  source
}

func (a *answering) ClassKey(ctx context.Context, req *userv1.ClassKeyRequest) (*userv1.ClassKeyResponse, error) {
	a.asked++
	if a.gone {
		return nil, errs.New(errs.NotFound, "user.erased", "", "")
	}
	raw, err := a.keys.ClassKey(ctx, req.GetUserId(), req.GetClass(), req.GetPurpose())
	if err != nil {
		return nil, err
	}
	loan, err := keys.Open(a.dir, "loan", false)
	if err != nil {
		return nil, err
	}
	sealed, err := vault.SealTo(loan.PublicSeal("loan"), raw)
	return &userv1.ClassKeyResponse{SealedKeyset: sealed}, err
}

func TestARemoteVaultAsksOncePerPurposeAndForgetsOnErasure(t *testing.T) {
	dir := t.TempDir()
	ring, err := keys.Open(dir, "loan", true)
	if err != nil {
		t.Fatal(err)
	}
	user := &answering{dir: dir, keys: source{}}
	remote := vault.NewRemote(user, ring)
	v := vault.New(remote)
	var sealed []byte
	for range 5 {
		if sealed, err = v.Seal(t.Context(), person, "transaction", "contract", secret.New(plain)); err != nil {
			t.Fatal(err)
		}
		if got, err := v.Open(t.Context(), person, "transaction", "contract", "contract", sealed); err != nil || got.Reveal() != plain {
			t.Fatalf("it does not open: %v", err)
		}
	}
	if user.asked != 2 {
		t.Errorf("asked %d times for two purposes", user.asked)
	}
	user.gone = true
	remote.Forget(person)
	if _, err := v.Open(t.Context(), person, "transaction", "contract", "contract", sealed); errs.CodeOf(err) != errs.NotFound {
		t.Errorf("after erasure: %v", err)
	}
}
