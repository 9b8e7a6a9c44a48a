package user

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"unicode"

	"golang.org/x/crypto/argon2"
	"golang.org/x/sync/semaphore"

	"github.com/hengdai/hengdai/kit/secret"
)

// Argon2id with 19 MiB and two passes takes about 150 ms of a processor, so only a few run at a time.
const (
	argonMemory  = 19 * 1024
	argonTime    = 2
	argonThreads = 1
	argonKey     = 32
	argonSalt    = 16
	argonAtOnce  = 2
)

var errHash = errors.New("user: a stored password has an unknown form")

type passwords struct {
	gate *semaphore.Weighted
}

func newPasswords() *passwords { return &passwords{gate: semaphore.NewWeighted(argonAtOnce)} }

// hash answers the form in which a password is stored.
func (p *passwords) hash(ctx context.Context, password secret.String) (string, error) {
	salt := make([]byte, argonSalt)
	if _, err := rand.Read(salt); err != nil {
		return "", fmt.Errorf("drawing a salt: %w", err)
	}
	key, err := p.key(ctx, password, salt)
	if err != nil {
		return "", err
	}
	return "argon2id$v1$" + base64.RawStdEncoding.EncodeToString(salt) + "$" + base64.RawStdEncoding.EncodeToString(key), nil
}

// fits compares a password with what is stored. An empty stored one costs the same time and never fits: a login that does
// not exist takes as long as one that does.
func (p *passwords) fits(ctx context.Context, stored string, password secret.String) (bool, error) {
	salt, want := make([]byte, argonSalt), []byte{}
	if stored != "" {
		parts := strings.Split(stored, "$")
		if len(parts) != 4 || parts[0] != "argon2id" || parts[1] != "v1" {
			return false, errHash
		}
		var err, err2 error
		salt, err = base64.RawStdEncoding.DecodeString(parts[2])
		want, err2 = base64.RawStdEncoding.DecodeString(parts[3])
		if err != nil || err2 != nil || len(want) != argonKey {
			return false, errHash
		}
	}
	key, err := p.key(ctx, password, salt)
	return err == nil && subtle.ConstantTimeCompare(key, want) == 1, err
}

func (p *passwords) key(ctx context.Context, password secret.String, salt []byte) ([]byte, error) {
	if err := p.gate.Acquire(ctx, 1); err != nil {
		return nil, errLocked.Because(err)
	}
	defer p.gate.Release(1)
	return argon2.IDKey([]byte(password.Reveal()), salt, argonTime, argonMemory, argonThreads, argonKey), nil
}

// strongEnough asks for twelve characters of at least three kinds, or twenty of any.
func strongEnough(password secret.String) bool {
	kinds := map[string]bool{}
	n := 0
	for _, c := range password.Reveal() {
		n++
		switch {
		case unicode.IsLower(c):
			kinds["lower"] = true
		case unicode.IsUpper(c):
			kinds["upper"] = true
		case unicode.IsDigit(c):
			kinds["digit"] = true
		default:
			kinds["other"] = true
		}
	}
	return n >= 20 || (n >= 12 && len(kinds) >= 3)
}

// newPassword draws one of 120 bits that is strong enough.
func newPassword() (secret.String, error) {
	b := make([]byte, 15)
	if _, err := rand.Read(b); err != nil {
		return secret.String{}, fmt.Errorf("drawing a password: %w", err)
	}
	return secret.New(base64.RawURLEncoding.EncodeToString(b) + "-Hd7"), nil
}
